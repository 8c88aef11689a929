/* Telemetry: counts by the minute, calls between services in any order, floods, the live ranking. */
#include "telemetry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t start_ms = 1777882800000; /* on a full five minutes */

static struct otlp_source from(const char *service) {
    return (struct otlp_source){.service = text_from(service)};
}

static void say(struct telemetry *t, const char *service, const char *line, int severity,
                int64_t ms) {
    const struct otlp_source source = from(service);
    telemetry_log(t, &(struct otlp_log){.source = &source,
                                        .time_ns = ms * 1000000,
                                        .severity = severity,
                                        .body = text_from(line)});
}

static struct otlp_span make_span(const struct otlp_source *source, unsigned trace, unsigned span,
                                  unsigned parent, int64_t ms, int64_t lasting_ms) {
    struct otlp_span s = {.source = source,
                          .name = text_from("GET"),
                          .kind = OTLP_SERVER,
                          .start_ns = ms * 1000000,
                          .end_ns = (ms + lasting_ms) * 1000000};
    (void)snprintf(s.trace, sizeof s.trace, "%032x", trace);
    (void)snprintf(s.span, sizeof s.span, "%016x", span);
    if (parent) (void)snprintf(s.parent, sizeof s.parent, "%016x", parent);
    return s;
}

static void logs_are_counted_by_template_and_minute(void **state) {
    (void)state;
    struct telemetry *t = telemetry_new();
    telemetry_at(t, start_ms);
    for (int i = 0; i < 100; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "request %d failed", i);
        say(t, "shop", line, i % 2 ? 17 : 9, start_ms - 60000 * (i % 2));
    }
    say(t, "mail", "request 7 failed", 9, start_ms);
    say(t, "mail", "too late", 9, start_ms - 90000000);
    say(t, "mail", "from the future", 9, start_ms + 3600000); /* its clock is ahead: now */
    const struct delta *d = telemetry_delta(t);
    assert_int_equal(d->log_count, 4);
    assert_int_equal(d->received_logs, 103);
    assert_int_equal(d->late, 1);
    assert_string_equal(d->logs[0].text, "request <*> failed");
    assert_int_equal(d->logs[0].count, 50);
    assert_int_equal(d->logs[0].errors + d->logs[1].errors, 50);
    assert_true(d->logs[0].template_id == d->logs[2].template_id);
    assert_int_equal(d->logs[3].minute, start_ms / 60000);
    telemetry_clear(t);
    assert_int_equal(telemetry_delta(t)->log_count, 0);
    telemetry_free(t);
}

static void calls_are_found_in_any_order(void **state) {
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct telemetry *t = telemetry_new();
        telemetry_at(t, start_ms);
        const struct otlp_source a = from("shop"), b = from("cart");
        struct otlp_span caller = make_span(&a, 1, 1, 0, start_ms - 50, 40);
        struct otlp_span callee = make_span(&b, 1, 2, 1, start_ms - 40, 20);
        callee.status = 2;
        callee.message = text_from("refused");
        callee.user = text_from("u1");
        telemetry_span(t, turn ? &callee : &caller);
        telemetry_clear(t); /* two requests */
        telemetry_span(t, turn ? &caller : &callee);
        const struct delta *d = telemetry_delta(t);
        assert_int_equal(d->edge_count, 1);
        assert_string_equal(telemetry_name(t, d->edges[0].caller), "shop");
        assert_string_equal(telemetry_name(t, d->edges[0].callee), "cart");
        assert_int_equal(d->edges[0].errors, 1);
        if (!turn) {
            assert_int_equal(d->user_count, 1);
            assert_string_equal(d->spans[0].error_text, "refused");
        }
        telemetry_free(t);
    }
}

static void a_flood_is_counted_where_it_has_no_room(void **state) {
    (void)state;
    struct telemetry *t = telemetry_new();
    telemetry_at(t, start_ms);
    for (int i = 0; i < 50000; i++) {
        char line[80];
        (void)snprintf(line, sizeof line, "%c%c%c%c stands %c%c alone", 'a' + i % 26,
                       'a' + i / 26 % 26, 'a' + i / 676 % 26, 'a' + i / 17576 % 26, 'a' + i % 23,
                       'a' + i % 19);
        say(t, "shop", line, 9, start_ms);
    }
    const struct delta *d = telemetry_delta(t);
    size_t counted = d->other_logs;
    for (size_t i = 0; i < d->log_count; i++) counted += d->logs[i].count;
    assert_int_equal(counted, 50000);
    assert_in_range(d->log_count, 1, 1024);
    assert_true(telemetry_bytes(t) < 32u << 20);
    telemetry_free(t);
}

/* Half an hour of good windows, then the stock answers late: the ranking names it. */
static void the_live_ranking_finds_the_slow_service(void **state) {
    (void)state;
    struct telemetry *t = telemetry_new();
    const struct otlp_source a = from("shop"), b = from("stock"), c = from("mail");
    struct rca_verdict verdicts[5];
    unsigned trace = 0;
    for (int window = 0; window < 8; window++) {
        const int64_t at = start_ms + (int64_t)window * 300000 + 1000;
        const int64_t wait = window >= 6 ? 900 : 3;
        for (int i = 0; i < 40; i++) {
            telemetry_at(t, at + i);
            trace++;
            const struct otlp_span spans[] = {
                make_span(&a, trace, 1, 0, at - 2000, 100 + wait),
                make_span(&b, trace, 2, 1, at - 1990, 97),
                make_span(&c, trace, 3, 1, at - 1990, 95),
            };
            for (size_t s = 0; s < (window >= 6 ? 2 : 3); s++) telemetry_span(t, &spans[s]);
        }
        telemetry_clear(t);
        if (window == 5) assert_int_equal(telemetry_rank(t, at - 600000, verdicts, 5), 0);
    }
    telemetry_at(t, start_ms + 8 * 300000 + 100000);
    const size_t n = telemetry_rank(t, start_ms + 6 * 300000, verdicts, 5);
    assert_true(n >= 1);
    assert_string_equal(telemetry_name(t, verdicts[0].service), "stock");
    assert_int_equal(verdicts[0].strongest, RCA_EDGES);
    assert_true(verdicts[0].now > 800 && verdicts[0].usual < 10);
    telemetry_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_counted_by_template_and_minute),
        cmocka_unit_test(calls_are_found_in_any_order),
        cmocka_unit_test(a_flood_is_counted_where_it_has_no_room),
        cmocka_unit_test(the_live_ranking_finds_the_slow_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
