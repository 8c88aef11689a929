/* redact.h - takes secrets out of texts, by the same rules that find them in diffs. Pure. */
#ifndef RISK_REDACT_H
#define RISK_REDACT_H

#include <stddef.h>

struct redactor;

struct redactor *redactor_new(void); /* NULL: memory is out */
void redactor_free(struct redactor *redactor);

/* The text with each secret replaced by "[REDACTED:RULE]"; NULL when there is none. The caller frees
 * it. *found rises by what was found; it becomes -1 when memory is out. Thread-safe. */
char *redactor_run(const struct redactor *redactor, const char *text, size_t size, int *found);

#endif
