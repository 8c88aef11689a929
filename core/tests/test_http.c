/* The HTTP server on a loopback socket, with an owner of a few routes. Everything runs on this
 * thread: the client's sockets do not block, and the loop is turned by hand. */
#include "http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REPLY_BYTES = 4 << 20, FLOOD_BYTES = 16777216, HOPE_MS = 10000 };

struct world {
    struct loop loop;
    struct http_server *server;
    struct sockaddr_in address;
    struct http_exchange *held; /* of /never and /later */
    struct deferred later, drained;
    int requests, gone, refused, last_refused, slots_dropped, drain_calls;
    bool server_drained;
    size_t stream_sent;
    char last_target[256];
};

static struct world world;

/* ---- the owner ---- */

static void answer(struct http_exchange *exchange, int status, const char *text, size_t size) {
    static const char type[] = "Content-Type: text/plain\r\n";
    http_reply(exchange, status, (struct http_span){type, sizeof type - 1},
               (struct http_span){text, size});
}

static bool path_is(const struct http_exchange *exchange, const char *path) {
    struct http_span span = http_exchange_request(exchange)->path;
    return span.size == strlen(path) && memcmp(span.data, path, span.size) == 0;
}

static int64_t on_head(void *owner, struct http_exchange *exchange) {
    (void)owner;
    if (path_is(exchange, "/small")) return 10;
    if (!path_is(exchange, "/refuse")) return INT64_C(1) << 20;
    answer(exchange, 401, "who?", 4);
    return -1;
}

static void answer_later(struct deferred *deferred) {
    (void)deferred;
    struct http_exchange *exchange = world.held;
    world.held = NULL;
    answer(exchange, 200, "later", 5);
}

static void stream_three(struct http_exchange *exchange) {
    http_stream_open(exchange, 200, (struct http_span){"X-S: 1\r\n", 8});
    assert_true(http_stream_write(exchange, (struct http_span){"one,", 4}) > 0);
    assert_true(http_stream_write(exchange, (struct http_span){"two,", 4}) > 0);
    assert_true(http_stream_write(exchange, (struct http_span){"three", 5}) > 0);
    http_stream_close(exchange);
}

static void flood(struct deferred *deferred) {
    static char block[16384];
    memset(block, 'x', sizeof block);
    world.drain_calls++;
    int64_t backlog = 0;
    while (backlog >= 0 && backlog < 256 * 1024 && world.stream_sent < FLOOD_BYTES) {
        backlog = http_stream_write(world.held, (struct http_span){block, sizeof block});
        world.stream_sent += sizeof block;
    }
    if (backlog < 0 || world.stream_sent >= FLOOD_BYTES) {
        struct http_exchange *exchange = world.held;
        world.held = NULL;
        http_stream_close(exchange);
        return;
    }
    http_stream_on_drain(world.held, deferred);
}

static void drop_slot(void *value) {
    (void)value;
    world.slots_dropped++;
}

static void on_request(void *owner, struct http_exchange *exchange) {
    (void)owner;
    const struct http_request *request = http_exchange_request(exchange);
    world.requests++;
    snprintf(world.last_target, sizeof world.last_target, "%s", request->target.data);
    *http_connection_slot(exchange, drop_slot) = &world;
    if (path_is(exchange, "/never")) {
        world.held = exchange;
    } else if (path_is(exchange, "/later")) {
        world.held = exchange;
        loop_defer(&world.loop, &world.later);
    } else if (path_is(exchange, "/stream")) {
        stream_three(exchange);
    } else if (path_is(exchange, "/flood")) {
        world.held = exchange;
        world.stream_sent = 0;
        http_stream_open(exchange, 200, (struct http_span){NULL, 0});
        world.drained.run = flood;
        loop_defer(&world.loop, &world.drained);
    } else if (path_is(exchange, "/header")) {
        size_t size = 0;
        const char *value = http_exchange_header(exchange, "x-it", &size);
        assert_int_equal(value ? strlen(value) : 0, size);
        answer(exchange, value ? 200 : 404, value ? value : "", size);
    } else if (path_is(exchange, "/big")) {
        char *big = calloc(1, 1 << 20);
        answer(exchange, 200, memset(big, 'b', 1 << 20), 1 << 20);
        free(big);
    } else if (path_is(exchange, "/peer")) {
        const char *peer = http_exchange_peer(exchange);
        answer(exchange, 200, peer, strlen(peer));
    } else if (path_is(exchange, "/nothing")) {
        http_reply(exchange, 204, (struct http_span){NULL, 0}, (struct http_span){NULL, 0});
    } else {
        answer(exchange, 200, request->body.data, request->body.size);
    }
}

static void on_gone(void *owner, struct http_exchange *exchange) {
    (void)owner, (void)exchange;
    world.gone++;
}

static void on_refused(void *owner, int status, const char *why, const char *peer) {
    (void)owner;
    assert_true(*why && strncmp(peer, "127.0.0.1:", 10) == 0);
    world.refused++;
    world.last_refused = status;
}

/* ---- the world ---- */

static int listen_here(void) {
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof world.address;
    world.address = (struct sockaddr_in){.sin_family = AF_INET};
    world.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(socket_fd, (struct sockaddr *)&world.address, size), 0);
    assert_int_equal(listen(socket_fd, 64), 0);
    getsockname(socket_fd, (struct sockaddr *)&world.address, &size);
    return socket_fd;
}

static void start(const struct http_limits *limits) {
    struct http_limits usual;
    http_limits_default(&usual);
    memset(&world, 0, sizeof world);
    world.later.run = answer_later;
    assert_int_equal(loop_init(&world.loop), 0);
    int socket_fd = listen_here();
    world.server = http_server_open(&world.loop, &socket_fd, 1, limits ? limits : &usual,
                                    &(struct http_callbacks){.on_head = on_head,
                                                             .on_request = on_request,
                                                             .on_gone = on_gone,
                                                             .on_refused = on_refused});
    assert_non_null(world.server);
}

static int setup(void **state) {
    (void)state;
    start(NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (world.server) http_server_close(world.server);
    if (world.held) answer(world.held, 200, "", 0);
    for (int i = 0; i < 10; i++) loop_turn(&world.loop);
    loop_fini(&world.loop);
    return 0;
}

static void restart(const struct http_limits *limits) {
    teardown(NULL);
    start(limits);
}

static void turn(void) {
    for (int i = 0; i < 3; i++) loop_turn(&world.loop);
}

static bool wait_for(bool (*happened)(void)) {
    for (int i = 0; i < HOPE_MS; i++) {
        turn();
        if (happened()) return true;
        usleep(1000);
    }
    return false;
}

/* ---- the client ---- */

static int client_open(void) {
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&world.address, sizeof world.address), 0);
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

static void client_send(int client, const char *bytes, size_t size, size_t step) {
    for (size_t at = 0; at < size;) {
        size_t piece = size - at < step ? size - at : step;
        ssize_t sent = send(client, bytes + at, piece, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return; /* closed: the reply tells */
        if (sent > 0) at += (size_t)sent;
        turn();
    }
}

static char reply[REPLY_BYTES];
static size_t reply_size;

/* The size of one complete answer in `text`, or 0. */
static size_t answer_size(const char *text, bool head_only) {
    const char *end = strstr(text, "\r\n\r\n");
    if (!end) return 0;
    size_t head = (size_t)(end - text) + 4;
    if (head_only || strncmp(text, "HTTP/1.1 204", 12) == 0 ||
        strncmp(text, "HTTP/1.1 100", 12) == 0)
        return head;
    const char *length = strstr(text, "Content-Length: ");
    if (length && length < end) {
        size_t all = head + strtoul(length + 16, NULL, 10);
        return strlen(text) >= all ? all : 0;
    }
    const char *last = strstr(end, "\r\n0\r\n\r\n");
    return last ? (size_t)(last - text) + 7 : 0;
}

static int answers_in(const char *text, bool head_only) {
    int count = 0;
    for (size_t size; (size = answer_size(text, head_only)); text += size) count++;
    return count;
}

/* Reads until `count` answers are there (0: until the server closes). False: time is up. */
static bool client_read(int client, int count, bool head_only) {
    reply_size = 0;
    reply[0] = 0;
    for (int idle = 0; idle < HOPE_MS;) {
        turn();
        ssize_t got = recv(client, reply + reply_size, sizeof reply - 1 - reply_size, 0);
        if (got > 0) {
            reply_size += (size_t)got;
            reply[reply_size] = 0;
            idle = 0;
        }
        if (count && answers_in(reply, head_only) >= count) return true;
        if (got == 0 || (got < 0 && errno != EAGAIN)) return count == 0;
        if (got < 0) {
            usleep(1000);
            idle++;
        }
    }
    return false;
}

static const char *talk_in_steps(const char *text, int count, size_t step) {
    int client = client_open();
    client_send(client, text, strlen(text), step);
    bool good = client_read(client, count, false);
    close(client);
    turn();
    if (!good) fail_msg("no %d answers to\n%s\nbut\n%s", count, text, reply);
    return reply;
}

static const char *talk(const char *text, int count) {
    return talk_in_steps(text, count, 1 << 20);
}

static void expect_start(const char *text, const char *begin) {
    if (strncmp(text, begin, strlen(begin)) != 0) fail_msg("expected %s, got\n%s", begin, text);
}

static const char *body_of(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    return end ? end + 4 : "";
}

#define HEAD(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n"

/* ---- tests ---- */

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

static bool one_gone(void) {
    return world.gone == 1;
}

static bool none_left(void) {
    return http_server_connections(world.server) == 0;
}

static void the_owner_hears_that_the_client_left(void **state) {
    (void)state;
    int client = client_open();
    client_send(client, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    assert_non_null(world.held);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client);
    assert_true(wait_for(one_gone));
    assert_int_equal(http_server_connections(world.server), 1); /* held by its exchange */
    assert_string_equal(http_exchange_request(world.held)->path.data, "/never");
    answer(world.held, 200, "too late", 8);
    world.held = NULL;
    assert_true(wait_for(none_left));
    assert_int_equal(world.slots_dropped, 1);
}

static void a_half_closed_client_still_gets_its_answer(void **state) {
    (void)state;
    int client = client_open();
    client_send(client, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    shutdown(client, SHUT_WR);
    assert_true(wait_for(one_gone));
    answer(world.held, 200, "anyway", 6);
    world.held = NULL;
    assert_true(client_read(client, 0, false));
    expect_start(body_of(reply), "anyway");
    close(client);
    assert_true(wait_for(none_left));
}

static void a_client_may_leave_at_any_byte(void **state) {
    (void)state;
    const char *text =
        HEAD("POST", "/echo") "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t size = 0; size < strlen(text); size++) {
        int client = client_open();
        client_send(client, text, size, 1 << 20);
        close(client);
    }
    assert_true(wait_for(none_left));
    assert_int_equal(world.requests, 0);
    assert_int_equal(world.gone, 0);
}

static struct http_limits hasty(void) {
    struct http_limits limits;
    http_limits_default(&limits);
    limits.head_timeout_ms = limits.body_timeout_ms = 40;
    limits.idle_timeout_ms = limits.write_timeout_ms = 40;
    return limits;
}

static void slow_clients_are_told_and_dropped(void **state) {
    (void)state;
    struct http_limits limits = hasty();
    restart(&limits);
    expect_start(talk("GET /slow HTTP/1.1\r\nHo", 0), "HTTP/1.1 408 ");
    expect_start(talk(HEAD("POST", "/a") "Content-Length: 4\r\n\r\nbo", 0), "HTTP/1.1 408 ");
    assert_string_equal(talk("", 0), ""); /* idle: just closed */
    assert_int_equal(world.refused, 2);
}

/* Each byte comes in time, but all of them would take for ever. */
static void a_body_must_come_at_a_least_rate(void **state) {
    (void)state;
    struct http_limits limits;
    http_limits_default(&limits);
    limits.idle_timeout_ms = 100; /* a quicker sweep */
    limits.body_rate_grace_ms = 20;
    limits.body_min_rate = 1000000;
    restart(&limits);
    int client = client_open();
    const char *head = HEAD("POST", "/a") "Content-Length: 1000000\r\n\r\n";
    client_send(client, head, strlen(head), 999);
    for (int i = 0; i < HOPE_MS && !world.refused; i++) {
        client_send(client, "x", 1, 1);
        usleep(1000);
    }
    assert_int_equal(world.last_refused, 408);
    assert_true(client_read(client, 0, false));
    expect_start(reply, "HTTP/1.1 408 ");
    close(client);
}

static void a_client_that_reads_nothing_is_dropped(void **state) {
    (void)state;
    struct http_limits limits = hasty();
    limits.idle_timeout_ms = 100000;
    restart(&limits);
    int client = client_open();
    const char *text = HEAD("GET", "/big") "\r\n";
    for (int i = 0; i < 64; i++) client_send(client, text, strlen(text), 999);
    assert_true(wait_for(none_left));
    close(client);
}

static void a_slow_client_hurts_only_itself(void **state) {
    (void)state;
    int slow[50];
    for (int i = 0; i < 50; i++) {
        slow[i] = client_open();
        client_send(slow[i], "POST / HTTP/1.1\r\nHost: a\r\nX-", 28, 7);
    }
    expect_start(talk(HEAD("GET", "/x") "\r\n", 1), "HTTP/1.1 200");
    assert_int_equal(http_server_connections(world.server), 50);
    for (int i = 0; i < 50; i++) close(slow[i]);
    assert_true(wait_for(none_left));
}

static bool all_thousand(void) {
    return world.requests == 1001;
}

static void many_requests_at_once_let_others_through(void **state) {
    (void)state;
    static char crowd[100000];
    static const char one[] = HEAD("GET", "/a") "\r\n";
    for (size_t i = 0; i < 1000; i++) memcpy(crowd + i * (sizeof one - 1), one, sizeof one);
    int greedy = client_open(), modest = client_open();
    turn();
    assert_int_equal(send(greedy, crowd, 1000 * (sizeof one - 1), 0), 1000 * (sizeof one - 1));
    assert_int_equal(send(modest, one, sizeof one - 1, 0), sizeof one - 1);
    assert_true(client_read(modest, 1, false));
    assert_true(world.requests < 1000);
    assert_true(wait_for(all_thousand));
    assert_true(client_read(greedy, 1000, false));
    close(greedy);
    close(modest);
}

static void too_many_connections_are_shed(void **state) {
    (void)state;
    struct http_limits limits;
    http_limits_default(&limits);
    limits.max_connections = 2;
    restart(&limits);
    int first = client_open(), second = client_open();
    turn();
    const char *text = talk(HEAD("GET", "/x") "\r\n", 0);
    expect_start(text, "HTTP/1.1 503 ");
    assert_non_null(strstr(text, "Retry-After: "));
    client_send(first, HEAD("GET", "/x") "\r\n", strlen(HEAD("GET", "/x") "\r\n"), 999);
    assert_true(client_read(first, 1, false));
    expect_start(reply, "HTTP/1.1 200 ");
    close(first);
    close(second);
    assert_true(wait_for(none_left));
    expect_start(talk(HEAD("GET", "/x") "\r\n", 1), "HTTP/1.1 200 ");
}

static void a_unix_socket_serves_too(void **state) {
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/test_http.%d.sock", (int)getpid());
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 4), 0);
    struct http_limits limits;
    http_limits_default(&limits);
    struct http_server *server =
        http_server_open(&world.loop, &listening, 1, &limits,
                         &(struct http_callbacks){.on_head = on_head, .on_request = on_request});
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    unlink(address.sun_path);
    fcntl(client, F_SETFL, O_NONBLOCK);
    client_send(client, HEAD("GET", "/peer") "\r\n", strlen(HEAD("GET", "/peer") "\r\n"), 999);
    assert_true(client_read(client, 1, false));
    assert_string_equal(body_of(reply), "local");
    close(client);
    http_server_close(server);
}

static void note_drained(void *arg) {
    (void)arg;
    world.server_drained = true;
}

static bool drained(void) {
    return world.server_drained;
}

static void draining_finishes_what_has_begun(void **state) {
    (void)state;
    int idle = client_open(), busy = client_open(), late = client_open();
    client_send(busy, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    http_server_drain(world.server, note_drained, NULL);
    /* on its way already when the drain began */
    client_send(late, HEAD("GET", "/x") "\r\n", strlen(HEAD("GET", "/x") "\r\n"), 999);
    assert_true(client_read(late, 0, false));
    expect_start(reply, "HTTP/1.1 200 ");
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    assert_true(client_read(idle, 0, false));
    assert_false(world.server_drained);
    answer(world.held, 200, "done", 4);
    world.held = NULL;
    assert_true(client_read(busy, 0, false));
    expect_start(body_of(reply), "done");
    close(idle);
    close(busy);
    close(late);
    assert_true(wait_for(drained));
    assert_int_not_equal(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&world.address,
                                 sizeof world.address),
                         0);
}

static void an_idle_server_drains_at_once(void **state) {
    (void)state;
    http_server_drain(world.server, note_drained, NULL);
    assert_true(wait_for(drained));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered),
        cmocka_unit_test(it_may_come_in_pieces),
        cmocka_unit_test(split_once_anywhere),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(pipelining_is_bounded),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(no_content_has_no_length),
        cmocka_unit_test(http10_closes_unless_asked),
        cmocka_unit_test(what_follows_close_is_ignored),
        cmocka_unit_test(streams_are_chunked),
        cmocka_unit_test(a_slow_reader_of_a_stream_is_waited_for),
        cmocka_unit_test(a_header_is_found_in_any_case),
        cmocka_unit_test(many_fields_fit),
        cmocka_unit_test(continue_comes_after_on_head),
        cmocka_unit_test(no_continue_for_what_is_refused),
        cmocka_unit_test(an_early_answer_keeps_the_order),
        cmocka_unit_test(smuggling_is_refused),
        cmocka_unit_test(limits_answer_before_the_rest_is_read),
        cmocka_unit_test(chunks_carry_little_beside_data),
        cmocka_unit_test(a_413_is_seen_by_a_client_that_still_sends),
        cmocka_unit_test(the_owner_hears_that_the_client_left),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answer),
        cmocka_unit_test(a_client_may_leave_at_any_byte),
        cmocka_unit_test(slow_clients_are_told_and_dropped),
        cmocka_unit_test(a_body_must_come_at_a_least_rate),
        cmocka_unit_test(a_client_that_reads_nothing_is_dropped),
        cmocka_unit_test(a_slow_client_hurts_only_itself),
        cmocka_unit_test(many_requests_at_once_let_others_through),
        cmocka_unit_test(too_many_connections_are_shed),
        cmocka_unit_test(a_unix_socket_serves_too),
        cmocka_unit_test(draining_finishes_what_has_begun),
        cmocka_unit_test(an_idle_server_drains_at_once),
    };
    /* Each test has a server of its own. */
    struct CMUnitTest each[sizeof tests / sizeof *tests];
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        each[i] = tests[i];
        each[i].setup_func = setup;
        each[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(each, NULL, NULL);
}
