/* signature.h - signed webhooks: HMAC-SHA256 over the raw body, compared in constant time. Pure. */
#ifndef INCIDENT_SIGNATURE_H
#define INCIDENT_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

/* SHA-256 as hexadecimal; the host's sl_sha256 fits. */
typedef void (*sha256_fn)(const void *data, size_t size, char hex[65]);

/* HMAC (RFC 2104) as 64 hexadecimal digits. False: no memory. */
bool hmac_sha256(sha256_fn sha256, const char *key, const void *data, size_t size, char hex[65]);

/* Is one of the signatures in `header` ("v1=HEX,v1=HEX", "sha256=HEX", or HEX) that of the body?
 * Several stand there while a secret is rotated. */
bool signature_matches(sha256_fn sha256, const char *key, const void *data, size_t size,
                       const char *header);
/* Equal, in a time that tells nothing of where they differ. */
bool same_secret(const char *a, const char *b);

#endif
