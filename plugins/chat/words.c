#include "words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

/* Is `text` one of the words of a list that is split by blanks? */
static bool is_in(const char *list, const char *text) {
    const size_t size = strlen(text);
    for (const char *at = list; *at;) {
        const size_t length = strcspn(at, " ");
        if (length == size && memcmp(at, text, size) == 0) return true;
        at += length;
        while (*at == ' ') at++;
    }
    return false;
}

static const char *about_exactly(const char *text) {
    for (const struct vocabulary_row *row = vocabulary; row->about; row++)
        if (is_in(row->words, text)) return row->about;
    return NULL;
}

int words_distance(const char *a, const char *b, int most) {
    const int m = (int)strlen(a), n = (int)strlen(b);
    if (m >= WORD_BYTES || n >= WORD_BYTES || abs(m - n) > most) return most + 1;
    int before[WORD_BYTES + 1] = {0}, last[WORD_BYTES + 1], row[WORD_BYTES + 1] = {0};
    for (int j = 0; j <= n; j++) last[j] = j;
    for (int i = 1; i <= m; i++) {
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int cost = a[i - 1] != b[j - 1];
            int best = last[j - 1] + cost;
            if (last[j] + 1 < best) best = last[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        memcpy(before, last, sizeof before);
        memcpy(last, row, sizeof last);
    }
    return last[n] <= most ? last[n] : most + 1;
}

/* Mistakes that a word of this length may hold: short words have too many neighbours. */
static int forgiven(size_t size) {
    return size >= 8 ? 2 : size >= 5 ? 1 : 0;
}

static const char *about_nearly(const char *text) {
    const int most = forgiven(strlen(text));
    const char *best = NULL;
    int nearest = most + 1;
    for (const struct vocabulary_row *row = vocabulary; most && row->about; row++) {
        for (const char *at = row->words; *at;) {
            const size_t length = strcspn(at, " ");
            char word[WORD_BYTES];
            (void)snprintf(word, sizeof word, "%.*s", (int)length, at);
            /* The first letter is seldom wrong. */
            const int far = length >= 5 && word[0] == text[0]
                                ? words_distance(text, word, nearest - 1)
                                : nearest;
            if (far < nearest) nearest = far, best = row->about;
            at += length;
            while (*at == ' ') at++;
        }
    }
    return best;
}

static bool digits_differ(const char *a, const char *b) {
    while (*a || *b) {
        while (*a && !isdigit((unsigned char)*a)) a++;
        while (*b && !isdigit((unsigned char)*b)) b++;
        if (*a != *b) return true;
        if (*a) a++, b++;
    }
    return false;
}

int words_nearest(const char *typed, const char *const *names, size_t count, bool *exact) {
    const int most = forgiven(strlen(typed));
    int best = -1, nearest = most + 1;
    *exact = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(typed, names[i]) == 0) {
            *exact = true;
            return (int)i;
        }
        if (!most || typed[0] != names[i][0] || digits_differ(typed, names[i])) continue;
        const int far = words_distance(typed, names[i], nearest - 1);
        if (far < nearest) nearest = far, best = (int)i;
    }
    return best;
}

/* ---- reading ---- */

static bool in_word(const char *at) {
    const unsigned char c = (unsigned char)*at;
    if (isalnum(c) || c >= 0x80) return true;
    /* Inside a name or a time: shop-api, 1.4.2, 09:30, deployment/42, don't. */
    return c && strchr("-_./:'", c) &&
           (isalnum((unsigned char)at[1]) || (unsigned char)at[1] >= 0x80);
}

/* "what's" is what, "customer's" is customer; "isn't" stays. */
static void cut_genitive(char *text) {
    const size_t size = strlen(text);
    if (size > 3 && strcmp(text + size - 2, "'s") == 0 && !about_exactly(text)) text[size - 2] = 0;
}

/* A typographic apostrophe is an apostrophe. */
static void plain_quotes(char *text) {
    for (char *at = text; (at = strstr(at, "\xe2\x80\x99"));) {
        *at = '\'';
        memmove(at + 1, at + 3, strlen(at + 3) + 1);
    }
}

static void add(struct words *words, const char *from, size_t size) {
    if (words->count == WORDS_MOST || !size) return;
    struct word *word = &words->at[words->count++];
    *word = (struct word){0};
    (void)snprintf(word->typed, sizeof word->typed, "%.*s", (int)size, from);
    plain_quotes(word->typed);
    for (size_t i = 0; word->typed[i]; i++)
        word->text[i] = (char)tolower((unsigned char)word->typed[i]);
    cut_genitive(word->text);
    word->about = about_exactly(word->text);
    word->small = is_in(vocabulary_small, word->text);
    if (word->about || word->small) return;
    word->about = about_nearly(word->text);
    word->guessed = word->about != NULL;
}

void words_read(struct words *words, const char *question) {
    words->count = 0;
    for (const char *at = question; *at;) {
        if (!isalnum((unsigned char)*at) && (unsigned char)*at < 0x80) {
            at++;
            continue;
        }
        const char *from = at;
        while (in_word(at)) at++;
        add(words, from, (size_t)(at - from));
    }
}

bool words_about(const struct words *words, const char *about) {
    for (size_t i = 0; i < words->count; i++) {
        const struct word *word = &words->at[i];
        if (word->about && !word->taken && strcmp(word->about, about) == 0) return true;
    }
    return false;
}

int words_find(const struct words *words, const char *text) {
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->at[i].text, text) == 0) return (int)i;
    return -1;
}
