#include "manifests.h"

#include "names.h"
#include "pod.h"
#include "steps.h"
#include "template.h"
#include "templates.inc"
#include "tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ROOM_BYTES = 8192, PLACES = 24 };

/* What fills the places of the templates. */
struct draft {
    const struct plan *plan;
    const struct manifest_settings *settings;
    const struct pace *pace;
    struct place places[PLACES];
    size_t count;
    char *made[PLACES]; /* values that were made for it */
    size_t made_count;
    char namespace[KUBE_NAME_MAX + 1];
};

static void place(struct draft *draft, const char *name, const char *value) {
    draft->places[draft->count++] = (struct place){name, value};
}

/* Takes the text; the draft frees it. */
static const char *place_made(struct draft *draft, const char *name, struct text *text) {
    char *value = text_end(text);
    draft->made[draft->made_count++] = value;
    place(draft, name, value);
    return value;
}

static void place_escaped(struct draft *draft, const char *name, const char *value) {
    if (!value || text_is_plain(value)) {
        place(draft, name, value);
        return;
    }
    struct text text;
    text_begin(&text, strlen(value) * 2 + 8);
    text_escaped(&text, value);
    place_made(draft, name, &text);
}

static void place_number(struct draft *draft, const char *name, int number) {
    struct text text;
    text_begin(&text, 16);
    text_number(&text, number);
    (void)place_made(draft, name, &text);
}

static void place_namespace(struct draft *draft) {
    const struct plan *plan = draft->plan;
    bool own_tenant = plan->tenant && strcmp(plan->tenant, "default") != 0;
    kube_name(draft->namespace, own_tenant ? plan->tenant : NULL, plan->app, plan->environment);
    place(draft, "namespace", draft->namespace);
    const char *const labels[][2] = {{"sluice/environment", plan->environment},
                                     {"sluice/data-classification", plan->data_classification},
                                     {"sluice/exposure", plan->exposure}};
    struct text text;
    text_begin(&text, 256);
    text_say(&text, "{\"app.kubernetes.io/managed-by\":\"sluice\"");
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (!labels[i][1]) continue;
        text_say(&text, ",");
        text_string(&text, labels[i][0]);
        text_say(&text, ":");
        text_string(&text, labels[i][1]);
    }
    text_say(&text, "}");
    place_made(draft, "namespace_labels", &text);
}

static const char *place_filled(struct draft *draft, const char *name, const char *template) {
    struct text text;
    text_begin(&text, 1024);
    template_fill(&text, template, draft->places);
    return place_made(draft, name, &text);
}

static bool is_blue_green(const struct plan *plan) {
    return plan->strategy && strcmp(plan->strategy, "bluegreen") == 0;
}

static void place_strategy(struct draft *draft) {
    const struct plan *plan = draft->plan;
    const char *analysis = place_filled(draft, "analysis", template_analysis);
    if (is_blue_green(plan)) {
        place(draft, "automatic", draft->pace->promote_automatically ? "true" : "false");
        place_number(draft, "keep_old", draft->pace->keep_old_s);
        (void)place_filled(draft, "strategy", template_bluegreen);
        return;
    }
    struct text steps;
    text_begin(&steps, 1024);
    canary_steps(&steps, draft->pace, plan->steps, analysis);
    (void)place_made(draft, "steps", &steps);
    (void)place_filled(draft, "strategy", template_canary);
}

static void place_all(struct draft *draft) {
    const struct plan *plan = draft->plan;
    const struct manifest_settings *settings = draft->settings;
    place_escaped(draft, "app", plan->app);
    place_namespace(draft);
    place_escaped(draft, "id", plan->id ? plan->id : "");
    place_escaped(draft, "risk", plan->risk_level ? plan->risk_level : "UNKNOWN");
    place_number(draft, "replicas", replicas_of(plan->config));
    place_number(draft, "port", port_of(plan->config, settings->default_port));
    place(draft, "target", settings->success_target);
    place(draft, "floor", settings->success_floor);
    place_escaped(draft, "prometheus", settings->prometheus);
    place_escaped(draft, "metric", settings->requests_metric);
    place_escaped(draft, "code", settings->code_label);
    struct text pod;
    text_begin(&pod, 512);
    pod_template(&pod, plan->app, plan->config);
    (void)place_made(draft, "pod", &pod);
    place_strategy(draft);
}

static void write_services(struct text *text, struct draft *draft) {
    bool bluegreen = is_blue_green(draft->plan);
    const char *const roles[] = {bluegreen ? "active" : "stable", bluegreen ? "preview" : "canary"};
    struct place *role = &draft->places[draft->count];
    place(draft, "role", roles[0]);
    text_say(text, ",\"services\":[");
    template_fill(text, template_service, draft->places);
    text_say(text, ",");
    role->value = roles[1];
    template_fill(text, template_service, draft->places);
    text_say(text, "]");
}

char *manifests_write(const struct plan *plan, const struct manifest_settings *settings) {
    struct draft draft = {.plan = plan, .settings = settings, .pace = pace_of(plan->risk_level)};
    place_all(&draft);
    struct text text;
    text_begin(&text, ROOM_BYTES);
    text_say(&text, "{\"namespace\":");
    template_fill(&text, template_namespace, draft.places);
    text_say(&text, ",\"rollout\":");
    template_fill(&text, template_rollout, draft.places);
    write_services(&text, &draft);
    text_say(&text, ",\"analysis_template\":");
    template_fill(&text, template_analysis_template, draft.places);
    if (replicas_of(plan->config) >= 2) {
        text_say(&text, ",\"disruption_budget\":");
        template_fill(&text, template_disruption_budget, draft.places);
    }
    text_say(&text, ",\"deployment\":");
    template_fill(&text, template_deployment, draft.places);
    text_say(&text, "}");
    for (size_t i = 0; i < draft.made_count; i++) cJSON_free(draft.made[i]);
    return text_end(&text);
}

cJSON *manifests_to_apply(const cJSON *manifests) {
    cJSON *objects = cJSON_CreateArray();
    static const char *const order[] = {"namespace", "analysis_template", "services",
                                        "disruption_budget", "rollout"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(manifests, order[i]);
        if (cJSON_IsArray(item)) {
            cJSON *each;
            cJSON_ArrayForEach(each, item) cJSON_AddItemReferenceToArray(objects, each);
        } else if (item) {
            cJSON_AddItemReferenceToArray(objects, item);
        }
    }
    return objects;
}
