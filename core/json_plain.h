/* json_plain.h - finding what a JSON string cannot hold as it is, many bytes at a time. */
#ifndef SLUICE_CORE_JSON_PLAIN_H
#define SLUICE_CORE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 16 bytes at once; compilers make vector code of it on every machine. */
typedef signed char bytes16 __attribute__((vector_size(16)));

/* How many of 16 come before the first that is set in `stop`. */
static inline size_t first_of_16(bytes16 stop) {
    uint64_t half[2];
    memcpy(half, &stop, sizeof half);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half[0] = __builtin_bswap64(half[0]);
    half[1] = __builtin_bswap64(half[1]);
#endif
    if (half[0]) return (size_t)__builtin_ctzll(half[0]) / 8;
    return half[1] ? 8 + (size_t)__builtin_ctzll(half[1]) / 8 : 16;
}

/* How many of 16 bytes come before the first that needs attention; beyond ASCII is negative. */
static inline size_t plain_of_16(const char *at) {
    bytes16 bytes;
    memcpy(&bytes, at, sizeof bytes);
    return first_of_16((bytes16)((bytes == '"') | (bytes == '\\') | (bytes < 0x20)));
}

/* How many of 16 bytes come before the first backslash. */
static inline size_t escape_of_16(const char *at) {
    bytes16 bytes;
    memcpy(&bytes, at, sizeof bytes);
    return first_of_16((bytes16)(bytes == '\\'));
}

/* A bit for each of 16 bytes that needs attention; the first byte's is the lowest. */
static inline unsigned special_of_16(const char *at) {
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                   _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')),
                                                _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))));
    return (unsigned)_mm_movemask_epi8(special);
#else
    unsigned special = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned char byte = (unsigned char)at[i];
        bool stops = byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80;
        special |= (unsigned)stops << i;
    }
    return special;
#endif
}

static inline unsigned copy_16(char *to, const char *from) {
    unsigned special = special_of_16(from);
    memcpy(to, from, 16);
    return special;
}

#endif
