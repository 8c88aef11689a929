/* compose.h - an answer out of passages, each sentence with what supports it. Pure.
 *
 * Without a model the sentences are taken from the passages as they stand (compose_extract). What a
 * model wrote is checked sentence by sentence (compose_check): code decides, not trust.
 *
 * A passage supports a sentence when
 *   1. the sentence cites it, and it is one of those that were retrieved;
 *   2. each number and identifier of the sentence stands in the passage (or its title, heading);
 *   3. at least SUPPORT_SHARE of the sentence's content words stand there, and at least two of them
 *      in one sentence of the passage;
 *   4. the passage's sentence that is nearest says no exactly if the sentence does.
 * Citations that do not support are dropped; a sentence without one is cut.
 */
#ifndef RAG_COMPOSE_H
#define RAG_COMPOSE_H

#include "pool.h"
#include "words.h"

#include <stdbool.h>
#include <stdint.h>

enum { COMPOSE_CITES = 4, COMPOSE_SENTENCES = 12, COMPOSE_SOURCES = 12 };

struct source {
    const char *title, *heading, *text; /* text is not changed and outlives the answer */
    size_t size;
    int64_t line; /* of the first line of the text, from 1 */
    double score;
};

/* Bytes of a source that support a sentence: always a span of its text. */
struct cite {
    size_t source; /* from 0 */
    const char *quote;
    size_t quote_size;
    int64_t line_from, line_to;
};

struct answer_sentence {
    const char *text;
    size_t size;
    bool code;
    struct cite cites[COMPOSE_CITES];
    size_t cite_count;
};

struct answer {
    struct answer_sentence sentences[COMPOSE_SENTENCES];
    size_t count;
    size_t cut;                      /* sentences of a model that nothing supports */
    size_t numbers[COMPOSE_SOURCES]; /* of each source in the text, from 1; 0: not cited */
};

/* The sentences of `sources` that answer best, verbatim, in their order. */
void compose_extract(struct pool *pool, const char *question, const struct source *sources,
                     size_t count, struct answer *answer);

/* Adds a model's sentence when it is supported, else counts it as cut. `cites` are numbers from 1 as
 * the model wrote them. */
void compose_check(struct pool *pool, const struct source *sources, size_t count, const char *text,
                   const int64_t *cites, size_t cite_count, struct answer *answer);

/* Numbers the sources in the order of their first citation. */
void compose_number(struct answer *answer);

/* After compose_number: "Sentence. [1] Sentence. [2]"; in the pool. */
const char *compose_text(struct pool *pool, const struct answer *answer);

#endif
