/* jobs_run.c - the leader runs the rows of sluice_job that are due. */
#include "bus_inside.h"
#include "host.h"
#include "ids.h"
#include "logging.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_MAX = 8, TIMEOUT_MS = 30000, UNKNOWN_WAIT_MS = 60000, TROUBLE_WAIT_MS = 1000 };
enum { JOBS_LOOKED_AT = 2 * JOBS_AT_ONCE };

/* A row, copied out of the look's arena for the fiber that runs it. */
struct job_row {
    struct bus *bus;
    struct job_kind *kind;
    struct running_job running;
    int64_t at_ms, every_ms;
    int attempts;
    char *input, *request_id;
};

static char *keep(const char *text) {
    return text ? strdup(text) : NULL;
}

static void job_free(struct job_row *job) {
    free(job->running.tenant);
    free(job->running.key);
    free(job->input);
    free(job->request_id);
    free(job);
}

/* ---- periodic rows ---- */

int jobs_load(struct bus *bus) {
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, NULL);
    struct sl_call *call = &fiber.call;
    sl_batch *batch = store_batch(call);
    int64_t now_ms = sl_now_ms(call);
    for (struct job_kind *kind = bus->kinds; kind; kind = kind->next) {
        if (!kind->row.every_ms || (kind->row.flags & SL_JOB_LOCAL)) continue;
        /* A period that was changed counts from now on. */
        sl_batch_add(batch,
                     "INSERT INTO sluice_job(id, tenant, name, key, at_ms, every_ms, attempts, "
                     "actor, made_ms) VALUES ($1, 'system', $2, '', $3, $4, 0, 'system', $5) "
                     "ON CONFLICT (tenant, name, key) DO UPDATE SET every_ms = excluded.every_ms, "
                     "at_ms = excluded.at_ms WHERE sluice_job.every_ms <> excluded.every_ms",
                     SL_ARGS(sl_text(sl_new_id(call)), sl_text(kind->name),
                             sl_int(now_ms + kind->row.every_ms), sl_int(kind->row.every_ms),
                             sl_int(now_ms)));
    }
    int rc = sl_commit(batch);
    if (rc) log_error("the rows of periodic jobs cannot be written: %s", sl_failure(call));
    bus_fiber_end(&fiber);
    return rc;
}

/* ---- one run ---- */

static void settle_row(struct sl_call *call, const char *sql, const sl_value *values,
                       size_t count) {
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch, sql, values, count);
    /* If it cannot be written the row stays as it is, and the job runs again: at least once. */
    if (sl_commit(batch)) log_error("the end of a job is not saved: %s", sl_failure(call));
}

static int64_t next_period_ms(const struct job_row *job, int64_t now_ms) {
    int64_t missed = now_ms > job->at_ms ? (now_ms - job->at_ms) / job->every_ms : 0;
    return job->at_ms + (missed + 1) * job->every_ms;
}

static void done(struct job_row *job, struct sl_call *call) {
    bus_count(job->kind->done);
    if (job->every_ms)
        settle_row(call,
                   "UPDATE sluice_job SET at_ms = $2, attempts = 0, error = NULL WHERE id = $1",
                   SL_ARGS(sl_text(job->running.id), sl_int(next_period_ms(job, sl_now_ms(call)))));
    else
        settle_row(call, "DELETE FROM sluice_job WHERE id = $1", SL_ARGS(sl_text(job->running.id)));
}

static void bury(struct job_row *job, struct sl_call *call, const char *why) {
    sl_batch *batch = store_batch(call);
    const char *id = sl_new_id(call);
    sl_batch_add(batch,
                 "INSERT INTO sluice_dead_letter(id, tenant, kind, name, seq, type, input, "
                 "attempts, error, at_ms, retrying) "
                 "VALUES ($1, $2, 'job', $3, 0, '', $4, $5, $6, $7, 0)",
                 SL_ARGS(sl_text(id), sl_text(job->running.tenant), sl_text(job->kind->name),
                         sl_text(job->input), sl_int(job->attempts), sl_text(why),
                         sl_int(sl_now_ms(call))));
    if (job->every_ms)
        sl_batch_add(batch,
                     "UPDATE sluice_job SET at_ms = $2, attempts = 0, error = $3 WHERE id = $1",
                     SL_ARGS(sl_text(job->running.id), sl_int(next_period_ms(job, sl_now_ms(call))),
                             sl_text(why)));
    else
        sl_batch_add(batch, "DELETE FROM sluice_job WHERE id = $1",
                     SL_ARGS(sl_text(job->running.id)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", id);
    cJSON_AddStringToObject(data, "job", job->kind->name);
    cJSON_AddNumberToObject(data, "attempts", job->attempts);
    cJSON_AddStringToObject(data, "error", why);
    sl_batch_emit(batch, "job.dead_lettered", arena_printf(call->arena, "job/%s", job->kind->name),
                  data);
    if (sl_commit(batch))
        log_error("a dead job is not saved, it will run again: %s", sl_failure(call));
    else
        bus_count(bus_series(job->bus, "dead_letters_total", job->kind->name));
}

static void failed(struct job_row *job, struct sl_call *call, int rc) {
    struct bus *bus = job->bus;
    const char *why = arena_strdup(call->arena, sl_failure(call));
    bus_count(job->kind->failed);
    if (rc == SL_CANCELLED && bus->draining) return; /* the next leader runs it again */
    if (store_write_trouble(bus->host->store)) return;
    int most = job->kind->row.max_attempts ? (int)job->kind->row.max_attempts : ATTEMPTS_MAX;
    job->attempts++;
    log_warn("job %s failed, attempt %d of %d: %s", job->kind->name, job->attempts, most, why);
    if (job->attempts >= most) {
        bury(job, call, why);
        return;
    }
    settle_row(call, "UPDATE sluice_job SET at_ms = $2, attempts = $3, error = $4 WHERE id = $1",
               SL_ARGS(sl_text(job->running.id),
                       sl_int(sl_now_ms(call) + backoff_ms(job->attempts)), sl_int(job->attempts),
                       sl_text(why)));
}

static void leave(struct job_row *job) {
    struct bus *bus = job->bus;
    struct running_job **place = &bus->jobs_running;
    while (*place != &job->running) place = &(*place)->next;
    *place = job->running.next;
    bus->jobs_count--;
    job_free(job);
}

static int run_handler(struct job_row *job, struct sl_call *call) {
    struct loop *loop = call->host->loop;
    struct job_kind *kind = job->kind;
    int64_t timeout_ms = kind->row.timeout_ms ? kind->row.timeout_ms : TIMEOUT_MS;
    call->deadline_ns = loop_clock_ns() + timeout_ms * 1000000;
    call->who.tenant = job->running.tenant;
    if (job->request_id) strncpy(call->request_id, job->request_id, sizeof call->request_id - 1);
    cJSON *in = job->input ? cJSON_Parse(job->input) : cJSON_CreateObject();
    const char *was_running = loop->running;
    loop->running = kind->name;
    int rc = kind->row.run(call, in);
    loop->running = was_running;
    if (rc && !call->failure.sentence)
        rc = sl_fail(call, rc, "job %s failed without saying why (code %d)", kind->name, rc);
    return rc;
}

static void run_job(void *arg) {
    struct job_row *job = arg;
    struct bus *bus = job->bus;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, job->kind->plugin);
    int rc = run_handler(job, &fiber.call);
    bool hindered = rc && store_write_trouble(bus->host->store);
    fiber.call.deadline_ns = INT64_MAX;
    if (rc)
        failed(job, &fiber.call, rc);
    else
        done(job, &fiber.call);
    leave(job);
    bus_fiber_end(&fiber);
    if (hindered) {
        bus->jobs_due_ms = loop_now_ms(bus->host->loop) + TROUBLE_WAIT_MS;
        bus_run_due(bus);
    } else {
        jobs_wake(bus);
    }
}

/* ---- looking for due rows ---- */

/* The row itself runs, or the one that it has replaced under the same key. */
static bool is_running(const struct bus *bus, const struct job_kind *kind, const sl_rows *rows,
                       size_t i) {
    const char *key = sl_cell_text(rows, i, "key"), *tenant = sl_cell_text(rows, i, "tenant");
    for (const struct running_job *job = bus->jobs_running; job; job = job->next) {
        if (strcmp(job->id, sl_cell_text(rows, i, "id")) == 0) return true;
        if (key && job->key && kind == job->kind && strcmp(job->key, key) == 0 &&
            strcmp(job->tenant, tenant) == 0)
            return true;
    }
    return false;
}

static void start(struct bus *bus, struct job_kind *kind, const sl_rows *rows, size_t i) {
    struct job_row *job = calloc(1, sizeof *job);
    if (!job) abort();
    job->bus = bus;
    job->kind = kind;
    strncpy(job->running.id, sl_cell_text(rows, i, "id"), sizeof job->running.id - 1);
    job->at_ms = sl_cell_int(rows, i, "at_ms");
    job->every_ms = sl_cell_int(rows, i, "every_ms");
    job->attempts = (int)sl_cell_int(rows, i, "attempts");
    job->running.kind = kind;
    job->running.tenant = keep(sl_cell_text(rows, i, "tenant"));
    job->running.key = keep(sl_cell_text(rows, i, "key"));
    job->input = keep(sl_cell_text(rows, i, "input"));
    job->request_id = keep(sl_cell_text(rows, i, "request_id"));
    job->running.next = bus->jobs_running;
    bus->jobs_running = &job->running;
    bus->jobs_count++;
    fiber_start_later(bus->host->loop, run_job, job);
}

/* A row whose plugin is gone, or has failed, waits; it is not lost and costs no attempt. */
static void put_off(struct sl_call *call, const char *id) {
    settle_row(call, "UPDATE sluice_job SET at_ms = $2 WHERE id = $1",
               SL_ARGS(sl_text(id), sl_int(sl_now_ms(call) + UNKNOWN_WAIT_MS)));
}

static int look(struct bus *bus, struct sl_call *call) {
    sl_rows rows;
    int64_t now_ms = sl_now_ms(call);
    int rc =
        store_query(call, &rows,
                    "SELECT id, tenant, name, key, at_ms, every_ms, input, attempts, request_id "
                    "FROM sluice_job WHERE at_ms <= $1 ORDER BY at_ms, id LIMIT $2",
                    SL_ARGS(sl_int(now_ms), sl_int(JOBS_LOOKED_AT)));
    for (size_t i = 0; !rc && i < rows.count && bus->jobs_count < JOBS_AT_ONCE; i++) {
        const char *id = sl_cell_text(&rows, i, "id");
        struct job_kind *kind = job_find(bus, sl_cell_text(&rows, i, "name"));
        if (is_running(bus, kind, &rows, i)) continue;
        bool down = kind && kind->plugin && kind->plugin->state == PLUGIN_FAILED;
        if (!kind || down)
            put_off(call, id);
        else
            start(bus, kind, &rows, i);
    }
    if (!rc)
        rc = store_query(call, &rows, "SELECT min(at_ms) AS due FROM sluice_job WHERE at_ms > $1",
                         SL_ARGS(sl_int(now_ms)));
    if (rc) return rc;
    bool any = rows.count && rows.cells[0].type == SL_V_INT;
    bus->jobs_due_ms = any ? sl_cell_int(&rows, 0, "due") : INT64_MAX;
    return 0;
}

static void look_for_jobs(void *arg) {
    struct bus *bus = arg;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, NULL);
    do {
        bus->jobs_look_again = false;
        if (look(bus, &fiber.call) == 0) continue;
        log_error("due jobs cannot be read: %s", sl_failure(&fiber.call));
        bus->jobs_due_ms = sl_now_ms(&fiber.call) + TROUBLE_WAIT_MS;
    } while (bus->jobs_look_again && !bus->draining);
    bus->jobs_looking = false;
    bus_fiber_end(&fiber);
    bus_run_due(bus);
}

void jobs_wake(struct bus *bus) {
    if (!bus->leads || bus->draining) return;
    bus->jobs_look_again = true;
    if (bus->jobs_looking) return;
    bus->jobs_looking = true;
    bus->jobs_due_ms = INT64_MAX;
    fiber_start_later(bus->host->loop, look_for_jobs, bus);
}
