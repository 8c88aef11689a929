/* config_read.c - files to one tree: reading, variables, includes. */
#include "config_inside.h"
#include "variables.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXPANDED_BYTES_MAX = 8 << 20 };

struct loading {
    struct yaml_sink sink; /* first: yaml_read hands it back */
    struct config *config;
    struct config_file *file;
    struct yaml_node *scalar; /* whose variables are put in */
    unsigned depth;
};

const char *path_from(struct arena *arena, const char *folder, const char *path) {
    if (path[0] == '/' || !folder || strcmp(folder, ".") == 0) return path;
    return arena_printf(arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
}

static const char *folder_of(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

static void take_fault(struct yaml_sink *sink, const struct yaml_fault *fault) {
    struct loading *loading = (struct loading *)sink;
    /* Behind a key that stands twice there may be a secret. */
    bool cut = strcmp(fault->code, "C0108") == 0;
    config_tell(loading->config, (struct config_trouble){.code = fault->code,
                                                         .at = fault->at,
                                                         .message = fault->message,
                                                         .suggestion = fault->suggestion,
                                                         .cut = cut});
}

/* ---- variables ---- */

static const char *environment(void *arg, const char *name) {
    (void)arg;
    return getenv(name);
}

static void take_variable_fault(void *arg, enum variable_fault fault, const char *reference,
                                const char *why) {
    static const char *const codes[] = {[VARIABLE_MALFORMED] = "C0301",
                                        [VARIABLE_UNDEFINED] = "C0302",
                                        [VARIABLE_UNREADABLE] = "C0303",
                                        [VARIABLE_EXPOSED] = "C0304",
                                        [VARIABLE_UNUSABLE] = "C0305"};
    static const char *const suggestions[] = {
        [VARIABLE_MALFORMED] = "write ${NAME} or ${NAME:-default}; $$ is a single '$'",
        [VARIABLE_EXPOSED] = "chmod 600 it",
        [VARIABLE_UNUSABLE] = NULL};
    struct loading *loading = arg;
    struct arena *arena = &loading->config->arena;
    /* A malformed reference may be a piece of a password, so it is not repeated. */
    const char *message = fault == VARIABLE_MALFORMED
                              ? arena_printf(arena, "a malformed reference: %s", why)
                              : arena_printf(arena, "%s %s", reference, why);
    const char *suggestion =
        suggestions[fault == VARIABLE_EXPOSED || fault == VARIABLE_MALFORMED ? fault
                                                                             : VARIABLE_UNUSABLE];
    if (fault == VARIABLE_UNDEFINED)
        suggestion =
            arena_printf(arena, "a default: %.*s:-value}", (int)strlen(reference) - 1, reference);
    config_tell(loading->config, (struct config_trouble){.code = codes[fault],
                                                         .at = loading->scalar->at,
                                                         .value = loading->scalar,
                                                         .message = message,
                                                         .suggestion = suggestion,
                                                         .warning = fault == VARIABLE_UNDEFINED ||
                                                                    fault == VARIABLE_EXPOSED});
}

static void expand_scalar(struct loading *loading, struct yaml_node *scalar) {
    struct config *config = loading->config;
    struct variables variables = {.arena = &config->arena,
                                  .env = environment,
                                  .folder = loading->file->folder,
                                  .fault = take_variable_fault,
                                  .arg = loading};
    loading->scalar = scalar;
    scalar->expanded = true;
    struct expansion expansion = variables_expand(&variables, scalar->text, scalar->size);
    if (!expansion.text) return;
    config->expanded_bytes += expansion.size;
    if (config->expanded_bytes > EXPANDED_BYTES_MAX)
        take_variable_fault(loading, VARIABLE_UNUSABLE, "the variables", "give more than 8 MiB");
    bool bad = expansion.failed || config->expanded_bytes > EXPANDED_BYTES_MAX;
    scalar->text = bad ? "" : expansion.text;
    scalar->size = bad ? 0 : expansion.size;
    if (bad) scalar->plain = true; /* nothing: the key counts as absent */
    scalar->origin = expansion.origin;
    scalar->secret = expansion.from_file;
}

/* Aliases share nodes; each is visited once. */
static void expand_tree(struct loading *loading, struct yaml_node *node) {
    if (node->expanded) return;
    node->expanded = true;
    if (node->kind == YAML_IS_SCALAR) {
        expand_scalar(loading, node);
        return;
    }
    for (struct yaml_member *member = node->first; member; member = member->next)
        expand_tree(loading, member->value);
}

/* ---- includes ---- */

/* What stands in `over` wins; maps are merged, lists and values replaced. New nodes, since an
 * alias may share the old ones. */
static struct yaml_node *merged(struct arena *arena, struct yaml_node *base,
                                struct yaml_node *over) {
    if (!base || base->kind != YAML_IS_MAP || over->kind != YAML_IS_MAP) return over;
    struct yaml_node *map = arena_zalloc(arena, sizeof *map);
    *map = (struct yaml_node){
        .kind = YAML_IS_MAP, .at = over->at, .expanded = true, .weight = 1, .height = 1};
    for (const struct yaml_member *member = base->first; member; member = member->next) {
        const struct yaml_member *same = yaml_find(over, member->key);
        struct yaml_member both = same ? *same : *member;
        if (same) both.value = merged(arena, member->value, same->value);
        yaml_add(arena, map, both);
    }
    for (const struct yaml_member *member = over->first; member; member = member->next)
        if (!yaml_find(base, member->key)) yaml_add(arena, map, *member);
    return map;
}

static struct yaml_node *load_file(struct config *config, const char *path,
                                   const struct config_file *from, struct text_place from_at,
                                   unsigned depth);

static void bad_include(struct loading *loading, const struct yaml_node *at, const char *code,
                        const char *message) {
    config_tell(
        loading->config,
        (struct config_trouble){
            .code = code, .at = at->at, .value = at, .message = message, .help = "include"});
}

static bool includes_itself(const struct config_file *file, const char *path) {
    char wanted[PATH_MAX], open[PATH_MAX];
    if (!realpath(path, wanted)) return false;
    for (; file; file = file->from)
        if (realpath(file->source.name, open) && strcmp(wanted, open) == 0) return true;
    return false;
}

static struct yaml_node *include_one(struct loading *loading, struct yaml_node *base,
                                     const struct yaml_node *item) {
    struct config *config = loading->config;
    if (item->kind != YAML_IS_SCALAR || item->size == 0) {
        bad_include(loading, item, "C0121", "expected the path of a file");
        return base;
    }
    const char *path = path_from(&config->arena, loading->file->folder, item->text);
    if (includes_itself(loading->file, path)) {
        bad_include(loading, item, "C0122",
                    arena_printf(&config->arena, "'%s' includes itself", path));
    } else if (loading->depth >= CONFIG_INCLUDE_DEPTH || config->file_count >= CONFIG_FILES_MAX) {
        bad_include(loading, item, "C0123", "more than 32 files, or more than 8 levels of them");
    } else {
        struct yaml_node *more =
            load_file(config, path, loading->file, item->at, loading->depth + 1);
        if (more) return base ? merged(&config->arena, base, more) : more;
    }
    return base;
}

static struct yaml_node *take_includes(struct loading *loading, struct yaml_node *root) {
    const struct yaml_member *include = yaml_find(root, "include");
    struct yaml_node *base = NULL;
    if (!include) return root;
    if (include->value->kind == YAML_IS_LIST) {
        for (struct yaml_member *item = include->value->first; item; item = item->next)
            base = include_one(loading, base, item->value);
    } else if (include->value->kind == YAML_IS_MAP || include->value->size > 0) {
        base = include_one(loading, base, include->value);
    }
    struct yaml_node *rest = arena_zalloc(&loading->config->arena, sizeof *rest);
    *rest = (struct yaml_node){
        .kind = YAML_IS_MAP, .at = root->at, .expanded = true, .weight = 1, .height = 1};
    for (const struct yaml_member *member = root->first; member; member = member->next)
        if (member != include) yaml_add(&loading->config->arena, rest, *member);
    return merged(&loading->config->arena, base, rest);
}

/* ---- one file ---- */

static struct yaml_node *load_text(struct loading *loading) {
    struct config *config = loading->config;
    struct yaml_node *root = yaml_read(&config->arena, &loading->file->source, &loading->sink);
    if (!root) return NULL;
    if (root->kind != YAML_IS_MAP) {
        config_tell(config, (struct config_trouble){.code = "C0112",
                                                    .at = root->at,
                                                    .message = "expected 'key: value' lines",
                                                    .cut = true});
        return NULL;
    }
    loading->file->readable = true;
    expand_tree(loading, root);
    return take_includes(loading, root);
}

static struct config_file *new_file(struct config *config, const char *name,
                                    const struct config_file *from) {
    struct config_file *file = arena_zalloc(&config->arena, sizeof *file);
    file->source.name = arena_strdup(&config->arena, name);
    file->folder = folder_of(&config->arena, file->source.name);
    file->from = from;
    file->number = config->file_count++;
    if (!config->file) config->file = file;
    return file;
}

/* Standard input may be a pipe, so it is read to its end, within the limit. */
static char *stdin_text(struct arena *arena, size_t *size) {
    char *text = arena_alloc(arena, YAML_BYTES_MAX + 2);
    *size = fread(text, 1, YAML_BYTES_MAX + 1, stdin);
    text[*size] = '\0';
    return text;
}

static void unreadable(struct config *config, const struct config_file *file, struct text_place at,
                       const char *why) {
    struct text_place here = at.source ? at : (struct text_place){.source = &file->source};
    config_tell(config, (struct config_trouble){.code = "C0101",
                                                .at = here,
                                                .message = arena_printf(&config->arena,
                                                                        "cannot read '%s': %s",
                                                                        file->source.name, why)});
}

static struct yaml_node *load_file(struct config *config, const char *path,
                                   const struct config_file *from, struct text_place from_at,
                                   unsigned depth) {
    struct config_file *file = new_file(config, path, from);
    const char *why = "no text";
    bool standard_input = strcmp(path, "-") == 0 && !from;
    file->source.text = standard_input ? stdin_text(&config->arena, &file->source.size)
                                       : file_text(&config->arena, path, YAML_BYTES_MAX,
                                                   &file->source.size, NULL, &why);
    if (!file->source.text) {
        unreadable(config, file, from_at, why);
        return NULL;
    }
    struct loading loading = {
        .sink.fault = take_fault, .config = config, .file = file, .depth = depth};
    return load_text(&loading);
}

void config_load(struct config *config, const char *path, const char *text, size_t size) {
    if (!text) {
        config->root = load_file(config, path, NULL, (struct text_place){0}, 0);
        return;
    }
    struct config_file *file = new_file(config, path, NULL);
    file->source.text = arena_strndup(&config->arena, text, size);
    file->source.size = size;
    struct loading loading = {.sink.fault = take_fault, .config = config, .file = file};
    config->root = load_text(&loading);
}
