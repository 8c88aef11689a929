/* Conditions: what they mean, what is refused, and that both stay within their limits. */
#include "analysis.h"
#include "expr.h"
#include "jsonpath.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *result, *text;
    enum expr_answer answer;
};

static const struct row meanings[] = {
    {"[0.97]", "result[0] >= 0.95", EXPR_TRUE},
    {"[0.97]", "result[-1] == 0.97", EXPR_TRUE},
    {"[]", "len(result) == 0 || result[0] > 1", EXPR_TRUE},
    {"[]", "result[0] > 1", EXPR_FAULT},
    {"[1,2]", "result[2] > 1", EXPR_FAULT},
    {"5", "result > 1 && result < 10", EXPR_TRUE},
    {"5", "result in [1, 5]", EXPR_TRUE},
    {"5", "result not in [1, 5]", EXPR_FALSE},
    {"5", "not (result == 5)", EXPR_FALSE},
    {"5", "!(result == 5) or true", EXPR_TRUE},
    {"5", "-result == -5", EXPR_TRUE},
    {"5", "2 + 3 * 4 ** 2 - 1 == 49", EXPR_TRUE},
    {"5", "2 ** 3 ** 2 == 512", EXPR_TRUE},
    {"5", "7 % 4 == 3", EXPR_TRUE},
    {"5", "7 / 2 == 3.5", EXPR_TRUE},
    {"5", "1 / 0 > 1e300", EXPR_TRUE},
    {"5", "1 % 0 == 1", EXPR_FAULT},
    {"5", "result > 1 ? true : false", EXPR_TRUE},
    {"5", "(result ?? 0) == 5", EXPR_TRUE},
    {"null", "(result ?? 7) == 7", EXPR_TRUE},
    {"null", "isNil(result)", EXPR_TRUE},
    {"null", "default(result, 0) < 0.05", EXPR_TRUE},
    {"0.5", "default(result, 0) < 0.05", EXPR_FALSE},
    {"null", "result?.a?.b == nil", EXPR_TRUE},
    {"null", "result.a == nil", EXPR_FAULT},
    {"{\"a\":{\"b\":[1,2,3]}}", "result.a.b[1] == 2", EXPR_TRUE},
    {"{\"a\":{\"b\":[1,2,3]}}", "result['a'].b[1:] == [2, 3]", EXPR_TRUE},
    {"{\"a\":{\"b\":[1,2,3]}}", "result.a.b[:-1] == [1, 2]", EXPR_TRUE},
    {"{\"a\":1}", "result.b == nil", EXPR_TRUE},
    {"{\"a\":1}", "'a' in result && !('b' in result)", EXPR_TRUE},
    {"{\"a\":1}", "len(keys(result)) == 1 && values(result) == [1]", EXPR_TRUE},
    {"[1,2,3]", "all(result, {# > 0}) && any(result, # == 2) && none(result, {# > 3})", EXPR_TRUE},
    {"[1,2,3]", "one(result, {# == 2}) && count(result, {# > 1}) == 2", EXPR_TRUE},
    {"[1,2,3]", "filter(result, {# > 1}) == [2, 3]", EXPR_TRUE},
    {"[1,2,3]", "sum(map(result, {# * 2})) == 12", EXPR_TRUE},
    {"[1,2,3]", "find(result, {# > 1}) == 2", EXPR_TRUE},
    {"[1,2,3]", "any(result, {#index == 2 && # == 3})", EXPR_TRUE},
    {"[[1],[2]]", "all(result, {any(#, {# > 0})})", EXPR_TRUE},
    {"[{\"v\":3}]", "all(result, {.v > 2}) && all(result, .v > 2)", EXPR_TRUE},
    {"[3,1,2]", "min(result) == 1 && max(result) == 3 && mean(result) == 2", EXPR_TRUE},
    {"[3,1,2]", "median(result) == 2 && max(1, 9, 4) == 9", EXPR_TRUE},
    {"[]", "all(result, {# > 1}) && !any(result, {# > 1})", EXPR_TRUE},
    {"\"1.1\"", "asFloat(result) == 1.1", EXPR_TRUE},
    {"\"1.1\"", "asInt(result) == 1", EXPR_FAULT},
    {"1.9", "asInt(result) == 1", EXPR_TRUE},
    {"\"ok\"", "result == 'ok' && result startsWith \"o\" && result endsWith 'k'", EXPR_TRUE},
    {"\"a\\nb\"", "result contains '\\n' && upper(result) == \"A\\nB\"", EXPR_TRUE},
    {"\" a \"", "trim(result) + 'b' == 'ab'", EXPR_TRUE},
    {"5", "string(result) == '5' && float('2.5') == 2.5", EXPR_TRUE},
    {"-5.5", "abs(result) == 5.5 && floor(result) == -6 && ceil(result) == -5", EXPR_TRUE},
    {"5", "first([1, 2]) == 1 && last([1, 2]) == 2", EXPR_TRUE},
    {"5", "result == '5'", EXPR_FALSE},
    {"5", "result > '5'", EXPR_FAULT},
    {"5", "isNaN(result) || isInf(result)", EXPR_FALSE},
    {"\"x\"", "isNaN(result)", EXPR_FAULT},
    {"5", "1_000 == 1e3", EXPR_TRUE},
    /* what is not a condition */
    {"5", "", EXPR_FAULT},
    {"5", "1", EXPR_FAULT},
    {"5", "result >", EXPR_FAULT},
    {"5", "result > 1)", EXPR_FAULT},
    {"5", "(result > 1", EXPR_FAULT},
    {"5", "resulf > 1", EXPR_FAULT},
    {"5", "true || lenght(result)", EXPR_FAULT},
    {"5", "len()", EXPR_FAULT},
    {"5", "'no end", EXPR_FAULT},
    {"5", "'\\q' == 'q'", EXPR_FAULT},
    {"5", "# > 1", EXPR_FAULT},
    {"5", "result = 5", EXPR_FAULT},
    {"5", "result @ 5", EXPR_FAULT},
    {"5", "1 + true == 2", EXPR_FAULT},
    {"5", "result && true", EXPR_FAULT},
    {"5", "result[1.5] == 1", EXPR_FAULT},
};

static void means(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        char fault[EXPR_FAULT_BYTES] = "";
        cJSON *result = cJSON_Parse(meanings[i].result);
        const enum expr_answer got = expr_judge(meanings[i].text, result, fault);
        if (got != meanings[i].answer || (got == EXPR_FAULT) != (fault[0] != 0)) {
            print_error("%s over %s: %d %s\n", meanings[i].text, meanings[i].result, got, fault);
            wrong++;
        }
        cJSON_Delete(result);
    }
    assert_int_equal(wrong, 0);
}

static void says_where(void **state) {
    char fault[EXPR_FAULT_BYTES];
    (void)state;
    assert_int_equal(expr_judge("result > 1 && resulf < 2", NULL, fault), EXPR_FAULT);
    assert_false(expr_check("result > 1 && resulf < 2", fault));
    assert_string_equal(fault,
                        "column 15: unknown name resulf: the measured value is called result");
    cJSON *result = cJSON_CreateNumber(NAN);
    assert_int_equal(expr_judge("isNaN(result) && !(result > 1) && !(result < 1)", result, fault),
                     EXPR_TRUE);
    cJSON_Delete(result);
}

static void keeps_within_limits(void **state) {
    char fault[EXPR_FAULT_BYTES];
    (void)state;
    char *deep = malloc(9000);
    memset(deep, '(', 4000);
    memcpy(deep + 4000, "true", 5);
    assert_int_equal(expr_judge(deep, NULL, fault), EXPR_FAULT);
    memset(deep, 'a', 5000);
    deep[5000] = 0;
    assert_int_equal(expr_judge(deep, NULL, fault), EXPR_FAULT);
    free(deep);
    /* 200 x 200 x 200 looks at items */
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < 200; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(i));
    assert_int_equal(
        expr_judge(
            "all(result, {all([0,1,2,3,4,5,6,7,8,9], {all([0,1,2,3,4,5,6,7,8,9], {all([0,1,2,3,"
            "4,5,6,7,8,9], {all([0,1,2,3,4,5,6,7,8,9], {# >= 0})})})})})",
            list, fault),
        EXPR_FAULT);
    assert_non_null(strstr(fault, "too l")); /* long or large: whichever limit comes first */
    cJSON_Delete(list);
}

static void paths(void **state) {
    static const struct {
        const char *path, *found;
    } rows[] = {{"", "{"},
                {"{$}", "{"},
                {"{$.a[0].b}", "1"},
                {"{.a[-1].b}", "2"},
                {"{$.a[*].b}", "1"},
                {"{$['a'][1]['b']}", "2"},
                {"{$.a[2].b}", NULL},
                {"{$.x}", NULL},
                {"$.a", NULL},
                {"{$..a}", NULL},
                {"{$.a[?(@.b)]}", NULL},
                {"{$.a[0}", NULL},
                {"{$.a['b}", NULL}};
    (void)state;
    cJSON *json = cJSON_Parse("{\"a\":[{\"b\":1},{\"b\":2}]}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fault[100];
        const cJSON *found = jsonpath_first(rows[i].path, json, fault, sizeof fault);
        if (!found != !rows[i].found) print_error("%s: %s\n", rows[i].path, fault);
        assert_int_equal(found == NULL, rows[i].found == NULL);
        assert_int_equal(found == NULL, fault[0] != 0);
        if (!found) continue;
        char *text = cJSON_PrintUnformatted(found);
        assert_int_equal(strncmp(text, rows[i].found, strlen(rows[i].found)), 0);
        cJSON_free(text);
    }
    cJSON_Delete(json);
}

/* A run from its start to its end by the clock. */
static void a_run_is_measured_on_time(void **state) {
    static struct analysis_spec spec;
    static struct analysis_run run;
    (void)state;
    struct strategy_faults faults = {0};
    cJSON *json = cJSON_Parse("{\"name\":\"m\",\"initialDelay\":\"30s\",\"interval\":\"1m\","
                              "\"count\":2,\"successCondition\":\"result > 1\",\"provider\":{}}");
    spec = (struct analysis_spec){.count = 1};
    metric_read(json, &spec.metrics[0], &faults);
    assert_int_equal(faults.count, 0);
    analysis_start(&run, &spec, 1000);
    assert_false(analysis_due(&spec, &run, 0, 30999));
    assert_int_equal(analysis_next_ms(&spec, &run, 2000), 31000);
    assert_true(analysis_due(&spec, &run, 0, 31000));
    const struct measurement good = {.phase = ANALYSIS_SUCCESSFUL, .value = "2"};
    const struct measurement broken = {.phase = ANALYSIS_ERROR, .why = "no route"};
    analysis_add(&run, 0, &good, 31000);
    analysis_sum(&spec, &run, 31000);
    assert_int_equal(run.phase, ANALYSIS_RUNNING);
    assert_int_equal(analysis_next_ms(&spec, &run, 31000), 91000);
    analysis_add(&run, 0, &broken, 91000); /* an error does not count, and is tried again in 10 s */
    analysis_sum(&spec, &run, 91000);
    assert_int_equal(run.phase, ANALYSIS_RUNNING);
    assert_int_equal(analysis_next_ms(&spec, &run, 91000), 101000);
    analysis_add(&run, 0, &good, 101000);
    analysis_sum(&spec, &run, 101000);
    assert_int_equal(run.phase, ANALYSIS_SUCCESSFUL);
    assert_int_equal(analysis_samples(&spec, &run), 2);
    assert_true(analysis_is_evidence(&spec, &run));
    assert_int_equal(analysis_next_ms(&spec, &run, 101000), INT64_MAX);
    cJSON_Delete(json);
}

static void an_ended_run_without_measurement_is_no_evidence(void **state) {
    static struct analysis_spec spec;
    static struct analysis_run run;
    (void)state;
    spec = (struct analysis_spec){.count = 1};
    analysis_start(&run, &spec, 0);
    run.terminate = true;
    analysis_sum(&spec, &run, 5);
    assert_int_equal(run.phase, ANALYSIS_SUCCESSFUL); /* Argo's word */
    assert_false(analysis_is_evidence(&spec, &run));  /* ours */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means),
        cmocka_unit_test(says_where),
        cmocka_unit_test(keeps_within_limits),
        cmocka_unit_test(paths),
        cmocka_unit_test(a_run_is_measured_on_time),
        cmocka_unit_test(an_ended_run_without_measurement_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
