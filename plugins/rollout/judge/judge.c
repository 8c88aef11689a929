#include "judge.h"

#include "rate.h"
#include "shift.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *judge_answer_name(enum judge_answer answer) {
    static const char *const names[] = {"hold", "pass", "fail"};
    return names[answer];
}

/* How much worse is no harm when nothing is said. Delays differ by a few percent from build to
 * build; a rate of errors is small and noisy, half as much again is still the same kind of rate. */
static const double allowed_of_values = 0.1, allowed_of_rates = 0.5;

static struct judge_settings with_defaults(const struct judge_settings *given) {
    struct judge_settings settings = given ? *given : (struct judge_settings){0};
    if (!(settings.fail_chance > 0)) settings.fail_chance = 0.01;
    if (!(settings.pass_chance > 0)) settings.pass_chance = 0.05;
    return settings;
}

static void find(const struct judge_metric *given, const struct judge_settings *settings,
                 struct judge_finding *finding) {
    struct judge_metric metric = *given;
    if (!(metric.allowed > 0) && !(metric.allowed_by > 0))
        metric.allowed = metric.kind == JUDGE_RATE ? allowed_of_rates : allowed_of_values;
    if (metric.limit == 0) metric.limit = NAN;
    *finding = (struct judge_finding){.p_worse = 1,
                                      .p_safe = 1,
                                      .low = NAN,
                                      .estimate = NAN,
                                      .high = NAN,
                                      .boundary = NAN,
                                      .control_typical = NAN,
                                      .experiment_typical = NAN,
                                      .more_samples = NAN};
    if (metric.kind == JUDGE_RATE)
        rate_judge(&metric, settings, finding);
    else if (!metric.control_count && !isnan(metric.limit))
        limit_judge(&metric, settings, finding);
    else if (!shift_judge(&metric, settings, finding))
        finding->method = "none: no memory";
}

/* Holm's step-down (1979) over the metrics that decide: how many times a p-value counts that is the
 * k-th smallest. Quadratic: there are tens of metrics, not thousands. */
static size_t smaller_ones(const struct judge_metric *metrics, size_t count,
                           const struct judge_finding *findings, size_t of) {
    size_t smaller = 0;
    for (size_t i = 0; i < count; i++) {
        if (metrics[i].advisory || i == of) continue;
        double p = findings[i].p_worse, own = findings[of].p_worse;
        smaller += p < own || (p == own && i < of);
    }
    return smaller;
}

static bool holm_rejects(const struct judge_metric *metrics, size_t count,
                         const struct judge_finding *findings, size_t of, double chance) {
    size_t all = 0;
    for (size_t i = 0; i < count; i++) all += !metrics[i].advisory;
    if (metrics[of].advisory) return findings[of].p_worse <= chance;
    size_t rank = smaller_ones(metrics, count, findings, of);
    for (size_t i = 0; i < count; i++) { /* each smaller one must be rejected as well */
        if (metrics[i].advisory) continue;
        size_t other = smaller_ones(metrics, count, findings, i);
        if (other <= rank && findings[i].p_worse * (double)(all - other) > chance) return false;
    }
    return true;
}

static void decide(const struct judge_metric *metrics, size_t count,
                   const struct judge_finding *findings, struct judge_verdict *verdict) {
    size_t held = count, failed = count, judged = 0;
    for (size_t i = 0; i < count; i++) {
        if (metrics[i].advisory) continue;
        judged++;
        bool worst = failed == count || findings[i].p_worse < findings[failed].p_worse;
        if (findings[i].answer == JUDGE_FAIL && worst) failed = i;
        if (findings[i].answer == JUDGE_HOLD && held == count) held = i;
    }
    *verdict = (struct judge_verdict){.answer = JUDGE_PASS, .decided_by = count};
    if (!judged) verdict->answer = JUDGE_HOLD;
    if (held < count) verdict->answer = JUDGE_HOLD, verdict->decided_by = held;
    if (failed < count) verdict->answer = JUDGE_FAIL, verdict->decided_by = failed;
}

void judge(const struct judge_metric *metrics, size_t count, const struct judge_settings *given,
           struct judge_finding *findings, struct judge_verdict *verdict) {
    const struct judge_settings settings = with_defaults(given);
    for (size_t i = 0; i < count; i++) find(&metrics[i], &settings, &findings[i]);
    for (size_t i = 0; i < count; i++) {
        if (holm_rejects(metrics, count, findings, i, settings.fail_chance))
            findings[i].answer = JUDGE_FAIL;
        else if (findings[i].p_safe <= settings.pass_chance)
            findings[i].answer = JUDGE_PASS;
        words_of_finding(&metrics[i], &findings[i]);
    }
    decide(metrics, count, findings, verdict);
    words_of_verdict(metrics, count, findings, verdict);
}
