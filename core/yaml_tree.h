/* yaml_tree.h - YAML from outside, as a tree with positions.
 *
 * libyaml reads the events; this file's rules make them YAML 1.2: no 1.1 booleans, octals or
 * sexagesimals, no merge keys, no key twice, one document. Limits stand in front of libyaml, which
 * needs quadratic time for deep flow collections.
 *
 * A syntax error ends the reading; all other faults are told one after another.
 */
#ifndef SLUICE_CORE_YAML_TREE_H
#define SLUICE_CORE_YAML_TREE_H

#include "text_place.h"

#include <cjson/cJSON.h>

struct arena;

enum {
    YAML_BYTES_MAX = 1 << 20,
    YAML_DEPTH_MAX = 64,
    YAML_NODES_MAX = 50000, /* what aliases stand for counts each time */
    YAML_ANCHORS_MAX = 100,
    YAML_KEY_BYTES_MAX = 256
};

enum yaml_kind { YAML_IS_SCALAR, YAML_IS_LIST, YAML_IS_MAP };

struct yaml_node;

struct yaml_member {
    const char *key; /* NULL in a list */
    struct text_place key_at;
    struct yaml_node *value;
    bool twin; /* its key stood there before: told, and not part of the meaning */
    struct yaml_member *next;
};

struct yaml_node {
    enum yaml_kind kind;
    struct text_place at;
    /* A scalar */
    const char *text; /* without quotes and escapes; no NUL inside */
    size_t size;
    bool plain;         /* not quoted: its text decides on its type */
    bool expanded;      /* variables have been put in */
    bool secret;        /* never shown: by its field, or since it came from a file of secrets */
    const char *origin; /* "env:NAME", "file:PATH": where its text came from; NULL: as written */
    /* A list or a map */
    struct yaml_member *first, *last;
    size_t count;
    size_t weight;   /* nodes in it, itself included */
    unsigned height; /* levels of collections, itself included */
    bool open;       /* still being read: an alias to it would never end */
};

struct yaml_fault {
    const char *code;
    struct text_place at;
    const char *message, *suggestion; /* suggestion may be NULL; both live until the call returns */
};

struct yaml_sink {
    void (*fault)(struct yaml_sink *sink, const struct yaml_fault *fault);
};

/* Reads one document. The tree lives in `arena` and borrows `source`. An empty document is an empty
 * map. NULL: the text is no YAML, which has been told. */
struct yaml_node *yaml_read(struct arena *arena, const struct source *source,
                            struct yaml_sink *sink);

/* False, with the byte's offset, when flow collections nest deeper than YAML_DEPTH_MAX, or the text
 * has more than a few directives. Linear and pure; it may let through what yaml_read stops later,
 * but never stops what is allowed. */
bool yaml_scan(const char *text, size_t size, size_t *offset);

/* The value of a scalar by the core schema of YAML 1.2, except that 0o7 stays text. Allocated as
 * cJSON does at the time. */
cJSON *yaml_value(const struct yaml_node *scalar);
cJSON *yaml_json(const struct yaml_node *node); /* the same for a tree; NULL: out of memory */

struct yaml_member *yaml_find(const struct yaml_node *map, const char *key);
void yaml_add(struct arena *arena, struct yaml_node *to, struct yaml_member member);

#endif
