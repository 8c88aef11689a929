/* normal.h - the standard normal distribution. Pure. */
#ifndef ROLLOUT_JUDGE_NORMAL_H
#define ROLLOUT_JUDGE_NORMAL_H

/* P(Z <= z). */
double normal_below(double z);

/* The z that P(Z <= z) = p; `p` strictly between 0 and 1, full double precision from 1e-300 up. */
double normal_quantile(double p);

/* Random numbers that are the same on every machine and every run: splitmix64 (Steele, Lea and
 * Flood, 2014). `state` is the seed, and is moved on. */
double random_unit(unsigned long long *state);   /* in [0, 1) */
double random_normal(unsigned long long *state); /* mean 0, deviation 1 */

#endif
