/* What vectors find: those of the caller's model, or what a vector service told. */
#ifndef RAG_NEARBY_H
#define RAG_NEARBY_H

#include "search.h"

/* Fills search.meant where the query has a vector or hits from outside. RAG_OK, RAG_NO_MEMORY. */
int nearby_find(struct search *search);

/* The cosine of the candidate's nearest passage, which becomes its unit if BM25 found none. */
float nearby_of(const struct search *search, struct candidate *candidate);

#endif
