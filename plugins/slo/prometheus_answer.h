/* prometheus_answer.h - what Prometheus' HTTP API answers, made plain. Pure.
 *
 * Prometheus writes numbers as text, since NaN and the infinities are no JSON; here they are
 * numbers where JSON has them, and the texts "NaN", "+Inf" and "-Inf" where it does not. */
#ifndef SLO_PROMETHEUS_ANSWER_H
#define SLO_PROMETHEUS_ANSWER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROMETHEUS_WHY_BYTES = 400, PROMETHEUS_SERIES_MAX = 20000 };

enum prometheus_fault {
    PROMETHEUS_GOOD,
    PROMETHEUS_REFUSED, /* the query is wrong, by Prometheus' own word */
    PROMETHEUS_TROUBLE, /* it could not answer now */
    PROMETHEUS_NONSENSE /* what came is no answer of Prometheus */
};

/* Reads a parsed answer. On PROMETHEUS_GOOD `*result` is a new array of { metric, value: [ms, n] }
 * or { metric, values: [[ms, n]...] }, and `*warnings` a new array of texts; else `why` says what
 * is wrong, in one line. */
enum prometheus_fault prometheus_read(const cJSON *answer, cJSON **result, cJSON **warnings,
                                      char why[PROMETHEUS_WHY_BYTES]);

/* The one number of an instant result without series or with one; false: none, several, or no
 * finite number. */
bool prometheus_number(const cJSON *result, double *number);

/* The text of a query's range: "5m", "1h", "30d", from milliseconds. */
void prometheus_duration(long long ms, char text[32]);

#endif
