/* config_schema.c - sluice.yaml as JSON Schema 2020-12, for editors. */
#include "config_inside.h"

#include <string.h>

/* "${PORT:-8000}" may stand for any scalar. */
static cJSON *reference_schema(void) {
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", "string");
    cJSON_AddStringToObject(schema, "pattern", "\\$\\{");
    return schema;
}

static bool has_type(const cJSON *schema, const char *wanted) {
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(schema, "type"), *one;
    if (cJSON_IsString(type)) return strcmp(type->valuestring, wanted) == 0;
    cJSON_ArrayForEach(one, type) if (strcmp(one->valuestring, wanted) == 0) return true;
    return false;
}

/* Words about the value stay outside of the choice. */
static bool is_about(const char *name) {
    static const char *const about[] = {"description", "default", "examples", "writeOnly",
                                        "deprecated"};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (strcmp(name, about[i]) == 0) return true;
    return false;
}

/* Makes `schema` a choice of what it was and `other` (taken). */
static void add_choice(cJSON *schema, cJSON *other) {
    cJSON *was = cJSON_CreateObject(), *choice = cJSON_CreateArray();
    for (cJSON *member = schema->child, *next; member; member = next) {
        next = member->next;
        if (!is_about(member->string))
            cJSON_AddItemToObject(was, member->string, cJSON_DetachItemViaPointer(schema, member));
    }
    cJSON_AddItemToArray(choice, was);
    cJSON_AddItemToArray(choice, other);
    cJSON_AddItemToObject(schema, "anyOf", choice);
}

/* A text may also be written as a number or a word: `version: 1.10`. */
static void loosen_text(cJSON *schema) {
    cJSON *type = cJSON_GetObjectItemCaseSensitive(schema, "type");
    bool only_text = cJSON_IsString(type) && strcmp(type->valuestring, "string") == 0;
    if (!only_text || cJSON_GetObjectItemCaseSensitive(schema, "enum")) return;
    static const char *const types[] = {"string", "number", "boolean"};
    cJSON_ReplaceItemInObjectCaseSensitive(schema, "type", cJSON_CreateStringArray(types, 3));
}

/* A reference is one of the texts that it takes anyway. */
static bool takes_any_text(const cJSON *schema) {
    return has_type(schema, "string") && !cJSON_GetObjectItemCaseSensitive(schema, "enum") &&
           !cJSON_GetObjectItemCaseSensitive(schema, "pattern");
}

static void loosen(cJSON *schema);

static void loosen_members(cJSON *schema, const char *name) {
    cJSON *members = cJSON_GetObjectItemCaseSensitive(schema, name), *member;
    cJSON_ArrayForEach(member, members) loosen(member);
}

/* What the file may hold beyond what the fields say: references, one value in place of a list,
 * nothing in place of a section. */
static void loosen(cJSON *schema) {
    if (!cJSON_IsObject(schema)) return;
    cJSON *items = cJSON_GetObjectItemCaseSensitive(schema, "items");
    cJSON *others = cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
    loosen_members(schema, "properties");
    if (items) loosen(items);
    if (others) loosen(others);
    if (has_type(schema, "object")) {
        cJSON *null = cJSON_CreateObject();
        cJSON_AddStringToObject(null, "type", "null");
        add_choice(schema, null);
    } else if (has_type(schema, "array")) {
        cJSON *one = items ? cJSON_Duplicate(items, true) : cJSON_CreateObject();
        add_choice(schema, one);
    } else if (cJSON_GetObjectItemCaseSensitive(schema, "type")) {
        loosen_text(schema);
        if (!takes_any_text(schema)) add_choice(schema, reference_schema());
    }
}

/* Puts a plugin's options in the place of the common ones. */
static void add_section(cJSON *root, const struct config_section *section) {
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(root, "properties");
    cJSON *plugins = cJSON_GetObjectItemCaseSensitive(properties, "plugins");
    if (!plugins || !is_plugin_pointer(section->pointer)) return;
    cJSON *known = cJSON_GetObjectItemCaseSensitive(plugins, "properties");
    if (!known) known = cJSON_AddObjectToObject(plugins, "properties");
    cJSON_AddItemToObject(known, strrchr(section->pointer, '/') + 1,
                          fields_schema(section->rows, false));
}

/* What a plugin takes that is not here cannot be known. */
static void open_unknown_plugins(cJSON *root) {
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(root, "properties");
    cJSON *plugins = cJSON_GetObjectItemCaseSensitive(properties, "plugins");
    cJSON *any = cJSON_GetObjectItemCaseSensitive(plugins, "additionalProperties");
    cJSON_DeleteItemFromObjectCaseSensitive(any, "additionalProperties");
}

cJSON *config_schema(const struct config_section *sections, size_t count) {
    struct arena names;
    arena_init(&names);
    const struct config_section *complete = sections_complete(&names, sections, count);
    cJSON *root = NULL;
    for (size_t i = 0; i < count; i++)
        if (complete[i].pointer[0] == '\0') root = fields_schema(complete[i].rows, false);
    if (!root) root = cJSON_CreateObject();
    open_unknown_plugins(root);
    for (size_t i = 0; i < count; i++) add_section(root, &complete[i]);
    loosen_members(root, "properties");
    cJSON *head = cJSON_CreateObject();
    cJSON_AddStringToObject(head, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(head, "title", "Sluice configuration");
    for (cJSON *member = root->child, *next; member; member = next) {
        next = member->next;
        cJSON_AddItemToObject(head, member->string, cJSON_DetachItemViaPointer(root, member));
    }
    cJSON_Delete(root);
    arena_fini(&names);
    return head;
}
