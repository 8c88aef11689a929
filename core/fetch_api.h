/* fetch_api.h - the HTTP client beneath sl_fetch: one transfer at a time, without policy.
 *
 * libcurl lives in a module of its own (sluice-fetch.so), which core/fetcher.c loads on first use.
 * The module knows libuv and libcurl only; retries, breakers, deadlines and metrics are the
 * fetcher's (fetch_policy.h).
 */
#ifndef SLUICE_CORE_FETCH_API_H
#define SLUICE_CORE_FETCH_API_H

#include <sluice/fetch.h>
#include <stdbool.h>
#include <uv.h>

/* One transfer's result. Everything in it is malloc'ed; free with fetch_answer_free. */
struct fetch_answer {
    int32_t status;     /* HTTP status; 0 when none came */
    char *body;         /* NUL after the last byte; NULL when on_bytes took it */
    size_t body_size;   /* also counted when on_bytes took it */
    char *content_type; /* "" when there was none */
    char *headers;      /* "name: value\n"..., names in lower case */
    bool unsent;        /* failed before the request went out: repeating it is safe */
    char trouble[256];  /* when it failed: "cannot connect to 127.0.0.1:8000: Connection refused" */
};

/* Does one request and blocks the thread until it has ended: for the command line only, never on
 * the loop. No retries, no breaker (request->retries and ->breaker are ignored); `unix_socket`
 * works; on_bytes is called with the pieces of a 2xx body as they come; timeout_ms below 0 means no
 * limit (a stream that is followed). 0 with any HTTP status, else as sl_fetch, with
 * `answer->trouble` set. SL_CANCELLED: on_bytes stopped it. Always free the answer. */
int fetch_blocking(const sl_request *request, struct fetch_answer *answer);
void fetch_answer_free(struct fetch_answer *answer);

/* ---- between the fetcher and its module ---- */

enum { FETCH_MODULE_VERSION = 1 };
#define FETCH_MODULE_SYMBOL "sluice_fetch_module"

struct fetch_engine; /* a libcurl multi handle on one uv loop */
struct fetch_transfer;

/* What the owner of a transfer hears, on the loop's thread, never from inside `start`. */
struct fetch_events {
    void *owner;
    /* A piece of a 2xx body, only when `streams`. false: hold on; call `resume` to go on. The piece
     * is then offered again. */
    bool (*on_piece)(void *owner, const char *bytes, size_t size);
    /* The end. `status` as sl_fetch; the answer is the owner's from now on. */
    void (*on_done)(void *owner, int status, struct fetch_answer *answer);
    bool streams;
};

struct fetch_module {
    uint32_t version, size;
    /* NULL: no memory. `close` cancels what runs, silently; `closed` runs once it is freed. */
    struct fetch_engine *(*open)(uv_loop_t *loop);
    void (*close)(struct fetch_engine *engine, void (*closed)(void *arg), void *arg);
    /* Starts one try. The request is borrowed until on_done or cancel. NULL with `trouble` (256
     * bytes) when the request is wrong. timeout_ms is this try's. */
    struct fetch_transfer *(*start)(struct fetch_engine *engine, const sl_request *request,
                                    const struct fetch_events *events, char *trouble);
    void (*resume)(struct fetch_transfer *transfer);
    void (*cancel)(struct fetch_transfer *transfer); /* on_done will not be called */
    int (*blocking)(const sl_request *request, struct fetch_answer *answer);
};

#endif
