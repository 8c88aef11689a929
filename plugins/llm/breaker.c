#include "breaker.h"

bool breaker_allows(struct breaker *breaker, int64_t now_ms) {
    if (breaker->failures < LLM_BREAKER_FAILURES) return true;
    if (now_ms < breaker->open_until_ms || breaker->probing) return false;
    breaker->probing = true;
    return true;
}

void breaker_report(struct breaker *breaker, bool good, int64_t now_ms) {
    breaker->probing = false;
    if (good) {
        breaker->failures = 0;
        return;
    }
    if (breaker->failures < LLM_BREAKER_FAILURES) breaker->failures++;
    if (breaker->failures >= LLM_BREAKER_FAILURES)
        breaker->open_until_ms = now_ms + LLM_BREAKER_OPEN_MS;
}

void breaker_unknown(struct breaker *breaker) {
    breaker->probing = false;
}

const char *breaker_name(const struct breaker *breaker, int64_t now_ms) {
    if (breaker->failures < LLM_BREAKER_FAILURES) return "closed";
    return now_ms < breaker->open_until_ms ? "open" : "half-open";
}
