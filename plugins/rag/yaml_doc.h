/* yaml_doc.h - YAML (and JSON, which is YAML too) as a tree that knows its lines. Pure.
 *
 * Bounded: depth, nodes and open brackets (libyaml's work grows with the square of those). Aliases
 * are not followed: they read as text "*name". */
#ifndef RAG_YAML_DOC_H
#define RAG_YAML_DOC_H

#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

enum yaml_limits {
    YAML_DEPTH = 40,
    YAML_NODES = 200000,
    YAML_BRACKETS = 200,
    YAML_BYTES = 4 << 20
};

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t from, to; /* lines from 0, both included */
    const char *key;   /* of a map's member, else NULL */
    const char *text;  /* of a scalar, ends in NUL */
    struct yaml_node *child, *last, *next;
};

/* All documents of the text as items of one list; in the pool. NULL with `error` (of `error_bytes`)
 * set: what, line and column. */
struct yaml_node *yaml_read(struct pool *pool, const char *text, size_t size, char *error,
                            size_t error_bytes);

/* The member of a map, or NULL (also when `node` is NULL or no map). */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);
/* Text of a scalar member, or NULL. */
const char *yaml_text(const struct yaml_node *node, const char *key);

#endif
