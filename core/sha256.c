#include "sha256.h"

#include <sluice/call.h>

void bytes_to_hex(const uint8_t *bytes, size_t size, char *hex) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = 0;
}

void sha256_end_hex(struct sha256_ctx *context, char hex[SHA256_HEX]) {
    uint8_t hash[SHA256_DIGEST_SIZE];
    sha256_digest(context, sizeof hash, hash);
    bytes_to_hex(hash, sizeof hash, hex);
}

void sha256_hex(const void *data, size_t size, char hex[SHA256_HEX]) {
    struct sha256_ctx context;
    sha256_init(&context);
    if (size) sha256_update(&context, size, data);
    sha256_end_hex(&context, hex);
}

void sl_sha256(const void *data, size_t size, char hex[65]) {
    sha256_hex(data, size, hex);
}
