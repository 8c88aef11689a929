#include "ids.h"

#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t size) {
    char *at = out;
    while (size) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0) abort(); /* only for a bad address or an ancient kernel */
        at += got;
        size -= (size_t)got;
    }
}

void random_hex(char *out, size_t digits) {
    uint8_t bytes[32];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < digits; i++) {
        if (i && i % 64 == 0) random_bytes(bytes, sizeof bytes);
        unsigned nibble = i % 2 ? bytes[i % 64 / 2] & 15u : bytes[i % 64 / 2] >> 4;
        out[i] = "0123456789abcdef"[nibble];
    }
    out[digits] = 0;
}

/* One system call for many ids. */
static const uint8_t *pool_take(struct random_pool *pool, size_t size) {
    if (pool->left < size) {
        random_bytes(pool->bytes, sizeof pool->bytes);
        pool->left = sizeof pool->bytes;
    }
    pool->left -= size;
    return pool->bytes + pool->left;
}

void new_ulid(char out[27], int64_t now_ms, struct random_pool *pool) {
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const uint8_t *bytes = pool_take(pool, 16);
    for (int i = 0; i < 10; i++) out[i] = digits[(uint64_t)now_ms >> (45 - 5 * i) & 31];
    for (int i = 0; i < 16; i++) out[10 + i] = digits[bytes[i] & 31];
    out[26] = 0;
}
