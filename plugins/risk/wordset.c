#include "wordset.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 4, /* bytes that are looked at from each second place */
    LONG_BUCKETS =
        4, /* bits of windows that are full of a word's bytes; the other forms have one */
    HEAD_BITS = 12,
    LONGEST = 64,
    STEP = 8,        /* bytes a turn of the scan: four places */
    REACH = STEP + 2 /* bytes that a turn reads */
};

/* Which bytes of a window belong to the word. */
enum form { FULL, FIRST_THREE, LAST_THREE, FIRST_TWO, MIDDLE_TWO, FORMS };

static const uint32_t masks[FORMS] = {[FULL] = 0xffffffff,
                                      [FIRST_THREE] = 0x00ffffff,
                                      [LAST_THREE] = 0xffffff00,
                                      [FIRST_TWO] = 0x0000ffff,
                                      [MIDDLE_TWO] = 0x00ffff00};

struct word {
    char bytes[LONGEST];
    uint16_t len, tag;
};

/* In the window at place `p`, `word` may begin at p - offset. */
struct entry {
    uint32_t window;     /* folded, the bytes of its form only */
    uint16_t word, next; /* next of the list: index + 1, 0 ends */
    int16_t offset;
    uint16_t form;
};

/* A pair of bytes tells in which buckets a window may begin (or end) with it: a window is looked at
 * when both of its pairs agree on a bucket. */
struct wordset {
    uint8_t begins[1 << 16], ends[1 << 16];
    uint16_t heads[1 << HEAD_BITS]; /* index + 1 */
    struct entry *entries;
    struct word *words;
    uint32_t entry_count;
};

/* Letters of both cases become equal; some other bytes do too, which costs a comparison. */
static uint32_t folded(uint32_t window, enum form form) {
    return window & masks[form] & 0x5f5f5f5fU;
}

static uint32_t list_of(uint32_t folded_window, enum form form) {
    return ((folded_window ^ (uint32_t)form) * 0x9E3779B1U) >> (32 - HEAD_BITS);
}

static uint32_t window_at(const char *at) {
    uint32_t window;
    memcpy(&window, at, sizeof window);
    return le32toh(window);
}

static bool is_letter(int c) {
    return c >= 'a' && c <= 'z';
}

/* The bytes that one byte of a word stands for: both cases, or any for -1. Returns how many. */
static size_t bytes_of(int byte, unsigned char out[256]) {
    size_t count = 0;
    for (int i = 0; byte < 0 && i < 256; i++) out[count++] = (unsigned char)i;
    if (byte >= 0) out[count++] = (unsigned char)byte;
    if (is_letter(byte)) out[count++] = (unsigned char)(byte - 32);
    return count;
}

static void mark(uint8_t pairs[1 << 16], int first, int second, uint8_t bit) {
    unsigned char firsts[256], seconds[256];
    const size_t rows = bytes_of(first, firsts), columns = bytes_of(second, seconds);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const unsigned char bytes[2] = {firsts[i], seconds[j]};
            uint16_t pair;
            memcpy(&pair, bytes, sizeof pair);
            pairs[pair] |= bit;
        }
}

static enum form form_of(const struct word *word, int offset) {
    const int inside = word->len - (offset > 0 ? offset : 0);
    if (offset >= 0 && inside >= WINDOW) return FULL;
    if (inside >= 3) return offset < 0 ? LAST_THREE : FIRST_THREE;
    return offset < 0 ? MIDDLE_TWO : FIRST_TWO;
}

/* Each form has buckets of its own: what may be any byte in one must not meet another's. */
static uint32_t bucket_of(uint32_t folded_window, enum form form) {
    /* Windows that begin alike share a bucket, so that few pairs begin in several. */
    if (form == FULL) return list_of(folded_window & 0xffff, FULL) % LONG_BUCKETS;
    return LONG_BUCKETS - 1 + (uint32_t)form;
}

static void add_window(struct wordset *set, uint16_t index, int offset) {
    const struct word *word = &set->words[index];
    int bytes[WINDOW];
    uint32_t window = 0;
    for (int i = 0; i < WINDOW; i++) {
        const int at = offset + i;
        bytes[i] = at >= 0 && at < word->len ? (unsigned char)word->bytes[at] : -1;
        if (bytes[i] >= 0) window |= (uint32_t)bytes[i] << (8 * i);
    }
    const enum form form = form_of(word, offset);
    window = folded(window, form);
    uint16_t *head = &set->heads[list_of(window, form)];
    set->entries[set->entry_count++] = (struct entry){.window = window,
                                                      .word = index,
                                                      .next = *head,
                                                      .offset = (int16_t)offset,
                                                      .form = (uint16_t)form};
    *head = (uint16_t)set->entry_count;
    const uint8_t bit = (uint8_t)(1U << bucket_of(window, form));
    mark(set->begins, bytes[0], bytes[1], bit);
    mark(set->ends, bytes[2], bytes[3], bit);
}

/* How often a byte stands in source code, roughly: rare windows make a sharp filter. */
static uint32_t weight(char c) {
    static const char common[] = "etanoirsl_cdupmf.h,gbxvyk(";
    const char *found = c ? strchr(common, c) : NULL;
    return found ? (uint32_t)(40 - (found - common)) : 4;
}

static uint32_t window_weight(const struct word *word, int offset) {
    uint32_t product = 1;
    for (int i = offset; i < offset + WINDOW; i++) product *= weight(word->bytes[i]);
    return product;
}

/* Two neighbouring windows, one of which begins at an even place: the rarest of the word. */
static void add_word(struct wordset *set, uint16_t index) {
    const struct word *word = &set->words[index];
    int best = word->len >= WINDOW ? 0 : -1;
    for (int k = 1; k + WINDOW < word->len; k++)
        if (window_weight(word, k) + window_weight(word, k + 1) <
            window_weight(word, best) + window_weight(word, best + 1))
            best = k;
    add_window(set, index, best);
    add_window(set, index, best + 1);
}

struct wordset *wordset_new(const struct wordset_word *words, size_t count) {
    struct wordset *set = count < UINT16_MAX / 2 ? calloc(1, sizeof *set) : NULL;
    if (!set) return NULL;
    set->words = calloc(count + 1, sizeof *set->words);
    set->entries = calloc(2 * count + 1, sizeof *set->entries);
    bool good = set->words && set->entries;
    for (size_t i = 0; good && i < count; i++) {
        good = words[i].len >= 2 && words[i].len <= LONGEST;
        if (!good) break;
        set->words[i].len = (uint16_t)words[i].len;
        set->words[i].tag = words[i].tag;
        memcpy(set->words[i].bytes, words[i].at, words[i].len);
        add_word(set, (uint16_t)i);
    }
    if (good) return set;
    wordset_free(set);
    return NULL;
}

void wordset_free(struct wordset *set) {
    if (!set) return;
    free(set->entries);
    free(set->words);
    free(set);
}

struct scan {
    const struct wordset *set;
    const char *bytes;
    size_t len;
    void (*hit)(void *of, uint16_t tag, size_t end);
    void *of;
};

static bool stands_at(const struct word *word, const char *at) {
    for (uint32_t i = 0; i < word->len; i++) {
        const unsigned char c = (unsigned char)at[i];
        const unsigned char low = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        if (low != (unsigned char)word->bytes[i]) return false;
    }
    return true;
}

static void try_list(const struct scan *s, uint32_t e, uint32_t window, enum form form,
                     size_t place) {
    const struct wordset *set = s->set;
    for (; e; e = set->entries[e - 1].next) {
        const struct entry *entry = &set->entries[e - 1];
        if (entry->window != window || entry->form != form) continue;
        const struct word *word = &set->words[entry->word];
        const size_t from = place - (size_t)(ptrdiff_t)entry->offset;
        if (from > s->len || word->len > s->len - from) continue;
        if (stands_at(word, s->bytes + from)) s->hit(s->of, word->tag, from + word->len);
    }
}

static inline void try_form(const struct scan *s, uint32_t window, enum form form, size_t place) {
    const uint32_t part = folded(window, form), first = s->set->heads[list_of(part, form)];
    if (first) try_list(s, first, part, form, place);
}

static void look(const struct scan *s, const char *at, size_t place, uint32_t buckets) {
    const uint32_t window = window_at(at);
    if (buckets & ((1U << LONG_BUCKETS) - 1)) try_form(s, window, FULL, place);
    for (uint32_t rest = buckets >> LONG_BUCKETS; rest; rest &= rest - 1)
        try_form(s, window, (enum form)(__builtin_ctz(rest) + FIRST_THREE), place);
}

/* Four places; `at` has REACH bytes to read. */
static inline void turn(const struct scan *s, const char *at, size_t place) {
    uint16_t pairs[5];
    memcpy(pairs, at, sizeof pairs);
    const uint8_t *const begins = s->set->begins, *const ends = s->set->ends;
    const uint32_t a = begins[pairs[0]] & ends[pairs[1]], b = begins[pairs[1]] & ends[pairs[2]],
                   c = begins[pairs[2]] & ends[pairs[3]], d = begins[pairs[3]] & ends[pairs[4]];
    if (__builtin_expect(!(a | b | c | d), 1)) return;
    if (a) look(s, at, place, a);
    if (b) look(s, at + 2, place + 2, b);
    if (c) look(s, at + 4, place + 4, c);
    if (d) look(s, at + 6, place + 6, d);
}

void wordset_scan(const struct wordset *set, const char *bytes, size_t len,
                  void (*hit)(void *of, uint16_t tag, size_t end), void *of) {
    const struct scan s = {set, bytes, len, hit, of};
    size_t at = 0;
    for (; at + REACH <= len; at += STEP) turn(&s, bytes + at, at);
    while (at < len) {
        char tail[REACH] = {0};
        const size_t left = len - at;
        memcpy(tail, bytes + at, left < REACH ? left : REACH);
        turn(&s, tail, at);
        at += STEP;
    }
}
