/* text.h - JSON written straight as text: several times cheaper than a tree that is then printed.
 * Pure. Memory is cJSON's: the call's arena inside a call, else malloc. */
#ifndef ROLLOUT_TEXT_H
#define ROLLOUT_TEXT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* ended by NUL after text_end; freed with cJSON_free */
    size_t size, room;
};

void text_begin(struct text *text, size_t room);
char *text_end(struct text *text); /* its bytes, now the caller's */

void text_add(struct text *text, const char *bytes, size_t size);
void text_number(struct text *text, long long number);
void text_escaped(struct text *text, const char *value); /* as it stands between quotes */
void text_escaped_part(struct text *text, const char *value, size_t size);
void text_string(struct text *text, const char *value); /* with the quotes */
bool text_is_plain(const char *value);                  /* is it its own escaped form? */
void text_tree(struct text *text, const cJSON *tree);

/* Writes the parts, ended by NULL, one after the other into `room` bytes, cut where they do not fit,
 * with a NUL behind them. Returns the bytes before it. */
size_t text_join(char *to, size_t room, const char *const *parts);

void text_digits(char to[24], unsigned number); /* with a NUL */

/* Adds a literal. */
#define text_say(TEXT, LITERAL) text_add(TEXT, LITERAL, sizeof(LITERAL) - 1)

#endif
