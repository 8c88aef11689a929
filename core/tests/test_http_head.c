/* Which request heads are let in: a table, and the end of a head found in pieces. */
#include "http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    int status;
    const char *head;
};

#define HOST "Host: a\r\n"

static const struct row rows[] = {
    {0, "GET / HTTP/1.1\r\n" HOST "\r\n"},
    {0, "GET /a?b=c&d=%20 HTTP/1.1\r\nhOsT: [::1]:8000\r\n\r\n"},
    {0, "GET / HTTP/1.0\r\n\r\n"},
    {0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"},
    {0, "GET http://a/x HTTP/1.1\r\n" HOST "\r\n"},
    {0, "GET http://A HTTP/1.1\r\n" HOST "\r\n"},
    {0, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"},
    {0, "POST / HTTP/1.1\r\n" HOST "Content-Length:\t5  \r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\t\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \t\r\n\r\n"},
    {0, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"},
    {0, "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"},
    {0, "GET / HTTP/1.1\r\n" HOST "X-Empty:\r\nX-Latin: \xe9\xff\r\n\r\n"},
    {0, "DELETE / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n"},
    /* the request line */
    {400, "\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\r\n" HOST "\r\n"},
    {400, "GET / \r\n" HOST "\r\n"},
    {400, "GET a HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /#x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1 x\r\n" HOST "\r\n"},
    {400, "GET / http/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTPS/1.1\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1\n" HOST "\r\n\r\n"},
    {400, "GET / HTTP/1.1\r" HOST "\r\n\r\n"},
    {400, "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http://u@a/x HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET http://b/x HTTP/1.1\r\n" HOST "\r\n"},
    {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
    {505, "GET / HTTP/0.9\r\n" HOST "\r\n"},
    {505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\n"},
    {501, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"},
    {501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"},
    {501, "BREW / HTTP/1.1\r\n" HOST "\r\n"},
    {501, "get / HTTP/1.1\r\n" HOST "\r\n"},
    /* fields */
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X(: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n\rX: b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n" HOST "\r\nX: b\r\n\r\n"},
    /* the length of the body */
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9999999999999999999\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n"},
    {400,
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"},
    {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"},
    {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"},
    {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"},
};

static int check(const char *head, size_t size, const char **why) {
    struct http_limits limits;
    http_limits_default(&limits);
    /* A copy of the exact size, so that ASan sees a read beyond it. */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, head, size);
    int status = http_head_check(copy, size, &limits, why);
    free(copy);
    return status;
}

static void the_table_of_heads_holds(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = NULL;
        int status = check(rows[i].head, strlen(rows[i].head), &why);
        if (status != rows[i].status)
            fail_msg("row %zu: %d (%s)\n%s", i, status, why, rows[i].head);
        assert_int_equal(status != 0, *why != 0);
    }
}

static void a_nul_is_refused_anywhere(void **state) {
    (void)state;
    const char head[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    for (size_t i = 0; i < sizeof head - 1; i++) {
        char copy[sizeof head];
        const char *why;
        memcpy(copy, head, sizeof head);
        copy[i] = 0;
        assert_int_not_equal(check(copy, sizeof head - 1, &why), 0);
    }
}

static void a_head_cut_anywhere_is_refused(void **state) {
    (void)state;
    const char head[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    for (size_t size = 0; size < sizeof head - 1; size++) {
        const char *why;
        assert_int_not_equal(check(head, size, &why), 0);
    }
}

static void limits_have_statuses_of_their_own(void **state) {
    (void)state;
    const char *why;
    static char head[40000];
    int size = sprintf(head, "GET /%08200d HTTP/1.1\r\n" HOST "\r\n", 0);
    assert_int_equal(check(head, (size_t)size, &why), 414);
    size = sprintf(head, "GET / HTTP/1.1\r\n" HOST "X: %017000d\r\n\r\n", 0);
    assert_int_equal(check(head, (size_t)size, &why), 431);
    size = sprintf(head, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 99; i++) size += sprintf(head + size, "X: 1\r\n");
    assert_int_equal(check(head, (size_t)sprintf(head + size, "\r\n") + (size_t)size, &why), 0);
    size += sprintf(head + size, "X: 1\r\n\r\n");
    assert_int_equal(check(head, (size_t)size, &why), 431);
}

static void facts_of_a_head(void **state) {
    (void)state;
    struct http_limits limits;
    struct head_facts facts;
    http_limits_default(&limits);
    const char *post =
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 00123\r\nExpect: 100-Continue\r\n\r\n";
    assert_int_equal(head_scan(post, strlen(post), &limits, &facts), 0);
    assert_int_equal(facts.method, HTTP_M_POST);
    assert_int_equal(facts.content_length, 123);
    assert_true(facts.expects && facts.expects_known && !facts.http10);
    const char *chunked =
        "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nExpect: tea\r\n\r\n";
    assert_int_equal(head_scan(chunked, strlen(chunked), &limits, &facts), 0);
    assert_int_equal(facts.content_length, -1);
    assert_true(facts.expects && !facts.expects_known);
}

static void the_end_is_found_in_pieces(void **state) {
    (void)state;
    const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    size_t scanned = 0;
    int64_t found = 0;
    for (size_t size = 1; size < sizeof text && !found; size++)
        found = head_end(text, size, &scanned);
    assert_int_equal(found, sizeof text - 5);
    scanned = 0;
    assert_int_equal(head_end(text, sizeof text - 1, &scanned), sizeof text - 5);
    scanned = 0;
    assert_int_equal(head_end("GET / HTTP/1.1\nHost", 19, &scanned), -1);
    scanned = 0;
    assert_int_equal(head_end("\n", 1, &scanned), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_heads_holds),
        cmocka_unit_test(a_nul_is_refused_anywhere),
        cmocka_unit_test(a_head_cut_anywhere_is_refused),
        cmocka_unit_test(limits_have_statuses_of_their_own),
        cmocka_unit_test(facts_of_a_head),
        cmocka_unit_test(the_end_is_found_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
