/* driver.h - what moves the traffic: the engine says how it should be, a driver makes it so and
 * tells how it is.
 *
 * A driver keeps no state that matters: the engine writes its decision down first and calls
 * afterwards, so after a crash the same wish comes again. Therefore both calls are idempotent, and a
 * wish says everything: it is never "10 more", always "10".
 *
 * Rules
 * 1. `apply` makes it so, or begins to; it need not wait until it is so. Then it fills the view, as
 *    `observe` does. Both may suspend and honour the call's deadline.
 * 2. 0: the view is filled in. Otherwise what sl_fail returned: SL_UNAVAILABLE or SL_TIMEOUT: the
 *    actuator cannot be reached, the engine holds and asks again. SL_CONFLICT: somebody else writes
 *    there too (say who), the engine holds and does not fight. SL_INVALID, SL_NOT_FOUND: it can
 *    never work as it is configured. A 409 of an API is no failure: read again, decide again, at
 *    most 5 times.
 * 3. Fencing: a wish whose `generation` is below the one that the actuator carries is refused with
 *    SL_CONFLICT. Where the actuator can hold a note (an annotation), the generation is written
 *    there; where it cannot, the view's generation is 0.
 * 4. Only what was seen is told: a member that is not known is -1 or false, never the wish itself.
 */
#ifndef ROLLOUT_DRIVER_H
#define ROLLOUT_DRIVER_H

#include <sluice/sluice.h>
#include <stdbool.h>

enum driver_goal {
    DRIVER_SHIFT,    /* `weight` of `max_weight` goes to the new version */
    DRIVER_PROMOTE,  /* the new version becomes the stable one and gets everything */
    DRIVER_ROLL_BACK /* the stable version gets everything, the new one is taken away */
};

/* How it should be. All borrowed for the call. */
struct driver_wish {
    int64_t generation; /* rises with every transition that changes the wish */
    enum driver_goal goal;
    int weight, max_weight; /* blue/green: 0 until the switch, then max_weight */
    int step;               /* index into the plan's steps, == number of steps: all done */
    int canary_replicas;    /* setCanaryScale; -1: the driver's own choice */
    int canary_scale;       /* setCanaryScale.weight in percent of the replicas; -1: as above */
    int preview_replicas;   /* blue/green before the switch; -1: all */
    bool blue_green;
    bool paused;            /* the plan is paused or held: nothing moves */
    bool skip;              /* promote --full: analyses and pauses are jumped over */
    const cJSON *routes;    /* header routes in force, an array as Argo writes them, or NULL */
    const char *deployment; /* id of the rollout, a ULID */
    const char *app, *environment, *image;
    int64_t started_ms;     /* when the rollout began */
    int64_t shifted_ms;     /* when the weight was last wished for */
    const cJSON *manifests; /* as deploy.manifests has them, or NULL */
    const cJSON *settings;  /* of this driver, from the configuration; may be NULL */
    const cJSON *plan;      /* the rollout's spec snapshot (strategy, templates, driver...) */
    const void *reserved[4];
};

/* Counters since the version began to serve, as the actuator counts; -1: not counted. */
struct driver_counts {
    double requests, errors;
    double latency_ms; /* mean of late, ms */
};

/* How it is. Filled by the driver; strings in the call's arena. */
struct driver_view {
    int64_t at_ms;      /* when it was seen */
    int64_t generation; /* carried by the actuator; 0: it carries none */
    int weight;         /* in force, of the wish's max_weight; -1: not known */
    bool verified;      /* the wished weight is in force (Argo: canary.weights.verified != false) */
    bool ready;         /* the new version has what it needs to serve its weight */
    bool promoted;      /* the new version is the stable one, nothing of the old gets traffic */
    bool rolled_back;   /* the stable version gets everything */
    bool simulated;     /* made up by the plan driver: marked in all evidence */
    int replicas, available; /* of the new version; -1: not known */
    const char *phase;       /* the actuator's own word: Healthy, Progressing, Paused, Degraded */
    const char *message;     /* and its sentence */
    const char *foreign;     /* who else writes there; NULL: nobody */
    struct driver_counts canary, stable;
    const char *counts_epoch; /* changes when counters begin anew (a restart); NULL: never */
    const void *reserved[4];
};

struct driver {
    const char *name;
    /* Is the configuration of this driver usable? No effects. NULL: nothing to check. */
    int (*check)(sl_call *call, const cJSON *settings);
    int (*apply)(sl_call *call, const struct driver_wish *wish, struct driver_view *view);
    int (*observe)(sl_call *call, const struct driver_wish *wish, struct driver_view *view);
    /* What undo goes back to: fills `image` with the version before, SL_NOT_FOUND when it is not
     * known. NULL: the engine looks into its own history. */
    int (*previous)(sl_call *call, const struct driver_wish *wish, const char **image);
    /* Replaces the pods one by one, same version. NULL: it cannot. */
    int (*restart)(sl_call *call, const struct driver_wish *wish);
};

/* An empty view: everything not known. */
struct driver_view driver_blind(sl_call *call);

/* By name ("plan", "haproxy", "argo"), or NULL. */
const struct driver *driver_find(const char *name);
/* "plan, haproxy, argo": for error messages. */
const char *driver_names(void);

#endif
