/* The queries of objectives, and alerts over time. */
#include "measure.h"
#include "prometheus_answer.h"
#include "promql.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads a form; the JSON is kept until the next one. */
static struct objective *objective(const char *json) {
    static cJSON *form;
    static struct objective o;
    struct objective_fault fault;
    cJSON_Delete(form);
    form = cJSON_Parse(json);
    if (!objective_read(form, &o, &fault)) fail_msg("%s: %s", fault.pointer, fault.words);
    return &o;
}

static void errors_are(const char *json, const char *errors, const char *total) {
    struct text text = {.at = NULL};
    promql_errors(&text, objective(json), 300000);
    assert_string_equal(text.at, errors);
    text_free(&text);
    promql_total(&text, objective(json), 300000);
    assert_string_equal(text.at, total);
    text_free(&text);
}

#define FORM(more) "{\"service\":\"s\",\"name\":\"n\",\"target\":99," more "}"

static void queries_of_all_kinds(void **state) {
    (void)state;
    errors_are(FORM("\"errors\":\"e{a=\\\"}\\\"}\",\"total\":\" sum ( t ) \""),
               "(sum(increase(e{a=\"}\"}[5m])) or vector(0))", "sum(increase(t[5m]))");
    errors_are(FORM("\"good\":\"g\",\"total\":\"t\""),
               "(sum(increase(t[5m])) - (sum(increase(g[5m])) or vector(0)))",
               "sum(increase(t[5m]))");
    errors_are(FORM("\"errors\":\"rate(e[$window])\",\"total\":\"rate(t[{{.window}}])\""),
               "((sum(rate(e[5m])) * 300) or vector(0))", "(sum(rate(t[5m])) * 300)");
    errors_are(FORM("\"errors\":\"increase(e[{{ .window }}])\",\"total\":\"t + u\""),
               "((sum(increase(e[5m]))) or vector(0))", "sum(increase((t + u)[5m:1m]))");
    errors_are(FORM("\"ratio\":\"r{w=\\\"$window\\\"}\""), "(r{w=\"5m\"})",
               "((r{w=\"5m\"}) * 0 + 1)");
    errors_are(FORM("\"value\":\"v\",\"op\":\"lte\",\"threshold\":0.5,\"slice\":\"2m\""),
               "sum(sum_over_time(((v) > bool 0.5)[5m:2m]))", "sum(count_over_time((v)[5m:2m]))");
    errors_are(
        FORM("\"errors\":\"e\",\"total\":\"t\",\"method\":\"time_slices\",\"slice_target\":95"),
        "sum(sum_over_time(((1 - ((sum(increase(e[1m])) or vector(0)) / (sum(increase(t[1m])) "
        "> 0))) < bool 0.95)[5m:1m]))",
        "sum(count_over_time(((sum(increase(e[1m])) or vector(0)) / (sum(increase(t[1m])) > "
        "0))[5m:1m]))");
}

static void durations_are_prometheus(void **state) {
    (void)state;
    static const struct {
        long long ms;
        const char *text;
    } cases[] = {
        {300000, "5m"}, {5400000, "90m"}, {86400000, "1d"}, {2592000000, "30d"}, {61000, "61s"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        prometheus_duration(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
        int64_t back;
        assert_true(duration_parse(text, &back) && back == cases[i].ms);
    }
    int64_t ms;
    static const char *const bad[] = {"",  "5", "m", "5x", "-5m", "5m ", "1M", "99999999999999d",
                                      "0s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (duration_parse(bad[i], &ms)) fail_msg("'%s' is taken", bad[i]);
}

/* ---- alerts over time ---- */

static void set_ratio(struct measure *m, int64_t window_ms, double ratio) {
    for (size_t i = 0; i < m->window_count; i++)
        if (m->windows[i].ms == window_ms)
            m->windows[i] =
                (struct window_measure){window_ms, 1, {ratio * 1000, isnan(ratio) ? 0 : 1000}};
}

static void an_alert_waits_its_time(void **state) {
    (void)state;
    const struct objective *o = objective(FORM(
        "\"alert_windows\":[{\"name\":\"a\",\"long\":\"1h\",\"short\":\"5m\",\"for\":\"2m\",\"factor\":10}]"));
    struct measure m;
    unsigned fired, resolved;
    measure_read(NULL, o, &m);
    set_ratio(&m, HOUR_MS, 0.2);
    set_ratio(&m, 5 * MINUTE_MS, 0.2);
    measure_alerts(o, &m, 1000, &fired, &resolved);
    assert_true(!fired && m.alerts[0].phase == ALERT_PENDING);
    measure_alerts(o, &m, 1000 + 119999, &fired, &resolved);
    assert_true(!fired);
    measure_alerts(o, &m, 1000 + 120000, &fired, &resolved);
    assert_true(fired == 1 && m.alerts[0].phase == ALERT_FIRING);
    measure_alerts(o, &m, 1000 + 180000, &fired, &resolved);
    assert_true(!fired && !resolved);
    set_ratio(&m, 5 * MINUTE_MS, (double)NAN); /* no traffic: it no longer goes on */
    measure_alerts(o, &m, 1000 + 240000, &fired, &resolved);
    assert_true(resolved == 1 && m.alerts[0].phase == ALERT_INACTIVE);
    /* Interrupted, it begins anew. */
    set_ratio(&m, 5 * MINUTE_MS, 0.2);
    measure_alerts(o, &m, 300000, &fired, &resolved);
    set_ratio(&m, 5 * MINUTE_MS, 0.05);
    measure_alerts(o, &m, 360000, &fired, &resolved);
    assert_true(!fired && !resolved && m.alerts[0].phase == ALERT_INACTIVE);
    /* A clock that is set back does not hold it off for ever, and fires nothing early. */
    set_ratio(&m, 5 * MINUTE_MS, 0.2);
    measure_alerts(o, &m, 900000, &fired, &resolved);
    measure_alerts(o, &m, 100000, &fired, &resolved);
    assert_true(!fired);
    measure_alerts(o, &m, 220000, &fired, &resolved);
    assert_true(fired == 1);
}

static void what_is_kept_comes_back(void **state) {
    (void)state;
    const struct objective *o = objective(FORM("\"errors\":\"e\",\"total\":\"t\""));
    struct measure m, again;
    unsigned fired, resolved;
    measure_read(NULL, o, &m);
    set_ratio(&m, HOUR_MS, 0.5);
    set_ratio(&m, 5 * MINUTE_MS, 0.5);
    m.period.events = (struct tally){5, 1000};
    m.period.at_ms = m.at_ms = 77;
    measure_alerts(o, &m, 100, &fired, &resolved);
    cJSON *kept = measure_write(&m);
    measure_read(kept, o, &again);
    assert_memory_equal(&m.windows, &again.windows, sizeof m.windows);
    assert_true(again.at_ms == 77 && again.alerts[0].phase == ALERT_FIRING);
    assert_true(fabs(measure_budget_left(o, &again) - 0.5) < 1e-12);
    /* Alerts and windows that the objective no longer has are dropped. */
    const struct objective *other = objective(FORM("\"alerts\":\"none\""));
    measure_read(kept, other, &again);
    assert_true(again.alert_count == 0 && !measure_pages(other, &again));
    cJSON_Delete(kept);
}

static void damaged_measurements_are_none(void **state) {
    (void)state;
    static const char *const damaged[] = {"null", "[]", "{\"windows\":5,\"alerts\":{}}",
                                          "{\"at\":\"x\",\"windows\":[1,null,{\"ms\":300000}]}"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        const struct objective *o = objective(FORM("\"errors\":\"e\",\"total\":\"t\""));
        cJSON *kept = cJSON_Parse(damaged[i]);
        struct measure m;
        measure_read(kept, o, &m);
        assert_true(isnan(measure_budget_left(o, &m)) && isnan(measure_burn(o, &m)));
        cJSON *status = status_of(o, &m, 1000);
        assert_string_equal(cJSON_GetObjectItem(status, "state")->valuestring, "no_data");
        cJSON_Delete(status);
        cJSON_Delete(kept);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_of_all_kinds), cmocka_unit_test(durations_are_prometheus),
        cmocka_unit_test(an_alert_waits_its_time), cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(damaged_measurements_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
