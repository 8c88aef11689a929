/* text.h - text that grows up to a limit. Pure. */
#ifndef LLM_TEXT_H
#define LLM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* NUL behind it; NULL while nothing was added */
    size_t size, capacity;
};

/* False: over `limit` bytes, or no memory; the text is then as before. */
bool text_add(struct text *text, size_t limit, const char *bytes, size_t size);
void text_clear(struct text *text); /* keeps the memory */
void text_fini(struct text *text);
const char *text_get(const struct text *text); /* never NULL */

#endif
