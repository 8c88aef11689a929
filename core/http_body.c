/* http_body.c - the bytes behind the head, until the request is whole.
 *
 * Memory follows what has arrived, not what was announced. */
#include "http_inside.h"

#include <stdlib.h>
#include <string.h>

/* A small body of known length lies behind the head in the exchange itself. */
void body_place(struct http_exchange *exchange, size_t head_size) {
    int64_t length = exchange->facts.content_length;
    if (length <= 0 || exchange->head != exchange->store) return;
    if ((uint64_t)length + head_size + 2 > sizeof exchange->store) return;
    exchange->body = exchange->store + head_size + 1;
    exchange->body_capacity = (size_t)length + 1;
    exchange->body_inside = true;
}

static bool body_grow(struct http_exchange *exchange, size_t needed) {
    enum { FIRST_BYTES = 4096 };
    size_t capacity = exchange->body_capacity ? exchange->body_capacity : FIRST_BYTES;
    while (capacity < needed) capacity *= 2;
    if (exchange->facts.content_length >= 0) {
        size_t all = (size_t)exchange->facts.content_length + 1;
        if (capacity > all) capacity = all;
    }
    char *body = realloc(exchange->body, capacity);
    if (!body) return false;
    exchange->body = body;
    exchange->body_capacity = capacity;
    return true;
}

bool body_append(struct http_exchange *exchange, const char *data, size_t size) {
    if (exchange->body_size + size > (uint64_t)exchange->body_limit) {
        exchange->too_large = true;
        return false;
    }
    size_t needed = exchange->body_size + size + 1;
    if (needed > exchange->body_capacity && !body_grow(exchange, needed)) return false;
    memcpy(exchange->body + exchange->body_size, data, size);
    exchange->body_size += size;
    exchange->body[exchange->body_size] = 0;
    return true;
}

static int64_t refuse(struct http_exchange *exchange, int status, const char *why) {
    reply_refuse(exchange->connection, status, why);
    return -1;
}

static int64_t take_counted(struct http_exchange *exchange, const char *data, size_t size) {
    size_t take = size;
    if ((uint64_t)exchange->body_left < size) take = (size_t)exchange->body_left;
    if (!body_append(exchange, data, take))
        return refuse(exchange, 503, "there is no memory for the body of this request");
    exchange->body_left -= (int64_t)take;
    exchange->complete = exchange->body_left == 0;
    return (int64_t)take;
}

static int64_t take_chunked(struct http_exchange *exchange, const char *data, size_t size) {
    exchange->framing += size; /* on_body takes its share off */
    llhttp_errno_t error = llhttp_execute(&exchange->parser, data, size);
    size_t used = size;
    if (error == HPE_PAUSED && exchange->complete) {
        used = (size_t)(llhttp_get_error_pos(&exchange->parser) - data);
        exchange->framing -= size - used;
    } else if (exchange->too_large) {
        return refuse(exchange, 413, "the body is larger than this operation takes");
    } else if (error != HPE_OK) {
        return refuse(exchange, 400, "the chunks of the body are malformed");
    }
    if (exchange->framing > exchange->framing_limit)
        return refuse(exchange, 431, "the chunks carry too much beside their data");
    return (int64_t)used;
}

int64_t body_take(struct http_exchange *exchange, const char *data, size_t size) {
    return exchange->facts.content_length < 0 ? take_chunked(exchange, data, size)
                                              : take_counted(exchange, data, size);
}
