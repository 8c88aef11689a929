#include "suspects.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const double decay_ms = 2400000, off_path = 0.05, floor_score = 0.12;

/* What set outages off, by kind (Google SRE workbook, triggers 2010-2017: binary push 37 %,
 * configuration push 31 %), against the first. */
static const struct {
    const char *kind;
    double factor;
} kinds[] = {{"deployment", 1}, {"step", 1},        {"config", 0.85},
             {"flag", 0.85},    {"database", 0.85}, {"infrastructure", 0.7},
             {"rollback", 0.4}, {"other", 0.6}};

static double kind_factor(const char *kind) {
    for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0) return kinds[i].factor;
    return 0; /* a request, a gate: nothing was changed by it */
}

static double risk_factor(const char *level) {
    if (!level) return 1;
    if (strcmp(level, "LOW") == 0) return 0.8;
    if (strcmp(level, "HIGH") == 0) return 1.3;
    if (strcmp(level, "CRITICAL") == 0) return 1.5;
    return 1;
}

static double split_factor(const struct suspect *s) {
    if (s->new_error_ratio < 0 || s->old_error_ratio < 0) return 1;
    if (s->new_error_ratio > 5 * s->old_error_ratio && s->new_error_ratio > 0.01) return 4;
    return s->new_error_ratio <= s->old_error_ratio ? 0.5 : 1;
}

static void judge(struct suspect *s, int64_t onset_ms) {
    s->recency = exp(-(double)(onset_ms - s->at_ms) / decay_ms);
    s->nearness = s->hops < 0 ? off_path : 1 / (1 + 0.5 * s->hops);
    s->words_factor =
        1 + 0.9 * (s->overlap > 2 ? 2 : s->overlap) + (s->first_error_service ? 0.6 : 0);
    s->kind_factor = kind_factor(s->kind);
    s->risk_factor = risk_factor(s->risk_level);
    s->split_factor = split_factor(s);
    s->score = s->recency * s->nearness * s->words_factor * s->kind_factor * s->risk_factor *
               s->split_factor;
}

static int best_first(const void *a, const void *b) {
    const struct suspect *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return strcmp(x->id, y->id);
}

size_t suspects_rank(struct suspect *suspects, size_t n, int64_t onset_ms,
                     const struct elsewhere *elsewhere, const char **why_none) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (suspects[i].at_ms > onset_ms) continue;
        judge(&suspects[i], onset_ms);
        if (suspects[i].score > 0.001) suspects[kept++] = suspects[i];
    }
    if (kept) qsort(suspects, kept, sizeof *suspects, best_first);
    *why_none = NULL;
    if (!kept)
        *why_none = "no change on these services came before the onset";
    else if (suspects[0].score < floor_score)
        *why_none = "no change is near enough in time and path to be named";
    else if (suspects[0].split_factor > 1)
        return kept; /* the versions differ: nothing else explains that */
    else if (elsewhere->certificate)
        *why_none = "new log patterns speak of a certificate";
    else if (elsewhere->rate_limit)
        *why_none = "new log patterns speak of a rate limit";
    else if (elsewhere->upstream)
        *why_none = "new log patterns speak of somebody else's service";
    else if (elsewhere->traffic_ratio > 2)
        *why_none = "there is more than twice the traffic";
    return kept;
}

int words_shared(const char *text, const char *pattern) {
    enum { WORD_LEAST = 4 };
    int shared = 0;
    for (const char *p = text; p && *p;) {
        while (*p && !isalpha((unsigned char)*p)) p++;
        size_t n = 0;
        while (isalpha((unsigned char)p[n])) n++;
        for (const char *q = pattern; n >= WORD_LEAST && *q; q++) {
            if (strncasecmp(q, p, n) != 0) continue;
            shared++;
            break;
        }
        p += n;
    }
    return shared;
}
