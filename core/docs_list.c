/* docs_list.c - operations in brief, for the CLI and other programs. */
#include "docs.h"

#include <string.h>

bool op_route(const struct op *op, char method[static 8], const char **path) {
    const char *route = op->row.route;
    const char *blank = route ? strchr(route, ' ') : NULL;
    if (!blank || blank - route >= 8) return false;
    memcpy(method, route, (size_t)(blank - route));
    method[blank - route] = 0;
    *path = blank + 1;
    return true;
}

bool path_has_param(const char *path, const char *name) {
    size_t size = strlen(name);
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        bool same = strncmp(at + 1, name, size) == 0;
        if (same && (at[1 + size] == '}' || at[1 + size] == '.')) return true;
    }
    return false;
}

static cJSON *rows_brief(struct field_rows rows);

static void add_text(cJSON *object, const char *name, const char *text) {
    if (text) cJSON_AddStringToObject(object, name, text);
}

static void add_values(cJSON *object, const char *values) {
    cJSON *list = cJSON_AddArrayToObject(object, "values");
    while (*values) {
        char value[128];
        size_t size = strcspn(values, "|");
        if (size < sizeof value) {
            memcpy(value, values, size);
            value[size] = 0;
            cJSON_AddItemToArray(list, cJSON_CreateString(value));
        }
        values += size + (values[size] == '|');
    }
}

static void add_flags(cJSON *object, uint32_t flags) {
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{SL_REQUIRED, "required"}, {SL_SECRET, "secret"}, {SL_OPEN, "open"},
                 {SL_NULLABLE, "nullable"}, {SL_FILE, "file"},     {SL_DEPRECATED, "deprecated"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (flags & names[i].flag) cJSON_AddTrueToObject(object, names[i].name);
    }
}

static cJSON *row_brief(struct field_rows rows, const sl_field *row) {
    cJSON *brief = cJSON_CreateObject();
    cJSON_AddStringToObject(brief, "name", row->name);
    add_text(brief, "cli", row->cli);
    cJSON_AddStringToObject(brief, "type", field_type_name(row->type));
    if (row->item) cJSON_AddStringToObject(brief, "item", field_type_name(row->item));
    add_flags(brief, row->flags);
    add_text(brief, "help", row->help);
    add_text(brief, "format", row->format);
    if (row->values) add_values(brief, row->values);
    if (row->def) {
        cJSON_AddItemToObject(brief, "default", field_from_text(row, row->def, strlen(row->def)));
    }
    add_text(brief, "example", row->example);
    if (row->min < row->max) {
        cJSON_AddNumberToObject(brief, "min", row->min);
        cJSON_AddNumberToObject(brief, "max", row->max);
    }
    const struct field_rows inner = {row->fields, rows.row_size};
    if (row->fields) cJSON_AddItemToObject(brief, "fields", rows_brief(inner));
    return brief;
}

static cJSON *rows_brief(struct field_rows rows) {
    cJSON *list = cJSON_CreateArray();
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) cJSON_AddItemToArray(list, row_brief(rows, row));
    return list;
}

cJSON *operation_brief(const struct op *op) {
    const sl_op *row = &op->row;
    cJSON *brief = cJSON_CreateObject();
    cJSON_AddStringToObject(brief, "name", row->name);
    cJSON_AddStringToObject(brief, "summary", row->summary);
    char method[8];
    const char *path;
    if (op_route(op, method, &path)) {
        cJSON_AddStringToObject(brief, "method", method);
        cJSON_AddStringToObject(brief, "path", path);
    }
    cJSON_AddStringToObject(brief, "needs", row->needs);
    cJSON_AddStringToObject(brief, "effect", row->effect == SL_READS ? "reads" : "writes");
    cJSON_AddBoolToObject(brief, "streams", (row->flags & SL_OP_STREAMS) != 0);
    if (row->flags & SL_OP_OPEN) cJSON_AddTrueToObject(brief, "open");
    if (row->flags & SL_OP_RAW) cJSON_AddTrueToObject(brief, "raw");
    if (row->flags & SL_OP_IF_MATCH) cJSON_AddTrueToObject(brief, "if_match");
    add_text(brief, "example", row->example);
    cJSON_AddItemToObject(brief, "in", rows_brief(op->in));
    return brief;
}

void operations_list(const struct registry *registry, cJSON *out) {
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    const struct op *op;
    for (size_t i = 0; (op = registry_at(registry, i)); i++) {
        if (op->row.flags & SL_OP_HIDDEN) continue;
        cJSON_AddItemToArray(items, operation_brief(op));
    }
}
