/* base.h - words that every other public header uses: results, sizes, visibility.
 *
 * Rules that hold for the whole API
 * 1. A function that can fail returns 0, or one of the codes below, and has then told the call what
 *    to say to the user (sl_fail). A handler passes the code on: `if (rc) return rc;`.
 * 2. "Suspends" in a comment means: the fiber may wait here while the loop serves others. Such a
 *    call returns exactly once, and honours the call's deadline and cancellation.
 * 3. Memory that a function returns belongs to the call's arena and goes with the call, unless the
 *    comment says "kept". Nothing is freed by the plugin that the host has allocated.
 * 4. Strings are UTF-8 and end in NUL. Times are milliseconds since 1970 (UTC) in int64_t.
 * 5. Public structs only grow at their end, enums only at their end (see abi.h).
 */
#ifndef SLUICE_BASE_H
#define SLUICE_BASE_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#define SL_API               __attribute__((visibility("default")))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define SL_KIB(n) ((double)(n)*1024.0)
#define SL_MIB(n) ((double)(n)*1048576.0)

/* Ends a table of fields, operations, listeners, jobs, metrics or migrations. */
#define SL_END                                                                                     \
    { 0 }

/* One call in progress: who asks, for which tenant, until when; its memory and its log lines. */
typedef struct sl_call sl_call;

/* Results. Over HTTP each is one status and one problem type (docs/errors.md). */
enum sl_status {
    SL_OK = 0,
    SL_INVALID = 1,         /* 400 the input is wrong; errors[] says where */
    SL_UNAUTHENTICATED = 2, /* 401 no token, or one that is not known */
    SL_DENIED = 3,          /* 403 known, but not permitted */
    SL_NOT_FOUND = 4,       /* 404 */
    SL_CONFLICT = 5,        /* 409 the state has moved on, or the name is taken */
    SL_STALE = 6,           /* 412 If-Match names an older version */
    SL_MISMATCH = 7,        /* 422 the Idempotency-Key was used with another body */
    SL_TOO_LARGE = 8,       /* 413 */
    SL_LIMIT = 9,           /* 429 a rate or quota is used up */
    SL_TIMEOUT = 10,        /* 504 the deadline passed */
    SL_CANCELLED = 11,      /* 499 the client left, or the server drains */
    SL_UNAVAILABLE = 12,    /* 503 a part that is needed is down (disk full, plugin failed) */
    SL_UNSUPPORTED = 13,    /* 415 this content type or feature is not served */
    SL_INTERNAL = 14,       /* 500 a fault of ours */
    SL_PRECONDITION = 15    /* 428 If-Match or Idempotency-Key is required here */
};

/* The short name used in problem+json `code` and in logs: "invalid", "not_found"... Never NULL. */
SL_API const char *sl_status_name(int status);

#endif
