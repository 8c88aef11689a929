/* argo_rollout.h - a Rollout of Argo on a cluster: reading it, and the writes of
 * kubectl-argo-rollouts, each with the version that was read as its precondition.
 *
 * A 409 means that somebody wrote in between: it is read again and decided again, at most
 * KUBE_TRIES times, and a promotion that another one has made meanwhile is not made twice. */
#ifndef ROLLOUT_ARGO_ROLLOUT_H
#define ROLLOUT_ARGO_ROLLOUT_H

#include "kube.h"

struct argo_target {
    const struct kube *kube;
    const char *namespace, *name; /* both fit a path */
};

enum argo_verb {
    ARGO_DO_PROMOTE,
    ARGO_DO_PROMOTE_FULL,
    ARGO_DO_ABORT,
    ARGO_DO_RETRY,
    ARGO_DO_PAUSE,
    ARGO_DO_RESUME,
    ARGO_DO_RESTART,
    ARGO_DO_UNDO,
    ARGO_DO_SET_IMAGE
};

struct argo_order {
    enum argo_verb verb;
    const char *container; /* set image: a name, or "*" for all */
    const char *image;
    int64_t revision;         /* undo: 0: the one before */
    bool stand;               /* set image: and be paused, so that nothing moves yet */
    const cJSON *annotations; /* merged with the write, where it is one of the object itself */
};

/* SL_NOT_FOUND with words when there is none. Suspends, as all here. */
int argo_read(sl_call *call, const struct argo_target *target, const cJSON **rollout);

/* `rollout` is what was last read, or NULL; `*updated` what it is now, and `*changed` whether
 * anything was written. */
int argo_do(sl_call *call, const struct argo_target *target, const struct argo_order *order,
            const cJSON **updated, bool *changed);

/* Merges into the object itself, if it is still the version read. SL_CONFLICT: it is not. */
int argo_merge(sl_call *call, const struct argo_target *target, const cJSON *read, cJSON *patch,
               const cJSON **updated);
/* The same of its status; falls back to the object where there is no status subresource. */
int argo_merge_status(sl_call *call, const struct argo_target *target, const cJSON *read,
                      cJSON *patch, const cJSON **updated);

/* The ReplicaSet of a revision (0: the second newest), owned by the rollout. SL_NOT_FOUND. */
int argo_revision(sl_call *call, const struct argo_target *target, const cJSON *rollout,
                  int64_t revision, const cJSON **replica_set);

/* The analysis that went worst, in words: "analysis shop-1: metric errors Failed: value 0.2
 * (...)"; NULL when there is none. Failures to read it are no failure. */
const char *argo_evidence(sl_call *call, const struct argo_target *target, const cJSON *rollout);

/* Containers' image, of the pod template or a ReplicaSet: of `container`, or the first; NULL. */
const char *argo_image(const cJSON *object, const char *container);

const char *argo_annotation(const cJSON *rollout, const char *name); /* or NULL */
bool argo_is_promoted(const cJSON *rollout); /* stableRS is the current version */

#endif
