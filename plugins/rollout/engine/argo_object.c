/* argo_object.c - a Rollout object's phase in words, and what promoting it patches. */
#include "argo.h"

#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *word(const cJSON *of, const char *name) {
    const char *text = text_of(of, name);
    return text ? text : "";
}

static int count(const cJSON *of, const char *name, int otherwise) {
    const cJSON *item = item_of(of, name);
    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

static const char *said(char *message, size_t size, const char *phase, const char *words) {
    (void)snprintf(message, size, "%s", words);
    return phase;
}

/* Only a number not above metadata.generation is one; older controllers wrote a hash there. */
static bool is_observed(const char *written, double generation) {
    char *end;
    const long seen = strtol(written, &end, 10);
    if (!*written || *end || (double)seen > generation) return true;
    return (double)seen == generation;
}

static bool workload_observed(const cJSON *rollout) {
    const char *wanted = text_of(item_of(item_of(rollout, "metadata"), "annotations"),
                                 "rollout.argoproj.io/workload-generation");
    const char *seen = text_of(item_of(rollout, "status"), "workloadObservedGeneration");
    char *end;
    if (!item_of(item_of(rollout, "spec"), "workloadRef") || !wanted || !seen) return true;
    const long number = strtol(seen, &end, 10);
    return !*seen || *end || number == strtol(wanted, NULL, 10);
}

static const char *condition_phase(const cJSON *status, char *message, size_t size) {
    const cJSON *condition;
    cJSON_ArrayForEach(condition, item_of(status, "conditions")) {
        const char *reason = word(condition, "reason"), *why = word(condition, "message");
        if (strcmp(word(condition, "type"), "InvalidSpec") == 0)
            reason = "InvalidSpec";
        else if (strcmp(reason, "RolloutAborted") != 0 &&
                 strcmp(reason, "ProgressDeadlineExceeded") != 0)
            continue;
        (void)snprintf(message, size, "%s: %s", reason, why);
        return "Degraded";
    }
    return NULL;
}

static const char *strategy_phase(const cJSON *rollout, char *message, size_t size) {
    const cJSON *spec = item_of(rollout, "spec"), *status = item_of(rollout, "status");
    const cJSON *kind = item_of(spec, "strategy"), *blue_green = item_of(kind, "blueGreen");
    const char *stable = word(status, "stableRS"), *current = word(status, "currentPodHash");
    const bool promoted = *stable && strcmp(stable, current) == 0;
    const cJSON *bg_status = item_of(status, "blueGreen");
    if (!blue_green) {
        const bool routed = item_of(item_of(kind, "canary"), "trafficRouting") != NULL;
        if (!routed && count(status, "replicas", 0) > count(status, "updatedReplicas", 0))
            return said(message, size, "Progressing", "old replicas are pending termination");
        return promoted ? said(message, size, "Healthy", "")
                        : said(message, size, "Progressing", "waiting for all steps to complete");
    }
    const char *active = word(bg_status, "activeSelector");
    if (!*active || strcmp(active, current) != 0)
        return said(message, size, "Progressing", "active service cutover pending");
    if (promoted) return said(message, size, "Healthy", "");
    const char *post = word(item_of(bg_status, "postPromotionAnalysisRunStatus"), "status");
    const bool ended = *post && strcmp(post, "Pending") != 0 && strcmp(post, "Running") != 0;
    if (item_of(blue_green, "postPromotionAnalysis") && !ended)
        return said(message, size, "Progressing", "waiting for analysis to complete");
    return said(message, size, "Progressing",
                "waiting for post-promotion verification to complete");
}

static const char *computed_phase(const cJSON *rollout, char *message, size_t size) {
    const cJSON *spec = item_of(rollout, "spec"), *status = item_of(rollout, "status");
    const char *phase = condition_phase(status, message, size);
    if (phase) return phase;
    if (cJSON_IsTrue(item_of(spec, "paused")))
        return said(message, size, "Paused", "manually paused");
    const cJSON *pause = item_of(status, "pauseConditions");
    if (pause && pause->child) return said(message, size, "Paused", word(pause->child, "reason"));
    const char *restart = text_of(spec, "restartAt");
    if (restart && strcmp(restart, word(status, "restartedAt")) != 0)
        return said(message, size, "Progressing", "rollout is restarting");
    const int updated = count(status, "updatedReplicas", 0);
    if (updated < count(spec, "replicas", 1))
        return said(message, size, "Progressing", "more replicas need to be updated");
    if (count(status, "availableReplicas", 0) < updated)
        return said(message, size, "Progressing", "updated replicas are still becoming available");
    return strategy_phase(rollout, message, size);
}

const char *argo_phase(const cJSON *rollout, char *message, size_t size) {
    static const char *const phases[] = {"Healthy", "Degraded", "Progressing", "Paused"};
    const cJSON *status = item_of(rollout, "status"), *pauses = item_of(status, "pauseConditions");
    if (!is_observed(word(status, "observedGeneration"),
                     number_of(item_of(rollout, "metadata"), "generation")))
        return said(message, size, "Progressing", "waiting for rollout spec update to be observed");
    if (cJSON_IsTrue(item_of(status, "controllerPause")) && !(pauses && pauses->child))
        return said(message, size, "Progressing", "waiting for rollout to unpause");
    if (!workload_observed(rollout))
        return said(message, size, "Progressing",
                    "waiting for rollout spec update to be observed for the reference workload");
    const char *given = word(status, "phase");
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(given, phases[i]) == 0)
            return said(message, size, phases[i], word(status, "message"));
    return computed_phase(rollout, message, size);
}

/* ---- promote ---- */

static cJSON *status_patch(cJSON **status) {
    cJSON *patch = cJSON_CreateObject();
    *status = put_object(patch, "status");
    return patch;
}

static cJSON *unpause(void) {
    cJSON *patch = cJSON_CreateObject();
    put_bool(put_object(patch, "spec"), "paused", false);
    return patch;
}

static cJSON *step_patch(const cJSON *rollout, bool clear, bool unpaused) {
    const cJSON *steps =
        item_of(item_of(item_of(item_of(rollout, "spec"), "strategy"), "canary"), "steps");
    const int step_count = cJSON_GetArraySize(steps);
    if (!step_count) return NULL;
    const int step = count(item_of(rollout, "status"), "currentStepIndex", 0);
    cJSON *status, *patch = status_patch(&status);
    if (clear) put_item(status, "pauseConditions", cJSON_CreateNull());
    if (unpaused) put_bool(status, "controllerPause", false);
    put_number(status, "currentStepIndex", step < step_count ? step + 1 : step);
    return patch;
}

static bool is_inconclusive(const cJSON *status) {
    const cJSON *run = item_of(item_of(status, "canary"), "currentStepAnalysisRunStatus");
    return strcmp(word(run, "status"), "Inconclusive") == 0 &&
           cJSON_IsTrue(item_of(status, "controllerPause"));
}

static cJSON *all_steps(const cJSON *rollout) {
    cJSON *status, *patch = status_patch(&status);
    put_number(status, "currentStepIndex",
               cJSON_GetArraySize(item_of(
                   item_of(item_of(item_of(rollout, "spec"), "strategy"), "canary"), "steps")));
    return patch;
}

static cJSON *full(const cJSON *status) {
    if (strcmp(word(status, "currentPodHash"), word(status, "stableRS")) == 0) return NULL;
    cJSON *inner, *patch = status_patch(&inner);
    put_bool(inner, "promoteFull", true);
    return patch;
}

struct argo_patches argo_promote(const cJSON *rollout, enum argo_promote how) {
    const cJSON *spec = item_of(rollout, "spec"), *status = item_of(rollout, "status");
    const cJSON *pauses = item_of(status, "pauseConditions");
    struct argo_patches patches = {0};
    if (how == ARGO_SKIP_STEP) {
        patches.status = step_patch(rollout, false, false);
        return patches;
    }
    if (how == ARGO_SKIP_ALL) {
        patches.status = all_steps(rollout);
        return patches;
    }
    if (cJSON_IsTrue(item_of(spec, "paused"))) patches.spec = unpause();
    if (how == ARGO_PROMOTE_FULL) {
        patches.status = full(status);
    } else if (pauses && pauses->child) {
        if (is_inconclusive(status)) {
            patches.status = step_patch(rollout, true, true);
        } else {
            cJSON *inner;
            patches.status = status_patch(&inner);
            put_item(inner, "pauseConditions", cJSON_CreateNull());
        }
    } else if (item_of(item_of(spec, "strategy"), "canary")) {
        patches.status = step_patch(rollout, true, false);
    }
    return patches;
}
