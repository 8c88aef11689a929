/* How questions are understood: words, mistakes, times, names. What they want to know is tested by
 * tests/integration/test_chat.py. */
#include "intent.h"
#include "moment.h"
#include "slots.h"
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Sunday 2026-11-22 22:00:00 UTC */
static const int64_t now_ms = INT64_C(1795384800000);
#define HOUR INT64_C(3600000)

static void distances(void **state) {
    (void)state;
    assert_int_equal(words_distance("payments", "payments", 2), 0);
    assert_int_equal(words_distance("paymnets", "payments", 2), 1); /* two letters swapped */
    assert_int_equal(words_distance("paymnt", "payments", 2), 2);
    assert_int_equal(words_distance("abc", "xyz", 2), 3);
    assert_int_equal(words_distance("", "ab", 2), 2);
}

static void names_are_forgiven_mistakes(void **state) {
    (void)state;
    const char *const names[] = {"shop", "payments", "shop-api-1", "shop-api-2", "ledger"};
    bool exact;
    assert_int_equal(words_nearest("paymnets", names, 5, &exact), 1);
    assert_false(exact);
    assert_int_equal(words_nearest("ledger", names, 5, &exact), 4);
    assert_true(exact);
    assert_int_equal(words_nearest("ship", names, 5, &exact), -1);       /* too short to guess */
    assert_int_equal(words_nearest("shop-api-3", names, 5, &exact), -1); /* another number */
    assert_int_equal(words_nearest("leger", names, 5, &exact), 4);
}

static void window_is(const char *question, int64_t from_h, int64_t to_h) {
    struct words words;
    words_read(&words, question);
    const struct moment moment = moment_read(&words, now_ms);
    if ((moment.from_ms - now_ms) / HOUR != from_h || (moment.to_ms - now_ms) / HOUR != to_h)
        fail_msg("%s: %lld to %lld hours from now", question,
                 (long long)((moment.from_ms - now_ms) / HOUR),
                 (long long)((moment.to_ms - now_ms) / HOUR));
}

static void times_are_read(void **state) {
    (void)state;
    window_is("what happened last night?", -28, -16);
    window_is("yesterday", -46, -22);
    window_is("since yesterday", -46, 0);
    window_is("today", -22, 0);
    window_is("this morning", -18, -10);
    window_is("in the last 3 hours", -3, 0);
    window_is("the last hour", -1, 0);
    window_is("past week", -168, 0);
    window_is("in the last 24h", -24, 0);
    window_is("since 20:00", -2, 0);
    window_is("on friday", -70, -46);
    window_is("since monday", -166, 0);
    struct words words;
    words_read(&words, "why did prod fail");
    assert_int_equal(moment_read(&words, now_ms).to_ms, 0);
}

static void slots_are_found(void **state) {
    (void)state;
    static const char *const apps[] = {"shop", "payments"};
    static const char *const policies[] = {"no-latest"};
    const struct known known_apps = {apps, 2}, known_policies = {policies, 1}, none = {NULL, 0};
    struct words words;
    struct slots slots;
    words_read(&words, "Why was Paymnets 1.4.2 blocked in Production by no-latest, "
                       "deployment/01jdqx3k2m4n5p6q7r8s9tvwxy, HighErrorRate?");
    slots_read(&slots, &words, now_ms);
    slots_names(&slots, &words, known_apps, known_policies, none);
    assert_string_equal(slots.environments[0], "prod");
    assert_string_equal(slots.apps[0], "payments");
    assert_string_equal(slots.policy, "no-latest");
    assert_string_equal(slots.versions[0], "1.4.2");
    assert_string_equal(slots.deployment, "01JDQX3K2M4N5P6Q7R8S9TVWXY");
    assert_string_equal(slots.alert, "HighErrorRate");
    assert_non_null(strstr(slots.assumed, "payments"));
    assert_string_equal(slots.unknown, "");
    words_read(&words, "why did checkout fail");
    slots_read(&slots, &words, now_ms);
    slots_names(&slots, &words, known_apps, known_policies, none);
    assert_string_equal(slots.unknown, "checkout");
}

static void every_intent_has_a_name(void **state) {
    (void)state;
    for (int i = 0; i < INTENT_COUNT; i++) assert_non_null(intent_name((enum intent)i));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances), cmocka_unit_test(names_are_forgiven_mistakes),
        cmocka_unit_test(times_are_read), cmocka_unit_test(slots_are_found),
        cmocka_unit_test(every_intent_has_a_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
