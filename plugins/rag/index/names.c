#include "names.h"

#include "grow.h"

#include <string.h>

/* wyhash's mixing step over 8 bytes at a time (public domain, Wang Yi): names are short, and nothing
 * here depends on the order of the table. */
static uint64_t mix(uint64_t a, uint64_t b) {
    const __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash(const char *text, size_t len) {
    uint64_t state = 0xa0761d6478bd642fu ^ len;
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        state = mix(state ^ word, 0xe7037ed1a0b428dbu);
        text += 8;
        len -= 8;
    }
    uint64_t rest = 0;
    memcpy(&rest, text, len);
    return (uint32_t)mix(state ^ rest, 0x8ebc6af09c88c6e3u);
}

void names_fini(struct names *n) {
    free(n->bytes);
    free(n->ends);
    free(n->slots);
    *n = (struct names){0};
}

const char *names_text(const struct names *n, uint32_t name, size_t *len) {
    const uint32_t from = name ? n->ends[name - 1] : 0;
    *len = n->ends[name] - from;
    return n->bytes + from;
}

/* The slot of this string, or the empty one where it belongs. */
static uint32_t slot_of(const struct names *n, const char *text, size_t len) {
    const uint32_t mask = n->slot_count - 1;
    uint32_t slot = hash(text, len) & mask;
    while (n->slots[slot]) {
        size_t size;
        const char *name = names_text(n, n->slots[slot] - 1, &size);
        if (size == len && !memcmp(name, text, len)) break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool widen(struct names *n) {
    const uint32_t wanted = n->slot_count ? n->slot_count * 2 : 64;
    uint32_t *slots = calloc(wanted, sizeof *slots);
    if (!slots) return false;
    free(n->slots);
    n->slots = slots;
    n->slot_count = wanted;
    for (uint32_t i = 0; i < n->count; i++) {
        size_t len;
        const char *text = names_text(n, i, &len);
        slots[slot_of(n, text, len)] = i + 1;
    }
    return true;
}

static bool bytes_for(struct names *n, size_t need) {
    if (need <= n->bytes_room) return true;
    if (need > UINT32_MAX) return false;
    size_t room = n->bytes_room ? n->bytes_room * 2 : 256;
    while (room < need) room *= 2;
    char *bytes = realloc(n->bytes, room);
    if (!bytes) return false;
    n->bytes = bytes;
    n->bytes_room = room;
    return true;
}

uint32_t names_find(const struct names *n, const char *text, size_t len) {
    if (!n->slot_count) return NAME_NONE;
    const uint32_t at = n->slots[slot_of(n, text, len)];
    return at ? at - 1 : NAME_NONE;
}

uint32_t names_intern(struct names *n, const char *text, size_t len) {
    if (n->count * 2 >= n->slot_count && !widen(n)) return NAME_NONE;
    const uint32_t slot = slot_of(n, text, len);
    if (n->slots[slot]) return n->slots[slot] - 1;
    if (!grow(&n->ends, &n->room, n->count + 1, sizeof *n->ends)) return NAME_NONE;
    if (!bytes_for(n, n->bytes_used + len)) return NAME_NONE;
    memcpy(n->bytes + n->bytes_used, text, len);
    n->bytes_used += len;
    n->ends[n->count] = (uint32_t)n->bytes_used;
    n->slots[slot] = ++n->count;
    return n->count - 1;
}

size_t names_memory(const struct names *n) {
    return n->bytes_room + (n->room + (size_t)n->slot_count) * sizeof(uint32_t);
}
