#include "kayenta.h"

#include "normal.h"
#include "ranks.h"
#include "samples.h"
#include "zero.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kayenta_label_name(enum kayenta_label label) {
    static const char *const names[] = {"Pass", "High", "Low", "Nodata", "NodataFailMetric",
                                        "Error"};
    return names[label];
}

struct kayenta_options kayenta_defaults(bool by_cles) {
    double effect = by_cles ? 0.5 : 1.0;
    return (struct kayenta_options){.outlier_factor = 3,
                                    .by_cles = by_cles,
                                    .allowed_increase = effect,
                                    .allowed_decrease = effect,
                                    .critical_increase = effect,
                                    .critical_decrease = effect,
                                    .tolerance = 0.25,
                                    .confidence = 0.98};
}

/* ---- the interval ---- */

double kayenta_statistic(const struct two_samples *two, double shift, double quantile) {
    struct ranking ranking = rank_together(two, shift);
    double n = (double)two->n, m = (double)two->m;
    double above = ranking.sum - n * (n + 1) / 2 - n * m / 2;
    double correction = above > 0 ? 0.5 : above < 0 ? -0.5 : 0;
    double deviation = rank_deviation(two, ranking.ties);
    return deviation > 0 ? (above - correction) / deviation - quantile : NAN;
}

struct at_quantile {
    const struct two_samples *two;
    double quantile;
};

static double statistic_at(const void *arg, double shift) {
    const struct at_quantile *at = arg;
    return kayenta_statistic(at->two, shift, at->quantile);
}

static const double root_tolerance = 1e-4; /* Kayenta's, absolute whatever the unit */

static struct zero_search span(const struct at_quantile *at) {
    const struct two_samples *two = at->two;
    double low = two->x[0] - two->y[two->m - 1], high = two->x[two->n - 1] - two->y[0];
    return (struct zero_search){.low = low,
                                .high = high,
                                .at_low = statistic_at(at, low),
                                .at_high = statistic_at(at, high),
                                .tolerance = root_tolerance,
                                .value = statistic_at,
                                .arg = at};
}

static double end_of_interval(const struct two_samples *two, double quantile) {
    const struct at_quantile at = {two, quantile};
    const struct zero_search search = span(&at);
    if (search.at_low <= 0) return search.low;
    if (search.at_high >= 0) return search.high;
    return zero_find(&search);
}

bool kayenta_shift(const struct two_samples *two, double confidence, struct kayenta_shift *shift) {
    const struct at_quantile middle = {two, 0};
    const struct zero_search search = span(&middle);
    if (isnan(search.at_low) || isnan(search.at_high)) return false;
    double quantile = normal_quantile((1 - confidence) / 2);
    shift->low = end_of_interval(two, -quantile);
    shift->high = end_of_interval(two, quantile);
    shift->estimate = zero_find(&search);
    return true;
}

/* ---- effect sizes ---- */

double kayenta_mean_ratio(const double *control, size_t m, const double *experiment, size_t n) {
    double of_control = samples_mean(control, m), of_experiment = samples_mean(experiment, n);
    return of_control == 0 || of_experiment == 0 ? NAN : of_experiment / of_control;
}

double kayenta_cles(const struct two_samples *two) {
    return rank_u(two, 0) / ((double)two->n * (double)two->m);
}

/* ---- one metric ---- */

/* A series that was treated: `sorted` is owned. */
struct treated {
    double *sorted;
    size_t count;
};

static bool treat(const double *values, size_t count, const struct kayenta_options *options,
                  struct treated *out) {
    double *own = malloc((count ? count : 1) * sizeof *own);
    if (!own) return false;
    if (count) memcpy(own, values, count * sizeof *own);
    if (options->replace_missing)
        samples_replace_missing(own, count, 0);
    else
        count = samples_drop_missing(own, count);
    samples_sort(own, count);
    if (options->remove_outliers && count)
        count = samples_drop_outside(own, count,
                                     samples_fences(own, count, options->outlier_factor, true));
    *out = (struct treated){own, count};
    return true;
}

/* Two constants cannot be ranked apart with ties; a noise of 1e-5 of the value lets them. */
static void add_noise(struct treated *series, unsigned long long *seed) {
    double scale = series->sorted[0] * 1e-5;
    for (size_t i = 0; i < series->count; i++) series->sorted[i] += random_normal(seed) * scale;
    samples_sort(series->sorted, series->count);
}

static void label_missing(const struct kayenta_metric *metric,
                          const struct kayenta_options *options, struct kayenta_result *result) {
    if (options->replace_missing) return;
    bool fails = options->must_have_data && !options->critical;
    result->label = fails ? KAYENTA_NODATA_FAIL : KAYENTA_NODATA;
    result->critical = options->critical;
    (void)snprintf(result->reason, sizeof result->reason, "Missing data for %s", metric->name);
}

static bool all_the_same(const struct treated *control, const struct treated *experiment) {
    return samples_distinct(control->sorted, control->count) == 1 &&
           samples_distinct(experiment->sorted, experiment->count) == 1;
}

static bool beyond(double effect, double threshold, enum kayenta_label label) {
    return isnan(effect) || (label == KAYENTA_HIGH ? effect >= threshold : effect <= threshold);
}

static void label_shift(const struct kayenta_metric *metric, const struct kayenta_options *options,
                        struct kayenta_result *result) {
    bool high = options->direction != KAYENTA_DECREASE && result->low > result->bound &&
                beyond(result->effect, options->allowed_increase, KAYENTA_HIGH);
    bool low = options->direction != KAYENTA_INCREASE && result->high < -result->bound &&
               beyond(result->effect, options->allowed_decrease, KAYENTA_LOW);
    if (!high && !low) return;
    result->label = high ? KAYENTA_HIGH : KAYENTA_LOW;
    double threshold = high ? options->critical_increase : options->critical_decrease;
    result->critical = options->critical && beyond(result->effect, threshold, result->label);
    (void)snprintf(result->reason, sizeof result->reason, "%s%s was classified as %s%s",
                   result->critical ? "The metric " : "", metric->name,
                   kayenta_label_name(result->label), result->critical ? " (Critical)" : "");
}

static void compare(const struct kayenta_metric *metric, const struct kayenta_options *options,
                    struct treated *control, struct treated *experiment,
                    struct kayenta_result *result) {
    if (all_the_same(control, experiment)) {
        unsigned long long seed = 1;
        add_noise(experiment, &seed);
        add_noise(control, &seed);
    }
    const struct two_samples two = {experiment->sorted, experiment->count, control->sorted,
                                    control->count};
    struct kayenta_shift shift;
    if (!kayenta_shift(&two, options->confidence, &shift)) {
        result->label = KAYENTA_ERROR;
        (void)snprintf(result->reason, sizeof result->reason, "Metric Classification Failed");
        return;
    }
    result->compared = true;
    result->low = shift.low;
    result->estimate = shift.estimate;
    result->high = shift.high;
    result->bound = options->tolerance * fabs(shift.estimate);
    result->deviation = kayenta_mean_ratio(two.y, two.m, two.x, two.n);
    result->effect = options->by_cles ? kayenta_cles(&two) : result->deviation;
    label_shift(metric, options, result);
}

static bool equal(const struct treated *a, const struct treated *b) {
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        if (a->sorted[i] != b->sorted[i]) return false;
    }
    return a->count == b->count;
}

void kayenta_classify(const struct kayenta_metric *metric, const struct kayenta_options *options,
                      struct kayenta_result *result) {
    *result = (struct kayenta_result){.label = KAYENTA_PASS, .deviation = 1, .effect = NAN};
    struct treated control = {0}, experiment = {0};
    if (!treat(metric->control, metric->control_count, options, &control) ||
        !treat(metric->experiment, metric->experiment_count, options, &experiment)) {
        result->label = KAYENTA_ERROR;
        (void)snprintf(result->reason, sizeof result->reason, "no memory to judge %s",
                       metric->name);
        goto out;
    }
    result->control_used = control.count;
    result->experiment_used = experiment.count;
    if (!control.count || !experiment.count)
        label_missing(metric, options, result);
    else if (equal(&control, &experiment))
        (void)snprintf(result->reason, sizeof result->reason,
                       "The Canary and Baseline data are identical");
    else if (!(all_the_same(&control, &experiment) && control.sorted[0] == experiment.sorted[0]))
        compare(metric, options, &control, &experiment, result);
out:
    free(control.sorted);
    free(experiment.sorted);
}

void kayenta_compare_means(const struct kayenta_metric *metric,
                           const struct kayenta_options *options, struct kayenta_result *result) {
    *result = (struct kayenta_result){.label = KAYENTA_PASS, .deviation = 1, .effect = NAN};
    if (!metric->control_count || !metric->experiment_count) {
        label_missing(metric, options, result);
        if (result->label == KAYENTA_NODATA) result->deviation = 0;
        return;
    }
    double control = samples_mean(metric->control, metric->control_count);
    double experiment = samples_mean(metric->experiment, metric->experiment_count);
    bool high = options->direction != KAYENTA_DECREASE && experiment > control;
    bool low = options->direction != KAYENTA_INCREASE && experiment < control;
    if (!high && !low) return;
    result->label = high ? KAYENTA_HIGH : KAYENTA_LOW;
    result->deviation = experiment / control;
    result->critical = options->critical;
    (void)snprintf(result->reason, sizeof result->reason,
                   "The Canary mean was %s than the Baseline mean", high ? "greater" : "less");
}
