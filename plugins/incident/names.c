#include "names.h"

#include <stdlib.h>

enum { NAME_BYTES = 240 }; /* of one name; the rest is cut */

struct names {
    size_t most, count, slots, bytes;
    char **texts;   /* by number; [0] is not used */
    uint32_t *slot; /* open addressing */
    uint64_t *hashes;
};

uint64_t text_hash(struct text text) {
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < text.size; i++) h = (h ^ (unsigned char)text.at[i]) * 0x100000001B3u;
    h ^= h >> 29;
    return h * 0xBF58476D1CE4E5B9u ^ h >> 32;
}

struct names *names_new(size_t most) {
    struct names *names = calloc(1, sizeof *names);
    if (!names) return NULL;
    names->most = most;
    return names;
}

void names_free(struct names *names) {
    if (!names) return;
    for (size_t i = 1; i <= names->count; i++) free(names->texts[i]);
    free(names->texts);
    free(names->slot);
    free(names->hashes);
    free(names);
}

static bool grow(struct names *names) {
    const size_t slots = names->slots ? names->slots * 2 : 64;
    uint32_t *slot = calloc(slots, sizeof *slot);
    char **texts = realloc(names->texts, (slots / 2 + 1) * sizeof *texts);
    if (texts) names->texts = texts;
    uint64_t *hashes = realloc(names->hashes, (slots / 2 + 1) * sizeof *hashes);
    if (hashes) names->hashes = hashes;
    if (!slot || !texts || !hashes) {
        free(slot);
        return false;
    }
    for (uint32_t i = 1; i <= names->count; i++) {
        size_t at = names->hashes[i] % slots;
        while (slot[at]) at = (at + 1) % slots;
        slot[at] = i;
    }
    free(names->slot);
    names->slot = slot;
    names->slots = slots;
    return true;
}

static struct text cut(struct text text) {
    if (text.size > NAME_BYTES) text.size = NAME_BYTES;
    return text;
}

uint32_t names_find(const struct names *names, struct text text) {
    text = cut(text);
    if (!names->slots) return 0;
    const uint64_t hash = text_hash(text);
    for (size_t at = hash % names->slots; names->slot[at]; at = (at + 1) % names->slots) {
        const uint32_t i = names->slot[at];
        if (names->hashes[i] == hash && text_is(text, names->texts[i])) return i;
    }
    return 0;
}

uint32_t names_put(struct names *names, struct text text) {
    text = cut(text);
    const uint32_t known = names_find(names, text);
    if (known || names->count >= names->most) return known;
    if (names->count + 1 > names->slots / 2 && !grow(names)) return 0;
    char *copy = malloc(text.size + 1);
    if (!copy) return 0;
    const size_t size = text_clean(text, copy, text.size + 1);
    const uint64_t hash = text_hash(text);
    const uint32_t i = (uint32_t)++names->count;
    names->texts[i] = copy;
    names->hashes[i] = hash;
    names->bytes += size + 1;
    size_t at = hash % names->slots;
    while (names->slot[at]) at = (at + 1) % names->slots;
    names->slot[at] = i;
    return i;
}

const char *names_text(const struct names *names, uint32_t name) {
    return name && name <= names->count ? names->texts[name] : "(other)";
}

size_t names_count(const struct names *names) {
    return names->count;
}

size_t names_bytes(const struct names *names) {
    return sizeof *names + names->bytes + names->slots * 10;
}
