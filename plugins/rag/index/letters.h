/*
 * Likeness by runs of four letters: finds what stems miss, "certs" and "certificate", and words with a
 * slip. Worked out from the words of a page, since its letter runs are those of its words.
 */
#ifndef RAG_LETTERS_H
#define RAG_LETTERS_H

#include "search.h"

struct letters;

/* For one question; takes the dictionary's lock for reading. NULL: memory is out. */
struct letters *letters_new(const struct question *question);
void letters_free(struct letters *letters);

float letters_of(struct letters *letters, const struct page *page, uint32_t unit);

#endif
