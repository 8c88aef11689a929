/*
 * One commit message, read by Conventional Commits 1.0.0. Pure; one pass, no backtracking.
 *
 * Lenient where every tool is: a body without a blank line before it, a footer right under the body
 * when it is a trailer that git knows, BREAKING CHANGE without a blank after its colon. What was
 * lenient is told in `lints`.
 */
#ifndef NOTES_CONVENTIONAL_H
#define NOTES_CONVENTIONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CC_FOOTERS_MOST = 20, CC_MESSAGE_MOST = 64 * 1024 };

/* Bytes of the cleaned message, not terminated; `at` is NULL for "none". */
struct span {
    const char *at;
    size_t len;
};

struct cc_footer {
    struct span token, value;
    char separator; /* ':' or '#' */
};

enum cc_lint {
    CC_BODY_WITHOUT_BLANK = 1,
    CC_FOOTER_WITHOUT_BLANK = 2,
    CC_BREAKING_WITHOUT_BLANK = 4, /* "BREAKING CHANGE:x" */
    CC_CUT = 8                     /* longer than CC_MESSAGE_MOST, or too many footers */
};

struct cc_commit {
    struct span header; /* the first line */
    bool conventional;  /* then the following hold */
    struct span type, scope, description;
    struct span body; /* also of an unconventional message */
    bool bang, breaking;
    struct span breaking_text; /* of the first breaking footer, else the description */
    struct cc_footer footers[CC_FOOTERS_MOST];
    size_t footer_count;
    uint32_t lints; /* enum cc_lint */
};

/* Cleans a message into `out` (which has len + 1 bytes): CRLF, blanks at line ends, git's own comments
 * under a scissors line or a commit template, blank lines around. Returns its length. */
size_t cc_clean(const char *message, size_t len, char *out);

/* Reads a cleaned message; the spans point into it. */
void cc_read(struct span message, struct cc_commit *out);

/* ASCII case ignored, as units of a commit are. */
bool span_is(struct span span, const char *word);
bool span_starts(struct span span, const char *prefix);

/* The first footer of this token (case ignored), or NULL. */
const struct cc_footer *cc_footer_of(const struct cc_commit *commit, const char *token);

#endif
