#include "timeline.h"

#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_LEAST_MS = 2000, /* less is the ordinary difference of clocks kept by NTP, and rounding */
    REPEAT_MS = 600000
};

static int compare(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "");
}

static int by_id(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    const int ids = compare(x->id, y->id);
    if (ids) return ids;
    if (x->arrived_ms != y->arrived_ms) return x->arrived_ms < y->arrived_ms ? -1 : 1;
    return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

/* Within one instant: what may cause stands before what it may have caused. */
static int rank(const char *kind) {
    static const char *const kinds[] = {"change", "gate",  "symptom", "alert",
                                        "slo",    "state", "update",  "note"};
    for (int i = 0; i < (int)(sizeof kinds / sizeof *kinds); i++)
        if (compare(kind, kinds[i]) == 0) return i;
    return 99;
}

static int by_time(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
    const int kinds = rank(x->kind) - rank(y->kind);
    return kinds ? kinds : compare(x->id, y->id);
}

static size_t drop_twins(struct line *lines, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && compare(lines[kept - 1].id, lines[i].id) == 0) continue;
        lines[kept] = lines[i];
        if (!lines[kept].count) lines[kept].count = 1;
        if (lines[kept].last_ms < lines[kept].at_ms) lines[kept].last_ms = lines[kept].at_ms;
        kept++;
    }
    return kept;
}

/* Nothing arrives before it happens: what a source is seen ahead at most is its clock's error. */
static void set_clocks(struct line *lines, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (lines[i].moved) continue;
        int64_t ahead = 0;
        for (size_t j = i; j < n; j++) {
            if (compare(lines[j].source, lines[i].source) != 0 || !lines[j].arrived_ms) continue;
            const int64_t by = lines[j].at_ms - lines[j].arrived_ms;
            if (by > ahead) ahead = by;
        }
        bool first = true; /* sources repeat: do each once */
        for (size_t j = 0; j < i && first; j++)
            first = compare(lines[j].source, lines[i].source) != 0;
        if (!first || ahead < AHEAD_LEAST_MS) continue;
        for (size_t j = i; j < n; j++) {
            if (compare(lines[j].source, lines[i].source) != 0) continue;
            lines[j].at_ms -= ahead;
            lines[j].last_ms -= ahead;
            lines[j].moved = true;
        }
    }
}

static bool repeats(const struct line *before, const struct line *line) {
    return compare(before->source, line->source) == 0 && compare(before->kind, line->kind) == 0 &&
           compare(before->text, line->text) == 0 && !line->original && !before->original &&
           line->at_ms - before->last_ms <= REPEAT_MS;
}

static size_t collapse(struct line *lines, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct line *before = kept ? &lines[kept - 1] : NULL;
        if (before && repeats(before, &lines[i])) {
            before->count += lines[i].count;
            if (lines[i].last_ms > before->last_ms) before->last_ms = lines[i].last_ms;
            before->pinned |= lines[i].pinned;
            continue;
        }
        lines[kept++] = lines[i];
    }
    return kept;
}

size_t timeline_arrange(struct line *lines, size_t n) {
    if (!n) return 0;
    qsort(lines, n, sizeof *lines, by_id);
    n = drop_twins(lines, n);
    set_clocks(lines, n);
    qsort(lines, n, sizeof *lines, by_time);
    return collapse(lines, n);
}
