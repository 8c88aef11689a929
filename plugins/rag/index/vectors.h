/*
 * Nearest rows by cosine: a scan over all rows at four bits a number, then the best few hundred by their
 * true numbers. Memory is what such a scan waits for, so half a byte is twice as fast as a byte, and the
 * second look makes up for it: recall@10 is 1.0 (README.md). Filters cost nothing. Pure.
 */
#ifndef RAG_VECTORS_H
#define RAG_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nearest {
    uint32_t row;
    float score;
};

/* Rows of a table; `exact` gives the true numbers of one, of unit length. */
struct vector_rows {
    const uint8_t *rounded; /* count x vector_bytes(dimension) */
    const float *steps;     /* by row; 0: an empty row, never found */
    uint32_t count, dimension;
    const float *(*exact)(const void *of, uint32_t row);
    const void *of;
};

/* Bytes that a rounded row takes: half of the dimension, up to whole blocks of 32. */
static inline size_t vector_bytes(uint32_t dimension) {
    return (size_t)(dimension + 63) / 64 * 32;
}

/* May a row be found? NULL: all may. */
typedef bool (*row_fn)(const void *of, uint32_t row);

/* The `most` nearest rows to `query` (of unit length), best first; returns how many. Rows whose score
 * is not above 0 are left out. SIZE_MAX: memory is out. */
size_t vectors_scan(const struct vector_rows *rows, const float *query, row_fn may, const void *of,
                    struct nearest *out, size_t most);

/* Rounds one row into its place; returns its step. */
float vector_round(const float *row, uint32_t dimension, uint8_t *to);

#endif
