/* fetch_policy.h - when a request is tried again, how long to wait, and when not to try at all.
 * Pure: time and randomness come from the caller. */
#ifndef SLUICE_CORE_FETCH_POLICY_H
#define SLUICE_CORE_FETCH_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/* GET, HEAD, PUT and DELETE have the same effect once or twice. NULL: GET. */
bool fetch_may_repeat(const char *method);
bool fetch_status_retries(int http_status); /* 429, 502, 503, 504 */

/* Retry-After, in seconds or as an HTTP date: milliseconds from `now_s` on, or -1. */
int64_t fetch_retry_after_ms(const char *value, int64_t now_s);
/* Full jitter: anything from 0 to 100 ms * 2^tries, at most 5 s. `tries`: done so far, from 1. */
int64_t fetch_backoff_ms(int tries, uint64_t random);

/* After BREAKER_FAILURES failures in a row it is open for BREAKER_OPEN_MS; then one request at a
 * time may try, and its success closes it. */
enum { BREAKER_FAILURES = 5, BREAKER_OPEN_MS = 30 * 1000 };

struct breaker {
    int failures;
    int64_t open_until_ms; /* monotonic */
    bool probing;
};

enum breaker_result { BREAKER_GOOD, BREAKER_BAD, BREAKER_UNKNOWN };

bool breaker_allows(struct breaker *breaker, int64_t now_ms); /* true: report the result */
void breaker_report(struct breaker *breaker, enum breaker_result result, int64_t now_ms);
bool breaker_is_open(const struct breaker *breaker);

#endif
