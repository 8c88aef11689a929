#include "opa.h"
#include "sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The decision of an answer, and that some verdict's reason holds `words`. */
static void answer_means(const char *json, const char *decision, int count, const char *words) {
    cJSON *answer = cJSON_Parse(json), *verdicts = cJSON_CreateArray();
    opa_read(answer, "data.sluice", verdicts);
    if (strcmp(decision_name(sum_verdicts(verdicts)), decision) != 0)
        fail_msg("%s: %s", json, decision_name(sum_verdicts(verdicts)));
    assert_int_equal(cJSON_GetArraySize(verdicts), count);
    bool found = !*words;
    const cJSON *verdict;
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(verdict, "reason"));
        found |= reason && strstr(reason, words);
    }
    if (!found) fail_msg("%s: no '%s'", json, words);
    cJSON_Delete(verdicts);
    cJSON_Delete(answer);
}

static void undefined_denies(void **state) {
    (void)state;
    answer_means("{}", "deny", 1, "undefined");
    answer_means("{\"decision_id\":\"1\"}", "deny", 1, "undefined");
    answer_means("null", "deny", 1, "undefined");
}

static void words_and_booleans_decide(void **state) {
    (void)state;
    answer_means("{\"result\":true}", "allow", 1, "");
    answer_means("{\"result\":false}", "deny", 1, "without a reason");
    answer_means("{\"result\":\"allow\"}", "allow", 1, "");
    answer_means("{\"result\":\"needs_approval\"}", "needs_approval", 1, "");
    answer_means("{\"result\":{\"allow\":true}}", "allow", 1, "");
    answer_means("{\"result\":{\"allowed\":false}}", "deny", 1, "");
}

static void sets_give_the_reasons(void **state) {
    (void)state;
    answer_means(
        "{\"result\":{\"decision\":\"deny\",\"deny\":[{\"rule\":\"no-latest\",\"message\":\"it "
        "floats\",\"fix\":\"pin it\"},\"too few\"],\"approval\":[]}}",
        "deny", 2, "it floats");
    answer_means("{\"result\":{\"allow\":true,\"warn\":[{\"msg\":\"careful\"}]}}", "warn", 1,
                 "careful");
    answer_means("{\"result\":{\"approval\":[\"ask\"],\"allow\":true}}", "needs_approval", 1,
                 "ask");
    /* A denial beside an allow denies. */
    answer_means("{\"result\":{\"allow\":true,\"deny\":[\"no\"]}}", "deny", 1, "no");
    answer_means("{\"result\":{\"decision\":\"allow\",\"deny\":true}}", "deny", 1, "no reason");
    answer_means("{\"result\":{\"decision\":\"allow\",\"deny\":\"a text\"}}", "deny", 1, "a text");
}

static void anything_else_denies(void **state) {
    (void)state;
    answer_means("{\"result\":1}", "deny", 1, "no decision");
    answer_means("{\"result\":\"Allow\"}", "deny", 1, "no decision");
    answer_means("{\"result\":[]}", "deny", 1, "no decision");
    answer_means("{\"result\":{}}", "deny", 1, "neither");
    answer_means("{\"result\":{\"deny\":[]}}", "deny", 1, "neither");
    answer_means("{\"result\":{\"allow\":\"true\"}}", "deny", 1, "neither");
    answer_means("{\"result\":{\"decision\":\"yes\"}}", "deny", 1, "not known");
    answer_means("{\"result\":{\"warn\":[\"careful\"]}}", "deny", 2, "neither");
    answer_means("{\"result\":null}", "deny", 1, "no decision");
}

static void a_failure_is_told_from_a_decision(void **state) {
    (void)state;
    cJSON *verdicts = cJSON_CreateArray();
    opa_failed("it is down", "data.sluice", verdicts);
    assert_int_equal(sum_verdicts(verdicts), DECISION_DENY);
    assert_string_equal(cJSON_GetObjectItem(verdicts->child, "class")->valuestring, "error");
    assert_non_null(strstr(cJSON_GetObjectItem(verdicts->child, "reason")->valuestring, "is down"));
    cJSON_Delete(verdicts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undefined_denies), cmocka_unit_test(words_and_booleans_decide),
        cmocka_unit_test(sets_give_the_reasons), cmocka_unit_test(anything_else_denies),
        cmocka_unit_test(a_failure_is_told_from_a_decision)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
