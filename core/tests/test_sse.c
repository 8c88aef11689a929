/* Server-Sent Events: written and read back, read in any pieces, limits. */
#include "sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sluice/base.h>
#include <stdio.h>
#include <string.h>

static char seen[4096];

static int note(void *arg, const struct sse_event *event) {
    size_t at = strlen(seen);
    assert_int_equal(strlen(event->data), event->data_size);
    snprintf(seen + at, sizeof seen - at, "[%s|%s|%s]", event->id, event->event, event->data);
    return arg ? *(int *)arg : 0;
}

static int read_in_steps(const char *text, size_t step, int64_t *retry_ms) {
    struct sse_reader reader;
    sse_reader_init(&reader, 1000);
    reader.on_event = note;
    seen[0] = 0;
    int status = 0;
    size_t size = strlen(text);
    for (size_t at = 0; at < size && !status; at += step)
        status = sse_read(&reader, text + at, size - at < step ? size - at : step);
    if (retry_ms) *retry_ms = reader.retry_ms;
    sse_reader_fini(&reader);
    return status;
}

static void expect(const char *text, const char *events) {
    for (size_t step = 1; step < 20; step++) {
        assert_int_equal(read_in_steps(text, step, NULL), 0);
        assert_string_equal(seen, events);
    }
}

static void events_are_read_as_the_standard_says(void **state) {
    (void)state;
    expect("data: a\n\n", "[|message|a]");
    expect("data: a\ndata: b\n\ndata: c\n\n", "[|message|a\nb][|message|c]");
    expect("id: 7\nevent: x\ndata: a\n\ndata: b\n\n", "[7|x|a][7|message|b]");
    expect("id: 7\n\nid\ndata: b\n\n", "[|message|b]");
    expect("data\n\ndata\ndata\n\ndata:\n\n", "[|message|][|message|\n][|message|]");
    expect("data:  two\ndata:none\n\n", "[|message| two\nnone]");
    expect(": ping\n\nevent: only\n\ndata: a\n\n", "[|message|a]");
    expect("data: a\r\ndata: b\r\r\ndata: c\n\r\n", "[|message|a\nb][|message|c]");
    expect("\xef\xbb\xbf"
           "data: a\n\n",
           "[|message|a]");
    expect("datax: a\nDATA: b\n data: c\n\ndata: d\n\n", "[|message|d]");
    expect("data: unfinished\n", "");
}

static void retry_is_a_number(void **state) {
    (void)state;
    int64_t retry_ms;
    read_in_steps("retry: 1500\n", 3, &retry_ms);
    assert_int_equal(retry_ms, 1500);
    read_in_steps("retry: 15s\n", 3, &retry_ms);
    assert_int_equal(retry_ms, -1);
    read_in_steps("retry: 99999999999999999999\n", 3, &retry_ms);
    assert_int_equal(retry_ms, -1);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    char text[256];
    size_t size = sse_write(text, sizeof text, "9\nevent: evil", "kind\rdata: evil", "a\r\nb\rc\n");
    assert_true(size < sizeof text);
    text[size] = 0;
    assert_string_equal(text, "id: 9\nevent: kind\ndata: a\ndata: b\ndata: c\ndata: \n\n");
    expect(text, "[9|kind|a\nb\nc\n]");
    assert_int_equal(sse_write(NULL, 0, "9", "kind", "a\nb"), 35);
    text[sse_write(text, sizeof text, NULL, NULL, "")] = 0;
    assert_string_equal(text, "data: \n\n");
}

static void nothing_is_written_beyond_the_room(void **state) {
    (void)state;
    char text[64];
    memset(text, '#', sizeof text);
    size_t size = sse_write(text, 10, "1", "kind", "some data");
    assert_true(size > 10);
    assert_int_equal(text[10], '#');
}

static void limits_hold(void **state) {
    (void)state;
    static char text[3000];
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(read_in_steps(text, 100, NULL), SL_TOO_LARGE);
    char many[3000] = "";
    for (int i = 0; i < 150; i++) sprintf(many + strlen(many), "data: %010d\n", i);
    assert_int_equal(read_in_steps(many, 100, NULL), SL_TOO_LARGE);
}

static void the_reader_can_be_stopped(void **state) {
    (void)state;
    struct sse_reader reader;
    int stop = SL_CANCELLED;
    sse_reader_init(&reader, 1000);
    reader.on_event = note;
    reader.arg = &stop;
    seen[0] = 0;
    assert_int_equal(sse_read(&reader, "data: a\n\ndata: b\n\n", 18), SL_CANCELLED);
    assert_string_equal(seen, "[|message|a]");
    sse_reader_fini(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_as_the_standard_says),
        cmocka_unit_test(retry_is_a_number),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(nothing_is_written_beyond_the_room),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(the_reader_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
