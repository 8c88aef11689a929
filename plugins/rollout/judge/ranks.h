/* ranks.h - two sorted series ranked together, one of them moved by a shift. Pure. */
#ifndef ROLLOUT_JUDGE_RANKS_H
#define ROLLOUT_JUDGE_RANKS_H

#include <stddef.h>

/* Two sorted series without NaN; borrowed. */
struct two_samples {
    const double *x; /* the one that is moved: the new version's */
    size_t n;
    const double *y; /* the old version's */
    size_t m;
};

struct ranking {
    double sum;  /* of the ranks of x - shift in both together; ties share their mean rank */
    double ties; /* sum of t^3 - t over groups of t equal values */
};

/* O(n + m). */
struct ranking rank_together(const struct two_samples *two, double shift);

/* Mann-Whitney's U of x - shift, from 0 to n*m: pairs in which x is greater, ties by half. */
double rank_u(const struct two_samples *two, double shift);

/* Deviation of U when both come from one distribution, the ties being as they are. */
double rank_deviation(const struct two_samples *two, double ties);

#endif
