#include "machine.h"

#include "tree.h"

#include <stdio.h>
#include <string.h>

/* Members that are 0 or empty are left out. */
static void number(cJSON *json, const char *name, int64_t value) {
    if (value) put_number(json, name, (double)value);
}

static void text(cJSON *json, const char *name, const char *value) {
    if (*value) put_text(json, name, value);
}

static void flag(cJSON *json, const char *name, bool value) {
    if (value) put_bool(json, name, true);
}

static int64_t whole(const cJSON *json, const char *name) {
    return (int64_t)number_of(json, name);
}

static bool is_set(const cJSON *json, const char *name) {
    return cJSON_IsTrue(item_of(json, name));
}

#define READ_TEXT(TO, JSON, NAME)                                                                  \
    do {                                                                                           \
        const char *found = text_of(JSON, NAME);                                                   \
        (void)snprintf(TO, sizeof(TO), "%s", found ? found : "");                                  \
    } while (0)

/* ---- runs ---- */

static cJSON *save_result(const struct metric_result *result) {
    cJSON *json = cJSON_CreateObject();
    text(json, "phase", analysis_phase_name(result->phase));
    text(json, "last", analysis_phase_name(result->last));
    number(json, "count", result->count);
    number(json, "successful", result->successful);
    number(json, "failed", result->failed);
    number(json, "inconclusive", result->inconclusive);
    number(json, "error", result->error);
    number(json, "consecutiveError", result->consecutive_error);
    number(json, "consecutiveSuccess", result->consecutive_success);
    number(json, "at", result->at_ms);
    text(json, "value", result->value);
    text(json, "message", result->why);
    flag(json, "simulated", result->simulated);
    return json;
}

static void load_result(const cJSON *json, struct metric_result *result) {
    result->phase = analysis_phase_of(text_of(json, "phase"));
    result->last = analysis_phase_of(text_of(json, "last"));
    result->count = (int)whole(json, "count");
    result->successful = (int)whole(json, "successful");
    result->failed = (int)whole(json, "failed");
    result->inconclusive = (int)whole(json, "inconclusive");
    result->error = (int)whole(json, "error");
    result->consecutive_error = (int)whole(json, "consecutiveError");
    result->consecutive_success = (int)whole(json, "consecutiveSuccess");
    result->at_ms = whole(json, "at");
    READ_TEXT(result->value, json, "value");
    READ_TEXT(result->why, json, "message");
    result->simulated = is_set(json, "simulated");
}

static void save_run(cJSON *parent, const char *name, const struct analysis_run *run) {
    if (run->phase == ANALYSIS_NONE) return;
    cJSON *json = put_object(parent, name), *results = put_array(json, "metrics");
    text(json, "phase", analysis_phase_name(run->phase));
    number(json, "startedAt", run->started_ms);
    number(json, "endedAt", run->ended_ms);
    flag(json, "terminate", run->terminate);
    text(json, "message", run->message);
    number(json, "dryCount", run->dry_count);
    number(json, "dryFailed", run->dry_failed);
    number(json, "dryInconclusive", run->dry_inconclusive);
    number(json, "dryError", run->dry_error);
    for (int i = 0; i < run->count; i++)
        cJSON_AddItemToArray(results, save_result(&run->results[i]));
}

static void load_run(const cJSON *json, struct analysis_run *run) {
    const cJSON *result;
    if (!json) return;
    run->phase = analysis_phase_of(text_of(json, "phase"));
    run->started_ms = whole(json, "startedAt");
    run->ended_ms = whole(json, "endedAt");
    run->terminate = is_set(json, "terminate");
    READ_TEXT(run->message, json, "message");
    run->dry_count = (int)whole(json, "dryCount");
    run->dry_failed = (int)whole(json, "dryFailed");
    run->dry_inconclusive = (int)whole(json, "dryInconclusive");
    run->dry_error = (int)whole(json, "dryError");
    cJSON_ArrayForEach(result, item_of(json, "metrics")) {
        if (run->count < METRICS_MAX) load_result(result, &run->results[run->count++]);
    }
}

/* ---- the state ---- */

static void save_times(cJSON *json, const struct machine_state *state) {
    number(json, "clock", state->clock_ms);
    number(json, "started", state->started_ms);
    number(json, "entered", state->entered_ms);
    number(json, "shifted", state->shifted_ms);
    number(json, "settled", state->settled_ms);
    number(json, "evidenceAt", state->evidence_ms);
    number(json, "paused", state->paused_ms);
    number(json, "held", state->held_ms);
    /* a hold without an end has no deadline to keep: it is its action */
    number(json, "holdUntil", state->hold_until_ms == INT64_MAX ? -1 : state->hold_until_ms);
    number(json, "blind", state->blind_ms);
    number(json, "ended", state->ended_ms);
}

static void load_times(const cJSON *json, struct machine_state *state) {
    state->clock_ms = whole(json, "clock");
    state->started_ms = whole(json, "started");
    state->entered_ms = whole(json, "entered");
    state->shifted_ms = whole(json, "shifted");
    state->settled_ms = whole(json, "settled");
    state->evidence_ms = whole(json, "evidenceAt");
    state->paused_ms = whole(json, "paused");
    state->held_ms = whole(json, "held");
    state->hold_until_ms = whole(json, "holdUntil");
    if (state->hold_until_ms < 0) state->hold_until_ms = INT64_MAX;
    state->blind_ms = whole(json, "blind");
    state->ended_ms = whole(json, "ended");
}

cJSON *machine_save(const struct machine_state *state) {
    cJSON *json = cJSON_CreateObject();
    text(json, "phase", machine_phase_name(state->phase));
    number(json, "generation", state->generation);
    number(json, "attempt", state->attempt);
    number(json, "step", state->step);
    number(json, "weight", state->weight);
    save_times(json, state);
    number(json, "samples", state->samples);
    flag(json, "simulated", state->simulated);
    text(json, "evidence", state->evidence);
    flag(json, "passed", state->passed);
    flag(json, "userPaused", state->user_paused);
    flag(json, "switched", state->switched);
    flag(json, "holdStays", state->hold_action == HOLD_STAYS);
    text(json, "code", state->code);
    text(json, "message", state->message);
    text(json, "next", state->next);
    text(json, "overrideBy", state->override_by);
    text(json, "overrideWhy", state->override_why);
    flag(json, "full", state->full);
    number(json, "runKind", state->run_kind);
    save_run(json, "run", &state->run);
    save_run(json, "background", &state->background);
    return json;
}

static bool load_phase(const cJSON *json, struct machine_state *state) {
    const char *name = text_of(json, "phase");
    for (int i = MACHINE_PROGRESSING; name && i <= MACHINE_ABORTED; i++) {
        if (strcmp(machine_phase_name((enum machine_phase)i), name) != 0) continue;
        state->phase = (enum machine_phase)i;
        return true;
    }
    return false;
}

bool machine_load(const cJSON *json, const struct machine_spec *spec, struct machine_state *state) {
    memset(state, 0, sizeof *state); /* padding too: states are compared as bytes */
    if (!load_phase(json, state)) return false;
    state->generation = whole(json, "generation");
    state->attempt = (int)whole(json, "attempt");
    state->step = (int)whole(json, "step");
    state->weight = (int)whole(json, "weight");
    load_times(json, state);
    state->samples = whole(json, "samples");
    state->simulated = is_set(json, "simulated");
    READ_TEXT(state->evidence, json, "evidence");
    state->passed = is_set(json, "passed");
    state->user_paused = is_set(json, "userPaused");
    state->switched = is_set(json, "switched");
    state->hold_action = is_set(json, "holdStays") ? HOLD_STAYS : HOLD_ABORTS;
    READ_TEXT(state->code, json, "code");
    READ_TEXT(state->message, json, "message");
    READ_TEXT(state->next, json, "next");
    READ_TEXT(state->override_by, json, "overrideBy");
    READ_TEXT(state->override_why, json, "overrideWhy");
    state->full = is_set(json, "full");
    const int64_t kind = whole(json, "runKind");
    state->run_kind = kind >= RUN_NONE && kind <= RUN_POST ? (enum run_kind)kind : RUN_NONE;
    load_run(item_of(json, "run"), &state->run);
    load_run(item_of(json, "background"), &state->background);
    const struct analysis_spec *analysis = machine_analysis(spec, state);
    const bool fits = state->step >= 0 && state->step <= STEPS_MAX && state->weight >= 0 &&
                      state->weight <= spec->strategy.max_weight;
    /* a plan is kept with its state, so they always fit; a damaged row must not run over the ends */
    return fits && (!analysis || analysis->count == state->run.count) &&
           (state->background.phase == ANALYSIS_NONE ||
            (spec->background && state->background.count == spec->background->count));
}
