/* Sums over rows of numbers, eight at a time where the processor can (AVX2), else as the compiler
 * does it. Pure. */
#ifndef RAG_DENSE_H
#define RAG_DENSE_H

#include <stddef.h>
#include <stdint.h>

float dense_dot(const float *a, const float *b, size_t count);
void dense_add(float *to, float times, const float *from, size_t count); /* to += times * from */
void dense_add8(float *to, float times, const int8_t *from, size_t count);
int32_t dense_dot8(const int8_t *a, const int8_t *b, size_t count);

/* One row of bytes against many of half bytes, 0..15, which lie in blocks of 32 bytes: the low halves
 * are numbers 0..31 of the block's 64, the high ones 32..63. */
void dense_dot4_rows(const int8_t *query, const uint8_t *rows, size_t blocks, size_t count,
                     int32_t *out);

/* Rounds to -127..127 of the largest; returns what one step is worth, 0 for a row of zeros. */
float dense_round(const float *from, size_t count, int8_t *to);

#endif
