/*
 * The words of an index: each surface form as it was met, its term (the stem; none for stop words)
 * and its letter runs. Grows only. The writer adds; readers look up while they hold the lock of the
 * index.
 */
#ifndef RAG_DICTIONARY_H
#define RAG_DICTIONARY_H

#include "analyse.h"
#include "names.h"

#include <stdbool.h>

struct sb_stemmer;

struct word {
    uint32_t term;      /* NAME_NONE: a stop word */
    uint32_t gram_from; /* in dictionary.grams_of */
    uint32_t letters;   /* see spelling.h */
    uint16_t grams;     /* 0 for what is no TOKEN_WORD */
    uint8_t kind;       /* enum token_kind */
};

struct gram_words { /* words that hold a letter run */
    uint32_t *at;
    uint32_t count, room;
};

struct dictionary {
    struct names words, terms, grams; /* a word's name is its kind's digit and its text */
    struct word *word;
    struct gram_words *words_of; /* by gram */
    uint32_t *grams_of;
    uint32_t word_room, words_of_room, grams_of_room, grams_of_count;
    struct sb_stemmer *stemmer; /* not thread-safe: the writer's */
    char language[32];
};

bool dictionary_init(struct dictionary *dictionary, const char *language);
void dictionary_fini(struct dictionary *dictionary);

/* NAME_NONE: memory is out. */
uint32_t dictionary_add(struct dictionary *d, const char *text, size_t len, enum token_kind kind);
uint32_t dictionary_find(const struct dictionary *d, const char *text, size_t len,
                         enum token_kind kind);
size_t dictionary_memory(const struct dictionary *d);

/* Letter runs of `_word_`, of 4 bytes; a shorter one is one run. Calls take(to, run, len). */
void each_gram(const char *word, size_t len, void (*take)(void *to, const char *run, size_t len),
               void *to);

/* Is this one of the 117 English words that every text holds? */
bool is_stop_word(const char *text, size_t len);

#endif
