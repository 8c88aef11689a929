/* moment.h - time words of a question as a window of time, in UTC. Pure. */
#ifndef CHAT_MOMENT_H
#define CHAT_MOMENT_H

#include "words.h"

#include <stdint.h>

struct moment {
    int64_t from_ms, to_ms; /* 0 and 0: the question names no time */
    const char *words;      /* "last night": for the answer */
};

/* Marks the words that it took. */
struct moment moment_read(struct words *words, int64_t now_ms);

#endif
