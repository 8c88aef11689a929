#include "evidence.h"

#include <math.h>

/*
 * What tells an answer from the nearest page: how much of the largest BM25 that the question could have
 * the best page reaches (synonyms and guessed words included), less for words that are in no document,
 * more for likeness of meaning. Fitted on the answerable and unanswerable questions of README.md,
 * each side weighed alike; `absent` and `sure` are the scores below and above which 15 % and 10 % of
 * the unanswerable ones fall on the wrong side.
 */
static const float unknown_weight = 0.75F, meaning_weight = 0.5F;
static const float steepness = 4.9F, middle = 0.78F, absent = 0.7F, sure = 1;

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

struct sums {
    float asked, held, unknown; /* idf */
};

static struct sums add_up(const struct search *s, const struct candidate *best) {
    const struct question *q = &s->question;
    const struct level *level = &q->version->segments[best->segment]->levels[PAGES];
    /* A word that was never seen weighs like one of a single page. */
    const float stranger = logf(1 + (float)q->version->statistics.units[PAGES]);
    struct sums sums = {0};
    for (uint32_t i = 0; i < q->count; i++) {
        const uint32_t term = q->terms[i].term;
        if (q->terms[i].kind != ASKED) continue;
        if (term == NAME_NONE) {
            sums.asked += stranger;
            sums.unknown += stranger;
            continue;
        }
        const float idf = idf_of(&q->version->statistics, PAGES, term);
        sums.asked += idf;
        if (holds(level, term, best->number)) sums.held += idf;
    }
    return sums;
}

void evidence_of(const struct search *s, struct rag_evidence *out) {
    const struct question *q = &s->question;
    *out = (struct rag_evidence){.terms = q->asked, .unknown = q->unknown};
    if (!s->count) return;
    const struct candidate *best = &s->candidates[0];
    const struct sums sums = add_up(s, best);
    if (!(sums.asked > 0)) return;
    const float reached = s->sums[PAGES][best->segment][best->number] / sums.asked;
    const float score =
        reached - unknown_weight * sums.unknown / sums.asked + meaning_weight * best->likeness;
    out->coverage = sums.held / sums.asked;
    out->confidence = 1 / (1 + expf(-steepness * (score - middle)));
    out->verdict = score >= sure ? RAG_ANSWER : score >= absent ? RAG_UNSURE : RAG_ABSENT;
}
