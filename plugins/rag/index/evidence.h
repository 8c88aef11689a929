/* How sure it is that the best document answers. */
#ifndef RAG_EVIDENCE_H
#define RAG_EVIDENCE_H

#include "search.h"

/* Of the first candidate; without one: nothing, RAG_ABSENT. */
void evidence_of(const struct search *search, struct rag_evidence *out);

#endif
