/* sequence.h - being asked again and again without being wrong more often. Pure.
 *
 * Fixed-sample tests (shift.h) are run at sample sizes that grow by a quarter: the first one at
 * `least`, then the next whole number above 1.25 times the last. In between, the answer of the last
 * such size is repeated, so a look costs nothing. The k-th size (from 0) may be wrong with chance
 * alpha / ((k + 1)(k + 2)); these sum to alpha over all k, whatever depends on what (Darling and
 * Robbins, "Confidence sequences for mean, variance, and median", PNAS 1967; as "stitching" in
 * Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021).
 *
 * Likelihood ratios (rate.h) need no such sizes: by Ville's inequality (1939) a product of ratios
 * whose mean is at most 1 ever reaches 1/alpha with chance at most alpha. A mixture of such products
 * over effects, and over the interval in which the effect may have begun, is one again.
 */
#ifndef ROLLOUT_JUDGE_SEQUENCE_H
#define ROLLOUT_JUDGE_SEQUENCE_H

#include <stddef.h>

struct look {
    size_t size;   /* the largest planned size that is not above the given one; 0: none yet */
    double shares; /* by how much a p-value at this size is multiplied: (k + 1)(k + 2) */
};
struct look sequence_look(size_t samples, size_t least);

enum { EFFECTS = 12 };

/* A product of likelihood ratios for each of EFFECTS effects, kept as logarithms. */
struct evidence {
    double log_product[EFFECTS];
    size_t intervals;
};

/* log2-like ladder of effects on the scale of log odds: from 1.16 times to 66 times. */
extern const double evidence_effects[EFFECTS];

/* The ratios of one more interval. With `restarts` the effect may begin in any interval: the
 * product of the t-th (from 0) enters with weight 1 / ((t + 1)(t + 2)). */
void evidence_add(struct evidence *evidence, const double log_ratios[EFFECTS], int restarts);

/* The always-valid p-value: 1 over the mixture, at most 1. */
double evidence_p(const struct evidence *evidence, int restarts);

/* log(sum(exp(values))) */
double log_sum(const double *values, size_t count);

#endif
