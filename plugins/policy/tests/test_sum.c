#include "sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void decision_is(const char *verdicts, const char *expected) {
    cJSON *list = cJSON_Parse(verdicts);
    assert_string_equal(decision_name(sum_verdicts(list)), expected);
    cJSON_Delete(list);
}

static void the_strictest_verdict_decides(void **state) {
    (void)state;
    decision_is("[]", "allow");
    decision_is("[{\"outcome\":\"allow\"}]", "allow");
    decision_is("[{\"outcome\":\"allow\"},{\"outcome\":\"warn\"}]", "warn");
    decision_is("[{\"outcome\":\"approval\"},{\"outcome\":\"warn\"}]", "needs_approval");
    decision_is("[{\"outcome\":\"deny\"},{\"outcome\":\"approval\"}]", "deny");
}

static void what_is_not_known_denies(void **state) {
    (void)state;
    decision_is("[{\"outcome\":\"wait\"}]", "deny");
    decision_is("[{\"outcome\":\"Allow\"}]", "deny");
    decision_is("[{\"outcome\":true}]", "deny");
    decision_is("[{}]", "deny");
    decision_is("[null]", "deny");
}

static void older_clients_find_rule_ok_and_message(void **state) {
    (void)state;
    cJSON *list = cJSON_Parse("[{\"name\":\"a\",\"outcome\":\"deny\",\"reason\":\"no\"},"
                              "{\"name\":\"b\",\"outcome\":\"allow\"}]");
    sum_add_results(list);
    const cJSON *first = list->child, *second = first->next;
    assert_string_equal(cJSON_GetObjectItem(first, "rule")->valuestring, "a");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(first, "ok")));
    assert_string_equal(cJSON_GetObjectItem(first, "message")->valuestring, "no");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(second, "ok")));
    assert_string_equal(cJSON_GetObjectItem(second, "message")->valuestring, "OK");
    cJSON_Delete(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_strictest_verdict_decides),
                                       cmocka_unit_test(what_is_not_known_denies),
                                       cmocka_unit_test(older_clients_find_rule_ok_and_message)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
