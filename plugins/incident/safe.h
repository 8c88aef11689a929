/* safe.h - may a text be shown to customers? Pure.
 *
 * No address, host, path, URL, e-mail, id, ticket, version, code or stack trace, and none of the words
 * that are known to be internal: names of services, people, alerts. When in doubt: no. */
#ifndef INCIDENT_SAFE_H
#define INCIDENT_SAFE_H

#include <stdbool.h>
#include <stddef.h>

struct internal_words {
    const char *const
        *words; /* names of services, people...; shorter than three letters are passed */
    size_t count;
};

/* `why` (120 bytes) says what was found. */
bool safe_for_customers(const char *text, const struct internal_words *internal, char why[120]);

#endif
