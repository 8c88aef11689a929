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
    dense_add8(vector, by, from, m->dimension);
}

bool meaning_norm(const struct rag_model *m, float *vector) {
    const float square = dense_dot(vector, vector, m->dimension);
    if (!(square > 0)) return false;
    const float by = 1 / sqrtf(square);
    for (uint32_t i = 0; i < m->dimension; i++) vector[i] *= by;
    return true;
}

void meaning_of_page(const struct rag_model *m, const struct dictionary *d, const struct page *page,
                     struct meaning_sums *sums, float *vector) {
    const struct unit *u = &page->units[0];
    uint32_t count = 0;
    memset(vector, 0, m->dimension * sizeof *vector);
    for (uint32_t i = u->from; i < u->to; i++) {
        const uint32_t term = d->word[page->words[i]].term;
        if (term >= m->term_count || m->row_of[term] == NAME_NONE) continue;
        if (!(sums->sum[term] > 0)) sums->met[count++] = term;
        sums->sum[term] += sums->tf[page->tf[i]];
    }
    for (uint32_t i = 0; i < count; i++) {
        const float tf = sums->sum[sums->met[i]];
        meaning_add(m, sums->met[i], tf > 1 ? 1 + logf(tf) : tf, vector);
        sums->sum[sums->met[i]] = 0;
    }
    meaning_norm(m, vector);
}

bool meaning_sums_init(struct meaning_sums *sums, const struct rag_model *m) {
    *sums = (struct meaning_sums){.sum = calloc(m->term_count + 1U, sizeof *sums->sum),
                                  .met = malloc((m->term_count + 1U) * sizeof *sums->met)};
    tf_table(sums->tf);
    return sums->sum && sums->met;
}

void meaning_sums_fini(struct meaning_sums *sums) {
    free(sums->sum);
    free(sums->met);
}
