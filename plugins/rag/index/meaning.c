#include "meaning.h"

#include "dense.h"
#include "tf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rag_model *meaning_get(struct rag_model *m) {
    if (m) atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
    return m;
}

void meaning_put(struct rag_model *m) {
    if (!m || atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) != 1) return;
    free(m->row_of);
    free(m->idf);
    free(m->rows);
    free(m->steps);
    free(m);
}

void meaning_add(const struct rag_model *m, uint32_t term, float times, float *vector) {
    const uint32_t row = term < m->term_count ? m->row_of[term] : NAME_NONE;
    if (row == NAME_NONE) return;
    const float by = times * m->idf[row] * m->steps[row];
    const int8_t *from = m->rows + (size_t)row * m->dimension;
    for (uint32_t i = 0; i < m->dimension; i++) vector[i] += by * (float)from[i];
}

bool meaning_norm(const struct rag_model *m, float *vector) {
    const float square = dense_dot(vector, vector, m->dimension);
    if (!(square > 0)) return false;
    const float by = 1 / sqrtf(square);
    for (uint32_t i = 0; i < m->dimension; i++) vector[i] *= by;
    return true;
}

struct term_tf {
    uint32_t term;
    float tf;
};

static int by_term(const void *a, const void *b) {
    const struct term_tf *x = a, *y = b;
    return x->term < y->term ? -1 : x->term > y->term;
}

void meaning_of_page(const struct rag_model *m, const struct dictionary *d, const struct page *page,
                     float *vector) {
    const struct unit *u = &page->units[0];
    float values[256];
    tf_table(values);
    memset(vector, 0, m->dimension * sizeof *vector);
    struct term_tf *list = malloc((u->to - u->from + 1U) * sizeof *list);
    if (!list) return; /* zeros: the page is found by its words */
    uint32_t count = 0;
    for (uint32_t i = u->from; i < u->to; i++) {
        const uint32_t term = d->word[page->words[i]].term;
        if (term < m->term_count && m->row_of[term] != NAME_NONE)
            list[count++] = (struct term_tf){term, values[page->tf[i]]};
    }
    qsort(list, count, sizeof *list, by_term);
    for (uint32_t i = 0; i < count;) {
        float tf = 0;
        const uint32_t term = list[i].term;
        for (; i < count && list[i].term == term; i++) tf += list[i].tf;
        meaning_add(m, term, tf > 1 ? 1 + logf(tf) : tf, vector);
    }
    free(list);
    meaning_norm(m, vector);
}
