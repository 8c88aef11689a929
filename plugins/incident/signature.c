#include "signature.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, DIGEST = 32 };

static int digit(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void from_hex(const char hex[65], uint8_t out[DIGEST]) {
    for (size_t i = 0; i < DIGEST; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

bool hmac_sha256(sha256_fn sha256, const char *key, const void *data, size_t size, char hex[65]) {
    uint8_t block[BLOCK] = {0}, outer[BLOCK + DIGEST];
    const size_t key_size = strlen(key);
    uint8_t *inner = malloc(BLOCK + size);
    if (!inner) return false;
    if (key_size > BLOCK) {
        sha256(key, key_size, hex);
        from_hex(hex, block);
    } else {
        memcpy(block, key, key_size);
    }
    for (size_t i = 0; i < BLOCK; i++) inner[i] = block[i] ^ 0x36, outer[i] = block[i] ^ 0x5c;
    if (size) memcpy(inner + BLOCK, data, size);
    sha256(inner, BLOCK + size, hex);
    free(inner);
    from_hex(hex, outer + BLOCK);
    sha256(outer, sizeof outer, hex);
    return true;
}

static bool same_bytes(const char *a, const char *b, size_t n) {
    unsigned difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= (unsigned)((unsigned char)a[i] ^ (unsigned char)b[i]);
    return difference == 0;
}

bool same_secret(const char *a, const char *b) {
    const size_t n = strlen(a);
    return n && strlen(b) == n && same_bytes(a, b, n);
}

bool signature_matches(sha256_fn sha256, const char *key, const void *data, size_t size,
                       const char *header) {
    char hex[65];
    bool found = false;
    if (!*key || !hmac_sha256(sha256, key, data, size, hex)) return false;
    for (const char *p = header; *p;) {
        while (*p == ' ' || *p == ',') p++;
        const size_t n = strcspn(p, ",");
        const char *equals = memchr(p, '=', n);
        const char *value = equals ? equals + 1 : p;
        const size_t rest = n - (size_t)(value - p);
        if (rest == 64 && same_bytes(value, hex, 64)) found = true;
        p += n;
    }
    return found;
}
