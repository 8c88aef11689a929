/* fields_trouble.c - faults of declarations, found when a plugin is loaded and not by its users. */
#include "arena.h"
#include "fields.h"
#include "fields_check.h"
#include "json.h"

#include <string.h>

enum { NESTING_MAX = 16 };

static bool is_name(const char *name) {
    size_t size =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$");
    return size && !name[size] && size <= 64;
}

static bool has_type(uint32_t type) {
    return type >= SL_T_STRING && type <= SL_T_SIZE;
}

struct first_fault {
    struct field_sink sink;
    const char *detail;
};

static void keep_first(struct field_sink *sink, const struct field_fault *fault) {
    struct first_fault *first = (struct first_fault *)(void *)sink;
    if (!first->detail) first->detail = fault->detail;
}

/* Runs the row's own check on an object that holds `value` alone (NULL: its default). */
static const char *refused(const sl_field *row, size_t row_size, cJSON *value,
                           struct arena *arena) {
    sl_field alone[2] = {*row, SL_END};
    struct first_fault first = {.sink = {.fault = keep_first, .arena = arena}};
    struct arena *before = arena_use(arena);
    cJSON *object = cJSON_CreateObject();
    if (value) cJSON_AddItemToObject(object, row->name, value);
    bool nested = row->fields != NULL;
    /* Nested rows have the plugin's stride; the copy has ours. They differ only for rows of other
     * versions, whose nested defaults are then not checked here. */
    if (!nested || row_size == sizeof *row) {
        fields_check((struct field_rows){alone, sizeof *row}, object, false, &first.sink);
    }
    arena_use(before);
    return first.detail;
}

static const char *row_trouble(const sl_field *row, size_t row_size, struct arena *arena) {
    const char *name = row->name;
    if (!is_name(name)) return arena_printf(arena, "field '%s': the name is not valid", name);
    if (!has_type(row->type)) return arena_printf(arena, "field '%s' has no known type", name);
    bool list = row->type == SL_T_LIST || row->type == SL_T_MAP;
    if (list && row->item && !has_type(row->item)) {
        return arena_printf(arena, "field '%s' has no known type of item", name);
    }
    bool choice = row->type == SL_T_ENUM || (list && row->item == SL_T_ENUM);
    if (choice && (!row->values || !*row->values)) {
        return arena_printf(arena, "field '%s' is an enum without values", name);
    }
    if (row->format && !field_format(row->format)) {
        return arena_printf(arena, "field '%s' has the unknown format '%s'", name, row->format);
    }
    const char *why = row->def ? refused(row, row_size, NULL, arena) : NULL;
    if (why) return arena_printf(arena, "the default of field '%s': %s", name, why);
    if (!row->example) return NULL;
    struct json_fault fault;
    cJSON *value = json_parse(arena, row->example, strlen(row->example), &fault);
    if (!value) {
        return arena_printf(arena, "the example of field '%s' is not JSON: %s", name, fault.why);
    }
    why = refused(row, row_size, value, arena);
    return why ? arena_printf(arena, "the example of field '%s': %s", name, why) : NULL;
}

static const char *rows_trouble(struct field_rows rows, struct arena *arena, unsigned depth) {
    size_t count = 0;
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) {
        if (++count > FIELDS_MAX) return "an object has more than 64 fields";
        const char *trouble = row_trouble(row, rows.row_size, arena);
        if (trouble) return trouble;
        if (field_find(rows, row->name) != row) {
            return arena_printf(arena, "field '%s' is declared twice", row->name);
        }
        if (!row->fields) continue;
        if (depth == NESTING_MAX) return "fields nest more than 16 deep, or contain themselves";
        trouble = rows_trouble((struct field_rows){row->fields, rows.row_size}, arena, depth + 1);
        if (trouble) return arena_printf(arena, "in '%s': %s", row->name, trouble);
    }
    return NULL;
}

const char *fields_trouble(struct field_rows rows, struct arena *arena) {
    return rows_trouble(rows, arena, 1);
}
