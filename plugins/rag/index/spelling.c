#include "spelling.h"

#include <string.h>

uint32_t letters_in(const char *text, size_t len) {
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) bits |= 1U << ((unsigned char)text[i] & 31);
    return bits;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

uint32_t slips_between(const char *a, size_t a_len, const char *b, size_t b_len, uint32_t most) {
    if (a_len > TOKEN_MAX || b_len > TOKEN_MAX) return most + 1;
    uint32_t rows[3][TOKEN_MAX + 1];
    uint32_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t k = 0; k <= b_len; k++) last[k] = (uint32_t)k;
    for (size_t i = 1; i <= a_len; i++) {
        uint32_t best = now[0] = (uint32_t)i;
        for (size_t k = 1; k <= b_len; k++) {
            const uint32_t other = a[i - 1] != b[k - 1];
            now[k] = least(last[k - 1] + other, least(last[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                now[k] = least(now[k], before[k - 2] + 1);
            best = least(best, now[k]);
        }
        if (best > most) return most + 1;
        uint32_t *const spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return least(last[b_len], most + 1);
}

static bool better(const struct spelling *a, const struct spelling *b) {
    if (a->slips != b->slips) return a->slips < b->slips;
    return a->df != b->df ? a->df > b->df : a->word < b->word;
}

static uint32_t insert(struct spelling *out, uint32_t count, struct spelling s) {
    uint32_t at = count < SPELLINGS ? count++ : SPELLINGS - 1;
    if (count == SPELLINGS && at == SPELLINGS - 1 && out[at].slips && !better(&s, &out[at]))
        return count;
    for (; at > 0 && better(&s, &out[at - 1]); at--) out[at] = out[at - 1];
    out[at] = s;
    return count;
}

/* Only the nearest: when one slip explains it, two do not count. */
static uint32_t nearest_only(const struct spelling *out, uint32_t count) {
    uint32_t kept = 0;
    while (kept < count && out[kept].slips == out[0].slips) kept++;
    return kept;
}

uint32_t spelling_find(const struct dictionary *d, const char *text, size_t len, const uint32_t *df,
                       uint32_t terms, struct spelling out[SPELLINGS]) {
    if (len < SPELLING_LEAST || len > TOKEN_MAX) return 0;
    const uint32_t most = len >= 8 ? 2 : 1, bits = letters_in(text, len);
    uint32_t count = 0;
    memset(out, 0, SPELLINGS * sizeof *out);
    for (uint32_t i = 0; i < d->words.count; i++) {
        const struct word *w = &d->word[i];
        if (w->kind != TOKEN_WORD || w->term >= terms || !df[w->term]) continue;
        if ((uint32_t)__builtin_popcount(w->letters ^ bits) > 2 * most) continue;
        size_t size;
        const char *word = names_text(&d->words, i, &size) + 1; /* after its kind */
        size--;
        if (size + most < len || len + most < size || size < SPELLING_LEAST - 1) continue;
        const uint32_t slips = slips_between(text, len, word, size, most);
        if (slips <= most)
            count =
                insert(out, count, (struct spelling){.word = i, .slips = slips, .df = df[w->term]});
    }
    return nearest_only(out, count);
}
