/* sha256.h - SHA-256 as hexadecimal digits, over nettle, which uses the processor's instructions
 * for it where there are some and drags in nothing else. */
#ifndef SLUICE_CORE_SHA256_H
#define SLUICE_CORE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 65 }; /* digits and NUL */

void sha256_hex(const void *data, size_t size, char hex[SHA256_HEX]);
void sha256_end_hex(struct sha256_ctx *context, char hex[SHA256_HEX]);
void bytes_to_hex(const uint8_t *bytes, size_t size, char *hex); /* writes 2 * size digits + NUL */

#endif
