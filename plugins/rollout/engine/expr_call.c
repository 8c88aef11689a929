/* expr_call.c - the functions of a condition. */
#include "expr_value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct value truth(bool yes) {
    return (struct value){.kind = VALUE_BOOL, .number = yes ? 1 : 0};
}

static struct value whole(double number) {
    return (struct value){.kind = VALUE_INT, .number = number};
}

static struct value real(double number) {
    return (struct value){.kind = VALUE_FLOAT, .number = number};
}

/* ---- over the items of a list ---- */

struct tally {
    size_t yes;
    struct value found; /* the first that holds */
    struct value *kept; /* filter: those that hold; map: what became of each */
    size_t kept_count;
    double sum;
};

static bool ask_item(struct evaluation *e, const struct node *node, const struct value *item,
                     struct tally *tally) {
    struct value value = node->args > 1 ? expr_value(e, node->a->next) : *item;
    if (e->failed) return false;
    if (node->function == FN_MAP) {
        tally->kept[tally->kept_count++] = value;
        return true;
    }
    if (node->function == FN_SUM) {
        if (!value_is_number(&value)) expr_fail(e, node, "sum of %s", value_kind(&value));
        tally->sum += value.number;
        return !e->failed;
    }
    if (!value_true(e, node, value)) return !e->failed;
    if (!tally->yes++) tally->found = *item;
    if (tally->kept) tally->kept[tally->kept_count++] = *item;
    return true;
}

static struct value tell(const struct node *node, const struct tally *tally, size_t count) {
    switch (node->function) {
    case FN_ALL:
        return truth(tally->yes == count);
    case FN_ANY:
        return truth(tally->yes > 0);
    case FN_NONE:
        return truth(tally->yes == 0);
    case FN_ONE:
        return truth(tally->yes == 1);
    case FN_COUNT:
        return whole((double)tally->yes);
    case FN_SUM:
        return real(tally->sum);
    case FN_FIND:
        return tally->found;
    default:
        return (struct value){.kind = VALUE_LIST, .items = tally->kept, .size = tally->kept_count};
    }
}

static bool decided(const struct node *node, const struct tally *tally, size_t seen) {
    if (node->function == FN_ANY || node->function == FN_FIND) return tally->yes > 0;
    return node->function == FN_ALL && tally->yes < seen;
}

static struct value over_items(struct evaluation *e, const struct node *node, struct value list) {
    if (!value_items(e, node, &list)) return list;
    struct tally tally = {.found = {.kind = VALUE_NIL}};
    if (node->function == FN_MAP || node->function == FN_FILTER) {
        tally.kept = expr_alloc(&e->memory, (list.size + 1) * sizeof *tally.kept);
        if (!tally.kept) return expr_fail(e, node, "the list is too long");
    }
    const struct value outer = e->item;
    const size_t outer_place = e->place;
    size_t seen = 0;
    while (seen < list.size) {
        e->item = list.items[seen];
        e->place = seen++;
        if (!ask_item(e, node, &list.items[seen - 1], &tally)) break;
        if (decided(node, &tally, seen)) break;
    }
    e->item = outer;
    e->place = outer_place;
    return e->failed ? list : tell(node, &tally, seen);
}

/* ---- numbers of a list or of the arguments ---- */

static int by_size(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

static size_t flatten(struct evaluation *e, const struct node *node, struct value first,
                      double **out) {
    size_t count = 0, room = (size_t)node->args;
    const struct value *items = &first;
    if (node->args == 1 && first.kind == VALUE_LIST) {
        if (!value_items(e, node, &first)) return 0;
        items = first.items;
        room = first.size;
    }
    *out = expr_alloc(&e->memory, (room + 1) * sizeof **out);
    if (!*out) expr_fail(e, node, "the list is too long");
    const struct node *more = node->a->next;
    for (size_t i = 0; i < room && !e->failed; i++) {
        struct value item =
            items == &first && i ? expr_value(e, more) : items[items == &first ? 0 : i];
        if (items == &first && i) more = more->next;
        if (!e->failed && !value_is_number(&item))
            expr_fail(e, node, "a number is expected, not %s", value_kind(&item));
        (*out)[count++] = item.number;
    }
    return e->failed ? 0 : count;
}

static struct value of_numbers(struct evaluation *e, const struct node *node, struct value first) {
    double *numbers = NULL, sum = 0;
    const size_t count = flatten(e, node, first, &numbers);
    if (e->failed) return first;
    if (!count) {
        if (node->function == FN_MIN || node->function == FN_MAX)
            return expr_fail(e, node, "%s of an empty list", function_row(node->function)->name);
        return real(0);
    }
    if (node->function == FN_MEAN) {
        for (size_t i = 0; i < count; i++) sum += numbers[i];
        return real(sum / (double)count);
    }
    qsort(numbers, count, sizeof *numbers, by_size);
    if (node->function == FN_MIN) return real(numbers[0]);
    if (node->function == FN_MAX) return real(numbers[count - 1]);
    const double low = numbers[(count - 1) / 2], high = numbers[count / 2];
    return real((low + high) / 2);
}

/* ---- conversions ---- */

static struct value from_text(struct evaluation *e, const struct node *node, struct value text,
                              bool to_int) {
    char *end = NULL;
    const bool plain = text.size && !isspace((unsigned char)text.text[0]);
    const double number = to_int ? (double)strtoll(text.text, &end, 10) : strtod(text.text, &end);
    if (!plain || *end)
        return expr_fail(e, node, "%s: \"%.40s\" is no %s", function_row(node->function)->name,
                         text.text, to_int ? "whole number" : "number");
    return to_int ? whole(number) : real(number);
}

static struct value convert(struct evaluation *e, const struct node *node, struct value value,
                            bool to_int) {
    if (value.kind == VALUE_TEXT) return from_text(e, node, value, to_int);
    if (!value_is_number(&value))
        return expr_fail(e, node, "%s() not supported on %s", function_row(node->function)->name,
                         value_kind(&value));
    if (!to_int) return real(value.number);
    if (!isfinite(value.number)) return expr_fail(e, node, "no whole number: %g", value.number);
    return whole(trunc(value.number));
}

static struct value as_text(struct evaluation *e, const struct node *node, struct value value) {
    if (value.kind == VALUE_TEXT) return value;
    char *text = expr_alloc(&e->memory, 40);
    if (!text) return expr_fail(e, node, "the string becomes too long");
    if (value.kind == VALUE_BOOL)
        (void)snprintf(text, 40, "%s", value.number != 0 ? "true" : "false");
    else if (value_is_number(&value))
        (void)snprintf(text, 40, "%.15g", value.number);
    else
        return expr_fail(e, node, "string() of %s", value_kind(&value));
    return (struct value){.kind = VALUE_TEXT, .text = text, .size = strlen(text)};
}

static struct value cased(struct evaluation *e, const struct node *node, struct value value) {
    if (value.kind != VALUE_TEXT)
        return expr_fail(e, node, "a string is expected, not %s", value_kind(&value));
    size_t from = 0, to = value.size;
    if (node->function == FN_TRIM) {
        while (from < to && isspace((unsigned char)value.text[from])) from++;
        while (to > from && isspace((unsigned char)value.text[to - 1])) to--;
    }
    char *text = expr_alloc(&e->memory, to - from + 1);
    if (!text) return expr_fail(e, node, "the string becomes too long");
    for (size_t i = from; i < to; i++) {
        const unsigned char c = (unsigned char)value.text[i];
        text[i - from] = (char)(node->function == FN_LOWER   ? tolower(c)
                                : node->function == FN_UPPER ? toupper(c)
                                                             : c);
    }
    return (struct value){.kind = VALUE_TEXT, .text = text, .size = to - from};
}

static struct value rounded(struct evaluation *e, const struct node *node, struct value value) {
    if (!value_is_number(&value))
        return expr_fail(e, node, "a number is expected, not %s", value_kind(&value));
    switch (node->function) {
    case FN_ABS:
        value.number = fabs(value.number);
        return value;
    case FN_CEIL:
        return real(ceil(value.number));
    case FN_FLOOR:
        return real(floor(value.number));
    default:
        return real(round(value.number));
    }
}

static struct value length(struct evaluation *e, const struct node *node, struct value value) {
    if (value.kind == VALUE_TEXT) return whole((double)value.size);
    if (value.kind == VALUE_MAP) return whole(cJSON_GetArraySize(value.json));
    if (value.kind != VALUE_LIST)
        return expr_fail(e, node, "invalid argument for len (type %s)", value_kind(&value));
    return value_items(e, node, &value) ? whole((double)value.size) : value;
}

static struct value end_of(struct evaluation *e, const struct node *node, struct value list) {
    if (!value_items(e, node, &list) || !list.size) return (struct value){.kind = VALUE_NIL};
    return list.items[node->function == FN_FIRST ? 0 : list.size - 1];
}

static struct value parts_of(struct evaluation *e, const struct node *node, struct value map) {
    if (map.kind != VALUE_MAP)
        return expr_fail(e, node, "a map is expected, not %s", value_kind(&map));
    const size_t count = (size_t)cJSON_GetArraySize(map.json);
    struct value *items = expr_alloc(&e->memory, (count + 1) * sizeof *items);
    if (!items) return expr_fail(e, node, "the map is too large");
    size_t at = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, map.json) {
        const struct value key = {
            .kind = VALUE_TEXT, .text = item->string, .size = strlen(item->string)};
        items[at++] = node->function == FN_KEYS ? key : value_of_json(item);
    }
    return (struct value){.kind = VALUE_LIST, .items = items, .size = count};
}

static struct value about_number(struct evaluation *e, const struct node *node,
                                 struct value value) {
    if (!value_is_number(&value))
        return expr_fail(e, node, "%s needs a number, not %s", function_row(node->function)->name,
                         value_kind(&value));
    return truth(node->function == FN_IS_NAN ? isnan(value.number) : isinf(value.number));
}

static struct value convert_or_test(struct evaluation *e, const struct node *node,
                                    struct value first) {
    switch (node->function) {
    case FN_AS_INT:
    case FN_INT:
        return convert(e, node, first, true);
    case FN_AS_FLOAT:
    case FN_FLOAT:
        return convert(e, node, first, false);
    case FN_STRING:
        return as_text(e, node, first);
    case FN_IS_NAN:
    case FN_IS_INF:
        return about_number(e, node, first);
    case FN_IS_NIL: /* both look at the result, whatever is written inside: as upstream */
        return truth(e->result.kind == VALUE_NIL);
    default:
        return e->result.kind == VALUE_NIL ? expr_value(e, node->a->next) : e->result;
    }
}

struct value expr_call(struct evaluation *e, const struct node *node) {
    const struct value first = expr_value(e, node->a);
    if (e->failed) return first;
    switch (node->function) {
    case FN_ALL:
    case FN_ANY:
    case FN_NONE:
    case FN_ONE:
    case FN_FILTER:
    case FN_MAP:
    case FN_COUNT:
    case FN_FIND:
    case FN_SUM:
        return over_items(e, node, first);
    case FN_MEAN:
    case FN_MEDIAN:
    case FN_MIN:
    case FN_MAX:
        return of_numbers(e, node, first);
    case FN_ABS:
    case FN_CEIL:
    case FN_FLOOR:
    case FN_ROUND:
        return rounded(e, node, first);
    case FN_LEN:
        return length(e, node, first);
    case FN_LOWER:
    case FN_UPPER:
    case FN_TRIM:
        return cased(e, node, first);
    case FN_FIRST:
    case FN_LAST:
        return end_of(e, node, first);
    case FN_KEYS:
    case FN_VALUES:
        return parts_of(e, node, first);
    default:
        return convert_or_test(e, node, first);
    }
}
