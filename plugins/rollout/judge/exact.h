/* exact.h - the exact distribution of Mann-Whitney's U when both samples come from one
 * distribution: all ways to deal the observed ranks, ties included, to the two samples are equally
 * likely. For small samples. Pure; allocates while it runs. */
#ifndef ROLLOUT_JUDGE_EXACT_H
#define ROLLOUT_JUDGE_EXACT_H

#include "ranks.h"

#include <stdbool.h>

enum { EXACT_MAX = 40 }; /* values of both samples together: 2 ms, and counts stay below 2^53 */

struct tails {
    double above; /* P(U >= observed) */
    double below; /* P(U <= observed) */
};

/* Of x - shift against y. False: more than EXACT_MAX values, or no memory. */
bool exact_tails(const struct two_samples *two, double shift, struct tails *tails);

/* The smallest u that P(U >= u) <= chance, without ties; n*m + 1 when there is none. Negative:
 * no memory or too many values. */
double exact_critical(size_t n, size_t m, double chance);

#endif
