/* engine_start.c - how a rollout comes to be and is kept going: the approval is heard, the plan is
 * fixed, one of a service runs at a time, and the tick looks at all that are due. */
#include "engine_plan.h"
#include "engine_run.h"
#include "gates_kinds.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

/* The tick works for a fifth of the time at most while there is more to do, so that requests, which
 * share the loop with it, stay quick. */
enum {
    CHUNK = 50,
    REST = 4,
    BREATH_MS = 4,
    GATHER_MS = 1000,
    PAGE = 500,
    TICK_LEAST_MS = 250,
    TICK_MOST_MS = 5000
};

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

/* ---- many approvals at once: one batch ---- */

static const char *id_of(const cJSON *event) {
    const char *subject = text_of(event, "subject");
    const char *slash = subject ? strchr(subject, '/') : NULL;
    return slash ? slash + 1 : NULL;
}

static bool same_service(const cJSON *a, const cJSON *b) {
    const char *app = text_of(a, "app_name"), *other = text_of(b, "app_name");
    const char *environment = text_of(a, "environment"), *there = text_of(b, "environment");
    return app && other && environment && there && strcmp(app, other) == 0 &&
           strcmp(environment, there) == 0;
}

/* Approved, and before it could begin a newer version of the service was approved too. */
static bool is_overtaken(const cJSON *event) {
    for (const cJSON *later = event->next; later; later = later->next)
        if (same_service(item_of(event, "data"), item_of(later, "data"))) return true;
    return false;
}

static void queue_run(sl_call *call, sl_batch *batch, const cJSON *event) {
    static const char insert[] =
        "INSERT INTO rollout_run (tenant, id, app, environment, image, driver, risk_level, author, "
        "phase, active, version, due_at, created_at, updated_at, ended_at, undo_of, plan, state, "
        "seen) SELECT tenant, id, app, environment, image, $3, risk_level, actor, $4, $5, 1, 0, $6, "
        "$6, $7, '', '', '', '' FROM rollout_deployment WHERE tenant = $1 AND id = $2 ON CONFLICT "
        "(tenant, id) DO NOTHING";
    static const char overtake[] =
        "UPDATE rollout_run SET phase = 'Superseded', active = 0, version = version + 1, ended_at = "
        "$2, updated_at = $2 WHERE tenant = $1 AND app = $3 AND environment = $4 AND active = 1 AND "
        "phase = 'Queued' AND id < $5";
    const struct rollout *rollout = sl_state(call);
    const cJSON *data = item_of(event, "data");
    const char *id = id_of(event), *environment = text_of(data, "environment");
    const char *app = text_of(data, "app_name");
    if (!id || !environment || !app) return;
    const int64_t now_ms = sl_now_ms(call);
    const bool late = is_overtaken(event);
    sl_batch_add(batch, insert,
                 SL_ARGS(sl_text(id), sl_text(driver_for(rollout, environment)),
                         sl_text(late ? "Superseded" : "Queued"), sl_int(late ? 0 : 1),
                         sl_int(now_ms), sl_int(late ? now_ms : 0)));
    if (late) return;
    sl_batch_add(batch, overtake,
                 SL_ARGS(sl_int(now_ms), sl_text(app), sl_text(environment), sl_text(id)));
}

/* All approvals behind `after`, in the order of the log: none is passed over. */
static int take_approvals(sl_call *call, int64_t after) {
    struct rollout *rollout = sl_state(call);
    int64_t last = after;
    for (int count = PAGE; count == PAGE;) {
        cJSON *in = cJSON_CreateObject(), *page = NULL;
        const cJSON *one;
        put_number(in, "after", (double)last);
        put_borrowed(in, "type", "deployment.approved");
        put_number(in, "limit", PAGE);
        int rc = sl_invoke(call, "events.list", in, &page);
        if (rc) return rc;
        sl_batch *batch = sl_batch_new(call);
        count = cJSON_GetArraySize(item_of(page, "items"));
        cJSON_ArrayForEach(one, item_of(page, "items")) {
            queue_run(call, batch, one);
            last = sl_get_int(one, "seq", last);
        }
        sl_batch_job(batch, "tick", "new", sl_now_ms(call), NULL);
        rc = sl_commit(batch);
        if (rc) return rc;
    }
    rollout->heard_seq = last;
    rollout->heard_ms = sl_now_ms(call);
    (void)snprintf(rollout->heard_tenant, sizeof rollout->heard_tenant, "%s", sl_tenant(call));
    return 0;
}

int engine_hear_job(sl_call *call, const cJSON *in) {
    return take_approvals(call, sl_get_int(in, "after", 0));
}

/* The request that is approved is answered already, but others wait for this worker and its disk. So
 * only the first approval in a while is taken at once; those behind it are taken together, by a job
 * that is written down before they count as heard. */
int engine_hear_approved(sl_call *call, const sl_event *event) {
    struct rollout *rollout = sl_state(call);
    const int64_t now_ms = sl_now_ms(call);
    const bool ours = strcmp(rollout->heard_tenant, sl_tenant(call)) == 0;
    if (!sl_get_bool(rollout->config, "rollouts", 1)) return 0;
    if (ours && (event->seq <= rollout->heard_seq || now_ms < rollout->gather_ms)) return 0;
    if (!ours || now_ms - rollout->heard_ms >= GATHER_MS)
        return take_approvals(call, event->seq - 1);
    sl_batch *batch = sl_batch_new(call);
    cJSON *in = cJSON_CreateObject();
    put_number(in, "after", (double)(event->seq - 1));
    sl_batch_job(batch, "hear", sl_printf(call, "%lld", (long long)event->seq), now_ms + GATHER_MS,
                 in);
    int rc = sl_commit(batch);
    if (!rc) rollout->gather_ms = now_ms + GATHER_MS;
    return rc;
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

/* Rests after every few ms of work. */
static int rest(sl_call *call, int64_t *since_ns) {
    const int64_t worked_ms = (sl_clock_ns(call) - *since_ns) / 1000000;
    if (worked_ms < BREATH_MS) return 0;
    const int rc = sl_sleep(call, worked_ms * REST);
    *since_ns = sl_clock_ns(call);
    return rc;
}

static int look_at(sl_call *call, const sl_rows *rows) {
    int rc = 0;
    int64_t since_ns = sl_clock_ns(call);
    for (size_t i = 0; !rc && i < rows->count; i++) {
        if (i) rc = rest(call, &since_ns);
        if (rc) return rc;
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
    const int64_t now_ms = sl_now_ms(call);
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT " RUN_COLUMNS " FROM rollout_run WHERE tenant = $1 AND active = 1 "
                 "AND due_at <= $2 AND id > $3 ORDER BY id LIMIT $4",
                 SL_ARGS(sl_int(now_ms), sl_text(sl_get_text(in, "after", "")), sl_int(CHUNK)));
    if (!rc) rc = look_at(call, &rows);
    if (rc) return rc;
    if (rows.count == CHUNK) return again(call, now_ms, sl_cell_text(&rows, CHUNK - 1, "id"));
    /* As long as any is near, the tick comes back; else the jobs of their times wake it. */
    const bool any = rows.count || *sl_get_text(in, "after", "");
    return any ? again(call, now_ms + tick_ms(call), NULL) : 0;
}
