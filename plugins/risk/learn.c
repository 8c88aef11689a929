#include "learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double prior_examples = 20;

/* The intercept that makes the mean probability equal the observed share, by bisection. */
static double fit_intercept(const struct labelled *rows, size_t count, double prior) {
    double low = -12, high = 12;
    for (int i = 0; i < 50; i++) {
        const double middle = (low + high) / 2;
        double sum = prior_examples * (middle - prior) / 4;
        for (size_t r = 0; r < count; r++)
            sum += sigmoid(rows[r].learned + middle) - (rows[r].bad ? 1 : 0);
        if (sum > 0)
            high = middle;
        else
            low = middle;
    }
    return (low + high) / 2;
}

static size_t count_bad(const struct labelled *rows, size_t count) {
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) bad += rows[i].bad;
    return bad;
}

void learn_base_rate(const struct labelled *rows, size_t count, double default_rate,
                     struct base_rate *out) {
    *out = (struct base_rate){.rate = default_rate};
    if (count < LEARN_FLOOR) return;
    if (count > LEARN_WINDOW) {
        rows += count - LEARN_WINDOW;
        count = LEARN_WINDOW;
    }
    const double bad = (double)count_bad(rows, count);
    out->rate = (bad + prior_examples * default_rate) / ((double)count + prior_examples);
    out->shift = fit_intercept(rows, count, logit(default_rate)) - logit(out->rate);
    out->shift = fmax(-2, fmin(2, out->shift));
    out->outcomes = (uint32_t)count;
}

static int by_score(const void *a, const void *b) {
    const double x = ((const struct labelled *)a)->learned,
                 y = ((const struct labelled *)b)->learned;
    return (x > y) - (x < y);
}

/* Rank sum, ties shared. */
static double area(const struct labelled *rows, size_t count) {
    const double bad = (double)count_bad(rows, count), good = (double)count - bad;
    struct labelled *sorted = bad > 0 && good > 0 ? malloc(count * sizeof *sorted) : NULL;
    if (!sorted) return 0.5;
    memcpy(sorted, rows, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_score);
    double ranks = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && sorted[end].learned <= sorted[i].learned) end++;
        const double rank = (double)(i + end + 1) / 2;
        ranks += rank * (double)count_bad(sorted + i, end - i);
        i = end;
    }
    free(sorted);
    return (ranks - bad * (bad + 1) / 2) / (bad * good);
}

static void fill_bins(const struct labelled *rows, size_t count, const struct base_rate *base,
                      struct learn_figures *out) {
    for (size_t i = 0; i < count; i++) {
        const double p = sigmoid(rows[i].learned + base->shift + logit(base->rate));
        const size_t at = p >= 1 ? LEARN_BINS - 1 : (size_t)(p * LEARN_BINS);
        const double miss = p - (rows[i].bad ? 1 : 0);
        out->brier += miss * miss / (double)count;
        out->bins[at].count++;
        out->bins[at].predicted += p;
        out->bins[at].observed += rows[i].bad;
    }
    for (size_t b = 0; b < LEARN_BINS; b++) {
        struct learn_bin *bin = &out->bins[b];
        if (!bin->count) continue;
        bin->predicted /= bin->count;
        bin->observed /= bin->count;
        out->calibration_error += fabs(bin->predicted - bin->observed) * bin->count / (double)count;
    }
}

static void fill_drift(const struct labelled *rows, size_t count, struct learn_figures *out) {
    const size_t half = count / 2;
    if (half < LEARN_FLOOR / 2) return;
    out->rate_before = (double)count_bad(rows, half) / (double)half;
    out->rate_now = (double)count_bad(rows + half, count - half) / (double)(count - half);
    const double both = (double)out->bad / (double)count;
    const double error = sqrt(both * (1 - both) * (1 / (double)half + 1 / (double)(count - half)));
    out->drift = error > 0 ? (out->rate_now - out->rate_before) / error : 0;
}

void learn_measure(const struct labelled *rows, size_t count, const struct base_rate *base,
                   struct learn_figures *out) {
    *out = (struct learn_figures){.count = count, .bad = count_bad(rows, count), .auc = 0.5};
    if (!count) return;
    out->auc = area(rows, count);
    fill_bins(rows, count, base, out);
    fill_drift(rows, count, out);
}
