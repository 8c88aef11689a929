/* http_clock.c - what a connection waits for, and how long.
 *
 * One timer for all: within a list everyone has the same time to wait, so the oldest is in front
 * and a sweep looks at those only that are due. */
#include "http_inside.h"

uint64_t clock_ms(const struct http_server *server) {
    return uv_now(&server->loop->uv);
}

void clock_forget(struct http_connection *connection) {
    if (connection->waiting_for == WAITING_KINDS) return;
    struct http_list *list = &connection->server->waiting[connection->waiting_for];
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        list->last = connection->previous;
    connection->waiting_for = WAITING_KINDS;
}

void clock_wait(struct http_connection *connection, enum waiting_for what) {
    connection->since_ms = clock_ms(connection->server);
    struct http_list *list = &connection->server->waiting[what];
    if (connection->waiting_for == what && list->last == connection) return;
    clock_forget(connection);
    connection->waiting_for = (uint8_t)what;
    connection->next = NULL;
    connection->previous = list->last;
    if (list->last)
        list->last->next = connection;
    else
        list->first = connection;
    list->last = connection;
}

void clock_settle(struct http_connection *connection) {
    enum waiting_for what = FOR_REQUEST;
    if (connection->output.write)
        what = FOR_WRITE;
    else if (connection->sent_end)
        what = FOR_CLOSE;
    else if (connection->exchange && connection->exchange->state >= EXCHANGE_OWNED)
        what = FOR_OWNER;
    else if (connection->exchange || connection->discard)
        what = FOR_BODY;
    else if (connection->input.size)
        what = FOR_HEAD;
    if (what != connection->waiting_for || what == FOR_REQUEST) clock_wait(connection, what);
}

/* A body must come without long pauses, and after a while at the least rate. */
static bool body_is_late(const struct http_connection *connection, uint64_t now_ms) {
    const struct http_limits *limits = &connection->server->limits;
    if (now_ms - connection->since_ms >= (uint64_t)limits->body_timeout_ms) return true;
    const struct http_exchange *exchange = connection->exchange;
    if (!exchange) return false;
    uint64_t elapsed_ms = now_ms - exchange->body_since_ms;
    if (elapsed_ms < (uint64_t)limits->body_rate_grace_ms) return false;
    return exchange->body_size * 1000 < limits->body_min_rate * elapsed_ms;
}

/* libuv's queue shrinks as long as the client reads. */
static bool write_is_stuck(struct http_connection *connection) {
    size_t queue = connection->stream.write_queue_size;
    if (queue == connection->write_mark) return true;
    connection->write_mark = queue;
    clock_wait(connection, FOR_WRITE);
    return false;
}

static void expire(struct http_connection *connection, uint64_t now_ms) {
    switch ((enum waiting_for)connection->waiting_for) {
    case FOR_HEAD:
        reply_refuse(connection, 408, "the request head did not arrive in time");
        break;
    case FOR_BODY:
        if (!body_is_late(connection, now_ms)) break;
        if (connection->exchange)
            reply_refuse(connection, 408, "the body of the request did not arrive in time");
        else
            connection_drop(connection);
        break;
    case FOR_WRITE:
        if (write_is_stuck(connection)) connection_drop(connection);
        break;
    case FOR_OWNER:
    case WAITING_KINDS:
        break;
    case FOR_REQUEST:
    case FOR_CLOSE:
        connection_drop(connection);
    }
}

static void sweep_list(struct http_server *server, enum waiting_for what, int64_t limit_ms) {
    uint64_t now_ms = clock_ms(server);
    struct http_connection *next;
    for (struct http_connection *at = server->waiting[what].first; at; at = next) {
        next = at->next;
        bool due = now_ms - at->since_ms >= (uint64_t)limit_ms;
        if (!due && what != FOR_BODY) break;
        expire(at, now_ms);
    }
}

void clock_sweep(uv_timer_t *timer) {
    struct http_server *server = timer->data;
    const struct http_limits *limits = &server->limits;
    bool grace_over = server->draining && clock_ms(server) >= server->drain_at_ms;
    sweep_list(server, FOR_REQUEST, grace_over ? 0 : limits->idle_timeout_ms);
    sweep_list(server, FOR_HEAD, limits->head_timeout_ms);
    sweep_list(server, FOR_BODY, limits->body_timeout_ms);
    sweep_list(server, FOR_WRITE, limits->write_timeout_ms);
    sweep_list(server, FOR_CLOSE, LINGER_MS);
    if (!server->connections) uv_timer_stop(timer);
}
