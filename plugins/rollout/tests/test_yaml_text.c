#include "yaml_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_yaml(const char *json, const char *yaml) {
    cJSON *array = cJSON_Parse(json);
    assert_non_null(array);
    size_t size = 0;
    char *text = yaml_documents(array, &size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    assert_string_equal(text, yaml);
    free(text);
    cJSON_Delete(array);
}

static void documents(void **state) {
    (void)state;
    expect_yaml("[{\"kind\":\"A\",\"spec\":{\"m\":2,\"list\":[1,{\"x\":true}]}},{\"kind\":\"B\"}]",
                "---\nkind: A\nspec:\n  m: 2\n  list:\n  - 1\n  - x: true\n---\nkind: B\n");
    expect_yaml("[]", "");
    expect_yaml("[{\"e\":{},\"l\":[],\"z\":null}]", "---\ne: {}\nl: []\nz: null\n");
}

/* Each of these is text, and some YAML reader takes it for something else when it stands bare. */
static void misleading_text_is_quoted(void **state) {
    (void)state;
    static const char *const words[] = {
        "yes", "No",   "ON",   "off",  "true", "False",      "null", "~",    "",
        "1",   "1.0",  "1e3",  "0x1f", "0o7",  "2024-01-01", "1:30", ".5",   "-1",
        "+1",  ".nan", ".inf", "y",    "=",    "<<",         "- a",  "{a}",  "[a]",
        "#a",  "%a",   "@a",   "*a",   "&a",   "!a",         "| a",  "1_000"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char json[64], yaml[64];
        (void)snprintf(json, sizeof json, "[{\"a\":\"%s\"}]", words[i]);
        (void)snprintf(yaml, sizeof yaml, "---\na: '%s'\n", words[i]);
        expect_yaml(json, yaml);
    }
}

static void plain_text_is_bare(void **state) {
    (void)state;
    expect_yaml("[{\"image\":\"registry.internal/shop:1.4.2\"}]",
                "---\nimage: registry.internal/shop:1.4.2\n");
    expect_yaml("[{\"path\":\"/healthz\"}]", "---\npath: /healthz\n");
    expect_yaml("[{\"a\":\"key: value\"}]", "---\na: 'key: value'\n");
    expect_yaml("[{\"a\":\"word # not a comment\"}]", "---\na: 'word # not a comment'\n");
}

static void text_of_lines_is_a_block(void **state) {
    (void)state;
    expect_yaml("[{\"a\":\"one\\ntwo\\n\"}]", "---\na: |\n  one\n  two\n");
    expect_yaml("[{\"a\":\"one\\n  two\"}]", "---\na: |-\n  one\n    two\n");
}

static void numbers_keep_their_value(void **state) {
    (void)state;
    expect_yaml("[{\"a\":0.1,\"b\":-3,\"c\":9007199254740991,\"d\":1e300}]",
                "---\na: 0.1\nb: -3\nc: 9007199254740991\n"
                "d: 1.0000000000000001e+300\n");
}

static void broken_utf8_is_refused(void **state) {
    (void)state;
    cJSON *array = cJSON_CreateArray();
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    cJSON_AddStringToObject(object, "a", "\xff\xfe");
    size_t size = 0;
    assert_null(yaml_documents(array, &size));
    cJSON_Delete(array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),
        cmocka_unit_test(misleading_text_is_quoted),
        cmocka_unit_test(plain_text_is_bare),
        cmocka_unit_test(text_of_lines_is_a_block),
        cmocka_unit_test(numbers_keep_their_value),
        cmocka_unit_test(broken_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
