/* nearest.c - the name that somebody may have meant. */
#include "fields.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64, TOO_FAR = 3, PREFIX_MIN = 3 };

static char folded(char c) {
    if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

static bool same_but_for_case(const char *a, const char *b) {
    while (*a && folded(*a) == folded(*b)) a++, b++;
    return !*a && !*b;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance (adjacent swaps count one), or TOO_FAR. */
static unsigned distance(const char *a, size_t a_size, const char *b) {
    size_t b_size = strlen(b);
    size_t gap = a_size > b_size ? a_size - b_size : b_size - a_size;
    if (a_size > NAME_MAX_BYTES || b_size > NAME_MAX_BYTES || gap >= TOO_FAR) return TOO_FAR;
    unsigned char rows[3][NAME_MAX_BYTES + 1];
    unsigned char *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_size; j++) last[j] = (unsigned char)j;
    for (size_t i = 1; i <= a_size; i++) {
        now[0] = (unsigned char)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned cost = folded(a[i - 1]) != folded(b[j - 1]);
            unsigned best = least(last[j - 1] + cost, least(last[j], now[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) best = least(best, before[j - 2] + 1u);
            now[j] = (unsigned char)best;
        }
        unsigned char *turn = before;
        before = last;
        last = now;
        now = turn;
    }
    return least(last[b_size], TOO_FAR);
}

const char *nearest_name(const char *name, const char *(*candidate)(const void *arg, size_t i),
                         const void *arg) {
    size_t size = strlen(name);
    const char *nearest = NULL, *begun = NULL, *other;
    unsigned best = size <= 3 ? 2 : TOO_FAR; /* two of three letters are no likeness */
    unsigned begins = 0;
    for (size_t i = 0; (other = candidate(arg, i)); i++) {
        if (same_but_for_case(name, other)) return other;
        unsigned away = distance(name, size, other);
        if (away < best) {
            best = away;
            nearest = other;
        }
        if (size >= PREFIX_MIN && strncmp(name, other, size) == 0) {
            begun = other;
            begins++;
        }
    }
    return nearest ? nearest : begins == 1 ? begun : NULL;
}
