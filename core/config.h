/* config.h - sluice.yaml: YAML to a tree with positions, variables, fields, errors worth reading.
 *
 * Two steps, because plugins bring their own rows: config_read gives the tree; the host finds the
 * plugins that it names; config_check holds the tree against the core's rows and theirs.
 */
#ifndef SLUICE_CORE_CONFIG_H
#define SLUICE_CORE_CONFIG_H

#include "fields.h"

#include <sluice/plugin.h>

struct config;

/* One error or warning: "sluice.yaml:14:5: error[C0203]: unknown key 'canry' in rollout", with
 * excerpt, caret, suggestion and help. Secrets are never in it. */
struct config_note {
    const char *file;
    unsigned line, column;
    char code[8];
    bool warning;
    const char *message, *suggestion;
};

/* A "path" that names the configuration inside the program whatever stands around it. */
#define CONFIG_BUILT_IN "built-in:"
/* Reads `path` ("-": standard input; NULL: $SLUICE_CONFIG, or the first there is of sluice.yaml,
 * config/sluice.yaml, /etc/sluice/sluice.yaml, the installed one, the built-in one) with its
 * includes, applies ${VAR}, ${env:VAR}, ${VAR:-default}, ${file:PATH} and $$. Always gives a
 * config; config_ok says whether it may be used. */
struct config *config_read(const char *path);
/* The file that config_read(NULL) takes, or NULL: the built-in one. */
const char *config_usual_path(void);
struct config *config_read_text(const char *name, const char *text, size_t size);
void config_free(struct config *config);

/* Rows of one part of the tree: pointer "" is the root, "/plugins/risk" a plugin's options. */
struct config_section {
    const char *pointer;
    struct field_rows rows;
};
/* Checks each section, completes it (defaults, units), and adds all faults to the notes. Members of
 * a section that are sections themselves are left to them. */
void config_check(struct config *config, const struct config_section *sections, size_t count);
/* Adds a fault of the host's own ("no such plugin") at a pointer; at_name: at the key. */
void config_fault(struct config *config, const char *pointer, bool at_name, const char *code,
                  const char *suggestion, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

bool config_ok(const struct config *config);
/* Whether there is a tree, so that a check can tell of more than the first faults. */
bool config_readable(const struct config *config);
const cJSON *config_tree(const struct config *config);
const cJSON *config_at(const struct config *config, const char *pointer); /* or NULL */
const char *config_hash(const struct config *config); /* hex SHA-256 of the resolved tree */
const char *config_path(const struct config *config);
/* All notes, by position, at most 50, printed for people; `color`: with ANSI. Malloc'ed. */
char *config_report(const struct config *config, bool color);
size_t config_notes(const struct config *config, const struct config_note **notes);
/* Adds a warning of the host's own, as config_fault does. */
void config_warn(struct config *config, const char *pointer, const char *code, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
/* The tree as YAML that reads back, with the origin of each key (file:line, env:NAME, default), and
 * secrets as "***". `defaults`: also the keys that nobody has set. Malloc'ed. */
char *config_show(const struct config *config, const struct config_section *sections, size_t count,
                  bool defaults);
/* The same as JSON; durations in ms, sizes in bytes. Allocated as cJSON does at the time. */
cJSON *config_show_json(const struct config *config, const struct config_section *sections,
                        size_t count, bool defaults);
/* What a key ("plugins.risk", "server.workers") or an error's code takes and means, for people.
 * Malloc'ed; NULL: nothing of that name, and then `*nearest` (malloc'ed) may name one. */
char *config_explain(const struct config_section *sections, size_t count, const char *name,
                     char **nearest);
/* JSON Schema of the whole file from the sections. Allocated as cJSON does at the time. */
cJSON *config_schema(const struct config_section *sections, size_t count);

/* Folders in which plugins are looked for: plugin_dirs, beside libsluice, the installation's.
 * Malloc'ed strings in a malloc'ed list ended by NULL. */
char **config_plugin_folders(const struct config *config);
/* The names of all plugins in these folders, sorted, each once; in the same form. */
char **config_plugin_names(char *const *folders);
void config_list_free(char **list);
/* The plugin whose name is nearest; malloc'ed sentence ("did you mean 'risk'?"), or NULL. */
char *config_nearest_plugin(const struct config *config, const char *name);

extern const sl_field config_core_rows[]; /* server, state, log, store, plugins... */
extern const sl_op config_ops[];          /* platform.config, platform.config_schema */
/* config/sluice.yaml as it was when this was built. */
const char *config_default_text(size_t *size);

#endif
