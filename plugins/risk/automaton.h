/*
 * Aho-Corasick: finds many lower-case words in one pass over bytes, ASCII case ignored. Built once,
 * then read-only. Pure.
 */
#ifndef RISK_AUTOMATON_H
#define RISK_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct automaton;

struct automaton_word {
    const char *at; /* borrowed while building */
    size_t len;
    uint16_t tag; /* told with each hit; several words may share one */
};

/* NULL when memory is out, there are more than 65,000 states, or more than 63 different bytes. */
struct automaton *automaton_new(const struct automaton_word *words, size_t count);
void automaton_free(struct automaton *automaton);

/* Calls hit(of, tag, end) for each occurrence; `end` is the offset after the word's last byte. */
void automaton_scan(const struct automaton *automaton, const char *bytes, size_t len,
                    void (*hit)(void *of, uint16_t tag, size_t end), void *of);

#endif
