/* zero.h - a zero of a function of one variable. Pure. */
#ifndef ROLLOUT_JUDGE_ZERO_H
#define ROLLOUT_JUDGE_ZERO_H

struct zero_search {
    double low, high; /* the function's values at the ends have different signs */
    double at_low, at_high;
    double tolerance; /* absolute, of the answer */
    double (*value)(const void *arg, double x);
    const void *arg;
};

/* Brent's method ("Algorithms for Minimization without Derivatives", 1973, chapter 4), in the form
 * that R's uniroot and Kayenta have, so that all three stop at the same digits. */
double zero_find(const struct zero_search *search);

#endif
