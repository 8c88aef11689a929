/* manifests.c - see manifests.h: skeletons, values, and both together. */
#include "manifests.h"

#include "pod.h"
#include "steps.h"
#include "template.h"
#include "templates.inc"
#include "tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_BYTES = 8192, PLACES = 24 };

/* The places of a skeleton. A whole one stands for a number, an object or an array. */
enum { APP, NAMESPACE, NAMESPACE_LABELS, ID, RISK, REPLICAS, PORT, POD, STEPS };
static const struct {
    const char *name, *itself;
    bool whole;
} rows[MANIFEST_PLACES] = {
    [APP] = {"app", "$app", false},
    [NAMESPACE] = {"namespace", "$namespace", false},
    [NAMESPACE_LABELS] = {"namespace_labels", "\"$(namespace_labels)\"", true},
    [ID] = {"id", "$id", false},
    [RISK] = {"risk", "$risk", false},
    [REPLICAS] = {"replicas", "\"$(replicas)\"", true},
    [PORT] = {"port", "\"$(port)\"", true},
    [POD] = {"pod", "\"$(pod)\"", true},
    [STEPS] = {"steps", "\"$(steps)\"", true},
};

static bool is_blue_green(const struct plan *plan) {
    return plan->strategy && strcmp(plan->strategy, "bluegreen") == 0;
}

static bool has_budget(const struct plan *plan) {
    return replicas_of(plan->config) >= 2;
}

static bool has_own_steps(const struct plan *plan) {
    return !is_blue_green(plan) && cJSON_GetArraySize(plan->steps) > 0;
}

unsigned manifests_shape(const struct plan *plan) {
    unsigned shape = (unsigned)(pace_of(plan->risk_level) - pace_of("LOW"));
    return shape * 8 + is_blue_green(plan) * 4u + has_budget(plan) * 2u + has_own_steps(plan);
}

/* ---- the skeleton ---- */

/* What fills the places of the templates. */
struct draft {
    const struct plan *plan;
    const struct manifest_settings *settings;
    const struct pace *pace;
    struct place places[PLACES];
    size_t count;
    char *made[PLACES]; /* values that were made for it */
    size_t made_count;
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

/* Between quotes, and without a '$': the skeleton is filled again. */
static void place_setting(struct draft *draft, const char *name, const char *value) {
    struct text text;
    text_begin(&text, strlen(value) * 2 + 8);
    for (const char *dollar; (dollar = strchr(value, '$')); value = dollar + 1) {
        text_escaped_part(&text, value, (size_t)(dollar - value));
        text_say(&text, "\\u0024");
    }
    text_escaped(&text, value);
    (void)place_made(draft, name, &text);
}

static void place_number(struct draft *draft, const char *name, int number) {
    struct text text;
    text_begin(&text, 16);
    text_number(&text, number);
    (void)place_made(draft, name, &text);
}

static const char *place_filled(struct draft *draft, const char *name, const char *template) {
    struct text text;
    text_begin(&text, 1024);
    template_fill(&text, template, draft->places);
    return place_made(draft, name, &text);
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
    if (has_own_steps(plan)) {
        place(draft, rows[STEPS].name, rows[STEPS].itself);
    } else {
        struct text steps;
        text_begin(&steps, 1024);
        canary_steps(&steps, draft->pace, NULL, analysis);
        (void)place_made(draft, "steps", &steps);
    }
    (void)place_filled(draft, "strategy", template_canary);
}

static void place_all(struct draft *draft) {
    const struct manifest_settings *settings = draft->settings;
    for (int i = 0; i < STEPS; i++) place(draft, rows[i].name, rows[i].itself);
    place_setting(draft, "target", settings->success_target);
    place_setting(draft, "floor", settings->success_floor);
    place_setting(draft, "prometheus", settings->prometheus);
    place_setting(draft, "metric", settings->requests_metric);
    place_setting(draft, "code", settings->code_label);
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

char *manifests_skeleton(const struct plan *plan, const struct manifest_settings *settings) {
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
    if (has_budget(plan)) {
        text_say(&text, ",\"disruption_budget\":");
        template_fill(&text, template_disruption_budget, draft.places);
    }
    text_say(&text, ",\"deployment\":");
    template_fill(&text, template_deployment, draft.places);
    text_say(&text, "}");
    for (size_t i = 0; i < draft.made_count; i++) cJSON_free(draft.made[i]);
    return text_end(&text);
}

struct template *manifests_compile(const char *skeleton) {
    const char *names[MANIFEST_PLACES + 1] = {NULL};
    for (int i = 0; i < MANIFEST_PLACES; i++) names[i] = rows[i].name;
    return template_compile(skeleton, names);
}

/* ---- the values ---- */

static void fill(struct manifest_values *values, int place, const char *bytes) {
    values->fillings[place] = (struct filling){bytes, strlen(bytes)};
}

static void fill_made(struct manifest_values *values, int place, struct text *text) {
    size_t size = text->size;
    values->made[place] = text_end(text);
    values->fillings[place] = (struct filling){values->made[place], size};
}

static void fill_escaped(struct manifest_values *values, int place, const char *value) {
    if (text_is_plain(value)) {
        fill(values, place, value);
        return;
    }
    struct text text;
    text_begin(&text, strlen(value) * 2 + 8);
    text_escaped(&text, value);
    fill_made(values, place, &text);
}

static void fill_number(struct manifest_values *values, int place, char room[16], int number) {
    char *at = room + 15;
    unsigned rest = number < 0 ? 0U - (unsigned)number : (unsigned)number;
    *at = '\0';
    do *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) *--at = '-';
    values->fillings[place] = (struct filling){at, (size_t)(room + 15 - at)};
}

static void fill_labels(struct manifest_values *values, const struct plan *plan) {
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
    fill_made(values, NAMESPACE_LABELS, &text);
}

static void fill_pod(struct manifest_values *values, const struct plan *plan) {
    struct text pod;
    text_begin(&pod, 256);
    pod_template(&pod, plan->app, plan->config);
    fill_made(values, POD, &pod);
}

static void fill_steps(struct manifest_values *values, const struct plan *plan) {
    const struct place app[] = {{rows[APP].name, values->fillings[APP].bytes}, {NULL, NULL}};
    struct text analysis, steps;
    text_begin(&analysis, 256);
    template_fill(&analysis, template_analysis, app);
    char *between = text_end(&analysis);
    text_begin(&steps, 1024);
    canary_steps(&steps, pace_of(plan->risk_level), plan->steps, between);
    cJSON_free(between);
    fill_made(values, STEPS, &steps);
}

void manifest_values_begin(struct manifest_values *values, const struct plan *plan,
                           const struct manifest_settings *settings) {
    memset(values->fillings, 0, sizeof values->fillings);
    memset(values->made, 0, sizeof values->made);
    bool own_tenant = plan->tenant && strcmp(plan->tenant, "default") != 0;
    kube_name(values->namespace, own_tenant ? plan->tenant : NULL, plan->app, plan->environment);
    fill_escaped(values, APP, plan->app);
    fill_escaped(values, NAMESPACE, values->namespace);
    fill_labels(values, plan);
    fill_escaped(values, ID, plan->id ? plan->id : "");
    fill_escaped(values, RISK, plan->risk_level ? plan->risk_level : "UNKNOWN");
    fill_number(values, REPLICAS, values->replicas, replicas_of(plan->config));
    fill_number(values, PORT, values->port, port_of(plan->config, settings->default_port));
    fill_pod(values, plan);
    if (has_own_steps(plan)) fill_steps(values, plan);
}

void manifest_values_end(struct manifest_values *values) {
    for (int i = 0; i < MANIFEST_PLACES; i++) cJSON_free(values->made[i]);
}

/* ---- together ---- */

char *manifests_write(const struct plan *plan, const struct manifest_settings *settings) {
    struct manifest_values values;
    char *skeleton = manifests_skeleton(plan, settings);
    struct template *template = manifests_compile(skeleton);
    if (!template) abort();
    manifest_values_begin(&values, plan, settings);
    char *text = cJSON_malloc(template_size(template, values.fillings) + 1);
    *template_write(template, values.fillings, text) = '\0';
    manifest_values_end(&values);
    template_free(template);
    cJSON_free(skeleton);
    return text;
}

/* ---- as they are kept ---- */

void manifests_keep(struct text *text, const char *name, struct manifest_values *values) {
    text_say(text, "{\"template\":");
    text_string(text, name);
    text_say(text, ",\"places\":{");
    for (int i = 0; i < MANIFEST_PLACES; i++) {
        const struct filling *filling = &values->fillings[i];
        if (!filling->bytes) continue;
        if (i) text_say(text, ",");
        text_string(text, rows[i].name);
        text_say(text, ":");
        if (!rows[i].whole) text_say(text, "\"");
        values->kept_at[i] = text->size;
        text_add(text, filling->bytes, filling->size);
        if (!rows[i].whole) text_say(text, "\"");
    }
    text_say(text, "}}");
}

const char *manifests_kept_name(const cJSON *kept) {
    return cJSON_IsObject(item_of(kept, "places")) ? text_of(kept, "template") : NULL;
}

/* By name alone, so that a version with other places reads what this one has kept. */
char *manifests_restore(const cJSON *kept, const char *skeleton) {
    struct place places[PLACES + 1] = {{NULL, NULL}};
    char *made[PLACES];
    int count = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, item_of(kept, "places")) {
        if (count == PLACES) break;
        struct text text;
        text_begin(&text, 256);
        if (cJSON_IsString(value))
            text_escaped(&text, value->valuestring);
        else
            text_tree(&text, value);
        made[count] = text_end(&text);
        places[count] = (struct place){value->string, made[count]};
        count++;
    }
    struct text text;
    text_begin(&text, ROOM_BYTES);
    template_fill(&text, skeleton, places);
    for (int i = 0; i < count; i++) cJSON_free(made[i]);
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
