/* http_connection.c - bytes in, exchanges out: the order of things on one connection.
 *
 * One exchange at a time. Bytes behind it wait in the connection's own input, up to a limit; then
 * the socket is not read until there is room, so that TCP holds the client back. */
#include "http_inside.h"

#include <stdlib.h>
#include <string.h>

static void turn_end(struct deferred *deferred);

struct http_connection *connection_new(struct http_server *server) {
    struct http_connection *connection = server->free_connections;
    if (connection) {
        server->free_connections = connection->next;
        server->connections_kept--;
    } else if (!(connection = malloc(sizeof *connection))) {
        return NULL;
    }
    *connection = (struct http_connection){
        .server = server, .turn_end = {.run = turn_end}, .share = TURN_SHARE};
    server->connections++;
    connection->waiting_for = WAITING_KINDS;
    clock_wait(connection, FOR_REQUEST);
    return connection;
}

void connection_release(struct http_connection *connection) {
    struct http_server *server = connection->server;
    if (!connection->closed || connection->exchange || connection->turn_end.queued) return;
    if (server->connections_kept < CONNECTIONS_KEPT) {
        connection->next = server->free_connections;
        server->free_connections = connection;
        server->connections_kept++;
    } else {
        free(connection);
    }
    server_left(server);
}

void connection_closed(struct http_connection *connection) {
    connection->closed = true;
    connection_release(connection);
}

static void input_fini(struct http_input *input) {
    free(input->data);
    *input = (struct http_input){0};
}

static bool input_append(struct http_input *input, const char *data, size_t size) {
    if (!size) return true;
    if (input->start && input->start + input->size + size > input->capacity) {
        memmove(input->data, input->data + input->start, input->size);
        input->start = 0;
    }
    size_t needed = input->start + input->size + size;
    if (needed > input->capacity) {
        size_t capacity = input->capacity ? input->capacity * 2 : 1024;
        while (capacity < needed) capacity *= 2;
        char *grown = realloc(input->data, capacity);
        if (!grown) return false;
        input->data = grown;
        input->capacity = capacity;
    }
    memcpy(input->data + input->start + input->size, data, size);
    input->size += size;
    return true;
}

static void input_used(struct http_input *input, size_t size) {
    input->start += size;
    input->size -= size;
    if (!input->size) input_fini(input);
}

/* ---- the exchange at hand ---- */

static bool owner_holds(const struct http_connection *connection) {
    return connection->exchange && connection->exchange->state >= EXCHANGE_OWNED;
}

static void tell_gone(struct http_connection *connection) {
    struct http_exchange *exchange = connection->exchange;
    if (!owner_holds(connection) || exchange->gone) return;
    const struct http_callbacks *callbacks = &connection->server->callbacks;
    exchange->gone = true;
    stream_progress(connection);
    if (callbacks->on_gone) callbacks->on_gone(callbacks->owner, exchange);
}

static void hand_over(struct http_exchange *exchange) {
    const struct http_callbacks *callbacks = &exchange->connection->server->callbacks;
    exchange->state = EXCHANGE_OWNED;
    exchange->request.body =
        (struct http_span){exchange->body ? exchange->body : "", exchange->body_size};
    callbacks->on_request(callbacks->owner, exchange);
}

/* The head is known: asks the owner, then waits for the body or hands over at once. */
static void begin(struct http_connection *connection, bool more_is_here) {
    struct http_exchange *exchange = connection->exchange;
    const struct http_callbacks *callbacks = &connection->server->callbacks;
    int64_t length = exchange->facts.content_length;
    exchange->request.began_ns = loop_clock_ns();
    if (exchange->facts.expects && !exchange->facts.expects_known) {
        reply_refuse(connection, 417, "the only expectation that is met is 100-continue");
        return;
    }
    exchange->body_limit = callbacks->on_head(callbacks->owner, exchange);
    if (connection->exchange != exchange) return; /* answered */
    if (length > exchange->body_limit) {
        reply_refuse(connection, 413, "the body is larger than this operation takes");
        return;
    }
    if (length == 0) {
        hand_over(exchange);
        return;
    }
    exchange->state = EXCHANGE_BODY;
    exchange->body_left = length;
    exchange->body_since_ms = clock_ms(connection->server);
    if (exchange->facts.expects && !more_is_here && !exchange->request.http10)
        reply_continue(connection);
}

void connection_answered(struct http_connection *connection, bool keep) {
    struct http_exchange *exchange = connection->exchange;
    if (exchange->state == EXCHANGE_HEAD && keep)
        connection->discard = exchange->facts.content_length;
    connection->exchange = NULL;
    exchange_free(exchange);
    if (!keep) connection->last = true;
    if (connection->closing) {
        connection_release(connection);
        return;
    }
    if (connection->waiting_for == FOR_HEAD) clock_wait(connection, FOR_HEAD); /* another head */
    connection_later(connection);
}

/* ---- bytes ---- */

static size_t take_head(struct http_connection *connection, const char *data, size_t size) {
    const struct http_limits *limits = &connection->server->limits;
    if (data[0] == '\r' && !connection->scanned) { /* RFC 9112 2.2: an empty line before it */
        if (size == 1) return 0;
        if (data[1] == '\n') {
            connection->scanned = 1;
            return 2;
        }
    }
    int64_t end = head_end(data, size, &connection->scanned);
    if (end < 0) {
        reply_refuse(connection, 400, "a line of the request head does not end in CRLF");
        return size;
    }
    if (end == 0) {
        bool no_line = !memchr(data, '\n', size);
        if (no_line && size > limits->target_bytes + 32)
            reply_refuse(connection, 414, "the request target is longer than this server takes");
        else if (size > limits->head_bytes)
            reply_refuse(connection, 431, "the request head is larger than this server takes");
        return connection->last ? size : 0;
    }
    connection->scanned = 0;
    struct head_facts facts;
    int status = head_scan(data, (size_t)end, limits, &facts);
    if (status) {
        reply_refuse(connection, status, facts.why);
        return size;
    }
    connection->exchange = exchange_new(connection, data, (size_t)end, &facts);
    if (!connection->exchange)
        reply_refuse(connection, 400, "the request head is malformed");
    else
        begin(connection, size > (size_t)end);
    return (size_t)end;
}

static size_t take_body(struct http_connection *connection, const char *data, size_t size) {
    struct http_exchange *exchange = connection->exchange;
    int64_t used = body_take(exchange, data, size);
    if (used < 0) return size;
    clock_wait(connection, FOR_BODY);
    if (exchange->complete) hand_over(exchange);
    return (size_t)used;
}

static bool has_room(struct http_connection *connection) {
    size_t limit = connection->server->limits.stream_backlog_bytes;
    if (output_backlog(connection) <= limit) return true;
    output_flush(connection);
    return !connection->closing && output_backlog(connection) <= limit;
}

/* Many requests in one packet must not keep the others waiting: the rest comes next turn. */
static bool has_share(struct http_connection *connection) {
    struct http_server *server = connection->server;
    if (connection->share) {
        connection->share--;
        return true;
    }
    if (connection->in_next_turn) return false;
    connection->in_next_turn = true;
    connection->next_turn = server->next_turn;
    server->next_turn = connection;
    if (!connection->no_socket) uv_idle_start(&server->turn, connections_new_turn);
    return false;
}

void connections_new_turn(uv_idle_t *turn) {
    struct http_server *server = turn->data;
    struct http_connection *connection = server->next_turn;
    server->next_turn = NULL;
    uv_idle_stop(turn);
    for (struct http_connection *next; connection; connection = next) {
        next = connection->next_turn;
        connection->in_next_turn = false;
        connection->share = TURN_SHARE;
        connection_later(connection);
    }
}

static void leave_next_turn(struct http_connection *connection) {
    if (!connection->in_next_turn) return;
    struct http_connection **at = &connection->server->next_turn;
    while (*at != connection) at = &(*at)->next_turn;
    *at = connection->next_turn;
    connection->in_next_turn = false;
}

/* Takes as much as can be taken now; returns the bytes used. */
static size_t take(struct http_connection *connection, const char *data, size_t size) {
    size_t used = 0;
    while (used < size && !connection->last && !connection->closing) {
        size_t step, left = size - used;
        if (connection->discard) {
            step = (uint64_t)connection->discard < left ? (size_t)connection->discard : left;
            connection->discard -= (int64_t)step;
        } else if (!connection->exchange) {
            if (!has_room(connection) || !has_share(connection)) break;
            step = take_head(connection, data + used, left);
        } else if (connection->exchange->state == EXCHANGE_BODY) {
            step = take_body(connection, data + used, left);
        } else {
            break; /* the owner has it */
        }
        if (!step) break;
        used += step;
    }
    /* Nothing behind the last request is read. */
    return connection->last || connection->closing ? size : used;
}

static void take_waiting_input(struct http_connection *connection) {
    struct http_input *input = &connection->input;
    if (!input->size) return;
    size_t used = take(connection, input->data + input->start, input->size);
    if (!connection->closing) input_used(input, used);
}

static void set_reading(struct http_connection *connection) {
    size_t limit = connection->server->limits.max_pipelined_bytes;
    bool crowded = !connection->last && connection->input.size > limit;
    server_read(connection, !crowded && !connection->ended);
}

void connection_feed(struct http_connection *connection, const char *data, size_t size) {
    if (connection->closing || connection->last) return; /* thrown away */
    bool behind = connection->input.size > 0;
    if (!behind) connection->share = TURN_SHARE;
    size_t used = behind ? 0 : take(connection, data, size);
    if (connection->closing) return;
    if (!input_append(&connection->input, data + used, size - used)) {
        connection_drop(connection);
        return;
    }
    if (behind) take_waiting_input(connection);
    if (connection->closing) return;
    set_reading(connection);
    clock_settle(connection);
}

/* The end of a turn: requests that waited, then all output in one write. */
static void turn_end(struct deferred *deferred) {
    struct http_connection *connection =
        (struct http_connection *)((char *)deferred - offsetof(struct http_connection, turn_end));
    if (connection->closed) {
        connection_release(connection);
        return;
    }
    if (connection->closing) return;
    take_waiting_input(connection);
    output_flush(connection);
    if (connection->closing) return;
    stream_progress(connection);
    bool done = connection->last && !connection->exchange && !output_backlog(connection);
    if (done && connection->ended) {
        connection_drop(connection);
        return;
    }
    if (done) server_end_output(connection);
    set_reading(connection);
    clock_settle(connection);
}

void connection_later(struct http_connection *connection) {
    loop_defer(connection->server->loop, &connection->turn_end);
}

void connection_ended(struct http_connection *connection) {
    connection->ended = true;
    server_read(connection, false);
    if (owner_holds(connection)) {
        tell_gone(
            connection); /* what it still answers is sent: the client may only have half closed */
        return;
    }
    if (connection->exchange) {
        exchange_free(connection->exchange);
        connection->exchange = NULL;
    }
    if (output_backlog(connection) == 0) {
        connection_drop(connection);
        return;
    }
    connection->last = true;
    connection_later(connection);
}

void connection_drop(struct http_connection *connection) {
    if (connection->closing) return;
    connection->closing = true;
    clock_forget(connection);
    leave_next_turn(connection);
    output_fini(connection);
    input_fini(&connection->input);
    if (connection->drop_slot && connection->slot) connection->drop_slot(connection->slot);
    connection->slot = NULL;
    if (owner_holds(connection)) {
        tell_gone(connection);
    } else if (connection->exchange) {
        exchange_free(connection->exchange);
        connection->exchange = NULL;
    }
    server_close_handle(connection);
}
