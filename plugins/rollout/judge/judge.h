/* judge.h - is the new version as good as the old one? Pure: numbers in, a verdict with words out.
 *
 * The answer is pass, fail or hold. Fail needs evidence of harm, pass needs evidence that there is
 * none beyond what is allowed, and without either the judge holds and says what is missing.
 *
 * It may be asked as often as one likes while the data grow, and stop at the first pass or fail:
 * the chance that a canary which is not worse than allowed is ever failed stays below
 * `fail_chance`, and that one which is worse is ever passed below `pass_chance`, over all looks and
 * all metrics together. So give it ALL data since the last change of weight each time, not the
 * newest piece. Kayenta's own judge, which promises neither, is kayenta.h.
 *
 *   values (latency, CPU...)  Mann-Whitney on the scale of ratios, or of differences where values
 *       are not all above 0; exact distribution for small samples; Hodges-Lehmann interval. Judged
 *       at sample sizes that grow by a quarter, the error shared out over them (see sequence.h).
 *       Measurements that follow one another are alike: the effective sample size counts.
 *   rates (errors of requests)  A mixture likelihood ratio over the canary's odds of owning an
 *       error, given the traffic it had in each interval: always valid, and weighted by requests.
 *   several metrics  Holm's step-down for failing; a pass needs each metric to pass.
 *
 * The sources of the methods are named where they are implemented: sequence.h, rate.h, shift.h.
 */
#ifndef ROLLOUT_JUDGE_JUDGE_H
#define ROLLOUT_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

enum judge_answer { JUDGE_HOLD = 0, JUDGE_PASS = 1, JUDGE_FAIL = 2 };
const char *judge_answer_name(enum judge_answer answer); /* "hold" "pass" "fail" */

enum judge_kind { JUDGE_VALUES = 0, JUDGE_RATE = 1 };
enum judge_worse { JUDGE_HIGHER = 0, JUDGE_LOWER = 1, JUDGE_EITHER = 2 }; /* EITHER: values only */

/* One interval of a rate: `bad` of `all` events. Whole numbers >= 0, bad <= all. */
struct judge_count {
    double bad, all;
};

/* What is to be judged. All pointers are borrowed; times rise; NaN is a measurement that is
 * missing. For a rate control[i] and experiment[i] are of the same interval, and both have `count`
 * intervals. Without control (a first deployment) only `limit` is judged. */
struct judge_metric {
    const char *name;
    enum judge_kind kind;
    enum judge_worse worse; /* for a rate: HIGHER, a share of errors; or LOWER, of successes */
    bool advisory;          /* judged and shown, but decides nothing */

    const double *control_values, *experiment_values; /* JUDGE_VALUES */
    size_t control_count, experiment_count;

    const struct judge_count *control_rate, *experiment_rate; /* JUDGE_RATE */
    size_t intervals;

    double allowed;    /* how much worse is no harm, as a share of the old version's: 0.1 is 10 % */
    double allowed_by; /* the same in the metric's unit; the wider of the two counts */
    double limit;      /* the worst that may be, in the metric's unit; 0 or NaN: none */
    size_t min_samples; /* of each version: values, or events of a rate; 0: the default */
};

/* Zeros stand for the defaults. */
struct judge_settings {
    double fail_chance; /* 0.01: of failing a good canary, over all looks and metrics */
    double pass_chance; /* 0.05: of passing a bad one */
};

/* The finding about one metric. */
struct judge_finding {
    enum judge_answer answer;
    const char *method; /* "mann-whitney exact", "mixture rate test"... */
    const char *scale;  /* of the interval: "ratio", "difference" or "share"; NULL: no interval */
    double low, estimate, high; /* of new against old; the chance that it misses is fail_chance +
                                   pass_chance over all looks */
    double boundary;            /* what the interval is held against, on the same scale */
    double p_worse;             /* always-valid p-value of "it is no worse than allowed" */
    double p_safe;              /* always-valid p-value of "it is worse than allowed" */
    double control_samples, experiment_samples;     /* used; a rate: events */
    double control_effective, experiment_effective; /* after likeness in time was taken off */
    double control_typical, experiment_typical;     /* median, or rate */
    double more_samples; /* of the new version until a pass is likely, if it stays as it is; NaN:
                            cannot be said */
    char words[320];     /* one sentence with its numbers */
};

struct judge_verdict {
    enum judge_answer answer;
    size_t decided_by; /* index of the metric whose finding decided, or `count` */
    char words[400];
};

/* Judges `count` metrics; fills findings[count]. Allocates while it runs. O(N log N) for values, of
 * which the newest 2,000 of each version are taken. */
void judge(const struct judge_metric *metrics, size_t count, const struct judge_settings *settings,
           struct judge_finding *findings, struct judge_verdict *verdict);

#endif
