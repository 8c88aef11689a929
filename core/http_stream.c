/* http_stream.c - answers of unknown length: Server-Sent Events, exports. */
#include "http_inside.h"

#include <stdio.h>
#include <string.h>

enum { SEND_NOW_BYTES = 32 * 1024 }; /* else at the end of the turn */

void http_stream_open(struct http_exchange *exchange, int status, struct http_span headers) {
    struct http_connection *connection = exchange->connection;
    exchange->state = EXCHANGE_STREAM;
    if (connection->closing) return;
    bool http10 = exchange->request.http10;
    exchange->chunked_answer = !http10;
    exchange->keep_after = exchange->keep_alive && !http10 && !connection->server->draining;
    struct reply_head head = {.status = status,
                              .headers = headers,
                              .length = -1,
                              .http10 = http10,
                              .keep = exchange->keep_after,
                              .chunked = exchange->chunked_answer};
    char *begin = output_reserve(connection, reply_head_size(&head));
    if (!begin) {
        connection_drop(connection);
        return;
    }
    output_add(connection, (size_t)(reply_head_write(connection->server, begin, &head) - begin));
    connection_later(connection);
}

static bool stream_put(struct http_exchange *exchange, struct http_span bytes) {
    enum { CHUNK_FRAME_BYTES = 24 };
    char *begin = output_reserve(exchange->connection, bytes.size + CHUNK_FRAME_BYTES);
    if (!begin) return false;
    char *to = begin;
    if (exchange->chunked_answer) to += snprintf(to, CHUNK_FRAME_BYTES, "%zx\r\n", bytes.size);
    memcpy(to, bytes.data, bytes.size);
    to += bytes.size;
    if (exchange->chunked_answer) {
        *to++ = '\r';
        *to++ = '\n';
    }
    output_add(exchange->connection, (size_t)(to - begin));
    return true;
}

int64_t http_stream_write(struct http_exchange *exchange, struct http_span bytes) {
    struct http_connection *connection = exchange->connection;
    if (exchange->gone || connection->closing) return -1;
    if (!bytes.size || exchange->request.method == HTTP_M_HEAD)
        return (int64_t)output_backlog(connection);
    if (!stream_put(exchange, bytes)) {
        connection_drop(connection);
        return -1;
    }
    if (connection->output.bytes >= SEND_NOW_BYTES) output_flush(connection);
    if (connection->closing) return -1;
    connection_later(connection);
    return (int64_t)output_backlog(connection);
}

void http_stream_on_drain(struct http_exchange *exchange, struct deferred *drained) {
    exchange->drained = drained;
    stream_progress(exchange->connection);
}

void stream_progress(struct http_connection *connection) {
    struct http_exchange *exchange = connection->exchange;
    if (!exchange || !exchange->drained) return;
    bool left = exchange->gone || connection->closing;
    if (!left && output_backlog(connection) >= connection->server->limits.stream_backlog_bytes)
        return;
    struct deferred *drained = exchange->drained;
    exchange->drained = NULL;
    loop_defer(connection->server->loop, drained);
}

void http_stream_close(struct http_exchange *exchange) {
    struct http_connection *connection = exchange->connection;
    bool keep = exchange->keep_after && !exchange->gone;
    if (!connection->closing && exchange->chunked_answer &&
        exchange->request.method != HTTP_M_HEAD) {
        static const char end[] = {'0', '\r', '\n', '\r', '\n'};
        char *to = output_reserve(connection, sizeof end);
        if (to) {
            memcpy(to, end, sizeof end);
            output_add(connection, sizeof end);
        } else {
            keep = false;
        }
    }
    connection_answered(connection, keep);
}
