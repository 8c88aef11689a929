/* docs_example.h - how to call an operation: a body, a curl line, a command line. */
#ifndef SLUICE_CORE_DOCS_EXAMPLE_H
#define SLUICE_CORE_DOCS_EXAMPLE_H

#include "op.h"

struct arena;

/* A body as JSON: the operation's example, or one made of its required fields. What stands in
 * `path` is left out. */
const char *example_body(const struct op *op, const char *path, struct arena *arena);
/* "curl -H 'Authorization: ...' http://127.0.0.1:8000/..." */
const char *example_curl(const struct op *op, struct arena *arena);
/* "sluice deploy request --app shop --env prod" */
const char *example_cli(const struct op *op, struct arena *arena);

#endif
