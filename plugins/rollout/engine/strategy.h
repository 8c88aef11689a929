/* strategy.h - how a new version is let in, read from an Argo Rollout's spec: Argo's field names and
 * defaults. Pure.
 *
 * Trees are borrowed: the JSON must outlive the strategy. Members that Sluice passes on without
 * looking (routers, ephemeral metadata) are no fault; what contradicts itself is. */
#ifndef ROLLOUT_STRATEGY_H
#define ROLLOUT_STRATEGY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STEPS_MAX = 64, PAUSE_FOREVER = -1, NOT_GIVEN = -1 };

enum step_kind {
    STEP_WEIGHT,
    STEP_PAUSE,
    STEP_ANALYSIS,
    STEP_SCALE,
    STEP_HEADER,
    STEP_MIRROR,
    STEP_EXPERIMENT,
    STEP_PLUGIN
};

struct step {
    enum step_kind kind;
    int weight;
    int64_t pause_ms;                 /* PAUSE_FOREVER: until somebody promotes */
    int scale_replicas, scale_weight; /* setCanaryScale; NOT_GIVEN */
    bool scale_match;
    const cJSON *json; /* the step's value */
};

/* 3 or "25%" */
struct amount {
    int value;
    bool percent;
};

struct threshold {
    bool given, percent;
    int value;
};

struct strategy {
    bool blue_green;
    int replicas;
    int deadline_s; /* progressDeadlineSeconds, 600 */
    bool deadline_abort;
    /* canary */
    int max_weight;
    struct step steps[STEPS_MAX];
    int step_count;
    bool routed, dynamic_stable;
    struct amount surge, unavailable;
    int min_pods;      /* NOT_GIVEN */
    int abort_delay_s; /* NOT_GIVEN: 30 */
    struct threshold threshold;
    const cJSON *background; /* analysis beside the steps, or NULL */
    int starting_step;
    /* blue/green */
    bool auto_promotion;
    int auto_promotion_s;
    int preview_replicas; /* NOT_GIVEN: all */
    int scale_down_delay_s;
    const cJSON *pre, *post;
};

/* Hears each fault: a JSON pointer below spec, and one sentence. */
struct strategy_faults {
    void (*tell)(void *arg, const char *pointer, const char *what);
    void *arg;
    int count;
};

/* `spec` is a Rollout's spec. `faults->count` stays 0 when it can be run. */
void strategy_read(const cJSON *spec, struct strategy *strategy, struct strategy_faults *faults);

/* Argo's pause durations: 30, "30", "5m", "1h30m". In seconds; 0: none given; -1: no duration. */
int64_t pause_seconds(const cJSON *duration);
/* Go's durations: "300ms" "1.5h" "2h45m". In ms; false: it is none. */
bool go_duration(const char *text, int64_t *ms);

/* "setWeight: 20", "setCanaryScale{weight: 20}": as kubectl-argo-rollouts shows a step. */
void step_text(const struct step *step, char *text, size_t size);

#endif
