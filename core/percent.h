/* percent.h - percent-encoding of URIs. Pure. */
#ifndef SLUICE_CORE_PERCENT_H
#define SLUICE_CORE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* The decoded text, ended by NUL, in the arena; with `plus` a '+' is a blank. NULL: a bad escape, a
 * NUL, or no UTF-8. */
char *percent_decode(struct arena *arena, const char *text, size_t size, bool plus,
                     size_t *decoded_size);
/* The text as it stands in a query: all but unreserved characters as %XX. In the arena. */
const char *percent_encode(struct arena *arena, const char *text);

#endif
