/* reply.h - what a handler says over HTTP beside its answer: status, headers, ETag, streams. */
#ifndef SLUICE_CORE_REPLY_H
#define SLUICE_CORE_REPLY_H

#include "call.h"
#include "http.h"

/* Header lines of an answer, in the call's arena. `type` may be NULL. */
struct http_span reply_headers(struct sl_call *call, int status, const char *type);
/* The body that the handler has set, also when it is still to be written; in the arena. */
const char *reply_bytes(struct sl_call *call);
/* Does If-None-Match name the answer's ETag? */
bool reply_not_modified(const struct sl_call *call);

#endif
