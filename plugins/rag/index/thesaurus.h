/*
 * Words that stand for one another: thesaurus.txt, or another file of its form. Read once, then
 * read-only. Pure.
 */
#ifndef RAG_THESAURUS_H
#define RAG_THESAURUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thesaurus;
struct sb_stemmer;

/* The file's bytes: groups a line, entries parted by commas, comments from #. NULL: memory is out, or
 * the text has more than 65,000 words. */
struct thesaurus *thesaurus_new(const char *text, size_t len, struct sb_stemmer *stemmer);
void thesaurus_free(struct thesaurus *thesaurus);

/* For a question's stems, calls take(to, stem, len, share) for each further one; share is 1 by the
 * number of words of its entry. A stem may be told more than once. */
typedef void (*thesaurus_fn)(void *to, const char *stem, size_t len, float share);
struct stem {
    const char *at;
    size_t len;
};
void thesaurus_expand(const struct thesaurus *thesaurus, const struct stem *stems, size_t count,
                      thesaurus_fn take, void *to);

#endif
