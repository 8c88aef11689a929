#include "analyse.h"
#include "dictionary.h"
#include "promql.h"
#include "spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void take(void *to, const char *text, size_t len, enum token_kind kind) {
    char *out = to;
    const size_t used = strlen(out);
    snprintf(out + used, 1000 - used, "%s%c:%.*s", used ? " " : "", "wpe"[kind], (int)len, text);
}

static const char *tokens(const char *text) {
    static char out[1000];
    struct analysis about;
    out[0] = 0;
    analyse(text, strlen(text), take, out, &about);
    return out;
}

static void test_splits_identifiers(void **state) {
    (void)state;
    assert_string_equal(tokens("KubePodCrashLooping"),
                        "p:kubepodcrashlooping w:kube w:pod w:crash w:looping");
    assert_string_equal(tokens("HTTPServer x"), "p:httpserver w:http w:server w:x");
    assert_string_equal(tokens("k8s 5xx"), "w:k8s p:k p:8 p:s w:5xx p:5 p:xx");
    assert_string_equal(tokens("node_cpu-total"), "w:node w:cpu w:total e:node_cpu-total");
    assert_string_equal(tokens("end. _x_ a/b"), "w:end w:x w:a w:b e:a/b");
}

static void test_folds_what_is_not_ascii(void **state) {
    (void)state;
    assert_string_equal(tokens("Größe ÉTÉ"), "w:grosse w:ete");
    assert_string_equal(tokens("磁盘已满"), "w:磁盘 w:盘已 w:已满");
    assert_string_equal(tokens("a\xff\xfe"
                               "b\xc3"),
                        "w:a w:b");
    assert_string_equal(tokens("\xe2\x80\x9cquoted\xe2\x80\x9d"), "w:quoted");
}

static void test_drops_what_is_too_long(void **state) {
    (void)state;
    char text[600];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_string_equal(tokens(text), "");
}

static const char *stripped(const char *text) {
    static char out[1000];
    memset(out, 0, sizeof out);
    if (!promql_strip(text, strlen(text), out)) return "-";
    char *to = out; /* runs of spaces to one */
    for (const char *at = out; *at; at++)
        if (*at != ' ' || (to > out && to[-1] != ' ')) *to++ = *at;
    while (to > out && to[-1] == ' ') to--;
    *to = 0;
    return out;
}

static void test_strips_promql(void **state) {
    (void)state;
    assert_string_equal(
        stripped("sum by (pod) (rate(http_errors_total{job=\"a\",code=~\"5..\"}[5m])) > 0"),
        "http_errors_total \"5..\"");
    assert_string_equal(stripped("absent(up{job=\"kubelet\"} == 1)"), "up \"kubelet\"");
    assert_string_equal(stripped("how do I rate limit (or slow) my service?"), "-");
    assert_string_equal(stripped("x{a=\"unclosed"), "x \"unclosed");
    assert_string_equal(stripped("rate(x[5m"), "x");
    assert_string_equal(stripped(""), "-");
}

static void test_counts_slips(void **state) {
    (void)state;
    assert_int_equal(slips_between("target", 6, "taregt", 6, 2), 1);
    assert_int_equal(slips_between("target", 6, "targt", 5, 2), 1);
    assert_int_equal(slips_between("target", 6, "tarrget", 7, 2), 1);
    assert_int_equal(slips_between("target", 6, "tarxxt", 6, 2), 2);
    assert_int_equal(slips_between("target", 6, "zebra", 5, 2), 3);
    assert_int_equal(slips_between("", 0, "", 0, 1), 0);
}

static void test_stop_words_are_in_order(void **state) {
    (void)state;
    static const char *const some[] = {"a",       "been",  "between", "should",
                                       "through", "yours", "itself"};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_true(is_stop_word(some[i], strlen(some[i])));
    assert_false(is_stop_word("disk", 4));
    assert_false(is_stop_word("you", 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_identifiers),
        cmocka_unit_test(test_folds_what_is_not_ascii),
        cmocka_unit_test(test_drops_what_is_too_long),
        cmocka_unit_test(test_strips_promql),
        cmocka_unit_test(test_counts_slips),
        cmocka_unit_test(test_stop_words_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
