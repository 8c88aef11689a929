/* test_http.c - requests and what is answered, in order. */
#include "http_fixture.h"

static void a_request_is_answered(void **state) {
    (void)state;
    const char *text = talk(HEAD("GET", "/hello?x=1") "\r\n", 1);
    expect_start(text, "HTTP/1.1 200 OK\r\nDate: ");
    assert_non_null(strstr(text, "\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n"));
    assert_null(strstr(text, "Connection:"));
    assert_string_equal(world.last_target, "/hello?x=1");
}

static void it_may_come_in_pieces(void **state) {
    (void)state;
    const char *two = HEAD("POST", "/a") "Content-Length: 5\r\n\r\nhello" HEAD(
        "POST", "/b") "Transfer-Encoding: chunked\r\n\r\n"
                      "3;x=y\r\nwor\r\n2\r\nld\r\n0\r\nT: 1\r\n\r\n" HEAD("GET", "/c") "\r\n";
    for (size_t step = 1; step <= strlen(two); step += step < 8 ? 1 : 13) {
        const char *text = talk_in_steps(two, 3, step);
        assert_non_null(strstr(text, "\r\n\r\nhello"));
        assert_non_null(strstr(text, "\r\n\r\nworld"));
    }
    assert_string_equal(world.last_target, "/c");
}

static void split_once_anywhere(void **state) {
    (void)state;
    const char *text = HEAD("POST", "/a") "Content-Length: 3\r\n\r\nabc" HEAD("GET", "/b") "\r\n";
    for (size_t at = 1; at < strlen(text); at++) {
        int client = client_open();
        client_send(client, text, at, at);
        client_send(client, text + at, strlen(text) - at, 1 << 20);
        assert_true(client_read(client, 2, false));
        expect_start(body_of(reply), "abcHTTP/1.1 200");
        close(client);
    }
}

static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    char text[8192] = "";
    for (int i = 0; i < 32; i++)
        sprintf(text + strlen(text), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d",
                i % 3 == 1 ? "/later" : "/echo", i);
    const char *at = talk(text, 32);
    for (int i = 0; i < 32; i++) {
        char number[8];
        sprintf(number, "%03d", i);
        expect_start(body_of(at), i % 3 == 1 ? "later" : number);
        at += answer_size(at, false);
    }
    assert_int_equal(world.requests, 32);
}

static bool all_read(void) {
    return world.requests > 1;
}

/* A client that sends without reading is held back by its own unread answers. */
static void pipelining_is_bounded(void **state) {
    (void)state;
    enum { MANY = 200 };
    const char *text = HEAD("GET", "/big") "\r\n";
    int client = client_open();
    for (int i = 0; i < MANY; i++) client_send(client, text, strlen(text), 1 << 20);
    assert_true(wait_for(all_read));
    assert_in_range(world.requests, 2, MANY - 50);
    size_t got = 0;
    for (int idle = 0; world.requests < MANY && idle < HOPE_MS;) {
        ssize_t piece = recv(client, reply, sizeof reply, 0);
        turn();
        if (piece > 0) got += (size_t)piece;
        if (piece <= 0) idle++, usleep(1000);
    }
    assert_int_equal(world.requests, MANY);
    assert_true(got > 0);
    close(client);
}

static void head_has_no_body(void **state) {
    (void)state;
    int client = client_open();
    const char *text = HEAD("HEAD", "/big") "\r\n" HEAD("HEAD", "/stream") "\r\n";
    client_send(client, text, strlen(text), 1 << 20);
    assert_true(client_read(client, 2, true));
    assert_non_null(strstr(reply, "Content-Length: 1048576\r\n"));
    const char *second = body_of(reply);
    expect_start(second, "HTTP/1.1 200 OK");
    assert_string_equal(body_of(second), "");
    close(client);
}

static void no_content_has_no_length(void **state) {
    (void)state;
    const char *text = talk(HEAD("GET", "/nothing") "\r\n", 1);
    expect_start(text, "HTTP/1.1 204 No Content");
    assert_null(strstr(text, "Content-Length"));
}

static void http10_closes_unless_asked(void **state) {
    (void)state;
    const char *text = talk("GET /x HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    text = talk("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /y HTTP/1.0\r\n\r\n", 0);
    assert_non_null(strstr(text, "\r\nConnection: keep-alive\r\n"));
    assert_string_equal(world.last_target, "/y");
    text = talk("GET /stream HTTP/1.0\r\n\r\n", 0);
    assert_string_equal(body_of(text), "one,two,three");
}

static void what_follows_close_is_ignored(void **state) {
    (void)state;
    talk(HEAD("GET", "/a") "Connection: close\r\n\r\n" HEAD("GET", "/b") "\r\n", 0);
    assert_int_equal(world.requests, 1);
}

static void streams_are_chunked(void **state) {
    (void)state;
    const char *text = talk(HEAD("GET", "/stream") "\r\n" HEAD("GET", "/x") "\r\n", 2);
    assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    expect_start(body_of(text), "4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200 OK");
}

static void a_slow_reader_of_a_stream_is_waited_for(void **state) {
    (void)state;
    static const char text[] = HEAD("GET", "/flood") "Connection: close\r\n\r\n";
    int client = client_open();
    client_send(client, text, sizeof text - 1, sizeof text);
    turn();
    assert_true(world.stream_sent < FLOOD_BYTES); /* it waits for the reader */
    size_t size = 0;
    for (int idle = 0; idle < HOPE_MS;) {
        ssize_t got = recv(client, reply, sizeof reply, 0);
        if (got == 0) break;
        if (got > 0)
            size += (size_t)got;
        else
            idle++, usleep(100);
        turn();
    }
    assert_true(world.drain_calls > 2);
    assert_true(size > FLOOD_BYTES);
    close(client);
}

static void a_header_is_found_in_any_case(void **state) {
    (void)state;
    expect_start(body_of(talk(HEAD("GET", "/header") "X-IT: \t yes  \r\n\r\n", 1)), "yes");
    expect_start(talk(HEAD("GET", "/header") "X-It:\r\n\r\n", 1), "HTTP/1.1 200");
    expect_start(talk(HEAD("GET", "/header") "X-I: 1\r\n\r\n", 1), "HTTP/1.1 404");
}

static void many_fields_fit(void **state) {
    (void)state;
    char text[4000] = HEAD("GET", "/header");
    for (int i = 0; i < 90; i++) sprintf(text + strlen(text), "X-%d: %d\r\n", i, i);
    sprintf(text + strlen(text), "X-It: last\r\n\r\n");
    expect_start(body_of(talk(text, 1)), "last");
}

static void continue_comes_after_on_head(void **state) {
    (void)state;
    const char *head = HEAD("POST", "/small") "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    int client = client_open();
    client_send(client, head, strlen(head), 1 << 20);
    assert_true(client_read(client, 1, false));
    assert_string_equal(reply, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(client, "body", 4, 4);
    assert_true(client_read(client, 1, false));
    expect_start(body_of(reply), "body");
    close(client);
}

static void no_continue_for_what_is_refused(void **state) {
    (void)state;
    expect_start(
        talk(HEAD("POST", "/small") "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n", 0),
        "HTTP/1.1 413 ");
    expect_start(
        talk(HEAD("POST", "/refuse") "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", 0),
        "HTTP/1.1 401 ");
    expect_start(talk(HEAD("POST", "/a") "Content-Length: 4\r\nExpect: tea\r\n\r\nbody", 0),
                 "HTTP/1.1 417 ");
}

static void an_early_answer_keeps_the_order(void **state) {
    (void)state;
    const char *text =
        talk(HEAD("POST", "/refuse") "Content-Length: 4\r\n\r\nbody" HEAD("GET", "/x") "\r\n", 2);
    expect_start(text, "HTTP/1.1 401 ");
    expect_start(body_of(text), "who?HTTP/1.1 200 ");
    expect_start(talk(HEAD("POST", "/refuse") "Content-Length: 9999999\r\n\r\n", 0),
                 "HTTP/1.1 401 ");
    talk(HEAD("POST", "/refuse") "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_server(a_request_is_answered),
        with_server(it_may_come_in_pieces),
        with_server(split_once_anywhere),
        with_server(pipelined_requests_are_answered_in_order),
        with_server(pipelining_is_bounded),
        with_server(head_has_no_body),
        with_server(no_content_has_no_length),
        with_server(http10_closes_unless_asked),
        with_server(what_follows_close_is_ignored),
        with_server(streams_are_chunked),
        with_server(a_slow_reader_of_a_stream_is_waited_for),
        with_server(a_header_is_found_in_any_case),
        with_server(many_fields_fit),
        with_server(continue_comes_after_on_head),
        with_server(no_continue_for_what_is_refused),
        with_server(an_early_answer_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
