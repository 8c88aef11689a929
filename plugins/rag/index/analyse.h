/*
 * Bytes to words. A word is a run of letters and digits; runs that are joined by one of _ . - / : @
 * make an identifier. `KubePodCrashLooping` gives itself and kube, pod, crash, looping;
 * `node_cpu_seconds_total` gives node, cpu, seconds, total and the whole, exact. ASCII is folded by
 * table, all else by utf8proc (case, accents, width); Chinese, Japanese and Korean text gives pairs of
 * characters. Pure; bytes that are not UTF-8 part words.
 */
#ifndef RAG_ANALYSE_H
#define RAG_ANALYSE_H

#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_WORD = 0,  /* what a person would call a word */
    TOKEN_PART = 1,  /* a camelCase identifier as a whole, or the digits in one: not a word */
    TOKEN_EXACT = 2, /* an identifier with its joiners: never stemmed */
};

enum {
    TOKEN_MAX = 40, /* longer words are dropped: hashes and keys, which nobody types */
    EXACT_MAX = 64,
};

/* What the bytes were like: it tells a question from an identifier and from PromQL. */
struct analysis {
    uint32_t runs;        /* raw tokens */
    uint32_t identifiers; /* of these, with a joiner or more than one camelCase part */
};

/* `text` is folded, of 1 to EXACT_MAX bytes, borrowed during the call. */
typedef void (*token_fn)(void *to, const char *text, size_t len, enum token_kind kind);

void analyse(const char *text, size_t len, token_fn emit, void *to, struct analysis *out);

#endif
