/* json.h - strict JSON from outside. cJSON alone is no validator: it takes invalid UTF-8, cuts
 * strings at \u0000 and keeps duplicate names, so a strict check stands in front of it. */
#ifndef SLUICE_CORE_JSON_H
#define SLUICE_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { JSON_DEPTH_MAX = 64 };

struct json_fault {
    size_t offset, line, column; /* 1-based line and column (in characters) */
    char why[160];               /* "expected ',' or '}' after a member" */
};

/* RFC 8259, UTF-8, depth, no duplicate names, no \u0000, finite numbers. Pure; fuzzed.
 * True when the text is one valid value; else `fault` is filled. */
bool json_check(const char *text, size_t size, struct json_fault *fault);

/* Check, then parse into `arena` (NULL: malloc, freed with cJSON_Delete). NULL with `fault` filled.
 */
cJSON *json_parse(struct arena *arena, const char *text, size_t size, struct json_fault *fault);

/* Prints on one line into the arena; `*size` may be NULL. */
char *json_print(struct arena *arena, const cJSON *json, size_t *size);

#endif
