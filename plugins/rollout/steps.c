#include "steps.h"

#include "decide.h"
#include "tree.h"

#include <stdio.h>

static const struct pace paces[] = {
    {"LOW", {25, 50, 100}, 120, 300, 1},
    {"MED", {10, 25, 50, 100}, 300, 600, 0},
    {"HIGH", {5, 10, 25, 50, 100}, 600, 1800, 0},
    {"CRITICAL", {5, 10, 25, 50, 100}, 1200, 3600, 0},
};

const struct pace *pace_of(const char *risk_level) {
    int rank = risk_rank(risk_level);
    return &paces[rank < 0 ? 2 : rank];
}

static void add_weight(cJSON *steps, double weight) {
    put_number(add_object(steps), "setWeight", weight);
}

static void add_pause(cJSON *steps, double seconds) {
    char duration[32];
    (void)snprintf(duration, sizeof duration, "%.0fs", seconds);
    put_text(put_object(add_object(steps), "pause"), "duration", duration);
}

void put_analysis(cJSON *parent, const char *name, const char *template_name) {
    cJSON *analysis = put_object(parent, name);
    put_borrowed(add_object(put_array(analysis, "templates")), "templateName", template_name);
    cJSON *hash = add_object(put_array(analysis, "args"));
    put_borrowed(hash, "name", "hash");
    put_borrowed(put_object(hash, "valueFrom"), "podTemplateHashValue", "Latest");
}

static cJSON *steps_of_pace(const struct pace *pace, const char *template_name) {
    cJSON *steps = cJSON_CreateArray();
    for (const int *weight = pace->weights; *weight; weight++) {
        add_weight(steps, *weight);
        if (*weight == 100) break;
        add_pause(steps, pace->pause_s);
        put_analysis(add_object(steps), "analysis", template_name);
    }
    return steps;
}

static cJSON *steps_of_request(const cJSON *wanted, const char *template_name) {
    cJSON *steps = cJSON_CreateArray();
    const cJSON *step;
    cJSON_ArrayForEach(step, wanted) {
        double weight = number_of(step, "weight");
        double pause_ms = number_of(step, "pause");
        add_weight(steps, weight);
        if (pause_ms > 0) add_pause(steps, pause_ms / 1000);
        if (weight < 100 && !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(step, "analysis")))
            put_analysis(add_object(steps), "analysis", template_name);
    }
    return steps;
}

cJSON *canary_steps(const struct pace *pace, const cJSON *wanted, const char *template_name) {
    return cJSON_GetArraySize(wanted) ? steps_of_request(wanted, template_name)
                                      : steps_of_pace(pace, template_name);
}

const char *steps_fault(const cJSON *wanted, int *index) {
    double before = 0;
    int at = 0;
    const cJSON *step;
    cJSON_ArrayForEach(step, wanted) {
        double weight = number_of(step, "weight");
        double pause_ms = number_of(step, "pause");
        *index = at++;
        if (weight <= before) return "each step must carry more weight than the one before";
        if (pause_ms > 0 && pause_ms < 1000) return "a pause lasts at least one second";
        before = weight;
    }
    return NULL;
}
