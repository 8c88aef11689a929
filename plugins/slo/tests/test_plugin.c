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

#define WITH(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define BARE(test) cmocka_unit_test_setup_teardown(test, start_bare, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(asks_an_instant_query),           WITH(asks_a_range_query),
        WITH(says_what_is_wrong_with_a_query), WITH(trouble_of_prometheus_is_unavailable),
        WITH(a_long_query_is_posted),          BARE(without_a_prometheus_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
