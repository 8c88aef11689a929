/* call.h - the inside of an sl_call. */
#ifndef SLUICE_CORE_CALL_H
#define SLUICE_CORE_CALL_H

#include "arena.h"
#include "loop.h"

#include <sluice/sluice.h>

struct host;
struct op;
struct plugin;
struct http_exchange;
struct reply_header;
struct idempotency;

enum { CALL_MAGIC = 0x5ca11u };

/* Who asks. Borrowed by calls; kept by the token table, or static ("system"). */
struct identity {
    const char *tenant;
    const char *actor;       /* "token:admin", "plugin:rollout", "anonymous" */
    const char *permissions; /* "risk:read deploy:*", "*" */
    uint32_t generation;     /* of the token table, for caches on connections */
    int64_t expires_ms;      /* 0: never */
};

struct trace {
    char trace_id[33], parent_id[17], span_id[17];
    char traceparent[56]; /* what goes to the next server; "" until it is asked for */
    const char *state;    /* tracestate of the caller, or NULL */
    bool sampled;
};

/* What the handler wants over HTTP beside `out`. */
struct reply {
    int http_status;
    const char *content_type; /* set: `bytes` is the body */
    const char *bytes;        /* NULL: `write` writes them */
    size_t size;
    void (*write)(void *arg, char *to);
    void *write_arg;
    const char *etag;
    struct reply_header *headers;
    bool streaming;
};

struct failure {
    int status;
    int retry_after_s;
    char *sentence;
    cJSON *faults; /* errors[]: pointer, detail, suggestion */
};

/* The place of a listener that the first sl_commit of its handler saves with its batch. */
struct cursor_claim {
    const char *listener; /* "plugin.name"; NULL once saved */
    int64_t seq;
};

struct sl_call {
    unsigned magic;
    struct host *host;
    struct plugin *plugin; /* whose code runs; NULL: the core */
    const struct op *op;
    struct sl_call *parent;
    struct identity who;
    struct arena *arena;
    struct arena *lasting; /* inside sl_scratch: what lasts as long as the call; else NULL */
    int64_t deadline_ns;   /* monotonic; INT64_MAX: none */
    struct wait *waiting;  /* what cancelling may cut short */
    int cancelled;         /* 0, or SL_CANCELLED */
    char request_id[129];
    struct trace trace;
    struct failure failure;
    struct reply reply;
    struct http_exchange *http; /* NULL inside the platform */
    const void *body;
    size_t body_size;
    struct idempotency *idempotency; /* NULL: the caller sent no key */
    struct cursor_claim *claim;      /* NULL: not a listener */
    cJSON *out;                      /* the answer being filled */
    struct sl_call *next_background; /* in host->background */
};

/* A call of the platform itself (or of `plugin`), for `tenant` (NULL: "system"). */
void call_init(struct sl_call *call, struct host *host, struct plugin *plugin, struct arena *arena);
/* Parks in a way that cancelling and the call's deadline cut short: SL_CANCELLED or SL_TIMEOUT. The
 * caller must then make sure that nobody calls wait_done on it later. */
int call_park(struct sl_call *call, struct wait *wait);
void call_cancel(struct sl_call *call); /* the client left, or the server drains */

/* Memory that lasts as long as the call, also inside sl_scratch. */
static inline struct arena *call_lasting(const struct sl_call *call) {
    return call->lasting ? call->lasting : call->arena;
}

bool permission_granted(const char *granted, const char *needed); /* "risk:*" grants "risk:read" */

#endif
