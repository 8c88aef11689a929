/* span_text.h - a piece of text that belongs to somebody else. */
#ifndef INCIDENT_SPAN_TEXT_H
#define INCIDENT_SPAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at; /* not ended by NUL; may be NULL when size is 0 */
    size_t size;
};

static inline struct text text_from(const char *s) {
    return (struct text){s, s ? strlen(s) : 0};
}

static inline bool text_is(struct text t, const char *s) {
    return strlen(s) == t.size && (!t.size || memcmp(t.at, s, t.size) == 0);
}

/* Copies into `to` (ended by NUL), at most `room - 1` bytes, valid UTF-8 without control characters:
 * what is not becomes '?', and nothing is cut inside a character. Returns the bytes written. */
size_t text_clean(struct text from, char *to, size_t room);

#endif
