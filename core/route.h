/* route.h - from "POST /deployments/42/approve" to an operation and its path parameters. Pure. */
#ifndef SLUICE_CORE_ROUTE_H
#define SLUICE_CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_PARAMS_MAX = 8, ROUTE_SEGMENTS_MAX = 32, QUERY_PARAMS_MAX = 100 };

struct router;
struct arena;

struct route_param {
    const char *name;  /* from the template */
    const char *value; /* percent-decoded, in the arena, NUL-ended */
    size_t size;
};

struct route_match {
    void *target;          /* what route_add was given; NULL: no such path, or not this method */
    const char *template_; /* "/deployments/{id}", also when only the method is wrong */
    const char *allow;     /* "GET, HEAD, POST": methods of the path, when the method is wrong */
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t param_count;
};

struct router *router_new(void);
void router_free(struct router *router);

/* `route` is "METHOD /path/{name}/..."; a last segment "{name...}" takes the rest of the path.
 * Returns NULL, or a sentence: malformed, or the route that it collides with. Literal segments win
 * over parameters. */
const char *router_add(struct router *router, const char *route, void *target);

/* The sentence that router_add would refuse `route` with, or NULL; changes nothing. */
const char *router_clash(const struct router *router, const char *route);

/* Finds the target of a raw, percent-encoded path. False: the path is malformed (bad escape, NUL,
 * no UTF-8, a segment "." or ".."). An encoded slash never divides segments. HEAD finds GET.
 * Allocates nothing when the path has no parameters and no escapes. */
bool router_match(const struct router *router, const char *method, const char *path, size_t size,
                  struct arena *arena, struct route_match *match);

/* A path that exists and that `path` was perhaps meant to be, with misspelt literals corrected, or
 * NULL. For 404 answers. */
const char *router_nearest(const struct router *router, const char *path, size_t size,
                           struct arena *arena);

/* Calls `each(arg, name, value)` for every parameter of a query string, decoded ('+' is a blank).
 * False when an escape is bad, what it gives is no UTF-8, or there are more than 100. */
bool query_each(const char *query, size_t size, struct arena *arena,
                void (*each)(void *arg, const char *name, const char *value, size_t value_size),
                void *arg);

#endif
