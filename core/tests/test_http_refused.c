/* test_http_refused.c - what the HTTP server does not take: smuggling, and too much. */
#include "http_fixture.h"

/* Each of these means two things to two readers; after a framing error nothing more is read. */
static void smuggling_is_refused(void **state) {
    (void)state;
    static const char *const vectors[] = {
        HEAD("POST", "/a") "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5;a=b\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5;a=\"\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5;a\rX\r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\rX\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: a\n\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX : a\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nhello",
        HEAD("GET", "/a") "X: a\r\n b: c\r\n\r\n",
        "GET /a HTTP/1.1\nHost: a\n\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x05\x01\x08\x01\xfc\x03\x03\n",
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        for (size_t step = 1; step < 10000; step *= 100) {
            world.requests = 0;
            char text[1024];
            snprintf(text, sizeof text, "%s" HEAD("GET", "/smuggled") "\r\n", vectors[i]);
            const char *got = talk_in_steps(text, 0, step);
            if (world.requests) fail_msg("vector %zu (step %zu) came through:\n%s", i, step, text);
            assert_true(got[9] == '4' || got[9] == '5');
            assert_int_equal(answers_in(got, false), 1);
            assert_non_null(strstr(got, "\r\nConnection: close\r\n"));
            assert_non_null(strstr(got, "Content-Type: application/problem+json\r\n"));
        }
    }
}

static void limits_answer_before_the_rest_is_read(void **state) {
    (void)state;
    static char text[40000];
    sprintf(text, "GET /%020000d", 0);
    expect_start(talk(text, 0), "HTTP/1.1 414 ");
    sprintf(text, HEAD("GET", "/") "X: %020000d", 0);
    expect_start(talk(text, 0), "HTTP/1.1 431 ");
    expect_start(talk(HEAD("POST", "/small") "Content-Length: 11\r\n\r\n", 0), "HTTP/1.1 413 ");
    expect_start(
        talk(HEAD("POST", "/small") "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890", 0),
        "HTTP/1.1 413 ");
    assert_int_equal(world.requests, 0);
    assert_int_equal(world.refused, 4);
}

static void chunks_carry_little_beside_data(void **state) {
    (void)state;
    static char text[60000];
    sprintf(text, HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n1;x=%030000d\r\n", 0);
    expect_start(talk(text, 0), "HTTP/1.1 431 ");
    sprintf(text, HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n%030000d", 1);
    expect_start(talk(text, 0), "HTTP/1.1 4");
    sprintf(text, HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n0\r\nX: %030000d", 1);
    expect_start(talk(text, 0), "HTTP/1.1 431 ");
    size_t at = (size_t)sprintf(text, HEAD("POST", "/a") "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5000; i++) at += (size_t)sprintf(text + at, "1\r\nx\r\n");
    sprintf(text + at, "0\r\n\r\n");
    expect_start(talk(text, 1), "HTTP/1.1 200 "); /* many small chunks are no crime */
}

/* The client is still sending when the answer comes: it must be able to read it. */
static void a_413_is_seen_by_a_client_that_still_sends(void **state) {
    (void)state;
    static char junk[1 << 16];
    const char *head = HEAD("POST", "/small") "Content-Length: 3000000\r\n\r\n";
    int client = client_open();
    client_send(client, head, strlen(head), 999);
    for (int i = 0; i < 40; i++) client_send(client, junk, sizeof junk, sizeof junk);
    assert_true(client_read(client, 0, false));
    expect_start(reply, "HTTP/1.1 413 Content Too Large");
    close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_server(smuggling_is_refused),
        with_server(limits_answer_before_the_rest_is_read),
        with_server(chunks_carry_little_beside_data),
        with_server(a_413_is_seen_by_a_client_that_still_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
