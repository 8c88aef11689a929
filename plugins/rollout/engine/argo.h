/* argo.h - what the Argo Rollouts controller computes, so that its drivers, its readers and the
 * tests say the same as a cluster does. Pure; ported from the formulas of its sources at 9f8d111d.
 * Counts are pods. */
#ifndef ROLLOUT_ARGO_H
#define ROLLOUT_ARGO_H

#include "strategy.h"

struct argo_set { /* a ReplicaSet */
    bool there;
    int wanted, available;
};

enum argo_pause {
    ARGO_PAUSE_STEP = 1,
    ARGO_PAUSE_BLUE_GREEN = 2,
    ARGO_PAUSE_ANALYSIS = 4,
    ARGO_PAUSE_EXPERIMENT = 8
};

struct argo_status {
    int step; /* NOT_GIVEN: none */
    bool abort, promote_full, controller_pause;
    bool promoted; /* stableRS is the new version's hash, or there is no stable one */
    bool has_weights;
    int canary_weight, stable_weight; /* in force */
    unsigned pauses;                  /* enum argo_pause */
    int64_t paused_for_ms;            /* since the oldest pause condition */
    bool preview_checkpoint;
};

struct argo_counts {
    int canary, stable;
};

/* ---- argo_counts.c ---- */
int argo_surge(const struct strategy *strategy);
int argo_unavailable(const struct strategy *strategy);
struct argo_counts argo_approximate(int replicas, int weight, int max_weight, int surge);
int argo_replicas_of_weight(int replicas, int weight, int max_weight);
/* Without a traffic router: what one reconcile scales to. `older` are pods of older versions. */
struct argo_counts argo_counts_basic(const struct strategy *strategy,
                                     const struct argo_status *status,
                                     const struct argo_set *canary, const struct argo_set *stable,
                                     const struct argo_set *older);
struct argo_counts argo_counts_routed(const struct strategy *strategy,
                                      const struct argo_status *status,
                                      const struct argo_set *canary, const struct argo_set *stable);
bool argo_threshold_met(const struct threshold *threshold, const struct argo_set *set, int wanted);

/* ---- argo_steps.c ---- */
int argo_set_weight(const struct strategy *strategy, const struct argo_status *status);
/* setCanaryScale and the like: *replicas NOT_GIVEN and a weight, or a number of replicas. */
int argo_canary_weight(const struct strategy *strategy, const struct argo_status *status,
                       const struct argo_set *canary, const struct argo_set *stable, int *replicas);
/* What the traffic router is told. */
int argo_weight_sent(const struct strategy *strategy, const struct argo_status *status,
                     const struct argo_set *canary, const struct argo_set *stable);
/* May it become the stable version? NULL: no; else why. `reason` is a buffer. */
const char *argo_promotion(const struct strategy *strategy, const struct argo_status *status,
                           const struct argo_set *canary, char *reason, size_t size);
/* Is the pause of this step, or of blue/green, over? */
bool argo_pause_over(const struct strategy *strategy, const struct argo_status *status);
bool argo_blue_green_pause_over(const struct strategy *strategy, const struct argo_status *status);
/* Is the new version older than the stable one, with fewer than `revisions` between them?
 * Ages in any unit, rising into the past; `others` without experiments. */
bool argo_within_rollback_window(double fresh, double stable, const double *others, size_t count,
                                 int revisions);

/* ---- argo_object.c: over a Rollout as the API gives it ---- */
/* Phase and message as kubectl-argo-rollouts computes them. */
const char *argo_phase(const cJSON *rollout, char *message, size_t size);
/* What promote patches: bodies to send as application/merge-patch+json, NULL: none; the caller
 * deletes them. */
struct argo_patches {
    cJSON *status, *spec;
};
enum argo_promote { ARGO_PROMOTE, ARGO_PROMOTE_FULL, ARGO_SKIP_STEP, ARGO_SKIP_ALL };
struct argo_patches argo_promote(const cJSON *rollout, enum argo_promote how);

#endif
