/*
 * What a search reads. The main segment holds nearly all pages and may hold some that were removed;
 * the small second one holds what came since. Statistics count living pages only, so that a search
 * answers the same as if the index had been built anew.
 */
#ifndef RAG_VERSION_H
#define RAG_VERSION_H

#include "segment.h"
#include "thesaurus.h"

#include <pthread.h>

/* Outlives the index while versions are held. */
struct shared {
    atomic_uint references;
    pthread_rwlock_t lock; /* of dictionary and labels: readers look up, the writer adds */
    struct dictionary dictionary;
    struct names labels;
    struct thesaurus *thesaurus; /* NULL: none, or the language is not English */
    struct rag_tuning tuning;
    uint32_t dimension;
};

struct statistics {
    uint32_t term_count, gram_count;
    uint32_t units[LEVELS];
    uint32_t *df[LEVELS];      /* by term: units that hold it */
    uint32_t *gram_df[LEVELS]; /* by letter run */
    double length[LEVELS];     /* sum over units */
};

enum { SEGMENTS = 2 };

struct rag_version {
    atomic_uint references;
    struct shared *shared;
    struct segment *segments[SEGMENTS]; /* NULL: none */
    uint64_t *dead;                     /* bits: pages of segments[0] that were removed, or NULL */
    struct statistics statistics;
    struct rag_model *model; /* of both segments, or NULL */
};

struct shared *shared_get(struct shared *shared);
void shared_put(struct shared *shared);
struct rag_version *version_get(struct rag_version *version);

static inline bool bit_at(const uint64_t *bits, uint32_t at) {
    return bits && bits[at / 64] >> (at % 64) & 1;
}

/* For tests and benches: an index with other numbers. Copied. */
struct rag_index *index_new_tuned(const struct rag_options *options,
                                  const struct rag_tuning *tuning);

#endif
