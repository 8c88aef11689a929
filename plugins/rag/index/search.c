#include "search.h"

#include "answer.h"
#include "bm25.h"
#include "nearby.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>

/* ---- candidates: the documents that BM25 alone finds best ---- */

static void fold_passages(struct search *s, int k) {
    const struct segment *segment = s->question.version->segments[k];
    const float *sums = s->sums[PASSAGES][k];
    uint32_t u = 0;
    for (uint32_t p = 0; p < segment->page_count; p++) {
        float most = 0;
        for (; u < segment->passage_from[p + 1]; u++) most = sums[u] > most ? sums[u] : most;
        s->best[k][p] = most;
    }
}

/* The unit of the page's best passage; 0: no passage holds a word of the question. */
static uint32_t best_unit(const struct search *s, int k, uint32_t p) {
    const uint32_t from = s->question.version->segments[k]->passage_from[p];
    uint32_t u = 0;
    if (!(s->best[k][p] > 0)) return 0;
    while (s->sums[PASSAGES][k][from + u] < s->best[k][p]) u++;
    return u + 1;
}

/* A heap with the worst on top. */
static void sink(struct candidate *heap, uint32_t count, uint32_t at) {
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && candidate_worse(&heap[child + 1], &heap[child])) child++;
        if (!candidate_worse(&heap[child], &heap[at])) return;
        const struct candidate swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

static void offer(struct search *s, const struct candidate *c) {
    if (s->count < CANDIDATES) {
        s->candidates[s->count++] = *c;
        if (s->count == CANDIDATES)
            for (uint32_t i = CANDIDATES / 2; i-- > 0;) sink(s->candidates, CANDIDATES, i);
    } else if (candidate_worse(&s->candidates[0], c)) {
        s->candidates[0] = *c;
        sink(s->candidates, CANDIDATES, 0);
    }
}

static void choose(struct search *s, int k, const struct rag_parts *most) {
    const struct segment *segment = s->question.version->segments[k];
    const struct rag_tuning *t = &s->question.version->shared->tuning;
    const float by_page = most->page > 0 ? t->page_weight / most->page : 0;
    const float by_passage = most->passage > 0 ? 1 / most->passage : 0;
    const float by_meaning = most->meaning > 0 ? t->meaning_weight / most->meaning : 0;
    for (uint32_t p = 0; p < segment->page_count; p++) {
        const float page = s->sums[PAGES][k][p], meaning = s->meant[k] ? s->meant[k][p] : 0;
        const float score = by_page * page + by_passage * s->best[k][p] + by_meaning * meaning;
        if (!(score > 0) || !bit_at(s->open[k], p)) continue;
        if (s->count == CANDIDATES && score < s->candidates[0].score) continue;
        offer(s, &(const struct candidate){.page = segment->pages[p],
                                           .segment = (uint32_t)k,
                                           .number = p,
                                           .parts = {.page = page, .passage = s->best[k][p]},
                                           .score = score});
    }
}

static void find_most(const struct search *s, int k, struct rag_parts *most) {
    const struct segment *segment = s->question.version->segments[k];
    for (uint32_t p = 0; p < segment->page_count; p++) {
        if (!bit_at(s->open[k], p)) continue;
        const float passage = s->best[k][p];
        if (s->sums[PAGES][k][p] > most->page) most->page = s->sums[PAGES][k][p];
        if (passage > most->passage) most->passage = passage;
        if (s->meant[k] && s->meant[k][p] > most->meaning) most->meaning = s->meant[k][p];
    }
}

static bool make_room(struct search *s) {
    for (int k = 0; k < SEGMENTS; k++) {
        const struct segment *segment = s->question.version->segments[k];
        if (!segment) continue;
        for (int level = 0; level < LEVELS; level++) {
            s->sums[level][k] = calloc(segment->levels[level].unit_count + 1U, sizeof(float));
            if (!s->sums[level][k]) return false;
        }
        s->best[k] = malloc((segment->page_count + 1U) * sizeof(float));
        if (!s->best[k]) return false;
    }
    return search_open(s);
}

static void find_candidates(struct search *s) {
    struct rag_parts most = {0};
    bm25_add(&s->question, PAGES, s->sums[PAGES]);
    bm25_add(&s->question, PASSAGES, s->sums[PASSAGES]);
    for (int k = 0; k < SEGMENTS; k++) {
        if (!s->question.version->segments[k]) continue;
        fold_passages(s, k);
        find_most(s, k, &most);
    }
    for (int k = 0; k < SEGMENTS; k++)
        if (s->question.version->segments[k]) choose(s, k, &most);
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        c->unit = best_unit(s, (int)c->segment, c->number);
    }
}

static void search_fini(struct search *s) {
    for (int k = 0; k < SEGMENTS; k++) {
        for (int level = 0; level < LEVELS; level++) free(s->sums[level][k]);
        free(s->best[k]);
        free(s->open[k]);
        free(s->meant[k]);
        free(s->meant_unit[k]);
    }
    free(s);
}

int rag_search(struct rag_version *version, const struct rag_query *query,
               struct rag_result **out) {
    *out = NULL;
    if (query->label_count > RAG_MAX_LABELS) return RAG_LIMIT;
    struct search *s = calloc(1, sizeof *s);
    if (!s) return RAG_NO_MEMORY;
    s->query = query;
    int rc = question_read(version, query->text, &s->question);
    if (!rc && !make_room(s)) rc = RAG_NO_MEMORY;
    if (!rc) rc = nearby_find(s);
    if (!rc) {
        find_candidates(s);
        if (signals_weigh(s)) *out = answer_of(s);
        if (!*out) rc = RAG_NO_MEMORY;
    }
    search_fini(s);
    return rc;
}

void rag_result_free(struct rag_result *result) {
    free(result);
}
