/* argo_steps.c - weights, pauses and promotion as the Argo controller decides them. */
#include "argo.h"

#include <stdio.h>

static const struct step *current(const struct strategy *strategy,
                                  const struct argo_status *status) {
    const int step = status->step == NOT_GIVEN ? 0 : status->step;
    return step < strategy->step_count ? &strategy->steps[step] : NULL;
}

int argo_set_weight(const struct strategy *strategy, const struct argo_status *status) {
    if (status->abort) return 0;
    if (!current(strategy, status)) return strategy->max_weight;
    for (int i = status->step == NOT_GIVEN ? 0 : status->step; i >= 0; i--)
        if (strategy->steps[i].kind == STEP_WEIGHT) return strategy->steps[i].weight;
    return 0;
}

/* While aborting with dynamicStableScale the weight goes back step by step, as the stable version
 * gets its pods again. */
static int abort_weight(const struct strategy *strategy, const struct argo_set *canary,
                        const struct argo_set *stable) {
    const int expected = strategy->replicas - stable->available;
    int pods = expected > canary->available ? expected : canary->available;
    if (strategy->abort_delay_s > 0) pods = expected;
    for (int i = strategy->step_count - 1; i >= 0; i--) {
        const struct step *step = &strategy->steps[i];
        if (step->kind == STEP_WEIGHT &&
            argo_replicas_of_weight(strategy->replicas, step->weight, strategy->max_weight) < pods)
            return step->weight;
    }
    return 0;
}

static const struct step *canary_scale(const struct strategy *strategy,
                                       const struct argo_status *status) {
    if (!strategy->routed) return NULL;
    if (status->abort && strategy->abort_delay_s != 0) return NULL;
    if (!current(strategy, status)) return NULL;
    for (int i = status->step == NOT_GIVEN ? 0 : status->step; i >= 0; i--) {
        if (strategy->steps[i].kind != STEP_SCALE) continue;
        return strategy->steps[i].scale_match ? NULL : &strategy->steps[i];
    }
    return NULL;
}

int argo_canary_weight(const struct strategy *strategy, const struct argo_status *status,
                       const struct argo_set *canary, const struct argo_set *stable,
                       int *replicas) {
    *replicas = NOT_GIVEN;
    if (status->promote_full || status->promoted) return strategy->max_weight;
    const struct step *scale = canary_scale(strategy, status);
    if (scale && scale->scale_replicas != NOT_GIVEN) {
        *replicas = scale->scale_replicas;
        return 0;
    }
    if (scale && scale->scale_weight != NOT_GIVEN) return scale->scale_weight;
    if (status->abort && strategy->dynamic_stable && canary->there && stable->there)
        return abort_weight(strategy, canary, stable);
    return argo_set_weight(strategy, status);
}

/* ---- what the router is told ---- */

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* With dynamicStableScale the weight falls only as fast as the stable version has pods again, and
 * never rises because they flap. */
static int weight_on_abort(const struct strategy *strategy, const struct argo_status *status,
                           const struct argo_set *canary, const struct argo_set *stable) {
    if (!strategy->dynamic_stable || strategy->replicas == 0 || !stable->there || !canary->there)
        return 0;
    const int max_weight = strategy->max_weight;
    const int wanted = abort_weight(strategy, canary, stable);
    const int share = max_weight * stable->available / strategy->replicas;
    const int expected = share < max_weight ? max_weight - share : 0;
    if (!status->has_weights) return expected > wanted ? expected : wanted;
    if (wanted <= 0) return smaller(expected, status->canary_weight);
    if (share < max_weight - wanted) return status->canary_weight;
    return smaller(wanted, status->canary_weight);
}

static bool at_wanted_counts(const struct strategy *strategy, const struct argo_status *status,
                             const struct argo_set *canary, const struct argo_set *stable) {
    const struct argo_set none = {0};
    const struct argo_counts counts =
        strategy->routed ? argo_counts_routed(strategy, status, canary, stable)
                         : argo_counts_basic(strategy, status, canary, stable, &none);
    if (!argo_threshold_met(&strategy->threshold, canary, counts.canary)) return false;
    if (strategy->routed && strategy->dynamic_stable) return true;
    return stable->there && stable->wanted == counts.stable;
}

static int weight_before(const struct strategy *strategy, int step) {
    for (int i = step - 1; i >= 0; i--)
        if (strategy->steps[i].kind == STEP_WEIGHT) return strategy->steps[i].weight;
    return 0;
}

int argo_weight_sent(const struct strategy *strategy, const struct argo_status *status,
                     const struct argo_set *canary, const struct argo_set *stable) {
    const int step = status->step == NOT_GIVEN ? 0 : status->step;
    if (status->promoted) return 0;
    if (status->abort) return weight_on_abort(strategy, status, canary, stable);
    if (!canary->there || canary->available == 0) return 0;
    if (status->promote_full) {
        if (strategy->dynamic_stable && strategy->replicas > 0)
            return strategy->max_weight * canary->available / strategy->replicas;
        return status->has_weights ? status->canary_weight : 0;
    }
    if (!strategy->step_count) return 0;
    if (!at_wanted_counts(strategy, status, canary, stable)) return weight_before(strategy, step);
    return step < strategy->step_count ? argo_set_weight(strategy, status) : strategy->max_weight;
}

/* ---- pauses and promotion ---- */

bool argo_pause_over(const struct strategy *strategy, const struct argo_status *status) {
    const struct step *step = current(strategy, status);
    if (!step || step->kind != STEP_PAUSE) return false;
    const bool waits = status->pauses & ARGO_PAUSE_STEP;
    if (status->controller_pause && !waits) return true; /* somebody took the condition away */
    return waits && step->pause_ms != PAUSE_FOREVER && status->paused_for_ms > step->pause_ms;
}

bool argo_blue_green_pause_over(const struct strategy *strategy, const struct argo_status *status) {
    const bool waits = status->pauses & ARGO_PAUSE_BLUE_GREEN;
    if (status->preview_checkpoint) return true;
    if (!strategy->auto_promotion) return status->controller_pause && !waits;
    if (strategy->auto_promotion_s == 0) return true;
    return waits && status->paused_for_ms > (int64_t)strategy->auto_promotion_s * 1000;
}

const char *argo_promotion(const struct strategy *strategy, const struct argo_status *status,
                           const struct argo_set *canary, char *reason, size_t size) {
    if (status->abort) return NULL;
    if (!canary->there || (canary->available < strategy->replicas &&
                           !argo_threshold_met(&strategy->threshold, canary, strategy->replicas)))
        return NULL;
    if (status->promote_full) return "Full promotion requested";
    if (status->promoted) return "Fast rollback";
    const int step = status->step == NOT_GIVEN ? 0 : status->step;
    if (strategy->step_count && step < strategy->step_count) return NULL;
    (void)snprintf(reason, size, "Completed all %d canary steps", strategy->step_count);
    return reason;
}

bool argo_within_rollback_window(double fresh, double stable, const double *others, size_t count,
                                 int revisions) {
    if (revisions <= 0 || fresh <= stable) return false;
    int between = 0;
    for (size_t i = 0; i < count; i++)
        if (others[i] < fresh && others[i] > stable) between++;
    return between < revisions;
}
