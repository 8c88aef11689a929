/* words.h - a question as words: lower case, without endings that do not matter, with what each
 * word is about, typing mistakes forgiven. The vocabulary is data (vocabulary.c). Pure. */
#ifndef CHAT_WORDS_H
#define CHAT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MOST = 96, WORD_BYTES = 64 };

struct word {
    char text[WORD_BYTES];  /* lower case */
    char typed[WORD_BYTES]; /* as it was typed */
    const char *about;      /* "fail", "block"...; NULL: in no table */
    bool small;             /* the, of, please: says nothing by itself */
    bool taken;             /* part of a name or a time that was recognised */
    bool guessed;           /* a typing mistake was assumed */
};

struct words {
    struct word at[WORDS_MOST];
    size_t count;
};

void words_read(struct words *words, const char *question);
bool words_about(const struct words *words, const char *about);
/* Place of the first word that is `text`, or -1. */
int words_find(const struct words *words, const char *text);

/* Edit distance with transpositions, at most `most` + 1. */
int words_distance(const char *a, const char *b, int most);
/* The name that is typed here, exactly or with a mistake that its length allows; -1: none. Names that
 * differ in a digit are different names. */
int words_nearest(const char *typed, const char *const *names, size_t count, bool *exact);

/* ---- vocabulary.c ---- */
struct vocabulary_row {
    const char *about;
    const char *words; /* split by blanks */
};
extern const struct vocabulary_row vocabulary[]; /* ended by {0} */
extern const char vocabulary_small[];            /* split by blanks */

#endif
