/* What the words of a path say about a file, beyond its kind: one pass over a table. Pure. */
#ifndef RISK_PATH_WORDS_H
#define RISK_PATH_WORDS_H

#include "diff.h"

enum path_says {
    PATH_AUTH = 1,   /* code that decides who may do what */
    PATH_CRYPTO = 2, /* code that encrypts or verifies */
    PATH_DOWN = 4,   /* it only undoes what others did */
    PATH_DOCKER = 8,
    PATH_CI = 16,
    PATH_SHELL = 32
};

struct wordset;

/* NULL when memory is out. Freed by wordset_free. */
struct wordset *path_words_new(void);

/* Bits of enum path_says. */
uint32_t path_words_read(const struct wordset *words, struct diff_text path);

#endif
