/* json_plain.h - finding what a JSON string cannot hold as it is, many bytes at a time. */
#ifndef SLUICE_CORE_JSON_PLAIN_H
#define SLUICE_CORE_JSON_PLAIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

#endif
