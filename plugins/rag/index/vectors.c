#include "vectors.h"

#include "dense.h"
#include "index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rounding to fifteen steps moves a cosine of 384 dimensions by some .008 (one standard deviation), and
 * the rows from the tenth to the four hundredth nearest differ by ten times that. */
enum { RESCORE_TIMES = 8, RESCORE_MORE = 70, BLOCK = 256, MIDDLE = 8, MOST_STEP = 7 };

float vector_round(const float *row, uint32_t dimension, uint8_t *to) {
    float most = 0;
    for (uint32_t i = 0; i < dimension; i++) most = fmaxf(most, fabsf(row[i]));
    const float scale = most > 0 ? MOST_STEP / most : 0;
    memset(to, 0, vector_bytes(dimension));
    for (uint32_t i = 0; i < dimension; i++) {
        const unsigned half = (unsigned)(lrintf(row[i] * scale) + MIDDLE);
        to[i / 64 * 32 + i % 32] |= (uint8_t)(i % 64 < 32 ? half : half << 4);
    }
    return most / MOST_STEP;
}

struct heap { /* the worst on top */
    struct nearest *at;
    size_t count, most;
};

static bool worse(struct nearest a, struct nearest b) {
    if (a.score < b.score || a.score > b.score) return a.score < b.score;
    return a.row > b.row;
}

static void sink(struct heap *h, size_t at) {
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && worse(h->at[child + 1], h->at[child])) child++;
        if (!worse(h->at[child], h->at[at])) return;
        const struct nearest swap = h->at[at];
        h->at[at] = h->at[child];
        h->at[child] = swap;
    }
}

static void offer(struct heap *h, struct nearest n) {
    if (h->count < h->most) {
        h->at[h->count++] = n;
        if (h->count == h->most)
            for (size_t i = h->most / 2; i-- > 0;) sink(h, i);
    } else if (worse(h->at[0], n)) {
        h->at[0] = n;
        sink(h, 0);
    }
}

static float bar(const struct heap *h) {
    return h->count < h->most ? 0 : h->at[0].score;
}

/* The question at eight bits, filled up with zeros, and what the middle adds to each product. */
struct rounded {
    int8_t numbers[(RAG_MAX_DIMENSION + 63) / 64 * 64];
    int32_t middle;
};

static void round_query(const float *query, uint32_t dimension, struct rounded *out) {
    memset(out, 0, sizeof *out);
    dense_round(query, dimension, out->numbers);
    for (uint32_t i = 0; i < dimension; i++) out->middle += MIDDLE * out->numbers[i];
}

static void scan(const struct vector_rows *r, const struct rounded *query, row_fn may,
                 const void *of, struct heap *heap) {
    int32_t products[BLOCK];
    const size_t bytes = vector_bytes(r->dimension);
    for (uint32_t from = 0; from < r->count; from += BLOCK) {
        const uint32_t n = r->count - from < BLOCK ? r->count - from : BLOCK;
        dense_dot4_rows(query->numbers, r->rounded + from * bytes, bytes / 32, n, products);
        for (uint32_t i = 0; i < n; i++) {
            const float score = (float)(products[i] - query->middle) * r->steps[from + i];
            if (score > bar(heap) && (!may || may(of, from + i)))
                offer(heap, (struct nearest){from + i, score});
        }
    }
}

static int best_first(const void *a, const void *b) {
    const struct nearest *x = a, *y = b;
    return worse(*x, *y) ? 1 : worse(*y, *x) ? -1 : 0;
}

size_t vectors_scan(const struct vector_rows *r, const float *query, row_fn may, const void *of,
                    struct nearest *out, size_t most) {
    if (!r->count || !most) return 0;
    struct heap heap = {.most = most * RESCORE_TIMES + RESCORE_MORE};
    heap.at = malloc(heap.most * sizeof *heap.at);
    struct rounded *rounded = malloc(sizeof *rounded);
    if (!heap.at || !rounded) {
        free(heap.at);
        free(rounded);
        return SIZE_MAX;
    }
    round_query(query, r->dimension, rounded);
    scan(r, rounded, may, of, &heap);
    size_t kept = 0;
    for (size_t i = 0; i < heap.count; i++) {
        const float score = dense_dot(query, r->exact(r->of, heap.at[i].row), r->dimension);
        if (score > 0) heap.at[kept++] = (struct nearest){heap.at[i].row, score};
    }
    qsort(heap.at, kept, sizeof *heap.at, best_first);
    if (kept > most) kept = most;
    memcpy(out, heap.at, kept * sizeof *out);
    free(heap.at);
    free(rounded);
    return kept;
}
