/* op.h - the registry of operations, and running one. */
#ifndef SLUICE_CORE_OP_H
#define SLUICE_CORE_OP_H

#include "call.h"
#include "fields.h"

struct metric_series;
struct router;

/* An operation as the host holds it: the row, zero-extended, with its owner and counters. */
struct op {
    sl_op row;
    struct plugin *plugin;
    struct field_rows in, out;
    struct metric_series *seconds; /* histogram */
    struct metric_series *results[SL_PRECONDITION + 1];
    struct op *next;
};

struct registry *registry_new(void);
void registry_free(struct registry *registry);
/* Adds all operations of a plugin; NULL, or a sentence (name or route collides, no permission
 * named…) and then none of them is there. */
const char *registry_add(struct registry *registry, struct plugin *plugin);
struct op *registry_find(const struct registry *registry, const char *name);
/* All of them by name: i = 0.. ; NULL at the end. */
struct op *registry_at(const struct registry *registry, size_t i);
struct router *registry_router(const struct registry *registry);

/* Checks `in` against the fields (completing it), the permission when `ask`, and runs the handler
 * in the current fiber. The call holds the failure. */
int op_run(struct sl_call *call, struct op *op, cJSON *in, cJSON *out, bool ask);
/* 0 when the caller may run it, else told: SL_UNAUTHENTICATED or SL_DENIED. */
int op_permitted(struct sl_call *call, const struct op *op);
/* problem+json of a failed call, in its arena. */
cJSON *op_problem(struct sl_call *call);
int http_status_of(int status); /* enum sl_status -> HTTP */
const char *problem_title(int status);

#endif
