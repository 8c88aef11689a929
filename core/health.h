/* health.h - liveness and readiness, answered by the core before anything else; metrics; plugins. */
#ifndef SLUICE_CORE_HEALTH_H
#define SLUICE_CORE_HEALTH_H

#include "call.h"

struct http_exchange;

/* Answers GET and HEAD of /health, /healthz, /livez, /-/healthy in place. False: not one of them. */
bool health_answer(struct host *host, struct http_exchange *exchange);
extern const sl_op health_ops[]; /* the same for the docs, /readyz, /metrics, /plugins */
extern const sl_metric core_metrics[];
/* Watches how long the loop takes for a turn. */
void watchdog_start(struct host *host);
void watchdog_stop(struct host *host);

#endif
