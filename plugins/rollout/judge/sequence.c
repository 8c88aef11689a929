#include "sequence.h"

#include <math.h>

struct look sequence_look(size_t samples, size_t least) {
    if (!least || samples < least) return (struct look){0};
    size_t size = least;
    double k = 0;
    for (;; k++) {
        size_t next = size + size / 4 + 1;
        if (next > samples) break;
        size = next;
    }
    return (struct look){.size = size, .shares = (k + 1) * (k + 2)};
}

const double evidence_effects[EFFECTS] = {0.15, 0.3, 0.5, 0.75, 1.0, 1.35,
                                          1.7,  2.1, 2.5, 3.0,  3.5, 4.2};

static double log_add(double a, double b) {
    double high = fmax(a, b);
    return isinf(high) ? high : high + log1p(exp(fmin(a, b) - high));
}

/* Weight of an effect that begins in the t-th interval; what is left for later ones is 1/(t+2). */
static double log_weight(size_t t) {
    return -log(((double)t + 1) * ((double)t + 2));
}

void evidence_add(struct evidence *evidence, const double log_ratios[EFFECTS], int restarts) {
    size_t t = evidence->intervals++;
    for (int i = 0; i < EFFECTS; i++) {
        double *product = &evidence->log_product[i];
        if (restarts) *product = t ? log_add(*product, log_weight(t)) : log_weight(t);
        *product += log_ratios[i];
    }
}

double log_sum(const double *values, size_t count) {
    double high = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) high = fmax(high, values[i]);
    if (isinf(high)) return high;
    for (size_t i = 0; i < count; i++) sum += exp(values[i] - high);
    return high + log(sum);
}

double evidence_p(const struct evidence *evidence, int restarts) {
    if (!evidence->intervals) return 1;
    double mixture = log_sum(evidence->log_product, EFFECTS) - log(EFFECTS);
    if (restarts) mixture = log_add(mixture, -log((double)evidence->intervals + 1));
    return fmin(1, exp(-mixture));
}
