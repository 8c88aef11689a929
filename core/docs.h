/* docs.h - what the platform says of itself, made from the registry: the list of operations,
 * OpenAPI, the pages for people. Each document is made when it is first asked for, and again when
 * the set of operations has changed. */
#ifndef SLUICE_CORE_DOCS_H
#define SLUICE_CORE_DOCS_H

#include "op.h"

struct arena;
struct docs;
struct host;

/* platform.operations, platform.openapi, and the pages; all public. */
extern const sl_op docs_ops[];
void docs_free(struct docs *docs);

/* ---- the parts; each from cJSON's current allocator, or in `arena` ---- */

/* {"items": [...]}: every operation that is not hidden, as the CLI reads it. */
void operations_list(const struct registry *registry, cJSON *out);
/* One operation: name, summary, method, path, needs, effect, in[]. */
cJSON *operation_brief(const struct op *op);

/* "POST /deployments/request" apart. False: the operation has no route. */
bool op_route(const struct op *op, char method[static 8], const char **path);
/* Is `name` a parameter of the path? */
bool path_has_param(const char *path, const char *name);

#endif
