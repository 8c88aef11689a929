/* expr_tree.h - the parsed form of a condition: shared by its reader and its evaluation. */
#ifndef ROLLOUT_EXPR_TREE_H
#define ROLLOUT_EXPR_TREE_H

#include "expr.h"

enum node_kind {
    NODE_NIL,
    NODE_BOOL,
    NODE_INT,
    NODE_FLOAT,
    NODE_TEXT,
    NODE_LIST,    /* a: first item, items by `next` */
    NODE_RESULT,  /* the name `result` */
    NODE_ITEM,    /* # */
    NODE_PLACE,   /* #index */
    NODE_MEMBER,  /* a.text */
    NODE_INDEX,   /* a[b] */
    NODE_SLICE,   /* a[b:c], b or c may be missing */
    NODE_CALL,    /* function(a, a->next, ...) */
    NODE_NOT,     /* !a */
    NODE_MINUS,   /* -a */
    NODE_TERNARY, /* a ? b : c */
    NODE_BINARY   /* a op b */
};

enum operation {
    OP_OR,
    OP_AND,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_GT,
    OP_LE,
    OP_GE,
    OP_IN,
    OP_NOT_IN,
    OP_CONTAINS,
    OP_STARTS,
    OP_ENDS,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_POW,
    OP_ELSE /* ?? */
};

enum function {
    FN_LEN,
    FN_ALL,
    FN_ANY,
    FN_NONE,
    FN_ONE,
    FN_FILTER,
    FN_MAP,
    FN_COUNT,
    FN_FIND,
    FN_SUM,
    FN_MEAN,
    FN_MEDIAN,
    FN_MIN,
    FN_MAX,
    FN_ABS,
    FN_CEIL,
    FN_FLOOR,
    FN_ROUND,
    FN_INT,
    FN_FLOAT,
    FN_STRING,
    FN_LOWER,
    FN_UPPER,
    FN_TRIM,
    FN_FIRST,
    FN_LAST,
    FN_KEYS,
    FN_VALUES,
    FN_AS_INT,
    FN_AS_FLOAT,
    FN_IS_NAN,
    FN_IS_INF,
    FN_IS_NIL,
    FN_DEFAULT
};

struct node {
    enum node_kind kind;
    enum operation op;
    enum function function;
    int args;      /* of a call */
    bool optional; /* ?. and ?.[ : nil stays nil */
    int at;        /* place in the text, from 1 */
    double number; /* int, float, bool */
    const char *text;
    size_t size;
    struct node *a, *b, *c, *next;
};

/* A bump allocator with a ceiling; gives NULL when that is reached. */
struct expr_memory {
    struct expr_chunk *chunks;
    size_t used;
};
void *expr_alloc(struct expr_memory *memory, size_t size);
void expr_free(struct expr_memory *memory);

struct function_row {
    const char *name;
    int least, most; /* arguments */
    bool predicate;  /* the second argument is asked once an item */
};
const struct function_row *function_row(enum function function);
/* -1: no such function */
int function_find(const char *name, size_t size);

/* NULL: `fault` says why. */
struct node *expr_parse(struct expr_memory *memory, const char *text, char fault[EXPR_FAULT_BYTES]);

#endif
