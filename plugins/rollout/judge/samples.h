/* samples.h - what is done to a series before it is compared. Pure; no function keeps memory. */
#ifndef ROLLOUT_JUDGE_SAMPLES_H
#define ROLLOUT_JUDGE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

/* Drops NaN in place and keeps the order. Returns how many are left. */
size_t samples_drop_missing(double *values, size_t count);
/* Puts `value` in the place of each NaN. */
void samples_replace_missing(double *values, size_t count, double value);

void samples_sort(double *values, size_t count);

/* How many different values a sorted series has. */
size_t samples_distinct(const double *sorted, size_t count);

/* The p-th percentile, 0 < p <= 100, of a sorted series by R's type 7 (linear between order
 * statistics). NaN when it is empty. */
double samples_percentile(const double *sorted, size_t count, double p);

double samples_mean(const double *values, size_t count);      /* NaN when empty */
double samples_deviation(const double *values, size_t count); /* of the sample, by n - 1 */

struct fences {
    double low, high; /* a value outside is an outlier */
};
/* Tukey's fences at `factor` times the interquartile range; `tolerant` widens them to the 1st and
 * the 99th percentile. `sorted` is not empty. */
struct fences samples_fences(const double *sorted, size_t count, double factor, bool tolerant);
/* Drops what lies outside in place and keeps the order. Returns how many are left. */
size_t samples_drop_outside(double *values, size_t count, struct fences fences);
/* More than `k` population deviations from the mean. */
struct fences samples_sigma_fences(const double *values, size_t count, double k);

#endif
