/* kayenta.h - the canary judge of Kayenta (NetflixACAJudge), number for number. Pure.
 *
 * Two series are compared by the confidence interval of their shift (Mann-Whitney, normal
 * approximation with continuity and tie correction, inverted by Brent's method at an absolute
 * tolerance of 1e-4); labels are summed to a score of 0 to 100 by groups and weights. judge.h says
 * what is weak about it; this file is for teams that have configurations for it.
 */
#ifndef ROLLOUT_JUDGE_KAYENTA_H
#define ROLLOUT_JUDGE_KAYENTA_H

#include <stdbool.h>
#include <stddef.h>

enum kayenta_direction { KAYENTA_EITHER = 0, KAYENTA_INCREASE, KAYENTA_DECREASE };

enum kayenta_label {
    KAYENTA_PASS = 0,
    KAYENTA_HIGH,
    KAYENTA_LOW,
    KAYENTA_NODATA,
    KAYENTA_NODATA_FAIL, /* "NodataFailMetric": data was required, and is not there */
    KAYENTA_ERROR        /* all values tied: no interval can be computed */
};
const char *kayenta_label_name(enum kayenta_label label); /* as Kayenta spells it */

/* How one metric is judged: `analysisConfigurations.canary` of Kayenta's configuration. */
struct kayenta_options {
    enum kayenta_direction direction;
    bool replace_missing;  /* nanStrategy replace: NaN counts as 0; else it is dropped */
    bool remove_outliers;  /* outliers.strategy remove */
    double outlier_factor; /* of the interquartile range */
    bool critical;         /* this metric alone can fail the canary */
    bool must_have_data;   /* mustHaveData */
    bool by_cles;          /* effectSize.measure cles, else meanRatio */
    double allowed_increase, allowed_decrease;   /* effect sizes up to which nothing is said */
    double critical_increase, critical_decrease; /* and from which a critical metric fails all */
    double tolerance;  /* of the interval, a share of the estimated shift */
    double confidence; /* of the interval */
};

/* Kayenta's defaults; `by_cles` decides the default effect sizes. */
struct kayenta_options kayenta_defaults(bool by_cles);

struct kayenta_metric {
    const char *name;
    const double *control, *experiment; /* borrowed; NaN: no measurement at that time */
    size_t control_count, experiment_count;
};

struct kayenta_result {
    enum kayenta_label label;
    bool critical;    /* it is a critical metric, and its label speaks against the canary */
    bool compared;    /* the numbers below are there */
    double deviation; /* mean(experiment) / mean(control); NaN when one of them is 0 */
    double effect;    /* the same, or the common language effect size */
    double low, estimate, high;           /* of the shift experiment - control */
    double bound;                         /* what the interval has to lie beyond */
    size_t control_used, experiment_used; /* samples after NaN and outliers were treated */
    char reason[160];                     /* "" when there is none */
};

/* Allocates while it runs; without memory the label is KAYENTA_ERROR. O(N log N). */
void kayenta_classify(const struct kayenta_metric *metric, const struct kayenta_options *options,
                      struct kayenta_result *result);

/* Kayenta's other classifier, for benchmarks: which mean is greater. Data as they come. */
void kayenta_compare_means(const struct kayenta_metric *metric,
                           const struct kayenta_options *options, struct kayenta_result *result);

/* The shift of experiment against control at this confidence; both sorted, without NaN. False when
 * all values are tied. */
struct kayenta_shift {
    double low, estimate, high;
};
struct two_samples;
bool kayenta_shift(const struct two_samples *experiment_control, double confidence,
                   struct kayenta_shift *shift);
/* The standardised statistic that the interval inverts, minus `quantile`; NaN when all is tied. */
double kayenta_statistic(const struct two_samples *experiment_control, double shift,
                         double quantile);

double kayenta_mean_ratio(const double *control, size_t m, const double *experiment, size_t n);
/* Share of pairs in which the experiment is greater, ties by half; both sorted. */
double kayenta_cles(const struct two_samples *experiment_control);

/* ---- the score ---- */

struct kayenta_scored {
    enum kayenta_label label;
    bool critical, muted;
    const char *reason;
    const char *const *groups; /* ended by NULL; a metric may be in several, or in none */
};
struct kayenta_weight {
    const char *group;
    double percent;
};
struct kayenta_group {
    const char *name; /* borrowed from the metric */
    double score;     /* 0 to 100 */
    bool no_data;     /* nothing in it could be judged; counts as 100 in the sum */
    size_t passed, judged;
};
enum kayenta_outcome { KAYENTA_FAIL = 0, KAYENTA_MARGINAL, KAYENTA_PASSED };
struct kayenta_score {
    double score; /* 0 to 100, two decimals */
    enum kayenta_outcome outcome;
    char reason[200]; /* why it is 0; "" when the sum decides */
    size_t group_count;
    struct kayenta_group groups[64]; /* those after the 64th are in the sum, and not listed */
};

/* `pass` and `marginal` are scores. O(metrics * groups). */
struct kayenta_thresholds {
    double pass, marginal;
};
void kayenta_score(const struct kayenta_scored *metrics, size_t count,
                   const struct kayenta_weight *weights, size_t weight_count,
                   struct kayenta_thresholds thresholds, struct kayenta_score *score);

enum kayenta_outcome kayenta_outcome_of(double score, struct kayenta_thresholds thresholds);
const char *kayenta_outcome_name(enum kayenta_outcome outcome); /* "Pass" "Marginal" "Fail" */

#endif
