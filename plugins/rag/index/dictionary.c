#include "dictionary.h"

#include "grow.h"
#include "spelling.h"

#include <libstemmer.h>
#include <stdio.h>
#include <string.h>

enum { GRAM = 4 };

/* The words of Lucene's English list, and the pronouns, auxiliaries and particles that it leaves out.
 * In order, for bsearch. */
static const char *const stop_words[] = {
    "a",       "about",  "above",   "after",   "again",  "all",   "also",    "am",     "an",
    "and",     "any",    "are",     "as",      "at",     "be",    "because", "been",   "before",
    "being",   "below",  "between", "both",    "but",    "by",    "can",     "could",  "did",
    "do",      "does",   "doing",   "down",    "during", "each",  "few",     "for",    "from",
    "further", "had",    "has",     "have",    "having", "he",    "her",     "here",   "hers",
    "him",     "his",    "how",     "i",       "if",     "in",    "into",    "is",     "it",
    "its",     "itself", "just",    "me",      "more",   "most",  "my",      "no",     "nor",
    "not",     "now",    "of",      "off",     "on",     "once",  "only",    "or",     "other",
    "our",     "ours",   "out",     "over",    "own",    "same",  "she",     "should", "so",
    "some",    "such",   "than",    "that",    "the",    "their", "them",    "then",   "there",
    "these",   "they",   "this",    "through", "to",     "too",   "under",   "until",  "up",
    "very",    "was",    "we",      "were",    "what",   "when",  "where",   "which",  "while",
    "who",     "whom",   "why",     "will",    "with",   "would", "you",     "your",   "yours",
};

struct key {
    const char *at;
    size_t len;
};

static int compare_stop(const void *key, const void *entry) {
    const struct key *k = key;
    const char *word = *(const char *const *)entry;
    const int order = strncmp(k->at, word, k->len);
    return order ? order : word[k->len] ? -1 : 0;
}

bool is_stop_word(const char *text, size_t len) {
    const struct key key = {text, len};
    return bsearch(&key, stop_words, sizeof stop_words / sizeof stop_words[0], sizeof stop_words[0],
                   compare_stop) != NULL;
}

bool dictionary_init(struct dictionary *d, const char *language) {
    *d = (struct dictionary){0};
    if (strlen(language) >= sizeof d->language) return false;
    snprintf(d->language, sizeof d->language, "%s", language);
    d->stemmer = sb_stemmer_new(language, NULL);
    return d->stemmer != NULL;
}

void dictionary_fini(struct dictionary *d) {
    for (uint32_t i = 0; i < d->grams.count && i < d->words_of_room; i++) free(d->words_of[i].at);
    names_fini(&d->words);
    names_fini(&d->terms);
    names_fini(&d->grams);
    free(d->word);
    free(d->words_of);
    free(d->grams_of);
    if (d->stemmer) sb_stemmer_delete(d->stemmer);
    *d = (struct dictionary){0};
}

void each_gram(const char *word, size_t len, void (*take)(void *to, const char *run, size_t len),
               void *to) {
    char padded[TOKEN_MAX + 2];
    if (len > TOKEN_MAX) return;
    padded[0] = padded[len + 1] = '_';
    memcpy(padded + 1, word, len);
    if (len + 2 <= GRAM) {
        take(to, padded, len + 2);
        return;
    }
    for (size_t i = 0; i + GRAM <= len + 2; i++) take(to, padded + i, GRAM);
}

struct adding {
    struct dictionary *d;
    uint32_t word;
    bool failed;
};

static bool link_gram(struct dictionary *d, uint32_t word, uint32_t gram) {
    const uint32_t before = d->words_of_room;
    if (!grow(&d->words_of, &d->words_of_room, gram + 1, sizeof *d->words_of)) return false;
    if (d->words_of_room > before)
        memset(d->words_of + before, 0, (d->words_of_room - before) * sizeof *d->words_of);
    if (!grow(&d->grams_of, &d->grams_of_room, d->grams_of_count + 1, sizeof *d->grams_of))
        return false;
    struct gram_words *list = &d->words_of[gram];
    if (!list->count || list->at[list->count - 1] != word) {
        if (!grow(&list->at, &list->room, list->count + 1, sizeof *list->at)) return false;
        list->at[list->count++] = word;
    }
    d->grams_of[d->grams_of_count++] = gram;
    d->word[word].grams++;
    return true;
}

static void add_gram(void *to, const char *run, size_t len) {
    struct adding *a = to;
    const uint32_t gram = names_intern(&a->d->grams, run, len);
    a->failed |= gram == NAME_NONE || !link_gram(a->d, a->word, gram);
}

static uint32_t term_of(struct dictionary *d, const char *text, size_t len, enum token_kind kind) {
    if (kind == TOKEN_EXACT) return names_intern(&d->terms, text, len);
    if (is_stop_word(text, len)) return NAME_NONE;
    const sb_symbol *stem = sb_stemmer_stem(d->stemmer, (const sb_symbol *)text, (int)len);
    if (!stem) return names_intern(&d->terms, text, len);
    return names_intern(&d->terms, (const char *)stem, (size_t)sb_stemmer_length(d->stemmer));
}

static size_t name_of(char *name, const char *text, size_t len, enum token_kind kind) {
    name[0] = (char)('0' + kind);
    memcpy(name + 1, text, len);
    return len + 1;
}

uint32_t dictionary_find(const struct dictionary *d, const char *text, size_t len,
                         enum token_kind kind) {
    char name[EXACT_MAX + 1];
    if (len > EXACT_MAX) return NAME_NONE;
    return names_find(&d->words, name, name_of(name, text, len, kind));
}

uint32_t dictionary_add(struct dictionary *d, const char *text, size_t len, enum token_kind kind) {
    char name[EXACT_MAX + 1];
    if (len > EXACT_MAX) return NAME_NONE;
    const uint32_t before = d->words.count;
    if (!grow(&d->word, &d->word_room, before + 1, sizeof *d->word)) return NAME_NONE;
    const uint32_t word = names_intern(&d->words, name, name_of(name, text, len, kind));
    if (word == NAME_NONE || word < before) return word;
    d->word[word] = (struct word){.term = term_of(d, text, len, kind),
                                  .gram_from = d->grams_of_count,
                                  .letters = letters_in(text, len),
                                  .kind = (uint8_t)kind};
    struct adding adding = {.d = d, .word = word};
    if (kind == TOKEN_WORD) each_gram(text, len, add_gram, &adding);
    return adding.failed ? NAME_NONE : word;
}

size_t dictionary_memory(const struct dictionary *d) {
    size_t lists = 0;
    for (uint32_t i = 0; i < d->grams.count && i < d->words_of_room; i++)
        lists += d->words_of[i].room * sizeof(uint32_t);
    return names_memory(&d->words) + names_memory(&d->terms) + names_memory(&d->grams) +
           d->word_room * sizeof *d->word + d->words_of_room * sizeof *d->words_of +
           d->grams_of_room * sizeof *d->grams_of + lists;
}
