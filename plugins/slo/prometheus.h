/* prometheus.h - the one client of Prometheus' HTTP API. */
#ifndef SLO_PROMETHEUS_H
#define SLO_PROMETHEUS_H

#include <sluice/sluice.h>

/* Asks one query. `at_ms` 0: now, by Prometheus' clock. `*result` as in prometheus_answer.h.
 * SL_UNAVAILABLE: not configured, or no answer; SL_INVALID: the query is wrong. Suspends. */
int prometheus_ask(sl_call *call, const char *query, int64_t at_ms, cJSON **result);

/* The operation query.prometheus. */
int query_prometheus(sl_call *call, const cJSON *in, cJSON *out);

#endif
