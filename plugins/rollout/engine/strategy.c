#include "strategy.h"

#include "tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTER_BYTES = 120, DEADLINE_S = 600, SCALE_DOWN_S = 30, INT_MOST = 1000000000 };

struct reading {
    struct strategy_faults *faults;
    char pointer[POINTER_BYTES];
};

static void tell(struct reading *r, const char *member, const char *what) {
    char pointer[POINTER_BYTES + 64];
    (void)snprintf(pointer, sizeof pointer, "%s%s%s", r->pointer, *member ? "/" : "", member);
    r->faults->count++;
    if (r->faults->tell) r->faults->tell(r->faults->arg, pointer, what);
}

static void at(struct reading *r, const char *pointer) {
    (void)snprintf(r->pointer, sizeof r->pointer, "%s", pointer);
}

static int whole(struct reading *r, const cJSON *of, const char *member, int least, int otherwise) {
    const cJSON *item = item_of(of, member);
    if (!item) return otherwise;
    const double value = item->valuedouble;
    if (cJSON_IsNumber(item) && value == floor(value) && value >= least && value <= INT_MOST)
        return (int)value;
    tell(r, member, least ? "must be a whole number above 0" : "must be a whole number from 0 on");
    return otherwise;
}

static bool flag(struct reading *r, const cJSON *of, const char *member, bool otherwise) {
    const cJSON *item = item_of(of, member);
    if (!item) return otherwise;
    if (!cJSON_IsBool(item)) tell(r, member, "must be true or false");
    return cJSON_IsTrue(item);
}

/* ---- durations ---- */

static bool unit_of(const char **at, double *ms) {
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"ms", 1},
                 {"s", 1000},  {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t size = strlen(units[i].name);
        if (strncmp(*at, units[i].name, size) != 0) continue;
        /* "m" must not swallow the m of "ms" */
        if (size == 1 && **at == 'm' && (*at)[1] == 's') continue;
        *at += size;
        *ms = units[i].ms;
        return true;
    }
    return false;
}

bool go_duration(const char *text, int64_t *ms) {
    double total = 0;
    const char *at = text;
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    *ms = 0;
    if (strcmp(at, "0") == 0) return true;
    if (!*at) return false;
    while (*at) {
        char *end;
        double unit;
        if (!strchr("0123456789.", *at)) return false;
        const double number = strtod(at, &end);
        if (end == at || memchr(at, 'e', (size_t)(end - at)) || memchr(at, 'x', (size_t)(end - at)))
            return false;
        at = end;
        if (!unit_of(&at, &unit)) return false;
        total += number * unit;
    }
    if (total > 9.2e12) return false; /* Go's own limit, 292 years of ns */
    *ms = (int64_t)(negative ? -total : total);
    return true;
}

int64_t pause_seconds(const cJSON *duration) {
    if (!duration || cJSON_IsNull(duration)) return 0;
    if (cJSON_IsNumber(duration)) return (int64_t)duration->valuedouble;
    if (!cJSON_IsString(duration)) return -1;
    char *end;
    const char *text = duration->valuestring;
    const long seconds = strtol(text, &end, 10);
    if (*text && !*end) return seconds;
    int64_t ms;
    return go_duration(text, &ms) ? ms / 1000 : -1;
}

/* ---- steps ---- */

static void read_pause(struct reading *r, const cJSON *value, struct step *step) {
    const cJSON *duration = item_of(value, "duration");
    step->pause_ms = PAUSE_FOREVER;
    if (!duration) return;
    const int64_t seconds = pause_seconds(duration);
    if (seconds < 0 || seconds > INT_MOST)
        tell(r, "pause/duration", "must be seconds, or a text such as \"30s\", \"5m\", \"1h\"");
    else
        step->pause_ms = seconds * 1000;
}

static void read_scale(struct reading *r, const cJSON *value, struct step *step) {
    step->scale_replicas = whole(r, value, "replicas", 0, NOT_GIVEN);
    step->scale_weight = whole(r, value, "weight", 0, NOT_GIVEN);
    step->scale_match = cJSON_IsTrue(item_of(value, "matchTrafficWeight"));
    const int given = (step->scale_replicas != NOT_GIVEN) + (step->scale_weight != NOT_GIVEN) +
                      (step->scale_match ? 1 : 0);
    if (given != 1)
        tell(r, "setCanaryScale", "needs exactly one of replicas, weight, matchTrafficWeight");
}

static const char *const kinds[] = {"setWeight",      "pause",          "analysis",
                                    "setCanaryScale", "setHeaderRoute", "setMirrorRoute",
                                    "experiment",     "plugin"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void read_step(struct reading *r, const cJSON *json, const struct strategy *strategy,
                      struct step *step) {
    int found = 0;
    *step = (struct step){.scale_replicas = NOT_GIVEN, .scale_weight = NOT_GIVEN};
    for (int k = 0; k < KINDS; k++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, kinds[k]);
        if (!value) continue;
        step->kind = (enum step_kind)k;
        step->json = value;
        found++;
    }
    if (found != 1) {
        tell(r, "",
             "a step is exactly one of setWeight, pause, analysis, setCanaryScale, "
             "setHeaderRoute, setMirrorRoute, experiment, plugin");
        return;
    }
    if (step->kind == STEP_PAUSE) read_pause(r, step->json, step);
    if (step->kind == STEP_SCALE) read_scale(r, step->json, step);
    if (step->kind == STEP_PLUGIN) tell(r, "plugin", "step plugins of Argo cannot run here");
    if (step->kind != STEP_WEIGHT) return;
    step->weight = whole(r, json, "setWeight", 0, 0);
    if (step->weight > strategy->max_weight)
        tell(r, "setWeight", "must not be above maxTrafficWeight (100 where none is given)");
}

static void read_steps(struct reading *r, const cJSON *steps, struct strategy *strategy) {
    const cJSON *json;
    cJSON_ArrayForEach(json, steps) {
        char pointer[POINTER_BYTES];
        (void)snprintf(pointer, sizeof pointer, "/strategy/canary/steps/%d", strategy->step_count);
        at(r, pointer);
        if (strategy->step_count == STEPS_MAX) {
            tell(r, "", "more than 64 steps");
            return;
        }
        read_step(r, json, strategy, &strategy->steps[strategy->step_count++]);
    }
}

/* ---- canary and blue/green ---- */

static struct amount read_amount(struct reading *r, const cJSON *of, const char *member,
                                 struct amount otherwise) {
    const cJSON *item = item_of(of, member);
    if (!item) return otherwise;
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= INT_MOST)
        return (struct amount){.value = (int)item->valuedouble};
    char *end = NULL;
    const long percent = cJSON_IsString(item) ? strtol(item->valuestring, &end, 10) : -1;
    if (end && strcmp(end, "%") == 0 && percent >= 0 && percent <= 1000)
        return (struct amount){.value = (int)percent, .percent = true};
    tell(r, member, "must be a number of pods or a share such as \"25%\"");
    return otherwise;
}

static void read_threshold(const cJSON *json, struct threshold *threshold) {
    if (!json) return;
    const char *type = text_of(json, "type");
    *threshold = (struct threshold){.given = true,
                                    .percent = type && strcmp(type, "Percent") == 0,
                                    .value = (int)number_of(json, "value")};
}

static void read_canary(struct reading *r, const cJSON *canary, struct strategy *strategy) {
    const struct amount quarter = {.value = 25, .percent = true};
    const cJSON *routing = item_of(canary, "trafficRouting");
    strategy->routed = routing != NULL;
    at(r, "/strategy/canary/trafficRouting");
    strategy->max_weight = whole(r, routing, "maxTrafficWeight", 1, 100);
    at(r, "/strategy/canary");
    strategy->dynamic_stable = flag(r, canary, "dynamicStableScale", false);
    strategy->surge = read_amount(r, canary, "maxSurge", quarter);
    strategy->unavailable = read_amount(r, canary, "maxUnavailable", quarter);
    strategy->min_pods = whole(r, canary, "minPodsPerReplicaSet", 0, NOT_GIVEN);
    strategy->abort_delay_s = whole(r, canary, "abortScaleDownDelaySeconds", 0, NOT_GIVEN);
    strategy->scale_down_delay_s = whole(r, canary, "scaleDownDelaySeconds", 0, SCALE_DOWN_S);
    read_threshold(item_of(canary, "replicaProgressThreshold"), &strategy->threshold);
    strategy->background = item_of(canary, "analysis");
    at(r, "/strategy/canary/analysis");
    strategy->starting_step = whole(r, strategy->background, "startingStep", 0, 0);
    if (strategy->dynamic_stable && !strategy->routed) {
        at(r, "/strategy/canary");
        tell(r, "dynamicStableScale", "needs trafficRouting");
    }
    read_steps(r, item_of(canary, "steps"), strategy);
}

static void read_blue_green(struct reading *r, const cJSON *json, struct strategy *strategy) {
    at(r, "/strategy/blueGreen");
    strategy->blue_green = true;
    strategy->max_weight = 100;
    if (!text_of(json, "activeService")) tell(r, "activeService", "is missing");
    strategy->auto_promotion = flag(r, json, "autoPromotionEnabled", true);
    strategy->auto_promotion_s = whole(r, json, "autoPromotionSeconds", 0, 0);
    strategy->preview_replicas = whole(r, json, "previewReplicaCount", 0, NOT_GIVEN);
    strategy->scale_down_delay_s = whole(r, json, "scaleDownDelaySeconds", 0, SCALE_DOWN_S);
    strategy->abort_delay_s = whole(r, json, "abortScaleDownDelaySeconds", 0, NOT_GIVEN);
    strategy->pre = item_of(json, "prePromotionAnalysis");
    strategy->post = item_of(json, "postPromotionAnalysis");
}

void strategy_read(const cJSON *spec, struct strategy *strategy, struct strategy_faults *faults) {
    struct reading r = {.faults = faults};
    const cJSON *kind = item_of(spec, "strategy");
    const cJSON *canary = item_of(kind, "canary"), *blue_green = item_of(kind, "blueGreen");
    *strategy = (struct strategy){.max_weight = 100,
                                  .min_pods = NOT_GIVEN,
                                  .abort_delay_s = NOT_GIVEN,
                                  .preview_replicas = NOT_GIVEN,
                                  .scale_down_delay_s = SCALE_DOWN_S};
    strategy->replicas = whole(&r, spec, "replicas", 0, 1);
    strategy->deadline_s = whole(&r, spec, "progressDeadlineSeconds", 1, DEADLINE_S);
    strategy->deadline_abort = flag(&r, spec, "progressDeadlineAbort", false);
    at(&r, "/strategy");
    if (!canary == !blue_green) {
        tell(&r, "", "needs exactly one of canary and blueGreen");
        return;
    }
    if (canary)
        read_canary(&r, canary, strategy);
    else
        read_blue_green(&r, blue_green, strategy);
}

/* ---- words ---- */

static void pause_text(const struct step *step, char *text, size_t size) {
    const cJSON *duration = item_of(step->json, "duration");
    if (cJSON_IsString(duration))
        (void)snprintf(text, size, "pause: %s", duration->valuestring);
    else if (duration)
        (void)snprintf(text, size, "pause: %g", duration->valuedouble);
    else
        (void)snprintf(text, size, "pause");
}

void step_text(const struct step *step, char *text, size_t size) {
    const char *name = text_of(step->json, "name");
    switch (step->kind) {
    case STEP_WEIGHT:
        (void)snprintf(text, size, "setWeight: %d", step->weight);
        return;
    case STEP_PAUSE:
        pause_text(step, text, size);
        return;
    case STEP_SCALE:
        if (step->scale_weight != NOT_GIVEN)
            (void)snprintf(text, size, "setCanaryScale{weight: %d}", step->scale_weight);
        else if (step->scale_match)
            (void)snprintf(text, size, "setCanaryScale{matchTrafficWeight: true}");
        else
            (void)snprintf(text, size, "setCanaryScale{replicas: %d}", step->scale_replicas);
        return;
    case STEP_HEADER:
    case STEP_MIRROR:
    case STEP_PLUGIN:
        (void)snprintf(text, size, "%s: %s", kinds[step->kind], name ? name : "");
        return;
    default:
        (void)snprintf(text, size, "%s", kinds[step->kind]);
    }
}
