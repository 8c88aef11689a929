/* idempotency.h - the Idempotency-Key: a repeated request gets the stored answer, not a second
 * effect.
 *
 * The dispatcher calls idempotency_begin before the handler and idempotency_end after it. In
 * between, the first sl_commit of the call stores the answer so far in the same transaction as the
 * effect. Rows live for 24 hours, per tenant. */
#ifndef SLUICE_CORE_IDEMPOTENCY_H
#define SLUICE_CORE_IDEMPOTENCY_H

#include "call.h"

enum { IDEMPOTENCY_KEY_MAX_BYTES = 255 };

struct idempotency_replay {
    int http_status;          /* 0: nothing is stored, run the handler */
    const char *content_type; /* NULL: the JSON of an operation */
    const char *body;         /* in the call's arena, ends in NUL */
    size_t size;
};

/* Looks the key up, and claims it for this call. 0 (see replay->http_status), or a told failure:
 * SL_MISMATCH (the key came with another operation or body), SL_CONFLICT with Retry-After (a
 * request with this key still runs), SL_INVALID (empty, too long, not printable), or that of the
 * store. May suspend. */
int idempotency_begin(struct sl_call *call, const char *key, const char *op, const void *body,
                      size_t size, struct idempotency_replay *replay);
/* Gives the claim up; call it once after each begin that returned 0, also after a replay. `status`
 * is the handler's result: a success that committed nothing is stored now. May suspend. */
void idempotency_end(struct sl_call *call, int status);

/* For sl_commit: adds the row of the answer so far to the call's batch. */
void idempotency_save(struct sl_call *call, sl_batch *batch);
/* After that batch has been committed. */
void idempotency_saved(struct sl_call *call);

#endif
