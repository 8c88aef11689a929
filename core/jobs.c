/* jobs.c - kinds of jobs, queueing them in a batch, and local timers. */
#include "bus_inside.h"
#include "host.h"
#include "ids.h"
#include "json.h"
#include "logging.h"
#include "store_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bus_job(struct bus *bus, struct plugin *plugin, const sl_job *row) {
    struct job_kind *kind = calloc(1, sizeof *kind);
    if (!kind) abort();
    const char *owner = plugin ? plugin->name : "sluice";
    size_t size = strlen(owner) + strlen(row->name) + 2;
    kind->name = malloc(size);
    if (!kind->name) abort();
    snprintf(kind->name, size, "%s.%s", owner, row->name);
    kind->bus = bus;
    kind->plugin = plugin;
    kind->row = *row;
    kind->next_ms = loop_now_ms(bus->host->loop) + row->every_ms;
    kind->next = bus->kinds;
    bus->kinds = kind;
    char labels[160];
    snprintf(labels, sizeof labels, "%s|ok", kind->name);
    kind->done = bus_series(bus, "job_runs_total", labels);
    snprintf(labels, sizeof labels, "%s|failed", kind->name);
    kind->failed = bus_series(bus, "job_runs_total", labels);
}

struct job_kind *job_find(struct bus *bus, const char *name) {
    for (struct job_kind *kind = bus->kinds; kind; kind = kind->next)
        if (strcmp(kind->name, name) == 0) return kind;
    return NULL;
}

void batch_queued_job(sl_batch *batch) {
    batch->has_jobs = true;
}

/* A plugin may queue in its start, before the bus has its rows. */
static bool is_durable_job(struct sl_call *call, const char *job, const char *name) {
    struct bus *bus = call->host->bus;
    const struct job_kind *kind = bus ? job_find(bus, name) : NULL;
    if (kind) return !(kind->row.flags & SL_JOB_LOCAL);
    const sl_plugin *face = call->plugin ? &call->plugin->face : NULL;
    const char *at = face ? (const char *)face->jobs : NULL;
    for (; at && ((const sl_job *)at)->name; at += face->job_size) {
        const sl_job *row = (const sl_job *)at;
        if (strcmp(row->name, job) == 0) return !(row->flags & SL_JOB_LOCAL);
    }
    return false;
}

const char *jobs_queue(sl_batch *batch, const char *job, const char *key, int64_t at_ms,
                       const cJSON *in) {
    struct sl_call *call = batch->call;
    const char *name = arena_printf(call->arena, "%s.%s", store_owner_of(call), job);
    if (!is_durable_job(call, job, name))
        return arena_printf(batch->arena, "%s is not a durable job of this plugin: add its row",
                            name);
    int64_t now_ms = loop_now_ms(call->host->loop);
    /* One that still waits is replaced, with a new id: if the old one runs just now, its end does
     * not remove the new one. */
    static const char sql[] =
        "INSERT INTO sluice_job(id, tenant, name, key, at_ms, every_ms, input, attempts, actor, "
        "request_id, made_ms) VALUES ($1, $2, $3, $4, $5, 0, $6, 0, $7, $8, $9) "
        "ON CONFLICT (tenant, name, key) DO UPDATE SET id = excluded.id, at_ms = excluded.at_ms, "
        "input = excluded.input, attempts = 0, error = NULL, actor = excluded.actor, "
        "request_id = excluded.request_id, made_ms = excluded.made_ms";
    batch_add(batch, NULL,
              &(struct batch_statement){
                  .sql = sql,
                  .values = (sl_value[]){sl_text(sl_new_id(call)), sl_text(call->who.tenant),
                                         sl_text(name), sl_text(key),
                                         sl_int(at_ms > now_ms ? at_ms : now_ms),
                                         sl_text(in ? json_print(call->arena, in, NULL) : NULL),
                                         sl_text(call->who.actor),
                                         sl_text(call->request_id[0] ? call->request_id : NULL),
                                         sl_int(now_ms)},
                  .count = 9,
                  .demand = -1});
    batch_queued_job(batch);
    return NULL;
}

/* ---- local timers ---- */

static void run_timer(void *arg) {
    struct job_kind *kind = arg;
    struct bus *bus = kind->bus;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, kind->plugin);
    if (kind->row.timeout_ms)
        fiber.call.deadline_ns = loop_clock_ns() + (int64_t)kind->row.timeout_ms * 1000000;
    struct loop *loop = bus->host->loop;
    const char *was_running = loop->running;
    loop->running = kind->name;
    int rc = kind->row.run(&fiber.call, cJSON_CreateObject());
    loop->running = was_running;
    bus_count(rc ? kind->failed : kind->done);
    if (rc) log_warn("timer %s failed: %s", kind->name, sl_failure(&fiber.call));
    kind->running = false;
    bus_fiber_end(&fiber);
    bus_run_due(bus);
}

/* Missed periods are not made up for. */
static int64_t next_period_ms(int64_t last_ms, int64_t every_ms, int64_t now_ms) {
    int64_t missed = now_ms > last_ms ? (now_ms - last_ms) / every_ms : 0;
    return last_ms + (missed + 1) * every_ms;
}

void jobs_run_timers(struct bus *bus) {
    int64_t now_ms = loop_now_ms(bus->host->loop);
    for (struct job_kind *kind = bus->kinds; kind; kind = kind->next) {
        if (!(kind->row.flags & SL_JOB_LOCAL) || !kind->row.every_ms) continue;
        if (kind->running || kind->next_ms > now_ms) continue;
        if (kind->plugin && kind->plugin->state == PLUGIN_FAILED) {
            kind->next_ms = INT64_MAX;
            continue;
        }
        kind->next_ms = next_period_ms(kind->next_ms, kind->row.every_ms, now_ms);
        kind->running = true;
        fiber_start_later(bus->host->loop, run_timer, kind);
    }
}
