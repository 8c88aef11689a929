#include "bm25.h"

#include "tf.h"

/* Length enters as k1 * (1 - b + b * length / average) = base + slope * length. */
struct saturation {
    float base, slope;
    float tf[256];
};

static void add_postings(const struct level *l, uint32_t first, uint32_t count, float weight,
                         const struct saturation *s, float *sums) {
    const uint32_t *unit = l->unit + first;
    const uint8_t *tf = l->tf + first;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t u = unit[i];
        const float times = s->tf[tf[i]];
        sums[u] += weight * times / (times + s->base + s->slope * l->length[u]);
    }
}

void bm25_add(const struct question *q, enum level_name level, float *const sums[SEGMENTS]) {
    const struct rag_version *v = q->version;
    const struct rag_tuning *t = &v->shared->tuning;
    const struct statistics *s = &v->statistics;
    if (!s->units[level] || !(s->length[level] > 0)) return;
    const float average = (float)(s->length[level] / s->units[level]);
    struct saturation saturation = {.base = t->k1 * (1 - t->b), .slope = t->k1 * t->b / average};
    tf_table(saturation.tf);
    for (uint32_t i = 0; i < q->count; i++) {
        if (q->terms[i].term == NAME_NONE) continue;
        const float weight = q->terms[i].weight * idf_of(s, level, q->terms[i].term) * (t->k1 + 1);
        for (int k = 0; k < SEGMENTS; k++) {
            if (!v->segments[k]) continue;
            const struct level *l = &v->segments[k]->levels[level];
            uint32_t first = 0;
            const uint32_t count = level_find(l, q->terms[i].term, &first);
            add_postings(l, first, count, weight, &saturation, sums[k]);
        }
    }
}
