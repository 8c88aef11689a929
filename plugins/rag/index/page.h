/*
 * A document after analysis: its words and how often they occur, for the whole and for each passage.
 * Never changes once made; counted references, since versions share it. The reader takes any thread,
 * making one is the writer's.
 */
#ifndef RAG_PAGE_H
#define RAG_PAGE_H

#include "dictionary.h"
#include "index.h"
#include "tuning.h"

#include <pthread.h>
#include <stdatomic.h>

/* The whole document, or a passage. */
struct unit {
    uint32_t from, to; /* its words, in page.words and page.tf */
    float length;      /* words that have a term */
    float letters;     /* length of the vector of letter runs, each 1 + ln of how often */
};

struct page {
    atomic_uint references;
    uint32_t unit_count; /* [0] is the whole, then the passages, then the anchors if it has any */
    uint32_t passage_count; /* without anchors */
    uint32_t label_count;
    struct unit *units;
    uint32_t *labels; /* names in the index, rising */
    uint32_t *words;  /* each once within a unit, in no order */
    uint8_t *tf;      /* enum of tf.h */
    float *vectors;   /* passage_count rows of unit length, or NULL; zeros: the passage had none */
    char *id;
    uint32_t id_len, id_hash;
    size_t bytes;
};

/* What one thread needs to make pages. */
struct page_maker {
    struct dictionary *dictionary;
    pthread_rwlock_t *lock; /* of the dictionary */
    const struct rag_tuning *tuning;
    uint32_t dimension;
    float *tf; /* by word: of the unit in hand */
    float *whole;
    uint32_t *met, *met_whole; /* words that are not 0 there */
    float *runs;               /* by letter run: of the unit in hand */
    uint32_t *met_runs;
    uint32_t runs_room, met_runs_room, met_runs_count;
    uint32_t tf_room, whole_room, met_room, met_whole_room, met_count, met_whole_count;
    uint32_t *words; /* of the page in hand */
    uint32_t words_room, words_count;
    uint8_t *codes;
    uint32_t codes_room;
    float weight, whole_weight; /* of the text in hand, in passage and whole */
    bool failed;
};

void page_maker_fini(struct page_maker *maker);

/* RAG_OK with one reference in *out, RAG_NO_MEMORY, RAG_LIMIT or RAG_INVALID. `labels` are sorted
 * names. */
int page_make(struct page_maker *maker, const struct rag_document *document, const uint32_t *labels,
              struct page **out);
uint32_t id_hash(const char *id, size_t len);
struct page *page_get(struct page *page);
void page_put(struct page *page);

#endif
