/* A connection without a socket: the input's first bytes say where it is cut into pieces and what
 * the owner does, the rest is what the client sends. */
#include "http_inside.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct owner {
    struct http_exchange *held;
    uint8_t habits;
};

static void answer(struct http_exchange *exchange) {
    const struct http_request *request = http_exchange_request(exchange);
    http_reply(exchange, 200, (struct http_span){NULL, 0}, request->body);
}

static int64_t on_head(void *arg, struct http_exchange *exchange) {
    struct owner *owner = arg;
    const struct http_request *request = http_exchange_request(exchange);
    if (strlen(request->target.data) != request->target.size) abort();
    for (size_t i = 0; i < request->field_count; i++) {
        if (strlen(request->fields[i].name.data) != request->fields[i].name.size) abort();
        if (strlen(request->fields[i].value.data) != request->fields[i].value.size) abort();
    }
    if (request->path.size && owner->habits & 1 &&
        request->path.data[request->path.size - 1] == 'r') {
        http_reply(exchange, 401, (struct http_span){NULL, 0}, (struct http_span){"no", 2});
        return -1;
    }
    return 1000;
}

static void on_request(void *arg, struct http_exchange *exchange) {
    struct owner *owner = arg;
    if (http_exchange_request(exchange)->body.size > 1000) abort();
    if (owner->held) abort(); /* one at a time */
    if (owner->habits & 2) {
        owner->held = exchange;
    } else if (owner->habits & 4) {
        http_stream_open(exchange, 200, (struct http_span){NULL, 0});
        http_stream_write(exchange, http_exchange_request(exchange)->body);
        http_stream_close(exchange);
    } else {
        answer(exchange);
    }
}

static void let_go(struct owner *owner) {
    struct http_exchange *held = owner->held;
    owner->held = NULL;
    if (held) answer(held);
}

static void feed_pieces(struct http_connection *connection, struct owner *owner,
                        const uint8_t *data, size_t size) {
    size_t step = 1 + data[1] % 64;
    for (size_t at = 2; at < size && !connection->closing; at += step) {
        size_t piece = size - at < step ? size - at : step;
        char *copy = malloc(piece); /* of the exact size, for ASan */
        memcpy(copy, data + at, piece);
        connection_feed(connection, copy, piece);
        free(copy);
        if (data[0] & 8) {
            let_go(owner);
            loop_turn(connection->server->loop);
        }
        step = 1 + (step * 7 + data[1]) % 64;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct loop loop;
    static bool ready;
    if (size < 3) return 0;
    if (!ready && loop_init(&loop) != 0) abort();
    ready = true;
    struct owner owner = {.habits = data[0]};
    struct http_limits limits;
    http_limits_default(&limits);
    limits.max_pipelined_bytes = 4096;
    struct http_callbacks callbacks = {
        .owner = &owner, .on_head = on_head, .on_request = on_request};
    struct http_server *server = http_server_open(&loop, NULL, 0, &limits, &callbacks);
    struct http_connection *connection = connection_new(server);
    connection->no_socket = true;
    feed_pieces(connection, &owner, data, size);
    for (int i = 0; i < 3; i++) {
        let_go(&owner);
        loop_turn(&loop);
    }
    if (!connection->closing && data[0] & 16) connection_ended(connection);
    http_server_close(server);
    while (owner.held) let_go(&owner);
    for (int i = 0; i < 4; i++) loop_turn(&loop);
    return 0;
}
