/* config_prepare.c - from what YAML says to what the fields expect, and back to real paths. */
#include "config_inside.h"

#include <string.h>

/* Whether rows may be left to their defaults: nothing in them is required. */
static bool all_optional(struct field_rows rows, unsigned depth) {
    for (const sl_field *row = NULL; rows.first && (row = field_next(rows, row));) {
        if (row->flags & SL_REQUIRED) return false;
        if (row->type == SL_T_OBJECT && depth > 0 && !all_optional(rows_of(row, rows), depth - 1))
            return false;
    }
    return depth > 0;
}

/* Gives `item` the value of `value`, keeping its name and neighbours. */
static void become(cJSON *item, const cJSON *value) {
    item->type = value->type;
    item->child = value->child;
    item->valuestring = value->valuestring;
    item->valueint = value->valueint;
    item->valuedouble = value->valuedouble;
}

static bool is_text(uint32_t type) {
    return type == SL_T_STRING || type == SL_T_ENUM;
}

/* `version: 1.10` is the text "1.10" where a text is wanted. */
static void take_text(uint32_t type, const struct yaml_node *node, cJSON *item) {
    bool other = cJSON_IsNumber(item) || cJSON_IsBool(item);
    if (!is_text(type) || !other || !node || node->kind != YAML_IS_SCALAR) return;
    become(item, cJSON_CreateString(node->text));
}

static void wrap_in_list(cJSON *item) {
    cJSON *inside = cJSON_CreateNull();
    become(inside, item);
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, inside);
    become(item, list);
}

void config_mark_secret(struct yaml_node *node) {
    if (!node || node->secret) return;
    node->secret = true;
    for (struct yaml_member *member = node->first; member; member = member->next)
        config_mark_secret(member->value);
}

/* Where no rows say what is secret, names do. */
static void mark_by_name(struct yaml_node *node) {
    if (!node || node->secret) return;
    for (struct yaml_member *member = node->first; member; member = member->next) {
        if (member->key && name_is_secret(member->key))
            config_mark_secret(member->value);
        else
            mark_by_name(member->value);
    }
}

/* All that stand under this key, twins too. */
static void mark_members(const struct yaml_node *map, const char *key) {
    if (!map || map->kind != YAML_IS_MAP) return;
    for (struct yaml_member *member = map->first; member; member = member->next)
        if (strcmp(member->key, key) == 0) config_mark_secret(member->value);
}

static struct yaml_node *value_of(const struct yaml_node *map, const char *key) {
    const struct yaml_member *member = yaml_find(map, key);
    return member ? member->value : NULL;
}

static void prepare_item(struct config *config, const sl_field *row, struct field_rows rows,
                         struct yaml_node *node, cJSON *item) {
    if (row->item == SL_T_OBJECT && row->fields) {
        if (cJSON_IsNull(item)) become(item, cJSON_CreateObject());
        config_prepare(config, rows_of(row, rows), node, item);
    } else {
        take_text(row->item, node, item);
    }
}

static void prepare_items(struct config *config, const sl_field *row, struct field_rows rows,
                          struct yaml_node *node, cJSON *list) {
    bool whole = !node || node->kind != YAML_IS_LIST; /* one value in the place of a list */
    const struct yaml_member *member = whole ? NULL : node->first;
    cJSON *item;
    cJSON_ArrayForEach(item, list) {
        prepare_item(config, row, rows, member ? member->value : node, item);
        if (member) member = member->next;
    }
}

static void prepare_value(struct config *config, const sl_field *row, struct field_rows rows,
                          struct yaml_node *node, cJSON *item) {
    bool free_form = row->type == SL_T_ANY || (row->type == SL_T_OBJECT && !row->fields) ||
                     (row->flags & SL_OPEN);
    if (free_form) mark_by_name(node);
    switch (row->type) {
    case SL_T_OBJECT:
        if (row->fields) config_prepare(config, rows_of(row, rows), node, item);
        break;
    case SL_T_MAP: {
        cJSON *member;
        cJSON_ArrayForEach(member, item) if (member->string)
            prepare_item(config, row, rows, value_of(node, member->string), member);
        break;
    }
    case SL_T_LIST:
        if (!cJSON_IsArray(item) && !cJSON_IsObject(item)) wrap_in_list(item);
        prepare_items(config, row, rows, node, item);
        break;
    default:
        take_text(row->type, node, item);
    }
}

/* A key without a value: an empty section, or as if it were not there. */
static bool settle_null(const sl_field *row, cJSON *object, cJSON *item) {
    if (row->type == SL_T_ANY || (row->flags & SL_NULLABLE)) return true;
    if (row->type == SL_T_OBJECT || row->type == SL_T_MAP) {
        become(item, cJSON_CreateObject());
        return true;
    }
    cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
    return false;
}

void config_prepare(struct config *config, struct field_rows rows, struct yaml_node *node,
                    cJSON *object) {
    if (!cJSON_IsObject(object)) return;
    for (const sl_field *row = NULL; rows.first && (row = field_next(rows, row));) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(object, row->name);
        if (row->flags & SL_SECRET) mark_members(node, row->name);
        if (item && cJSON_IsNull(item) && !settle_null(row, object, item)) continue;
        bool section = row->type == SL_T_OBJECT && row->fields;
        if (!item && section && all_optional(rows_of(row, rows), 8) && !(row->flags & SL_NULLABLE))
            item = cJSON_AddObjectToObject(object, row->name);
        if (item) prepare_value(config, row, rows, value_of(node, row->name), item);
    }
}

/* ---- paths ---- */

static void resolve_path(struct config *config, const struct yaml_node *node, cJSON *item) {
    if (!cJSON_IsString(item)) return;
    const struct source *source = node ? node->at.source : NULL;
    const struct config_file *file = source ? (const struct config_file *)source : config->file;
    const char *path = path_from(&config->arena, file->folder, item->valuestring);
    if (path != item->valuestring) item->valuestring = arena_strdup(&config->arena, path);
}

static void resolve_items(struct config *config, const sl_field *row, struct field_rows rows,
                          const struct yaml_node *node, cJSON *items) {
    const struct yaml_member *member = node && node->kind == YAML_IS_LIST ? node->first : NULL;
    cJSON *item;
    cJSON_ArrayForEach(item, items) {
        const struct yaml_node *value = item->string ? value_of(node, item->string)
                                        : member     ? member->value
                                                     : node;
        if (row->item == SL_T_OBJECT && row->fields)
            config_resolve_paths(config, rows_of(row, rows), value, item);
        else if (row->flags & SL_PATH)
            resolve_path(config, value, item);
        if (member) member = member->next;
    }
}

void config_resolve_paths(struct config *config, struct field_rows rows,
                          const struct yaml_node *node, cJSON *object) {
    for (const sl_field *row = NULL; rows.first && (row = field_next(rows, row));) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(object, row->name);
        const struct yaml_node *value = value_of(node, row->name);
        if (!item) continue;
        if (row->type == SL_T_OBJECT && row->fields)
            config_resolve_paths(config, rows_of(row, rows), value, item);
        else if (row->type == SL_T_LIST || row->type == SL_T_MAP)
            resolve_items(config, row, rows, value, item);
        else if (row->flags & SL_PATH)
            resolve_path(config, value, item);
    }
}

/* For keys that no row describes, and text that could not be read. */
bool name_is_secret(const char *name) {
    static const char *const words[] = {
        "password", "passwd",  "passphrase", "secret", "token",         "api_key", "apikey",
        "api-key",  "private", "credential", "pwd",    "authorization", "_key",    "-key"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(name, words[i])) return true;
    return strcasecmp(name, "key") == 0;
}
