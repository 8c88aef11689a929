/* sentence.h - a passage as sentences: spans of its bytes, so that what is quoted is verbatim. Pure. */
#ifndef RAG_SENTENCE_H
#define RAG_SENTENCE_H

#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

enum span_kind { SPAN_SENTENCE, SPAN_CODE, SPAN_ROW /* of a table */ };

struct span {
    uint32_t from, size;    /* bytes of the text */
    uint32_t line, line_to; /* from 0, of the text */
    enum span_kind kind;
};

/* Sentences, code blocks (without their fences) and rows of tables, in order. Headings, fences and
 * list marks belong to none. In the pool. */
struct span *sentences_of(struct pool *pool, const char *text, size_t size, size_t *count);

#endif
