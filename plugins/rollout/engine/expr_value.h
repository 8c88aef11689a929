/* expr_value.h - values while a condition is evaluated. */
#ifndef ROLLOUT_EXPR_VALUE_H
#define ROLLOUT_EXPR_VALUE_H

#include "expr_tree.h"

enum value_kind {
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_MAP
};

struct value {
    enum value_kind kind;
    double number;
    size_t size; /* of text: bytes; of a list: items */
    union {
        const char *text; /* ends in NUL */
        const struct value *items;
    };
    const cJSON *json; /* of a map, and of a list whose items were not asked for yet */
};

struct evaluation {
    struct expr_memory memory;
    struct value result, item;
    size_t place;
    int steps;
    bool failed;
    char *fault;
};

struct value expr_value(struct evaluation *e, const struct node *node);
struct value expr_call(struct evaluation *e, const struct node *node);
struct value expr_fail(struct evaluation *e, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct value value_of_json(const cJSON *json);
const char *value_kind(const struct value *value);
bool value_items(struct evaluation *e, const struct node *node, struct value *list);
bool value_is_number(const struct value *value);
bool value_true(struct evaluation *e, const struct node *node, struct value value);

#endif
