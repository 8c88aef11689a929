/* fetch_multi.c - libcurl's multi handle on a libuv loop; inside sluice-fetch.so. */
#include "fetch_easy.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_KEPT = 64 };

struct fetch_engine {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct fetch_transfer *transfers;
    unsigned handles; /* of libuv, not closed yet */
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

struct fetch_transfer {
    struct fetch_easy easy;
    struct fetch_engine *engine;
    struct fetch_transfer *next, *previous;
};

/* A socket that libcurl wants to know about. */
struct watch {
    uv_poll_t poll;
    struct fetch_engine *engine;
    curl_socket_t socket;
};

static void engine_free_when_done(struct fetch_engine *engine) {
    if (!engine->closing || engine->handles) return;
    void (*closed)(void *arg) = engine->closed;
    void *arg = engine->closed_arg;
    free(engine);
    if (closed) closed(arg);
}

static void unlink_transfer(struct fetch_transfer *transfer) {
    struct fetch_engine *engine = transfer->engine;
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else
        engine->transfers = transfer->next;
    if (transfer->next) transfer->next->previous = transfer->previous;
}

static void transfer_free(struct fetch_transfer *transfer) {
    unlink_transfer(transfer);
    curl_multi_remove_handle(transfer->engine->multi, transfer->easy.curl);
    easy_close(&transfer->easy);
    free(transfer);
}

static void finish(struct fetch_transfer *transfer, CURLcode code) {
    struct fetch_events events = transfer->easy.events;
    int status = easy_result(&transfer->easy, code);
    struct fetch_answer answer = transfer->easy.answer;
    transfer->easy.answer = (struct fetch_answer){0};
    transfer_free(transfer);
    events.on_done(events.owner, status, &answer);
}

/* Tells the ends of transfers, one at a time: a callback may start or cancel others. */
static void take_finished(struct fetch_engine *engine) {
    CURLMsg *message;
    int left;
    while (!engine->closing && (message = curl_multi_info_read(engine->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        void *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code);
    }
}

static void act(struct fetch_engine *engine, curl_socket_t socket, int events) {
    int running;
    curl_multi_socket_action(engine->multi, socket, events, &running);
    take_finished(engine);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    const struct watch *watch = (struct watch *)poll;
    /* On an error libcurl shall read and find the reason: a connection of its pool that the server
     * has closed meanwhile is then replaced by a new one. */
    int flags = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;
    if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
    act(watch->engine, watch->socket, flags);
}

static void on_timer(uv_timer_t *timer) {
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void watch_closed(uv_handle_t *handle) {
    struct watch *watch = (struct watch *)handle;
    struct fetch_engine *engine = watch->engine;
    free(watch);
    engine->handles--;
    engine_free_when_done(engine);
}

static struct watch *watch_new(struct fetch_engine *engine, curl_socket_t socket) {
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch) return NULL;
    watch->engine = engine;
    watch->socket = socket;
    if (uv_poll_init_socket(engine->loop, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    engine->handles++;
    curl_multi_assign(engine->multi, socket, watch);
    return watch;
}

static int on_socket(CURL *curl, curl_socket_t socket, int what, void *arg, void *known) {
    (void)curl;
    struct fetch_engine *engine = arg;
    struct watch *watch = known;
    if (what == CURL_POLL_REMOVE) {
        if (!watch) return 0;
        curl_multi_assign(engine->multi, socket, NULL);
        uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, watch_closed);
        return 0;
    }
    if (!watch) watch = watch_new(engine, socket);
    if (!watch) return -1;
    int events = 0;
    if (what != CURL_POLL_OUT) events |= UV_READABLE;
    if (what != CURL_POLL_IN) events |= UV_WRITABLE;
    return uv_poll_start(&watch->poll, events, on_poll);
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg) {
    (void)multi;
    struct fetch_engine *engine = arg;
    if (engine->closing) return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&engine->timer);
    else
        uv_timer_start(&engine->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

struct fetch_engine *engine_open(uv_loop_t *loop) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return NULL;
    struct fetch_engine *engine = calloc(1, sizeof *engine);
    if (!engine) return NULL;
    engine->multi = curl_multi_init();
    if (!engine->multi) {
        free(engine);
        return NULL;
    }
    engine->loop = loop;
    uv_timer_init(loop, &engine->timer);
    engine->timer.data = engine;
    engine->handles = 1;
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return engine;
}

static void timer_closed(uv_handle_t *handle) {
    struct fetch_engine *engine = handle->data;
    engine->handles--;
    engine_free_when_done(engine);
}

void engine_close(struct fetch_engine *engine, void (*closed)(void *arg), void *arg) {
    engine->closing = true;
    engine->closed = closed;
    engine->closed_arg = arg;
    for (struct fetch_transfer *transfer = engine->transfers, *next; transfer; transfer = next) {
        next = transfer->next;
        transfer_free(transfer);
    }
    curl_multi_cleanup(engine->multi);
    uv_close((uv_handle_t *)&engine->timer, timer_closed);
}

struct fetch_transfer *engine_start(struct fetch_engine *engine, const sl_request *request,
                                    const struct fetch_events *events, char *trouble) {
    struct fetch_transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer) return NULL;
    transfer->engine = engine;
    transfer->easy.events = *events;
    transfer->next = engine->transfers;
    if (transfer->next) transfer->next->previous = transfer;
    engine->transfers = transfer;
    if (easy_open(&transfer->easy, request, trouble) == 0) {
        curl_easy_setopt(transfer->easy.curl, CURLOPT_PRIVATE, (void *)transfer);
        if (curl_multi_add_handle(engine->multi, transfer->easy.curl) == CURLM_OK) return transfer;
    }
    unlink_transfer(transfer);
    easy_close(&transfer->easy);
    free(transfer);
    return NULL;
}

void engine_resume(struct fetch_transfer *transfer) {
    curl_easy_pause(transfer->easy.curl, CURLPAUSE_CONT);
}

void engine_cancel(struct fetch_transfer *transfer) {
    transfer_free(transfer);
}
