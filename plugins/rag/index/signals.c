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

/* Letters are looked at in the likeliest candidates only, and there in the likeliest passages: it takes
 * longer than all other signals together, and changes nothing further down. */
enum { LETTERED = 60, LETTERED_PASSAGES = 3 };

static float passage_letters(const struct search *s, struct letters *l, const struct candidate *c) {
    const struct segment *segment = s->question.version->segments[c->segment];
    const uint32_t units = c->page->unit_count - 1;
    const float *sums = s->sums[PASSAGES][c->segment] + segment->passage_from[c->number];
    float most = 0, bar = INFINITY;
    for (uint32_t n = 0; n < LETTERED_PASSAGES && n < units; n++) {
        uint32_t best = units;
        for (uint32_t u = 0; u < units; u++)
            if (sums[u] < bar && (best == units || sums[u] > sums[best])) best = u;
        if (best == units) break;
        bar = sums[best];
        most = fmaxf(most, letters_of(l, c->page, best + 1));
    }
    return most;
}

/* The page's likeness and its best passage's, each of the best one's. */
static bool weigh_letters(struct search *s) {
    float whole[LETTERED] = {0}, passage[LETTERED] = {0}, most[LEVELS] = {0};
    const uint32_t count = s->count < LETTERED ? s->count : LETTERED;
    struct letters *l = letters_new(&s->question);
    if (!l) return false;
    for (uint32_t i = 0; i < count; i++) {
        whole[i] = letters_of(l, s->candidates[i].page, 0);
        passage[i] = passage_letters(s, l, &s->candidates[i]);
        most[PAGES] = fmaxf(most[PAGES], whole[i]);
        most[PASSAGES] = fmaxf(most[PASSAGES], passage[i]);
    }
    letters_free(l);
    for (uint32_t i = 0; i < count; i++)
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

static void add_up(struct search *s, float letters, float meaning) {
    const float page = s->question.version->shared->tuning.page_weight;
    s->whole_weight = 1 + page + letters + meaning;
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        c->score = (c->parts.passage + page * c->parts.page + letters * c->parts.letters +
                    meaning * c->parts.meaning) /
                   s->whole_weight;
    }
    qsort(s->candidates, s->count, sizeof s->candidates[0], best_first);
}

bool signals_weigh(struct search *s) {
    const struct rag_tuning *t = &s->question.version->shared->tuning;
    struct rag_parts most = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        most.page = fmaxf(most.page, s->candidates[i].parts.page);
        most.passage = fmaxf(most.passage, s->candidates[i].parts.passage);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->candidates[i];
        c->parts.page = share(c->parts.page, most.page);
        c->parts.passage = share(c->parts.passage, most.passage);
    }
    const char *const meant = weigh_meaning(s);
    const float meaning = meant ? t->meaning_weight : 0;
    s->method = meant ? meant : "bm25+letters";
    add_up(s, 0, meaning);
    if (!weigh_letters(s)) return false;
    add_up(s, 2 * letters_weight(&s->question, t), meaning);
    return true;
}
