#include "words.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 64, TOKEN_BYTES = 200 };

static const char *const stop_words[] = {
    "a",     "about", "after", "again",   "all",   "also",  "an",   "and",  "any",    "are",
    "as",    "at",    "be",    "been",    "being", "but",   "by",   "can",  "could",  "did",
    "do",    "does",  "for",   "from",    "had",   "has",   "have", "he",   "her",    "here",
    "his",   "how",   "i",     "if",      "in",    "into",  "is",   "it",   "its",    "just",
    "may",   "me",    "more",  "most",    "must",  "my",    "of",   "on",   "once",   "only",
    "or",    "other", "our",   "out",     "over",  "own",   "same", "she",  "should", "so",
    "some",  "such",  "than",  "that",    "the",   "their", "them", "then", "there",  "these",
    "they",  "this",  "those", "through", "to",    "too",   "up",   "very", "was",    "we",
    "were",  "what",  "when",  "where",   "which", "while", "who",  "why",  "will",   "with",
    "would", "you",   "your"};

static const char *const negations[] = {"not",     "no",      "never",   "without", "cannot",
                                        "don't",   "doesn't", "isn't",   "can't",   "won't",
                                        "mustn't", "didn't",  "neither", "nor",     "avoid"};

static bool listed(const char *const *list, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i], word)) return true;
    return false;
}

static uint64_t hash_of(const char *text, size_t size) {
    uint64_t hash = 14695981039346656037ULL;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211ULL;
    return hash;
}

static bool ends(const char *word, size_t size, const char *end) {
    const size_t n = strlen(end);
    return size >= n + 3 && !memcmp(word + size - n, end, n);
}

/* Plural, -ed, -ing, -ly and a final e: enough to compare a sentence with what it was taken from. */
static size_t stem_size(const char *word, size_t size) {
    static const char *const suffixes[] = {"ations", "ation", "ings", "ing", "edly", "ed",
                                           "ies",    "es",    "ly",   "s",   "e",    "y"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends(word, size, suffixes[i])) {
            size -= strlen(suffixes[i]);
            break;
        }
    return size > 3 && word[size - 1] == word[size - 2] ? size - 1 : size;
}

static void add(uint64_t *list, size_t *count, uint64_t hash) {
    if (*count < WORDS_MOST) list[(*count)++] = hash;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || (c & 0x80);
}

/* Within a token: what joins the parts of a name, a number or a path. */
static bool joins(const char *text, size_t size, size_t i) {
    return i && i + 1 < size && text[i] && strchr("_.-/:@'%,=", text[i]) && is_word(text[i - 1]) &&
           (is_word(text[i + 1]) || (text[i + 1] == '/' && text[i] == ':') || text[i + 1] == '-');
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void add_word(struct words *words, const char *text, size_t size) {
    char word[WORD_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < sizeof word; i++) word[n++] = lower(text[i]);
    word[n] = '\0';
    if (listed(negations, sizeof negations / sizeof *negations, word)) {
        words->negations++;
        return;
    }
    if (n < 2 || listed(stop_words, sizeof stop_words / sizeof *stop_words, word)) return;
    add(words->stems, &words->stem_count, hash_of(word, stem_size(word, n)));
}

/* A number, or a name that a person does not make up: with a sign inside or letters of both cases. */
static bool is_exact(const char *text, size_t size) {
    bool digit = false, sign = false, upper_inside = false;
    for (size_t i = 0; i < size; i++) {
        digit |= is_digit(text[i]);
        sign |= text[i] && strchr("_/:@=.", text[i]) != NULL;
        upper_inside |= i && text[i] >= 'A' && text[i] <= 'Z';
    }
    return digit || sign || upper_inside;
}

static void add_exact(struct words *words, const char *text, size_t size) {
    char token[TOKEN_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i < size && n < sizeof token; i++)
        if (text[i] != ',') token[n++] = lower(text[i]);
    add(words->exact, &words->exact_count, hash_of(token, n));
}

static void add_token(struct words *words, const char *text, size_t size, bool support) {
    if (support || is_exact(text, size)) add_exact(words, text, size);
    bool whole = memchr(text, '\'', size) != NULL; /* "don't" */
    for (size_t i = 0, from = 0; i <= size; i++) {
        if (i < size && (is_word(text[i]) || (whole && text[i] == '\''))) continue;
        if (i > from) add_word(words, text + from, i - from);
        if (i > from && support && i - from < size) add_exact(words, text + from, i - from);
        from = i + 1;
    }
}

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t sort(uint64_t *list, size_t count) {
    qsort(list, count, sizeof *list, compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || list[kept - 1] != list[i]) list[kept++] = list[i];
    return kept;
}

static void read_words(struct words *words, const char *text, size_t size, bool support) {
    words->stem_count = words->exact_count = words->negations = 0;
    for (size_t i = 0; i < size;) {
        if (!is_word(text[i])) {
            i++;
            continue;
        }
        size_t from = i;
        while (i < size && (is_word(text[i]) || joins(text, size, i) ||
                            (i > from && text[i] == '/' && i + 1 < size && text[i - 1] == ':') ||
                            (i > from + 1 && text[i] == '/' && text[i - 1] == '/')))
            i++;
        if (i < size && text[i] == '%') i++;
        add_token(words, text + from, i - from, support);
    }
    words->stem_count = sort(words->stems, words->stem_count);
    words->exact_count = sort(words->exact, words->exact_count);
}

void words_of_text(struct words *words, const char *text, size_t size) {
    read_words(words, text, size, false);
}

void words_of_support(struct words *words, const char *text, size_t size) {
    read_words(words, text, size, true);
}

static bool holds(const uint64_t *list, size_t count, uint64_t value) {
    return bsearch(&value, list, count, sizeof *list, compare) != NULL;
}

bool words_hold_stem(const struct words *words, uint64_t stem) {
    return holds(words->stems, words->stem_count, stem);
}

bool words_hold_exact(const struct words *words, uint64_t exact) {
    return holds(words->exact, words->exact_count, exact);
}

size_t words_shared(const struct words *a, const struct words *b) {
    size_t shared = 0;
    for (size_t i = 0; i < a->stem_count; i++) shared += words_hold_stem(b, a->stems[i]);
    return shared;
}
