/* A path, a line end, a query string: any bytes. What matches must give sound parameters. */
#include "arena.h"
#include "json.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void expect_text(const char *text, size_t size) {
    expect(strlen(text) == size, "no NUL inside a value");
    for (const char *at = text, *end = text + size; at < end;) {
        unsigned length = json_utf8_length(at, end);
        expect(length > 0, "values are UTF-8");
        at += length;
    }
}

static void each(void *arg, const char *name, const char *value, size_t size) {
    unsigned *count = arg;
    expect(++*count <= QUERY_PARAMS_MAX, "at most 100 parameters");
    expect_text(name, strlen(name));
    expect_text(value, size);
}

static const char *const routes[] = {"GET /a",       "POST /a/{x}",        "GET /a/b",
                                     "GET /a/{y}/c", "DELETE /a/b/c/{z}",  "GET /f/{rest...}",
                                     "PUT /",        "GET /{p}/{q}/{r...}"};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct arena arena;
    arena_init(&arena);
    struct router *router = router_new();
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        expect(!router_add(router, routes[i], router), "the routes are sound");
    }
    const char *text = (const char *)data;
    const char *line = size ? memchr(text, '\n', size) : NULL;
    size_t path_size = line ? (size_t)(line - text) : size;
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "BREW"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct route_match match;
        if (!router_match(router, methods[i], text, path_size, &arena, &match)) continue;
        expect(!match.target || match.template_, "a target has a template");
        expect(!match.allow || !match.target, "Allow is for the wrong method");
        for (size_t n = 0; n < match.param_count; n++) {
            expect_text(match.params[n].value, match.params[n].size);
            expect(match.params[n].size > 0, "parameters are not empty");
            expect(strcmp(match.params[n].value, "..") != 0, "no parameter is '..'");
        }
    }
    router_nearest(router, text, path_size, &arena);
    unsigned count = 0;
    if (line) query_each(line + 1, size - path_size - 1, &arena, each, &count);
    /* Any text as a route is taken or refused, never half taken. */
    char *route = strndup(text, size);
    const char *why = router_clash(router, route);
    expect((why == NULL) == (router_add(router, route, router) == NULL),
           "clash tells what add does");
    free(route);
    router_free(router);
    arena_fini(&arena);
    return 0;
}
