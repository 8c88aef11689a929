/* redact.h - takes what looks like a secret out of a text, when the risk plugin with its many rules
 * is not there, and besides it: private keys, tokens by their beginnings, passwords in URLs, and
 * values that follow a name such as password or api_key. It rather takes too much. Pure. */
#ifndef LLM_REDACT_H
#define LLM_REDACT_H

#include <stddef.h>

/* The text without secrets, each replaced by "[REDACTED]", or NULL when none was found (or memory
 * is out, and then *found is -1). The caller frees it. *found rises by what was found. */
char *redact(const char *text, size_t size, int *found);

#endif
