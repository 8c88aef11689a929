/* event.h - the durable log as a plugin sees it: emit in a batch, listen by a row (plugin.h).
 *
 * An event is appended in the same transaction as the change it tells of (sl_batch_emit), so
 * nothing acknowledged is lost and nothing is told that did not happen. Order is the order of
 * commits. The log is hash-chained: each row carries SHA-256 over the row before it and its own
 * content.
 */
#ifndef SLUICE_EVENT_H
#define SLUICE_EVENT_H

#include <sluice/base.h>

typedef struct sl_event {
    int64_t seq;      /* place in the log, rising; the SSE id and the paging cursor */
    int64_t at_ms;    /* when it was committed */
    const char *type; /* "deployment.requested": noun.past-participle */
    const char *tenant;
    const char *actor;   /* who caused it: "user:ada", "token:ci", "plugin:rollout" */
    const char *subject; /* what it is about: "deployment/42" */
    const char *request_id;
    const cJSON *data; /* an object */
    int32_t attempt;   /* 1 for the first delivery */
    int32_t reserved_number;
    const void *reserved[2];
} sl_event;

/* Tells listeners and live streams of this worker now, keeps nothing. For ticks and cache hints.
 * Takes `data` (may be NULL). Does not suspend. */
SL_API void sl_emit_ephemeral(sl_call *call, const char *type, const char *subject, cJSON *data);

#endif
