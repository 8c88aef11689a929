/* engine_store.c - rollouts in the store: reading, and one transition as one batch with its events. */
#include "answer.h"
#include "engine_run.h"
#include "tree.h"

#include <string.h>

enum { BUCKET_MS = 1000 };

static const char *text_cell(const sl_rows *rows, size_t i, const char *name) {
    const char *text = sl_cell_text(rows, i, name);
    return text ? text : "";
}

static int damaged(sl_call *call, const char *id) {
    return sl_fail(call, SL_INTERNAL, "rollout %s is damaged: run 'sluice db check'", id);
}

int run_of_row(sl_call *call, const sl_rows *rows, size_t i, struct run **out) {
    struct run *run = sl_alloc(call, sizeof *run);
    *out = run;
    run->id = text_cell(rows, i, "id");
    run->app = text_cell(rows, i, "app");
    run->environment = text_cell(rows, i, "environment");
    run->image = text_cell(rows, i, "image");
    run->driver = text_cell(rows, i, "driver");
    run->risk_level = text_cell(rows, i, "risk_level");
    run->author = text_cell(rows, i, "author");
    run->overtaken = strcmp(text_cell(rows, i, "phase"), "Superseded") == 0;
    run->queued = run->overtaken || strcmp(text_cell(rows, i, "phase"), "Queued") == 0;
    run->version = sl_cell_int(rows, i, "version");
    run->created_ms = sl_cell_int(rows, i, "created_at");
    run->updated_ms = sl_cell_int(rows, i, "updated_at");
    run->seen = sl_cell_json(call, rows, i, "seen");
    if (!run->seen) run->seen = cJSON_CreateObject();
    if (*text_cell(rows, i, "plan")) {
        run->plan = sl_cell_json(call, rows, i, "plan");
        if (!run->plan) return damaged(call, run->id);
        int rc = run_read_plan(call, run);
        if (rc) return rc;
    }
    if (run->queued) return 0;
    const cJSON *state = sl_cell_json(call, rows, i, "state");
    return run->plan && state && machine_load(state, &run->spec, &run->state)
               ? 0
               : damaged(call, run->id);
}

int run_load(sl_call *call, const char *id, struct run **out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT " RUN_COLUMNS " FROM rollout_run WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no rollout '%s'; rollout.list shows those that are", id);
    return run_of_row(call, &rows, 0, out);
}

void run_wake(sl_call *call, sl_batch *batch, int64_t at_ms) {
    const int64_t now_ms = sl_now_ms(call);
    if (at_ms <= now_ms + BUCKET_MS) { /* the tick, as soon as can be */
        sl_batch_job(batch, "tick", "tick", now_ms, NULL);
        return;
    }
    /* All that falls due in one second shares one job. */
    const int64_t bucket_ms = (at_ms + BUCKET_MS - 1) / BUCKET_MS * BUCKET_MS;
    sl_batch_job(batch, "tick", sl_printf(call, "at:%lld", (long long)bucket_ms), bucket_ms, NULL);
}

void run_add(sl_call *call, sl_batch *batch, const char *id, const struct run *run) {
    const int64_t now_ms = sl_now_ms(call);
    const char *undo_of = text_of(run->plan, "undo_of");
    sl_batch_add(
        batch,
        "INSERT INTO rollout_run (tenant, id, app, environment, image, driver, "
        "risk_level, author, phase, active, version, due_at, created_at, updated_at, "
        "ended_at, undo_of, plan, state, seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
        "'Queued', 1, 1, 0, $9, $9, 0, $11, $10, '', '') ON CONFLICT (tenant, id) DO NOTHING",
        SL_ARGS(sl_text(id), sl_text(run->app), sl_text(run->environment), sl_text(run->image),
                sl_text(run->driver), sl_text(run->risk_level), sl_text(run->author),
                sl_int(now_ms), sl_text(run->plan ? sl_json_print(call, run->plan) : ""),
                sl_text(undo_of ? undo_of : "")));
    sl_batch_job(batch, "tick", "tick", now_ms, NULL);
}

/* A time that is near is polled by the tick: then nothing is written while nothing happens. */
static int64_t due_to_keep(const struct run *run, int64_t now_ms) {
    const int64_t due_ms = machine_due_ms(&run->spec, &run->state);
    return due_ms <= now_ms + 2 * run->spec.look_ms ? 0 : due_ms;
}

sl_batch *run_save(sl_call *call, struct run *run) {
    sl_batch *batch = sl_batch_new(call);
    const int64_t now_ms = sl_now_ms(call);
    const bool ended = machine_ended(&run->state);
    const int64_t due_ms = ended ? 0 : due_to_keep(run, now_ms);
    sl_batch_demand(
        batch, 1, "the rollout has moved on in the meantime: look again",
        "UPDATE rollout_run SET phase = $2, active = $3, version = version + 1, due_at = $4, "
        "updated_at = $5, ended_at = $6, plan = $7, state = $8, seen = $9, image = $10, driver = "
        "$11 WHERE tenant = $1 AND id = $12 AND version = $13",
        SL_ARGS(sl_text(machine_phase_name(run->state.phase)), sl_int(ended ? 0 : 1),
                sl_int(due_ms == INT64_MAX ? 0 : due_ms), sl_int(now_ms),
                sl_int(run->state.ended_ms), sl_text(sl_json_print(call, run->plan)),
                sl_text(sl_json_print(call, machine_save(&run->state))),
                sl_text(sl_json_print(call, run->seen)), sl_text(run->image), sl_text(run->driver),
                sl_text(run->id), sl_int(run->version)));
    if (!ended) run_wake(call, batch, due_ms ? due_ms : now_ms + run->spec.look_ms / 2);
    return batch;
}

/* ---- events ---- */

static void about(cJSON *data, const struct run *run) {
    put_text(data, "deployment_id", run->id);
    put_text(data, "app_name", run->app);
    put_text(data, "environment", run->environment);
    put_text(data, "image", run->image);
    const char *commit = text_of(run->plan, "commit");
    if (commit) put_text(data, "commit", commit);
    put_text(data, "risk_level", run->risk_level);
    put_number(data, "generation", (double)run->state.generation);
    if (run->state.simulated) put_bool(data, "simulated", true);
}

void run_emit(sl_call *call, sl_batch *batch, const struct run *run, const char *type,
              cJSON *more) {
    cJSON *data = cJSON_CreateObject();
    about(data, run);
    const cJSON *item;
    cJSON_ArrayForEach(item, more) {
        if (!item_of(data, item->string)) put_shared(data, item->string, item);
    }
    sl_batch_emit(batch, type, sl_printf(call, "deployment/%s", run->id), data);
}

static cJSON *details(const struct run *run, enum machine_tell what) {
    const struct machine_state *state = &run->state;
    cJSON *more = cJSON_CreateObject();
    put_number(more, "step", state->step);
    put_number(more, "weight", state->weight);
    put_number(more, "steps", run->spec.strategy.step_count);
    if (what == TELL_SHIFTED || what == TELL_STEP) return more;
    if (state->code[0]) put_text(more, "code", state->code);
    if (state->message[0]) put_text(more, "reason", state->message);
    if (state->next[0]) put_text(more, "next_action", state->next);
    if (state->evidence[0]) put_text(more, "evidence", state->evidence);
    if (what != TELL_HELD) return more;
    char until[TIME_TEXT];
    if (state->hold_until_ms != INT64_MAX) {
        time_text(state->hold_until_ms, until);
        put_text(more, "until", until);
    }
    put_text(more, "then", state->hold_action == HOLD_STAYS ? "stay" : "abort");
    put_text(more, "owner", run->author);
    return more;
}

void run_tell(sl_call *call, sl_batch *batch, const struct run *run,
              const struct machine_told *told) {
    static const char *const types[] = {[TELL_STARTED] = "rollout.started",
                                        [TELL_STEP] = "rollout.step_reached",
                                        [TELL_HELD] = "rollout.held",
                                        [TELL_RELEASED] = "rollout.released",
                                        [TELL_PAUSED] = "rollout.paused",
                                        [TELL_RESUMED] = "rollout.resumed",
                                        [TELL_SHIFTED] = "rollout.shifted",
                                        [TELL_PROMOTING] = "rollout.promoting",
                                        [TELL_ABORTED] = "rollout.aborted",
                                        [TELL_PROMOTED] = "rollout.promoted",
                                        [TELL_ROLLED_BACK] = "rollout.rolled_back",
                                        [TELL_RETRIED] = "rollout.started"};
    for (int i = 0; i < told->count; i++)
        run_emit(call, batch, run, types[told->what[i]], details(run, told->what[i]));
}

void run_count_end(sl_call *call, const struct run *run) {
    if (!machine_ended(&run->state)) return;
    sl_count(call, "rollouts_ended_total", 1,
             sl_printf(call, "%s|%s", run->environment,
                       run->state.phase == MACHINE_PROMOTED ? "promoted" : "aborted"));
}
