/* slo.h - the plugin's state, and what its files with a host share. */
#ifndef SLO_SLO_H
#define SLO_SLO_H

#include "measure.h"

#include <sluice/sluice.h>

/* An objective of the configuration. */
struct configured {
    const char *tenant, *service;
    const cJSON *form;
};

struct slo {
    cJSON *config;                 /* kept */
    cJSON *forms;                  /* kept: objectives of the configuration, { tenant, id, form } */
    struct configured *configured; /* the same by tenant and service */
    size_t configured_count;
    int64_t interval_ms, refresh_ms;
};

/* ---- objectives.c: where objectives come from ---- */

/* Reads the objectives of a configuration, its OpenSLO files included: a list of { tenant, form },
 * told by sl_fault where they are wrong. Of the call's arena. */
int objectives_configured(sl_call *call, const cJSON *config, cJSON **forms);

/* Makes slo->configured of slo->forms. False: no memory. */
bool objectives_index(struct slo *slo);

/* The tenant's objectives, in the call's arena. `service` and `environment` NULL: all. */
struct objective_set {
    struct objective *items;
    const cJSON **forms;
    const char **origins; /* "config" or "api" */
    size_t count;
};
int objectives_load(sl_call *call, const char *service, const char *environment,
                    struct objective_set *set);

int slo_objectives(sl_call *call, const cJSON *in, cJSON *out);
int slo_apply(sl_call *call, const cJSON *in, cJSON *out);
int slo_remove(sl_call *call, const cJSON *in, cJSON *out);
int slo_import(sl_call *call, const cJSON *in, cJSON *out);
int slo_rules(sl_call *call, const cJSON *in, cJSON *out);

/* ---- buckets.c: events that were pushed ---- */

enum bucket_series { SERIES_EVENTS, SERIES_SLICES };

/* Sums of (from_ms, until_ms], at the resolution that the length allows. Suspends. */
int buckets_sum(sl_call *call, const char *objective, enum bucket_series series, struct span span,
                struct tally *sum);
/* Adds events of one moment to a batch. */
void buckets_add(sl_batch *batch, const char *objective, enum bucket_series series, int64_t at_ms,
                 struct tally events);
/* Judges the slices that have closed since the last time and adds them to the batch. */
int buckets_judge_slices(sl_call *call, sl_batch *batch, const struct objective *objective,
                         struct measure *measure, int64_t now_ms);
void buckets_prune(sl_batch *batch, int64_t now_ms);

int slo_counters(sl_call *call, const cJSON *in, cJSON *out);
int slo_spans(sl_call *call, const cJSON *in, cJSON *out);

/* ---- evaluate.c: measuring, alerts, the status ---- */

/* Reads the measurements that are kept. `*version` 0: none yet. */
int measure_load(sl_call *call, const struct objective *objective, struct measure *measure,
                 int64_t *version);
/* Measures one objective, saves it and tells of alerts. Failing to measure is saved, no failure. */
int evaluate_one(sl_call *call, const struct objective *objective);
/* The tenant's next round, in this batch. */
void evaluate_later(sl_call *call, sl_batch *batch);
int evaluate_job(sl_call *call, const cJSON *in);
int slo_status(sl_call *call, const cJSON *in, cJSON *out);

/* ---- facts.c: changes and incidents that were heard of ---- */

int hear_deployment(sl_call *call, const sl_event *event);
int hear_rollout(sl_call *call, const sl_event *event);
int hear_incident(sl_call *call, const sl_event *event);

/* ---- meter.c: the confidence meter ---- */

/* Judges a service anew, saves it and tells when its level has changed. */
int meter_refresh(sl_call *call, const char *service);
int slo_confidence(sl_call *call, const cJSON *in, cJSON *out);
int slo_history(sl_call *call, const cJSON *in, cJSON *out);
int slo_page(sl_call *call, const cJSON *in, cJSON *out);
int slo_badge(sl_call *call, const cJSON *in, cJSON *out);
/* Whether changes and objectives of this environment count for the meter. */
bool meter_counts(const struct slo *slo, const char *environment);

/* ---- calculate.c ---- */

int slo_calculate(sl_call *call, const cJSON *in, cJSON *out);
int slo_quality(sl_call *call, const cJSON *in, cJSON *out);

#endif
