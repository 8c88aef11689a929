#include "loki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4 };
static struct loki_line list[ROOM];

static bool reads(const char *json, struct loki_lines *lines, const char **why) {
    static cJSON *answer; /* lives until the next one: the texts are borrowed from it */
    cJSON_Delete(answer);
    answer = json ? cJSON_Parse(json) : NULL;
    assert_true(answer || !json);
    *lines = (struct loki_lines){.list = list, .room = ROOM, .from_ns = 100, .until_ns = 200};
    return json && loki_read(answer, lines, why);
}

#define STREAMS(values)                                                                            \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[" values "]}}"
#define STREAM(entries) "{\"stream\":{},\"values\":[" entries "]}"

static void lines_of_all_streams_are_in_order(void **state) {
    (void)state;
    struct loki_lines lines;
    const char *why;
    assert_true(reads(
        STREAMS(STREAM("[\"103\",\"c\"],[\"101\",\"a\",{\"structuredMetadata\":{}}]") "," STREAM(
            "[\"102\",\"b\"]")),
        &lines, &why));
    assert_int_equal(lines.count, 3);
    assert_string_equal(list[0].text, "a");
    assert_string_equal(list[1].text, "b");
    assert_string_equal(list[2].text, "c");
    assert_int_equal(list[2].at_ns, 103);
    assert_true(reads(STREAMS(""), &lines, &why));
    assert_int_equal(lines.count, 0);
}

static void lines_outside_are_counted_and_left_out(void **state) {
    (void)state;
    struct loki_lines lines;
    const char *why;
    assert_true(
        reads(STREAMS(STREAM("[\"99\",\"a\"],[\"100\",\"b\"],[\"200\",\"c\"],[\"201\",\"d\"]")),
              &lines, &why));
    assert_int_equal(lines.count, 2);
    assert_int_equal(lines.outside, 2);
}

static void more_than_the_room_is_not_kept(void **state) {
    (void)state;
    struct loki_lines lines;
    const char *why;
    assert_true(
        reads(STREAMS(STREAM("[\"105\",\"a\"],[\"104\",\"b\"],[\"103\",\"c\"],[\"102\",\"d\"],"
                             "[\"101\",\"e\"]")),
              &lines, &why));
    assert_int_equal(lines.count, ROOM);
    assert_string_equal(list[0].text, "d");
}

static void what_is_no_log_is_refused_with_why(void **state) {
    (void)state;
    static const char *const answers[][2] = {
        {"[]", "API"},
        {"{}", "API"},
        {"{\"status\":\"success\"}", "API"},
        {"{\"status\":\"error\",\"data\":{\"resultType\":\"streams\",\"result\":[]}}", "API"},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[]}}", "API"},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", "numbers"},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}", "numbers"},
        {STREAMS("{}"), "nanoseconds"},
        {STREAMS(STREAM("[101,\"a\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"\",\"a\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"-1\",\"a\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"1e3\",\"a\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"9223372036854775808\",\"a\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"101\"]")), "nanoseconds"},
        {STREAMS(STREAM("[\"101\",5]")), "nanoseconds"},
        {STREAMS(STREAM("\"101\"")), "nanoseconds"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct loki_lines lines;
        const char *why = "";
        if (reads(answers[i][0], &lines, &why) || !strstr(why, answers[i][1]))
            fail_msg("%s: %s", answers[i][0], why);
    }
}

static int leave(void **state) {
    (void)state;
    struct loki_lines lines;
    const char *why;
    return reads(NULL, &lines, &why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_all_streams_are_in_order),
        cmocka_unit_test(lines_outside_are_counted_and_left_out),
        cmocka_unit_test(more_than_the_room_is_not_kept),
        cmocka_unit_test(what_is_no_log_is_refused_with_why),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}
