/*
 * What words have to do with each other, learnt from the documents themselves (latent semantic
 * analysis): pages that share company share a direction, though they share no word. Deterministic: the
 * same pages in the same order give the same model. Never changes once made; counted references.
 */
#ifndef RAG_MEANING_H
#define RAG_MEANING_H

#include "page.h"

struct rag_model {
    atomic_uint references;
    uint32_t dimension;   /* at most MEANING_MOST */
    uint32_t learnt_from; /* pages */
    uint32_t term_count;  /* of the dictionary when it was learnt */
    uint32_t row_count;
    uint32_t *row_of; /* by term: its row, or NAME_NONE */
    float *idf;       /* by row */
    int8_t *rows;     /* row_count x dimension */
    float *steps;     /* by row: what 1 in `rows` is worth */
    size_t bytes;
};

/* Above 8,192 pages it learns from that many, taken evenly: a second or two of work at most. */
enum { MEANING_MOST = 200, MEANING_LEAST_PAGES = 30, MEANING_SAMPLE = 8192 };

struct rag_model *meaning_get(struct rag_model *meaning);
void meaning_put(struct rag_model *meaning);

/* Adds a term with this weight to a vector of `dimension` numbers. */
void meaning_add(const struct rag_model *meaning, uint32_t term, float times, float *vector);
/* To unit length; false for zeros. */
bool meaning_norm(const struct rag_model *meaning, float *vector);
/* Room to add up the words of one stem. */
struct meaning_sums {
    float *sum; /* by term: zeros between pages */
    uint32_t *met;
    float tf[256];
};
bool meaning_sums_init(struct meaning_sums *sums, const struct rag_model *model);
void meaning_sums_fini(struct meaning_sums *sums);

/* The vector of a page, of unit length or zeros. The dictionary must not change meanwhile. */
void meaning_of_page(const struct rag_model *model, const struct dictionary *dictionary,
                     const struct page *page, struct meaning_sums *sums, float *vector);

#endif
