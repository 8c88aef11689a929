#include "dense.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2     __attribute__((target("avx2,fma")))
#define HAS_AVX2 __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")

AVX2 static inline __m256 add_product(__m256 sum, const float *a, const float *b) {
    return _mm256_fmadd_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b), sum);
}

/* Four sums, since a product waits four cycles for the one before. */
AVX2 static float dot_avx2(const float *a, const float *b, size_t count) {
    __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        sum0 = add_product(sum0, a + i, b + i);
        sum1 = add_product(sum1, a + i + 8, b + i + 8);
        sum2 = add_product(sum2, a + i + 16, b + i + 16);
        sum3 = add_product(sum3, a + i + 24, b + i + 24);
    }
    for (; i + 8 <= count; i += 8) sum0 = add_product(sum0, a + i, b + i);
    const __m256 sum = _mm256_add_ps(_mm256_add_ps(sum0, sum1), _mm256_add_ps(sum2, sum3));
    const __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    float all = _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
    for (; i < count; i++) all += a[i] * b[i];
    return all;
}

AVX2 static void add_avx2(float *to, float times, const float *from, size_t count) {
    const __m256 by = _mm256_set1_ps(times);
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i,
                         _mm256_fmadd_ps(by, _mm256_loadu_ps(from + i), _mm256_loadu_ps(to + i)));
    for (; i < count; i++) to[i] += times * from[i];
}

AVX2 static void add8_avx2(float *to, float times, const int8_t *from, size_t count) {
    const __m256 by = _mm256_set1_ps(times);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(from + i)));
        _mm256_storeu_ps(to + i,
                         _mm256_fmadd_ps(by, _mm256_cvtepi32_ps(wide), _mm256_loadu_ps(to + i)));
    }
    for (; i < count; i++) to[i] += times * (float)from[i];
}

AVX2 static int32_t dot8_avx2(const int8_t *a, const int8_t *b, size_t count) {
    __m256i sum = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(a + i)));
        const __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(b + i)));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    int32_t all = _mm_cvtsi128_si32(half);
    for (; i < count; i++) all += a[i] * b[i];
    return all;
}

/* A pair of products is at most 2 * 15 * 127, so that four blocks of them fit in 16 bits. */
AVX2 static inline __m256i add_block(__m256i sum, const int8_t *query, const uint8_t *row) {
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i both = _mm256_loadu_si256((const void *)row);
    const __m256i first = _mm256_and_si256(both, low);
    const __m256i second = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
    const __m256i q0 = _mm256_loadu_si256((const void *)query);
    const __m256i q1 = _mm256_loadu_si256((const void *)(query + 32));
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(first, q0));
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(second, q1));
}

AVX2 static void dot4_rows_avx2(const int8_t *query, const uint8_t *rows, size_t blocks,
                                size_t count, int32_t *out) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (size_t r = 0; r < count; r++, rows += blocks * 32) {
        __m256i all = _mm256_setzero_si256();
        for (size_t from = 0; from < blocks; from += 4) {
            const size_t to = from + 4 < blocks ? from + 4 : blocks;
            __m256i sum = _mm256_setzero_si256();
            for (size_t b = from; b < to; b++) sum = add_block(sum, query + b * 64, rows + b * 32);
            all = _mm256_add_epi32(all, _mm256_madd_epi16(sum, ones));
        }
        __m128i half = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
        out[r] = _mm_cvtsi128_si32(half);
    }
}
#endif

void dense_dot4_rows(const int8_t *query, const uint8_t *rows, size_t blocks, size_t count,
                     int32_t *out) {
#if defined(__x86_64__)
    if (HAS_AVX2) {
        dot4_rows_avx2(query, rows, blocks, count, out);
        return;
    }
#endif
    for (size_t r = 0; r < count; r++, rows += blocks * 32) {
        int32_t sum = 0;
        for (size_t i = 0; i < blocks * 32; i++) {
            const int8_t *q = query + i / 32 * 64 + i % 32;
            sum += (rows[i] & 15) * q[0] + (rows[i] >> 4) * q[32];
        }
        out[r] = sum;
    }
}

float dense_dot(const float *a, const float *b, size_t count) {
#if defined(__x86_64__)
    if (HAS_AVX2) return dot_avx2(a, b, count);
#endif
    float sums[8] = {0}; /* eight sums, so that the compiler may use whole registers */
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t k = 0; k < 8; k++) sums[k] += a[i + k] * b[i + k];
    float all = 0;
    for (; i < count; i++) all += a[i] * b[i];
    for (size_t k = 0; k < 8; k++) all += sums[k];
    return all;
}

void dense_add(float *to, float times, const float *from, size_t count) {
#if defined(__x86_64__)
    if (HAS_AVX2) {
        add_avx2(to, times, from, count);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++) to[i] += times * from[i];
}

void dense_add8(float *to, float times, const int8_t *from, size_t count) {
#if defined(__x86_64__)
    if (HAS_AVX2) {
        add8_avx2(to, times, from, count);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++) to[i] += times * (float)from[i];
}

int32_t dense_dot8(const int8_t *a, const int8_t *b, size_t count) {
#if defined(__x86_64__)
    if (HAS_AVX2) return dot8_avx2(a, b, count);
#endif
    int32_t all = 0;
    for (size_t i = 0; i < count; i++) all += a[i] * b[i];
    return all;
}

float dense_round(const float *from, size_t count, int8_t *to) {
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fmaxf(most, fabsf(from[i]));
    const float scale = most > 0 ? 127 / most : 0;
    for (size_t i = 0; i < count; i++) to[i] = (int8_t)lrintf(from[i] * scale);
    return most / 127;
}
