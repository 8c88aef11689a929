#include "query.h"

#include "promql.h"
#include "spelling.h"

#include <libstemmer.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct question *question;
    const struct dictionary *dictionary;
    struct sb_stemmer *stemmer;     /* the dictionary's own is the writer's */
    struct stem stems[QUERY_TERMS]; /* of the question's words, in `text` */
    uint32_t stem_count;
    char text[2 * RAG_MAX_QUERY];
    size_t text_used;
    uint64_t strangers[QUERY_TERMS]; /* hashes of stems in no document, so that each counts once */
};

float idf_of(const struct statistics *s, enum level_name level, uint32_t term) {
    const float all = (float)s->units[level];
    const float df = term < s->term_count ? (float)s->df[level][term] : 0;
    return logf(1 + (all - df + 0.5F) / (df + 0.5F));
}

static uint64_t hash(const char *text, size_t len) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return h;
}

static void add_term(struct reading *r, struct query_term term, uint64_t stranger) {
    struct question *q = r->question;
    for (uint32_t i = 0; i < q->count; i++)
        if (q->terms[i].term == term.term &&
            (term.term != NAME_NONE || r->strangers[i] == stranger)) {
            if (term.kind == ASKED) q->terms[i].weight += term.weight;
            return;
        }
    if (q->count == QUERY_TERMS) return;
    r->strangers[q->count] = stranger;
    q->terms[q->count++] = term;
    q->asked += term.kind == ASKED;
    q->unknown += term.term == NAME_NONE;
}

/* What a word of no document may have been meant to be. */
static bool add_spellings(struct reading *r, const char *text, size_t len) {
    const struct statistics *s = &r->question->version->statistics;
    const struct rag_tuning *t = &r->question->version->shared->tuning;
    struct spelling found[SPELLINGS];
    const uint32_t count =
        spelling_find(r->dictionary, text, len, s->df[PAGES], s->term_count, found);
    for (uint32_t i = 0; i < count; i++)
        add_term(r,
                 (struct query_term){.term = r->dictionary->word[found[i].word].term,
                                     .weight = t->spelling_weight / (float)count,
                                     .kind = GUESSED},
                 0);
    return count > 0;
}

static void take_gram(void *to, const char *run, size_t len) {
    struct reading *r = to;
    struct question *q = r->question;
    const uint32_t gram = names_find(&r->dictionary->grams, run, len);
    if (gram == NAME_NONE || gram >= q->version->statistics.gram_count) return;
    for (uint32_t i = 0; i < q->gram_count; i++)
        if (q->grams[i].gram == gram) {
            q->grams[i].weight += 1;
            return;
        }
    if (q->gram_count < QUERY_GRAMS)
        q->grams[q->gram_count++] = (struct query_gram){.gram = gram, .weight = 1};
}

static void keep_stem(struct reading *r, const char *stem, size_t len) {
    if (r->stem_count == QUERY_TERMS || len > sizeof r->text - r->text_used) return;
    memcpy(r->text + r->text_used, stem, len);
    r->stems[r->stem_count++] = (struct stem){r->text + r->text_used, len};
    r->text_used += len;
}

static void take_token(void *to, const char *text, size_t len, enum token_kind kind) {
    struct reading *r = to;
    const char *stem = text;
    size_t stem_len = len;
    if (kind == TOKEN_WORD) each_gram(text, len, take_gram, r);
    if (kind != TOKEN_EXACT) {
        if (is_stop_word(text, len)) return;
        const sb_symbol *stemmed = sb_stemmer_stem(r->stemmer, (const sb_symbol *)text, (int)len);
        if (stemmed) {
            stem = (const char *)stemmed;
            stem_len = (size_t)sb_stemmer_length(r->stemmer);
        }
    }
    if (kind != TOKEN_EXACT) keep_stem(r, stem, stem_len);
    uint32_t term = names_find(&r->dictionary->terms, stem, stem_len);
    const struct statistics *s = &r->question->version->statistics;
    if (term != NAME_NONE && (term >= s->term_count || !s->df[PAGES][term])) term = NAME_NONE;
    add_term(r, (struct query_term){.term = term, .weight = 1, .kind = ASKED},
             term == NAME_NONE ? hash(stem, stem_len) : 0);
    if (term == NAME_NONE && kind == TOKEN_WORD) add_spellings(r, text, len);
}

/* ---- words that stand for one another ---- */

static void take_related(void *to, const char *stem, size_t len, float share) {
    struct reading *r = to;
    const struct statistics *s = &r->question->version->statistics;
    const uint32_t term = names_find(&r->dictionary->terms, stem, len);
    if (term == NAME_NONE || term >= s->term_count || !s->df[PAGES][term]) return;
    const float weight = r->question->version->shared->tuning.thesaurus_weight * share;
    add_term(r, (struct query_term){.term = term, .weight = weight, .kind = RELATED}, 0);
}

/* Only for a person's words: names and expressions say what they mean. */
static void add_related(struct reading *r) {
    const struct question *q = r->question;
    const struct thesaurus *t = q->version->shared->thesaurus;
    if (!t || q->promql || q->about.identifiers * 3 > q->about.runs) return;
    thesaurus_expand(t, r->stems, r->stem_count, take_related, r);
}

int question_read(const struct rag_version *v, struct rag_text text, struct question *q) {
    q->version = v;
    q->count = q->asked = q->unknown = q->gram_count = 0;
    struct reading r;
    r.question = q;
    r.dictionary = &v->shared->dictionary;
    r.stem_count = 0;
    r.text_used = 0;
    r.stemmer = sb_stemmer_new(r.dictionary->language, NULL);
    if (!r.stemmer) return RAG_NO_MEMORY;
    char stripped[RAG_MAX_QUERY];
    if (text.len > RAG_MAX_QUERY) text.len = RAG_MAX_QUERY;
    q->promql = promql_strip(text.at, text.len, stripped);
    if (q->promql) text.at = stripped;
    pthread_rwlock_rdlock(&v->shared->lock);
    analyse(text.at, text.len, take_token, &r, &q->about);
    add_related(&r);
    pthread_rwlock_unlock(&v->shared->lock);
    sb_stemmer_delete(r.stemmer);
    for (uint32_t i = 0; i < q->count; i++)
        if (q->terms[i].kind == ASKED) q->terms[i].weight = 1 + logf(q->terms[i].weight);
    for (uint32_t i = 0; i < q->gram_count; i++) q->grams[i].weight = 1 + logf(q->grams[i].weight);
    return RAG_OK;
}

bool question_embed(const struct question *q, float *out) {
    const struct rag_model *m = q->version->model;
    memset(out, 0, m->dimension * sizeof *out);
    for (uint32_t i = 0; i < q->count; i++)
        meaning_add(m, q->terms[i].term, q->terms[i].weight, out);
    return meaning_norm(m, out);
}

uint32_t rag_version_embed(const struct rag_version *v, struct rag_text text,
                           float out[RAG_MODEL_DIMENSION]) {
    if (!v->model) return 0;
    struct question *q = calloc(1, sizeof *q);
    if (!q || question_read(v, text, q) != RAG_OK) {
        free(q);
        return 0;
    }
    question_embed(q, out);
    free(q);
    return v->model->dimension;
}
