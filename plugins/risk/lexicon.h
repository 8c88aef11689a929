/*
 * Words of a line of source code: branching, concurrency, exceptions, null handling, comments.
 * A word table, not a compiler: fast, the same for every language, and the model was trained on
 * exactly these counts. Pure; the lexicon is read-only after lexicon_init and may be shared.
 */
#ifndef RISK_LEXICON_H
#define RISK_LEXICON_H

#include "kind.h"

enum { LEXICON_SLOTS = 512 };

struct lexicon {
    struct kinds kinds;            /* of files */
    uint64_t words[LEXICON_SLOTS]; /* up to eight letters packed, 0 = free */
    uint8_t groups[LEXICON_SLOTS];
    uint16_t lengths[256]; /* by first letter: bit n is set when a word has n letters, 8 for more */
};

struct line_words {
    uint32_t branches;    /* if, for, while, case, catch, &&, ||, ?: … */
    uint32_t concurrency; /* lock, thread, await, volatile … */
    uint32_t exceptions;  /* try, throw, raise, panic … */
    uint32_t nulls;       /* null, None, nil, nullptr */
    uint32_t todos;       /* TODO, FIXME, XXX, HACK */
    bool comment;         /* nothing but a comment */
    bool blank;
};

void lexicon_init(struct lexicon *lexicon);
struct line_words lexicon_read(const struct lexicon *lexicon, struct diff_text line,
                               enum file_syntax syntax);

#endif
