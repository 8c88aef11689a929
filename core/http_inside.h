/* http_inside.h - the parts of the HTTP server, for its own files only.
 *
 *   http_head.c        which heads are let in (pure)
 *   http_request.c     a checked head becomes an exchange (llhttp)
 *   http_body.c        the bytes behind the head, until the request is whole
 *   http_connection.c  bytes in, exchanges out: the order of things on one connection
 *   http_reply.c       answers and refusals as bytes
 *   http_stream.c      answers of unknown length
 *   http_output.c      bytes to the kernel: one write a turn, backlog
 *   http_clock.c       what a connection waits for, and how long: one timer for all
 *   http_server.c      sockets: listening, accepting, shedding, draining
 */
#ifndef SLUICE_CORE_HTTP_INSIDE_H
#define SLUICE_CORE_HTTP_INSIDE_H

#include "http.h"
#include "http_head.h"

#include <llhttp.h>

enum {
    READ_BUFFER_BYTES = 64 * 1024, /* one a server, shared by its connections */
    CHUNK_BYTES = 2 * 1024,        /* of output: enough for most answers; pooled */
    LATER_CHUNK_BYTES = 16 * 1024, /* when output piles up */
    CHUNKS_KEPT = 256,
    CONNECTIONS_KEPT = 256,
    EXCHANGES_KEPT = 256,
    FIELDS_INSIDE = 32,
    EXCHANGE_STORE_BYTES = 2048,
    DISCARD_MAX_BYTES = 64 * 1024, /* of an unwanted body; a longer one costs the connection */
    LINGER_MS = 3000,
    DRAIN_GRACE_MS = 100,
    TURN_SHARE = 64, /* requests that one connection may have begun in a turn of the loop */
    SHED_EXTRA = 64  /* connections beyond the limit that are told so before they are closed */
};

/* What a connection waits for; each is a list, oldest first. */
enum waiting_for {
    FOR_REQUEST, /* idle */
    FOR_HEAD,
    FOR_BODY,
    FOR_OWNER, /* no limit of ours */
    FOR_WRITE,
    FOR_CLOSE, /* the last answer is sent; what still comes is thrown away */
    WAITING_KINDS
};

/* Output, copied, on its way. */
struct http_chunk {
    struct http_chunk *next;
    size_t start, size, capacity;
    char data[];
};

struct http_output {
    struct http_chunk *first, *last;
    size_t bytes;               /* not given to libuv yet */
    struct http_writing *write; /* given to libuv, not taken by the kernel yet */
};

/* Input that waits: an incomplete head, or requests behind the one being answered. */
struct http_input {
    char *data;
    size_t start, size, capacity;
};

struct http_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct http_server *server;
    struct http_connection *previous, *next; /* in the list of what it waits for */
    uint64_t since_ms;
    struct http_exchange *exchange; /* being received or answered */
    struct http_input input;
    size_t scanned; /* of an incomplete head */
    struct http_output output;
    size_t write_mark; /* libuv's queue when progress was last seen */
    int64_t discard;   /* bytes of an unwanted body still to come */
    struct deferred turn_end;
    struct http_connection *next_turn; /* in the server's list of those that used up their share */
    void *slot;
    void (*drop_slot)(void *value);
    char peer[56];
    uint8_t waiting_for;
    uint8_t share; /* requests that it may still begin in this turn */
    bool in_next_turn;
    bool no_socket; /* a test feeds it by hand */
    bool reading;
    bool last;     /* no further request is taken; closed when all is written */
    bool ended;    /* the client has closed its side */
    bool sent_end; /* so have we */
    bool closing, closed;
};

enum exchange_state {
    EXCHANGE_HEAD, /* on_head runs */
    EXCHANGE_BODY,
    EXCHANGE_OWNED, /* on_request has run or runs */
    EXCHANGE_STREAM
};

struct http_exchange {
    struct http_connection *connection;
    struct http_request request;
    struct head_facts facts;
    void *slot;
    struct http_field *fields;
    size_t field_capacity;
    char *head; /* our copy */
    char *body;
    size_t body_size, body_capacity;
    int64_t body_limit, body_left; /* left: of a Content-Length */
    uint64_t body_since_ms;
    size_t framing, framing_limit; /* bytes of a chunked body that are no data */
    struct deferred *drained;
    llhttp_t parser;
    enum exchange_state state;
    bool keep_alive, complete, too_large, gone, body_inside;
    bool chunked_answer, keep_after; /* of a stream */
    struct http_exchange *next_free;
    struct http_field fields_inside[FIELDS_INSIDE];
    char store[EXCHANGE_STORE_BYTES];
};

struct http_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct http_server *server;
    bool local; /* a unix socket */
};

struct http_list {
    struct http_connection *first, *last;
};

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    struct http_callbacks callbacks;
    struct http_listener *listeners;
    size_t listener_count;
    struct http_list waiting[WAITING_KINDS];
    size_t connections; /* not yet released */
    size_t handles;     /* listeners, timer and turn, not yet closed by libuv */
    size_t exchanges;   /* not yet answered */
    uv_timer_t sweep;
    uv_idle_t turn; /* active while `next_turn` is not empty: the loop then does not wait */
    struct http_connection *next_turn;
    uint64_t sweep_ms, drain_at_ms;
    bool draining, closing;
    struct deferred drain_end;
    void (*drained)(void *arg); /* NULL once told */
    void *drained_arg;
    struct http_chunk *free_chunks;
    struct http_connection *free_connections;
    struct http_exchange *free_exchanges;
    unsigned chunks_kept, connections_kept, exchanges_kept;
    uint64_t date_checked_ms;
    int64_t date_second;
    char date[40]; /* "Date: ...\r\n" */
    char *read_buffer;
};

/* http_request.c */
struct http_exchange *exchange_new(struct http_connection *connection, const char *head,
                                   size_t size, const struct head_facts *facts);
void exchange_free(struct http_exchange *exchange);
extern const llhttp_settings_t http_parser_settings;

/* http_body.c: takes what belongs to the body from `data`; the bytes used, or -1 after refusing. */
int64_t body_take(struct http_exchange *exchange, const char *data, size_t size);
void body_place(struct http_exchange *exchange, size_t head_size);
bool body_append(struct http_exchange *exchange, const char *data, size_t size);

/* http_connection.c */
struct http_connection *connection_new(struct http_server *server);
void connection_feed(struct http_connection *connection, const char *data, size_t size);
void connection_ended(struct http_connection *connection); /* the client closed its side */
/* Closes at once; an exchange that the owner holds stays until it is answered. */
void connection_drop(struct http_connection *connection);
void connection_closed(struct http_connection *connection);
void connection_later(struct http_connection *connection); /* at the end of this turn */
/* The answer is in the output: the exchange goes, the next request may come. */
void connection_answered(struct http_connection *connection, bool keep);
void connection_release(struct http_connection *connection); /* frees it, when nothing holds it */
void connections_new_turn(uv_idle_t *turn); /* for those that used up their share in the last */

/* http_reply.c */
void reply_refuse(struct http_connection *connection, int status, const char *why);
void reply_shed(struct http_connection *connection);
void reply_continue(struct http_connection *connection);
/* Writes the status line and fields. `length` -1: unknown. */
struct reply_head {
    int status;
    struct http_span headers;
    int64_t length;
    bool http10, keep, chunked;
};
char *reply_head_write(struct http_server *server, char *to, const struct reply_head *head);
size_t reply_head_size(const struct reply_head *head);

/* http_stream.c */
void stream_progress(struct http_connection *connection); /* after a write, or at the end */

/* http_output.c */
char *output_reserve(struct http_connection *connection, size_t size); /* then output_add */
void output_add(struct http_connection *connection, size_t size);
void output_flush(struct http_connection *connection);
size_t output_backlog(const struct http_connection *connection);
void output_fini(struct http_connection *connection);
void output_pool_fini(struct http_server *server);

/* http_clock.c */
uint64_t clock_ms(const struct http_server *server);
void clock_wait(struct http_connection *connection, enum waiting_for what); /* refreshes */
void clock_settle(struct http_connection *connection); /* finds out what it waits for */
void clock_forget(struct http_connection *connection);
void clock_sweep(uv_timer_t *timer);

/* http_server.c */
void server_read(struct http_connection *connection, bool on);
void server_end_output(struct http_connection *connection); /* FIN, then wait for the client's */
void server_close_handle(struct http_connection *connection);
void server_left(struct http_server *server); /* a connection is gone */
const char *connection_peer(struct http_connection *connection);
const char *server_date(struct http_server *server);

#endif
