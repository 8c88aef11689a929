#include "anomaly.h"

#include <math.h>

/* A rate must triple and stand four deviations out; counts of logs spread more than Poisson's do:
 * a third of the mean is added. */
static const double times_least = 3, deviations_least = 4, spread = 0.33, watched_least = 10;

static double weight(int severity) {
    return severity >= 21 ? 3 : severity >= 17 ? 2 : severity >= 13 ? 1.3 : 1;
}

enum anomaly anomaly_judge(const struct pattern *p, double *score) {
    *score = 0;
    if (p->before_minutes < watched_least || p->now_minutes <= 0) return ANOMALY_NONE;
    const double expected = p->before_lines / p->before_minutes * p->now_minutes;
    const double deviation = sqrt(expected + spread * expected * spread * expected + 1);
    const double z = (p->now_lines - expected) / deviation;
    if (p->before_lines == 0 && p->now_lines > 0) {
        *score = (2 + log1p(p->now_lines)) * weight(p->severity);
        return ANOMALY_NEW;
    }
    if (z >= deviations_least && p->now_lines >= times_least * expected) {
        *score = log1p(z) * weight(p->severity);
        return ANOMALY_MORE;
    }
    if (z <= -deviations_least && p->now_lines * 10 <= expected) {
        *score = 0.5 * log1p(-z);
        return ANOMALY_GONE;
    }
    return ANOMALY_NONE;
}

const char *anomaly_name(enum anomaly anomaly) {
    static const char *const names[] = {"usual", "new", "more often", "gone"};
    return names[anomaly];
}
