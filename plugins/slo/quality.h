/* quality.h - Keptn's quality gate: criteria over indicators, relative to results before, and a
 * score. Pure.
 *
 * A criterion is "<=500", "=0", ">99.5" (fixed), or "<=+10%", ">-5" (relative to the results
 * before; a '%' without sign counts as '+'). */
#ifndef SLO_QUALITY_H
#define SLO_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

struct criterion {
    char comparison[3]; /* "<", "<=", "=", ">=", ">" */
    double value;
    bool percent;  /* of the results before */
    bool relative; /* to the results before */
    bool increase; /* added, else taken away */
};

enum quality_aggregate { AGGREGATE_AVG, AGGREGATE_P50, AGGREGATE_P90, AGGREGATE_P95 };

enum quality_result { QUALITY_FAIL, QUALITY_WARNING, QUALITY_PASS };

/* False: `text` is no criterion. Blanks count for nothing. */
bool criterion_parse(const char *text, struct criterion *criterion);

/* Whether `value` satisfies it; `before` are the results before, in any order. Without any a
 * relative criterion is satisfied. `*bound` is what the value was held against (0: nothing). */
bool criterion_holds(const struct criterion *criterion, double value, const double *before,
                     size_t count, enum quality_aggregate aggregate, double *bound);

/* The p-th quantile at place p * (n + 1), between neighbours; 0 without values. */
double quality_quantile(const double *values, size_t count, double p);
double quality_average(const double *values, size_t count);

/* The sum of the points as percent of the most that could be had, and what it amounts to. Where
 * nothing could be had it passes with 100; a failed key indicator fails, whatever the score. */
enum quality_result quality_score(const double *points, size_t count, double most, bool key_failed,
                                  double pass_percent, double warning_percent, double *score);
const char *quality_name(enum quality_result result);

#endif
