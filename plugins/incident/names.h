/* names.h - texts kept once, known by a small number. Bounded: beyond the limit all are number 0. */
#ifndef INCIDENT_NAMES_H
#define INCIDENT_NAMES_H

#include "span_text.h"

struct names;

/* NULL: no memory. `most`: how many texts at most. */
struct names *names_new(size_t most);
void names_free(struct names *names);
/* The number of a text, made when it is new; 0 when there is no room for another. */
uint32_t names_put(struct names *names, struct text text);
/* The same without making one: 0 when it is not there. */
uint32_t names_find(const struct names *names, struct text text);
/* "(other)" for 0. Borrowed while `names` lives. */
const char *names_text(const struct names *names, uint32_t name);
size_t names_count(const struct names *names);
/* Bytes that it holds. */
size_t names_bytes(const struct names *names);

/* FNV-1a with a final mix; the same in every run. */
uint64_t text_hash(struct text text);

#endif
