#include "automaton.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STATES = 65000 };

struct automaton {
    uint8_t classes[256]; /* byte -> column; 0 is every byte that no word has */
    uint32_t columns, states;
    uint16_t *next;  /* states x columns */
    uint32_t *first; /* of a state's tags in `tags`; states + 1 entries */
    uint16_t *tags;
    uint8_t *speaks; /* 1 where a state has tags */
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
        uint16_t *to = &a->next[state * a->columns + a->classes[lower(word->at[i])]];
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
            uint16_t *to = &a->next[state * a->columns + c];
            const uint16_t suffix = a->next[(uint32_t)b->fail[state] * a->columns + c];
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

static bool collect_all(struct build *b, const struct automaton_word *words) {
    struct automaton *a = b->a;
    uint32_t total = 0;
    for (uint32_t s = 0; s < a->states; s++) {
        a->first[s] = total;
        total += collect(b, words, s, NULL);
    }
    a->first[a->states] = total;
    a->tags = calloc(total + 1, sizeof *a->tags);
    if (!a->tags) return false;
    for (uint32_t s = 0; s < a->states; s++) {
        (void)collect(b, words, s, a->tags + a->first[s]);
        a->speaks[s] = a->first[s + 1] > a->first[s];
    }
    return true;
}

struct automaton *automaton_new(const struct automaton_word *words, size_t count) {
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++) bytes += words[i].len;
    struct automaton *a = bytes < MOST_STATES ? calloc(1, sizeof *a) : NULL;
    if (!a) return NULL;
    set_classes(a, words, count);
    a->states = 1;
    a->next = calloc(bytes * a->columns, sizeof *a->next);
    a->first = calloc(bytes + 1, sizeof *a->first);
    a->speaks = calloc(bytes, 1);
    struct build b = {a, calloc(bytes, sizeof *b.fail), calloc(bytes, sizeof *b.order),
                      calloc(bytes, sizeof *b.own), calloc(count + 1, sizeof *b.chain)};
    bool good = a->next && a->first && a->speaks && b.fail && b.order && b.own && b.chain;
    for (size_t i = 0; good && i < count; i++) add_word(&b, &words[i], (uint32_t)i);
    if (good) {
        (void)link_states(&b);
        good = collect_all(&b, words);
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
    free(a->speaks);
    free(a);
}

void automaton_scan(const struct automaton *a, const char *bytes, size_t len,
                    void (*hit)(void *of, uint16_t tag, size_t end), void *of) {
    uint32_t state = 0;
    for (size_t i = 0; i < len; i++) {
        state = a->next[state * a->columns + a->classes[(unsigned char)bytes[i]]];
        if (!a->speaks[state]) continue;
        for (uint32_t t = a->first[state]; t < a->first[state + 1]; t++) hit(of, a->tags[t], i + 1);
    }
}
