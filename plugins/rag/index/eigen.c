#include "eigen.h"

#include <math.h>
#include <string.h>

/* Jacobi's method converges quadratically: six to ten sweeps for a few hundred rows. */
enum { SWEEPS = 30 };

static double off_diagonal(const double *m, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) sum += m[i * n + k] * m[i * n + k];
    return sum;
}

static void turn_rows(double *a, double *b, size_t n, double c, double s) {
    for (size_t k = 0; k < n; k++) {
        const double x = a[k], y = b[k];
        a[k] = c * x - s * y;
        b[k] = s * x + c * y;
    }
}

static void rotate(double *m, double *vectors, size_t n, size_t p, size_t q) {
    const double apq = m[p * n + q];
    const double theta = (m[q * n + q] - m[p * n + p]) / (2 * apq);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    const double app = m[p * n + p] - t * apq, aqq = m[q * n + q] + t * apq;
    turn_rows(m + p * n, m + q * n, n, c, s);
    for (size_t k = 0; k < n; k++) { /* symmetric: the columns are the rows */
        m[k * n + p] = m[p * n + k];
        m[k * n + q] = m[q * n + k];
    }
    m[p * n + p] = app;
    m[q * n + q] = aqq;
    m[p * n + q] = m[q * n + p] = 0;
    turn_rows(vectors + p * n, vectors + q * n, n, c, s);
}

static void sort_falling(double *values, double *vectors, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t most = i;
        for (size_t k = i + 1; k < n; k++)
            if (values[k] > values[most]) most = k;
        if (most == i) continue;
        const double value = values[i];
        values[i] = values[most];
        values[most] = value;
        for (size_t k = 0; k < n; k++) {
            const double x = vectors[i * n + k];
            vectors[i * n + k] = vectors[most * n + k];
            vectors[most * n + k] = x;
        }
    }
}

void eigen_symmetric(double *m, size_t n, double *values, double *vectors) {
    memset(vectors, 0, n * n * sizeof *vectors);
    double scale = 0;
    for (size_t i = 0; i < n; i++) {
        vectors[i * n + i] = 1;
        scale += m[i * n + i] * m[i * n + i];
    }
    for (int sweep = 0; sweep < SWEEPS && off_diagonal(m, n) > 1e-18 * scale; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(m[p * n + q]) > 1e-300) rotate(m, vectors, n, p, q);
    for (size_t i = 0; i < n; i++) values[i] = m[i * n + i];
    sort_falling(values, vectors, n);
}
