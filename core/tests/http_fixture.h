/* http_fixture.h - the HTTP server on a loopback socket, with an owner of a few routes. Everything
 * runs on this thread: the client's sockets do not block, and the loop is turned by hand. */
#ifndef SLUICE_TESTS_HTTP_FIXTURE_H
#define SLUICE_TESTS_HTTP_FIXTURE_H

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

static inline void answer(struct http_exchange *exchange, int status, const char *text,
                          size_t size) {
    static const char type[] = "Content-Type: text/plain\r\n";
    http_reply(exchange, status, (struct http_span){type, sizeof type - 1},
               (struct http_span){text, size});
}

static inline bool path_is(const struct http_exchange *exchange, const char *path) {
    struct http_span span = http_exchange_request(exchange)->path;
    return span.size == strlen(path) && memcmp(span.data, path, span.size) == 0;
}

static inline int64_t on_head(void *owner, struct http_exchange *exchange) {
    (void)owner;
    if (path_is(exchange, "/small")) return 10;
    if (!path_is(exchange, "/refuse")) return INT64_C(1) << 20;
    answer(exchange, 401, "who?", 4);
    return -1;
}

static inline void answer_later(struct deferred *deferred) {
    (void)deferred;
    struct http_exchange *exchange = world.held;
    world.held = NULL;
    answer(exchange, 200, "later", 5);
}

static inline void stream_three(struct http_exchange *exchange) {
    http_stream_open(exchange, 200, (struct http_span){"X-S: 1\r\n", 8});
    assert_true(http_stream_write(exchange, (struct http_span){"one,", 4}) > 0);
    assert_true(http_stream_write(exchange, (struct http_span){"two,", 4}) > 0);
    assert_true(http_stream_write(exchange, (struct http_span){"three", 5}) > 0);
    http_stream_close(exchange);
}

static inline void flood(struct deferred *deferred) {
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

static inline void drop_slot(void *value) {
    (void)value;
    world.slots_dropped++;
}

static inline void on_request(void *owner, struct http_exchange *exchange) {
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

static inline void on_gone(void *owner, struct http_exchange *exchange) {
    (void)owner, (void)exchange;
    world.gone++;
}

static inline void on_refused(void *owner, int status, const char *why, const char *peer) {
    (void)owner;
    assert_true(*why && strncmp(peer, "127.0.0.1:", 10) == 0);
    world.refused++;
    world.last_refused = status;
}

/* ---- the world ---- */

static inline int listen_here(void) {
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof world.address;
    world.address = (struct sockaddr_in){.sin_family = AF_INET};
    world.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(socket_fd, (struct sockaddr *)&world.address, size), 0);
    assert_int_equal(listen(socket_fd, 64), 0);
    getsockname(socket_fd, (struct sockaddr *)&world.address, &size);
    return socket_fd;
}

static inline void start(const struct http_limits *limits) {
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

static inline int setup(void **state) {
    (void)state;
    start(NULL);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    if (world.server) http_server_close(world.server);
    if (world.held) answer(world.held, 200, "", 0);
    for (int i = 0; i < 10; i++) loop_turn(&world.loop);
    loop_fini(&world.loop);
    return 0;
}

static inline void restart(const struct http_limits *limits) {
    teardown(NULL);
    start(limits);
}

static inline void turn(void) {
    for (int i = 0; i < 3; i++) loop_turn(&world.loop);
}

static inline bool wait_for(bool (*happened)(void)) {
    for (int i = 0; i < HOPE_MS; i++) {
        turn();
        if (happened()) return true;
        usleep(1000);
    }
    return false;
}

/* ---- the client ---- */

static inline int client_open(void) {
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&world.address, sizeof world.address), 0);
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

static inline void client_send(int client, const char *bytes, size_t size, size_t step) {
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
static inline size_t answer_size(const char *text, bool head_only) {
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

static inline int answers_in(const char *text, bool head_only) {
    int count = 0;
    for (size_t size; (size = answer_size(text, head_only)); text += size) count++;
    return count;
}

/* Reads until `count` answers are there (0: until the server closes). False: time is up. */
static inline bool client_read(int client, int count, bool head_only) {
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

static inline const char *talk_in_steps(const char *text, int count, size_t step) {
    int client = client_open();
    client_send(client, text, strlen(text), step);
    bool good = client_read(client, count, false);
    close(client);
    turn();
    if (!good) fail_msg("no %d answers to\n%s\nbut\n%s", count, text, reply);
    return reply;
}

static inline const char *talk(const char *text, int count) {
    return talk_in_steps(text, count, 1 << 20);
}

static inline void expect_start(const char *text, const char *begin) {
    if (strncmp(text, begin, strlen(begin)) != 0) fail_msg("expected %s, got\n%s", begin, text);
}

static inline const char *body_of(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    return end ? end + 4 : "";
}

#define HEAD(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n"

static inline bool none_left(void) {
    return http_server_connections(world.server) == 0;
}

/* Each test has a server of its own. */
#define with_server(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
