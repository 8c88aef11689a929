#include "evidence.h"

#include <math.h>

/* Logistic of coverage: .45 is even odds, .60 four to one (docs/rag.md has the questions). */
static const float middle = 0.45F, steepness = 9.2F, sure = 0.6F;

static bool holds(const struct level *level, uint32_t term, uint32_t unit) {
    uint32_t first = 0;
    const uint32_t count = level_find(level, term, &first), end = first + count;
    uint32_t low = first, high = end;
    while (low < high) {
        const uint32_t middle_one = low + (high - low) / 2;
        if (level->unit[middle_one] < unit)
            low = middle_one + 1;
        else
            high = middle_one;
    }
    return low < end && level->unit[low] == unit;
}

void evidence_of(const struct search *s, struct rag_evidence *out) {
    const struct question *q = &s->question;
    *out = (struct rag_evidence){.terms = q->asked, .unknown = q->unknown};
    if (!s->count || !q->count) return;
    const struct candidate *best = &s->candidates[0];
    const struct level *level = &q->version->segments[best->segment]->levels[PAGES];
    float held = 0, all = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        const uint32_t term = q->terms[i].term;
        if (q->terms[i].kind != ASKED) continue;
        const float idf = term == NAME_NONE ? logf(1 + (float)q->version->statistics.units[PAGES])
                                            : idf_of(&q->version->statistics, PAGES, term);
        all += idf;
        if (term != NAME_NONE && holds(level, term, best->number)) held += idf;
    }
    out->coverage = all > 0 ? held / all : 0;
    out->confidence = 1 / (1 + expf(-steepness * (out->coverage - middle)));
    out->verdict = out->coverage >= sure     ? RAG_ANSWER
                   : out->coverage >= middle ? RAG_UNSURE
                                             : RAG_ABSENT;
}
