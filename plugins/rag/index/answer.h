/* Candidates to hits: the passages that are shown, and the evidence. */
#ifndef RAG_ANSWER_H
#define RAG_ANSWER_H

#include "search.h"

/* NULL: memory is out. Free by rag_result_free. */
struct rag_result *answer_of(const struct search *search);

#endif
