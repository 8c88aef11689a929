/* When a request is tried again, and when a breaker refuses. */
#include "fetch_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void only_repeatable_methods_repeat(void **state) {
    (void)state;
    assert_true(fetch_may_repeat(NULL) && fetch_may_repeat("GET") && fetch_may_repeat("HEAD"));
    assert_true(fetch_may_repeat("PUT") && fetch_may_repeat("DELETE"));
    assert_false(fetch_may_repeat("POST") || fetch_may_repeat("PATCH") || fetch_may_repeat("get"));
}

static void only_passing_troubles_retry(void **state) {
    (void)state;
    for (int status = 200; status < 600; status++) {
        bool expected = status == 429 || status == 502 || status == 503 || status == 504;
        assert_int_equal(fetch_status_retries(status), expected);
    }
}

static void retry_after_is_seconds_or_a_date(void **state) {
    (void)state;
    assert_int_equal(fetch_retry_after_ms("0", 0), 0);
    assert_int_equal(fetch_retry_after_ms("120", 0), 120000);
    int64_t now_s = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    assert_int_equal(fetch_retry_after_ms("Sun, 06 Nov 1994 08:50:07 GMT", now_s), 30000);
    assert_int_equal(fetch_retry_after_ms("Sun, 06 Nov 1994 08:49:00 GMT", now_s), 0);
    assert_int_equal(fetch_retry_after_ms("", 0), -1);
    assert_int_equal(fetch_retry_after_ms("-1", 0), -1);
    assert_int_equal(fetch_retry_after_ms("1.5", 0), -1);
    assert_int_equal(fetch_retry_after_ms("soon", 0), -1);
    assert_int_equal(fetch_retry_after_ms("99999999999999999999", 0), -1);
    assert_int_equal(fetch_retry_after_ms("Sun, 06 Nov 1994 08:50:07 GMT x", now_s), -1);
}

static void backoff_is_spread_from_nothing_to_a_growing_most(void **state) {
    (void)state;
    assert_int_equal(fetch_backoff_ms(1, 0), 0);
    assert_int_equal(fetch_backoff_ms(1, 200), 200);
    assert_int_equal(fetch_backoff_ms(1, 201), 0);
    assert_int_equal(fetch_backoff_ms(3, 800), 800);
    for (uint64_t random = 1; random < UINT64_MAX / 3; random *= 3)
        assert_in_range(fetch_backoff_ms(60, random), 0, 5000);
    assert_int_equal(fetch_backoff_ms(60, 5000), 5000);
}

static void a_breaker_opens_after_failures_in_a_row(void **state) {
    (void)state;
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAILURES - 1; i++) breaker_report(&breaker, BREAKER_BAD, 0);
    breaker_report(&breaker, BREAKER_GOOD, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        assert_true(breaker_allows(&breaker, 0));
        breaker_report(&breaker, BREAKER_BAD, 0);
    }
    assert_true(breaker_is_open(&breaker));
    assert_false(breaker_allows(&breaker, 0));
    assert_false(breaker_allows(&breaker, BREAKER_OPEN_MS - 1));
}

static void one_probe_decides(void **state) {
    (void)state;
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAILURES; i++) breaker_report(&breaker, BREAKER_BAD, 0);
    int64_t now_ms = BREAKER_OPEN_MS;
    assert_true(breaker_allows(&breaker, now_ms));
    assert_false(breaker_allows(&breaker, now_ms)); /* one at a time */
    breaker_report(&breaker, BREAKER_BAD, now_ms);
    assert_false(breaker_allows(&breaker, now_ms + BREAKER_OPEN_MS - 1));
    now_ms += BREAKER_OPEN_MS;
    assert_true(breaker_allows(&breaker, now_ms));
    breaker_report(&breaker, BREAKER_UNKNOWN, now_ms); /* cancelled: the next one may probe */
    assert_true(breaker_allows(&breaker, now_ms));
    breaker_report(&breaker, BREAKER_GOOD, now_ms);
    assert_false(breaker_is_open(&breaker));
    assert_true(breaker_allows(&breaker, now_ms) && breaker_allows(&breaker, now_ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_repeatable_methods_repeat),
        cmocka_unit_test(only_passing_troubles_retry),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(backoff_is_spread_from_nothing_to_a_growing_most),
        cmocka_unit_test(a_breaker_opens_after_failures_in_a_row),
        cmocka_unit_test(one_probe_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
