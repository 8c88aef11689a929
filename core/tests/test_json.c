/* The strict reader and the printer: what they take, what they refuse and in which words. */
#include "arena.h"
#include "json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void takes_what_the_grammar_allows(void **state) {
    (void)state;
    static const char *const good[] = {"null",
                                       " true ",
                                       "false",
                                       "0",
                                       "-0",
                                       "-1.5e+10",
                                       "1E300",
                                       "\"\"",
                                       "\"\\u00e9\\ud83d\\ude00\\n\"",
                                       "[]",
                                       "[ ]",
                                       "{}",
                                       "{ }",
                                       "[1,2 , 3]",
                                       "{\"a\":1,\"A\":2,\"a \":3}",
                                       "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                       "\"\x7f\"",
                                       "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
                                       "\t\r\n [\n1\r\n]\t",
                                       "1e-400",
                                       "{\"\":{\"\":[]}}",
                                       "0.1",
                                       "123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct json_fault fault = {0};
        if (!json_check(good[i], strlen(good[i]), &fault)) fail_msg("%s: %s", good[i], fault.why);
    }
}

struct bad {
    const char *text;
    size_t offset;
    const char *why;
};

static void refuses_in_clear_words(void **state) {
    (void)state;
    static const struct bad bad[] = {
        {"", 0, "expected a value, but the text ends"},
        {"   ", 3, "expected a value, but the text ends"},
        {"nul", 0, "found 'n'"},
        {"True", 0, "found 'T'"},
        {"NaN", 0, "found 'N'"},
        {"\xef\xbb\xbf{}", 0, "expected a value"},
        {"01", 0, "must not begin with 0"},
        {"-", 0, "expected a digit in a number"},
        {"+1", 0, "found '+'"},
        {".5", 0, "found '.'"},
        {"1.", 0, "after the decimal point"},
        {"1.e3", 0, "after the decimal point"},
        {"1e", 0, "in the exponent"},
        {"1e+", 0, "in the exponent"},
        {"1e400", 0, "too large"},
        {"-1e99999999999", 0, "too large"},
        {"1 2", 2, "expected nothing after the value, found '2'"},
        {"{}x", 2, "expected nothing after the value, found 'x'"},
        {"[1,]", 3, "found ']'"},
        {"[,1]", 1, "found ','"},
        {"[1 2]", 3, "expected ',' or ']' after an item, found '2'"},
        {"[1", 2, "expected ',' or ']' after an item, but the text ends"},
        {"{\"a\" 1}", 5, "expected ':' after a member's name, found '1'"},
        {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}' after a member, found '\"'"},
        {"{\"a\":1,}", 7, "the next member's name after ','"},
        {"{a:1}", 1, "expected '\"' of a member's name, or '}', found 'a'"},
        {"{'a':1}", 1, "found '''"},
        {"{1:1}", 1, "found '1'"},
        {"\"abc", 4, "expected '\"' at the end of a string, but the text ends"},
        {"\"a\nb\"", 2, "must be escaped"},
        {"\"\\x\"", 1, "after a backslash"},
        {"\"\\", 1, "after a backslash"},
        {"\"\\u12g4\"", 1, "four hexadecimal digits"},
        {"\"\\u0000\"", 1, "\\u0000 is not taken"},
        {"\"\\ud800\"", 1, "surrogate"},
        {"\"\\ud800\\u0041\"", 1, "surrogate"},
        {"\"\\udc00\\ud800\"", 1, "surrogate"},
        {"\"\\ud83d\\ude0\"", 1, "surrogate"},
        {"\"\xff\"", 1, "no UTF-8"},
        {"\"\xc0\xaf\"", 1, "no UTF-8"},
        {"\"\xe0\x80\xaf\"", 1, "no UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "no UTF-8"},
        {"\"\xf4\x90\x80\x80\"", 1, "no UTF-8"},
        {"\"\xf8\x88\x80\x80\x80\"", 1, "no UTF-8"},
        {"\"\xe2\x82\"", 1, "no UTF-8"},
        {"\"12345678\x80\"", 9, "no UTF-8"},
        {"{\"a\":1,\"a\":2}", 7, "a member of this name already"},
        {"{\"a\":1,\"\\u0061\":2}", 7, "a member of this name already"},
        {"{\"image_name\":{},\"b\":1,\"image_name\":2}", 23, "a member of this name already"},
        {"/* c */ 1", 0, "found '/'"},
        {"[1]\x01", 3, "found byte 0x01"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct json_fault fault = {0};
        if (json_check(bad[i].text, strlen(bad[i].text), &fault)) {
            fail_msg("taken: %s", bad[i].text);
        }
        if (!strstr(fault.why, bad[i].why)) fail_msg("%s: %s", bad[i].text, fault.why);
        if (fault.offset != bad[i].offset) {
            fail_msg("%s: offset %zu, not %zu", bad[i].text, fault.offset, bad[i].offset);
        }
    }
}

static void refuses_a_nul_byte_anywhere(void **state) {
    (void)state;
    struct json_fault fault;
    assert_false(json_check("1\0", 2, &fault));
    assert_false(json_check("\"a\0b\"", 5, &fault));
    assert_false(json_check("{\"a\0\":1}", 8, &fault));
}

static void tells_line_and_column_in_characters(void **state) {
    (void)state;
    const char *text = "{\n  \"é\": 1,\n  \"ü\": }";
    struct json_fault fault;
    assert_false(json_check(text, strlen(text), &fault));
    assert_int_equal(fault.line, 3);
    assert_int_equal(fault.column, 8);
}

static void limits_depth_and_number_length(void **state) {
    (void)state;
    char text[400];
    struct json_fault fault;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_true(json_check(text, 128, &fault));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_false(json_check(text, 130, &fault));
    assert_non_null(strstr(fault.why, "64 deep"));
    memset(text, '7', sizeof text);
    assert_true(json_check(text, JSON_NUMBER_MAX, &fault));
    assert_false(json_check(text, JSON_NUMBER_MAX + 1, &fault));
}

/* 40 KB of '[' is what takes other readers seconds; here the 65th ends it. */
static void many_brackets_end_at_the_limit(void **state) {
    (void)state;
    size_t size = 40000;
    char *text = malloc(size);
    memset(text, '[', size);
    struct json_fault fault;
    assert_false(json_check(text, size, &fault));
    assert_int_equal(fault.offset, 64);
    free(text);
}

static void finds_duplicates_in_large_objects(void **state) {
    (void)state;
    enum { MEMBERS = 20000 };
    char *text = malloc((size_t)MEMBERS * 24 + 64);
    struct json_fault fault;
    for (size_t twice = 0; twice < 3; twice++) {
        char *at = text;
        *at++ = '{';
        for (unsigned i = 0; i < MEMBERS; i++) at += sprintf(at, "\"name%u\":%u,", i, i);
        if (twice) at += sprintf(at, "\"name%u\":0,", twice == 1 ? 0 : MEMBERS - 1);
        at[-1] = '}';
        assert_int_equal(json_check(text, (size_t)(at - text), &fault), twice == 0);
        if (twice) assert_non_null(strstr(fault.why, "already"));
    }
    free(text);
}

static void builds_what_cjson_builds(void **state) {
    (void)state;
    const char *text =
        "{\"s\":\"a\\u00e9\\ud83d\\ude00\\/\\t\",\"n\":-12.5,\"l\":[1,[],{}],\"t\":true,"
        "\"f\":false,\"z\":null,\"big\":12345678901,\"\\u0061b\":\"\"}";
    struct json_fault fault;
    struct arena arena;
    arena_init(&arena);
    cJSON *ours = json_parse(&arena, text, strlen(text), &fault);
    cJSON *theirs = cJSON_Parse(text);
    assert_non_null(ours);
    assert_true(cJSON_Compare(ours, theirs, true));
    assert_int_equal(cJSON_GetArraySize(ours), 8);
    const cJSON *big = cJSON_GetObjectItemCaseSensitive(ours, "big");
    assert_int_equal(big->valueint, INT32_MAX);
    /* Further members go to the end, as cJSON's own functions expect. */
    assert_ptr_equal(ours->child->prev, cJSON_GetArrayItem(ours, 7));
    arena_use(&arena);
    cJSON_AddNumberToObject(ours, "added", 1);
    arena_use(NULL);
    assert_string_equal(cJSON_GetArrayItem(ours, 8)->string, "added");
    cJSON_Delete(theirs);
    arena_fini(&arena);
}

static void parses_into_malloc_without_an_arena(void **state) {
    (void)state;
    struct json_fault fault;
    cJSON *json = json_parse(NULL, "{\"a\":[\"b\"]}", 11, &fault);
    assert_non_null(json);
    assert_false(arena_owns(json));
    cJSON_Delete(json);
    assert_null(json_parse(NULL, "{", 1, &fault));
}

static void numbers_round_trip(void **state) {
    (void)state;
    static const struct {
        double number;
        const char *text;
    } exact[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {-42, "-42"},
                 {0.1, "0.1"},
                 {-0.25, "-0.25"},
                 {1.5, "1.5"},
                 {123.456, "123.456"},
                 {0.000123, "0.000123"},
                 {9007199254740991.0, "9007199254740991"},
                 {1e15, "1000000000000000"},
                 {0.3, "0.3"},
                 {1700000000123.0, "1700000000123"},
                 {99.99, "99.99"},
                 {1e21, "1e+21"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {12.000001, "12.000001"}};
    char text[JSON_NUMBER_TEXT];
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        size_t size = json_print_number(exact[i].number, text);
        assert_string_equal(text, exact[i].text);
        assert_int_equal(size, strlen(text));
    }
    uint64_t seed = 42;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double number;
        if (i % 3 == 0) {
            memcpy(&number, &seed, sizeof number);
        } else if (i % 3 == 1) {
            number = (double)(seed >> 44) / 1000.0;
        } else {
            number = (double)(int64_t)seed / 1e17;
        }
        if (!isfinite(number)) continue;
        size_t size = json_print_number(number, text);
        const char *why = NULL;
        double again = 0;
        assert_ptr_equal(json_read_number(text, text + size, &again, &why), text + size);
        if (again != number) fail_msg("%a printed as %s", number, text);
        assert_true(strtod(text, NULL) == number);
    }
}

static void reads_numbers_as_strtod_does(void **state) {
    (void)state;
    static const char *const texts[] = {"0.1",
                                        "1e22",
                                        "1e23",
                                        "9007199254740993",
                                        "2.5e-22",
                                        "1.7976931348623157e308",
                                        "4.9e-324",
                                        "123456789.123456789",
                                        "0.00000000000000000000000012345",
                                        "-3.0e0",
                                        "1E+2"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double number = 0;
        const char *why = NULL;
        assert_non_null(json_read_number(texts[i], texts[i] + strlen(texts[i]), &number, &why));
        assert_true(number == strtod(texts[i], NULL));
    }
}

static void prints_clean_text(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "bad\xff", "a\x80z\x01\"\\\n\xed\xa0\x80");
    cJSON_AddItemToObject(object, "list", cJSON_CreateArray());
    cJSON_AddItemToObject(object, "raw", cJSON_CreateRaw("{\"x\":1}"));
    cJSON_AddNumberToObject(object, "nan", NAN);
    size_t size = 0;
    const char *text = json_print(&arena, object, &size);
    assert_string_equal(text, "{\"bad\xef\xbf\xbd\":\"a\xef\xbf\xbdz\\u0001\\\"\\\\\\n"
                              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"list\":[],"
                              "\"raw\":{\"x\":1},\"nan\":null}");
    assert_int_equal(size, strlen(text));
    struct json_fault fault;
    assert_true(json_check(text, size, &fault));
    assert_string_equal(json_print(&arena, NULL, NULL), "null");
    cJSON_Delete(object);
    arena_fini(&arena);
}

/* Strings are looked at in blocks: each length, with something special at each place. */
static void prints_what_it_reads(void **state) {
    (void)state;
    static const char *const specials[] = {"x", "\"", "\\", "\n", "\x1f", "\x7f", "\xc3\xb6"};
    struct arena arena;
    arena_init(&arena);
    for (size_t size = 0; size < 50; size++)
        for (size_t at = 0; at <= size; at++)
            for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
                char *text = calloc(
                    1, at + strlen(specials[i]) < size ? size + 1 : at + strlen(specials[i]) + 1);
                memset(text, 'a', size);
                memcpy(text + at, specials[i], strlen(specials[i]));
                cJSON *string = cJSON_CreateStringReference(text);
                size_t printed_size;
                const char *printed = json_print(&arena, string, &printed_size);
                struct json_fault fault;
                const cJSON *again = json_parse(&arena, printed, printed_size, &fault);
                assert_non_null(again);
                assert_string_equal(again->valuestring, text);
                cJSON_Delete(string);
                free(text);
                arena_reset(&arena);
            }
    arena_fini(&arena);
}

static void prints_long_text(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < 5000; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(i));
    size_t size = 0;
    const char *text = json_print(&arena, list, &size);
    struct json_fault fault;
    cJSON *again = json_parse(&arena, text, size, &fault);
    assert_true(cJSON_Compare(list, again, true));
    cJSON_Delete(list);
    arena_fini(&arena);
}

int main(void) {
    arena_install_json_hooks();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_grammar_allows),
        cmocka_unit_test(refuses_in_clear_words),
        cmocka_unit_test(refuses_a_nul_byte_anywhere),
        cmocka_unit_test(tells_line_and_column_in_characters),
        cmocka_unit_test(limits_depth_and_number_length),
        cmocka_unit_test(many_brackets_end_at_the_limit),
        cmocka_unit_test(finds_duplicates_in_large_objects),
        cmocka_unit_test(builds_what_cjson_builds),
        cmocka_unit_test(parses_into_malloc_without_an_arena),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(reads_numbers_as_strtod_does),
        cmocka_unit_test(prints_clean_text),
        cmocka_unit_test(prints_what_it_reads),
        cmocka_unit_test(prints_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
