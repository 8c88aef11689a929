/*
 * Words for a score: what each part did, which places are heaviest, and what would lower it. Every
 * counterfactual here was judged again by the same rules before it is told. Pure.
 */
#ifndef RISK_EXPLAIN_H
#define RISK_EXPLAIN_H

#include "score.h"

enum { EXPLAIN_WORDS = 240, EXPLAIN_WAYS = 8 };

/* One learned effect in words: "2,075 lines added, 41 is usual: odds x 5.2". */
void explain_term(const struct score *score, uint32_t term, char words[EXPLAIN_WORDS]);

/* The sentence that a person reads first. */
void explain_reason(const struct score *score, char *words, size_t room);

/* "2,075"; for shares and entropies up to two decimals. */
void explain_number(double value, char words[32]);

struct way {
    const char *kind; /* "size", "signals", "context", "all" */
    char words[EXPLAIN_WORDS];
    struct judgement then; /* as judged again */
};

/* Fills ways[EXPLAIN_WAYS], best first; returns how many. Each lowers the level or takes at least a
 * tenth off the probability. */
uint32_t explain_ways(const struct score *score, struct way *ways);

#endif
