/* tools.c - operations as tools of a model or of an outside agent. */
#include "chat.h"

#include <string.h>

static cJSON *schema_of_rows(const cJSON *rows, bool open);

static void copy(cJSON *schema, const cJSON *row, const char *from, const char *to) {
    const cJSON *value = sl_get(row, from);
    if (value) cJSON_AddItemToObject(schema, to, cJSON_Duplicate(value, 1));
}

/* {type: ...} of a type's name, as platform.operations tells it. */
static cJSON *schema_of_type(const char *type, const cJSON *row) {
    static const char *const plain[][2] = {
        {"string", "string"}, {"int", "integer"}, {"number", "number"}, {"bool", "boolean"},
        {"enum", "string"},   {"list", "array"},  {"map", "object"}};
    if (strcmp(type, "object") == 0) {
        const cJSON *fields = sl_get(row, "fields");
        return schema_of_rows(fields, !fields || sl_get_bool(row, "open", 0));
    }
    cJSON *schema = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(plain[i][0], type) == 0) cJSON_AddStringToObject(schema, "type", plain[i][1]);
    if (strcmp(type, "duration") == 0 || strcmp(type, "size") == 0) {
        cJSON *types = cJSON_AddArrayToObject(schema, "type");
        cJSON_AddItemToArray(types, cJSON_CreateString("string"));
        cJSON_AddItemToArray(types, cJSON_CreateString("number"));
    }
    return schema;
}

static void add_bounds(cJSON *schema, const cJSON *row, const char *type) {
    const bool number = strcmp(type, "int") == 0 || strcmp(type, "number") == 0;
    if (number) {
        copy(schema, row, "min", "minimum");
        copy(schema, row, "max", "maximum");
    } else if (strcmp(type, "list") == 0) {
        copy(schema, row, "min", "minItems");
        copy(schema, row, "max", "maxItems");
    }
    if (strcmp(type, "enum") == 0) copy(schema, row, "values", "enum");
}

static cJSON *schema_of_row(const cJSON *row) {
    const char *type = sl_get_text(row, "type", "any"), *item = sl_get_text(row, "item", NULL);
    cJSON *schema = schema_of_type(type, row);
    add_bounds(schema, row, type);
    if (item && strcmp(type, "list") == 0)
        cJSON_AddItemToObject(schema, "items", schema_of_type(item, row));
    if (item && strcmp(type, "map") == 0)
        cJSON_AddItemToObject(schema, "additionalProperties", schema_of_type(item, row));
    copy(schema, row, "help", "description");
    copy(schema, row, "default", "default");
    return schema;
}

static cJSON *schema_of_rows(const cJSON *rows, bool open) {
    cJSON *schema = object1("type", "object");
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    cJSON *required = cJSON_CreateArray();
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const char *name = sl_get_text(row, "name", "");
        cJSON_AddItemToObject(properties, name, schema_of_row(row));
        if (sl_get_bool(row, "required", 0))
            cJSON_AddItemToArray(required, cJSON_CreateString(name));
    }
    if (required->child) cJSON_AddItemToObject(schema, "required", required);
    if (!open) cJSON_AddBoolToObject(schema, "additionalProperties", 0);
    return schema;
}

cJSON *tool_schema(const cJSON *operation) {
    return schema_of_rows(sl_get(operation, "in"), sl_get_bool(operation, "open", 0));
}

bool tool_fits(const cJSON *operation, bool writes) {
    if (sl_get_bool(operation, "raw", 0) || sl_get_bool(operation, "if_match", 0)) return false;
    return writes || strcmp(sl_get_text(operation, "effect", "writes"), "reads") == 0;
}

const char *tool_name(sl_call *call, const char *operation) {
    char *name = sl_strdup(call, operation);
    for (char *at = name; *at; at++)
        if (*at == '.') *at = '_';
    return name;
}

const cJSON *tool_operation(const cJSON *operations, const char *tool) {
    const cJSON *op;
    cJSON_ArrayForEach(op, operations) {
        const char *name = sl_get_text(op, "name", "");
        size_t i = 0;
        while (name[i] && (name[i] == tool[i] || (name[i] == '.' && tool[i] == '_'))) i++;
        if (!name[i] && !tool[i]) return op;
    }
    return NULL;
}
