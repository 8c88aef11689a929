#include "shift.h"

#include "exact.h"
#include "normal.h"
#include "ranks.h"
#include "samples.h"
#include "sequence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 2000, VALUES_LEAST = 8, BISECTIONS = 70 };

struct series {
    double *in_time, *sorted; /* one block; in_time owns it */
    size_t count;
};

struct comparison {
    struct series x, y;
    struct two_samples two; /* of the sorted ones */
    bool ratio;             /* the values are logarithms */
    double likeness;        /* (1 + r) / (1 - r), at least 1 */
    struct look look;
};

/* ---- taking the samples ---- */

static bool take(const double *values, size_t count, struct series *series) {
    series->in_time = calloc(2 * count + 1, sizeof(double));
    if (!series->in_time) return false;
    if (count) memcpy(series->in_time, values, count * sizeof(double));
    series->count = samples_drop_missing(series->in_time, count);
    series->sorted = series->in_time + count;
    return true;
}

static void cut(struct series *series, size_t count) {
    if (series->count > count) series->count = count;
    size_t stride = (series->count + VALUES_MAX - 1) / VALUES_MAX;
    if (stride > 1) {
        size_t kept = 0;
        for (size_t i = 0; i < series->count; i += stride)
            series->in_time[kept++] = series->in_time[i];
        series->count = kept;
    }
}

static bool all_above_zero(const struct series *series) {
    for (size_t i = 0; i < series->count; i++) {
        if (series->in_time[i] <= 0) return false;
    }
    return true;
}

static void scale_and_sort(struct series *series, bool ratio) {
    for (size_t i = 0; i < series->count; i++) {
        if (ratio) series->in_time[i] = log(series->in_time[i]);
        series->sorted[i] = series->in_time[i];
    }
    samples_sort(series->sorted, series->count);
}

/* ---- likeness in time ---- */

/* Twice the mean rank of `value` among the sorted ones. */
static double double_rank(const struct series *series, double value) {
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (series->sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    size_t after = low;
    while (after < series->count && series->sorted[after] == value) after++;
    return (double)(low + after + 1);
}

static void add_products(const struct series *series, double *squares, double *neighbours) {
    double middle = (double)series->count + 1, last = 0;
    for (size_t i = 0; i < series->count; i++) {
        double away = double_rank(series, series->in_time[i]) - middle;
        *squares += away * away;
        if (i) *neighbours += away * last;
        last = away;
    }
}

/* The estimate of r is too low by (1 + 4r)/N (Kendall 1954); one that noise explains counts as 0,
 * and one that would leave no sample at all as 0.95. */
static double likeness_of(const struct comparison *comparison) {
    double squares = 0, neighbours = 0;
    double all = (double)(comparison->x.count + comparison->y.count);
    add_products(&comparison->x, &squares, &neighbours);
    add_products(&comparison->y, &squares, &neighbours);
    if (squares <= 0) return 1;
    double r = neighbours / squares;
    if (r < 1 / sqrt(all)) return 1;
    r = fmin(r + (1 + 4 * r) / all, 0.95);
    return (1 + r) / (1 - r);
}

/* ---- tests and interval ---- */

static bool small(const struct comparison *comparison) {
    return comparison->x.count + comparison->y.count <= EXACT_MAX && comparison->likeness == 1;
}

static struct tails tails_at(const struct comparison *comparison, double shift) {
    struct tails tails;
    const struct two_samples *two = &comparison->two;
    if (small(comparison) && exact_tails(two, shift, &tails)) return tails;
    struct ranking ranking = rank_together(two, shift);
    double n = (double)two->n, m = (double)two->m;
    double away = ranking.sum - n * (n + 1) / 2 - n * m / 2;
    double deviation = rank_deviation(two, ranking.ties) * sqrt(comparison->likeness);
    if (!(deviation > 0)) return (struct tails){1, 1};
    return (struct tails){.above = normal_below(-(away - 0.5) / deviation),
                          .below = normal_below((away + 0.5) / deviation)};
}

/* The U that is exceeded with this chance at most. */
static double critical(const struct comparison *comparison, double chance) {
    double n = (double)comparison->two.n, m = (double)comparison->two.m;
    if (small(comparison)) {
        double u = exact_critical(comparison->two.n, comparison->two.m, chance);
        if (u >= 0) return u;
    }
    double deviation = rank_deviation(&comparison->two, 0) * sqrt(comparison->likeness);
    return n * m / 2 + 0.5 - normal_quantile(chance) * deviation;
}

/* The shift at which U falls below `u`: U falls as the shift rises. */
static double shift_where(const struct two_samples *two, double u) {
    double low = two->x[0] - two->y[two->m - 1], high = two->x[two->n - 1] - two->y[0];
    if (rank_u(two, low) < u) return -INFINITY;
    if (rank_u(two, high) >= u) return INFINITY;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = low + (high - low) / 2;
        if (rank_u(two, middle) >= u)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static double hodges_lehmann(const struct two_samples *two) {
    double half = (double)two->n * (double)two->m / 2;
    double low = shift_where(two, half + 0.25), high = shift_where(two, half);
    if (isinf(low)) low = two->x[0] - two->y[two->m - 1];
    if (isinf(high)) high = two->x[two->n - 1] - two->y[0];
    return (low + high) / 2;
}

/* ---- what is allowed ---- */

struct margins {
    double up, down; /* shifts from which it counts as worse; down is negative */
};

static struct margins margins_of(const struct judge_metric *metric,
                                 const struct comparison *comparison) {
    double typical = samples_percentile(comparison->two.y, comparison->two.m, 50);
    if (comparison->ratio) {
        double allowed = fmax(metric->allowed, metric->allowed_by / exp(typical));
        return (struct margins){.up = log1p(allowed), .down = log1p(-fmin(allowed, 0.999))};
    }
    double allowed = fmax(metric->allowed * fabs(typical), metric->allowed_by);
    return (struct margins){.up = allowed, .down = -allowed};
}

static void test_margins(const struct judge_metric *metric, const struct comparison *comparison,
                         struct margins margins, struct judge_finding *finding) {
    struct tails up = {1, 0}, down = {0, 1};
    if (metric->worse != JUDGE_LOWER) up = tails_at(comparison, margins.up);
    if (metric->worse != JUDGE_HIGHER) down = tails_at(comparison, margins.down);
    double worse = metric->worse == JUDGE_HIGHER  ? up.above
                   : metric->worse == JUDGE_LOWER ? down.below
                                                  : 2 * fmin(up.above, down.below);
    double safe = fmax(up.below, down.above);
    finding->p_worse = fmin(1, worse * comparison->look.shares);
    finding->p_safe = fmin(1, safe * comparison->look.shares);
    finding->boundary = metric->worse == JUDGE_LOWER ? margins.down : margins.up;
}

static void find_interval(const struct judge_settings *settings, enum judge_worse worse,
                          const struct comparison *comparison, struct judge_finding *finding) {
    double pairs = (double)comparison->two.n * (double)comparison->two.m;
    double fail = settings->fail_chance / comparison->look.shares;
    double pass = settings->pass_chance / comparison->look.shares;
    if (worse == JUDGE_EITHER) fail = pass = fmin(fail / 2, pass);
    double below = worse == JUDGE_LOWER ? pass : fail, above = worse == JUDGE_LOWER ? fail : pass;
    finding->low = shift_where(&comparison->two, critical(comparison, below));
    finding->high = shift_where(&comparison->two, pairs + 1 - critical(comparison, above));
    finding->estimate = hodges_lehmann(&comparison->two);
}

static double unscaled(const struct comparison *comparison, double value) {
    return comparison->ratio ? exp(value) : value;
}

/* The interval narrows as the square root of the samples. */
static double more_until_pass(const struct comparison *comparison, enum judge_worse worse,
                              const struct judge_finding *finding) {
    double reach =
        worse == JUDGE_LOWER ? finding->estimate - finding->low : finding->high - finding->estimate;
    double room = worse == JUDGE_LOWER ? finding->estimate - finding->boundary
                                       : finding->boundary - finding->estimate;
    if (!(room > 0) || !isfinite(reach)) return NAN;
    double times = reach / room;
    return times > 1 ? ceil((times * times - 1) * (double)comparison->x.count) : 0;
}

static void compare(const struct judge_metric *metric, const struct judge_settings *settings,
                    struct comparison *comparison, struct judge_finding *finding) {
    comparison->ratio = all_above_zero(&comparison->x) && all_above_zero(&comparison->y);
    scale_and_sort(&comparison->x, comparison->ratio);
    scale_and_sort(&comparison->y, comparison->ratio);
    comparison->two = (struct two_samples){comparison->x.sorted, comparison->x.count,
                                           comparison->y.sorted, comparison->y.count};
    comparison->likeness = likeness_of(comparison);
    finding->method = small(comparison) ? "mann-whitney, exact" : "mann-whitney, normal";
    finding->scale = comparison->ratio ? "ratio" : "difference";
    test_margins(metric, comparison, margins_of(metric, comparison), finding);
    find_interval(settings, metric->worse, comparison, finding);
    finding->more_samples = more_until_pass(comparison, metric->worse, finding);
    finding->low = unscaled(comparison, finding->low);
    finding->high = unscaled(comparison, finding->high);
    finding->estimate = unscaled(comparison, finding->estimate);
    finding->boundary = unscaled(comparison, finding->boundary);
    finding->control_effective = finding->control_samples / comparison->likeness;
    finding->experiment_effective = finding->experiment_samples / comparison->likeness;
    finding->control_typical =
        unscaled(comparison, samples_percentile(comparison->two.y, comparison->two.m, 50));
    finding->experiment_typical =
        unscaled(comparison, samples_percentile(comparison->two.x, comparison->two.n, 50));
}

bool shift_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                 struct judge_finding *finding) {
    struct comparison comparison = {0};
    bool took = take(metric->experiment_values, metric->experiment_count, &comparison.x) &&
                take(metric->control_values, metric->control_count, &comparison.y);
    size_t n = comparison.x.count, m = comparison.y.count, fewer = n < m ? n : m;
    size_t least = metric->min_samples ? metric->min_samples : VALUES_LEAST;
    if (took) comparison.look = sequence_look(fewer, least);
    finding->method = "mann-whitney";
    finding->experiment_samples = (double)n;
    finding->control_samples = (double)m;
    finding->more_samples = fewer < least ? (double)(least - fewer) : NAN;
    if (took && comparison.look.size) {
        /* both at the planned size, the longer one in proportion */
        cut(&comparison.x, n * comparison.look.size / fewer);
        cut(&comparison.y, m * comparison.look.size / fewer);
        finding->experiment_samples = (double)comparison.x.count;
        finding->control_samples = (double)comparison.y.count;
        compare(metric, settings, &comparison, finding);
    }
    free(comparison.x.in_time);
    free(comparison.y.in_time);
    return took;
}
