#include "samples.h"

#include <math.h>
#include <stdlib.h>

size_t samples_drop_missing(double *values, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) values[kept++] = values[i];
    }
    return kept;
}

void samples_replace_missing(double *values, size_t count, double value) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) values[i] = value;
    }
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_sort(double *values, size_t count) {
    if (count > 1) qsort(values, count, sizeof *values, rising);
}

size_t samples_distinct(const double *sorted, size_t count) {
    size_t distinct = count ? 1 : 0;
    for (size_t i = 1; i < count; i++) distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

double samples_percentile(const double *sorted, size_t count, double p) {
    if (!count) return NAN;
    double place = (double)(count - 1) * (p / 100);
    size_t below = (size_t)place;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* The second pass takes back what the first lost to rounding. */
double samples_mean(const double *values, size_t count) {
    double sum = 0, rest = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) rest += values[i] - mean;
    return mean + rest / (double)count;
}

static double squares(const double *values, size_t count) {
    double mean = samples_mean(values, count), sum = 0, rest = 0;
    for (size_t i = 0; i < count; i++) {
        double away = values[i] - mean;
        sum += away * away;
        rest += away;
    }
    return sum - rest * rest / (double)count;
}

double samples_deviation(const double *values, size_t count) {
    return count < 2 ? 0 : sqrt(squares(values, count) / (double)(count - 1));
}

struct fences samples_fences(const double *sorted, size_t count, double factor, bool tolerant) {
    double p25 = samples_percentile(sorted, count, 25), p75 = samples_percentile(sorted, count, 75);
    double reach = factor * (p75 - p25);
    struct fences fences = {.low = p25 - reach, .high = p75 + reach};
    if (tolerant) {
        fences.low = fmin(fences.low, samples_percentile(sorted, count, 1));
        fences.high = fmax(fences.high, samples_percentile(sorted, count, 99));
    }
    return fences;
}

struct fences samples_sigma_fences(const double *values, size_t count, double k) {
    double mean = samples_mean(values, count);
    double reach = k * sqrt(squares(values, count) / (double)count);
    return (struct fences){.low = mean - reach, .high = mean + reach};
}

size_t samples_drop_outside(double *values, size_t count, struct fences fences) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] >= fences.low && values[i] <= fences.high) values[kept++] = values[i];
    }
    return kept;
}
