/* call.h - one call in progress: who asks, its memory, its failure, calls to other operations. */
#ifndef SLUICE_CALL_H
#define SLUICE_CALL_H

#include <sluice/base.h>

/* ---- who and when; borrowed for the life of the call ---- */
SL_API const char *sl_tenant(const sl_call *call);
SL_API const char *sl_actor(const sl_call *call); /* "token:ci", "plugin:rollout" */
SL_API const char *sl_request_id(const sl_call *call);
SL_API const char *sl_traceparent(const sl_call *call); /* W3C, for requests that go on from here */
SL_API int sl_can(const sl_call *call, const char *permission); /* 1 or 0 */
SL_API int64_t sl_now_ms(const sl_call *call);   /* wall clock; a test moves it by hand */
SL_API int64_t sl_clock_ns(const sl_call *call); /* monotonic, for measuring */
SL_API int64_t sl_left_ms(const sl_call *call);  /* until the deadline; INT64_MAX: none */

/* ---- state of the plugin whose code runs; set in start, freed in stop by the plugin ---- */
SL_API void sl_set_state(sl_call *call, void *state);
SL_API void *sl_state(const sl_call *call);

/* ---- memory of the call: aligned to 16, zeroed, gone with the call, never NULL ---- */
SL_API void *sl_alloc(sl_call *call, size_t size);
SL_API char *sl_strdup(sl_call *call, const char *text);
SL_API char *sl_strndup(sl_call *call, const char *text, size_t size);
SL_API char *sl_printf(sl_call *call, const char *format, ...) SL_PRINTF(2, 3);

/* A random id, 26 characters, rises with time (ULID). */
SL_API const char *sl_new_id(sl_call *call);

/* SHA-256 of `size` bytes as 64 hexadecimal digits and NUL. Pure: also inside sl_offload. */
SL_API void sl_sha256(const void *data, size_t size, char hex[65]);

/* ---- failing ----
 * Sets the sentence that the user reads and returns `status`, so that a handler ends with
 * `return sl_fail(call, SL_NOT_FOUND, "no deployment %s", id)`. Say what was wrong, where, what was
 * expected, and the fix. The last one told wins. */
SL_API int sl_fail(sl_call *call, int status, const char *format, ...) SL_PRINTF(3, 4);
/* Adds one item to errors[]: `pointer` is a JSON pointer into the input ("/config/image"),
 * `suggestion` the fix or NULL. Follow with sl_fail(). */
SL_API void sl_fault(sl_call *call, const char *pointer, const char *suggestion, const char *format,
                     ...) SL_PRINTF(4, 5);
/* Sets Retry-After, in seconds, of a failure. */
SL_API void sl_retry_after(sl_call *call, int seconds);
/* The sentence and code of the last failure of this call ("" and 0 when there was none). */
SL_API const char *sl_failure(const sl_call *call);
SL_API int sl_failure_status(const sl_call *call);

/* ---- other operations ----
 * Runs an operation by name with the plugin's own authority: same tenant, actor, deadline and
 * trace; the caller's permission for it is not asked. `in` may be NULL and is borrowed; `*out` is
 * an object in the call's arena. On failure the call carries the callee's sentence. Suspends when
 * the callee does. SL_NOT_FOUND: no such operation; SL_UNAVAILABLE: its plugin is down. */
SL_API int sl_invoke(sl_call *call, const char *op, const cJSON *in, cJSON **out);
/* The same, but asks the caller's permission first: for names that come from outside. */
SL_API int sl_invoke_as_caller(sl_call *call, const char *op, const cJSON *in, cJSON **out);
/* 1 when the operation is served here, else 0. */
SL_API int sl_has_op(const sl_call *call, const char *op);

/* ---- the HTTP side, where there is one ---- */
SL_API const void *sl_body(const sl_call *call,
                           size_t *size); /* raw bytes of the request; may be NULL */
SL_API const char *sl_header(const sl_call *call, const char *name); /* request header or NULL */
SL_API void sl_reply_status(sl_call *call, int http_status);         /* of a success; default 200 */
SL_API void sl_reply_header(sl_call *call, const char *name, const char *value);
/* Answers with these bytes in place of `out`. Copies. */
SL_API void sl_reply_bytes(sl_call *call, const char *content_type, const void *bytes, size_t size);
/* Strong ETag of the answer, unquoted ("v7"). A GET whose If-None-Match names it becomes 304. */
SL_API void sl_reply_etag(sl_call *call, const char *version);
/* The version named by If-Match, unquoted, "*" included; NULL when there is none. */
SL_API const char *sl_if_match(const sl_call *call);

/* ---- Server-Sent Events ----
 * 1 when the client asked for text/event-stream and the operation has SL_OP_STREAMS. */
SL_API int sl_wants_stream(const sl_call *call);
SL_API int sl_stream_open(sl_call *call);
/* Sends one event; `id` and `event` may be NULL, `data` may hold newlines. Suspends while the
 * client is slow. SL_CANCELLED: the client left. */
SL_API int sl_stream_send(sl_call *call, const char *id, const char *event, const char *data);

#endif
