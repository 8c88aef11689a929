/* Root cause: a service whose statements, edges or load changed; none when nothing did. */
#include "rca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HISTORY = 6, TRACES = 60 };

struct fault {
    bool branch, delay, early;
    double load;
};

static uint32_t named(struct names *names, const char *text) {
    return names_put(names, text_from(text));
}

/* shop -> cart -> stock; each writes two statements, a little noise in all times. */
static struct rca_window *make(struct names *names, unsigned seed, struct fault fault) {
    static const char *const services[] = {"shop", "cart", "stock"};
    struct rca_window *w = rca_window_new(100000);
    const uint64_t base = seed;
    for (uint64_t t = 1; t <= TRACES; t++) {
        for (uint64_t s = 0; s < 3; s++) {
            const bool broken = s == 2;
            int64_t length = 100000000 - (int64_t)s * 20000000 - rand_r(&seed) % 1000000;
            if (broken && fault.delay) length /= 2; /* the caller waits for the network */
            const struct rca_span span = {.trace = t * 7919 + base,
                                          .span = s + 1,
                                          .parent = s,
                                          .service = named(names, services[s]),
                                          .operation = named(names, "GET"),
                                          .start_ns = 1000,
                                          .end_ns = 1000 + length};
            rca_add_span(w, &span);
            rca_add_span(w, &span); /* sent twice */
            static const char *const says[] = {"begin", "found", "missing"};
            struct rca_log log = {.trace = span.trace, .span = span.span, .service = span.service};
            log.statement = named(names, says[0]), log.at_ns = 1;
            rca_add_log(w, &log);
            if (s < 2 && fault.early) continue; /* the callers end early, as failures make them */
            log.statement = named(names, broken && fault.branch ? says[2] : says[1]), log.at_ns = 2;
            rca_add_log(w, &log);
        }
    }
    if (fault.load > 0) rca_add_load(w, named(names, "cart"), fault.load, 0.2);
    assert_true(rca_window_close(w));
    return w;
}

static size_t rank(struct names *names, struct fault fault, size_t history,
                   struct rca_verdict *verdicts) {
    struct rca_window *past[HISTORY];
    const struct rca_window *shown[HISTORY];
    for (size_t i = 0; i < history; i++)
        shown[i] = past[i] = make(names, (unsigned)i + 1, (struct fault){0});
    struct rca_window *now = make(names, 99, fault);
    const size_t n = rca_rank(now, shown, history, verdicts, 5);
    rca_window_free(now);
    for (size_t i = 0; i < history; i++) rca_window_free(past[i]);
    return n;
}

static void finds_the_service(void **state) {
    (void)state;
    struct names *names = names_new(100);
    struct rca_verdict v[5];
    assert_true(rank(names, (struct fault){.branch = true}, HISTORY, v) >= 1);
    assert_string_equal(names_text(names, v[0].service), "stock");
    assert_int_equal(v[0].strongest, RCA_STATEMENTS);
    assert_string_equal(names_text(names, v[0].to), "missing");
    assert_true(v[0].now > 0.99 && v[0].usual < 0.01 && v[0].count == TRACES);

    assert_true(rank(names, (struct fault){.branch = true, .early = true}, HISTORY, v) >= 1);
    assert_string_equal(names_text(names, v[0].service), "stock"); /* not those that gave up */

    assert_true(rank(names, (struct fault){.delay = true}, HISTORY, v) >= 1);
    assert_string_equal(names_text(names, v[0].service), "stock");
    assert_int_equal(v[0].strongest, RCA_EDGES);
    assert_string_equal(names_text(names, v[0].from), "cart");

    assert_true(rank(names, (struct fault){.load = 0.95}, HISTORY, v) >= 1);
    assert_string_equal(names_text(names, v[0].service), "cart");
    names_free(names);
}

static void nothing_wrong_or_no_history_is_no_verdict(void **state) {
    (void)state;
    struct names *names = names_new(100);
    struct rca_verdict v[5];
    const size_t n = rank(names, (struct fault){0}, HISTORY, v);
    assert_true(n == 0 || v[0].score < 0.1);
    assert_int_equal(rank(names, (struct fault){.branch = true}, 2, v), 0);
    names_free(names);
}

/* Too many records: whole traces go, what stays still fits together. */
static void a_flood_is_thinned_by_trace(void **state) {
    (void)state;
    struct rca_window *w = rca_window_new(1000);
    for (uint64_t t = 1; t <= 50000; t++)
        for (uint64_t s = 1; s <= 2; s++)
            rca_add_span(w, &(struct rca_span){.trace = t * 104729,
                                               .span = s,
                                               .parent = s - 1,
                                               .service = (uint32_t)s,
                                               .operation = 1,
                                               .start_ns = 1,
                                               .end_ns = 5});
    size_t left_out;
    const size_t kept = rca_window_spans(w, &left_out);
    assert_in_range(kept, 100, 1000);
    assert_int_equal(kept + left_out, 100000);
    assert_true(rca_window_close(w));
    assert_int_equal(rca_window_spans(w, NULL) % 2, 0); /* both spans of each kept trace */
    rca_window_free(w);
}

static void locations_are_found(void **state) {
    (void)state;
    static const char *const lines[][2] = {
        {"16:42:22.382 INFO  t.s.Travel#532 TraceID: x", "t.s.Travel#532"},
        {"E0102 main.go:123] failed", "main.go:123"},
        {"app/views.py:42 boom", "app/views.py:42"},
        {"dial tcp 10.0.0.1:80 refused", ""},
        {"GET example.com:8080 failed", ""},
        {"issue #12 is open", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct text found = log_location(text_from(lines[i][0]));
        assert_true(text_is(found, lines[i][1]));
    }
}

static void names_are_bounded(void **state) {
    (void)state;
    struct names *names = names_new(100);
    char text[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "name-%d", i);
        names_put(names, text_from(text));
    }
    assert_int_equal(names_count(names), 100);
    assert_int_equal(names_put(names, text_from("name-5000")), 0);
    assert_string_equal(names_text(names, names_find(names, text_from("name-7"))), "name-7");
    assert_string_equal(names_text(names, 0), "(other)");
    names_free(names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_service),
        cmocka_unit_test(nothing_wrong_or_no_history_is_no_verdict),
        cmocka_unit_test(a_flood_is_thinned_by_trace),
        cmocka_unit_test(locations_are_found),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
