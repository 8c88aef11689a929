/* fields_schema.c - rows as JSON Schema 2020-12.
 *
 * Of an input: what the schema takes fields_check takes, and the other way round, but for string
 * bounds, which count bytes here and characters there. Of an answer: objects are open, since answers
 * may gain members, and only bounds that are declared hold. */
#include "arena.h"
#include "fields.h"
#include "fields_check.h"
#include "json.h"

#include <string.h>

struct maker {
    size_t row_size;
    bool answer;
};

static cJSON *row_schema(const struct maker *maker, const sl_field *row);

static void set_type(cJSON *schema, const char *type, bool nullable) {
    if (!nullable) {
        cJSON_AddStringToObject(schema, "type", type);
        return;
    }
    cJSON *types = cJSON_AddArrayToObject(schema, "type");
    cJSON_AddItemToArray(types, cJSON_CreateString(type));
    cJSON_AddItemToArray(types, cJSON_CreateString("null"));
}

static void set_bounds(cJSON *schema, const sl_field *row, const char *least, const char *most) {
    if (!row_is_bounded(row)) return;
    if (row->min > 0 || strcmp(least, "minimum") == 0) {
        cJSON_AddNumberToObject(schema, least, row->min);
    }
    cJSON_AddNumberToObject(schema, most, row->max);
}

static void describe_string(const struct maker *maker, cJSON *schema, const sl_field *row,
                            bool bounded) {
    if (bounded) set_bounds(schema, row, "minLength", "maxLength");
    if (!maker->answer && (!bounded || !row_is_bounded(row))) {
        cJSON_AddNumberToObject(schema, "maxLength", STRING_BYTES_MAX);
    }
    const struct field_format *format = row->format ? field_format(row->format) : NULL;
    if (format && format->pattern) cJSON_AddStringToObject(schema, "pattern", format->pattern);
    if (format && format->schema_format) {
        cJSON_AddStringToObject(schema, "format", format->schema_format);
    }
    if (format && strcmp(format->name, "json") == 0) {
        cJSON_AddStringToObject(schema, "contentMediaType", "application/json");
    }
}

static void describe_enum(cJSON *schema, const sl_field *row) {
    cJSON *values = cJSON_AddArrayToObject(schema, "enum");
    for (const char *at = row->values; at;) {
        const char *end = strchrnul(at, '|');
        cJSON *value = cJSON_CreateString("");
        cJSON_free(value->valuestring);
        value->valuestring = cJSON_malloc((size_t)(end - at) + 1);
        memcpy(value->valuestring, at, (size_t)(end - at));
        value->valuestring[end - at] = 0;
        cJSON_AddItemToArray(values, value);
        at = *end ? end + 1 : NULL;
    }
    if (row->flags & SL_NULLABLE) cJSON_AddItemToArray(values, cJSON_CreateNull());
}

/* A number of seconds or bytes, or text with a unit. */
static void describe_amount(cJSON *schema, const sl_field *row, uint32_t type, bool bounded) {
    bool time = type == SL_T_DURATION;
    cJSON_AddStringToObject(schema, "x-sluice-type", time ? "duration" : "size");
    cJSON *types = cJSON_AddArrayToObject(schema, "type");
    cJSON_AddItemToArray(types, cJSON_CreateString("string"));
    cJSON_AddItemToArray(types, cJSON_CreateString(time ? "number" : "integer"));
    if (row->flags & SL_NULLABLE) cJSON_AddItemToArray(types, cJSON_CreateString("null"));
    cJSON_AddStringToObject(schema, "pattern",
                            time ? "^(?:[0-9]{1,16}(?:ms|s|m|h|d))+$"
                                 : "^[0-9]{1,16}(?:B|[KMGT]iB|[kKMGT]B)$");
    bool own = bounded && row_is_bounded(row);
    double worth = time ? 1000 : 1;
    cJSON_AddNumberToObject(schema, "minimum", own ? row->min / worth : 0);
    if (own) cJSON_AddNumberToObject(schema, "maximum", row->max / worth);
}

static cJSON *type_schema(const struct maker *maker, const struct wanted *wanted);

static void describe_list(const struct maker *maker, cJSON *schema, const sl_field *row) {
    bool map = row->type == SL_T_MAP;
    if (row->item) {
        const struct wanted item = {.row = row, .type = row->item};
        cJSON_AddItemToObject(schema, map ? "additionalProperties" : "items",
                              type_schema(maker, &item));
    }
    if (row_is_bounded(row)) {
        set_bounds(schema, row, map ? "minProperties" : "minItems",
                   map ? "maxProperties" : "maxItems");
    } else if (!maker->answer) {
        cJSON_AddNumberToObject(schema, map ? "maxProperties" : "maxItems", LIST_ITEMS_MAX);
    }
}

static void describe_object(const struct maker *maker, cJSON *schema, const sl_field *first,
                            bool open) {
    const struct field_rows rows = {first, maker->row_size};
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    cJSON *required = cJSON_CreateArray();
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) {
        cJSON_AddItemToObject(properties, row->name, row_schema(maker, row));
        if ((row->flags & SL_REQUIRED) && !row->def) {
            cJSON_AddItemToArray(required, cJSON_CreateString(row->name));
        }
    }
    if (required->child) {
        cJSON_AddItemToObject(schema, "required", required);
    } else {
        cJSON_Delete(required);
    }
    if (!open && !maker->answer) cJSON_AddFalseToObject(schema, "additionalProperties");
}

/* The schema of one type of the row: its own, or that of its items. */
static cJSON *type_schema(const struct maker *maker, const struct wanted *wanted) {
    static const char *const names[] = {
        [SL_T_STRING] = "string", [SL_T_INT] = "integer", [SL_T_NUMBER] = "number",
        [SL_T_BOOL] = "boolean",  [SL_T_ENUM] = "string", [SL_T_OBJECT] = "object",
        [SL_T_LIST] = "array",    [SL_T_MAP] = "object"};
    const sl_field *row = wanted->row;
    uint32_t type = wanted->type;
    cJSON *schema = cJSON_CreateObject();
    if (type < sizeof names / sizeof *names && names[type]) {
        set_type(schema, names[type], (row->flags & SL_NULLABLE) != 0);
    }
    if (type == SL_T_STRING) {
        describe_string(maker, schema, row, wanted->bounded);
    } else if (type == SL_T_ENUM) {
        describe_enum(schema, row);
    } else if ((type == SL_T_DURATION || type == SL_T_SIZE) && maker->answer) {
        set_type(schema, "integer", (row->flags & SL_NULLABLE) != 0);
        cJSON_AddStringToObject(schema, "x-sluice-unit", type == SL_T_DURATION ? "ms" : "bytes");
    } else if (type == SL_T_DURATION || type == SL_T_SIZE) {
        describe_amount(schema, row, type, wanted->bounded);
    } else if (type == SL_T_INT || type == SL_T_NUMBER) {
        if (wanted->bounded) set_bounds(schema, row, "minimum", "maximum");
    } else if (type == SL_T_OBJECT && row->fields) {
        describe_object(maker, schema, row->fields, (row->flags & SL_OPEN) != 0);
    } else if ((type == SL_T_LIST || type == SL_T_MAP) && wanted->bounded) {
        describe_list(maker, schema, row);
    }
    return schema;
}

/* A value that a row writes as JSON; text that is none stays a string. */
static cJSON *written_value(const char *text) {
    struct json_fault fault;
    cJSON *value = json_parse(arena_current(), text, strlen(text), &fault);
    return value ? value : cJSON_CreateString(text);
}

static cJSON *row_schema(const struct maker *maker, const sl_field *row) {
    const struct wanted wanted = {.row = row, .type = row->type, .bounded = true};
    cJSON *schema = type_schema(maker, &wanted);
    if (row->help) cJSON_AddStringToObject(schema, "description", row->help);
    if (row->def) {
        cJSON_AddItemToObject(schema, "default", field_from_text(row, row->def, strlen(row->def)));
    }
    if (row->example) {
        cJSON *examples = cJSON_AddArrayToObject(schema, "examples");
        cJSON_AddItemToArray(examples, written_value(row->example));
    }
    if (row->flags & SL_SECRET) cJSON_AddTrueToObject(schema, "writeOnly");
    if (row->flags & SL_DEPRECATED) cJSON_AddTrueToObject(schema, "deprecated");
    return schema;
}

static cJSON *object_schema(const struct maker *maker, const sl_field *first, bool open) {
    static const sl_field none[] = {SL_END};
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", "object");
    describe_object(maker, schema, first ? first : none, open);
    return schema;
}

cJSON *fields_schema(struct field_rows rows, bool open) {
    const struct maker maker = {.row_size = rows.row_size};
    return object_schema(&maker, rows.first, open);
}

cJSON *fields_answer_schema(struct field_rows rows) {
    const struct maker maker = {.row_size = rows.row_size, .answer = true};
    return object_schema(&maker, rows.first, true);
}
