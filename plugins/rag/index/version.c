#include "version.h"

#include <stdlib.h>

struct shared *shared_get(struct shared *s) {
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void shared_put(struct shared *s) {
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1) return;
    dictionary_fini(&s->dictionary);
    names_fini(&s->labels);
    thesaurus_free(s->thesaurus);
    pthread_rwlock_destroy(&s->lock);
    free(s);
}

struct rag_version *version_get(struct rag_version *v) {
    atomic_fetch_add_explicit(&v->references, 1, memory_order_relaxed);
    return v;
}

void rag_version_put(struct rag_version *v) {
    if (!v || atomic_fetch_sub_explicit(&v->references, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < SEGMENTS; i++) segment_put(v->segments[i]);
    for (int i = 0; i < LEVELS; i++) {
        free(v->statistics.df[i]);
        free(v->statistics.gram_df[i]);
    }
    free(v->dead);
    meaning_put(v->model);
    shared_put(v->shared);
    free(v);
}

void rag_version_stats(const struct rag_version *v, struct rag_stats *out) {
    *out = (struct rag_stats){.documents = v->statistics.units[PAGES],
                              .memory_bytes =
                                  ((size_t)v->statistics.term_count + v->statistics.gram_count) *
                                  sizeof(uint32_t) * LEVELS};
    for (uint32_t i = 0; i < v->statistics.term_count; i++)
        out->terms += v->statistics.df[PAGES][i] > 0;
    for (int i = 0; i < SEGMENTS; i++) {
        const struct segment *s = v->segments[i];
        if (!s) continue;
        out->memory_bytes += s->bytes;
        for (uint32_t p = 0; p < s->page_count; p++)
            if (i > 0 || !bit_at(v->dead, p)) out->passages += s->pages[p]->passage_count;
    }
    if (v->model) out->memory_bytes += v->model->bytes;
    pthread_rwlock_rdlock(&v->shared->lock);
    out->memory_bytes += dictionary_memory(&v->shared->dictionary);
    pthread_rwlock_unlock(&v->shared->lock);
}
