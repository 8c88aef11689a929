/*
 * Strings to dense numbers, 0 1 2…, and back. Grows only; memory is one block of bytes and two of
 * numbers. Pure; no lock.
 */
#ifndef RAG_NAMES_H
#define RAG_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum { NAME_NONE = UINT32_MAX };

struct names {
    char *bytes;
    uint32_t *ends;  /* end of name i in `bytes`; it starts where name i - 1 ended */
    uint32_t *slots; /* open addressing: number + 1, or 0 */
    uint32_t count, room, slot_count;
    size_t bytes_used, bytes_room;
};

void names_fini(struct names *names);

/* The number of this string, made when there is none yet. NAME_NONE: memory is out (or 4 GiB). */
uint32_t names_intern(struct names *names, const char *text, size_t len);
uint32_t names_find(const struct names *names, const char *text, size_t len);
const char *names_text(const struct names *names, uint32_t name, size_t *len);
size_t names_memory(const struct names *names);

#endif
