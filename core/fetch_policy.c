#include "fetch_policy.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

bool fetch_may_repeat(const char *method) {
    static const char *const repeatable[] = {"GET", "HEAD", "PUT", "DELETE"};
    if (!method) return true;
    for (size_t i = 0; i < sizeof repeatable / sizeof *repeatable; i++)
        if (strcmp(method, repeatable[i]) == 0) return true;
    return false;
}

bool fetch_status_retries(int http_status) {
    return http_status == 429 || (http_status >= 502 && http_status <= 504);
}

static int64_t seconds_of(const char *value) {
    int64_t seconds = 0;
    size_t digits = strspn(value, "0123456789");
    if (!digits || digits > 9 || value[digits]) return -1;
    for (size_t i = 0; i < digits; i++) seconds = seconds * 10 + (value[i] - '0');
    return seconds;
}

int64_t fetch_retry_after_ms(const char *value, int64_t now_s) {
    int64_t seconds = seconds_of(value);
    if (seconds >= 0) return seconds * 1000;
    struct tm at = {0};
    const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &at);
    if (!end || *end) return -1;
    int64_t left = (int64_t)timegm(&at) - now_s;
    return left > 0 ? left * 1000 : 0;
}

int64_t fetch_backoff_ms(int tries, uint64_t random) {
    enum { FIRST_MS = 100, MOST_MS = 5000 };
    uint64_t most = FIRST_MS;
    for (int i = 0; i < tries && most < MOST_MS; i++) most *= 2;
    if (most > MOST_MS) most = MOST_MS;
    return (int64_t)(random % (most + 1));
}

bool breaker_is_open(const struct breaker *breaker) {
    return breaker->failures >= BREAKER_FAILURES;
}

bool breaker_allows(struct breaker *breaker, int64_t now_ms) {
    if (!breaker_is_open(breaker)) return true;
    if (now_ms < breaker->open_until_ms || breaker->probing) return false;
    breaker->probing = true;
    return true;
}

void breaker_report(struct breaker *breaker, enum breaker_result result, int64_t now_ms) {
    breaker->probing = false;
    if (result == BREAKER_UNKNOWN) return;
    if (result == BREAKER_GOOD) {
        breaker->failures = 0;
        return;
    }
    if (breaker->failures < BREAKER_FAILURES) breaker->failures++;
    if (breaker_is_open(breaker)) breaker->open_until_ms = now_ms + BREAKER_OPEN_MS;
}
