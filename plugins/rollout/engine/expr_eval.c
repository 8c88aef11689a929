/* expr_eval.c - evaluates a condition's tree over a measured value. */
#include "expr_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct value expr_fail(struct evaluation *e, const struct node *node, const char *format, ...) {
    if (!e->failed) {
        char why[160];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(why, sizeof why, format, args);
        va_end(args);
        if (node && node->at)
            (void)snprintf(e->fault, EXPR_FAULT_BYTES, "column %d: %s", node->at, why);
        else
            (void)snprintf(e->fault, EXPR_FAULT_BYTES, "%s", why);
    }
    e->failed = true;
    return (struct value){.kind = VALUE_NIL};
}

const char *value_kind(const struct value *value) {
    static const char *const names[] = {
        "<nil>", "bool", "int", "float64", "string", "[]interface {}", "map[string]interface {}"};
    return names[value->kind];
}

struct value value_of_json(const cJSON *json) {
    if (cJSON_IsBool(json))
        return (struct value){.kind = VALUE_BOOL, .number = cJSON_IsTrue(json) ? 1 : 0};
    if (cJSON_IsNumber(json))
        return (struct value){.kind = VALUE_FLOAT, .number = json->valuedouble};
    if (cJSON_IsString(json))
        return (struct value){
            .kind = VALUE_TEXT, .text = json->valuestring, .size = strlen(json->valuestring)};
    if (cJSON_IsArray(json)) return (struct value){.kind = VALUE_LIST, .json = json};
    if (cJSON_IsObject(json)) return (struct value){.kind = VALUE_MAP, .json = json};
    return (struct value){.kind = VALUE_NIL};
}

/* A list of JSON gets its items as an array on first use. */
bool value_items(struct evaluation *e, const struct node *node, struct value *list) {
    if (list->kind != VALUE_LIST) {
        expr_fail(e, node, "a list is expected, not %s", value_kind(list));
        return false;
    }
    if (!list->json) return true;
    const cJSON *item;
    size_t count = 0;
    cJSON_ArrayForEach(item, list->json) count++;
    struct value *items = expr_alloc(&e->memory, (count + 1) * sizeof *items);
    if (!items) {
        expr_fail(e, node, "the measured value is too large");
        return false;
    }
    count = 0;
    cJSON_ArrayForEach(item, list->json) items[count++] = value_of_json(item);
    *list = (struct value){.kind = VALUE_LIST, .items = items, .size = count};
    return true;
}

bool value_is_number(const struct value *value) {
    return value->kind == VALUE_INT || value->kind == VALUE_FLOAT;
}

static bool same(struct evaluation *e, struct value a, struct value b);

static bool same_lists(struct evaluation *e, struct value a, struct value b) {
    if (!value_items(e, NULL, &a) || !value_items(e, NULL, &b) || a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++)
        if (!same(e, a.items[i], b.items[i])) return false;
    return true;
}

static bool same(struct evaluation *e, struct value a, struct value b) {
    if (value_is_number(&a) && value_is_number(&b)) return a.number == b.number;
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case VALUE_BOOL:
        return a.number == b.number;
    case VALUE_TEXT:
        return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
    case VALUE_LIST:
        return same_lists(e, a, b);
    case VALUE_MAP:
        return cJSON_Compare(a.json, b.json, 1) != 0;
    default:
        return true;
    }
}

static struct value truth(bool yes) {
    return (struct value){.kind = VALUE_BOOL, .number = yes ? 1 : 0};
}

bool value_true(struct evaluation *e, const struct node *node, struct value value) {
    if (value.kind != VALUE_BOOL)
        expr_fail(e, node, "bool expected, but got %s", value_kind(&value));
    return value.kind == VALUE_BOOL && value.number != 0;
}

static struct value order(struct evaluation *e, const struct node *node, struct value a,
                          struct value b) {
    double left = a.number, right = b.number;
    if (a.kind == VALUE_TEXT && b.kind == VALUE_TEXT) {
        const int sign = strcmp(a.text, b.text);
        left = sign, right = 0;
    } else if (!value_is_number(&a) || !value_is_number(&b)) {
        return expr_fail(e, node, "%s and %s cannot be compared by size", value_kind(&a),
                         value_kind(&b));
    }
    switch (node->op) {
    case OP_LT:
        return truth(left < right);
    case OP_GT:
        return truth(left > right);
    case OP_LE:
        return truth(left <= right);
    default:
        return truth(left >= right);
    }
}

static struct value join(struct evaluation *e, const struct node *node, struct value a,
                         struct value b) {
    char *text = expr_alloc(&e->memory, a.size + b.size + 1);
    if (!text) return expr_fail(e, node, "the string becomes too long");
    memcpy(text, a.text, a.size);
    memcpy(text + a.size, b.text, b.size);
    return (struct value){.kind = VALUE_TEXT, .text = text, .size = a.size + b.size};
}

static struct value arithmetic(struct evaluation *e, const struct node *node, struct value a,
                               struct value b) {
    if (node->op == OP_ADD && a.kind == VALUE_TEXT && b.kind == VALUE_TEXT)
        return join(e, node, a, b);
    if (!value_is_number(&a) || !value_is_number(&b))
        return expr_fail(e, node, "no arithmetic with %s and %s", value_kind(&a), value_kind(&b));
    const bool whole = a.kind == VALUE_INT && b.kind == VALUE_INT;
    struct value out = {.kind = whole ? VALUE_INT : VALUE_FLOAT};
    switch (node->op) {
    case OP_ADD:
        out.number = a.number + b.number;
        break;
    case OP_SUB:
        out.number = a.number - b.number;
        break;
    case OP_MUL:
        out.number = a.number * b.number;
        break;
    case OP_MOD:
        if (!whole) return expr_fail(e, node, "%% needs two whole numbers");
        if (b.number == 0) return expr_fail(e, node, "division by zero");
        out.number = fmod(a.number, b.number);
        break;
    case OP_POW:
        out = (struct value){.kind = VALUE_FLOAT, .number = pow(a.number, b.number)};
        break;
    default: /* always a float, and 1/0 is infinite, as upstream */
        out = (struct value){.kind = VALUE_FLOAT, .number = a.number / b.number};
    }
    return out;
}

static bool contains(const struct value *text, const struct value *piece) {
    return memmem(text->text, text->size, piece->text, piece->size) != NULL;
}

static struct value of_texts(struct evaluation *e, const struct node *node, struct value a,
                             struct value b) {
    if (a.kind != VALUE_TEXT || b.kind != VALUE_TEXT)
        return expr_fail(e, node, "two strings are expected, not %s and %s", value_kind(&a),
                         value_kind(&b));
    if (node->op == OP_CONTAINS) return truth(contains(&a, &b));
    if (b.size > a.size) return truth(false);
    const char *where = node->op == OP_STARTS ? a.text : a.text + a.size - b.size;
    return truth(memcmp(where, b.text, b.size) == 0);
}

static bool is_in(struct evaluation *e, const struct node *node, struct value item,
                  struct value list) {
    if (list.kind == VALUE_NIL) return false;
    if (list.kind == VALUE_MAP)
        return item.kind == VALUE_TEXT && cJSON_GetObjectItemCaseSensitive(list.json, item.text);
    if (!value_items(e, node, &list)) return false;
    for (size_t i = 0; i < list.size; i++)
        if (same(e, item, list.items[i])) return true;
    return false;
}

static struct value binary(struct evaluation *e, const struct node *node) {
    struct value a = expr_value(e, node->a);
    if (e->failed) return a;
    if (node->op == OP_AND || node->op == OP_OR) {
        const bool left = value_true(e, node, a);
        if (e->failed || left == (node->op == OP_OR)) return truth(left);
        return truth(value_true(e, node, expr_value(e, node->b)));
    }
    if (node->op == OP_ELSE && a.kind != VALUE_NIL) return a;
    struct value b = expr_value(e, node->b);
    if (e->failed) return b;
    switch (node->op) {
    case OP_ELSE:
        return b;
    case OP_EQ:
        return truth(same(e, a, b));
    case OP_NE:
        return truth(!same(e, a, b));
    case OP_LT:
    case OP_GT:
    case OP_LE:
    case OP_GE:
        return order(e, node, a, b);
    case OP_IN:
        return truth(is_in(e, node, a, b));
    case OP_NOT_IN:
        return truth(!is_in(e, node, a, b));
    case OP_CONTAINS:
    case OP_STARTS:
    case OP_ENDS:
        return of_texts(e, node, a, b);
    default:
        return arithmetic(e, node, a, b);
    }
}

/* ---- members and items ---- */

static struct value member_named(struct evaluation *e, const struct node *node, struct value of,
                                 const char *name, size_t size) {
    if (of.kind == VALUE_NIL && node->optional) return of;
    if (of.kind != VALUE_MAP)
        return expr_fail(e, node, "cannot fetch %.*s from %s", (int)(size < 60 ? size : 60), name,
                         value_kind(&of));
    const cJSON *item;
    cJSON_ArrayForEach(item, of.json) {
        if (strlen(item->string) == size && memcmp(item->string, name, size) == 0)
            return value_of_json(item);
    }
    return (struct value){.kind = VALUE_NIL}; /* as a Go map */
}

static bool whole_number(struct evaluation *e, const struct node *node, struct value value,
                         double *out) {
    *out = value.number;
    if (value_is_number(&value) && value.number == floor(value.number)) return true;
    expr_fail(e, node, "an index is a whole number");
    return false;
}

static struct value index_of(struct evaluation *e, const struct node *node) {
    struct value of = expr_value(e, node->a), at = expr_value(e, node->b);
    if (e->failed) return of;
    if (at.kind == VALUE_TEXT) return member_named(e, node, of, at.text, at.size);
    if (of.kind == VALUE_NIL && node->optional) return of;
    double place;
    if (!whole_number(e, node, at, &place)) return at;
    if (of.kind == VALUE_NIL) return expr_fail(e, node, "cannot fetch %.0f from <nil>", place);
    if (!value_items(e, node, &of)) return of;
    if (place < 0) place += (double)of.size;
    if (!(place >= 0 && place < (double)of.size))
        return expr_fail(e, node, "index out of range: %.0f (the list has %zu)", at.number,
                         of.size);
    return of.items[(size_t)place];
}

static bool bound(struct evaluation *e, const struct node *node, const struct node *end,
                  double size, double *out) {
    if (!end) return true;
    if (!whole_number(e, node, expr_value(e, end), out)) return false;
    if (*out < 0) *out += size;
    if (*out < 0) *out = 0;
    if (*out > size) *out = size;
    return true;
}

static struct value slice(struct evaluation *e, const struct node *node) {
    struct value of = expr_value(e, node->a);
    if (e->failed || (of.kind != VALUE_TEXT && !value_items(e, node, &of))) return of;
    double from = 0, to = (double)of.size;
    if (!bound(e, node, node->b, (double)of.size, &from) ||
        !bound(e, node, node->c, (double)of.size, &to))
        return of;
    if (from > to) from = to;
    struct value out = {.kind = of.kind, .size = (size_t)(to - from)};
    if (of.kind == VALUE_LIST) {
        out.items = of.items + (size_t)from;
        return out;
    }
    const struct value piece = {.text = of.text + (size_t)from, .size = out.size},
                       none = {.text = ""};
    return join(e, node, piece, none);
}

static struct value list_of(struct evaluation *e, const struct node *node) {
    size_t count = 0;
    for (const struct node *item = node->a; item; item = item->next) count++;
    struct value *items = expr_alloc(&e->memory, (count + 1) * sizeof *items);
    if (!items) return expr_fail(e, node, "the list is too long");
    count = 0;
    for (const struct node *item = node->a; item; item = item->next)
        items[count++] = expr_value(e, item);
    return (struct value){.kind = VALUE_LIST, .items = items, .size = count};
}

static struct value minus(struct evaluation *e, const struct node *node) {
    struct value value = expr_value(e, node->a);
    if (!e->failed && !value_is_number(&value))
        return expr_fail(e, node, "a number is expected after -, not %s", value_kind(&value));
    value.number = -value.number;
    return value;
}

struct value expr_value(struct evaluation *e, const struct node *node) {
    if (e->failed) return (struct value){.kind = VALUE_NIL};
    if (++e->steps > EXPR_STEPS_MAX) return expr_fail(e, node, "the condition takes too long");
    switch (node->kind) {
    case NODE_BOOL:
        return truth(node->number != 0);
    case NODE_INT:
        return (struct value){.kind = VALUE_INT, .number = node->number};
    case NODE_FLOAT:
        return (struct value){.kind = VALUE_FLOAT, .number = node->number};
    case NODE_TEXT:
        return (struct value){.kind = VALUE_TEXT, .text = node->text, .size = node->size};
    case NODE_LIST:
        return list_of(e, node);
    case NODE_RESULT:
        return e->result;
    case NODE_ITEM:
        return e->item;
    case NODE_PLACE:
        return (struct value){.kind = VALUE_INT, .number = (double)e->place};
    case NODE_MEMBER:
        return member_named(e, node, expr_value(e, node->a), node->text, node->size);
    case NODE_INDEX:
        return index_of(e, node);
    case NODE_SLICE:
        return slice(e, node);
    case NODE_CALL:
        return expr_call(e, node);
    case NODE_NOT:
        return truth(!value_true(e, node, expr_value(e, node->a)));
    case NODE_MINUS:
        return minus(e, node);
    case NODE_TERNARY:
        return expr_value(e, value_true(e, node, expr_value(e, node->a)) ? node->b : node->c);
    case NODE_BINARY:
        return binary(e, node);
    default:
        return (struct value){.kind = VALUE_NIL};
    }
}

/* ---- the face ---- */

static bool is_nothing(const cJSON *result) {
    return !result || cJSON_IsNull(result) || (cJSON_IsArray(result) && !result->child);
}

static enum expr_answer answer(struct evaluation *e, const struct node *tree, const cJSON *result) {
    const struct value value = expr_value(e, tree);
    if (!e->failed && value.kind != VALUE_BOOL)
        expr_fail(e, NULL, "expected bool, but got %s", value_kind(&value));
    if (!e->failed) return value.number != 0 ? EXPR_TRUE : EXPR_FALSE;
    if (is_nothing(result)) /* the one cause that users meet: say it plainly */
        (void)snprintf(e->fault, EXPR_FAULT_BYTES,
                       "metric result is nil or empty: no data returned from the metric provider");
    return EXPR_FAULT;
}

enum expr_answer expr_judge(const char *text, const cJSON *result, char fault[EXPR_FAULT_BYTES]) {
    struct evaluation e = {.fault = fault};
    const struct node *tree = expr_parse(&e.memory, text, fault);
    enum expr_answer found = EXPR_FAULT;
    if (tree) {
        e.result = value_of_json(result);
        found = answer(&e, tree, result);
    }
    expr_free(&e.memory);
    return found;
}

bool expr_check(const char *text, char fault[EXPR_FAULT_BYTES]) {
    struct expr_memory memory = {0};
    const bool fine = expr_parse(&memory, text, fault) != NULL;
    expr_free(&memory);
    return fine;
}
