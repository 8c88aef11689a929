#include "finding.h"

#include <stdlib.h>

void finding_add(struct findings *f, const struct finding *added) {
    struct finding *lightest = &f->items[0];
    for (uint32_t i = 0; i < f->count; i++) {
        struct finding *item = &f->items[i];
        if (item->id == added->id && item->file == added->file) {
            item->count++;
            return;
        }
        if (item->severity < lightest->severity) lightest = item;
    }
    struct finding *place = NULL;
    if (f->count < FINDINGS_KEPT)
        place = &f->items[f->count++];
    else if (lightest->severity < added->severity)
        place = lightest;
    f->dropped += f->count == FINDINGS_KEPT && place != &f->items[FINDINGS_KEPT - 1];
    if (!place) return;
    *place = *added;
    place->count = 1;
}

enum risk_level findings_level(const struct findings *f) {
    static const enum risk_level levels[] = {LEVEL_LOW, LEVEL_MED, LEVEL_HIGH, LEVEL_CRITICAL};
    enum risk_level level = LEVEL_LOW;
    for (uint32_t i = 0; i < f->count; i++)
        if (levels[f->items[i].severity] > level) level = levels[f->items[i].severity];
    return level;
}

static int gravest_first(const void *a, const void *b) {
    const struct finding *x = a, *y = b;
    if (x->severity != y->severity) return x->severity < y->severity ? 1 : -1;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

void findings_sort(struct findings *f) {
    qsort(f->items, f->count, sizeof f->items[0], gravest_first);
}

const char *severity_name(enum severity severity) {
    static const char *const names[] = {"info", "medium", "high", "critical"};
    return names[severity];
}
