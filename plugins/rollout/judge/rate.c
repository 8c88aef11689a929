#include "rate.h"

#include "samples.h"
#include "sequence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LADDER = 33, BISECTIONS = 40 };
static const double ladder_end = 4.2; /* the confidence sequence's prior: log w within +-4.2 */
static const double widest = 16;      /* log w beyond which an end counts as open */
static const double least_events = 50;

/* Bad events of one interval, and how the traffic was split. */
struct split {
    double own, all; /* bad events of the new version, and of both */
    double share;    /* of the traffic that the new version had */
};

struct totals {
    double own_bad, own_all, other_bad, other_all;
};

static struct judge_count count_at(const struct judge_metric *metric,
                                   const struct judge_count *rate, size_t i) {
    struct judge_count count = rate[i];
    if (metric->worse == JUDGE_LOWER) count.bad = count.all - count.bad;
    return count;
}

static bool usable(struct judge_count count) {
    return count.all >= 0 && count.bad >= 0 && count.bad <= count.all && isfinite(count.all);
}

static struct totals sum_up(const struct judge_metric *metric) {
    struct totals totals = {0};
    for (size_t i = 0; i < metric->intervals; i++) {
        struct judge_count own = count_at(metric, metric->experiment_rate, i);
        if (usable(own)) totals.own_bad += own.bad, totals.own_all += own.all;
        if (!metric->control_rate) continue;
        struct judge_count other = count_at(metric, metric->control_rate, i);
        if (usable(other)) totals.other_bad += other.bad, totals.other_all += other.all;
    }
    return totals;
}

/* False: nothing can be learnt from this interval. */
static bool split_at(const struct judge_metric *metric, size_t i, struct split *split) {
    struct judge_count own = count_at(metric, metric->experiment_rate, i);
    struct judge_count other = count_at(metric, metric->control_rate, i);
    if (!usable(own) || !usable(other) || own.all <= 0 || other.all <= 0) return false;
    *split = (struct split){own.bad, own.bad + other.bad, own.all / (own.all + other.all)};
    return true;
}

/* ---- against the old version ---- */

static double log_likelihood(struct split split, double log_w) {
    if (split.all == 0) return 0; /* most intervals of a good service */
    return split.own * log_w - split.all * log1p(split.share * expm1(log_w));
}

/* Ratios of effects above (sign 1) or below (sign -1) the boundary, against the boundary. */
static void ratios_beyond(struct split split, double boundary, double sign,
                          double ratios[EFFECTS]) {
    double at_boundary = log_likelihood(split, boundary);
    for (int i = 0; i < EFFECTS; i++)
        ratios[i] = log_likelihood(split, boundary + sign * evidence_effects[i]) - at_boundary;
}

static void compare(const struct judge_metric *metric, double boundary,
                    struct judge_finding *finding) {
    struct evidence worse = {0}, better = {0};
    for (size_t i = 0; i < metric->intervals; i++) {
        struct split split;
        double ratios[EFFECTS];
        if (!split_at(metric, i, &split)) continue;
        ratios_beyond(split, boundary, 1, ratios);
        evidence_add(&worse, ratios, 1);
        ratios_beyond(split, boundary, -1, ratios);
        evidence_add(&better, ratios, 0);
    }
    finding->p_worse = evidence_p(&worse, 1);
    finding->p_safe = evidence_p(&better, 0);
}

/* ---- the interval ---- */

static double sum_likelihood(const struct judge_metric *metric, double log_w) {
    double sum = 0;
    for (size_t i = 0; i < metric->intervals; i++) {
        struct split split;
        if (split_at(metric, i, &split)) sum += log_likelihood(split, log_w);
    }
    return sum;
}

/* Rises while the likelihood rises: bad events of the new version beyond those expected at w. */
static double slope(const struct judge_metric *metric, double log_w) {
    double sum = 0;
    for (size_t i = 0; i < metric->intervals; i++) {
        struct split split;
        if (!split_at(metric, i, &split) || split.all == 0) continue;
        double odds = split.share * exp(log_w);
        sum += split.own - split.all * odds / (odds + 1 - split.share);
    }
    return sum;
}

static double likeliest(const struct judge_metric *metric) {
    double low = -widest, high = widest;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (slope(metric, middle) > 0)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Between `inside`, whose likelihood is above the floor, and `end`. */
static double where_it_falls(const struct judge_metric *metric, double inside, double end,
                             double floor) {
    if (sum_likelihood(metric, end) >= floor) return end > 0 ? INFINITY : -INFINITY;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (inside + end) / 2;
        if (sum_likelihood(metric, middle) >= floor)
            inside = middle;
        else
            end = middle;
    }
    return inside;
}

static void find_interval(const struct judge_metric *metric, double chance,
                          struct judge_finding *finding) {
    double ladder[LADDER];
    for (int i = 0; i < LADDER; i++)
        ladder[i] = sum_likelihood(metric, ladder_end * (2.0 * i / (LADDER - 1) - 1));
    double floor = log_sum(ladder, LADDER) - log(LADDER) + log(chance);
    double best = likeliest(metric);
    finding->low = exp(where_it_falls(metric, best, -widest, floor));
    finding->high = exp(where_it_falls(metric, best, widest, floor));
    finding->estimate = best <= -widest + 1e-6 ? 0 : best >= widest - 1e-6 ? INFINITY : exp(best);
}

/* ---- against a limit ---- */

static double log_odds(double share) {
    return log(share / (1 - share));
}

/* log of P(bad of all) at shifted log odds, against that at the limit. */
static double log_binomial(struct judge_count count, double limit, double shift) {
    double odds = log_odds(limit) + shift;
    double share = 1 / (1 + exp(-odds));
    return count.bad * (log(share) - log(limit)) +
           (count.all - count.bad) * (log1p(-share) - log1p(-limit));
}

struct limit_test {
    struct evidence worse, better;
    double limit;
};

static void limit_add(struct limit_test *test, struct judge_count count) {
    double above[EFFECTS], below[EFFECTS];
    for (int i = 0; i < EFFECTS; i++) {
        above[i] = log_binomial(count, test->limit, evidence_effects[i]);
        below[i] = log_binomial(count, test->limit, -evidence_effects[i]);
    }
    evidence_add(&test->worse, above, 1);
    evidence_add(&test->better, below, 0);
}

static bool limit_usable(double limit) {
    return limit > 0 && limit < 1;
}

static struct limit_test against_limit(const struct judge_metric *metric) {
    double limit = metric->worse == JUDGE_LOWER ? 1 - metric->limit : metric->limit;
    struct limit_test test = {.limit = limit};
    for (size_t i = 0; i < metric->intervals && limit_usable(limit); i++) {
        struct judge_count count = count_at(metric, metric->experiment_rate, i);
        if (usable(count) && count.all > 0) limit_add(&test, count);
    }
    return test;
}

/* All shares that the mixture of both sides has not refuted. */
static void share_interval(struct judge_count count, double chance, struct judge_finding *finding) {
    double ladder[LADDER], middle = (count.bad + 0.5) / (count.all + 1);
    for (int i = 0; i < LADDER; i++) /* a uniform prior of the share, by its mid points */
        ladder[i] = log_binomial(count, middle, log_odds((i + 0.5) / LADDER) - log_odds(middle));
    double floor = log_sum(ladder, LADDER) - log(LADDER) + log(chance);
    for (int side = -1; side <= 1; side += 2) {
        double inside = 0, end = 30.0 * side;
        for (int i = 0; i < BISECTIONS; i++) {
            double shift = (inside + end) / 2;
            if (log_binomial(count, middle, shift) >= floor)
                inside = shift;
            else
                end = shift;
        }
        double share = 1 / (1 + exp(-(log_odds(middle) + inside)));
        *(side < 0 ? &finding->low : &finding->high) = share;
    }
    finding->estimate = count.bad / count.all;
}

/* ---- together ---- */

/* Evidence grows with the samples: how many more until p_safe falls below `chance`. */
static double more_until_pass(const struct judge_finding *finding, double chance) {
    double so_far = -log(finding->p_safe);
    if (!(so_far > 0.7)) return NAN; /* less than a factor of 2 is noise */
    return ceil(fmax(0, log(1 / chance) / so_far - 1) * finding->experiment_samples);
}

static void join_limit(const struct judge_metric *metric, const struct totals *totals,
                       struct judge_finding *finding) {
    struct limit_test test = against_limit(metric);
    double worse = evidence_p(&test.worse, 1), safe = evidence_p(&test.better, 0);
    double other = totals->other_bad / totals->other_all;
    /* Two ways each to pass and to fail: each may err half as often. Where the old version is
     * above the limit as well, being there is no fault of the new one. */
    if (other > test.limit) worse = 1;
    finding->p_worse = fmin(1, 2 * fmin(finding->p_worse, worse));
    finding->p_safe = fmin(1, 2 * fmin(finding->p_safe, safe));
}

static double boundary_of(const struct judge_metric *metric, const struct totals *totals) {
    double other = (totals->other_bad + 0.5) / (totals->other_all + 1);
    return log1p(fmax(metric->allowed, metric->allowed_by / other));
}

static void judge_alone(const struct judge_metric *metric, const struct judge_settings *settings,
                        const struct totals *totals, struct judge_finding *finding) {
    struct limit_test test = against_limit(metric);
    finding->method = "binomial mixture against the limit";
    finding->p_worse = evidence_p(&test.worse, 1);
    finding->p_safe = evidence_p(&test.better, 0);
    finding->boundary = test.limit;
    finding->scale = "share";
    share_interval((struct judge_count){totals->own_bad, totals->own_all},
                   settings->fail_chance + settings->pass_chance, finding);
}

void rate_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                struct judge_finding *finding) {
    struct totals totals = sum_up(metric);
    double least = metric->min_samples ? (double)metric->min_samples : least_events;
    finding->method = "mixture rate test";
    finding->experiment_samples = finding->experiment_effective = totals.own_all;
    finding->control_samples = finding->control_effective = totals.other_all;
    finding->experiment_typical = totals.own_all > 0 ? totals.own_bad / totals.own_all : NAN;
    finding->control_typical = totals.other_all > 0 ? totals.other_bad / totals.other_all : NAN;
    bool compared = totals.other_all > 0;
    if (totals.own_all < least || (compared && totals.other_all < least)) {
        finding->more_samples = fmax(least - totals.own_all, least - totals.other_all);
        return;
    }
    if (!compared) {
        judge_alone(metric, settings, &totals, finding);
    } else {
        double boundary = boundary_of(metric, &totals);
        finding->scale = "ratio";
        finding->boundary = exp(boundary);
        compare(metric, boundary, finding);
        find_interval(metric, settings->fail_chance + settings->pass_chance, finding);
        if (!isnan(metric->limit)) join_limit(metric, &totals, finding);
    }
    finding->more_samples = more_until_pass(finding, settings->pass_chance);
}

void limit_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                 struct judge_finding *finding) {
    struct limit_test test = {.limit = 0.5};
    struct judge_count beyond = {0};
    for (size_t i = 0; i < metric->experiment_count; i++) {
        double value = metric->experiment_values[i];
        if (isnan(value)) continue;
        bool bad = metric->worse == JUDGE_LOWER ? value < metric->limit : value > metric->limit;
        struct judge_count one = {bad ? 1 : 0, 1};
        limit_add(&test, one);
        beyond.bad += one.bad, beyond.all += 1;
    }
    double least = metric->min_samples ? (double)metric->min_samples : 8;
    finding->method = "sequential sign test against the limit";
    finding->experiment_samples = finding->experiment_effective = beyond.all;
    if (beyond.all < least) {
        finding->more_samples = least - beyond.all;
        return;
    }
    finding->experiment_typical = beyond.bad / beyond.all;
    finding->p_worse = evidence_p(&test.worse, 1);
    finding->p_safe = evidence_p(&test.better, 0);
    finding->boundary = 0.5;
    finding->scale = "share";
    share_interval(beyond, settings->fail_chance + settings->pass_chance, finding);
    finding->more_samples = more_until_pass(finding, settings->pass_chance);
}
