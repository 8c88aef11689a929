/* ids.h - random ids. */
#ifndef SLUICE_CORE_IDS_H
#define SLUICE_CORE_IDS_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t size);
void random_hex(char *out, size_t digits); /* writes digits + NUL */

/* Random bytes fetched ahead, for ids that are unique but no secret. Of one thread. */
struct random_pool {
    uint8_t bytes[512];
    size_t left;
};
/* 26 characters of Crockford's base 32, and NUL */
void new_ulid(char out[27], int64_t now_ms, struct random_pool *pool);

#endif
