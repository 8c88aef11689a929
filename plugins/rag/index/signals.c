#include "signals.h"

#include "dense.h"
#include "letters.h"
#include "nearby.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool candidate_worse(const struct candidate *a, const struct candidate *b) {
    if (a->score < b->score || a->score > b->score) return a->score < b->score;
    return strcmp(a->page->id, b->page->id) > 0;
}

static int best_first(const void *a, const void *b) {
    return candidate_worse(a, b) ? 1 : candidate_worse(b, a) ? -1 : 0;
}

static float share(float value, float most) {
    return most > 0 && value > 0 ? value / most : 0;
}

/* How much letters count: more where words are unknown or made of several. */
static float letters_weight(const struct question *q, const struct rag_tuning *t) {
    const float unknown = q->asked ? (float)q->unknown / (float)q->asked : 0;
    const float made = q->about.runs ? (float)q->about.identifiers / (float)q->about.runs : 0;
    return t->letters_least + (t->letters_most - t->letters_least) * fminf(1, 2 * unknown + made);
}

/* The page's likeness and its best passage's, each of the best one's. */
static bool weigh_letters(struct search *s) {
    float whole[CANDIDATES] = {0}, passage[CANDIDATES] = {0}, most[LEVELS] = {0};
    struct letters *l = letters_new(&s->question);
    if (!l) return false;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct page *page = s->candidates[i].page;
        whole[i] = letters_of(l, page, 0);
        for (uint32_t u = 1; u < page->unit_count; u++)
            passage[i] = fmaxf(passage[i], letters_of(l, page, u));
        most[PAGES] = fmaxf(most[PAGES], whole[i]);
        most[PASSAGES] = fmaxf(most[PASSAGES], passage[i]);
    }
    letters_free(l);
    for (uint32_t i = 0; i < s->count; i++)
        s->candidates[i].parts.letters =
            (share(whole[i], most[PAGES]) + share(passage[i], most[PASSAGES])) / 2;
    return true;
}

/* The learnt model's cosine of each candidate; false: there is none. */
static bool compare_learnt(struct search *s) {
    const struct rag_version *v = s->question.version;
    float vector[RAG_MODEL_DIMENSION];
    int8_t rounded[RAG_MODEL_DIMENSION];
    if (!v->model || !question_embed(&s->question, vector)) return false;
    const float step = dense_round(vector, v->model->dimension, rounded);
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        const struct segment *segment = v->segments[c->segment];
        const int8_t *row = segment->vectors + (size_t)c->number * v->model->dimension;
        c->likeness =
            (float)dense_dot8(rounded, row, v->model->dimension) * step * segment->steps[c->number];
    }
    return true;
}

static bool compare_nearby(struct search *s) {
    if (!s->meant[0] && !s->meant[1]) return false;
    for (uint32_t i = 0; i < s->count; i++)
        s->candidates[i].parts.meaning = nearby_of(s, &s->candidates[i]);
    return true;
}

/* Vectors from outside take the place of what was learnt; evidence goes by the latter all the same,
 * since its scale is known. */
static const char *weigh_meaning(struct search *s) {
    float most = 0;
    const bool learnt = compare_learnt(s), nearby = compare_nearby(s);
    if (!nearby && !learnt) return NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        if (!nearby) c->parts.meaning = c->likeness;
        most = fmaxf(most, c->parts.meaning);
    }
    for (uint32_t i = 0; i < s->count; i++)
        s->candidates[i].parts.meaning = share(s->candidates[i].parts.meaning, most);
    return nearby ? "bm25+letters+vectors" : "bm25+letters+lsa";
}

bool signals_weigh(struct search *s) {
    const struct rag_tuning *t = &s->question.version->shared->tuning;
    struct rag_parts most = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        most.page = fmaxf(most.page, s->candidates[i].parts.page);
        most.passage = fmaxf(most.passage, s->candidates[i].parts.passage);
    }
    if (!weigh_letters(s)) return false;
    const char *const meant = weigh_meaning(s);
    const float letters = 2 * letters_weight(&s->question, t);
    const float meaning = meant ? t->meaning_weight : 0;
    s->whole_weight = 1 + t->page_weight + letters + meaning;
    s->method = meant ? meant : "bm25+letters";
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        c->parts.page = share(c->parts.page, most.page);
        c->parts.passage = share(c->parts.passage, most.passage);
        c->score = (c->parts.passage + t->page_weight * c->parts.page + letters * c->parts.letters +
                    meaning * c->parts.meaning) /
                   s->whole_weight;
    }
    qsort(s->candidates, s->count, sizeof s->candidates[0], best_first);
    return true;
}
