/* The plugin on the test host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sluice/sluice.h>
#include <sluice/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const sl_plugin sluice_plugin;

static sl_test_host *host;

static int start_with(const char *config) {
    host = sl_test_host_new(&(sl_test_options){.plugin = &sluice_plugin, .config = config});
    if (!host) print_error("%s\n", sl_test_error());
    return host ? 0 : -1;
}

static int start(void **state) {
    (void)state;
    return start_with("{\"prometheus\":{\"url\":\"http://prom:9090/\"}}");
}

static int start_bare(void **state) {
    (void)state;
    return start_with("{}");
}

/* Evaluates what is pushed at once. */
static int start_eager(void **state) {
    (void)state;
    return start_with("{\"refresh\":0}");
}

static int stop(void **state) {
    (void)state;
    sl_test_host_free(host);
    host = NULL;
    return 0;
}

static cJSON *ask(const char *op, const char *json) {
    const int status = sl_test_call(host, op, json);
    if (status) fail_msg("%s: %s", op, sl_test_answer(host));
    return cJSON_Parse(sl_test_answer(host));
}

static void fails(const char *op, const char *json, int status, const char *words) {
    assert_int_equal(sl_test_call(host, op, json), status);
    if (!strstr(sl_test_answer(host), words))
        fail_msg("no '%s' in %s", words, sl_test_answer(host));
}

/* ---- query.prometheus ---- */

#define QUERY "GET http://prom:9090/api/v1/query?query=sum%28up%7Bjob%3D%22a%22%7D%29"

static void asks_an_instant_query(void **state) {
    (void)state;
    sl_test_answer_fetch(host, QUERY "&time=1700000000.250", 200,
                         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":"
                         "[{\"metric\":{\"job\":\"a\"},\"value\":[1700000000.25,\"0.5\"]}]}}");
    cJSON *answer =
        ask("query.prometheus", "{\"query\":\"sum(up{job=\\\"a\\\"})\",\"at_ms\":1700000000250}");
    char *text = cJSON_PrintUnformatted(answer);
    assert_string_equal(text, "{\"result\":[{\"metric\":{\"job\":\"a\"},\"value\":[1700000000250,"
                              "0.5]}],\"warnings\":[]}");
    free(text);
    cJSON_Delete(answer);
    assert_int_equal(sl_test_unmet(host), 0);
}

static void asks_a_range_query(void **state) {
    (void)state;
    sl_test_answer_fetch(
        host,
        "GET http://prom:9090/api/v1/"
        "query_range?query=up&start=1700000000.000&end=1700000030.000&step=15.000",
        200,
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},"
        "\"values\":[[1700000000,\"1\"],[1700000015,\"NaN\"],[1700000030,\"-Inf\"]]}]},"
        "\"warnings\":[\"partial\"]}");
    cJSON *answer = ask("query.prometheus",
                        "{\"query\":\"up\",\"start_ms\":1700000000000,\"end_ms\":1700000030000}");
    char *text = cJSON_PrintUnformatted(answer);
    assert_string_equal(text, "{\"result\":[{\"metric\":{},\"values\":[[1700000000000,1],"
                              "[1700000015000,\"NaN\"],[1700000030000,\"-Inf\"]]}],"
                              "\"warnings\":[\"partial\"]}");
    free(text);
    cJSON_Delete(answer);
}

static void says_what_is_wrong_with_a_query(void **state) {
    (void)state;
    sl_test_answer_fetch(host, "GET http://prom:9090/", 400,
                         "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:4: parse "
                         "error: unexpected end of input\"}");
    fails("query.prometheus", "{\"query\":\"sum(\"}", SL_INVALID,
          "Prometheus refuses the query: 1:4: parse error");
    fails("query.prometheus", "{\"query\":\"up\",\"start_ms\":5,\"end_ms\":4}", SL_INVALID,
          "start_ms must be before end_ms");
    fails("query.prometheus", "{\"query\":\"up\",\"start_ms\":0,\"end_ms\":86400000,\"step_ms\":1}",
          SL_INVALID, "more than 11,000 points");
}

static void trouble_of_prometheus_is_unavailable(void **state) {
    (void)state;
    sl_test_answer_fetch(host, "GET http://prom:9090/", 503,
                         "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"too long\"}");
    fails("query.prometheus", "{\"query\":\"up\"}", SL_UNAVAILABLE, "cannot answer: too long");
    sl_test_answer_fetch(host, "GET http://prom:9090/", 200, "<html>");
    fails("query.prometheus", "{\"query\":\"up\"}", SL_UNAVAILABLE, "prometheus.url");
    sl_test_answer_fetch(host, "GET http://prom:9090/", 401, "no");
    fails("query.prometheus", "{\"query\":\"up\"}", SL_UNAVAILABLE, "prometheus.token");
    sl_test_answer_fetch(host, "GET http://prom:9090/", 0, "");
    assert_int_equal(sl_test_call(host, "query.prometheus", "{\"query\":\"up\"}"), SL_UNAVAILABLE);
}

static void a_long_query_is_posted(void **state) {
    (void)state;
    char query[4000], json[4100];
    memset(query, 'a', sizeof query - 1);
    query[sizeof query - 1] = 0;
    (void)snprintf(json, sizeof json, "{\"query\":\"%s\"}", query);
    sl_test_answer_fetch(host, "POST http://prom:9090/api/v1/query", 200,
                         "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":"
                         "[1,\"2\"]}}");
    cJSON_Delete(ask("query.prometheus", json));
}

static void without_a_prometheus_it_says_so(void **state) {
    (void)state;
    fails("query.prometheus", "{\"query\":\"up\"}", SL_UNAVAILABLE, "plugins.slo.prometheus.url");
}

/* ---- objectives, counters, alerts ---- */

static void tell(const char *op, const char *json) {
    cJSON_Delete(ask(op, json));
}

static const cJSON *item(const cJSON *object, const char *name) {
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!found) fail_msg("no member %s", name);
    return found;
}

static double number(const cJSON *object, const char *name) {
    const cJSON *found = item(object, name);
    if (!cJSON_IsNumber(found)) fail_msg("%s is no number", name);
    return found->valuedouble;
}

static const char *word(const cJSON *object, const char *name) {
    const char *found = cJSON_GetStringValue(item(object, name));
    if (!found) fail_msg("%s is no text", name);
    return found;
}

static void near(double got, double expected) {
    if (!(got - expected < 1e-9 && expected - got < 1e-9))
        fail_msg("%.17g, expected %.17g", got, expected);
}

/* The first item of slo.status; the answer is kept until the next one. */
static const cJSON *status(const char *json) {
    static cJSON *answer;
    cJSON_Delete(answer);
    answer = *json ? ask("slo.status", json) : NULL;
    return answer ? item(answer, "items")->child : NULL;
}

#define AVAILABILITY "{\"service\":\"shop\",\"name\":\"availability\",\"target\":99.9}"
#define PUSH(total, errors)                                                                        \
    "{\"items\":[{\"service\":\"shop\",\"total\":" #total ",\"errors\":" #errors "}]}"

static void counts_what_is_pushed(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    const cJSON *before = status("{}");
    assert_string_equal(word(before, "state"), "no_data");
    assert_true(cJSON_IsNull(item(before, "budget_left")));
    tell("slo.counters", PUSH(10000, 2));
    const cJSON *one = status("{\"service\":\"shop\"}");
    near(number(one, "budget_left"), 0.8);
    near(number(item(one, "burn"), "5m"), 0.2);
    near(number(item(one, "burn"), "3d"), 0.2);
    near(number(item(one, "period"), "errors_allowed"), 10);
    assert_string_equal(word(one, "state"), "healthy");
    assert_int_equal(cJSON_GetArraySize(item(one, "alerts")), 0);
    /* Ten minutes later the short window is empty again; the others are not. */
    sl_test_advance(host, 600000);
    one = status("{\"service\":\"shop\"}");
    assert_true(cJSON_IsNull(item(item(one, "burn"), "5m")));
    near(number(item(one, "burn"), "1h"), 0.2);
    assert_null(status("{\"service\":\"other\"}"));
    status("");
}

static void alerts_fire_once_and_resolve(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    tell("slo.counters", PUSH(1000, 20));
    assert_int_equal(sl_test_event_count(host, "slo.alert_firing"), 4);
    assert_non_null(strstr(sl_test_last_event(host, "slo.alert_firing"), "ticket_slow"));
    tell("slo.counters", PUSH(1000, 20));
    sl_test_advance(host, 60000);
    assert_int_equal(sl_test_event_count(host, "slo.alert_firing"), 4);
    assert_string_equal(word(status("{}"), "state"), "exhausted");
    /* Without errors the quick page ends when its short window has passed, the slow one later. */
    for (int minute = 0; minute < 7; minute++) {
        tell("slo.counters", PUSH(100, 0));
        sl_test_advance(host, 60000);
    }
    assert_int_equal(sl_test_event_count(host, "slo.alert_resolved"), 1);
    assert_non_null(strstr(sl_test_last_event(host, "slo.alert_resolved"), "page_quick"));
    sl_test_advance(host, 30 * 60000);
    assert_int_equal(sl_test_event_count(host, "slo.alert_resolved"), 2);
    near(sl_test_metric(host, "sluice_slo_alerts_total{severity=\"page\",state=\"firing\"}"), 2);
    status("");
}

static void the_boundary_does_not_fire(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    /* 1.44 % is 14.4 times 0.1 % exactly: strictly above is asked. */
    tell("slo.counters", PUSH(1000000, 14400));
    const cJSON *alert;
    cJSON_ArrayForEach(alert, item(status("{}"), "alerts")) {
        assert_string_not_equal(word(alert, "name"), "page_quick");
    }
    assert_int_equal(sl_test_event_count(host, "slo.alert_firing"), 3);
    status("");
}

static void slices_count_each_minute_once(void **state) {
    (void)state;
    tell("slo.apply", "{\"service\":\"shop\",\"name\":\"minutes\",\"target\":90,\"method\":"
                      "\"time_slices\",\"slice_target\":95}");
    /* 12 minutes: 10 with traffic, 2 of them bad, one exactly on the target (good), 2 silent. */
    for (int minute = 0; minute < 12; minute++) {
        if (minute == 3 || minute == 8)
            tell("slo.counters", PUSH(100, 6));
        else if (minute == 5)
            tell("slo.counters", PUSH(100, 5));
        else if (minute != 6 && minute != 7)
            tell("slo.counters", PUSH(100, 0));
        sl_test_advance(host, 60000);
    }
    sl_test_advance(host, 180000);
    const cJSON *one = status("{}");
    near(number(item(one, "period"), "total"), 10);
    near(number(item(one, "period"), "errors"), 2);
    near(number(one, "budget_left"), -1);
    status("");
}

static void ratio_slices_count_shares(void **state) {
    (void)state;
    tell("slo.apply", "{\"service\":\"shop\",\"name\":\"minutes\",\"target\":90,\"method\":"
                      "\"ratio_time_slices\"}");
    tell("slo.counters", PUSH(10, 5)); /* a minute with few events weighs as one with many */
    sl_test_advance(host, 60000);
    tell("slo.counters", PUSH(100000, 0));
    sl_test_advance(host, 180000);
    const cJSON *one = status("{}");
    near(number(item(one, "period"), "ratio"), 0.25);
    status("");
}

static void refuses_counters_that_fit_nothing(void **state) {
    (void)state;
    fails("slo.counters", PUSH(1, 0), SL_NOT_FOUND, "no objective of 'shop' takes counters");
    tell("slo.apply", AVAILABILITY);
    fails("slo.counters", PUSH(1, 2), SL_INVALID, "more errors than events");
    fails("slo.counters", "{\"items\":[{\"service\":\"shop\",\"total\":1}]}", SL_INVALID,
          "one of errors and good");
    fails("slo.counters", "{\"items\":[{\"service\":\"shop\",\"total\":1,\"good\":1,\"at_ms\":5}]}",
          SL_INVALID, "at_ms");
    assert_true(cJSON_IsNull(item(status("{}"), "budget_left")));
    status("");
}

static void good_events_and_late_ones_count(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    /* 2025-12-31T22:00:00Z: two hours before the clock's start */
    tell("slo.counters", "{\"items\":[{\"service\":\"shop\",\"total\":1000,\"good\":999,\"at_ms\":"
                         "1767218400000}]}");
    const cJSON *one = status("{}");
    assert_true(cJSON_IsNull(item(item(one, "burn"), "1h")));
    near(number(item(one, "burn"), "6h"), 1);
    near(number(one, "budget_left"), 0);
    status("");
}

static void removes_an_objective_with_its_data(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    tell("slo.counters", PUSH(10, 1));
    tell("slo.remove", "{\"service\":\"shop\",\"objective\":\"availability\"}");
    assert_null(status("{}"));
    fails("slo.remove", "{\"service\":\"shop\",\"objective\":\"availability\"}", SL_NOT_FOUND,
          "there is no objective shop/availability");
    tell("slo.apply", AVAILABILITY);
    assert_string_equal(word(status("{}"), "state"), "no_data");
    status("");
}

static void a_lost_race_is_no_failure(void **state) {
    (void)state;
    tell("slo.apply", AVAILABILITY);
    tell("slo.counters", PUSH(10000, 1));
    sl_test_fail_commit(host, 2); /* the push is kept, the evaluation is not */
    tell("slo.counters", PUSH(10000, 1));
    sl_test_advance(host, 60000);
    near(number(item(status("{}"), "period"), "errors"), 2);
    status("");
}

/* ---- Prometheus ---- */

static void measures_by_prometheus(void **state) {
    (void)state;
    tell("slo.apply", "{\"service\":\"shop\",\"name\":\"availability\",\"target\":99.9,"
                      "\"errors\":\"bad_total\",\"total\":\"all_total\"}");
    /* Windows in their order: 5m 30m 1h 2h 6h 1d 3d, then the period. */
    sl_test_answer_fetch(host, "POST http://prom:9090/api/v1/query", 200,
                         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
                         "{\"metric\":{\"part\":\"e0\"},\"value\":[1,\"2\"]},"
                         "{\"metric\":{\"part\":\"t0\"},\"value\":[1,\"100\"]},"
                         "{\"metric\":{\"part\":\"e2\"},\"value\":[1,\"1\"]},"
                         "{\"metric\":{\"part\":\"t2\"},\"value\":[1,\"1000\"]},"
                         "{\"metric\":{\"part\":\"e6\"},\"value\":[1,\"NaN\"]},"
                         "{\"metric\":{\"part\":\"e7\"},\"value\":[1,\"5\"]},"
                         "{\"metric\":{\"part\":\"t7\"},\"value\":[1,\"10000\"]}]}}");
    sl_test_advance(host, 31000);
    const cJSON *one = status("{}");
    near(number(item(one, "burn"), "5m"), 20);
    near(number(item(one, "burn"), "1h"), 1);
    assert_true(cJSON_IsNull(item(item(one, "burn"), "3d")));
    near(number(one, "budget_left"), 0.5);
    assert_true(number(one, "data_age_ms") < 5000);
    /* Then it is down: what is known stays, grows old, and says why. No alert is made of it. */
    sl_test_answer_fetch(host, "POST http://prom:9090/api/v1/query", 0, "");
    sl_test_advance(host, 31000);
    one = status("{}");
    near(number(item(one, "burn"), "5m"), 20);
    assert_true(number(one, "data_age_ms") > 25000);
    assert_non_null(cJSON_GetObjectItemCaseSensitive(item(one, "evidence"), "trouble"));
    assert_int_equal(sl_test_event_count(host, "slo.alert_firing"), 0);
    status("");
}

static void a_ratio_by_label_is_refused_in_words(void **state) {
    (void)state;
    tell("slo.apply", "{\"service\":\"shop\",\"name\":\"r\",\"target\":99,\"ratio\":\"r\"}");
    sl_test_answer_fetch(host, "GET http://prom:9090/api/v1/query", 200,
                         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
                         "{\"metric\":{\"part\":\"e0\",\"pod\":\"a\"},\"value\":[1,\"0.5\"]},"
                         "{\"metric\":{\"part\":\"e0\",\"pod\":\"b\"},\"value\":[1,\"0\"]}]}}");
    sl_test_advance(host, 31000);
    const cJSON *one = status("{}");
    assert_non_null(strstr(word(item(one, "evidence"), "trouble"), "more than one series"));
    assert_string_equal(word(one, "state"), "no_data");
    status("");
}

/* ---- the meter ---- */

static const cJSON *meter(void) {
    static cJSON *answer;
    cJSON_Delete(answer);
    answer = ask("slo.confidence", "{\"service\":\"shop\"}");
    return item(answer, "items")->child;
}

static void publish(const char *type, const char *subject, const char *json) {
    assert_int_equal(sl_test_publish(host, type, subject, json), 0);
}

static void the_meter_hears_of_changes_and_incidents(void **state) {
    (void)state;
    fails("slo.confidence", "{\"service\":\"shop\"}", SL_NOT_FOUND, "nothing is known");
    publish("deployment.approved", "deployment/1",
            "{\"app_name\":\"shop\",\"environment\":\"prod\",\"risk_level\":\"LOW\"}");
    const double fresh = number(meter(), "score");
    assert_true(fresh > 70 && fresh < 75); /* nothing is measured: that half counts half */
    publish("rollout.promoted", "deployment/1",
            "{\"deployment_id\":\"1\",\"app_name\":\"shop\",\"environment\":\"prod\"}");
    assert_true(number(meter(), "score") > fresh);
    publish("rollout.rolled_back", "deployment/1",
            "{\"deployment_id\":\"1\",\"app_name\":\"shop\",\"environment\":\"prod\"}");
    const double rolled_back = number(meter(), "score");
    assert_true(rolled_back < fresh);
    publish("incident.opened", "incident/9",
            "{\"incident_id\":\"9\",\"severity\":\"SEV1\",\"services\":[\"shop\",\"cart\"]}");
    assert_true(number(meter(), "score") <= 25);
    assert_string_equal(word(meter(), "level"), "low");
    assert_non_null(
        strstr(sl_test_last_event(host, "slo.confidence_changed"), "\"level\":\"low\""));
    publish("incident.linked", "incident/9",
            "{\"incident_id\":\"9\",\"deployment_id\":\"1\",\"score\":0.9}");
    publish("incident.resolved", "incident/9", "{\"incident_id\":\"9\"}");
    const double resolved = number(meter(), "score");
    assert_true(resolved > 25 && resolved < rolled_back);
    sl_test_advance(host, INT64_C(20) * 86400000);
    assert_true(number(meter(), "score") > 73);
    /* Other environments do not count. */
    publish("deployment.approved", "deployment/2",
            "{\"app_name\":\"shop\",\"environment\":\"dev\",\"risk_level\":\"CRITICAL\"}");
    assert_true(number(meter(), "score") > 73);
    cJSON *history = ask("slo.history", "{\"service\":\"shop\"}");
    assert_true(cJSON_GetArraySize(item(history, "items")) >= 2); /* one a moment */
    cJSON_Delete(history);
}

static void an_event_heard_twice_counts_once(void **state) {
    (void)state;
    static const char change[] =
        "{\"app_name\":\"shop\",\"environment\":\"prod\",\"risk_level\":\"HIGH\"}";
    publish("deployment.approved", "deployment/1", change);
    const double once = number(meter(), "score");
    publish("deployment.approved", "deployment/1", change);
    publish("rollout.started", "deployment/1", change);
    near(number(meter(), "score"), once);
}

/* ---- OpenSLO ---- */

static void says_where_a_document_is_wrong(void **state) {
    (void)state;
    fails("slo.import", "{\"document\":\"a: [1,\\nb: 2\"}", SL_INVALID,
          "line 3, column 1: expected");
    fails("slo.import", "{\"document\":\"apiVersion: openslo/v2\\nkind: SLO\"}", SL_INVALID,
          "apiVersion 'openslo/v2' is not openslo/v1");
    fails("slo.import", "{\"document\":\"apiVersion: openslo/v1\\nkind: Service\"}", SL_INVALID,
          "holds no SLO");
}

#define WITH(test)  cmocka_unit_test_setup_teardown(test, start, stop)
#define EAGER(test) cmocka_unit_test_setup_teardown(test, start_eager, stop)
#define BARE(test)  cmocka_unit_test_setup_teardown(test, start_bare, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(asks_an_instant_query),
        WITH(asks_a_range_query),
        WITH(says_what_is_wrong_with_a_query),
        WITH(trouble_of_prometheus_is_unavailable),
        WITH(a_long_query_is_posted),
        BARE(without_a_prometheus_it_says_so),
        EAGER(counts_what_is_pushed),
        EAGER(alerts_fire_once_and_resolve),
        EAGER(the_boundary_does_not_fire),
        EAGER(slices_count_each_minute_once),
        EAGER(ratio_slices_count_shares),
        EAGER(refuses_counters_that_fit_nothing),
        EAGER(good_events_and_late_ones_count),
        EAGER(removes_an_objective_with_its_data),
        EAGER(a_lost_race_is_no_failure),
        WITH(measures_by_prometheus),
        WITH(a_ratio_by_label_is_refused_in_words),
        EAGER(the_meter_hears_of_changes_and_incidents),
        EAGER(an_event_heard_twice_counts_once),
        BARE(says_where_a_document_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
