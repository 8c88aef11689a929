/* text.h - a text that grows, with an end. Pure. */
#ifndef SLO_TEXT_H
#define SLO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at; /* NUL-ended once something was added; free() it */
    size_t size, room;
    bool failed; /* no memory, or more than TEXT_BYTES_MAX: the text ends early */
};

enum { TEXT_BYTES_MAX = 8 << 20 };

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);
/* With &, <, >, " and ' escaped, for HTML and SVG. */
void text_add_escaped(struct text *text, const char *plain);
/* As a double-quoted scalar of YAML (and of JSON), for ASCII control bytes and quotes. */
void text_add_quoted(struct text *text, const char *plain);

#endif
