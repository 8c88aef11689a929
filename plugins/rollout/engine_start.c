/* engine_start.c - how a rollout comes to be and is kept going: the approval is heard, the plan is
 * fixed, one of a service runs at a time, and the tick looks at all that are due. */
#include "engine_plan.h"
#include "engine_run.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

/* The tick works for a fifth of the time at most while there is more to do, so that requests, which
 * share the loop with it, stay quick. */
enum { CHUNK = 50, REST = 4, TICK_LEAST_MS = 250, TICK_MOST_MS = 5000 };

/* ---- the plan ---- */

struct first_fault {
    sl_call *call;
    bool told;
};

static void keep_first(void *arg, const char *pointer, const char *what) {
    struct first_fault *first = arg;
    sl_fault(first->call, pointer, NULL, "%s", what);
    if (first->told) return;
    first->told = true;
    (void)sl_fail(first->call, SL_INVALID, "the plan cannot be run: %s %s", pointer, what);
}

static void *from_call(void *arg, size_t size) {
    return sl_alloc(arg, size);
}

int run_read_plan(sl_call *call, struct run *run) {
    struct first_fault first = {.call = call};
    struct strategy_faults faults = {.tell = keep_first, .arg = &first};
    const struct rollout *rollout = sl_state(call);
    plan_read(run->plan, &run->spec, from_call, call, &faults);
    run->spec.look_ms = sl_get_int(rollout->config, "look", 10000);
    return faults.count ? SL_INVALID : 0;
}

/* ---- hearing ---- */

static const char *driver_for(const struct rollout *rollout, const char *environment) {
    const char *usual = sl_get_text(rollout->config, "driver", "plan");
    return sl_get_text(sl_get(rollout->config, "drivers"), environment, usual);
}

/* Kept small: the request that is approved is answered already, but others wait for this worker. */
int engine_hear_approved(sl_call *call, const sl_event *event) {
    const struct rollout *rollout = sl_state(call);
    const char *slash = event->subject ? strchr(event->subject, '/') : NULL;
    if (!slash || !sl_get_bool(rollout->config, "rollouts", 1)) return 0;
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT app, environment, image, risk_level, actor FROM rollout_deployment "
                      "WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(slash + 1)));
    if (rc || !rows.count) return rc;
    struct run run = {.app = sl_cell_text(&rows, 0, "app"),
                      .environment = sl_cell_text(&rows, 0, "environment"),
                      .image = sl_cell_text(&rows, 0, "image"),
                      .risk_level = sl_cell_text(&rows, 0, "risk_level"),
                      .author = sl_cell_text(&rows, 0, "actor")};
    run.driver = driver_for(rollout, run.environment);
    sl_batch *batch = sl_batch_new(call);
    run_add(call, batch, slash + 1, &run);
    return sl_commit(batch);
}

/* ---- beginning ---- */

static const char empty_plan[] = "{\"spec\":{\"strategy\":{\"canary\":{}}}}";

static int end_unbegun(sl_call *call, struct run *run, const char *code, const char *why) {
    if (!run->plan) run->plan = cJSON_Parse(empty_plan);
    int rc = run_read_plan(call, run);
    if (rc) {
        run->plan = cJSON_Parse(empty_plan);
        rc = run_read_plan(call, run);
    }
    if (rc) return rc;
    const struct machine_command command = {
        .verb = VERB_ABORT, .actor = "sluice", .reason = why, .code = code};
    struct machine_told told;
    char refused[WHY_LONG];
    machine_begin(&run->spec, &run->state, sl_now_ms(call));
    (void)machine_do(&run->spec, &run->state, &command, sl_now_ms(call), &told, refused);
    /* Nothing was ever asked of a driver, so nothing has to be taken back. */
    run->state.phase = MACHINE_ABORTED;
    run->state.ended_ms = sl_now_ms(call);
    sl_batch *batch = run_save(call, run);
    run_tell(call, batch, run, &told);
    return sl_commit(batch);
}

/* Tells the one that runs to make way; the new one begins when nothing goes to the old one any more. */
static int make_way(sl_call *call, const char *id, const char *newer) {
    struct run *old;
    struct machine_told told;
    char why[WHY_LONG];
    int rc = run_load(call, id, &old);
    if (rc) return rc;
    const struct machine_command command = {
        .verb = VERB_ABORT,
        .actor = "sluice",
        .code = "Superseded",
        .reason = sl_printf(call, "a newer version of %s is on its way (%s)", old->app, newer)};
    if (machine_do(&old->spec, &old->state, &command, sl_now_ms(call), &told, why) != REPLY_DONE)
        return 0;
    sl_batch *batch = run_save(call, old);
    run_tell(call, batch, old, &told);
    return sl_commit(batch);
}

static int is_there(sl_call *call, const struct run *run, const char *sql, bool *found) {
    sl_rows rows;
    int rc = sl_query(call, &rows, sql,
                      SL_ARGS(sl_text(run->app), sl_text(run->environment), sl_text(run->id)));
    *found = !rc && rows.count;
    return rc;
}

/* `*clear`: nobody else of this service stands in the way. Thousands may wait: none is counted. */
static int check_others(sl_call *call, struct run *run, bool *clear, bool *superseded) {
    static const char newer[] = "SELECT id FROM rollout_run WHERE tenant = $1 AND app = $2 AND "
                                "environment = $3 AND active = 1 AND id > $4 LIMIT 1";
    static const char running[] = "SELECT id FROM rollout_run WHERE tenant = $1 AND app = $2 AND "
                                  "environment = $3 AND active = 1 AND id <> $4 AND phase <> "
                                  "'Queued' LIMIT 10";
    sl_rows rows;
    *clear = false;
    int rc = is_there(call, run, newer, superseded);
    if (rc || *superseded) return rc;
    rc = sl_query(call, &rows, running,
                  SL_ARGS(sl_text(run->app), sl_text(run->environment), sl_text(run->id)));
    *clear = !rc && !rows.count;
    for (size_t i = 0; !rc && i < rows.count; i++) {
        rc = make_way(call, sl_cell_text(&rows, i, "id"), run->id);
        if (rc == SL_CONFLICT) rc = 0; /* it has just moved: the next tick tells it */
    }
    return rc;
}

int run_begin(sl_call *call, struct run *run) {
    bool clear, superseded;
    int rc = check_others(call, run, &clear, &superseded);
    if (rc) return rc;
    if (superseded)
        return end_unbegun(call, run, "Superseded", "a newer version was approved before it began");
    if (!clear) return 0;
    if (!run->plan) rc = plan_of_deployment(call, run);
    if (!rc) rc = run_read_plan(call, run);
    if (rc) return end_unbegun(call, run, "InvalidPlan", sl_strdup(call, sl_failure(call)));
    const struct machine_told told = {.what = {TELL_STARTED}, .count = 1};
    machine_begin(&run->spec, &run->state, sl_now_ms(call));
    burn_begin(call, run);
    sl_batch *batch = run_save(call, run);
    run_tell(call, batch, run, &told);
    rc = sl_commit(batch);
    if (rc) return rc;
    run->version++;
    run->queued = false;
    sl_count(call, "rollouts_started_total", 1, run->environment);
    return run_look(call, run);
}

/* ---- the tick ---- */

static int go_on(sl_call *call, struct run *run) {
    int rc = run->queued ? run_begin(call, run) : run_look(call, run);
    if (rc == SL_CONFLICT) return 0; /* somebody else moved it: the next look sees that */
    if (rc) sl_log(call, SL_WARN, "rollout %s: %s", run->id, sl_failure(call));
    return rc == SL_CANCELLED ? rc : 0;
}

int engine_look_job(sl_call *call, const cJSON *in) {
    struct run *run;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc == SL_NOT_FOUND ? 0 : rc;
    return !run->queued && machine_ended(&run->state) ? 0 : go_on(call, run);
}

/* Rollouts whose driver is far away get a job each, so that a slow one holds up no other. */
static int send_off(sl_call *call, const char *id) {
    sl_batch *batch = sl_batch_new(call);
    cJSON *in = cJSON_CreateObject();
    put_text(in, "id", id);
    sl_batch_job(batch, "look", id, sl_now_ms(call), in);
    return sl_commit(batch);
}

static int again(sl_call *call, int64_t at_ms, const char *after) {
    sl_batch *batch = sl_batch_new(call);
    cJSON *in = cJSON_CreateObject();
    if (after) put_text(in, "after", after);
    sl_batch_job(batch, "tick", "tick", at_ms, in);
    return sl_commit(batch);
}

static int look_at(sl_call *call, const sl_rows *rows) {
    int rc = 0;
    for (size_t i = 0; !rc && i < rows->count; i++) {
        const char *id = sl_cell_text(rows, i, "id");
        struct run *run;
        if (strcmp(sl_cell_text(rows, i, "driver"), "plan") != 0) {
            rc = send_off(call, id);
        } else if (run_of_row(call, rows, i, &run)) {
            sl_log(call, SL_ERROR, "%s", sl_failure(call)); /* one damaged row stops no other */
        } else {
            rc = go_on(call, run);
        }
    }
    return rc;
}

/* Twice in the time between two looks. */
static int64_t tick_ms(sl_call *call) {
    const struct rollout *rollout = sl_state(call);
    const int64_t half = sl_get_int(rollout->config, "look", 10000) / 2;
    return half < TICK_LEAST_MS ? TICK_LEAST_MS : half > TICK_MOST_MS ? TICK_MOST_MS : half;
}

int engine_tick(sl_call *call, const cJSON *in) {
    const int64_t now_ms = sl_now_ms(call), began_ns = sl_clock_ns(call);
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT " RUN_COLUMNS " FROM rollout_run WHERE tenant = $1 AND active = 1 "
                 "AND due_at <= $2 AND id > $3 ORDER BY id LIMIT $4",
                 SL_ARGS(sl_int(now_ms), sl_text(sl_get_text(in, "after", "")), sl_int(CHUNK)));
    if (!rc) rc = look_at(call, &rows);
    if (rc) return rc;
    const int64_t worked_ms = (sl_clock_ns(call) - began_ns) / 1000000;
    if (rows.count == CHUNK)
        return again(call, now_ms + worked_ms * (1 + REST), sl_cell_text(&rows, CHUNK - 1, "id"));
    /* As long as any is near, the tick comes back; else the jobs of their times wake it. */
    const bool any = rows.count || *sl_get_text(in, "after", "");
    return any ? again(call, now_ms + tick_ms(call), NULL) : 0;
}
