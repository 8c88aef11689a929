/*
 * Speed and recall of the vector index: exact scan, and the graph where its module is given.
 *
 *     rag-nearest ROWS DIMENSION [MODULE]
 *
 * Rows are 1,000 seeded clusters on the unit sphere, as in the measurements that README.md compares
 * with. Times are CPU time of this thread.
 */
#include "graph.h"
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLUSTERS = 1000, QUERIES = 500, NEAREST = 10 };

static uint64_t state = 42;

static double uniform(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void) {
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform());
}

static void unit(float *v, uint32_t dimension) {
    double square = 0;
    for (uint32_t i = 0; i < dimension; i++) square += (double)v[i] * (double)v[i];
    for (uint32_t i = 0; i < dimension; i++) v[i] = (float)((double)v[i] / sqrt(square));
}

static void near(const float *center, float spread, uint32_t dimension, float *out) {
    for (uint32_t i = 0; i < dimension; i++)
        out[i] = center[i] + spread * (float)(normal() / sqrt(dimension));
    unit(out, dimension);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct data {
    uint32_t rows, dimension;
    float *vectors, *queries;
};

static const float *exact_row(const void *of, uint32_t row) {
    const struct data *d = of;
    return d->vectors + (size_t)row * d->dimension;
}

static struct data make_data(uint32_t rows, uint32_t dimension) {
    struct data d = {.rows = rows, .dimension = dimension};
    float *centers = malloc((size_t)CLUSTERS * dimension * sizeof *centers);
    d.vectors = malloc((size_t)rows * dimension * sizeof *d.vectors);
    d.queries = malloc((size_t)QUERIES * dimension * sizeof *d.queries);
    if (!centers || !d.vectors || !d.queries) exit(2);
    for (size_t i = 0; i < (size_t)CLUSTERS * dimension; i++) centers[i] = (float)normal();
    for (size_t i = 0; i < CLUSTERS; i++) unit(centers + i * dimension, dimension);
    for (uint32_t r = 0; r < rows; r++)
        near(centers + (size_t)(uniform() * CLUSTERS) * dimension, 0.7F, dimension,
             d.vectors + (size_t)r * dimension);
    for (uint32_t q = 0; q < QUERIES; q++)
        near(centers + (size_t)(uniform() * CLUSTERS) * dimension, 0.7F, dimension,
             d.queries + (size_t)q * dimension);
    free(centers);
    return d;
}

/* The truth, by all numbers. */
static void find_truth(const struct data *d, uint32_t q, uint32_t *out) {
    float best[NEAREST];
    size_t count = 0;
    for (uint32_t r = 0; r < d->rows; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < d->dimension; i++)
            sum += (double)d->queries[(size_t)q * d->dimension + i] *
                   (double)d->vectors[(size_t)r * d->dimension + i];
        if (count == NEAREST && (float)sum <= best[NEAREST - 1]) continue;
        size_t at = count < NEAREST ? count++ : NEAREST - 1;
        for (; at > 0 && best[at - 1] < (float)sum; at--) {
            best[at] = best[at - 1];
            out[at] = out[at - 1];
        }
        best[at] = (float)sum;
        out[at] = r;
    }
}

static size_t hits(const uint32_t *truth, const struct nearest *found, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < NEAREST; k++) n += found[i].row == truth[k];
    return n;
}

/* The graph at several efforts. */
static void measure_graph(const struct data *d, const char *module, uint32_t (*truth)[NEAREST]) {
    static const uint32_t efforts[] = {16, 20, 24, 32, 48, 96};
    const struct rag_graph_face *face = NULL;
    const char *why = rag_graph_load(module, &face);
    if (why) {
        printf("graph: %s\n", why);
        return;
    }
    struct rag_graph *graph = face->make(d->dimension, d->rows);
    double from = seconds();
    for (uint32_t r = 0; graph && r < d->rows; r++)
        if (face->add(graph, r, exact_row(d, r))) exit(2);
    if (!graph) exit(2);
    printf("graph: built in %.1f s\n", seconds() - from);
    for (size_t e = 0; e < sizeof efforts / sizeof efforts[0]; e++) {
        size_t good = 0;
        double best = 1e9;
        face->effort(graph, efforts[e]);
        for (int round = 0; round < 5; round++) {
            good = 0;
            from = seconds();
            for (uint32_t q = 0; q < QUERIES; q++) {
                uint32_t numbers[NEAREST];
                float scores[NEAREST];
                struct nearest found[NEAREST];
                const size_t n = face->search(graph, d->queries + (size_t)q * d->dimension, numbers,
                                              scores, NEAREST);
                for (size_t i = 0; i < n; i++) found[i] = (struct nearest){numbers[i], scores[i]};
                good += hits(truth[q], found, n);
            }
            const double took = seconds() - from;
            if (took < best) best = took;
        }
        printf("graph, effort %u: %.0f queries/s, recall@10 %.4f\n", efforts[e], QUERIES / best,
               (double)good / (QUERIES * NEAREST));
    }
    face->free(graph);
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: rag-nearest ROWS DIMENSION [MODULE]\n"), 2;
    struct data d =
        make_data((uint32_t)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10));
    uint32_t(*truth)[NEAREST] = malloc(QUERIES * sizeof *truth);
    for (uint32_t q = 0; q < QUERIES; q++) find_truth(&d, q, truth[q]);
    const size_t bytes = vector_bytes(d.dimension);
    uint8_t *rounded = aligned_alloc(64, d.rows * bytes);
    float *steps = malloc(d.rows * sizeof *steps);
    double from = seconds();
    for (uint32_t r = 0; r < d.rows; r++)
        steps[r] = vector_round(exact_row(&d, r), d.dimension, rounded + r * bytes);
    printf("scan: %u x %u, round %.2f s, %.1f MB\n", d.rows, d.dimension, seconds() - from,
           d.rows * (double)(bytes + sizeof *steps) / 1e6);
    const struct vector_rows rows = {.rounded = rounded,
                                     .steps = steps,
                                     .count = d.rows,
                                     .dimension = d.dimension,
                                     .exact = exact_row,
                                     .of = &d};
    size_t good = 0;
    double best = 1e9;
    for (int round = 0; round < 3; round++) {
        good = 0;
        from = seconds();
        for (uint32_t q = 0; q < QUERIES; q++) {
            struct nearest found[NEAREST];
            const size_t n = vectors_scan(&rows, d.queries + (size_t)q * d.dimension, NULL, NULL,
                                          found, NEAREST);
            good += hits(truth[q], found, n);
        }
        const double took = seconds() - from;
        if (took < best) best = took;
    }
    printf("scan: %.0f queries/s, recall@10 %.4f\n", QUERIES / best,
           (double)good / (QUERIES * NEAREST));
    free(rounded);
    free(steps);
    if (argc > 3) measure_graph(&d, argv[3], truth);
    free(truth);
    free(d.vectors);
    free(d.queries);
    return 0;
}
