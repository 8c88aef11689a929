/* breaker.h - leaves a provider alone that keeps failing. Also answers that are no answers count,
 * which is why it is not the HTTP client's. Pure: the time is given. */
#ifndef LLM_BREAKER_H
#define LLM_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { LLM_BREAKER_FAILURES = 5, LLM_BREAKER_OPEN_MS = 30 * 1000 };

struct breaker {
    int failures; /* in a row */
    int64_t open_until_ms;
    bool probing; /* one request at a time tries, once the time is over */
};

bool breaker_allows(struct breaker *breaker, int64_t now_ms); /* true: report how it ended */
void breaker_report(struct breaker *breaker, bool good, int64_t now_ms);
void breaker_unknown(struct breaker *breaker); /* it was cut short by the caller */
const char *breaker_name(const struct breaker *breaker,
                         int64_t now_ms); /* closed, open, half-open */

#endif
