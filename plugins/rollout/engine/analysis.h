/* analysis.h - an AnalysisRun: which metric is to be measured when, what its measurements add up to.
 * Argo's semantics to the letter (analysis/analysis.go at 9f8d111d). Pure; times are ms.
 *
 * Argo counts a run that is ended early as Successful even where nothing was measured. That is kept
 * here, and mended by who asks: the engine promotes on `analysis_samples`, never on the phase alone. */
#ifndef ROLLOUT_ANALYSIS_H
#define ROLLOUT_ANALYSIS_H

#include "strategy.h"

enum { METRICS_MAX = 16, METRIC_NAME_BYTES = 64, VALUE_BYTES = 64, WHY_BYTES = 160 };
enum { ERROR_RETRY_MS = 10000, NO_INTERVAL = -1, NO_COUNT = 0 };

/* Best to worst is not the order of these numbers: see analysis_worse. */
enum analysis_phase {
    ANALYSIS_NONE, /* no word yet */
    ANALYSIS_PENDING,
    ANALYSIS_RUNNING,
    ANALYSIS_SUCCESSFUL,
    ANALYSIS_FAILED,
    ANALYSIS_ERROR,
    ANALYSIS_INCONCLUSIVE
};

struct metric {
    char name[METRIC_NAME_BYTES];
    int64_t delay_ms, interval_ms; /* NO_INTERVAL */
    int count;                     /* NO_COUNT: none given */
    int failure_limit;             /* below 0: off */
    int inconclusive_limit, error_limit, success_limit /* 0: off */;
    bool dry_run;
    const char *success, *failure; /* conditions, NULL: none. Borrowed from `json` */
    const cJSON *json;             /* the metric with its provider */
};

struct metric_result {
    enum analysis_phase phase;
    int count, successful, failed, inconclusive, error, consecutive_error, consecutive_success;
    enum analysis_phase last; /* of the last measurement; ANALYSIS_NONE: there is none */
    int64_t at_ms;            /* when that one was finished */
    char value[VALUE_BYTES];  /* what was measured, cut */
    char why[WHY_BYTES];      /* its message */
    bool simulated;
};

struct analysis_spec {
    struct metric metrics[METRICS_MAX];
    int count;
};

struct analysis_run {
    enum analysis_phase phase;
    int64_t started_ms, ended_ms;
    bool terminate;
    int count;
    struct metric_result results[METRICS_MAX]; /* in the order of the spec */
    char message[2 * WHY_BYTES];
    int dry_count, dry_failed, dry_inconclusive, dry_error;
};

struct measurement {
    enum analysis_phase phase; /* ANALYSIS_RUNNING: not finished */
    char value[VALUE_BYTES];
    char why[WHY_BYTES];
    bool simulated;
};

const char *analysis_phase_name(enum analysis_phase phase); /* "Successful", "" */
enum analysis_phase analysis_phase_of(const char *name);    /* ANALYSIS_NONE: no such */
bool analysis_ended(enum analysis_phase phase);
bool analysis_worse(enum analysis_phase now, enum analysis_phase next);

/* One metric of a template; what is wrong is told. */
void metric_read(const cJSON *json, struct metric *metric, struct strategy_faults *faults);

/* By success and failure condition; ANALYSIS_ERROR: `why` says why. NULL value: nil. */
enum analysis_phase measurement_judge(const char *success, const char *failure, const cJSON *value,
                                      char why[WHY_BYTES]);

enum analysis_phase metric_assess(const struct metric *metric, const struct metric_result *result,
                                  bool terminating);
/* Which limit was crossed; ANALYSIS_NONE and "" when none was. */
enum analysis_phase metric_limits(const struct metric *metric, const struct metric_result *result,
                                  char *why, size_t size);
bool analysis_terminating(const struct analysis_spec *spec, const struct analysis_run *run);

void analysis_start(struct analysis_run *run, const struct analysis_spec *spec, int64_t now_ms);
/* Is metric `i` to be measured now? */
bool analysis_due(const struct analysis_spec *spec, const struct analysis_run *run, int i,
                  int64_t now_ms);
void analysis_add(struct analysis_run *run, int i, const struct measurement *measured,
                  int64_t now_ms);
/* Assesses every metric and the run. */
void analysis_sum(const struct analysis_spec *spec, struct analysis_run *run, int64_t now_ms);
/* When the next metric is due; INT64_MAX: never. */
int64_t analysis_next_ms(const struct analysis_spec *spec, const struct analysis_run *run,
                         int64_t now_ms);
/* Measurements that said Successful, of metrics that count. */
int analysis_samples(const struct analysis_spec *spec, const struct analysis_run *run);
/* Was every metric that counts measured Successful at least once? */
bool analysis_is_evidence(const struct analysis_spec *spec, const struct analysis_run *run);

#endif
