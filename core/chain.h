/* chain.h - the hash chain of the log: each entry carries SHA-256 over the hash before it and its
 * own content, so that a changed, removed or moved entry shows. Pure.
 *
 * The canonical form is: hash before (32 bytes) | seq | at_ms (8 bytes each, big endian) | tenant,
 * type, actor, subject, request_id, data: each its length (4 bytes, big endian) and its bytes; a
 * NULL is the length 0xffffffff. Lengths stand in front, so no two entries share a form. */
#ifndef SLUICE_CORE_CHAIN_H
#define SLUICE_CORE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAIN_HASH_BYTES = 32 };

struct chain_hash {
    uint8_t bytes[CHAIN_HASH_BYTES]; /* all zero before the first entry */
};

struct chain_entry {
    int64_t seq, at_ms;
    const char *tenant, *type, *actor, *subject, *request_id, *data;
};

struct chain_hash chain_next(const struct chain_hash *before, const struct chain_entry *entry);
bool chain_equal(const struct chain_hash *hash, const void *bytes, size_t size);

#endif
