#include "zero.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

enum { STEPS_MAX = 1001 };

struct point {
    double x, f;
};

static void turn(struct point *a, struct point *b, struct point *c) {
    *a = *b;
    *b = *c;
    *c = *a;
}

/* The last step, half the bracket, and the smallest step worth taking. */
struct stride {
    double before, half, within;
};

/* The step that a line (two points) or an inverse parabola (three) proposes, when it stays within
 * three quarters of the bracket and shrinks faster than halving; else the half. */
static double interpolate(struct point a, struct point b, struct point c,
                          const struct stride *stride) {
    double width = c.x - b.x, p, q;
    double s = b.f / a.f;
    if (a.x == c.x) {
        p = width * s;
        q = 1 - s;
    } else {
        double u = a.f / c.f, v = b.f / c.f;
        p = s * (width * u * (u - v) - (b.x - a.x) * (v - 1));
        q = (u - 1) * (v - 1) * (s - 1);
    }
    if (p > 0) q = -q;
    p = fabs(p);
    bool fits =
        p < 0.75 * width * q - fabs(stride->within * q) / 2 && p < fabs(stride->before * q / 2);
    return fits ? p / q : stride->half;
}

double zero_find(const struct zero_search *search) {
    struct point a = {search->low, search->at_low}, b = {search->high, search->at_high}, c = a;
    if (a.f == 0) return a.x;
    for (int i = 0; i < STEPS_MAX && b.f != 0; i++) {
        double before = b.x - a.x;
        if (fabs(c.f) < fabs(b.f)) turn(&a, &b, &c);
        double within = 2 * DBL_EPSILON * fabs(b.x) + search->tolerance / 2;
        double step = (c.x - b.x) / 2;
        if (fabs(step) <= within || b.f == 0) break;
        if (fabs(before) >= within && fabs(a.f) > fabs(b.f))
            step = interpolate(a, b, c, &(struct stride){before, step, within});
        if (fabs(step) < within) step = step > 0 ? within : -within;
        a = b;
        b.x += step;
        b.f = search->value(search->arg, b.x);
        if ((b.f > 0 && c.f > 0) || (b.f < 0 && c.f < 0)) c = a;
    }
    return b.x;
}
