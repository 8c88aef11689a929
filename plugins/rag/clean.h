/* clean.h - text from outside made fit to keep: valid UTF-8, "\n" lines, nothing invisible.
 *
 * Control characters, zero-width and bidirectional marks are left out: they can hide text from
 * people that a search or a language model would read. Lines keep their numbers. */
#ifndef RAG_CLEAN_H
#define RAG_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* Copies `text` to `out` (room for size + 1 bytes), ended by NUL; `*out_size` is what was written.
 * 0, or -1 when it is no UTF-8 or holds NUL: `*bad_at` is the offset then. */
int clean_text(const char *text, size_t size, char *out, size_t *out_size, size_t *bad_at);

/* Bytes of the character at `text`, 1 to 4; 0: it is no UTF-8. `*code` is its code point. */
size_t utf8_decode(const char *text, size_t size, uint32_t *code);

#endif
