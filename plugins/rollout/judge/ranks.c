#include "ranks.h"

#include <math.h>

struct ranking rank_together(const struct two_samples *two, double shift) {
    struct ranking ranking = {0};
    size_t i = 0, j = 0;
    while (i < two->n) {
        double value = two->x[i] - shift;
        size_t own = i, other;
        for (; j < two->m && two->y[j] < value; j++) {
            /* count groups of equal values among those passed over */
            size_t first = j;
            while (j + 1 < two->m && two->y[j + 1] == two->y[first]) j++;
            double t = (double)(j + 1 - first);
            ranking.ties += t * t * t - t;
        }
        other = j;
        while (i < two->n && two->x[i] - shift == value) i++;
        while (j < two->m && two->y[j] == value) j++;
        double before = (double)(own + other), t = (double)(i + j) - before;
        ranking.sum += (double)(i - own) * (before + (t + 1) / 2);
        ranking.ties += t * t * t - t;
    }
    while (j < two->m) {
        size_t first = j;
        while (j < two->m && two->y[j] == two->y[first]) j++;
        double t = (double)(j - first);
        ranking.ties += t * t * t - t;
    }
    return ranking;
}

double rank_u(const struct two_samples *two, double shift) {
    double n = (double)two->n;
    return rank_together(two, shift).sum - n * (n + 1) / 2;
}

double rank_deviation(const struct two_samples *two, double ties) {
    double n = (double)two->n, m = (double)two->m, all = n + m;
    return sqrt(n * m / 12 * (all + 1 - ties / (all * (all - 1))));
}
