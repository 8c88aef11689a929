/* template.h - the templates in templates/: valid JSON, with two kinds of places.
 *
 *   "...$name..."   the value, escaped, inside a string; ends before what is no letter or '_'
 *   "$(name)"       the value in place of the whole string: a number, an object, an array
 *
 * They are embedded at build time without the white space between their tokens. Pure. */
#ifndef ROLLOUT_TEMPLATE_H
#define ROLLOUT_TEMPLATE_H

#include "text.h"

/* Values of the places; the array ends with a NULL name. */
struct place {
    const char *name;
    const char *value; /* ready: escaped, or JSON */
};

/* A place that `places` does not name stays empty. */
void template_fill(struct text *text, const char *template, const struct place *places);

#endif
