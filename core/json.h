/* json.h - strict JSON from outside. cJSON alone is no validator: it takes invalid UTF-8, cuts
 * strings at \u0000 and keeps duplicate names. So one strict reader checks the text and builds
 * cJSON's tree in the same pass: what was checked is what is used, and no two readers can differ. */
#ifndef SLUICE_CORE_JSON_H
#define SLUICE_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { JSON_DEPTH_MAX = 64, JSON_NUMBER_MAX = 128, JSON_VALUES_MAX = 1000000 };

struct json_fault {
    size_t offset, line, column; /* 1-based line and column (in characters) */
    char why[160];               /* "expected ',' or '}' after a member, found ':'" */
};

/* RFC 8259, UTF-8, depth, no duplicate names, no \u0000, finite numbers. Pure; fuzzed.
 * True when the text is one valid value; else `fault` is filled. */
bool json_check(const char *text, size_t size, struct json_fault *fault);

/* Checks and builds the tree in `arena` (NULL: malloc, freed with cJSON_Delete). NULL with `fault`
 * filled. Nodes in an arena are never freed one by one; cJSON_Delete on them does nothing. */
cJSON *json_parse(struct arena *arena, const char *text, size_t size, struct json_fault *fault);

/* Prints on one line into the arena; `*size` may be NULL. Numbers read back as the same double;
 * bytes that are no UTF-8 become U+FFFD, and what JSON cannot say (NaN) becomes null. */
char *json_print(struct arena *arena, const cJSON *json, size_t *size);

/* The number as text, ended by NUL; returns its length. */
enum { JSON_NUMBER_TEXT = 32 };
size_t json_print_number(double number, char text[static JSON_NUMBER_TEXT]);

/* ---- the reader's parts ---- */

/* The first byte of [at, end) that is '"', '\\', a control character, or beyond ASCII; or `end`. */
const char *json_plain_run(const char *at, const char *end);
/* Length of the valid UTF-8 sequence at `at` (1 to 4), or 0. */
unsigned json_utf8_length(const char *at, const char *end);
/* Reads a number by the grammar. NULL with `*why`, or the byte behind it. */
const char *json_read_number(const char *at, const char *end, double *number, const char **why);

#endif
