/* engine_read.c - rollout.get, .list, .explain: how it stands, in numbers and in words. */
#include "answer.h"
#include "engine_ops.h"
#include "engine_run.h"
#include "tree.h"

#include <string.h>

static void put_time(cJSON *json, const char *name, int64_t ms) {
    char text[TIME_TEXT];
    if (ms <= 0 || ms == INT64_MAX) return;
    time_text(ms, text);
    put_text(json, name, text);
}

static void show_steps(const struct run *run, cJSON *out) {
    const struct strategy *strategy = &run->spec.strategy;
    cJSON *steps = put_array(out, "steps");
    static const char *const blue_green[] = {"preview", "pause", "switch", "verify", "finish"};
    const int count = strategy->blue_green ? 5 : strategy->step_count;
    const bool done = run->state.phase == MACHINE_PROMOTED;
    for (int i = 0; i < count; i++) {
        char text[120];
        cJSON *step = add_object(steps);
        if (strategy->blue_green)
            put_text(step, "step", blue_green[i]);
        else {
            step_text(&strategy->steps[i], text, sizeof text);
            put_text(step, "step", text);
        }
        put_text(step, "state",
                 done || i < run->state.step ? "done"
                 : i == run->state.step      ? "now"
                                             : "to come");
    }
}

static void show_run(const char *name, const struct analysis_spec *spec,
                     const struct analysis_run *run, cJSON *out) {
    if (!spec || run->phase == ANALYSIS_NONE) return;
    cJSON *json = put_object(out, name), *metrics = put_array(json, "metrics");
    put_text(json, "phase", analysis_phase_name(run->phase));
    if (run->message[0]) put_text(json, "message", run->message);
    for (int i = 0; i < run->count; i++) {
        const struct metric_result *result = &run->results[i];
        cJSON *metric = add_object(metrics);
        put_text(metric, "name", spec->metrics[i].name);
        put_text(metric, "phase", analysis_phase_name(result->phase));
        put_number(metric, "successful", result->successful);
        put_number(metric, "failed", result->failed);
        put_number(metric, "inconclusive", result->inconclusive);
        put_number(metric, "error", result->error);
        if (result->value[0]) put_text(metric, "last_value", result->value);
        if (result->why[0]) put_text(metric, "message", result->why);
        if (result->simulated) put_bool(metric, "simulated", true);
    }
}

static void show_hold(const struct machine_state *state, const struct run *run, cJSON *out) {
    if (state->phase != MACHINE_HELD) return;
    cJSON *hold = put_object(out, "hold");
    put_text(hold, "code", state->code);
    put_text(hold, "reason", state->message);
    put_text(hold, "owner", run->author);
    put_time(hold, "since", state->held_ms);
    put_time(hold, "until", state->hold_until_ms);
    put_text(hold, "then", state->hold_action == HOLD_STAYS ? "stay" : "abort");
}

static const char *phase_of(const struct run *run) {
    if (run->overtaken) return "Superseded";
    return run->queued ? "Queued" : machine_phase_name(run->state.phase);
}

void run_show(sl_call *call, const struct run *run, cJSON *out) {
    const struct machine_state *state = &run->state;
    put_text(out, "id", run->id);
    put_text(out, "app_name", run->app);
    put_text(out, "environment", run->environment);
    put_text(out, "image", run->image);
    put_text(out, "phase", phase_of(run));
    put_text(out, "status",
             run->overtaken ? "Degraded"
             : run->queued  ? "Progressing"
                            : machine_argo_phase(state->phase));
    put_text(out, "driver", run->driver);
    put_text(out, "risk_level", run->risk_level);
    put_number(out, "version", (double)run->version);
    put_time(out, "created_at", run->created_ms);
    put_time(out, "updated_at", run->updated_ms);
    if (run->queued) {
        put_text(out, "message",
                 run->overtaken ? "a newer version was approved before it began"
                                : "it waits to begin");
        return;
    }
    put_text(out, "strategy", run->spec.strategy.blue_green ? "blueGreen" : "canary");
    put_number(out, "generation", (double)state->generation);
    put_number(out, "attempt", state->attempt);
    put_number(out, "step", state->step);
    put_number(out, "weight", machine_wish(&run->spec, state).weight);
    put_number(out, "max_weight", run->spec.strategy.max_weight);
    put_text(out, "code", state->code);
    put_text(out, "message", state->message);
    put_text(out, "next_action", state->next);
    put_text(out, "evidence", state->evidence);
    put_number(out, "samples", (double)state->samples);
    put_bool(out, "simulated", state->simulated || strcmp(run->driver, "plan") == 0);
    if (state->override_by[0]) put_text(out, "vouched_by", state->override_by);
    put_time(out, "started_at", state->started_ms);
    put_time(out, "ended_at", state->ended_ms);
    const char *hash = text_of(run->plan, "policy_hash");
    if (hash) put_text(out, "policy_hash", hash);
    show_hold(state, run, out);
    show_steps(run, out);
    show_run("analysis", machine_analysis(&run->spec, state), &state->run, out);
    show_run("background_analysis", run->spec.background, &state->background, out);
    const cJSON *view = item_of(run->seen, "view");
    if (view) put_shared(out, "driver_view", view);
    (void)call;
}

static int add_verdicts(sl_call *call, const struct run *run, cJSON *out, int limit) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT verdict FROM rollout_verdict WHERE tenant = $1 AND run = $2 ORDER BY "
                      "id DESC LIMIT $3",
                      SL_ARGS(sl_text(run->id), sl_int(limit)));
    if (rc) return rc;
    cJSON *list = put_array(out, "verdicts");
    for (size_t i = 0; i < rows.count; i++) {
        cJSON *verdict = sl_cell_json(call, &rows, i, "verdict");
        if (verdict) cJSON_AddItemToArray(list, verdict);
    }
    return 0;
}

int rollout_get(sl_call *call, const cJSON *in, cJSON *out) {
    struct run *run;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc;
    run_show(call, run, out);
    sl_reply_etag(call, sl_printf(call, "v%lld", (long long)run->version));
    return add_verdicts(call, run, out, 20);
}

/* ---- list ---- */

static void add_row(cJSON *items, const sl_rows *rows, size_t i) {
    static const char *const texts[][2] = {{"id", "id"},
                                           {"app_name", "app"},
                                           {"environment", "environment"},
                                           {"phase", "phase"},
                                           {"image", "image"},
                                           {"driver", "driver"},
                                           {"risk_level", "risk_level"}};
    cJSON *item = add_object(items);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        put_borrowed(item, texts[t][0], sl_cell_text(rows, i, texts[t][1]));
    put_number(item, "version", (double)sl_cell_int(rows, i, "version"));
    put_time(item, "created_at", sl_cell_int(rows, i, "created_at"));
    put_time(item, "updated_at", sl_cell_int(rows, i, "updated_at"));
}

int rollout_list(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t limit = sl_get_int(in, "limit", 50);
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT id, app, environment, phase, image, driver, risk_level, version, created_at, "
        "updated_at FROM rollout_run WHERE tenant = $1 AND ($2 = '' OR app = $2) AND ($3 = '' OR "
        "environment = $3) AND ($4 = '' OR phase = $4) AND ($5 = 0 OR active = 1) AND ($6 = '' OR "
        "id < $6) ORDER BY id DESC LIMIT $7",
        SL_ARGS(sl_text(sl_get_text(in, "app_name", "")),
                sl_text(sl_get_text(in, "environment", "")), sl_text(sl_get_text(in, "phase", "")),
                sl_int(sl_get_bool(in, "active", 0)), sl_text(sl_get_text(in, "cursor", "")),
                sl_int(limit + 1)));
    if (rc) return rc;
    cJSON *items = put_array(out, "items");
    const size_t shown = rows.count > (size_t)limit ? (size_t)limit : rows.count;
    for (size_t i = 0; i < shown; i++) add_row(items, &rows, i);
    if (rows.count > shown)
        put_text(out, "next_cursor", sl_cell_text(&rows, shown - 1, "id"));
    else
        put_item(out, "next_cursor", cJSON_CreateNull());
    return 0;
}

/* ---- explain ---- */

static const char *line(sl_call *call, const char *text, const char *more) {
    return sl_printf(call, "%s%s\n", text, more);
}

static const char *state_words(sl_call *call, const struct run *run) {
    const struct machine_state *state = &run->state;
    const char *text = sl_printf(
        call, "%s of %s to %s (%s): %s, step %d of %d, %d of %d of the traffic%s\n", run->image,
        run->app, run->environment, run->driver, phase_of(run), state->step,
        run->spec.strategy.step_count, machine_wish(&run->spec, state).weight,
        run->spec.strategy.max_weight,
        strcmp(run->driver, "plan") == 0 ? " (simulated: the plan driver moves nothing)" : "");
    if (state->code[0])
        text = line(call, text, sl_printf(call, "Why: %s: %s", state->code, state->message));
    if (state->evidence[0])
        text = line(call, text,
                    sl_printf(call, "Evidence since the last change of weight: %s (%lld samples)",
                              state->evidence, (long long)state->samples));
    if (state->override_by[0])
        text =
            line(call, text,
                 sl_printf(call, "Vouched for by %s: %s", state->override_by, state->override_why));
    return text;
}

static const char *verdict_words(sl_call *call, const cJSON *verdicts, const char *text) {
    const cJSON *verdict;
    int told = 0;
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *would = text_of(verdict, "would_pass_if"), *fix = text_of(verdict, "fix");
        if (told++ == 8) break;
        text = line(call, text,
                    sl_printf(call, "Gate %s at step %d says %s: %s", text_of(verdict, "gate"),
                              (int)number_of(verdict, "step"), text_of(verdict, "outcome"),
                              text_of(verdict, "reason")));
        if (would) text = line(call, text, sl_printf(call, "   would pass if %s", would));
        if (fix) text = line(call, text, sl_printf(call, "   fix: %s", fix));
    }
    return text;
}

int rollout_explain(sl_call *call, const cJSON *in, cJSON *out) {
    struct run *run;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (!rc) rc = add_verdicts(call, run, out, 8);
    if (rc) return rc;
    const char *text = run->queued ? sl_printf(call, "%s of %s to %s waits to begin\n", run->image,
                                               run->app, run->environment)
                                   : state_words(call, run);
    text = verdict_words(call, item_of(out, "verdicts"), text);
    if (run->state.next[0]) text = line(call, text, sl_printf(call, "Next: %s", run->state.next));
    put_text(out, "id", run->id);
    put_text(out, "phase", phase_of(run));
    put_text(out, "text", text);
    return 0;
}
