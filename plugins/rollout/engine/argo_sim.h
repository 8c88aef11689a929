/* argo_sim.h - one look of the Argo Rollouts controller at one Rollout, without a cluster: what tests
 * hold the engine's own machine and the drivers against. Pure. */
#ifndef ROLLOUT_ARGO_SIM_H
#define ROLLOUT_ARGO_SIM_H

#include "analysis.h"
#include "argo.h"

/* What the controller sees. */
struct argo_look {
    const struct strategy *strategy;
    struct argo_status status;
    struct argo_set canary, stable;
    bool spec_paused;
    bool changed;        /* pod template or steps changed since the last look */
    bool back_to_stable; /* and the new template is the stable one */
    bool within_window;  /* rollbackWindow */
    bool unverified;     /* canary.weights.verified is false */
    bool was_aborted;    /* the Progressing condition says RolloutAborted */
    bool preview_ready;  /* blue/green: all pods of the preview are available */
    bool active_is_new;  /* blue/green: the active service points to the new version */
    int revision;
    /* ANALYSIS_NONE: there is no such run */
    enum analysis_phase step_run, background_run, pre_run, post_run;
    const char *run_message;
};

struct argo_seen {
    struct argo_status status;
    bool promote;       /* becomes the stable version now */
    bool switch_active; /* blue/green: the active service goes to the new version */
    bool active_back;   /* blue/green: and back to the stable one */
    const char *phase;
    const char *progressing_reason; /* of the Progressing condition, or NULL */
    const char *completion;         /* Promoted, Aborted, FastRolledBack... or NULL */
    char message[240];
};

struct argo_seen argo_look_canary(const struct argo_look *look);
struct argo_seen argo_look_blue_green(const struct argo_look *look);

#endif
