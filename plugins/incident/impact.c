#include "impact.h"

#include <math.h>
#include <stdlib.h>

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Wilson's interval for k of n at 95 %: stays within 0..1, also for few and for none. */
static void wilson(double k, double n, double *low, double *high) {
    const double z = 1.959964, p = k / n, zz = z * z;
    const double middle = (p + zz / (2 * n)) / (1 + zz / n);
    const double half = z * sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n);
    *low = fmax(0, middle - half);
    *high = fmin(1, middle + half);
}

void impact_compute(const struct impact_counts *c, double *ratios, struct impact *out) {
    enum { MINUTES_LEAST = 10 }; /* of quiet, before "usual" means anything */
    *out = (struct impact){.known = c->requests > 0, .requests = c->requests, .failed = c->failed};
    if (!out->known) return;
    if (c->usual_count >= MINUTES_LEAST) {
        qsort(ratios, c->usual_count, sizeof *ratios, rising);
        out->usual_ratio = ratios[c->usual_count / 2];
        out->usual_known = true;
    }
    out->expected = out->usual_ratio * c->requests;
    out->excess = fmax(0, c->failed - out->expected);
    out->share = out->excess / c->requests;
    wilson(out->excess, c->requests, &out->share_low, &out->share_high);
}
