/* The set of words against a plain search, and the lexicon where its spans of 64 bytes meet. */
#include "lexicon.h"
#include "path_words.h"
#include "wordset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

enum { TEXT = 97, ROUNDS = 20000 };

static const char *const words[] = {"ey",    "sk",     "s.",        "q~",        "key",
                                    "des",   "rc4",    "api",       "auth",      "<add",
                                    "token", "secret", "password",  "aaaa",      "aaa",
                                    "aa",    "_key_",  "abababab",  "\xc3\xa4x", "ba",
                                    "::/0",  "key=",   "begin rsa", "password=", "x509"};
enum { WORDS = sizeof words / sizeof *words };

struct hits {
    uint8_t at[WORDS][TEXT + 1]; /* by tag and end: how often */
};

static void count(void *of, uint16_t tag, size_t end) {
    struct hits *hits = of;
    assert_true(tag < WORDS && end <= TEXT);
    hits->at[tag][end]++;
}

static uint32_t draw(uint32_t *seed) {
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Mostly pieces of the words themselves, so that near misses are common. */
static void fill(char *text, size_t len, uint32_t *seed) {
    for (size_t i = 0; i < len;) {
        const char *word = words[draw(seed) % WORDS];
        const size_t from = draw(seed) % strlen(word);
        for (const char *c = word + from; *c && i < len; c++) {
            const bool capital = *c >= 'a' && *c <= 'z' && draw(seed) % 4 == 0;
            text[i++] = capital ? (char)(*c - 32) : *c;
        }
        if (i < len && draw(seed) % 3 == 0) text[i++] = (char)draw(seed);
    }
}

static void finds_what_a_plain_search_finds(void **state) {
    struct wordset_word rows[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        rows[i] = (struct wordset_word){words[i], strlen(words[i]), (uint16_t)i};
    struct wordset *set = wordset_new(rows, WORDS);
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t len = draw(&seed) % TEXT;
        char *text = malloc(len ? len : 1); /* exact, so that a sanitizer sees a read past it */
        struct hits found = {0};
        fill(text, len, &seed);
        wordset_scan(set, text, len, count, &found);
        for (size_t w = 0; w < WORDS; w++)
            for (size_t at = 0, size = strlen(words[w]); at + size <= len; at++) {
                const bool here = strncasecmp(text + at, words[w], size) == 0;
                assert_int_equal(found.at[w][at + size], here);
            }
        free(text);
    }
    wordset_free(set);
}

static void refuses_words_that_it_cannot_hold(void **state) {
    const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123";
    struct wordset_word word = {"a", 1, 0};
    (void)state;
    assert_null(wordset_new(&word, 1));
    word = (struct wordset_word){
        "01234567890123456789012345678901234567890123456789012345678901234", 65, 0};
    assert_null(wordset_new(&word, 1));
    word = (struct wordset_word){longest, 64, 0};
    struct wordset *set = wordset_new(&word, 1);
    assert_non_null(set);
    wordset_free(set);
}

static struct line_words read(const char *line, enum file_syntax syntax) {
    struct lexicon lexicon;
    lexicon_init(&lexicon);
    const size_t len = strlen(line);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, line, len);
    const struct line_words found = lexicon_read(&lexicon, (struct diff_text){exact, len}, syntax);
    free(exact);
    return found;
}

/* A statement moved byte by byte over the places where spans begin and end. */
static void counts_the_same_at_every_column(void **state) {
    (void)state;
    for (size_t column = 1; column < 200; column++) {
        char line[400];
        memset(line, ';', column);
        strcpy(line + column,
               " if (a && b) { synchronized(x) { throw null; } } \"if ' if\" // TODO");
        const struct line_words found = read(line, SYNTAX_SLASHES);
        assert_int_equal(found.branches, 2);
        assert_int_equal(found.concurrency, 1);
        assert_int_equal(found.exceptions, 1);
        assert_int_equal(found.nulls, 1);
        assert_int_equal(found.todos, 1);
        memset(line, 'x', column); /* one word now, longer than a span at times */
        strcpy(line + column, "if while");
        assert_int_equal(read(line, SYNTAX_SLASHES).branches, 1);
    }
}

static void reads_the_words_of_a_path(void **state) {
    static const struct {
        const char *path;
        uint32_t says;
    } cases[] = {{"src/auth/x.c", PATH_AUTH},
                 {"src/authToken.go", PATH_AUTH},
                 {"src/author.c", 0},
                 {"src/unauth.c", 0},
                 {"lib/tls_x509.c", PATH_CRYPTO},
                 {"db/rollback/1.sql", PATH_DOWN},
                 {"Dockerfile.prod", PATH_DOCKER},
                 {"dockerfile/readme", 0},
                 {".github/workflows/a", PATH_CI},
                 {"Makefile", PATH_SHELL},
                 {"makefiles/x.c", 0},
                 {"", 0}};
    struct wordset *set = path_words_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            path_words_read(set, (struct diff_text){cases[i].path, strlen(cases[i].path)}),
            cases[i].says);
    wordset_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_plain_search_finds),
        cmocka_unit_test(refuses_words_that_it_cannot_hold),
        cmocka_unit_test(counts_the_same_at_every_column),
        cmocka_unit_test(reads_the_words_of_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
