#include "template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *template, const char *filled) {
    static const struct place places[] = {{"app", "shop"}, {"appendix", "x"}, {"number", "7"},
                                          {"list", "[1]"}, {"none", NULL},    {NULL, NULL}};
    struct text text;
    text_begin(&text, 4);
    template_fill(&text, template, places);
    char *bytes = text_end(&text);
    assert_string_equal(bytes, filled);
    cJSON_free(bytes);
}

static void places_are_filled(void **state) {
    (void)state;
    expect("", "");
    expect("{}", "{}");
    expect("{\"a\":\"$app\"}", "{\"a\":\"shop\"}");
    expect("\"$app-canary\"", "\"shop-canary\"");
    expect("\"x$app$number\"", "\"xshop7\"");
    expect("$app", "shop");
}

static void whole_values_lose_their_quotes(void **state) {
    (void)state;
    expect("{\"a\":\"$(number)\",\"b\":\"$(list)\"}", "{\"a\":7,\"b\":[1]}");
    expect("\"$(list)\"", "[1]");
}

static void names_are_matched_whole(void **state) {
    (void)state;
    expect("\"$appendix\"", "\"x\"");
    expect("\"$ap\"", "\"\"");
    expect("\"$none\"", "\"\"");
    expect("\"$unknown\"", "\"\"");
}

static void escapes(void **state) {
    (void)state;
    struct text text;
    text_begin(&text, 1);
    text_string(&text, "a\"b\\c\n\x01\xc3\xb6");
    char *bytes = text_end(&text);
    assert_string_equal(bytes, "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xb6\"");
    cJSON_free(bytes);
    assert_true(text_is_plain("shop:1.4.2 \xc3\xb6"));
    assert_false(text_is_plain("a\"b"));
    assert_false(text_is_plain("a\tb"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_filled),
        cmocka_unit_test(whole_values_lose_their_quotes),
        cmocka_unit_test(names_are_matched_whole),
        cmocka_unit_test(escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
