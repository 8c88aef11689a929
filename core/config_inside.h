/* config_inside.h - what the files of the configuration share. */
#ifndef SLUICE_CORE_CONFIG_INSIDE_H
#define SLUICE_CORE_CONFIG_INSIDE_H

#include "arena.h"
#include "config.h"
#include "yaml_tree.h"

#include <stdio.h>

enum { CONFIG_FILES_MAX = 32, CONFIG_INCLUDE_DEPTH = 8, CONFIG_NOTES_SHOWN = 50 };

/* A file that has been read; `source` is first, so that a place leads to its file. */
struct config_file {
    struct source source;
    const char *folder;             /* relative paths of this file begin here */
    const struct config_file *from; /* the file that includes it */
    unsigned number;                /* in order of reading: notes are sorted by it */
    bool readable;                  /* it gave a tree */
};

struct note {
    struct config_note face;
    struct text_place at;
    const struct config_file *file;
    const struct yaml_node *value; /* what the note is about; NULL: no value */
    const char *help;              /* dotted name for `config explain`, or NULL */
    bool cut;                      /* never show what stands behind the place */
    struct note *next;
};

struct config {
    struct arena arena;
    const char *path;
    const struct config_file *file; /* the main one */
    unsigned file_count;
    struct yaml_node *root; /* all files merged; NULL: unreadable */
    cJSON *tree;            /* never NULL */
    struct note *notes;     /* by position */
    struct config_note *faces;
    size_t face_count;
    bool failed;
    const struct config_section *sections; /* of the last check, with common rows; in the arena */
    size_t section_count;
    size_t expanded_bytes; /* of all variables */
    char hash[65];
};

extern const sl_field config_plugin_rows[]; /* members that every plugin's options have */

/* ---- config_notes.c ---- */
struct config_trouble {
    const char *code;
    struct text_place at;
    const struct yaml_node *value;
    const char *message, *suggestion, *help; /* in the arena, or static */
    bool warning, cut;
};
void config_tell(struct config *config, struct config_trouble trouble);
/* Puts "***" for secret values that messages may have taken up. */
void config_mask_notes(struct config *config);

/* ---- config_read.c ---- */
/* The text of a file, of standard input, or given. */
void config_load(struct config *config, const char *path, const char *text, size_t size);
/* "a/b" from "x.yaml" in folder "a"; absolute paths as they are. In the arena. */
const char *path_from(struct arena *arena, const char *folder, const char *path);

/* ---- config_where.c: pointers, dotted names, rows ---- */
struct config_spot {
    const struct yaml_member *member; /* the last one found; NULL: the root */
    const struct yaml_node *node;     /* NULL: there is none (a default) */
    bool exact;                       /* all of the pointer was found */
};
struct config_spot config_spot(const struct config *config, const char *pointer);
cJSON *json_at(const cJSON *tree, const char *pointer); /* or NULL */
/* "/plugins/risk/a~1b/0" -> "plugins.risk.a/b[0]"; "" -> "". */
const char *dotted(struct arena *arena, const char *pointer);
const char *without_indexes(struct arena *arena, const char *name); /* "a[0].b" -> "a.b" */
/* Copies the next token of a pointer, unescaped, and passes it. False at the end. */
bool next_token(const char **pointer, char *token, size_t room);
/* The section with the longest pointer that leads to `pointer`, and the rest of it. */
const struct config_section *section_of(const struct config_section *sections, size_t count,
                                        const char *pointer, const char **rest);
/* The row of a member, or NULL. */
const sl_field *config_row(const struct config_section *sections, size_t count,
                           const char *pointer);
/* Where else a field of this name stands: "rollout.canary", or NULL. In the arena. */
const char *config_elsewhere(struct arena *arena, const struct config_section *sections,
                             size_t count, const char *name);
/* Sections with the common rows added to those of plugins. In the arena. */
const struct config_section *sections_complete(struct arena *arena,
                                               const struct config_section *sections, size_t count);
struct field_rows rows_of(const sl_field *row, struct field_rows parent); /* of its members */
bool is_plugin_pointer(const char *pointer);                              /* "/plugins/NAME" */

/* ---- config_prepare.c ---- */
/* Makes the tree what fields_check wants: empty sections, lists of one, text as it was written,
 * null as absent; marks secrets. `node` may be NULL. */
void config_prepare(struct config *config, struct field_rows rows, struct yaml_node *node,
                    cJSON *object);
/* Makes paths relative to the file they stand in. After fields_check. */
void config_resolve_paths(struct config *config, struct field_rows rows,
                          const struct yaml_node *node, cJSON *object);
void config_mark_secret(struct yaml_node *node); /* with all that is in it; NULL: nothing */
bool name_is_secret(const char *name);           /* "password", "api_key"... */

/* ---- config_listen.c ---- */
void config_check_listen(struct config *config); /* tells what is no address */

/* ---- config_hash.c ---- */
void config_hash_tree(const cJSON *tree, char hex[65]); /* members in any order hash the same */

#endif
