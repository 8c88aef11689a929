#include "quality.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CRITERION_BYTES = 64, VALUES_MAX = 1000 };

/* Digits with at most one point, as in "10" "10.5" ".5" "5."; nothing behind it. */
static bool read_number(const char *text, double *value) {
    size_t digits = 0, points = 0;
    for (const char *at = text; *at; at++) {
        if (isdigit((unsigned char)*at))
            digits++;
        else if (*at == '.')
            points++;
        else
            return false;
    }
    if (!digits || points > 1) return false;
    *value = strtod(text, NULL);
    return isfinite(*value);
}

static bool without_blanks(const char *text, char out[CRITERION_BYTES]) {
    size_t used = 0;
    for (; *text; text++) {
        if (*text == ' ') continue;
        if (used + 1 >= CRITERION_BYTES) return false;
        out[used++] = *text;
    }
    out[used] = 0;
    return true;
}

bool criterion_parse(const char *text, struct criterion *criterion) {
    static const char *const comparisons[] = {"<=", "<", "=", ">=", ">"};
    char form[CRITERION_BYTES] = "";
    *criterion = (struct criterion){.value = 0};
    if (!without_blanks(text, form)) return false;
    char *rest = form;
    for (size_t i = 0; i < 5 && rest == form; i++) {
        const size_t size = strlen(comparisons[i]);
        if (strncmp(form, comparisons[i], size) != 0) continue;
        memcpy(criterion->comparison, comparisons[i], size);
        rest = form + size;
    }
    if (rest == form) return false;
    const size_t size = strlen(rest);
    if (size && rest[size - 1] == '%') {
        rest[size - 1] = 0;
        criterion->percent = criterion->relative = criterion->increase = true;
    }
    if (*rest == '+' || *rest == '-') {
        criterion->relative = true;
        criterion->increase = *rest++ == '+';
    }
    return read_number(rest, &criterion->value);
}

static int by_value(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double quality_quantile(const double *values, size_t count, double p) {
    if (!count) return 0;
    if (count > VALUES_MAX) count = VALUES_MAX;
    double sorted[VALUES_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_value);
    const double place = p * (double)(count + 1);
    if (place < 1) return sorted[0];
    if (place >= (double)count) return sorted[count - 1];
    const size_t at = (size_t)place;
    return sorted[at - 1] + (place - floor(place)) * (sorted[at] - sorted[at - 1]);
}

double quality_average(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    return count ? sum / (double)count : 0;
}

static double aggregated(const double *values, size_t count, enum quality_aggregate aggregate) {
    static const double quantiles[] = {
        [AGGREGATE_P50] = 0.5, [AGGREGATE_P90] = 0.9, [AGGREGATE_P95] = 0.95};
    return aggregate == AGGREGATE_AVG ? quality_average(values, count)
                                      : quality_quantile(values, count, quantiles[aggregate]);
}

static bool compares(double value, const char *comparison, double bound) {
    const bool equal = value == bound;
    switch (comparison[0]) {
    case '<':
        return value < bound || (comparison[1] && equal);
    case '>':
        return value > bound || (comparison[1] && equal);
    default:
        return equal;
    }
}

bool criterion_holds(const struct criterion *criterion, double value, const double *before,
                     size_t count, enum quality_aggregate aggregate, double *bound) {
    *bound = criterion->relative ? 0 : criterion->value;
    if (criterion->relative) {
        if (!count) return true;
        const double base = aggregated(before, count, aggregate);
        const double change = criterion->increase ? criterion->value : -criterion->value;
        *bound = criterion->percent ? base * (100 + change) / 100 : base + change;
    }
    return compares(value, criterion->comparison, *bound);
}

enum quality_result quality_score(const double *points, size_t count, double most, bool key_failed,
                                  double pass_percent, double warning_percent, double *score) {
    *score = 100;
    if (most == 0) return QUALITY_PASS;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += points[i];
    *score = 100 * (sum / most);
    if (key_failed) return QUALITY_FAIL;
    if (*score >= pass_percent) return QUALITY_PASS;
    return *score >= warning_percent ? QUALITY_WARNING : QUALITY_FAIL;
}

const char *quality_name(enum quality_result result) {
    static const char *const names[] = {"fail", "warning", "pass"};
    return names[result];
}
