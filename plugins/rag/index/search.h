/* A search in hand: the parts that its files share. */
#ifndef RAG_SEARCH_H
#define RAG_SEARCH_H

#include "query.h"

enum { CANDIDATES = 128 }; /* documents that all signals are worked out for */

struct candidate {
    struct page *page;
    uint32_t segment, number; /* of the page in it */
    uint32_t unit;            /* its best passage, as a unit of the page; 0: none */
    struct rag_parts parts;   /* as they come; shares of the best once all are known */
    float likeness;           /* cosine of meaning, as it came */
    float score;
};

struct search {
    const struct rag_query *query;
    struct question question;
    uint64_t *open[SEGMENTS];      /* bits: pages that may be found */
    float *sums[LEVELS][SEGMENTS]; /* BM25 by unit */
    float *meant[SEGMENTS];        /* by page: cosine of its nearest passage, or NULL: no vectors */
    uint32_t *meant_unit[SEGMENTS]; /* which that is */
    float *best[SEGMENTS];          /* by page: the sum of its best passage */
    struct candidate candidates[CANDIDATES];
    uint32_t count;
    float whole_weight; /* sum of the signals' weights */
    const char *method;
};

/* By score; the id parts equals, so that the order does not depend on the segments. */
bool candidate_worse(const struct candidate *a, const struct candidate *b);

/* The pages that live and bear all labels. False: memory is out. */
bool search_open(struct search *search);

#endif
