#include "argo_sim.h"

#include <stdio.h>

static bool is_bad(enum analysis_phase phase) {
    return phase == ANALYSIS_FAILED || phase == ANALYSIS_ERROR;
}

static void say(struct argo_seen *seen, const char *phase, const char *message) {
    seen->phase = phase;
    (void)snprintf(seen->message, sizeof seen->message, "%s", message);
}

static void abort_for(struct argo_seen *seen, const struct argo_look *look, const char *kind) {
    seen->status.abort = true;
    seen->status.pauses = 0;
    seen->status.controller_pause = false;
    seen->completion = "Aborted";
    seen->progressing_reason = "RolloutAborted";
    seen->phase = "Degraded";
    (void)snprintf(seen->message, sizeof seen->message,
                   "RolloutAborted: Rollout aborted update to revision %d: %s analysis phase "
                   "error/failed: %s",
                   look->revision, kind, look->run_message ? look->run_message : "");
}

static void pause_for(struct argo_seen *seen, enum argo_pause reason) {
    static const char *const names[] = {[ARGO_PAUSE_STEP] = "CanaryPauseStep",
                                        [ARGO_PAUSE_BLUE_GREEN] = "BlueGreenPause",
                                        [ARGO_PAUSE_ANALYSIS] = "InconclusiveAnalysisRun",
                                        [ARGO_PAUSE_EXPERIMENT] = "InconclusiveExperiment"};
    seen->status.pauses |= reason;
    seen->status.controller_pause = true;
    say(seen, "Paused", names[reason]);
}

static void unpause(struct argo_seen *seen) {
    seen->status.pauses = 0;
    seen->status.controller_pause = false;
}

static struct argo_seen start_again(const struct argo_look *look) {
    struct argo_seen seen = {.status = look->status};
    seen.status.abort = seen.status.promote_full = false;
    unpause(&seen);
    seen.status.step = look->strategy->step_count ? 0 : NOT_GIVEN;
    if (look->back_to_stable || look->within_window) {
        seen.status.step = look->strategy->step_count;
        seen.completion = "FastRolledBack";
    }
    say(&seen, "Progressing", "more replicas need to be updated");
    return seen;
}

static bool at_counts(const struct argo_look *look) {
    const struct argo_set none = {0};
    const struct strategy *strategy = look->strategy;
    const struct argo_counts counts =
        strategy->routed
            ? argo_counts_routed(strategy, &look->status, &look->canary, &look->stable)
            : argo_counts_basic(strategy, &look->status, &look->canary, &look->stable, &none);
    if (!argo_threshold_met(&strategy->threshold, &look->canary, counts.canary)) return false;
    if (strategy->routed && strategy->dynamic_stable) return true;
    return look->stable.there && look->stable.wanted == counts.stable;
}

static bool step_done(const struct argo_look *look, const struct step *step) {
    switch (step->kind) {
    case STEP_PAUSE:
        return argo_pause_over(look->strategy, &look->status);
    case STEP_WEIGHT:
        return at_counts(look) && !look->unverified;
    case STEP_SCALE:
        return at_counts(look);
    case STEP_ANALYSIS:
    case STEP_EXPERIMENT:
        return look->step_run == ANALYSIS_SUCCESSFUL;
    case STEP_PLUGIN:
        return false;
    default:
        return true;
    }
}

/* Analysis runs come first: they may abort or pause whatever the step is. */
static bool runs_stop_it(struct argo_seen *seen, const struct argo_look *look) {
    if (is_bad(look->step_run)) {
        abort_for(seen, look, "Step-based");
    } else if (is_bad(look->background_run)) {
        abort_for(seen, look, "Background");
    } else if (look->step_run == ANALYSIS_INCONCLUSIVE ||
               look->background_run == ANALYSIS_INCONCLUSIVE) {
        pause_for(seen, ARGO_PAUSE_ANALYSIS);
    } else {
        return false;
    }
    if (seen->status.abort && look->strategy->step_count) seen->status.step = 0;
    return true;
}

static void finish_step(struct argo_seen *seen, const struct step *step) {
    seen->status.step++;
    if (step->kind == STEP_PAUSE) unpause(seen);
    say(seen, "Progressing", "waiting for all steps to complete");
}

static void walk(struct argo_seen *seen, const struct argo_look *look) {
    const struct strategy *strategy = look->strategy;
    const int at = look->status.step == NOT_GIVEN ? 0 : look->status.step;
    say(seen, "Progressing", "waiting for all steps to complete");
    if (look->spec_paused) {
        say(seen, "Paused", "manually paused");
        return;
    }
    if (at >= strategy->step_count) return;
    const struct step *step = &strategy->steps[at];
    seen->status.step = at;
    if (step_done(look, step))
        finish_step(seen, step);
    else if (step->kind == STEP_PAUSE)
        pause_for(seen, ARGO_PAUSE_STEP);
}

struct argo_seen argo_look_canary(const struct argo_look *look) {
    struct argo_seen seen = {.status = look->status};
    char reason[80];
    if (look->changed) return start_again(look);
    if (look->was_aborted && !look->status.abort) {
        seen.progressing_reason = "RolloutRetry";
        say(&seen, "Progressing", "waiting for all steps to complete");
        return seen;
    }
    if (runs_stop_it(&seen, look)) return seen;
    if (look->status.promoted && look->status.abort) { /* nothing is left to abort */
        seen.status.abort = false;
        seen.status.step = look->strategy->step_count;
        say(&seen, "Healthy", "");
        return seen;
    }
    if (look->status.promote_full || look->within_window) {
        unpause(&seen);
        seen.status.abort = false;
        seen.status.step = look->strategy->step_count;
    }
    const char *why =
        argo_promotion(look->strategy, &seen.status, &look->canary, reason, sizeof reason);
    if (!look->stable.there) why = "Initial deploy";
    if (why) {
        seen.promote = true;
        seen.completion = "Promoted";
        say(&seen, "Healthy", why);
    } else if (seen.status.abort) {
        seen.status.step = look->strategy->step_count ? 0 : NOT_GIVEN;
        say(&seen, "Degraded", "RolloutAborted");
    } else {
        walk(&seen, look);
    }
    return seen;
}

/* ---- blue/green ---- */

static bool wants_pause(const struct strategy *strategy) {
    return !strategy->auto_promotion || strategy->auto_promotion_s > 0;
}

static void after_switch(struct argo_seen *seen, const struct argo_look *look) {
    if (is_bad(look->post_run)) {
        abort_for(seen, look, "Post-promotion");
        seen->active_back = true;
    } else if (look->post_run == ANALYSIS_INCONCLUSIVE) {
        pause_for(seen, ARGO_PAUSE_ANALYSIS);
    } else if (look->strategy->post && look->post_run != ANALYSIS_SUCCESSFUL) {
        say(seen, "Progressing", "waiting for analysis to complete");
    } else {
        seen->promote = true;
        seen->completion = "Promoted";
        say(seen, "Healthy", "");
    }
}

static void before_switch(struct argo_seen *seen, const struct argo_look *look) {
    const struct strategy *strategy = look->strategy;
    say(seen, "Progressing", "active service cutover pending");
    if (strategy->pre && look->pre_run != ANALYSIS_SUCCESSFUL) return;
    if (look->spec_paused) {
        say(seen, "Paused", "manually paused");
        return;
    }
    if (wants_pause(strategy) && !argo_blue_green_pause_over(strategy, &look->status)) {
        pause_for(seen, ARGO_PAUSE_BLUE_GREEN);
        return;
    }
    unpause(seen);
    seen->switch_active = true;
}

struct argo_seen argo_look_blue_green(const struct argo_look *look) {
    struct argo_seen seen = {.status = look->status};
    if (look->changed) return start_again(look);
    if (look->active_is_new) {
        after_switch(&seen, look);
    } else if (is_bad(look->pre_run)) {
        abort_for(&seen, look, "Pre-promotion");
    } else if (look->pre_run == ANALYSIS_INCONCLUSIVE) {
        pause_for(&seen, ARGO_PAUSE_ANALYSIS);
    } else if (look->status.abort) {
        say(&seen, "Degraded", "RolloutAborted");
    } else if (look->status.promote_full) {
        unpause(&seen);
        seen.switch_active = look->preview_ready;
        say(&seen, "Progressing", "active service cutover pending");
    } else if (!look->preview_ready) {
        say(&seen, "Progressing", "updated replicas are still becoming available");
    } else {
        before_switch(&seen, look);
    }
    return seen;
}
