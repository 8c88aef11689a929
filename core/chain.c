/* chain.c - see chain.h. */
#include "chain.h"
#include "sha256.h"

#include <string.h>

static void add_number(struct sha256_ctx *sha, uint64_t number, unsigned bytes) {
    uint8_t big_endian[8];
    for (unsigned i = 0; i < bytes; i++) big_endian[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    sha256_update(sha, bytes, big_endian);
}

static void add_text(struct sha256_ctx *sha, const char *text) {
    if (!text) {
        add_number(sha, UINT32_MAX, 4);
        return;
    }
    size_t size = strlen(text);
    add_number(sha, size, 4);
    sha256_update(sha, size, (const uint8_t *)text);
}

struct chain_hash chain_next(const struct chain_hash *before, const struct chain_entry *entry) {
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, CHAIN_HASH_BYTES, before->bytes);
    add_number(&sha, (uint64_t)entry->seq, 8);
    add_number(&sha, (uint64_t)entry->at_ms, 8);
    add_text(&sha, entry->tenant);
    add_text(&sha, entry->type);
    add_text(&sha, entry->actor);
    add_text(&sha, entry->subject);
    add_text(&sha, entry->request_id);
    add_text(&sha, entry->data);
    struct chain_hash after;
    sha256_digest(&sha, CHAIN_HASH_BYTES, after.bytes);
    return after;
}

bool chain_equal(const struct chain_hash *hash, const void *bytes, size_t size) {
    return size == CHAIN_HASH_BYTES && bytes && memcmp(hash->bytes, bytes, size) == 0;
}
