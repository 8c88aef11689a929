/*
 * A PromQL expression as a question: what it measures is in the names of its metrics and the values of
 * its labels; functions, operators, label names, ranges and numbers are in every expression.
 */
#ifndef RAG_PROMQL_H
#define RAG_PROMQL_H

#include <stdbool.h>
#include <stddef.h>

/* Copies `text` with all that is grammar turned to spaces. False, and nothing is written: it does not
 * look like PromQL. `out` has room for `len` bytes. Pure; linear. */
bool promql_strip(const char *text, size_t len, char *out);

#endif
