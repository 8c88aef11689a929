/*
 * Truncated singular value decomposition of the pages by terms matrix, by random projection and power
 * steps (Halko, Martinsson, Tropp 2011, algorithm 4.4), then the eigenvectors of the small rest.
 */
#include "dense.h"
#include "eigen.h"
#include "meaning.h"
#include "tf.h"
#include "version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OVERSAMPLE = 10, POWER_STEPS = 2 };

struct matrix { /* sparse, row by row */
    uint32_t rows, columns;
    uint32_t *start, *column;
    float *value;
};

struct learning {
    const struct dictionary *dictionary;
    struct rag_model *meaning;
    struct matrix a;
    uint32_t width; /* of the projection */
    float *left;    /* rows x width */
    float *right;   /* columns x width */
    float *turned;  /* width x the larger of the two */
    float *sum;     /* by term */
    uint32_t *met;
};

/* ---- the matrix ---- */

/* Terms of one page or nearly all tell nothing of company. */
static uint32_t choose_terms(struct rag_model *m, const struct statistics *s) {
    uint32_t rows = 0;
    for (uint32_t t = 0; t < s->term_count; t++) {
        const uint32_t df = s->df[PAGES][t];
        m->row_of[t] = df >= 2 && df * 2 <= s->units[PAGES] ? rows++ : NAME_NONE;
    }
    return rows;
}

static uint32_t add_up(const struct learning *l, const struct page *page, const float tf[256]) {
    uint32_t met = 0;
    for (uint32_t i = page->units[0].from; i < page->units[0].to; i++) {
        const uint32_t term = l->dictionary->word[page->words[i]].term;
        if (term >= l->meaning->term_count || l->meaning->row_of[term] == NAME_NONE) continue;
        if (!(l->sum[term] > 0)) l->met[met++] = term;
        l->sum[term] += tf[page->tf[i]];
    }
    return met;
}

static void fill_row(const struct learning *l, const struct page *page, const float tf[256],
                     uint32_t at) {
    const uint32_t met = add_up(l, page, tf);
    double square = 0;
    for (uint32_t i = 0; i < met; i++) {
        const uint32_t row = l->meaning->row_of[l->met[i]];
        const float times = l->sum[l->met[i]];
        const float value = (times > 1 ? 1 + logf(times) : times) * l->meaning->idf[row];
        l->a.column[at + i] = row;
        l->a.value[at + i] = value;
        l->sum[l->met[i]] = 0;
        square += (double)value * (double)value;
    }
    const float by = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (uint32_t i = 0; i < met; i++) l->a.value[at + i] *= by;
}

static bool make_matrix(struct learning *l, struct page *const *pages, uint32_t count) {
    const uint32_t rows = count < MEANING_SAMPLE ? count : MEANING_SAMPLE;
    float tf[256];
    tf_table(tf);
    l->a.start = calloc(rows + 1U, sizeof *l->a.start);
    if (!l->a.start) return false;
    for (uint32_t r = 0; r < rows; r++) {
        const struct page *page = pages[(uint64_t)r * count / rows];
        const uint32_t met = add_up(l, page, tf);
        for (uint32_t i = 0; i < met; i++) l->sum[l->met[i]] = 0;
        l->a.start[r + 1] = l->a.start[r] + met;
    }
    l->a.rows = rows;
    l->a.columns = l->meaning->row_count;
    l->a.column = malloc((l->a.start[rows] + 1U) * sizeof *l->a.column);
    l->a.value = malloc((l->a.start[rows] + 1U) * sizeof *l->a.value);
    if (!l->a.column || !l->a.value) return false;
    for (uint32_t r = 0; r < rows; r++)
        fill_row(l, pages[(uint64_t)r * count / rows], tf, l->a.start[r]);
    return true;
}

/* ---- steps ---- */

static void times_right(struct learning *l) { /* left = A right */
    memset(l->left, 0, (size_t)l->a.rows * l->width * sizeof *l->left);
    for (uint32_t r = 0; r < l->a.rows; r++)
        for (uint32_t i = l->a.start[r]; i < l->a.start[r + 1]; i++)
            dense_add(l->left + (size_t)r * l->width, l->a.value[i],
                      l->right + (size_t)l->a.column[i] * l->width, l->width);
}

static void times_left(struct learning *l) { /* right = A' left */
    memset(l->right, 0, (size_t)l->a.columns * l->width * sizeof *l->right);
    for (uint32_t r = 0; r < l->a.rows; r++)
        for (uint32_t i = l->a.start[r]; i < l->a.start[r + 1]; i++)
            dense_add(l->right + (size_t)l->a.column[i] * l->width, l->a.value[i],
                      l->left + (size_t)r * l->width, l->width);
}

static void transpose(const float *from, uint32_t rows, uint32_t columns, float *to) {
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            to[(size_t)c * rows + r] = from[(size_t)r * columns + c];
}

/* Makes the columns of `left` orthonormal: Gram and Schmidt, modified. A column that is nearly a sum
 * of others becomes zeros and drops out. */
static void straighten(struct learning *l) {
    const uint32_t n = l->a.rows;
    transpose(l->left, n, l->width, l->turned);
    for (uint32_t c = 0; c < l->width; c++) {
        float *column = l->turned + (size_t)c * n;
        const float before = dense_dot(column, column, n);
        for (uint32_t k = 0; k < c; k++) {
            const float *other = l->turned + (size_t)k * n;
            dense_add(column, -dense_dot(column, other, n), other, n);
        }
        const float square = dense_dot(column, column, n);
        const float by = square > 1e-8F * before && square > 0 ? 1 / sqrtf(square) : 0;
        for (uint32_t i = 0; i < n; i++) column[i] *= by;
    }
    transpose(l->turned, l->width, n, l->left);
}

/* Splitmix64: the projection is the same on every run. */
static void fill_random(float *to, size_t count) {
    uint64_t state = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        to[i] = (z ^ z >> 31) & 1 ? 1 : -1;
    }
}

/* right's columns, turned to the singular vectors, become the rows of the model. */
static bool keep_vectors(struct learning *l) {
    const uint32_t w = l->width, n = l->a.columns;
    struct rag_model *m = l->meaning;
    double *gram = malloc((size_t)w * w * sizeof *gram);
    double *vectors = malloc((size_t)w * w * sizeof *vectors);
    double *values = malloc(w * sizeof *values);
    float *turn = malloc((size_t)w * w * sizeof *turn);
    float *row = malloc(w * sizeof *row);
    const bool done = gram && vectors && values && turn && row;
    if (done) {
        transpose(l->right, n, w, l->turned);
        for (uint32_t i = 0; i < w; i++)
            for (uint32_t k = i; k < w; k++)
                gram[i * w + k] = gram[k * w + i] =
                    (double)dense_dot(l->turned + (size_t)i * n, l->turned + (size_t)k * n, n);
        eigen_symmetric(gram, w, values, vectors);
        for (uint32_t i = 0; i < m->dimension; i++) {
            const double by = values[i] > 1e-9 * values[0] ? 1 / sqrt(values[i]) : 0;
            for (uint32_t k = 0; k < w; k++) turn[i * w + k] = (float)(vectors[i * w + k] * by);
        }
        for (uint32_t r = 0; r < n; r++) {
            for (uint32_t i = 0; i < m->dimension; i++)
                row[i] = dense_dot(l->right + (size_t)r * w, turn + (size_t)i * w, w);
            m->steps[r] = dense_round(row, m->dimension, m->rows + (size_t)r * m->dimension);
        }
    }
    free(gram);
    free(vectors);
    free(values);
    free(turn);
    free(row);
    return done;
}

static bool decompose(struct learning *l) {
    const uint32_t w = l->width, longer = l->a.rows > l->a.columns ? l->a.rows : l->a.columns;
    l->left = malloc((size_t)l->a.rows * w * sizeof *l->left + 1);
    l->right = malloc((size_t)l->a.columns * w * sizeof *l->right + 1);
    l->turned = malloc((size_t)longer * w * sizeof *l->turned + 1);
    if (!l->left || !l->right || !l->turned) return false;
    fill_random(l->right, (size_t)l->a.columns * w);
    times_right(l);
    for (int step = 0; step < POWER_STEPS; step++) {
        straighten(l);
        times_left(l);
        times_right(l);
    }
    straighten(l);
    times_left(l);
    return keep_vectors(l);
}

/* ---- all of it ---- */

static bool make_rows(struct rag_model *m, const struct statistics *s) {
    m->term_count = s->term_count;
    m->row_of = malloc((s->term_count + 1U) * sizeof *m->row_of);
    if (!m->row_of) return false;
    m->row_count = choose_terms(m, s);
    m->idf = malloc((m->row_count + 1U) * sizeof *m->idf);
    m->steps = calloc(m->row_count + 1U, sizeof *m->steps);
    m->rows = calloc((size_t)m->row_count + 1U, m->dimension);
    if (!m->idf || !m->steps || !m->rows) return false;
    for (uint32_t t = 0; t < s->term_count; t++) {
        const float all = (float)s->units[PAGES], df = (float)s->df[PAGES][t];
        if (m->row_of[t] != NAME_NONE)
            m->idf[m->row_of[t]] = logf(1 + (all - df + 0.5F) / (df + 0.5F));
    }
    m->bytes = sizeof *m + m->term_count * sizeof *m->row_of +
               m->row_count * (sizeof *m->idf + sizeof *m->steps + m->dimension);
    return true;
}

static void learning_fini(struct learning *l) {
    free(l->a.start);
    free(l->a.column);
    free(l->a.value);
    free(l->left);
    free(l->right);
    free(l->turned);
    free(l->sum);
    free(l->met);
}

/* NULL: memory is out. */
static struct rag_model *learn(const struct rag_version *v, struct page *const *pages,
                               uint32_t count) {
    struct rag_model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    atomic_init(&m->references, 1);
    /* No more directions than a third of the pages: with fewer pages they are noise. */
    m->dimension = count / 3 < MEANING_MOST ? count / 3 : MEANING_MOST;
    m->learnt_from = count;
    const uint32_t terms = v->statistics.term_count;
    struct learning l = {.dictionary = &v->shared->dictionary,
                         .meaning = m,
                         .width = m->dimension + OVERSAMPLE,
                         .sum = calloc(terms + 1U, sizeof *l.sum),
                         .met = malloc((terms + 1U) * sizeof *l.met)};
    bool done = l.sum && l.met && make_rows(m, &v->statistics);
    pthread_rwlock_rdlock(&v->shared->lock); /* for the matrix only: the steps take long */
    done = done && make_matrix(&l, pages, count);
    pthread_rwlock_unlock(&v->shared->lock);
    done = done && decompose(&l);
    learning_fini(&l);
    if (done) return m;
    meaning_put(m);
    return NULL;
}

int rag_learn(const struct rag_version *v, struct rag_model **out) {
    *out = NULL;
    const uint32_t all = v->statistics.units[PAGES];
    if (all < MEANING_LEAST_PAGES) return RAG_OK;
    struct page **pages = malloc(all * sizeof(struct page *));
    if (!pages) return RAG_NO_MEMORY;
    uint32_t count = 0;
    for (int k = 0; k < SEGMENTS; k++)
        for (uint32_t p = 0; v->segments[k] && p < v->segments[k]->page_count; p++)
            if (!(k == 0 && bit_at(v->dead, p)) && count < all)
                pages[count++] = v->segments[k]->pages[p];
    *out = learn(v, pages, count);
    free(pages);
    return *out ? RAG_OK : RAG_NO_MEMORY;
}

void rag_model_free(struct rag_model *model) {
    meaning_put(model);
}
