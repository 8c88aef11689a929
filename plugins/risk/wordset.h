/*
 * Finds many lower-case words in one pass over bytes, ASCII case ignored. Only each second place is
 * looked at: of every word two neighbouring windows of four bytes are known, and one of them begins
 * at an even place. Built once, then read-only. Pure.
 */
#ifndef RISK_WORDSET_H
#define RISK_WORDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wordset;

struct wordset_word {
    const char *at; /* copied while building */
    size_t len;     /* from 2 to 64 */
    uint16_t tag;   /* told with each hit; several words may share one */
};

/* NULL when memory is out, a word's length is out of bounds, or there are too many words. */
struct wordset *wordset_new(const struct wordset_word *words, size_t count);
void wordset_free(struct wordset *set);

/* Calls hit(of, tag, end) for each occurrence; `end` is the offset after the word's last byte. Hits
 * rise from line to line; within a line their order is free. Words do not span lines. */
void wordset_scan(const struct wordset *set, const char *bytes, size_t len,
                  void (*hit)(void *of, uint16_t tag, size_t end), void *of);

#endif
