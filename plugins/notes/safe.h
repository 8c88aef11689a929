/*
 * Text for customers: no hash, person, host, address, path, ticket or secret-looking word of the
 * inside gets through. What cannot be said safely is left out, and a neutral sentence stands for it.
 * Pure.
 */
#ifndef NOTES_SAFE_H
#define NOTES_SAFE_H

#include "conventional.h"

enum { SAFE_MOST = 400 };

/* Words that must not appear, case ignored: people's names, internal names. Sorted by the caller's
 * liking; borrowed. */
struct safe_words {
    const char *const *items;
    size_t count;
};

/* Writes a safe sentence of `text` to `out` (SAFE_MOST bytes): first letter large, no mark at the
 * end. Returns its length; 0 when too little is left to say. */
size_t safe_text(struct span text, const struct safe_words *inside, char out[SAFE_MOST]);

/* Would a reader of this text learn something of the inside? */
bool safe_leaks(const char *text, const struct safe_words *inside);

#endif
