/* Paths to targets: literals before parameters, methods, escapes, collisions, and query strings. */
#include "arena.h"
#include "route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const routes[] = {
    "GET /",
    "GET /deployments",
    "POST /deployments",
    "POST /deployments/request",
    "GET /deployments/{id}",
    "DELETE /deployments/{name}",
    "POST /deployments/{id}/approve",
    "GET /tenants/{tenant}/members/{member}",
    "GET /tenants/{tenant}/members/all",
    "GET /files/{path...}",
    "GET /files/index",
    "GET /.well-known/x.y",
};

struct router_test {
    struct router *router;
    struct arena arena;
    struct route_match match;
};

static int set_up(void **state) {
    static struct router_test test;
    test = (struct router_test){.router = router_new()};
    arena_init(&test.arena);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *why = router_add(test.router, routes[i], (void *)(uintptr_t)routes[i]);
        if (why) fail_msg("%s", why);
    }
    *state = &test;
    return 0;
}

static int tear_down(void **state) {
    struct router_test *test = *state;
    router_free(test->router);
    arena_fini(&test->arena);
    return 0;
}

static bool match(struct router_test *test, const char *method, const char *path) {
    return router_match(test->router, method, path, strlen(path), &test->arena, &test->match);
}

static void finds_targets(void **state) {
    struct router_test *test = *state;
    static const struct {
        const char *method, *path, *route;
    } cases[] = {
        {"GET", "/", "GET /"},
        {"HEAD", "/deployments", "GET /deployments"},
        {"POST", "/deployments", "POST /deployments"},
        {"POST", "/deployments/request", "POST /deployments/request"},
        {"GET", "/deployments/request", "GET /deployments/{id}"},
        {"GET", "/deployments/42", "GET /deployments/{id}"},
        {"DELETE", "/deployments/42", "DELETE /deployments/{name}"},
        {"POST", "/deployments/42/approve", "POST /deployments/{id}/approve"},
        {"POST", "/deployments/request/approve", "POST /deployments/{id}/approve"},
        {"GET", "/tenants/a/members/b", "GET /tenants/{tenant}/members/{member}"},
        {"GET", "/tenants/a/members/all", "GET /tenants/{tenant}/members/all"},
        {"GET", "/files/index", "GET /files/index"},
        {"GET", "/files/index/b", "GET /files/{path...}"},
        {"GET", "/files/a/b/c", "GET /files/{path...}"},
        {"GET", "/%64eployments", "GET /deployments"},
        {"GET", "/.well-known/x.y", "GET /.well-known/x.y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(match(test, cases[i].method, cases[i].path));
        if (!test->match.target) fail_msg("nothing at %s", cases[i].path);
        assert_string_equal(test->match.target, cases[i].route);
        assert_string_equal(test->match.template_, strchr(cases[i].route, '/'));
    }
}

static void gives_parameters_decoded(void **state) {
    struct router_test *test = *state;
    assert_true(match(test, "GET", "/tenants/a%20b/members/c%2Fd+%C3%A9"));
    assert_int_equal(test->match.param_count, 2);
    assert_string_equal(test->match.params[0].name, "tenant");
    assert_string_equal(test->match.params[0].value, "a b");
    assert_string_equal(test->match.params[1].name, "member");
    assert_string_equal(test->match.params[1].value, "c/d+é");
    assert_int_equal(test->match.params[1].size, 6);
    assert_true(match(test, "DELETE", "/deployments/42"));
    assert_string_equal(test->match.params[0].name, "name");
    assert_true(match(test, "GET", "/files/a/b%20c/d"));
    assert_string_equal(test->match.params[0].value, "a/b c/d");
    assert_true(match(test, "GET", "/files/a//b"));
    assert_string_equal(test->match.params[0].value, "a//b");
}

static void allocates_nothing_for_plain_paths(void **state) {
    struct router_test *test = *state;
    assert_true(match(test, "POST", "/deployments/request"));
    assert_non_null(test->match.target);
    assert_null(test->arena.chunk);
}

static void tells_the_allowed_methods(void **state) {
    struct router_test *test = *state;
    assert_true(match(test, "PUT", "/deployments"));
    assert_null(test->match.target);
    assert_string_equal(test->match.template_, "/deployments");
    assert_string_equal(test->match.allow, "GET, HEAD, POST");
    assert_true(match(test, "PATCH", "/deployments/request"));
    assert_string_equal(test->match.allow, "GET, HEAD, POST, DELETE");
    assert_true(match(test, "HEAD", "/deployments/1/approve"));
    assert_null(test->match.target);
    assert_string_equal(test->match.allow, "POST");
}

static void does_not_find_other_paths(void **state) {
    struct router_test *test = *state;
    static const char *const paths[] = {
        "/deployment",
        "/deployments/",
        "/deployments/1/2/3",
        "//",
        "/files",
        "/files/",
        "/tenants//members/b",
        "/Deployments",
        "/deployments%2Frequest",
        "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"
        "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_true(match(test, "GET", paths[i]));
        if (test->match.target || test->match.template_) fail_msg("found %s", paths[i]);
    }
}

static void refuses_malformed_paths(void **state) {
    struct router_test *test = *state;
    static const char *const paths[] = {"",
                                        "deployments",
                                        "/deployments/%",
                                        "/deployments/%2",
                                        "/deployments/%zz",
                                        "/deployments/%00",
                                        "/deployments/..",
                                        "/deployments/%2e%2E",
                                        "/./deployments",
                                        "/../etc/passwd",
                                        "/deployments/%ff",
                                        "/deployments/\xff",
                                        "/files/a%2f..%2fb",
                                        "/deployments/..%2fx"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (match(test, "GET", paths[i])) fail_msg("taken: %s", paths[i]);
    }
    assert_false(router_match(test->router, "GET", "/a\0b", 4, &test->arena, &test->match));
}

static void refuses_routes_that_collide_or_are_malformed(void **state) {
    struct router_test *test = *state;
    static const struct {
        const char *route, *words;
    } cases[] = {
        {"GET /deployments/{other}", "collides with 'GET /deployments/{id}'"},
        {"GET /deployments", "collides with 'GET /deployments'"},
        {"GET /files/{x...}", "collides with 'GET /files/{path...}'"},
        {"", "malformed"},
        {"GET", "malformed"},
        {"GET deployments", "malformed"},
        {"get /x", "malformed"},
        {"HEAD /x", "malformed"},
        {"GET /x/", "malformed"},
        {"GET /x//y", "malformed"},
        {"GET /{}", "malformed"},
        {"GET /{A}", "malformed"},
        {"GET /{a", "malformed"},
        {"GET /a{b}", "malformed"},
        {"GET /{a...}/b", "malformed"},
        {"GET /{a}/{a}", "malformed"},
        {"GET /a b", "malformed"},
        {"GET /a%20b", "malformed"},
        {"GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *clash = router_clash(test->router, cases[i].route);
        if (!clash || !strstr(clash, cases[i].words)) fail_msg("%s: %s", cases[i].route, clash);
        assert_non_null(router_add(test->router, cases[i].route, test));
    }
    assert_null(router_clash(test->router, "PUT /deployments/{id}"));
    assert_true(match(test, "PUT", "/deployments/1")); /* asking changed nothing */
    assert_null(test->match.target);
}

static void suggests_the_nearest_path(void **state) {
    struct router_test *test = *state;
    static const struct {
        const char *path, *near;
    } cases[] = {{"/deployment", "/deployments"},
                 {"/deployments/", "/deployments"},
                 {"/Deployments/request", "/deployments/request"},
                 {"/deploymnets/7/aprove", "/deployments/7/approve"},
                 {"/xyz", NULL},
                 {"/tenants/a/b/c", NULL},
                 {"/../x", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near =
            router_nearest(test->router, cases[i].path, strlen(cases[i].path), &test->arena);
        if (!cases[i].near) assert_null(near);
        if (cases[i].near && (!near || strcmp(near, cases[i].near) != 0)) {
            fail_msg("%s: %s", cases[i].path, near);
        }
    }
}

/* ---- queries ---- */

static void note(void *arg, const char *name, const char *value, size_t size) {
    char *text = arg;
    size_t at = strlen(text);
    assert_int_equal(strlen(value), size);
    snprintf(text + at, 1000 - at, "%s=%s;", name, value);
}

static void reads_queries(void **state) {
    struct router_test *test = *state;
    static const struct {
        const char *query, *text;
    } cases[] = {{"", ""},
                 {"a=1&b=2", "a=1;b=2;"},
                 {"a", "a=;"},
                 {"a=&=b&&", "a=;=b;"},
                 {"q=a+b%2Bc%26d=e", "q=a b+c&d=e;"},
                 {"%61=%C3%A9", "a=é;"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1000] = "";
        assert_true(query_each(cases[i].query, strlen(cases[i].query), &test->arena, note, text));
        assert_string_equal(text, cases[i].text);
    }
}

static void refuses_malformed_queries(void **state) {
    struct router_test *test = *state;
    char text[1000] = "";
    static const char *const queries[] = {"a=%",   "a=%1", "a=%zz", "a=%00",
                                          "a=%ff", "%=1",  "a=\xc3"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        assert_false(query_each(queries[i], strlen(queries[i]), &test->arena, note, text));
    }
    char many[2 * (QUERY_PARAMS_MAX + 1) + 1];
    for (size_t i = 0; i <= QUERY_PARAMS_MAX; i++) memcpy(many + 2 * i, "a&", 2);
    assert_true(query_each(many, 2 * (size_t)QUERY_PARAMS_MAX, &test->arena, note, text));
    assert_false(query_each(many, 2 * (size_t)QUERY_PARAMS_MAX + 2, &test->arena, note, text));
}

int main(void) {
#define in_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        in_router(finds_targets),
        in_router(gives_parameters_decoded),
        in_router(allocates_nothing_for_plain_paths),
        in_router(tells_the_allowed_methods),
        in_router(does_not_find_other_paths),
        in_router(refuses_malformed_paths),
        in_router(refuses_routes_that_collide_or_are_malformed),
        in_router(suggests_the_nearest_path),
        in_router(reads_queries),
        in_router(refuses_malformed_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
