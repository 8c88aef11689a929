/* fetch.h - HTTP requests to others: pooled connections, retries with jitter, a circuit breaker. */
#ifndef SLUICE_FETCH_H
#define SLUICE_FETCH_H

#include <sluice/base.h>

typedef struct sl_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;    /* http:// or https://; other schemes are refused */
    const char *const
        *headers; /* "Name: value", ended by NULL; may be NULL. traceparent is added */
    const void *body;
    size_t body_size;
    int64_t timeout_ms; /* whole request with its retries; 0: 10,000; the deadline caps it */
    int64_t connect_timeout_ms; /* 0: 2,000 */
    size_t max_bytes;           /* of the answer's body; 0: 8 MiB; more is SL_TOO_LARGE */
    uint32_t retries; /* further tries after 429, 502, 503, 504 or a broken connection, for
                         methods that may be repeated (GET HEAD PUT DELETE), 0..5 */
    uint32_t flags;
    const char *ca_file;     /* NULL: the system's */
    const char *unix_socket; /* connect to this socket in place of the URL's host */
    const char *breaker; /* name: after 5 failures in a row, fails at once for 30 s; NULL: none */
    /* Called with each piece of a 2xx body as it comes, in the fiber; nonzero stops the transfer.
     * The body is then not collected. */
    int (*on_bytes)(void *arg, const char *bytes, size_t size);
    void *on_bytes_arg;
    const void *reserved[4];
} sl_request;

typedef struct sl_response {
    int32_t status; /* HTTP status, any */
    int32_t tries;
    const char *body; /* NUL after the last byte; in the call's arena */
    size_t body_size;
    const char *content_type;
    const char *headers; /* "Name: value\n"..., names lower case */
    const void *reserved[2];
} sl_response;

/* Suspends. 0 with any HTTP status; SL_UNAVAILABLE: no connection, broken, or breaker open;
 * SL_TIMEOUT; SL_TOO_LARGE; SL_CANCELLED; SL_INVALID: the request itself is wrong. */
SL_API int sl_fetch(sl_call *call, const sl_request *request, sl_response *response);
/* A header of the answer, or NULL. `name` in lower case. In the call's arena. */
SL_API const char *sl_response_header(sl_call *call, const sl_response *response, const char *name);

#endif
