/* http.h - the HTTP/1.1 server: bytes of a connection in, exchanges out.
 *
 * The server knows nothing of operations. It frames requests (a strict head check, then llhttp),
 * enforces limits, and tells its owner by three callbacks, all on the loop's thread:
 *
 *   on_head     the head is complete and well formed: decide on the body's limit, or answer at once
 *   on_request  the body is complete; answer now or later, exactly once (http_reply or a stream)
 *   on_gone     the client left before the answer; the exchange stays valid until it is answered
 *
 * Exchanges of one connection are handled one at a time, in order. Answers are collected and
 * written once a turn of the loop.
 */
#ifndef SLUICE_CORE_HTTP_H
#define SLUICE_CORE_HTTP_H

#include "loop.h"

struct http_server;
struct http_exchange;

struct http_span {
    const char *data;
    size_t size;
};

struct http_field {
    struct http_span name, value; /* value without outer blanks */
};

enum http_method {
    HTTP_M_GET,
    HTTP_M_HEAD,
    HTTP_M_POST,
    HTTP_M_PUT,
    HTTP_M_PATCH,
    HTTP_M_DELETE,
    HTTP_M_OPTIONS,
    HTTP_M_OTHER
};

/* Valid from on_head until the exchange is answered. */
struct http_request {
    enum http_method method;
    struct http_span method_name;
    struct http_span target; /* as sent: path and query */
    struct http_span path;   /* raw, still percent-encoded */
    struct http_span query;  /* without '?' */
    const struct http_field *fields;
    size_t field_count;
    struct http_span body;
    int64_t content_length; /* -1: chunked */
    int64_t began_ns;
    bool http10;
};

struct http_callbacks {
    void *owner;
    /* Returns the most bytes that the body may have, or -1 when it has answered already (the body
     * is then dropped, and the connection closed if it is long). 100-continue is sent after this.
     */
    int64_t (*on_head)(void *owner, struct http_exchange *exchange);
    void (*on_request)(void *owner, struct http_exchange *exchange);
    void (*on_gone)(void *owner, struct http_exchange *exchange);
    /* The exchange ended between on_head and on_request (its body was too large, too slow, or never
     * came) while its slot was set: forget it. */
    void (*on_dropped)(void *owner, struct http_exchange *exchange);
    /* A request that never became an exchange (malformed, too large, too slow): for metrics and the
     * access log. The server answers by itself with problem+json. */
    void (*on_refused)(void *owner, int status, const char *why, const char *peer);
};

struct http_limits {
    size_t head_bytes, field_count, target_bytes; /* 431, 431, 414 */
    int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
    size_t body_min_rate;       /* bytes a second... */
    int64_t body_rate_grace_ms; /* ...after this time */
    size_t max_connections, max_pipelined_bytes, stream_backlog_bytes;
};
void http_limits_default(
    struct http_limits *limits); /* 16 KiB, 100, 8 KiB; 10 s, 20 s, 60 s, 30 s */

/* Takes listening sockets (file descriptors, non-blocking, owned from now on). NULL on failure. */
struct http_server *http_server_open(struct loop *loop, const int *sockets, size_t count,
                                     const struct http_limits *limits,
                                     const struct http_callbacks *callbacks);
/* Stops accepting; answers get "Connection: close"; `drained` runs when the last connection is
 * closed (idle ones at once, the rest when answered). */
void http_server_drain(struct http_server *server, void (*drained)(void *arg), void *arg);
void http_server_close(struct http_server *server); /* at once; frees when the handles are closed */
size_t http_server_connections(const struct http_server *server);

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* Request header by name (any case), or NULL; `size` may be NULL. The text ends in NUL. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name,
                                 size_t *size);
const char *http_exchange_peer(const struct http_exchange *exchange); /* "127.0.0.1:50122" */
/* One slot for the owner, on the exchange and on the connection (for caches such as the last
 * token). */
void **http_exchange_slot(struct http_exchange *exchange);
void **http_connection_slot(struct http_exchange *exchange, void (*drop)(void *value));

/* `headers`: complete lines "Name: value\r\n"... beyond Date, Content-Length and Connection, which
 * the server writes. `body` is copied. For HEAD the body is counted and not sent. Frees the
 * exchange. */
void http_reply(struct http_exchange *exchange, int status, struct http_span headers,
                struct http_span body);
/* The same with a body that `write` writes to where it is sent from; not called for HEAD. */
struct http_writer {
    size_t size;
    void (*write)(void *arg, char *to);
    void *arg;
};
void http_reply_written(struct http_exchange *exchange, int status, struct http_span headers,
                        struct http_writer body);

/* A body of unknown length: chunked for HTTP/1.1, until close for 1.0. */
void http_stream_open(struct http_exchange *exchange, int status, struct http_span headers);
/* Copies and sends. Returns the bytes not yet taken by the kernel; -1: the client left. */
int64_t http_stream_write(struct http_exchange *exchange, struct http_span bytes);
/* `drained->run` once the backlog is below the limit, or the client left. One at a time. */
void http_stream_on_drain(struct http_exchange *exchange, struct deferred *drained);
void http_stream_close(struct http_exchange *exchange); /* ends the body and frees the exchange */

const char *http_reason(int status); /* "Not Found" */

/* Strict check of a complete head ("...\r\n\r\n"): pure, fuzzed. 0, or an HTTP status with `*why`.
 */
int http_head_check(const char *head, size_t size, const struct http_limits *limits,
                    const char **why);

#endif
