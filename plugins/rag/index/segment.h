/*
 * Pages turned round: for each term, the units that hold it. Two levels, whole pages and passages,
 * each with its own statistics. Never changes once made; counted references.
 */
#ifndef RAG_SEGMENT_H
#define RAG_SEGMENT_H

#include "graph.h"
#include "meaning.h"
#include "vectors.h"

enum level_name { PAGES = 0, PASSAGES = 1, LEVELS = 2 };

struct level {
    uint32_t unit_count, term_count;
    uint32_t *terms; /* rising: those that occur */
    uint32_t *start; /* term i's postings: start[i] up to start[i + 1] */
    uint32_t *unit;  /* rising within a term */
    uint8_t *tf;     /* code of tf.h */
    float *length;   /* by unit: words that have a term */
};

struct segment {
    atomic_uint references;
    uint32_t page_count;
    struct page **pages;
    uint32_t *passage_from; /* page_count + 1: the first passage of each page among all passages */
    struct level levels[LEVELS]; /* PASSAGES includes anchors */
    struct rag_model *model;     /* or NULL: then the next two are NULL too */
    int8_t *vectors;             /* page_count x model->dimension */
    float *steps;                /* by page: what 1 in `vectors` is worth */
    struct vector_rows rows;     /* of a model of the caller: a row a passage; count 0: none */
    /* Over the same rows, when there are many; put beside a segment that is already read. */
    const struct rag_graph_face *graph_face;
    _Atomic(struct rag_graph *) graph;
    size_t bytes;
};

/* Takes a reference of each page and of the model, which may be NULL. NULL: memory is out. The
 * dictionary must not change meanwhile. */
struct segment *segment_new(const struct dictionary *dictionary, struct rag_model *model,
                            uint32_t dimension, struct page *const *pages, uint32_t count);
/* The page of a passage. */
uint32_t segment_page_of(const struct segment *segment, uint32_t passage);
struct segment *segment_get(struct segment *segment);
void segment_put(struct segment *segment);

/* Postings of a term: how many, with *first the place of the first one; 0: none. */
uint32_t level_find(const struct level *level, uint32_t term, uint32_t *first);

/* The units of a page on this level: pages have one, [0]; passages the rest. */
static inline uint32_t first_unit(enum level_name level) {
    return level == PAGES ? 0 : 1;
}
static inline uint32_t end_unit(const struct page *page, enum level_name level) {
    return level == PAGES ? 1 : page->unit_count;
}

#endif
