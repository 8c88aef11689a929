/* fields_fault.c - faults in words: where, what was expected, what was found, what may be meant. */
#include "arena.h"
#include "fields.h"
#include "fields_check.h"
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FAULTS_MAX = 50, EXCERPT_MAX = 48 };

static const char *const type_names[] = {"?",      "string", "int", "number", "bool",     "enum",
                                         "object", "list",   "map", "any",    "duration", "size"};

const char *field_type_name(uint32_t type) {
    return type_names[type < sizeof type_names / sizeof *type_names ? type : 0];
}

/* ---- what a row takes ---- */

static const char *amount_text(const sl_field *row, double amount, struct arena *arena) {
    static const struct {
        uint32_t type;
        double worth;
        const char *unit;
    } units[] = {{SL_T_DURATION, 86400000, "d"}, {SL_T_DURATION, 3600000, "h"},
                 {SL_T_DURATION, 60000, "m"},    {SL_T_DURATION, 1000, "s"},
                 {SL_T_DURATION, 1, "ms"},       {SL_T_SIZE, 1099511627776.0, "TiB"},
                 {SL_T_SIZE, 1073741824, "GiB"}, {SL_T_SIZE, 1048576, "MiB"},
                 {SL_T_SIZE, 1024, "KiB"},       {SL_T_SIZE, 1, " bytes"}};
    char text[JSON_NUMBER_TEXT];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].type != row->type || fmod(amount, units[i].worth) != 0) continue;
        if (amount == 0 && units[i].worth != 1) continue;
        json_print_number(amount / units[i].worth, text);
        return arena_printf(arena, "%s%s", text, units[i].unit);
    }
    json_print_number(amount, text);
    return arena_strdup(arena, text);
}

/* " from 1 to 1000", " of 1 to 63 bytes", or "". */
static const char *bounds_text(const sl_field *row, const char *from, struct arena *arena) {
    if (!row_is_bounded(row)) return "";
    const char *low = amount_text(row, row->min, arena), *high = amount_text(row, row->max, arena);
    bool text = row->type == SL_T_STRING;
    if (text && row->min <= 0) return arena_printf(arena, " of at most %s bytes", high);
    if (row->max >= 9007199254740991.0) return arena_printf(arena, " of at least %s", low);
    return arena_printf(arena, " %s %s to %s%s", from, low, high, text ? " bytes" : "");
}

/* "dev, stage, prod" */
static const char *list_values(const char *values, struct arena *arena) {
    char *list = arena_alloc(arena, strlen(values) * 2 + 1), *to = list;
    for (; *values; values++) {
        *to++ = *values == '|' ? ',' : *values;
        if (*values == '|') *to++ = ' ';
    }
    *to = 0;
    return list;
}

static const char *items_text(const sl_field *row, struct arena *arena) {
    static const char *const plural[] = {"values",   "strings", "whole numbers", "numbers",
                                         "booleans", "values",  "objects",       "lists",
                                         "maps",     "values",  "durations",     "sizes"};
    const char *items = plural[row->item < sizeof plural / sizeof *plural ? row->item : 0];
    if (row->item == SL_T_ENUM && row->values) {
        items = arena_printf(arena, "values, each one of: %s", list_values(row->values, arena));
    }
    return items;
}

static const char *string_expected(const sl_field *row, struct arena *arena) {
    const struct field_format *format = row->format ? field_format(row->format) : NULL;
    if (format) return format->words;
    if (row->type == SL_T_STRING && row_is_bounded(row)) {
        return arena_printf(arena, "a string%s", bounds_text(row, "of", arena));
    }
    return "a string";
}

static const char *expected(const sl_field *row, uint32_t type, struct arena *arena) {
    const char *from_to = type == row->type ? bounds_text(row, "from", arena) : "";
    switch (type) {
    case SL_T_STRING:
        return string_expected(row, arena);
    case SL_T_INT:
        return arena_printf(arena, "a whole number%s", from_to);
    case SL_T_NUMBER:
        return arena_printf(arena, "a number%s", from_to);
    case SL_T_BOOL:
        return "true or false";
    case SL_T_ENUM:
        return arena_printf(arena, "one of: %s", list_values(row->values, arena));
    case SL_T_OBJECT:
        return "an object";
    case SL_T_LIST:
        return arena_printf(arena, "a list of %s", items_text(row, arena));
    case SL_T_MAP:
        return arena_printf(arena, "an object of named %s", items_text(row, arena));
    case SL_T_DURATION:
        return arena_printf(arena, "a duration%s such as \"30s\", \"5m\" or a number of seconds",
                            from_to);
    case SL_T_SIZE:
        return arena_printf(arena, "a size%s such as \"8MiB\" or a number of bytes", from_to);
    default:
        return "any value";
    }
}

const char *field_expected(const sl_field *row, struct arena *arena) {
    return expected(row, row->type, arena);
}

/* ---- telling ---- */

/* Counts a fault; whether it is still to be told. */
static bool note_fault(struct check *check) {
    check->ok = false;
    unsigned limit = check->sink->limit ? check->sink->limit : FAULTS_MAX;
    return check->sink->count++ < limit;
}

static struct arena *begin(const struct check *check, struct arena *scratch) {
    arena_init(scratch);
    return check->sink->arena ? check->sink->arena : scratch;
}

static size_t escaped_size(const char *name) {
    size_t size = 0;
    for (; *name; name++) size += *name == '~' || *name == '/' ? 2 : 1;
    return size;
}

static size_t step_size(const struct place *place) {
    return place->name ? escaped_size(place->name) : (size_t)snprintf(NULL, 0, "%zu", place->index);
}

/* Writes "/config/labels/a~1b" from its end. */
static const char *pointer_to(const struct place *place, struct arena *arena) {
    size_t size = 0;
    for (const struct place *at = place; at->parent; at = at->parent) size += 1 + step_size(at);
    char *pointer = arena_alloc(arena, size + 1);
    char *end = pointer + size;
    *end = 0;
    for (const struct place *at = place; at->parent; at = at->parent) {
        size_t step = step_size(at);
        char *to = end - step;
        end = to - 1;
        *end = '/';
        if (!at->name) {
            char digits[24];
            snprintf(digits, sizeof digits, "%zu", at->index);
            memcpy(to, digits, step);
            continue;
        }
        for (const char *c = at->name; *c; c++) {
            bool escape = *c == '~' || *c == '/';
            *to++ = escape ? '~' : *c;
            if (escape) *to++ = *c == '~' ? '0' : '1';
        }
    }
    return pointer;
}

static void tell(struct check *check, const struct place *place, struct field_fault fault,
                 struct arena *arena) {
    fault.pointer = pointer_to(place, arena);
    check->sink->fault(check->sink, &fault);
}

/* At most EXCERPT_MAX bytes, not cut inside a character. */
static int excerpt_size(const char *text) {
    size_t size = strnlen(text, EXCERPT_MAX + 1);
    if (size <= EXCERPT_MAX) return (int)size;
    size = EXCERPT_MAX;
    while (size && ((unsigned char)text[size] & 0xc0) == 0x80) size--;
    return (int)size;
}

static const char *found(const struct wanted *wanted, const cJSON *value, struct arena *arena) {
    bool secret = (wanted->row->flags & SL_SECRET) != 0;
    char number[JSON_NUMBER_TEXT];
    if (cJSON_IsNull(value)) return "null";
    if (cJSON_IsArray(value)) return "a list";
    if (cJSON_IsObject(value)) return "an object";
    if (secret) return cJSON_IsString(value) ? "another string" : "another value";
    if (cJSON_IsBool(value)) return cJSON_IsTrue(value) ? "true" : "false";
    if (cJSON_IsNumber(value)) {
        json_print_number(value->valuedouble, number);
        return arena_strdup(arena, number);
    }
    const char *text = value->valuestring;
    if (!*text) return "an empty string";
    bool long_text = strlen(text) > EXCERPT_MAX;
    bool by_size = wanted->type == SL_T_STRING && !wanted->row->format;
    if (by_size) return arena_printf(arena, "a string of %zu bytes", strlen(text));
    return arena_printf(arena, "\"%.*s\"%s", excerpt_size(text), text, long_text ? "..." : "");
}

struct values {
    const char *list;
    struct arena *arena;
};

static const char *value_at(const void *arg, size_t i) {
    const struct values *values = arg;
    const char *at = values->list;
    for (; i && at; i--) {
        at = strchr(at, '|');
        if (at) at++;
    }
    return at ? arena_strndup(values->arena, at, strcspn(at, "|")) : NULL;
}

/* Does the text, unquoted, have the type that is wanted? */
static bool fits_unquoted(const struct wanted *wanted, const char *text) {
    if (wanted->type == SL_T_BOOL) return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    if (wanted->type != SL_T_INT && wanted->type != SL_T_NUMBER) return false;
    double number = 0;
    const char *why = NULL, *end = text + strlen(text);
    return json_read_number(text, end, &number, &why) == end && *text;
}

static const char *suggest(const struct wanted *wanted, const cJSON *value, struct arena *arena) {
    bool secret = (wanted->row->flags & SL_SECRET) != 0;
    if (cJSON_IsNull(value)) return "leave the member out";
    if (wanted->type == SL_T_LIST && !cJSON_IsObject(value)) return "put it into a list: [...]";
    if (secret) return NULL;
    bool text = cJSON_IsString(value);
    if (wanted->type == SL_T_ENUM && text) {
        const struct values values = {wanted->row->values, arena};
        const char *nearest = nearest_name(value->valuestring, value_at, &values);
        return nearest ? arena_printf(arena, "did you mean '%s'?", nearest) : NULL;
    }
    if (text && fits_unquoted(wanted, value->valuestring)) {
        return arena_printf(arena, "write %.*s without the quotes",
                            excerpt_size(value->valuestring), value->valuestring);
    }
    bool scalar = cJSON_IsNumber(value) || cJSON_IsBool(value);
    if (wanted->type == SL_T_STRING && scalar && !wanted->row->format) return "put it in quotes";
    return NULL;
}

void tell_wrong_value(struct check *check, const struct place *place, const struct wanted *wanted,
                      const cJSON *value) {
    if (!note_fault(check)) return;
    struct arena scratch, *arena = begin(check, &scratch);
    bool too_long = wanted->type == SL_T_STRING && cJSON_IsString(value) &&
                    !(wanted->bounded && row_is_bounded(wanted->row)) &&
                    strlen(value->valuestring) > STRING_BYTES_MAX;
    const char *wish =
        too_long ? "a string of at most 65536 bytes" : expected(wanted->row, wanted->type, arena);
    tell(check, place,
         (struct field_fault){
             .detail =
                 arena_printf(arena, "expected %s, found %s", wish, found(wanted, value, arena)),
             .suggestion = suggest(wanted, value, arena),
         },
         arena);
    arena_fini(&scratch);
}

struct rows_walk {
    const sl_field *first;
    size_t row_size;
};

static const char *row_name_at(const void *arg, size_t i) {
    const struct rows_walk *walk = arg;
    const sl_field *row = walk->first;
    for (; i && row->name; i--) row = row_after(row, walk->row_size);
    return row->name;
}

/* "known members: app_name, environment, config" */
static const char *list_names(const struct rows_walk *walk, struct arena *arena) {
    const char *list = NULL;
    size_t count = 0;
    for (const char *name; (name = row_name_at(walk, count)); count++) {
        if (count == 20) return arena_printf(arena, "%s...", list);
        list = list ? arena_printf(arena, "%s, %s", list, name)
                    : arena_printf(arena, "known members: %s", name);
    }
    return list ? list : "no members are taken here";
}

void tell_unknown(struct check *check, const struct place *place, const sl_field *rows) {
    if (!note_fault(check)) return;
    struct arena scratch, *arena = begin(check, &scratch);
    const struct rows_walk walk = {rows, check->row_size};
    const char *nearest = nearest_name(place->name, row_name_at, &walk);
    tell(check, place,
         (struct field_fault){
             .detail = arena_printf(arena, "unknown member '%.*s'%s", excerpt_size(place->name),
                                    place->name, strlen(place->name) > EXCERPT_MAX ? "..." : ""),
             .suggestion = nearest ? arena_printf(arena, "did you mean '%s'?", nearest)
                                   : list_names(&walk, arena),
             .at_name = true,
         },
         arena);
    arena_fini(&scratch);
}

void tell_missing(struct check *check, const struct place *object, const sl_field *row) {
    if (!note_fault(check)) return;
    struct arena scratch, *arena = begin(check, &scratch);
    const char *help = row->help ? row->help : field_expected(row, arena);
    tell(check, object,
         (struct field_fault){
             .detail = arena_printf(arena, "the member '%s' is missing: expected %s", row->name,
                                    field_expected(row, arena)),
             .suggestion = row->example ? arena_printf(arena, "add \"%s\": %s (%s)", row->name,
                                                       row->example, help)
                                        : arena_printf(arena, "add \"%s\": %s", row->name, help),
         },
         arena);
    arena_fini(&scratch);
}

void tell_count(struct check *check, const struct place *place, const sl_field *row, size_t count) {
    if (!note_fault(check)) return;
    struct arena scratch, *arena = begin(check, &scratch);
    bool own = row_is_bounded(row);
    char low[JSON_NUMBER_TEXT], high[JSON_NUMBER_TEXT];
    json_print_number(own ? row->min : 0, low);
    json_print_number(own ? row->max : LIST_ITEMS_MAX, high);
    tell(check, place,
         (struct field_fault){.detail =
                                  arena_printf(arena, "expected %s to %s %s, found %zu", low, high,
                                               row->type == SL_T_MAP ? "members" : "items", count)},
         arena);
    arena_fini(&scratch);
}

void tell_depth(struct check *check, const struct place *place) {
    if (!note_fault(check)) return;
    struct arena scratch, *arena = begin(check, &scratch);
    tell(check, place, (struct field_fault){.detail = "nested too deeply (at most 32 levels)"},
         arena);
    arena_fini(&scratch);
}
