/* config.c - a configuration as the host holds it. */
#include "config.h"

#include "config_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config *config_new(const char *path) {
    arena_install_json_hooks();
    struct config *config = calloc(1, sizeof *config);
    if (!config) abort(); /* only without memory */
    arena_init(&config->arena);
    config->path = arena_strdup(&config->arena, path);
    return config;
}

/* The host looks for plugins before it can check, and so needs the core's paths. */
static void settle_core(struct config *config) {
    const struct field_rows rows = {.first = config_core_rows, .row_size = sizeof(sl_field)};
    config_prepare(config, rows, config->root, config->tree);
    config_resolve_paths(config, rows, config->root, config->tree);
}

/* The tree lives in the arena, so that nobody has to know which parts of it came from where. */
static void build_tree(struct config *config) {
    struct arena *before = arena_use(&config->arena);
    config->tree = config->root ? yaml_json(config->root) : cJSON_CreateObject();
    if (config->root) settle_core(config);
    arena_use(before);
    config_hash_tree(config->tree, config->hash);
}

struct config *config_read_text(const char *name, const char *text, size_t size) {
    struct config *config = config_new(name);
    config_load(config, config->path, text, size);
    build_tree(config);
    return config;
}

const char *config_usual_path(void) {
    static const char *const places[] = {"sluice.yaml", "config/sluice.yaml",
                                         "/etc/sluice/sluice.yaml",
                                         SLUICE_DATADIR "/sluice/config/sluice.yaml"};
    const char *named = getenv("SLUICE_CONFIG");
    if (named && *named) return named;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0) return places[i];
    return NULL;
}

struct config *config_read(const char *path) {
    if (!path) path = config_usual_path();
    if (!path || strcmp(path, CONFIG_BUILT_IN) == 0) {
        size_t size;
        const char *text = config_default_text(&size);
        return config_read_text(SLUICE_DATADIR "/sluice/config/sluice.yaml", text, size);
    }
    struct config *config = config_new(path);
    config_load(config, config->path, NULL, 0);
    build_tree(config);
    return config;
}

void config_free(struct config *config) {
    if (!config) return;
    arena_fini(&config->arena);
    free(config);
}

const cJSON *config_tree(const struct config *config) {
    return config->tree;
}

const cJSON *config_at(const struct config *config, const char *pointer) {
    return json_at(config->tree, pointer);
}

const char *config_hash(const struct config *config) {
    return config->hash;
}

const char *config_path(const struct config *config) {
    return config->path;
}
