/* Words of the index that a word with a slip may have been meant to be. */
#ifndef RAG_SPELLING_H
#define RAG_SPELLING_H

#include "dictionary.h"

enum { SPELLINGS = 3, SPELLING_LEAST = 4 };

struct spelling {
    uint32_t word;
    uint32_t slips; /* letters put in, left out, changed, or two swapped: 1, or 2 in a long word */
    uint32_t df;
};

/* Fills `out` with the nearest words, the more frequent first among equals; returns how many. `df` is
 * by term, of `terms` terms: words of no document are no answer. The caller holds the dictionary's
 * lock. Time: some 1 ns for each word of the dictionary. */
uint32_t spelling_find(const struct dictionary *dictionary, const char *text, size_t len,
                       const uint32_t *df, uint32_t terms, struct spelling out[SPELLINGS]);

/* Damerau and Levenshtein's distance (optimal string alignment), or `most` + 1 when it is greater. */
uint32_t slips_between(const char *a, size_t a_len, const char *b, size_t b_len, uint32_t most);

/* A bit for each letter that occurs: words `n` slips apart differ in at most 2 n bits. */
uint32_t letters_in(const char *text, size_t len);

#endif
