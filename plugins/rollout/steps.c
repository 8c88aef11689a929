#include "steps.h"

#include "decide.h"
#include "tree.h"

#include <string.h>

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

static void add_weight(struct text *text, long long weight) {
    text_say(text, "{\"setWeight\":");
    text_number(text, weight);
    text_say(text, "}");
}

static void add_pause(struct text *text, long long seconds) {
    text_say(text, ",{\"pause\":{\"duration\":\"");
    text_number(text, seconds);
    text_say(text, "s\"}}");
}

static void add_analysis(struct text *text, const char *analysis) {
    text_say(text, ",{\"analysis\":");
    text_add(text, analysis, strlen(analysis));
    text_say(text, "}");
}

static void add_paced(struct text *text, const struct pace *pace, const char *analysis) {
    for (const int *weight = pace->weights; *weight; weight++) {
        if (weight != pace->weights) text_say(text, ",");
        add_weight(text, *weight);
        if (*weight == 100) break;
        add_pause(text, pace->pause_s);
        add_analysis(text, analysis);
    }
}

static void add_wanted(struct text *text, const cJSON *wanted, const char *analysis) {
    const cJSON *step;
    cJSON_ArrayForEach(step, wanted) {
        double weight = number_of(step, "weight");
        double pause_ms = number_of(step, "pause");
        if (step != wanted->child) text_say(text, ",");
        add_weight(text, (long long)weight);
        if (pause_ms > 0) add_pause(text, (long long)(pause_ms / 1000));
        if (weight < 100 && !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(step, "analysis")))
            add_analysis(text, analysis);
    }
}

void canary_steps(struct text *text, const struct pace *pace, const cJSON *wanted,
                  const char *analysis) {
    text_say(text, "[");
    if (cJSON_GetArraySize(wanted))
        add_wanted(text, wanted, analysis);
    else
        add_paced(text, pace, analysis);
    text_say(text, "]");
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
