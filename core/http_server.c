/* http_server.c - sockets: listening, accepting, shedding, draining. */
#include "http_inside.h"
#include "logging.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* ---- connections ---- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    const struct http_connection *connection = (struct http_connection *)handle;
    *buffer = uv_buf_init(connection->server->read_buffer, READ_BUFFER_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct http_connection *connection = (struct http_connection *)stream;
    if (size > 0)
        connection_feed(connection, buffer->base, (size_t)size);
    else if (size == UV_EOF)
        connection_ended(connection);
    else if (size < 0)
        connection_drop(connection);
}

void server_read(struct http_connection *connection, bool on) {
    if (connection->reading == on || connection->closing) return;
    connection->reading = on;
    if (connection->no_socket) return;
    if (on)
        uv_read_start(&connection->stream, give_buffer, on_read);
    else
        uv_read_stop(&connection->stream);
}

void server_end_output(struct http_connection *connection) {
    if (connection->sent_end) return;
    connection->sent_end = true;
    uv_os_fd_t socket;
    if (!connection->no_socket && uv_fileno(&connection->handle, &socket) == 0)
        shutdown(socket, SHUT_WR);
}

static void handle_closed(uv_handle_t *handle) {
    connection_closed((struct http_connection *)handle);
}

void server_close_handle(struct http_connection *connection) {
    if (!connection->no_socket) {
        uv_close(&connection->handle, handle_closed);
        return;
    }
    connection->closed = true;
    connection_later(connection);
}

const char *connection_peer(struct http_connection *connection) {
    struct sockaddr_storage address;
    int size = sizeof address;
    if (connection->peer[0]) return connection->peer;
    snprintf(connection->peer, sizeof connection->peer, "local");
    if (connection->no_socket || connection->handle.type != UV_TCP) return connection->peer;
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &size) != 0)
        return connection->peer;
    char name[INET6_ADDRSTRLEN] = "";
    uv_ip_name((struct sockaddr *)&address, name, sizeof name);
    bool six = address.ss_family == AF_INET6;
    unsigned port = ntohs(six ? ((struct sockaddr_in6 *)&address)->sin6_port
                              : ((struct sockaddr_in *)&address)->sin_port);
    snprintf(connection->peer, sizeof connection->peer, six ? "[%s]:%u" : "%s:%u", name, port);
    return connection->peer;
}

static int accept_one(struct http_listener *listener, struct http_connection *connection) {
    uv_loop_t *loop = &listener->server->loop->uv;
    if (listener->local)
        uv_pipe_init(loop, &connection->pipe, 0);
    else
        uv_tcp_init(loop, &connection->tcp);
    return uv_accept(&listener->stream, &connection->stream);
}

/* libuv accepts until there is nothing left. When descriptors have run out it closes a spare one
 * to accept and close what waits, so that this neither spins nor leaves clients hanging. */
static void on_connection(uv_stream_t *stream, int status) {
    struct http_listener *listener = (struct http_listener *)stream;
    struct http_server *server = listener->server;
    if (status < 0) return;
    size_t before = server->connections;
    struct http_connection *connection = connection_new(server);
    if (!connection) {
        /* As arenas do: libuv would hold this socket, and accept no other, for ever. */
        log_error("out of memory for a connection");
        abort();
    }
    if (accept_one(listener, connection) != 0) {
        connection_drop(connection);
        return;
    }
    if (!uv_is_active((uv_handle_t *)&server->sweep))
        uv_timer_start(&server->sweep, clock_sweep, server->sweep_ms, server->sweep_ms);
    if (before >= server->limits.max_connections + SHED_EXTRA) {
        connection_drop(connection);
        return;
    }
    server_read(connection, true);
    if (before >= server->limits.max_connections) reply_shed(connection);
}

/* ---- the server ---- */

static void server_free_when_done(struct http_server *server) {
    if (!server->closing || server->handles || server->connections || server->drain_end.queued)
        return;
    output_pool_fini(server);
    while (server->free_connections) {
        struct http_connection *connection = server->free_connections;
        server->free_connections = connection->next;
        free(connection);
    }
    while (server->free_exchanges) {
        struct http_exchange *exchange = server->free_exchanges;
        server->free_exchanges = exchange->next_free;
        free(exchange);
    }
    free(server->listeners);
    free(server->read_buffer);
    free(server);
}

static void listener_closed(uv_handle_t *handle) {
    struct http_server *server = ((struct http_listener *)handle)->server;
    server->handles--;
    server_free_when_done(server);
}

static void helper_closed(uv_handle_t *handle) {
    struct http_server *server = handle->data;
    server->handles--;
    server_free_when_done(server);
}

static void stop_listening(struct http_server *server) {
    for (size_t i = 0; i < server->listener_count; i++)
        uv_close(&server->listeners[i].handle, listener_closed);
    server->listener_count = 0;
}

static void tell_drained(struct deferred *deferred) {
    struct http_server *server =
        (struct http_server *)((char *)deferred - offsetof(struct http_server, drain_end));
    void (*drained)(void *arg) = server->drained;
    server->drained = NULL;
    if (drained) drained(server->drained_arg);
    server_free_when_done(server);
}

void server_left(struct http_server *server) {
    server->connections--;
    if (server->connections) return;
    if (server->drained) loop_defer(server->loop, &server->drain_end);
    server_free_when_done(server);
}

static int listen_on(struct http_server *server, int socket) {
    struct http_listener *listener = &server->listeners[server->listener_count];
    int domain = 0, on = 1, status;
    socklen_t size = sizeof domain;
    getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    listener->server = server;
    listener->local = domain == AF_UNIX;
    if (listener->local) {
        uv_pipe_init(&server->loop->uv, &listener->pipe, 0);
        status = uv_pipe_open(&listener->pipe, socket);
    } else {
        /* Accepted sockets inherit it. */
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        uv_tcp_init(&server->loop->uv, &listener->tcp);
        status = uv_tcp_open(&listener->tcp, socket);
    }
    if (status != 0) close(socket);
    server->listener_count++;
    server->handles++;
    return status ? status : uv_listen(&listener->stream, BACKLOG, on_connection);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Better to say 503 than to run out of descriptors: asks for as many as are needed, and takes fewer
 * connections where they are not given. */
static void allow_files(size_t *connections, size_t others) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    rlim_t needed = *connections + others;
    if (files.rlim_cur < needed) {
        files.rlim_cur = files.rlim_max < needed ? files.rlim_max : needed;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur < needed && files.rlim_cur > 2 * others)
        *connections = files.rlim_cur - others;
}

static void set_limits(struct http_server *server, const struct http_limits *limits) {
    enum { FILES_OF_OTHERS = 64, SWEEP_MAX_MS = 1000, SWEEP_MIN_MS = 10 };
    server->limits = *limits;
    allow_files(&server->limits.max_connections, 2 * (size_t)FILES_OF_OTHERS);
    int64_t shortest = least(least(limits->head_timeout_ms, limits->body_timeout_ms),
                             least(limits->idle_timeout_ms, limits->write_timeout_ms));
    shortest = least(shortest / 4, SWEEP_MAX_MS);
    server->sweep_ms = shortest < SWEEP_MIN_MS ? SWEEP_MIN_MS : (uint64_t)shortest;
}

struct http_server *http_server_open(struct loop *loop, const int *sockets, size_t count,
                                     const struct http_limits *limits,
                                     const struct http_callbacks *callbacks) {
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->loop = loop;
    server->callbacks = *callbacks;
    server->drain_end.run = tell_drained;
    set_limits(server, limits);
    server->read_buffer = malloc(READ_BUFFER_BYTES);
    server->listeners = calloc(count ? count : 1, sizeof *server->listeners);
    if (!server->read_buffer || !server->listeners) {
        free(server->read_buffer);
        free(server->listeners);
        free(server);
        return NULL;
    }
    uv_timer_init(&loop->uv, &server->sweep);
    uv_idle_init(&loop->uv, &server->turn);
    server->sweep.data = server->turn.data = server;
    server->handles = 2;
    int status = 0;
    size_t taken = 0;
    while (taken < count && !status) status = listen_on(server, sockets[taken++]);
    if (!status) return server;
    while (taken < count) close(sockets[taken++]);
    http_server_close(server);
    return NULL;
}

void http_server_drain(struct http_server *server, void (*drained)(void *arg), void *arg) {
    server->draining = true;
    server->drained = drained;
    server->drained_arg = arg;
    stop_listening(server);
    /* A request may be on its way on a connection that looks idle: those get a moment, and their
     * answer says that the connection is closed. */
    server->drain_at_ms = clock_ms(server) + DRAIN_GRACE_MS;
    if (server->connections)
        uv_timer_start(&server->sweep, clock_sweep, DRAIN_GRACE_MS, DRAIN_GRACE_MS);
    else
        loop_defer(server->loop, &server->drain_end);
}

void http_server_close(struct http_server *server) {
    server->closing = true;
    server->drained = NULL;
    stop_listening(server);
    for (unsigned kind = 0; kind < WAITING_KINDS; kind++)
        while (server->waiting[kind].first) connection_drop(server->waiting[kind].first);
    uv_close((uv_handle_t *)&server->sweep, helper_closed);
    uv_close((uv_handle_t *)&server->turn, helper_closed);
}

size_t http_server_connections(const struct http_server *server) {
    return server->connections;
}

/* ---- Date, once a second ---- */

static void date_write(char *to, size_t capacity, time_t now) {
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm utc;
    gmtime_r(&now, &utc);
    snprintf(to, capacity, "Date: %.3s, %02u %.3s %04u %02u:%02u:%02u GMT\r\n",
             days + (size_t)utc.tm_wday * 3, (unsigned)utc.tm_mday % 100,
             months + (size_t)utc.tm_mon * 3, (unsigned)(utc.tm_year + 1900) % 10000,
             (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}

const char *server_date(struct http_server *server) {
    enum { LOOK_AGAIN_MS = 100 };
    uint64_t now_ms = clock_ms(server);
    if (server->date[0] && now_ms - server->date_checked_ms < LOOK_AGAIN_MS) return server->date;
    server->date_checked_ms = now_ms;
    int64_t now_s = loop_now_ms(server->loop) / 1000;
    if (now_s != server->date_second || !server->date[0]) {
        server->date_second = now_s;
        date_write(server->date, sizeof server->date, (time_t)now_s);
    }
    return server->date;
}
