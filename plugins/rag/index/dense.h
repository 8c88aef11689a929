/* Sums over rows of numbers, eight at a time where the processor can (AVX2), else as the compiler
 * does it. Pure. */
#ifndef RAG_DENSE_H
#define RAG_DENSE_H

#include <stddef.h>
#include <stdint.h>

float dense_dot(const float *a, const float *b, size_t count);
void dense_add(float *to, float times, const float *from, size_t count); /* to += times * from */
int32_t dense_dot8(const int8_t *a, const int8_t *b, size_t count);

/* Rounds to -127..127 of the largest; returns what one step is worth, 0 for a row of zeros. */
float dense_round(const float *from, size_t count, int8_t *to);

#endif
