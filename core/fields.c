/* fields.c - checks a tree against rows and completes it. Runs on every request: without faults and
 * defaults it allocates nothing, and members in the order of the rows are found at once. */
#include "fields.h"
#include "arena.h"
#include "fields_check.h"

#include <math.h>
#include <string.h>

static const double whole_max = 9007199254740991.0; /* 2^53 - 1 */

static void check_value(struct check *check, const struct place *place, const struct wanted *wanted,
                        cJSON *value);

static bool within(const struct wanted *wanted, double amount) {
    const sl_field *row = wanted->row;
    return !wanted->bounded || !row_is_bounded(row) || (amount >= row->min && amount <= row->max);
}

static bool string_fits(const struct wanted *wanted, const cJSON *value) {
    if (!cJSON_IsString(value)) return false;
    const char *text = value->valuestring;
    size_t size = strlen(text);
    bool own = wanted->bounded && row_is_bounded(wanted->row);
    if (!own && size > STRING_BYTES_MAX) return false;
    if (own && !within(wanted, (double)size)) return false;
    if (!wanted->row->format) return true;
    const struct field_format *format = field_format(wanted->row->format);
    return !format || format->fits(text);
}

static bool number_fits(const struct wanted *wanted, const cJSON *value, bool whole) {
    if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble)) return false;
    double number = value->valuedouble;
    if (whole && (number != trunc(number) || fabs(number) > whole_max)) return false;
    return within(wanted, number);
}

/* Is `text` one of "dev|stage|prod"? */
static bool enum_has(const char *values, const char *text) {
    size_t size = strlen(text);
    for (const char *at = values; at && size;) {
        const char *end = strchrnul(at, '|');
        if ((size_t)(end - at) == size && memcmp(at, text, size) == 0) return true;
        at = *end ? end + 1 : NULL;
    }
    return false;
}

/* Text or a number of `unit`s becomes a whole number of the smallest unit, in place. */
static bool amount_fits(const struct wanted *wanted, cJSON *value) {
    double amount = -1;
    bool time = wanted->type == SL_T_DURATION;
    if (cJSON_IsNumber(value)) {
        amount = value->valuedouble * (time ? 1000.0 : 1.0);
        if (time) amount = nearbyint(amount); /* 0.1 s are 100 ms */
    } else if (cJSON_IsString(value)) {
        const char *text = value->valuestring;
        amount = (double)(time ? duration_parse(text) : size_parse(text));
    }
    if (!(amount >= 0) || amount > whole_max || amount != trunc(amount)) return false;
    if (!within(wanted, amount)) return false;
    if (cJSON_IsString(value)) {
        /* A node in an arena may share its text with another tree. */
        if (!arena_owns(value)) cJSON_free(value->valuestring);
        value->valuestring = NULL;
        value->type = cJSON_Number | (value->type & cJSON_StringIsConst);
    }
    cJSON_SetNumberHelper(value, amount);
    return true;
}

static bool scalar_fits(const struct wanted *wanted, cJSON *value) {
    switch (wanted->type) {
    case SL_T_STRING:
        return string_fits(wanted, value);
    case SL_T_INT:
        return number_fits(wanted, value, true);
    case SL_T_NUMBER:
        return number_fits(wanted, value, false);
    case SL_T_BOOL:
        return cJSON_IsBool(value);
    case SL_T_ENUM:
        return cJSON_IsString(value) && enum_has(wanted->row->values, value->valuestring);
    case SL_T_DURATION:
    case SL_T_SIZE:
        return amount_fits(wanted, value);
    default:
        return true; /* SL_T_ANY, and types that are not known here */
    }
}

static void check_items(struct check *check, const struct place *place, const sl_field *row,
                        cJSON *value) {
    struct wanted wanted = {.row = row, .type = row->item};
    struct place item = {.parent = place, .depth = place->depth + 1};
    bool map = row->type == SL_T_MAP;
    for (cJSON *child = value->child; child; child = child->next, item.index++) {
        item.name = map ? child->string : NULL;
        if (wanted.type) check_value(check, &item, &wanted, child);
    }
    double least = row_is_bounded(row) ? row->min : 0;
    double most = row_is_bounded(row) ? row->max : LIST_ITEMS_MAX;
    if ((double)item.index < least || (double)item.index > most) {
        tell_count(check, place, row, item.index);
    }
}

/* Adds the default of `row` to the end of `object`. */
static void add_default(struct check *check, const struct place *place, const sl_field *row,
                        cJSON *object) {
    cJSON *value = field_from_text(row, row->def, strlen(row->def));
    cJSON_AddItemToObjectCS(object, row->name, value);
    const struct place own = {.parent = place, .name = row->name, .depth = place->depth + 1};
    const struct wanted wanted = {.row = row, .type = row->type, .bounded = true};
    check_value(check, &own, &wanted, value);
}

static const cJSON *member_of(const cJSON *object, const char *name) {
    for (const cJSON *child = object->child; child; child = child->next) {
        if (strcmp(child->string, name) == 0) return child;
    }
    return NULL;
}

static void check_absent(struct check *check, const struct place *place, const sl_field *rows,
                         cJSON *object, uint64_t seen) {
    size_t i = 0;
    for (const sl_field *row = rows; row->name; row = row_after(row, check->row_size), i++) {
        bool there = i < FIELDS_MAX ? seen >> i & 1 : member_of(object, row->name) != NULL;
        if (there) continue;
        if (row->def) {
            add_default(check, place, row, object);
        } else if (row->flags & SL_REQUIRED) {
            tell_missing(check, place, row);
        }
    }
}

/* The row named `name`, looked for from the one after the last found; its number in `*at`. */
static const sl_field *find_row(const struct check *check, const sl_field *rows, const char *name,
                                size_t *at) {
    const sl_field *row = row_after(rows, check->row_size * *at);
    for (size_t i = *at; row->name; row = row_after(row, check->row_size), i++) {
        if (strcmp(row->name, name) == 0) {
            *at = i;
            return row;
        }
    }
    row = rows;
    for (size_t i = 0; i < *at; row = row_after(row, check->row_size), i++) {
        if (strcmp(row->name, name) == 0) {
            *at = i;
            return row;
        }
    }
    return NULL;
}

static void check_object(struct check *check, const struct place *place, const sl_field *rows,
                         cJSON *object, bool open) {
    uint64_t seen = 0;
    size_t at = 0;
    struct place own = {.parent = place, .depth = place->depth + 1};
    for (cJSON *child = object->child, *next; child; child = next) {
        next = child->next;
        own.name = child->string;
        const sl_field *row = find_row(check, rows, child->string, &at);
        if (!row) {
            if (!open) tell_unknown(check, &own, rows);
            continue;
        }
        size_t index = at++;
        if (cJSON_IsNull(child) && row->def && (row->flags & SL_NULLABLE)) {
            /* Absent: leave it to its default. */
            cJSON_DetachItemViaPointer(object, child);
            if (!arena_owns(child)) cJSON_Delete(child);
            continue;
        }
        if (index < FIELDS_MAX) seen |= UINT64_C(1) << index;
        const struct wanted wanted = {.row = row, .type = row->type, .bounded = true};
        check_value(check, &own, &wanted, child);
    }
    check_absent(check, place, rows, object, seen);
}

static void check_nested(struct check *check, const struct place *place,
                         const struct wanted *wanted, cJSON *value) {
    const sl_field *row = wanted->row;
    if (place->depth >= FIELDS_DEPTH_MAX) {
        tell_depth(check, place);
    } else if (wanted->type == SL_T_OBJECT) {
        if (row->fields) {
            check_object(check, place, row->fields, value, (row->flags & SL_OPEN) != 0);
        }
    } else if (wanted->bounded) {
        check_items(check, place, row, value);
    } /* else a list of lists: what is inside is free */
}

static void check_value(struct check *check, const struct place *place, const struct wanted *wanted,
                        cJSON *value) {
    if (cJSON_IsNull(value) && (wanted->row->flags & SL_NULLABLE)) return;
    bool nested =
        wanted->type == SL_T_OBJECT || wanted->type == SL_T_LIST || wanted->type == SL_T_MAP;
    bool fits = nested ? (wanted->type == SL_T_LIST ? cJSON_IsArray(value) : cJSON_IsObject(value))
                       : scalar_fits(wanted, value);
    if (!fits) {
        tell_wrong_value(check, place, wanted, value);
    } else if (nested) {
        check_nested(check, place, wanted, value);
    }
}

bool fields_check(struct field_rows rows, cJSON *object, bool open, struct field_sink *sink) {
    static const sl_field none[] = {SL_END};
    struct check check = {.sink = sink, .row_size = rows.row_size, .ok = true};
    struct arena *before = arena_use(sink->arena);
    const struct place root = {0};
    check_object(&check, &root, rows.first ? rows.first : none, object, open);
    arena_use(before);
    return check.ok;
}

const sl_field *field_find(struct field_rows rows, const char *name) {
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) {
        if (strcmp(row->name, name) == 0) return row;
    }
    return NULL;
}

const sl_field *field_next(struct field_rows rows, const sl_field *row) {
    row = row ? row_after(row, rows.row_size) : rows.first;
    return row && row->name ? row : NULL;
}
