/* http_reply.c - answers and refusals as bytes. */
#include "http_inside.h"

#include <stdio.h>
#include <string.h>

const char *http_reason(int status) {
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status) return reasons[i].text;
    return status < 400 ? "OK" : status < 500 ? "Client Error" : "Server Error";
}

static char *put(char *to, const char *text, size_t size) {
    return size ? (char *)memcpy(to, text, size) + size : to;
}

static char *put_text(char *to, const char *text) {
    return put(to, text, strlen(text));
}

static char *put_number(char *to, uint64_t number) {
    char digits[24], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return put(to, at, (size_t)(digits + sizeof digits - at));
}

enum { OWN_FIELDS_BYTES = 224 }; /* status line, Date, length or encoding, Connection */

size_t reply_head_size(const struct reply_head *head) {
    return OWN_FIELDS_BYTES + head->headers.size;
}

char *reply_head_write(struct http_server *server, char *to, const struct reply_head *head) {
    if (head->status == 200) {
        to = put_text(to, "HTTP/1.1 200 OK\r\n");
    } else {
        to = put_text(to, "HTTP/1.1 ");
        to = put_number(to, (uint64_t)head->status);
        to = put_text(to, " ");
        to = put_text(to, http_reason(head->status));
        to = put_text(to, "\r\n");
    }
    to = put_text(to, server_date(server));
    bool bodiless = head->status == 204 || head->status == 304;
    if (head->chunked) {
        to = put_text(to, "Transfer-Encoding: chunked\r\n");
    } else if (head->length >= 0 && !bodiless) {
        to = put_text(to, "Content-Length: ");
        to = put_number(to, (uint64_t)head->length);
        to = put_text(to, "\r\n");
    }
    if (!head->keep)
        to = put_text(to, "Connection: close\r\n");
    else if (head->http10)
        to = put_text(to, "Connection: keep-alive\r\n");
    to = put(to, head->headers.data, head->headers.size);
    return put_text(to, "\r\n");
}

/* An answer given in on_head leaves the body unread: a short one is read and thrown away, for a
 * longer one, or one that the client may not send at all, the connection is not worth keeping. */
static bool body_can_be_skipped(const struct http_exchange *exchange) {
    if (exchange->state != EXCHANGE_HEAD || exchange->facts.content_length == 0) return true;
    return exchange->facts.content_length > 0 &&
           exchange->facts.content_length <= DISCARD_MAX_BYTES && !exchange->facts.expects;
}

void http_reply_written(struct http_exchange *exchange, int status, struct http_span headers,
                        struct http_writer body) {
    struct http_connection *connection = exchange->connection;
    struct http_server *server = connection->server;
    bool keep = exchange->keep_alive && !connection->ended && !server->draining &&
                body_can_be_skipped(exchange);
    if (connection->closing) {
        connection_answered(connection, false);
        return;
    }
    struct reply_head head = {.status = status,
                              .headers = headers,
                              .length = (int64_t)body.size,
                              .http10 = exchange->request.http10,
                              .keep = keep};
    bool silent = exchange->request.method == HTTP_M_HEAD || status == 204 || status == 304;
    size_t body_size = silent ? 0 : body.size;
    char *begin = output_reserve(connection, reply_head_size(&head) + body_size);
    if (!begin) {
        connection_answered(connection, false);
        connection_drop(connection);
        return;
    }
    char *end = reply_head_write(server, begin, &head);
    if (body_size) body.write(body.arg, end);
    output_add(connection, (size_t)(end - begin) + body_size);
    connection_answered(connection, keep);
}

static void write_span(void *arg, char *to) {
    const struct http_span *span = arg;
    memcpy(to, span->data, span->size);
}

void http_reply(struct http_exchange *exchange, int status, struct http_span headers,
                struct http_span body) {
    http_reply_written(exchange, status, headers,
                       (struct http_writer){.size = body.size, .write = write_span, .arg = &body});
}

/* "Content Too Large" -> "content_too_large", the name of the problem's page. */
static void problem_code(char *to, size_t capacity, int status) {
    const char *reason = http_reason(status);
    size_t i = 0;
    for (; reason[i] && i + 1 < capacity; i++) {
        char byte = reason[i];
        to[i] = byte == ' ' ? '_' : (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    to[i] = 0;
}

static void write_problem(struct http_connection *connection, int status, const char *why) {
    char code[48], body[512];
    problem_code(code, sizeof code, status);
    int size = snprintf(body, sizeof body,
                        "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d,"
                        "\"detail\":\"%s\",\"code\":\"%s\"}",
                        code, http_reason(status), status, why, code);
    static const char plain[] = "Content-Type: application/problem+json\r\n";
    static const char retry[] = "Content-Type: application/problem+json\r\nRetry-After: 1\r\n";
    struct http_span fields = {plain, sizeof plain - 1};
    if (status == 503) fields = (struct http_span){retry, sizeof retry - 1};
    struct reply_head head = {.status = status, .headers = fields, .length = size};
    char *begin = output_reserve(connection, reply_head_size(&head) + (size_t)size);
    if (!begin) return;
    char *end = put(reply_head_write(connection->server, begin, &head), body, (size_t)size);
    output_add(connection, (size_t)(end - begin));
}

void reply_refuse(struct http_connection *connection, int status, const char *why) {
    const struct http_callbacks *callbacks = &connection->server->callbacks;
    struct http_exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    connection->last = true;
    if (exchange) exchange_free(exchange);
    write_problem(connection, status, why);
    connection_later(connection);
    if (callbacks->on_refused)
        callbacks->on_refused(callbacks->owner, status, why, connection_peer(connection));
}

void reply_shed(struct http_connection *connection) {
    reply_refuse(connection, 503, "the server has as many connections as it takes; try again");
}

void reply_continue(struct http_connection *connection) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *to = output_reserve(connection, sizeof text - 1);
    if (!to) return;
    memcpy(to, text, sizeof text - 1);
    output_add(connection, sizeof text - 1);
    connection_later(connection);
}
