/*
 * Regular expressions with limits, compiled when they are first needed: most of some 300 never are.
 * Threads may race to compile one; the loser throws its own away.
 */
#ifndef RISK_PATTERN_H
#define RISK_PATTERN_H

#include "diff.h"

enum { PATTERN_GROUPS = 40 };

struct patterns;

/* Room for `count` patterns; NULL when memory is out. */
struct patterns *patterns_new(size_t count);
void patterns_free(struct patterns *patterns);

struct pattern_match {
    size_t from, to;             /* in the text */
    size_t group_from, group_to; /* the first group that holds something, else the whole */
    bool has_group_2;
    size_t second_from, second_to;
};

/* Searches `text` from `start` for pattern number `at`, whose source is told by `source(at, out)` on
 * first use. False when it is not there, is wrong, or a limit was reached. */
struct pattern_source {
    size_t at;
    const char *text; /* the expression; read on first use only */
};
bool pattern_find(struct patterns *patterns, const struct pattern_source *source,
                  struct diff_text text, size_t start, struct pattern_match *match);

/* Compiles now, to find mistakes: false with the offset and reason in `why`. */
bool pattern_compiles(const char *source, char why[160]);

#endif
