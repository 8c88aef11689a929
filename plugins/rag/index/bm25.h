/* BM25 of every unit for a question: term by term into one sum a unit. */
#ifndef RAG_BM25_H
#define RAG_BM25_H

#include "query.h"

/* Adds to sums[segment][unit] of this level; the arrays are zero before. */
void bm25_add(const struct question *question, enum level_name level, float *const sums[SEGMENTS]);

#endif
