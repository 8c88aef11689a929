/* mask.h - one log line as tokens in which everything that varies is "<*>".
 *
 * Pure, no allocation. One setting for all systems: the rules look at the shape of a token (digits,
 * paths, hosts, values behind "=", dates, sizes), never at what a program is called. */
#ifndef INCIDENT_MASK_H
#define INCIDENT_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MASK_LINE_BYTES = 2048, /* more of a line is not read */
    MASK_TOKENS = 96,       /* more are not kept */
    MASK_TEXT_BYTES = 4096
};

struct masked_token {
    uint16_t at, size; /* in text */
    uint32_t hash;     /* WILD_HASH for a token that is "<*>" alone */
    bool holds_wild;   /* "<*>" somewhere inside */
};

struct masked {
    size_t count;
    size_t used;   /* bytes of text */
    uint64_t hash; /* of the whole line as masked */
    struct masked_token tokens[MASK_TOKENS];
    char text[MASK_TEXT_BYTES]; /* tokens, each followed by one space */
};

enum { WILD_HASH = 1 };

void mask_line(const char *line, size_t size, struct masked *out);
/* Reads "a <*> b" as it was printed, without masking again: a template that was kept. */
void mask_read_back(const char *text, size_t size, struct masked *out);

#endif
