#include "analysis.h"

#include "expr.h"
#include "tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"",       "Pending", "Running",     "Successful",
                                    "Failed", "Error",   "Inconclusive"};

const char *analysis_phase_name(enum analysis_phase phase) {
    return names[phase];
}

enum analysis_phase analysis_phase_of(const char *name) {
    for (int i = 1; name && i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(names[i], name) == 0) return (enum analysis_phase)i;
    return ANALYSIS_NONE;
}

bool analysis_ended(enum analysis_phase phase) {
    return phase >= ANALYSIS_SUCCESSFUL;
}

bool analysis_worse(enum analysis_phase now, enum analysis_phase next) {
    static const int badness[] = {
        [ANALYSIS_NONE] = 0,    [ANALYSIS_SUCCESSFUL] = 0,   [ANALYSIS_RUNNING] = 1,
        [ANALYSIS_PENDING] = 2, [ANALYSIS_INCONCLUSIVE] = 3, [ANALYSIS_ERROR] = 4,
        [ANALYSIS_FAILED] = 5};
    return badness[next] > badness[now];
}

/* ---- reading ---- */

static void tell(struct strategy_faults *faults, const char *member, const char *what) {
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/%s", member);
    faults->count++;
    if (faults->tell) faults->tell(faults->arg, pointer, what);
}

static int64_t duration(const cJSON *json, const char *member, int64_t otherwise,
                        struct strategy_faults *faults) {
    const cJSON *item = item_of(json, member);
    int64_t ms = otherwise;
    if (!item) return otherwise;
    const bool fine = cJSON_IsString(item) && go_duration(item->valuestring, &ms) && ms >= 0;
    if (!fine) tell(faults, member, "must be a duration such as \"30s\" or \"5m\"");
    return fine ? ms : otherwise;
}

/* Kubernetes' int-or-string */
static int number(const cJSON *json, const char *member, int otherwise,
                  struct strategy_faults *faults) {
    const cJSON *item = item_of(json, member);
    if (!item) return otherwise;
    double value = NAN;
    char *end = NULL;
    if (cJSON_IsNumber(item)) value = item->valuedouble;
    if (cJSON_IsString(item) && *item->valuestring) {
        value = strtod(item->valuestring, &end);
        if (*end) value = NAN;
    }
    if (value == floor(value) && value >= -1 && value <= 1e6) return (int)value;
    tell(faults, member, "must be a whole number");
    return otherwise;
}

static const char *condition(const cJSON *json, const char *member,
                             struct strategy_faults *faults) {
    const char *text = text_of(json, member);
    char fault[EXPR_FAULT_BYTES];
    if (!text || !*text) return NULL;
    if (!expr_check(text, fault)) tell(faults, member, fault);
    return text;
}

void metric_read(const cJSON *json, struct metric *metric, struct strategy_faults *faults) {
    const char *name = text_of(json, "name");
    *metric = (struct metric){.json = json};
    if (!name || !*name || strlen(name) >= METRIC_NAME_BYTES)
        tell(faults, "name", "a metric needs a name of at most 63 bytes");
    else
        (void)snprintf(metric->name, sizeof metric->name, "%s", name);
    metric->delay_ms = duration(json, "initialDelay", 0, faults);
    metric->interval_ms = duration(json, "interval", NO_INTERVAL, faults);
    metric->count = number(json, "count", NO_COUNT, faults);
    metric->failure_limit = number(json, "failureLimit", 0, faults);
    metric->inconclusive_limit = number(json, "inconclusiveLimit", 0, faults);
    metric->error_limit = number(json, "consecutiveErrorLimit", 4, faults);
    metric->success_limit = number(json, "consecutiveSuccessLimit", 0, faults);
    metric->success = condition(json, "successCondition", faults);
    metric->failure = condition(json, "failureCondition", faults);
    if (metric->count > 1 && metric->interval_ms == NO_INTERVAL)
        tell(faults, "interval", "must be given when count is above 1");
    if (metric->count > 0 && metric->failure_limit > metric->count)
        tell(faults, "failureLimit", "must not be above count");
    if (metric->failure_limit < 0 && metric->success_limit <= 0)
        tell(faults, "failureLimit", "can only be off where consecutiveSuccessLimit is on");
    if (!item_of(json, "provider")) tell(faults, "provider", "is missing");
}

/* ---- one measurement ---- */

enum analysis_phase measurement_judge(const char *success, const char *failure, const cJSON *value,
                                      char why[WHY_BYTES]) {
    char fault[EXPR_FAULT_BYTES];
    const char *const conditions[] = {success, failure};
    static const char *const kinds[] = {"successCondition", "failureCondition"};
    enum expr_answer answers[2] = {EXPR_FALSE, EXPR_FALSE};
    why[0] = 0;
    for (int i = 0; i < 2; i++) {
        if (!conditions[i] || !*conditions[i]) continue;
        answers[i] = expr_judge(conditions[i], value, fault);
        if (answers[i] != EXPR_FAULT) continue;
        (void)snprintf(why, WHY_BYTES, "could not evaluate %s: %.110s", kinds[i], fault);
        return ANALYSIS_ERROR;
    }
    const bool has_success = success && *success, has_failure = failure && *failure;
    const bool failed =
        has_failure ? answers[1] == EXPR_TRUE : has_success && answers[0] == EXPR_FALSE;
    if (failed) return ANALYSIS_FAILED;
    if (has_success && answers[0] == EXPR_FALSE) return ANALYSIS_INCONCLUSIVE;
    return ANALYSIS_SUCCESSFUL;
}

/* ---- a metric ---- */

enum analysis_phase metric_limits(const struct metric *metric, const struct metric_result *result,
                                  char *why, size_t size) {
    enum analysis_phase phase = ANALYSIS_NONE;
    if (size) why[0] = 0;
    if (metric->failure_limit >= 0 && result->failed > metric->failure_limit) {
        phase = ANALYSIS_FAILED;
        (void)snprintf(why, size, "failed (%d) > failureLimit (%d)", result->failed,
                       metric->failure_limit);
    }
    if (result->inconclusive > metric->inconclusive_limit) {
        phase = ANALYSIS_INCONCLUSIVE;
        (void)snprintf(why, size, "inconclusive (%d) > inconclusiveLimit (%d)",
                       result->inconclusive, metric->inconclusive_limit);
    }
    if (result->consecutive_error > metric->error_limit) {
        phase = ANALYSIS_ERROR;
        (void)snprintf(why, size, "consecutiveErrors (%d) > consecutiveErrorLimit (%d)",
                       result->consecutive_error, metric->error_limit);
    }
    return phase;
}

/* 0: without an end */
static int wanted_count(const struct metric *metric) {
    if (metric->count > 0) return metric->count;
    return metric->interval_ms == NO_INTERVAL ? 1 : 0;
}

static enum analysis_phase count_reached(const struct metric *metric) {
    const bool failures = metric->failure_limit >= 0, successes = metric->success_limit > 0;
    if (failures && successes) return ANALYSIS_INCONCLUSIVE;
    return successes ? ANALYSIS_FAILED : ANALYSIS_SUCCESSFUL;
}

enum analysis_phase metric_assess(const struct metric *metric, const struct metric_result *result,
                                  bool terminating) {
    if (analysis_ended(result->phase)) return result->phase;
    if (result->last == ANALYSIS_NONE) return terminating ? ANALYSIS_SUCCESSFUL : ANALYSIS_PENDING;
    if (!analysis_ended(result->last)) return ANALYSIS_RUNNING;
    const enum analysis_phase crossed = metric_limits(metric, result, NULL, 0);
    if (crossed != ANALYSIS_NONE) return crossed;
    if (metric->success_limit > 0 && result->consecutive_success >= metric->success_limit)
        return ANALYSIS_SUCCESSFUL;
    const int wanted = wanted_count(metric);
    if (wanted && result->count >= wanted) return count_reached(metric);
    return terminating ? ANALYSIS_SUCCESSFUL : ANALYSIS_RUNNING;
}

/* ---- the run ---- */

static bool is_bad(enum analysis_phase phase) {
    return phase == ANALYSIS_FAILED || phase == ANALYSIS_ERROR || phase == ANALYSIS_INCONCLUSIVE;
}

bool analysis_terminating(const struct analysis_spec *spec, const struct analysis_run *run) {
    if (run->terminate) return true;
    for (int i = 0; i < run->count; i++)
        if (!spec->metrics[i].dry_run && is_bad(run->results[i].phase)) return true;
    return false;
}

void analysis_start(struct analysis_run *run, const struct analysis_spec *spec, int64_t now_ms) {
    *run = (struct analysis_run){.phase = ANALYSIS_RUNNING, .started_ms = now_ms};
    run->count = spec->count;
}

static int64_t due_ms(const struct metric *metric, const struct metric_result *result,
                      int64_t started_ms) {
    if (analysis_ended(result->phase)) return INT64_MAX;
    if (result->last == ANALYSIS_NONE) return started_ms + metric->delay_ms;
    if (!analysis_ended(result->last)) return result->at_ms;
    const int wanted = wanted_count(metric);
    if (wanted && result->count >= wanted) return INT64_MAX;
    int64_t wait_ms = ERROR_RETRY_MS;
    if (result->last != ANALYSIS_ERROR && metric->interval_ms != NO_INTERVAL)
        wait_ms = metric->interval_ms;
    return result->at_ms + wait_ms;
}

bool analysis_due(const struct analysis_spec *spec, const struct analysis_run *run, int i,
                  int64_t now_ms) {
    if (analysis_ended(run->phase) || i >= run->count) return false;
    if (analysis_terminating(spec, run)) return false;
    return due_ms(&spec->metrics[i], &run->results[i], run->started_ms) <= now_ms;
}

int64_t analysis_next_ms(const struct analysis_spec *spec, const struct analysis_run *run,
                         int64_t now_ms) {
    int64_t next = INT64_MAX;
    if (analysis_ended(run->phase)) return next;
    for (int i = 0; i < run->count; i++) {
        const int64_t due = due_ms(&spec->metrics[i], &run->results[i], run->started_ms);
        if (due < next) next = due;
    }
    return next < now_ms ? now_ms : next;
}

void analysis_add(struct analysis_run *run, int i, const struct measurement *measured,
                  int64_t now_ms) {
    struct metric_result *result = &run->results[i];
    if (result->phase == ANALYSIS_NONE) result->phase = ANALYSIS_RUNNING;
    result->last = measured->phase;
    result->at_ms = now_ms;
    result->simulated = measured->simulated;
    memcpy(result->value, measured->value, sizeof result->value);
    memcpy(result->why, measured->why, sizeof result->why);
    if (!analysis_ended(measured->phase)) return;
    const bool is_error = measured->phase == ANALYSIS_ERROR;
    const bool is_success = measured->phase == ANALYSIS_SUCCESSFUL;
    result->count += is_error ? 0 : 1;
    result->successful += is_success ? 1 : 0;
    result->failed += measured->phase == ANALYSIS_FAILED ? 1 : 0;
    result->inconclusive += measured->phase == ANALYSIS_INCONCLUSIVE ? 1 : 0;
    result->error += is_error ? 1 : 0;
    result->consecutive_error = is_error ? result->consecutive_error + 1 : 0;
    result->consecutive_success = is_success ? result->consecutive_success + 1 : 0;
}

static void name_worst(struct analysis_run *run, const struct metric *metric,
                       const struct metric_result *result) {
    char why[WHY_BYTES];
    metric_limits(metric, result, why, sizeof why);
    if (!why[0]) return;
    char text[sizeof run->message];
    int size = snprintf(text, sizeof text, "Metric \"%s\" assessed %s due to %s", metric->name,
                        names[result->phase], why);
    if (result->why[0] && size > 0 && (size_t)size < sizeof text)
        (void)snprintf(text + size, sizeof text - (size_t)size, ": \"Error Message: %s\"",
                       result->why);
    memcpy(run->message, text, sizeof run->message);
}

static void count_dry(struct analysis_run *run, enum analysis_phase phase) {
    run->dry_count++;
    run->dry_failed += phase == ANALYSIS_FAILED ? 1 : 0;
    run->dry_error += phase == ANALYSIS_ERROR ? 1 : 0;
    run->dry_inconclusive += phase == ANALYSIS_INCONCLUSIVE ? 1 : 0;
}

/* What the metrics add up to; ANALYSIS_NONE: not one has ended. */
static enum analysis_phase worst_of(const struct analysis_spec *spec, struct analysis_run *run,
                                    bool terminating, bool *all) {
    enum analysis_phase worst = ANALYSIS_NONE;
    run->dry_count = run->dry_failed = run->dry_error = run->dry_inconclusive = 0;
    for (int i = 0; i < run->count; i++) {
        const struct metric *metric = &spec->metrics[i];
        struct metric_result *result = &run->results[i];
        if (result->phase != ANALYSIS_NONE)
            result->phase = metric_assess(metric, result, terminating);
        const bool ended = analysis_ended(result->phase);
        if (metric->dry_run) count_dry(run, ended ? result->phase : ANALYSIS_NONE);
        if (!ended) {
            *all = false;
        } else if (metric->dry_run) {
            if (worst == ANALYSIS_NONE) worst = ANALYSIS_SUCCESSFUL;
        } else if (worst == ANALYSIS_NONE || analysis_worse(worst, result->phase)) {
            worst = result->phase;
            name_worst(run, metric, result);
        }
    }
    return worst;
}

void analysis_sum(const struct analysis_spec *spec, struct analysis_run *run, int64_t now_ms) {
    if (analysis_ended(run->phase)) return;
    const bool terminating = analysis_terminating(spec, run);
    bool all = true;
    run->message[0] = 0;
    if (run->terminate) (void)snprintf(run->message, sizeof run->message, "Run Terminated");
    const enum analysis_phase worst = worst_of(spec, run, terminating, &all);
    /* A metric that has just gone bad ends the run in this same look, as Argo's next look would. */
    const bool ending = terminating || analysis_terminating(spec, run);
    if (!ending && (!all || worst == ANALYSIS_NONE)) {
        run->message[0] = 0;
        return;
    }
    run->phase = worst == ANALYSIS_NONE ? ANALYSIS_SUCCESSFUL : worst;
    run->ended_ms = now_ms;
}

int analysis_samples(const struct analysis_spec *spec, const struct analysis_run *run) {
    int samples = 0;
    for (int i = 0; i < run->count; i++)
        if (!spec->metrics[i].dry_run) samples += run->results[i].successful;
    return samples;
}

bool analysis_is_evidence(const struct analysis_spec *spec, const struct analysis_run *run) {
    bool any = false;
    for (int i = 0; i < run->count; i++) {
        if (spec->metrics[i].dry_run) continue;
        if (run->results[i].successful < 1) return false;
        any = true;
    }
    return any;
}
