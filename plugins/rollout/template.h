/* template.h - the templates in templates/: valid JSON, with two kinds of places.
 *
 *   "...$name..."   the value, escaped, inside a string; ends before what is no letter or '_'
 *   "$(name)"       the value in place of the whole string: a number, an object, an array
 *
 * They are embedded at build time without the white space between their tokens. Pure. */
#ifndef ROLLOUT_TEMPLATE_H
#define ROLLOUT_TEMPLATE_H

#include "text.h"

#include <stdint.h>

/* Values of the places; the array ends with a NULL name. */
struct place {
    const char *name;
    const char *value; /* ready: escaped, or JSON */
};

/* A place that `places` does not name stays empty. */
void template_fill(struct text *text, const char *template, const struct place *places);

/* ---- one that is filled often: taken apart once ---- */

struct template {
    char *text;
    size_t count;
    struct template_piece {
        const char *text; /* what stands before the place */
        uint32_t size;
        int32_t place; /* -1: none; only text */
    } pieces[];
};

/* What fills a place. */
struct filling {
    const char *bytes;
    size_t size;
};

/* Takes a template apart; `names` are the places, ended by NULL. Malloc'ed: it may outlive a
 * call. NULL: no memory. */
struct template *template_compile(const char *text, const char *const *names);
void template_free(struct template *template);
/* The bytes that template_write writes with these fillings, one for each name. */
size_t template_size(const struct template *template, const struct filling *fillings);
/* Returns the byte behind the last one written; no NUL. */
char *template_write(const struct template *template, const struct filling *fillings, char *to);

#endif
