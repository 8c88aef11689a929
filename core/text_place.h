/* text_place.h - where something stands in a text that people wrote: for errors with file:line:column.
 */
#ifndef SLUICE_CORE_TEXT_PLACE_H
#define SLUICE_CORE_TEXT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* A text with its name; lines end as YAML ends them (LF, CR LF, CR, NEL, LS, PS). */
struct source {
    const char *name; /* as shown: "config/sluice.yaml", "-" */
    const char *text;
    size_t size;
};

/* Lines and columns count from 1; columns are characters. Line 0: no place within the text. */
struct text_place {
    const struct source *source; /* NULL: nowhere (a default) */
    unsigned line, column;
    unsigned end_line, end_column; /* one behind the last character */
};

/* The line's bytes without its end, or false when there is none. */
bool source_line(const struct source *source, unsigned line, const char **start, size_t *size);
/* The place of a byte of the text. */
struct text_place source_place(const struct source *source, size_t offset);
/* Bytes of the UTF-8 character at `text` (1 for a byte that begins none); 0 at the end. */
size_t character_size(const char *text, size_t size);

#endif
