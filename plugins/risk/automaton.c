#include "automaton.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STATES = 65000, COLUMN_BITS = 6, COLUMNS = 1 << COLUMN_BITS };

struct automaton {
    uint8_t classes[256]; /* byte -> column; 0 is every byte that no word has */
    uint32_t columns, states;
    uint32_t silent; /* states from here on have tags: one comparison a byte tells */
    uint16_t *next;  /* states x COLUMNS */
    uint32_t *first; /* of a state's tags in `tags`; states + 1 entries */
    uint16_t *tags;
};

/* While building: a trie whose states carry a list of tags and a link to the longest suffix. */
struct build {
    struct automaton *a;
    uint16_t *fail, *order;
    uint32_t *own;   /* index + 1 in words of the first word that ends here */
    uint32_t *chain; /* further words that end in the same state */
};

static uint8_t lower(char c) {
    const unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (uint8_t)(u + 32) : u;
}

static void set_classes(struct automaton *a, const struct automaton_word *words, size_t count) {
    a->columns = 1;
    for (size_t w = 0; w < count; w++)
        for (size_t i = 0; i < words[w].len; i++) {
            const uint8_t c = lower(words[w].at[i]);
            if (!a->classes[c]) a->classes[c] = (uint8_t)a->columns++;
        }
    for (int c = 'A'; c <= 'Z'; c++) a->classes[c] = a->classes[c + 32];
}

static void add_word(struct build *b, const struct automaton_word *word, uint32_t index) {
    struct automaton *a = b->a;
    uint32_t state = 0;
    for (size_t i = 0; i < word->len; i++) {
        uint16_t *to = &a->next[state * COLUMNS + a->classes[lower(word->at[i])]];
        if (!*to) *to = (uint16_t)a->states++;
        state = *to;
    }
    b->chain[index] = b->own[state];
    b->own[state] = index + 1;
}

/* Breadth first, so that a suffix is complete before those that end in it. */
static uint32_t link_states(struct build *b) {
    struct automaton *a = b->a;
    uint32_t head = 0, tail = 0;
    for (uint32_t c = 0; c < a->columns; c++)
        if (a->next[c]) b->order[tail++] = a->next[c];
    while (head < tail) {
        const uint32_t state = b->order[head++];
        for (uint32_t c = 0; c < a->columns; c++) {
            uint16_t *to = &a->next[state * COLUMNS + c];
            const uint16_t suffix = a->next[(uint32_t)b->fail[state] * COLUMNS + c];
            if (*to) {
                b->fail[*to] = suffix;
                b->order[tail++] = *to;
            } else {
                *to = suffix;
            }
        }
    }
    return tail;
}

static uint32_t collect(const struct build *b, const struct automaton_word *words, uint32_t state,
                        uint16_t *out) {
    uint32_t count = 0;
    for (uint32_t s = state; s; s = b->fail[s])
        for (uint32_t w = b->own[s]; w; w = b->chain[w - 1]) {
            if (out) out[count] = words[w - 1].tag;
            count++;
        }
    return count;
}

/* New numbers: the silent states first, the root stays 0. */
static void renumber(struct build *b, const struct automaton_word *words, uint16_t *number) {
    struct automaton *a = b->a;
    uint32_t next = 0;
    for (int speaking = 0; speaking < 2; speaking++) {
        for (uint32_t s = 0; s < a->states; s++)
            if ((collect(b, words, s, NULL) > 0) == speaking) number[s] = (uint16_t)next++;
        if (!speaking) a->silent = next;
    }
}

static bool finish(struct build *b, const struct automaton_word *words) {
    struct automaton *a = b->a;
    uint16_t *number = calloc(a->states, sizeof *number);
    uint16_t *next = calloc((size_t)a->states * COLUMNS, sizeof *next);
    uint32_t total = 0;
    for (uint32_t s = 0; s < a->states; s++) total += collect(b, words, s, NULL);
    a->tags = calloc(total + 1, sizeof *a->tags);
    if (!number || !next || !a->tags) {
        free(number);
        free(next);
        return false;
    }
    renumber(b, words, number);
    for (uint32_t s = 0; s < a->states; s++) {
        a->first[number[s]] = collect(b, words, s, NULL);
        for (uint32_t c = 0; c < COLUMNS; c++)
            next[number[s] * COLUMNS + c] = number[a->next[s * COLUMNS + c]];
    }
    for (uint32_t n = 0, at = 0; n <= a->states; n++) {
        const uint32_t count = n < a->states ? a->first[n] : 0;
        a->first[n] = at;
        at += count;
    }
    for (uint32_t s = 0; s < a->states; s++)
        (void)collect(b, words, s, a->tags + a->first[number[s]]);
    free(a->next);
    a->next = next;
    free(number);
    return true;
}

struct automaton *automaton_new(const struct automaton_word *words, size_t count) {
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++) bytes += words[i].len;
    struct automaton *a = bytes < MOST_STATES ? calloc(1, sizeof *a) : NULL;
    if (!a) return NULL;
    set_classes(a, words, count);
    a->states = 1;
    a->next = calloc(bytes * COLUMNS, sizeof *a->next);
    a->first = calloc(bytes + 1, sizeof *a->first);
    struct build b = {a, calloc(bytes, sizeof *b.fail), calloc(bytes, sizeof *b.order),
                      calloc(bytes, sizeof *b.own), calloc(count + 1, sizeof *b.chain)};
    bool good =
        a->columns <= COLUMNS && a->next && a->first && b.fail && b.order && b.own && b.chain;
    for (size_t i = 0; good && i < count; i++) add_word(&b, &words[i], (uint32_t)i);
    if (good) {
        (void)link_states(&b);
        good = finish(&b, words);
    }
    free(b.fail);
    free(b.order);
    free(b.own);
    free(b.chain);
    if (good) return a;
    automaton_free(a);
    return NULL;
}

void automaton_free(struct automaton *a) {
    if (!a) return;
    free(a->next);
    free(a->first);
    free(a->tags);
    free(a);
}

void automaton_scan(const struct automaton *a, const char *bytes, size_t len,
                    void (*hit)(void *of, uint16_t tag, size_t end), void *of) {
    const uint16_t *const next = a->next;
    const uint8_t *const classes = a->classes;
    const uint32_t silent = a->silent;
    uint32_t state = 0;
    for (size_t i = 0; i < len; i++) {
        state = next[state << COLUMN_BITS | classes[(unsigned char)bytes[i]]];
        if (__builtin_expect(state < silent, 1)) continue;
        for (uint32_t t = a->first[state]; t < a->first[state + 1]; t++) hit(of, a->tags[t], i + 1);
    }
}
