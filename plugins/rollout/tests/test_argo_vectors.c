/* Cases of Argo Rollouts' own tests, where they are at hand: SLUICE_SHARED_DATA or ../shared/data
 * beside the checkout. Skipped with a message without them. */
#include "analysis.h"
#include "argo.h"
#include "argo_sim.h"
#include "expr.h"
#include "jsonpath.h"
#include "tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cJSON *vectors;

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = calloc(1, 4 << 20);
    if (text && fread(text, 1, (4 << 20) - 1, file) == 0) text[0] = 0;
    (void)fclose(file);
    return text;
}

static void load(void) {
    const char *folder = getenv("SLUICE_SHARED_DATA");
    char path[600];
    (void)snprintf(path, sizeof path, "%s/delivery/argo_vectors.json",
                   folder ? folder : SLUICE_SOURCE_DIR "/../shared/data");
    char *text = read_file(path);
    if (!text) print_message("no %s: set SLUICE_SHARED_DATA to run Argo's cases\n", path);
    vectors = text ? cJSON_Parse(text) : NULL;
    free(text);
}

static int count_of(const cJSON *of, const char *name, int otherwise) {
    const cJSON *item = item_of(of, name);
    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

static const char *word(const cJSON *of, const char *name) {
    const char *text = text_of(of, name);
    return text ? text : "";
}

static bool yes(const cJSON *of, const char *name) {
    return cJSON_IsTrue(item_of(of, name));
}

/* Tells which case is wrong, and fails at the end of the section. */
static int wrong;

static void check_that(bool right, const cJSON *one, const char *what, const char *got) {
    if (right) return;
    char *text = cJSON_PrintUnformatted(one);
    print_error("%s: got %s in %s\n", what, got, text);
    cJSON_free(text);
    wrong++;
}

static void check_number(const cJSON *one, const char *what, double wanted, double got) {
    char text[40];
    (void)snprintf(text, sizeof text, "%g, not %g,", got, wanted);
    check_that(wanted == got, one, what, text);
}

static void each(const char *section, void (*run)(const cJSON *one)) {
    const cJSON *list = item_of(vectors, section), *one;
    if (!vectors) skip();
    if (cJSON_IsObject(list)) list = item_of(list, "cases");
    wrong = 0;
    cJSON_ArrayForEach(one, list) run(one);
    assert_int_equal(wrong, 0);
}

/* ---- building what the functions take ---- */

static struct amount amount_of(const cJSON *item) {
    if (cJSON_IsNumber(item)) return (struct amount){.value = item->valueint};
    if (cJSON_IsString(item))
        return (struct amount){.value = (int)strtol(item->valuestring, NULL, 10), .percent = true};
    return (struct amount){0};
}

/* A strategy from the short forms of the cases: `spec` and `steps`. */
static void build(const cJSON *spec, const cJSON *steps, struct strategy *strategy) {
    cJSON *full = cJSON_CreateObject();
    cJSON *canary = put_object(put_object(full, "strategy"), "canary");
    cJSON_AddItemToObject(canary, "steps", steps ? cJSON_Duplicate(steps, 1) : cJSON_CreateArray());
    struct strategy_faults faults = {0};
    strategy_read(full, strategy, &faults);
    for (int i = 0; i < strategy->step_count; i++) strategy->steps[i].json = NULL;
    cJSON_Delete(full);
    strategy->replicas = count_of(spec, "replicas", 1);
    strategy->surge = amount_of(item_of(spec, "maxSurge"));
    strategy->unavailable = amount_of(item_of(spec, "maxUnavailable"));
    strategy->routed = yes(spec, "trafficRouting");
    strategy->dynamic_stable = yes(spec, "dynamicStableScale");
    strategy->abort_delay_s = count_of(spec, "abortScaleDownDelaySeconds", NOT_GIVEN);
    strategy->min_pods = count_of(spec, "minPodsPerReplicaSet", NOT_GIVEN);
    strategy->max_weight = count_of(spec, "maxTrafficWeight", 100);
    strategy->auto_promotion = !cJSON_IsFalse(item_of(spec, "autoPromotionEnabled"));
    strategy->auto_promotion_s = count_of(spec, "autoPromotionSeconds", 0);
}

static unsigned pauses_of(const cJSON *list) {
    static const struct {
        const char *name;
        enum argo_pause bit;
    } names[] = {{"CanaryPauseStep", ARGO_PAUSE_STEP},
                 {"BlueGreenPause", ARGO_PAUSE_BLUE_GREEN},
                 {"InconclusiveAnalysisRun", ARGO_PAUSE_ANALYSIS},
                 {"InconclusiveExperiment", ARGO_PAUSE_EXPERIMENT}};
    unsigned bits = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *reason = cJSON_IsString(item) ? item->valuestring : word(item, "reason");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strcmp(reason, names[i].name) == 0) bits |= names[i].bit;
    }
    return bits;
}

static struct argo_status status_of(const cJSON *json) {
    const cJSON *weights = item_of(json, "weights");
    const char *stable = word(json, "stableRS"), *current = word(json, "currentPodHash");
    return (struct argo_status){.step = count_of(json, "currentStepIndex", NOT_GIVEN),
                                .abort = yes(json, "abort"),
                                .promote_full = yes(json, "promoteFull"),
                                .controller_pause = yes(json, "controllerPause"),
                                .promoted = *current && strcmp(stable, current) == 0,
                                .has_weights = weights != NULL,
                                .canary_weight = count_of(weights, "canary", 0),
                                .stable_weight = count_of(weights, "stable", 0),
                                .pauses = pauses_of(item_of(json, "pauseConditions")),
                                .paused_for_ms =
                                    (int64_t)number_of(json, "pause_age_seconds") * 1000,
                                .preview_checkpoint = yes(json, "scaleUpPreviewCheckPoint")};
}

static struct argo_set set_of(const cJSON *json) {
    if (cJSON_IsArray(json))
        return (struct argo_set){true, json->child->valueint, json->child->next->valueint};
    if (!cJSON_IsObject(json)) return (struct argo_set){0};
    return (struct argo_set){true, count_of(json, "specReplicas", 1),
                             count_of(json, "availableReplicas", 0)};
}

/* ---- counts ---- */

static void one_replica_count(const cJSON *one) {
    const cJSON *spec = item_of(one, "spec"), *scale = item_of(spec, "setCanaryScale");
    const cJSON *expected = item_of(one, "expected");
    struct strategy strategy;
    cJSON *steps = cJSON_CreateArray();
    put_number(add_object(steps), "setWeight", number_of(spec, "setWeight"));
    build(spec, steps, &strategy);
    cJSON_Delete(steps);
    struct argo_status status = status_of(item_of(one, "status"));
    /* Both members in one setCanaryScale: upstream's case without a router, which calls the routed
     * formula all the same. */
    const bool both = item_of(scale, "replicas") && item_of(scale, "weight");
    if (scale && !both) {
        strategy.steps[strategy.step_count++] =
            (struct step){.kind = STEP_SCALE,
                          .scale_replicas = count_of(scale, "replicas", NOT_GIVEN),
                          .scale_weight = count_of(scale, "weight", NOT_GIVEN),
                          .scale_match = yes(scale, "matchTrafficWeight")};
        status.step++;
    }
    const struct argo_set canary = set_of(item_of(one, "canary")),
                          stable = set_of(item_of(one, "stable")),
                          older = set_of(item_of(one, "older"));
    const struct argo_counts got =
        strategy.routed ? argo_counts_routed(&strategy, &status, &canary, &stable)
                        : argo_counts_basic(&strategy, &status, &canary, &stable, &older);
    check_number(one, "canary", number_of(expected, "canaryReplicas"), got.canary);
    check_number(one, "stable", number_of(expected, "stableReplicas"), got.stable);
}

static void replica_counts(void **state) {
    (void)state;
    each("canary_replica_counts", one_replica_count);
}

static void one_approximate(const cJSON *one) {
    const struct argo_counts got =
        argo_approximate(count_of(one, "replicas", 0), count_of(one, "weight", 0),
                         count_of(one, "maxWeight", 100), count_of(one, "maxSurge", 0));
    check_number(one, "canary", number_of(one, "expectedCanary"), got.canary);
    check_number(one, "stable", number_of(one, "expectedStable"), got.stable);
}

static void approximate(void **state) {
    (void)state;
    each("approximate_weighted_counts", one_approximate);
}

static void one_dynamic(const cJSON *one) {
    struct strategy strategy;
    cJSON *steps = cJSON_CreateArray();
    const cJSON *step;
    put_number(add_object(steps), "setWeight", number_of(one, "rolloutMaxReplicas"));
    cJSON_ArrayForEach(step, item_of(one, "steps"))
        cJSON_AddItemToArray(steps, cJSON_Duplicate(step, 1));
    build(NULL, steps, &strategy);
    cJSON_Delete(steps);
    strategy.replicas = count_of(one, "rolloutReplicas", 1);
    strategy.routed = strategy.dynamic_stable = true;
    const struct argo_status status = {.step = NOT_GIVEN,
                                       .abort = yes(one, "rolloutAbort"),
                                       .has_weights = true,
                                       .canary_weight = count_of(one, "canaryWeight", 0),
                                       .stable_weight = count_of(one, "stableWeight", 0)};
    const struct argo_set canary = {item_of(one, "canaryRSReplicas") != NULL,
                                    count_of(one, "canaryRSReplicas", 0),
                                    count_of(one, "availableCanaryReplicas", 0)};
    const struct argo_set stable = {item_of(one, "stableRSReplicas") != NULL,
                                    count_of(one, "stableRSReplicas", 0),
                                    count_of(one, "availableStableReplicas", 0)};
    const struct argo_counts got = argo_counts_routed(&strategy, &status, &canary, &stable);
    check_number(one, "canary", number_of(one, "expectedCanaryReplicas"), got.canary);
    check_number(one, "stable", number_of(one, "expectedStableReplicas"), got.stable);
}

static void dynamic_scale(void **state) {
    (void)state;
    each("dynamic_stable_scale", one_dynamic);
}

static void one_weight_replicas(const cJSON *one) {
    check_number(one, "replicas", number_of(one, "expected"),
                 argo_replicas_of_weight(count_of(one, "replicas", 0), count_of(one, "weight", 0),
                                         count_of(one, "maxWeight", 100)));
}

static void weight_to_replicas(void **state) {
    (void)state;
    each("traffic_weight_to_replicas", one_weight_replicas);
}

static void one_threshold(const cJSON *one) {
    const cJSON *json = item_of(one, "threshold");
    const struct threshold threshold = {.given = json != NULL,
                                        .percent = strcmp(word(json, "type"), "Percent") == 0,
                                        .value = count_of(json, "value", 0)};
    const struct argo_set set = set_of(item_of(one, "rs"));
    check_number(one, "met", yes(one, "expected"),
                 argo_threshold_met(&threshold, &set, count_of(one, "desired", 0)));
}

static void thresholds(void **state) {
    (void)state;
    each("replica_progress_threshold", one_threshold);
}

/* ---- analysis ---- */

static void no_fault(void *arg, const char *pointer, const char *what) {
    (void)arg, (void)pointer, (void)what;
}

static struct metric metric_of(const cJSON *json) {
    struct metric metric;
    struct strategy_faults faults = {.tell = no_fault};
    metric_read(json, &metric, &faults);
    return metric;
}

static void one_assessment(const cJSON *one) {
    const struct metric metric = metric_of(item_of(one, "metric"));
    const cJSON *json = item_of(one, "result");
    const struct metric_result result = {
        .phase = analysis_phase_of(text_of(json, "phase")),
        .count = count_of(json, "count", 0),
        .successful = count_of(json, "successful", 0),
        .failed = count_of(json, "failed", 0),
        .inconclusive = count_of(json, "inconclusive", 0),
        .error = count_of(json, "error", 0),
        .consecutive_error = count_of(json, "consecutiveError", 0),
        .consecutive_success = count_of(json, "consecutiveSuccess", 0),
        .last = analysis_phase_of(text_of(json, "lastMeasurementPhase"))};
    char why[WHY_BYTES];
    const char *got = analysis_phase_name(metric_assess(&metric, &result, yes(one, "terminating")));
    check_that(strcmp(got, word(one, "expected_phase")) == 0, one, "phase", got);
    metric_limits(&metric, &result, why, sizeof why);
    check_that(strcmp(why, word(one, "expected_message")) == 0, one, "message", why);
}

static void assessments(void **state) {
    (void)state;
    each("analysis_metric_assessment", one_assessment);
}

static void one_order(const cJSON *one) {
    check_number(one, "worse", yes(one, "is_worse"),
                 analysis_worse(analysis_phase_of(word(one, "current")),
                                analysis_phase_of(word(one, "new"))));
}

static void worst_order(void **state) {
    (void)state;
    each("analysis_worst_order", one_order);
    const cJSON *names = item_of(item_of(vectors, "analysis_worst_order"), "best_to_worst");
    for (const cJSON *name = names->child; name->next; name = name->next)
        assert_true(analysis_worse(analysis_phase_of(name->valuestring),
                                   analysis_phase_of(name->next->valuestring)));
}

/* [[phase, dry run]] or [[name, phase, dry run]] */
static void build_run(const cJSON *list, struct analysis_spec *spec, struct analysis_run *run) {
    *spec = (struct analysis_spec){0};
    *run = (struct analysis_run){.phase = ANALYSIS_RUNNING};
    const cJSON *row;
    cJSON_ArrayForEach(row, list) {
        const cJSON *phase = row->child;
        struct metric *metric = &spec->metrics[spec->count];
        if (cJSON_IsString(phase->next)) {
            (void)snprintf(metric->name, sizeof metric->name, "%s", phase->valuestring);
            phase = phase->next;
        }
        metric->dry_run = cJSON_IsTrue(phase->next);
        metric->error_limit = 4;
        metric->interval_ms = 1000;
        struct metric_result *result = &run->results[spec->count++];
        result->phase = analysis_phase_of(phase->valuestring);
        result->last = result->phase == ANALYSIS_RUNNING ? ANALYSIS_RUNNING : result->phase;
        result->failed = result->phase == ANALYSIS_FAILED;
        result->inconclusive = result->phase == ANALYSIS_INCONCLUSIVE;
        result->consecutive_error = result->phase == ANALYSIS_ERROR ? 5 : 0;
    }
    run->count = spec->count;
}

static void one_terminating(const cJSON *one) {
    static struct analysis_spec spec;
    static struct analysis_run run;
    build_run(item_of(one, "metricResults"), &spec, &run);
    run.terminate = yes(one, "terminate");
    check_number(one, "terminating", yes(one, "expected"), analysis_terminating(&spec, &run));
}

static void terminating(void **state) {
    (void)state;
    each("analysis_run_terminating", one_terminating);
}

static void one_run_status(const cJSON *one) {
    static struct analysis_spec spec;
    static struct analysis_run run;
    build_run(item_of(one, "metrics"), &spec, &run);
    run.terminate = yes(one, "terminating");
    for (int i = 0; i < run.count; i++)
        if (run.results[i].phase == ANALYSIS_FAILED)
            (void)snprintf(run.results[i].why, WHY_BYTES, "%s", word(one, "provider_message"));
    analysis_sum(&spec, &run, 0);
    const char *got = analysis_phase_name(run.phase);
    check_that(strcmp(got, word(one, "expected")) == 0, one, "phase", got);
    if (item_of(one, "message"))
        check_that(strcmp(run.message, word(one, "message")) == 0, one, "message", run.message);
    const cJSON *dry = item_of(one, "dryRunSummary");
    if (!dry) return;
    check_number(one, "dry", count_of(dry, "count", 0), run.dry_count);
    check_number(one, "dry failed", count_of(dry, "failed", 0), run.dry_failed);
    check_number(one, "dry error", count_of(dry, "error", 0), run.dry_error);
    check_number(one, "dry inconclusive", count_of(dry, "inconclusive", 0), run.dry_inconclusive);
}

static void run_status(void **state) {
    (void)state;
    each("analysis_run_status", one_run_status);
}

static void one_conditions(const cJSON *one) {
    char why[WHY_BYTES];
    const char *success = word(one, "success"), *failure = word(one, "failure");
    if (strcmp(success, "<error>") == 0) success = "result[0] > 1";
    if (strcmp(failure, "<error>") == 0) failure = "result[0] > 1";
    const char *got = analysis_phase_name(measurement_judge(success, failure, NULL, why));
    check_that(strcmp(got, word(one, "expected")) == 0, one, "phase", got);
}

static void conditions(void **state) {
    (void)state;
    each("measurement_conditions", one_conditions);
}

static void one_expression(const cJSON *one) {
    static const struct {
        const char *word;
        double value;
    } odd[] = {{"NaN-float", NAN},
               {"Inf-float", INFINITY},
               {"+Inf-float", INFINITY},
               {"-Inf-float", -INFINITY}};
    char fault[EXPR_FAULT_BYTES] = "";
    const cJSON *result = cJSON_GetObjectItem(one, "result"), *expected = item_of(one, "expected");
    cJSON number = {.type = cJSON_Number};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (cJSON_IsString(result) && strcmp(result->valuestring, odd[i].word) == 0)
            number.valuedouble = odd[i].value, result = &number;
    const enum expr_answer got = expr_judge(word(one, "expr"), result, fault);
    if (!cJSON_IsString(expected)) {
        check_that(got == (cJSON_IsTrue(expected) ? EXPR_TRUE : EXPR_FALSE), one, "expr", fault);
        return;
    }
    check_that(got == EXPR_FAULT, one, "expr", "no fault");
    const char *why = strchr(expected->valuestring, ':');
    if (why) check_that(strstr(fault, why + 2) != NULL, one, "message", fault);
}

static void expressions(void **state) {
    (void)state;
    each("condition_expressions", one_expression);
}

static void one_web(const cJSON *one) {
    char why[WHY_BYTES] = "", fault[160];
    if (!item_of(one, "body")) return; /* about the request: tests of the web provider */
    const int http = count_of(one, "http_status", 0);
    enum analysis_phase phase = ANALYSIS_ERROR;
    const char *body = word(one, "body");
    cJSON *json = cJSON_Parse(body);
    if (http >= 200 && http < 300) {
        cJSON *text = json ? NULL : cJSON_CreateString(body);
        const cJSON *value =
            json ? jsonpath_first(word(one, "jsonPath"), json, fault, sizeof fault) : text;
        if (value)
            phase = measurement_judge(word(one, "successCondition"), word(one, "failureCondition"),
                                      value, why);
        const char *wanted = text_of(one, "expected_value");
        char *shown = value && json ? cJSON_PrintUnformatted(value) : NULL;
        if (wanted && shown) {
            cJSON *a = cJSON_Parse(wanted);
            check_that(cJSON_Compare(a, value, 1), one, "value", shown);
            cJSON_Delete(a);
        }
        cJSON_free(shown);
        cJSON_Delete(text);
    }
    cJSON_Delete(json);
    const char *got = analysis_phase_name(phase);
    check_that(strcmp(got, word(one, "expected_phase")) == 0, one, "phase", got);
}

static void web_metric(void **state) {
    (void)state;
    each("web_metric", one_web);
}

/* ---- phases ---- */

static cJSON *rollout_of(const cJSON *one) {
    const cJSON *spec = item_of(one, "spec"), *status = item_of(one, "status"), *member;
    cJSON *rollout = cJSON_CreateObject();
    cJSON *metadata = put_object(rollout, "metadata");
    put_number(metadata, "generation", number_of(one, "generation"));
    cJSON *out = put_object(rollout, "spec");
    cJSON *kind = put_object(put_object(out, "strategy"), word(spec, "strategy"));
    cJSON_ArrayForEach(member, spec) {
        if (strcmp(member->string, "strategy") == 0) continue;
        const bool at_kind = strcmp(member->string, "postPromotionAnalysis") == 0 ||
                             strcmp(member->string, "trafficRouting") == 0 ||
                             strcmp(member->string, "steps") == 0;
        if (at_kind && cJSON_IsFalse(member)) continue;
        cJSON_AddItemToObject(at_kind ? kind : out, member->string, cJSON_Duplicate(member, 1));
    }
    cJSON *seen = cJSON_Duplicate(status, 1), *bg = cJSON_CreateObject();
    static const char *const in_bg[] = {"activeSelector", "previewSelector",
                                        "postPromotionAnalysisRunStatus"};
    for (size_t i = 0; i < 3; i++) {
        cJSON *moved = cJSON_DetachItemFromObject(seen, in_bg[i]);
        if (moved) cJSON_AddItemToObject(bg, in_bg[i], moved);
    }
    cJSON *run = cJSON_DetachItemFromObject(seen, "currentStepAnalysisRunStatus");
    if (run) cJSON_AddItemToObject(put_object(seen, "canary"), "currentStepAnalysisRunStatus", run);
    put_item(seen, "blueGreen", bg);
    cJSON_AddItemToObject(rollout, "status", seen);
    return rollout;
}

static void one_phase(const cJSON *one) {
    cJSON *rollout = rollout_of(one);
    char message[200];
    const char *phase = argo_phase(rollout, message, sizeof message);
    check_that(strcmp(phase, word(one, "expected_phase")) == 0, one, "phase", phase);
    check_that(strcmp(message, word(one, "expected_message")) == 0, one, "message", message);
    cJSON_Delete(rollout);
}

static void phases(void **state) {
    (void)state;
    each("rollout_phase", one_phase);
}

/* ---- weights ---- */

static void one_set_weight(const cJSON *one) {
    struct strategy strategy;
    build(one, item_of(one, "steps"), &strategy);
    const struct argo_status status = status_of(one);
    check_number(one, "weight", number_of(one, "expected_weight"),
                 argo_set_weight(&strategy, &status));
}

static void set_weight(void **state) {
    (void)state;
    each("set_weight", one_set_weight);
}

static void one_sent(const cJSON *one) {
    struct strategy strategy;
    const cJSON *spec = item_of(one, "spec");
    build(spec, item_of(spec, "steps"), &strategy);
    strategy.routed = true;
    const struct argo_status status = status_of(item_of(one, "status"));
    const struct argo_set canary = set_of(item_of(one, "canary")),
                          stable = set_of(item_of(one, "stable"));
    check_number(one, "weight", number_of(one, "expected_weight"),
                 argo_weight_sent(&strategy, &status, &canary, &stable));
    if (!item_of(one, "expected_scale_canary_to")) return;
    check_number(one, "canary", number_of(one, "expected_scale_canary_to"),
                 argo_counts_routed(&strategy, &status, &canary, &stable).canary);
}

static void weight_sent(void **state) {
    (void)state;
    each("traffic_weight_sent", one_sent);
}

static void one_abort_weight(const cJSON *one) {
    const cJSON *all = item_of(vectors, "abort_weight_with_scaledown_delay");
    const cJSON *spec = item_of(all, "spec");
    struct strategy strategy;
    build(spec, item_of(spec, "steps"), &strategy);
    strategy.routed = true;
    strategy.abort_delay_s = count_of(one, "abortScaleDownDelaySeconds", NOT_GIVEN);
    const struct argo_status status = {.abort = true, .step = 0};
    const struct argo_set canary = set_of(item_of(all, "canary"));
    const struct argo_set stable = {true, strategy.replicas, count_of(one, "stableAvailable", 0)};
    int replicas;
    check_number(one, "weight", number_of(one, "expected_weight"),
                 argo_canary_weight(&strategy, &status, &canary, &stable, &replicas));
}

static void abort_weight(void **state) {
    (void)state;
    each("abort_weight_with_scaledown_delay", one_abort_weight);
}

static void one_scale(const cJSON *one) {
    struct strategy strategy;
    build(one, item_of(one, "steps"), &strategy);
    struct argo_status status = status_of(item_of(one, "status"));
    if (!*word(item_of(one, "status"), "stableRS")) status.promoted = true;
    const struct argo_set none = {0};
    const cJSON *expected = item_of(one, "expected"), *wanted = item_of(expected, "replicas");
    int replicas;
    const int weight = argo_canary_weight(&strategy, &status, &none, &none, &replicas);
    check_number(one, "weight", number_of(expected, "weight"), weight);
    check_number(one, "replicas", wanted ? wanted->valueint : NOT_GIVEN, replicas);
}

static void replicas_or_weight(void **state) {
    (void)state;
    each("canary_replicas_or_weight", one_scale);
}

/* ---- the controller's looks ---- */

static struct argo_look look_of(const cJSON *one, const struct strategy *strategy) {
    const cJSON *status = item_of(one, "status"), *canary = item_of(one, "canary");
    const int replicas = strategy->replicas;
    struct argo_look look = {.strategy = strategy,
                             .status = status_of(status),
                             .canary = set_of(canary),
                             .stable = {true, replicas, replicas},
                             .revision = 2,
                             .changed = yes(one, "template_changed"),
                             .step_run = analysis_phase_of(text_of(one, "analysis")),
                             .pre_run = analysis_phase_of(text_of(one, "prePromotion")),
                             .post_run = analysis_phase_of(text_of(one, "postPromotion")),
                             .run_message = text_of(one, "analysis_message")};
    if (!canary) look.canary = (struct argo_set){true, 0, 0};
    if (item_of(one, "stable")) look.stable = set_of(item_of(one, "stable"));
    if (item_of(one, "pause_age_seconds"))
        look.status.paused_for_ms = (int64_t)number_of(one, "pause_age_seconds") * 1000;
    const char *hash = text_of(one, "new_template_hash");
    look.changed = look.changed || hash;
    look.back_to_stable = hash && strcmp(hash, word(status, "stableRS")) == 0;
    look.was_aborted = strcmp(word(status, "progressing_reason"), "RolloutAborted") == 0;
    return look;
}

static void check_word(const cJSON *one, const cJSON *expected, const char *name, const char *got) {
    const char *wanted = text_of(expected, name);
    if (wanted) check_that(got && strcmp(got, wanted) == 0, one, name, got ? got : "nothing");
}

static void check_flag(const cJSON *one, const cJSON *expected, const char *name, bool got) {
    const cJSON *wanted = item_of(expected, name);
    if (cJSON_IsBool(wanted)) check_number(one, name, cJSON_IsTrue(wanted), got);
}

static void check_seen(const cJSON *one, const cJSON *expected, const struct argo_seen *seen) {
    check_word(one, expected, "phase", seen->phase);
    check_word(one, expected, "message", seen->message);
    check_word(one, expected, "completionStatus", seen->completion);
    check_word(one, expected, "progressing_reason", seen->progressing_reason);
    check_flag(one, expected, "abort", seen->status.abort);
    check_flag(one, expected, "promoteFull", seen->status.promote_full);
    check_flag(one, expected, "controllerPause", seen->status.controller_pause);
    check_flag(one, expected, "switch", seen->switch_active);
    check_flag(one, expected, "paused", seen->status.pauses != 0);
    if (item_of(expected, "currentStepIndex"))
        check_number(one, "step", number_of(expected, "currentStepIndex"), seen->status.step);
    if (item_of(expected, "pauseConditions"))
        check_number(one, "pauses", pauses_of(item_of(expected, "pauseConditions")),
                     seen->status.pauses);
    const char *promotion = text_of(expected, "promotion_reason");
    if (promotion)
        check_that(strcmp(promotion, seen->promote ? seen->message : "") == 0, one, "promotion",
                   seen->promote ? seen->message : "");
    const char *active = text_of(expected, "activeSelector");
    if (active) check_number(one, "active", strcmp(active, "stable") == 0, seen->active_back);
}

static void one_transition(const cJSON *one) {
    static struct strategy strategy;
    build(NULL, item_of(one, "steps"), &strategy);
    strategy.replicas = count_of(one, "spec_replicas", 1);
    strategy.surge = (struct amount){.value = 25, .percent = true};
    strategy.unavailable = strategy.surge;
    const cJSON *threshold = item_of(one, "threshold");
    if (threshold)
        strategy.threshold = (struct threshold){
            true, strcmp(word(threshold, "type"), "Percent") == 0, count_of(threshold, "value", 0)};
    const struct argo_look look = look_of(one, &strategy);
    const struct argo_seen seen = argo_look_canary(&look);
    check_seen(one, item_of(one, "expected"), &seen);
}

static void transitions(void **state) {
    (void)state;
    each("canary_step_transitions", one_transition);
}

static void one_blue_green(const cJSON *one) {
    static struct strategy strategy;
    const cJSON *spec = item_of(one, "spec"), *expected = item_of(one, "expected");
    build(spec, NULL, &strategy);
    strategy.blue_green = true;
    strategy.pre = item_of(one, "prePromotion");
    strategy.post = item_of(one, "postPromotion");
    struct argo_look look = look_of(one, &strategy);
    const struct argo_set preview = set_of(item_of(one, "preview"));
    look.preview_ready = !preview.there || preview.available >= strategy.replicas;
    look.spec_paused = yes(spec, "paused");
    look.active_is_new = item_of(one, "postPromotion") != NULL;
    if (item_of(one, "pause_age_seconds")) look.status.pauses |= ARGO_PAUSE_BLUE_GREEN;
    const struct argo_seen seen = argo_look_blue_green(&look);
    check_seen(one, expected, &seen);
    if (cJSON_IsBool(item_of(expected, "pause_completed")))
        check_number(one, "pause over", yes(expected, "pause_completed"),
                     argo_blue_green_pause_over(&strategy, &look.status));
}

static void blue_green(void **state) {
    (void)state;
    each("blue_green", one_blue_green);
}

/* foo-4 is 5 minutes old ... foo-1 2 minutes, foo now: the note of the section */
static double age_of(const char *name) {
    return name && strncmp(name, "foo-", 4) == 0 ? strtod(name + 4, NULL) + 1 : 0;
}

static void one_window(const cJSON *one) {
    const double others[] = {5, 4, 3, 2, 0};
    const char *fresh = text_of(one, "new"), *stable = text_of(one, "stable");
    const bool got = fresh && stable &&
                     argo_within_rollback_window(age_of(fresh), age_of(stable), others, 5,
                                                 count_of(one, "revisions", 0));
    check_number(one, "within", yes(one, "expected"), got);
}

static void rollback_window(void **state) {
    (void)state;
    each("rollback_window", one_window);
}

/* ---- verbs and words ---- */

static bool same_patch(const cJSON *wanted, const cJSON *got) {
    if (!wanted || cJSON_IsNull(wanted)) return got == NULL;
    return got && cJSON_Compare(wanted, got, 1);
}

static void one_promote(const cJSON *one) {
    const cJSON *flags = item_of(one, "flags");
    cJSON *rollout = rollout_of(one), *reason, *item;
    cJSON *pauses = cJSON_GetObjectItem(cJSON_GetObjectItem(rollout, "status"), "pauseConditions");
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(reason, pauses) {
        item = add_object(list);
        put_text(item, "reason",
                 reason->valuestring ? reason->valuestring : word(reason, "reason"));
    }
    if (pauses)
        cJSON_ReplaceItemInObject(cJSON_GetObjectItem(rollout, "status"), "pauseConditions", list);
    else
        cJSON_Delete(list);
    const enum argo_promote how = yes(flags, "full")      ? ARGO_PROMOTE_FULL
                                  : yes(flags, "skipAll") ? ARGO_SKIP_ALL
                                  : yes(flags, "skipCurrent") || yes(flags, "skipCurrentStep")
                                      ? ARGO_SKIP_STEP
                                      : ARGO_PROMOTE;
    const struct argo_patches patches = argo_promote(rollout, how);
    char *text = cJSON_PrintUnformatted(patches.status);
    check_that(same_patch(cJSON_GetObjectItem(one, "expected_status_patch"), patches.status), one,
               "status patch", text ? text : "none");
    check_that(same_patch(cJSON_GetObjectItem(one, "expected_spec_patch"), patches.spec), one,
               "spec patch", patches.spec ? "one" : "none");
    cJSON_free(text);
    cJSON_Delete(patches.status);
    cJSON_Delete(patches.spec);
    cJSON_Delete(rollout);
}

static void promote_patches(void **state) {
    (void)state;
    each("promote_patches", one_promote);
}

static void one_step_text(const cJSON *one) {
    const cJSON *kind = one->child, *value = kind->next, *wanted = value->next;
    static struct strategy strategy;
    cJSON *spec = cJSON_CreateObject();
    cJSON *steps = put_array(put_object(put_object(spec, "strategy"), "canary"), "steps");
    cJSON *step = add_object(steps), *inner = NULL;
    if (strcmp(kind->valuestring, "pause") == 0 && !cJSON_IsObject(value)) {
        inner = put_object(step, "pause");
        if (!cJSON_IsNull(value))
            cJSON_AddItemToObject(inner, "duration", cJSON_Duplicate(value, 1));
    } else if (cJSON_IsString(value)) {
        put_text(put_object(step, kind->valuestring), "name", value->valuestring);
    } else if (cJSON_IsNull(value)) {
        (void)put_object(step, kind->valuestring);
    } else {
        cJSON_AddItemToObject(step, kind->valuestring, cJSON_Duplicate(value, 1));
    }
    struct strategy_faults faults = {0};
    char text[100] = "invalid";
    strategy_read(spec, &strategy, &faults);
    if (item_of(step, kind->valuestring) && strategy.steps[0].json)
        step_text(&strategy.steps[0], text, sizeof text);
    check_that(strcmp(text, wanted->valuestring) == 0, one, "step", text);
    cJSON_Delete(spec);
}

static void step_texts(void **state) {
    (void)state;
    each("canary_step_string", one_step_text);
}

static void one_pause(const cJSON *one) {
    check_number(one, "seconds", number_of(one, "seconds"),
                 (double)pause_seconds(item_of(one, "duration")));
}

static void pauses(void **state) {
    (void)state;
    each("pause_duration_parse", one_pause);
}

int main(void) {
    load();
    const struct CMUnitTest tests[] = {cmocka_unit_test(replica_counts),
                                       cmocka_unit_test(approximate),
                                       cmocka_unit_test(dynamic_scale),
                                       cmocka_unit_test(weight_to_replicas),
                                       cmocka_unit_test(thresholds),
                                       cmocka_unit_test(assessments),
                                       cmocka_unit_test(worst_order),
                                       cmocka_unit_test(terminating),
                                       cmocka_unit_test(run_status),
                                       cmocka_unit_test(conditions),
                                       cmocka_unit_test(expressions),
                                       cmocka_unit_test(web_metric),
                                       cmocka_unit_test(phases),
                                       cmocka_unit_test(set_weight),
                                       cmocka_unit_test(weight_sent),
                                       cmocka_unit_test(abort_weight),
                                       cmocka_unit_test(replicas_or_weight),
                                       cmocka_unit_test(transitions),
                                       cmocka_unit_test(blue_green),
                                       cmocka_unit_test(rollback_window),
                                       cmocka_unit_test(promote_patches),
                                       cmocka_unit_test(step_texts),
                                       cmocka_unit_test(pauses)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cJSON_Delete(vectors);
    return failed;
}
