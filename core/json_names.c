/* json_names.c - duplicate names of an object. */
#include "json_names.h"
#include "arena.h"

#include <string.h>
#include <sys/auxv.h>

/* Equal names have equal marks; unequal ones nearly always differ. */
static uint64_t mark_of(const char *text, size_t size) {
    uint64_t first = 0, last = 0;
    if (size >= 8) {
        memcpy(&first, text, 8);
        memcpy(&last, text + size - 8, 8);
    } else if (size >= 4) {
        memcpy(&first, text, 4);
        memcpy(&last, text + size - 4, 4);
    } else if (size) {
        first = (uint64_t)(unsigned char)text[0] << 8 | (unsigned char)text[size / 2];
        last = (unsigned char)text[size - 1];
    }
    return (first ^ (last << 29 | last >> 35)) * UINT64_C(0x9e3779b97f4a7c15) + size;
}

static inline uint64_t turn(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

struct sip {
    uint64_t a, b, c, d;
};

static void sip_round(struct sip *sip) {
    sip->a += sip->b, sip->b = turn(sip->b, 13) ^ sip->a, sip->a = turn(sip->a, 32);
    sip->c += sip->d, sip->d = turn(sip->d, 16) ^ sip->c;
    sip->a += sip->d, sip->d = turn(sip->d, 21) ^ sip->a;
    sip->c += sip->b, sip->b = turn(sip->b, 17) ^ sip->c, sip->c = turn(sip->c, 32);
}

static void sip_word(struct sip *sip, uint64_t word) {
    sip->d ^= word;
    sip_round(sip);
    sip->a ^= word;
}

/* SipHash-1-3 (Aumasson, Bernstein). */
static uint64_t siphash(const uint64_t key[2], const char *text, size_t size) {
    struct sip sip = {
        .a = key[0] ^ UINT64_C(0x736f6d6570736575),
        .b = key[1] ^ UINT64_C(0x646f72616e646f6d),
        .c = key[0] ^ UINT64_C(0x6c7967656e657261),
        .d = key[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t word = 0;
    for (; size >= 8; text += 8, size -= 8) {
        memcpy(&word, text, 8);
        sip_word(&sip, word);
    }
    word = 0;
    memcpy(&word, text, size); /* up to 7 bytes; the NUL behind the name tells lengths apart */
    sip_word(&sip, word);
    sip.c ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(&sip);
    return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

static size_t slot_of(const struct names *names, const char *text, size_t size) {
    return (size_t)siphash(names->key, text, size) & (names->slots - 1);
}

/* Finds the name, or the empty slot where it belongs. */
static const cJSON **find_slot(const struct names *names, const char *text, size_t size) {
    size_t slot = slot_of(names, text, size);
    while (names->table[slot] && strcmp(names->table[slot]->string, text) != 0) {
        slot = (slot + 1) & (names->slots - 1);
    }
    return &names->table[slot];
}

static void rebuild(struct names *names, const cJSON *object) {
    if (!names->slots) {
        /* The kernel gives every process 16 random bytes; nothing to keep or to seed. */
        const void *random =
            (const void *)getauxval(AT_RANDOM); /* NOLINT(performance-no-int-to-ptr) */
        if (random) memcpy(names->key, random, sizeof names->key);
    }
    names->slots = names->slots ? names->slots * 4 : (size_t)NAMES_FEW * 4;
    names->table = arena_zalloc(names->arena, names->slots * sizeof(const cJSON *));
    for (const cJSON *child = object->child; child; child = child->next) {
        *find_slot(names, child->string, strlen(child->string)) = child;
    }
}

static bool add_to_few(struct names *names, const cJSON *object, const cJSON *item, size_t size) {
    uint64_t mark = mark_of(item->string, size);
    for (size_t i = 0; i < names->count; i++) {
        if (names->marks[i] != mark) continue;
        const cJSON *child = object->child;
        for (size_t n = 0; n < i; n++) child = child->next;
        if (strcmp(child->string, item->string) == 0) return false;
    }
    names->marks[names->count++] = mark;
    return true;
}

bool names_add(struct names *names, const cJSON *object, const cJSON *item, size_t size) {
    if (names->count < NAMES_FEW) return add_to_few(names, object, item, size);
    if (names->count * 2 >= names->slots) rebuild(names, object);
    const cJSON **slot = find_slot(names, item->string, size);
    if (*slot) return false;
    *slot = item;
    names->count++;
    return true;
}
