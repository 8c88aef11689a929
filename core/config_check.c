/* config_check.c - the tree held against the rows: of the core, and of each plugin. */
#include "config_inside.h"

#include <string.h>

/* Takes faults of one section and gives them their places. */
struct check {
    struct field_sink sink; /* first: fields_check hands it back */
    struct config *config;
    const char *section; /* its pointer */
};

static const char *parent_of(struct arena *arena, const char *pointer, const char **name) {
    const char *slash = strrchr(pointer, '/');
    char token[YAML_KEY_BYTES_MAX + 1] = "";
    const char *at = slash ? slash : pointer;
    next_token(&at, token, sizeof token);
    *name = arena_strdup(arena, token);
    return slash ? arena_strndup(arena, pointer, (size_t)(slash - pointer)) : "";
}

static const char *join(struct arena *arena, const char *path, const char *name) {
    return *path ? arena_printf(arena, "%s.%s", path, name) : name;
}

/* The name inside "did you mean 'canary'?", for the help line. */
static const char *suggested_name(struct arena *arena, const char *suggestion) {
    const char *quote = suggestion ? strchr(suggestion, '\'') : NULL;
    const char *end = quote ? strchr(quote + 1, '\'') : NULL;
    return end ? arena_strndup(arena, quote + 1, (size_t)(end - quote - 1)) : NULL;
}

/* "did you mean 'canary'?", or where the key belongs, or what there is. */
static const char *suggest_key(struct check *check, const char *name,
                               const struct field_fault *fault, const char **help) {
    struct config *config = check->config;
    struct arena *arena = &config->arena;
    static const char known[] = "known members: ";
    if (!fault->suggestion) return NULL;
    if (strncmp(fault->suggestion, known, sizeof known - 1) != 0) {
        const char *nearest = suggested_name(arena, fault->suggestion);
        if (nearest) *help = join(arena, *help, nearest);
        return fault->suggestion;
    }
    const char *other = config_elsewhere(arena, config->sections, config->section_count, name);
    if (!other) return arena_printf(arena, "known here: %s", fault->suggestion + sizeof known - 1);
    *help = other;
    const char *dot = strrchr(other, '.');
    return dot ? arena_printf(arena, "did you mean to put it under %.*s?", (int)(dot - other),
                              other)
               : "did you mean to put it at the top?";
}

static void unknown_key(struct check *check, const char *pointer, const struct field_fault *fault) {
    struct config *config = check->config;
    struct arena *arena = &config->arena;
    const char *name;
    const char *place = dotted(arena, parent_of(arena, pointer, &name)), *help = place;
    const char *suggestion = suggest_key(check, name, fault, &help);
    const char *in = *place ? arena_printf(arena, " in %s", place) : "";
    struct config_spot spot = config_spot(config, pointer);
    if (spot.exact) config_mark_secret((struct yaml_node *)spot.node); /* a misspelt one, perhaps */
    config_tell(config, (struct config_trouble){
                            .code = "C0203",
                            .at = spot.member ? spot.member->key_at : config->root->at,
                            .message = arena_printf(arena, "unknown key '%.60s'%s", name, in),
                            .suggestion = suggestion,
                            .help = *help ? help : NULL,
                            .cut = true});
}

/* "the member 'image' is missing: expected a string" -> "missing key 'image': expected a string" */
static void missing_key(struct check *check, const char *pointer, const struct field_fault *fault) {
    struct arena *arena = &check->config->arena;
    const char *name = suggested_name(arena, fault->detail), *place = dotted(arena, pointer);
    const char *expected = strstr(fault->detail, ": ");
    const struct config_spot spot = config_spot(check->config, pointer);
    const char *in = *place ? arena_printf(arena, " in %s", place) : "";
    bool keyed = spot.member && spot.member->key;
    config_tell(check->config,
                (struct config_trouble){.code = "C0202",
                                        .at = keyed ? spot.member->key_at : check->config->root->at,
                                        .message = arena_printf(arena, "missing key '%s'%s%s",
                                                                name ? name : "", in,
                                                                expected ? expected : ""),
                                        .help = name ? join(arena, place, name) : NULL});
}

static void take_fault(struct field_sink *sink, const struct field_fault *fault) {
    struct check *check = (struct check *)sink;
    struct arena *arena = &check->config->arena;
    const char *pointer = arena_printf(arena, "%s%s", check->section, fault->pointer);
    if (fault->at_name) {
        unknown_key(check, pointer, fault);
    } else if (strncmp(fault->detail, "the member '", 12) == 0) {
        missing_key(check, pointer, fault);
    } else {
        const char *name = dotted(arena, pointer);
        config_fault(check->config, pointer, false, "C0201", fault->suggestion, "%s%s%s", name,
                     *name ? ": " : "", fault->detail);
    }
}

/* ---- sections in sections ---- */

/* A part of the tree that is another section's: an empty object for as long. */
struct hidden {
    cJSON *item, *child;
    struct hidden *next;
};

static bool lies_in(const char *pointer, const char *section) {
    size_t size = strlen(section);
    return strncmp(pointer, section, size) == 0 && pointer[size] == '/';
}

static struct hidden *hide_sections(struct config *config, const char *section) {
    struct hidden *all = NULL;
    for (size_t i = 0; i < config->section_count; i++) {
        if (!lies_in(config->sections[i].pointer, section)) continue;
        cJSON *item = json_at(config->tree, config->sections[i].pointer);
        if (!cJSON_IsObject(item)) continue; /* its fault is the outer section's */
        struct hidden *hidden = arena_alloc(&config->arena, sizeof *hidden);
        *hidden = (struct hidden){.item = item, .child = item->child, .next = all};
        item->child = NULL;
        all = hidden;
    }
    return all;
}

static void show_sections(struct hidden *all) {
    for (; all; all = all->next) all->item->child = all->child;
}

/* The plugin that is named but not there (the host tells) still has the common options. */
static void add_unknown_plugins(struct config *config) {
    struct config_section *sections = NULL;
    const cJSON *plugins = cJSON_GetObjectItemCaseSensitive(config->tree, "plugins"), *plugin;
    size_t count = config->section_count, more = (size_t)cJSON_GetArraySize(plugins);
    sections = arena_alloc(&config->arena, (count + more + 1) * sizeof *sections);
    memcpy(sections, config->sections, count * sizeof *sections);
    cJSON_ArrayForEach(plugin, plugins) {
        if (!plugin->string || strpbrk(plugin->string, "/~")) continue;
        const char *pointer = arena_printf(&config->arena, "/plugins/%s", plugin->string);
        const char *rest = NULL;
        const struct config_section *found =
            section_of(sections, config->section_count, pointer, &rest);
        if (found && *rest == '\0') continue;
        sections[count++] = (struct config_section){
            .pointer = pointer,
            .rows = {.first = config_plugin_rows, .row_size = sizeof(sl_field)}};
    }
    config->sections = sections;
    config->section_count = count;
}

/* Nobody knows what the options of a plugin that is not there mean. */
static void mark_unknown_options(const struct yaml_node *node, struct field_rows known) {
    if (!node || node->kind != YAML_IS_MAP) return;
    for (struct yaml_member *member = node->first; member; member = member->next)
        if (!field_find(known, member->key)) config_mark_secret(member->value);
}

static void check_section(struct config *config, const struct config_section *section, bool open) {
    cJSON *object = json_at(config->tree, section->pointer);
    if (!cJSON_IsObject(object) || !section->rows.first) return;
    struct yaml_node *node = (struct yaml_node *)config_spot(config, section->pointer).node;
    struct check check = {.sink = {.fault = take_fault, .arena = &config->arena, .limit = 200},
                          .config = config,
                          .section = section->pointer};
    if (open) mark_unknown_options(node, section->rows);
    struct hidden *hidden = hide_sections(config, section->pointer);
    config_prepare(config, section->rows, node, object);
    fields_check(section->rows, object, open, &check.sink);
    show_sections(hidden);
}

/* `plugins: {risk: }` is a plugin without options of its own. */
static void settle_plugins(struct config *config) {
    cJSON *plugins = cJSON_GetObjectItemCaseSensitive(config->tree, "plugins"), *plugin;
    if (!cJSON_IsObject(plugins)) return;
    cJSON_ArrayForEach(plugin, plugins) if (cJSON_IsNull(plugin)) plugin->type =
        (plugin->type & ~0xff) | cJSON_Object;
}

/* Those of the core have been resolved when the file was read. */
static void resolve_own_paths(struct config *config, const struct config_section *sections,
                              size_t count) {
    for (size_t i = 0; i < count; i++) {
        cJSON *object = json_at(config->tree, sections[i].pointer);
        if (sections[i].rows.first == config_core_rows || !cJSON_IsObject(object)) continue;
        const struct yaml_node *node = config_spot(config, sections[i].pointer).node;
        config_resolve_paths(config, sections[i].rows, node, object);
    }
}

void config_check(struct config *config, const struct config_section *sections, size_t count) {
    if (!config->root) return; /* the notes say why there is nothing to check */
    struct arena *before = arena_use(&config->arena);
    config->sections = sections_complete(&config->arena, sections, count);
    config->section_count = count;
    settle_plugins(config);
    add_unknown_plugins(config);
    for (size_t i = 0; i < config->section_count; i++)
        check_section(config, &config->sections[i], i >= count);
    resolve_own_paths(config, sections, count);
    config_check_listen(config);
    arena_use(before);
    config_mask_notes(config);
    config_hash_tree(config->tree, config->hash);
}
