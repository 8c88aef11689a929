/* words.h - words of a text as hashes of their stems, for comparing sentences. Pure. */
#ifndef RAG_WORDS_H
#define RAG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORDS_MOST = 4096 };

/* What a sentence says: stems of its content words; its numbers and identifiers, which a support
 * must hold as they are; whether it says no. */
struct words {
    uint64_t stems[WORDS_MOST]; /* sorted, distinct */
    uint64_t exact[WORDS_MOST];
    size_t stem_count, exact_count;
    unsigned negations;
};

void words_of_text(struct words *words, const char *text, size_t size);
/* The same of a text that is to support others: its `exact` holds all words and parts of names too,
 * so that "500M" is found in "--vacuum-size=500M". */
void words_of_support(struct words *words, const char *text, size_t size);
bool words_hold_stem(const struct words *words, uint64_t stem);
bool words_hold_exact(const struct words *words, uint64_t exact);
/* How many stems of `a` are in `b`. */
size_t words_shared(const struct words *a, const struct words *b);

#endif
