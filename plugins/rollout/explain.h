/* explain.h - a decision told in words, from the answer that was kept. Pure. */
#ifndef ROLLOUT_EXPLAIN_H
#define ROLLOUT_EXPLAIN_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* Writes lines of text for a person into `text` (ended by NUL, cut when it does not fit). */
void explain(const cJSON *answer, char *text, size_t size);

#endif
