/* bus.c - the bus as a whole: opening, leadership, what is due, draining. */
#include "bus_inside.h"
#include "host.h"
#include "logging.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_BREATH = 32 };
enum { LOCK_EACH_MS = 50, DUE_AT_MOST_MS = 60000, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* ---- metrics; a host without a registry (unit tests) has none ---- */

struct metric_series *bus_series(struct bus *bus, const char *metric, const char *labels) {
    if (!bus->host->metrics) return NULL;
    for (const sl_metric *row = bus_metrics; row->name; row++)
        if (strcmp(row->name, metric) == 0)
            return metric_series(metrics_declare(bus->host->metrics, row), labels);
    return NULL;
}

void bus_count(struct metric_series *series) {
    if (series) metric_add(series, 1);
}

static void gauge(struct metric_series *series, double value) {
    if (series) metric_set(series, value);
}

/* ---- fibers ---- */

void bus_fiber_begin(struct bus_fiber *fiber, struct bus *bus, struct plugin *plugin) {
    fiber->bus = bus;
    bus->active++;
    arena_init(&fiber->arena);
    fiber->before = arena_use(&fiber->arena);
    call_init(&fiber->call, bus->host, plugin, &fiber->arena);
    if (!fiber->call.who.tenant)
        fiber->call.who = (struct identity){.tenant = "system", .actor = "system"};
}

void bus_fiber_end(struct bus_fiber *fiber) {
    struct bus *bus = fiber->bus;
    arena_use(fiber->before);
    arena_fini(&fiber->arena);
    if (--bus->active || !bus->drained) return;
    wait_done(bus->drained, 0);
    bus->drained = NULL;
}

struct breath {
    struct post post;
    struct wait wait;
};

static void breathed(struct post *post) {
    struct breath *breath = (struct breath *)post; /* its first member */
    wait_done(&breath->wait, 0);
}

/* A post comes back behind the loop's next look at its sockets. */
void bus_breathe(struct bus *bus, unsigned *events) {
    if (++*events % EVENTS_A_BREATH) return;
    struct breath breath = {.post.run = breathed};
    wait_init(&breath.wait, bus->host->loop);
    loop_post(bus->host->loop, &breath.post);
    wait_park(&breath.wait, INT64_MAX);
}

/* ---- what is due ---- */

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t next_due_ms(const struct bus *bus) {
    int64_t due_ms = bus->leads ? sooner(bus->jobs_due_ms, bus->save_due_ms) : INT64_MAX;
    for (const struct listener *listener = bus->listeners; bus->leads && listener;
         listener = listener->next)
        if (listener->next_ms && !listener->running) due_ms = sooner(due_ms, listener->next_ms);
    for (const struct job_kind *kind = bus->kinds; kind; kind = kind->next)
        if ((kind->row.flags & SL_JOB_LOCAL) && kind->row.every_ms && !kind->running)
            due_ms = sooner(due_ms, kind->next_ms);
    return due_ms;
}

static void save_cursors(void *arg) {
    struct bus *bus = arg;
    listeners_save(bus);
    bus_run_due(bus);
}

static void due_now(uv_timer_t *timer) {
    bus_run_due(timer->data);
}

void bus_run_due(struct bus *bus) {
    if (!bus->started || bus->draining) return;
    int64_t now_ms = loop_now_ms(bus->host->loop);
    jobs_run_timers(bus);
    if (bus->leads && bus->jobs_due_ms <= now_ms) jobs_wake(bus);
    for (struct listener *l = bus->listeners; bus->leads && l; l = l->next)
        if (l->next_ms && l->next_ms <= now_ms) listener_wake(l);
    if (bus->leads && bus->save_due_ms <= now_ms) {
        bus->save_due_ms = INT64_MAX;
        fiber_start_later(bus->host->loop, save_cursors, bus);
    }
    int64_t wait_ms = next_due_ms(bus) - now_ms;
    if (wait_ms < 1) wait_ms = 1;
    /* The wall clock may jump: never trust one wait for more than a minute. */
    uv_timer_start(bus->due, due_now, (uint64_t)sooner(wait_ms, DUE_AT_MOST_MS), 0);
}

static void appended(void *arg, const struct chain_entry *entry) {
    struct bus *bus = arg;
    if (bus->started && !bus->draining) tail_append(bus, entry);
}

static void told(void *arg, int64_t newest_seq, bool elsewhere) {
    struct bus *bus = arg;
    gauge(bus->newest, (double)newest_seq);
    gauge(bus->writable, store_write_trouble(bus->host->store) ? 0 : 1);
    for (struct listener *l = bus->listeners; bus->leads && l; l = l->next)
        gauge(l->lag, (double)(newest_seq - l->follower.at_seq));
    if (!bus->started || bus->draining) return;
    tail_told(bus, newest_seq);
    if (bus->leads && elsewhere) jobs_wake(bus); /* it may have queued one */
}

/* ---- leadership ---- */

static void lead(void *arg) {
    struct bus *bus = arg;
    int rc = listeners_load(bus);
    if (!rc) rc = jobs_load(bus);
    bus->becoming = false;
    if (rc || bus->draining) return; /* a full disk, for example: the lock's timer tries again */
    bus->leads = true;
    gauge(bus->leader, 1);
    if (bus->lock_timer) uv_timer_stop(bus->lock_timer);
    for (struct listener *listener = bus->listeners; listener; listener = listener->next)
        listener_wake(listener);
    jobs_wake(bus);
    bus_run_due(bus);
}

static bool take_lock(struct bus *bus) {
    if (bus->lock_file >= 0) return true;
    int file = open(bus->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) {
        bus->lock_file = file;
        return true;
    }
    if (file < 0) log_error("%s cannot be opened: %s", bus->lock_path, strerror(errno));
    if (file >= 0) close(file);
    return false;
}

static void try_to_lead(uv_timer_t *timer) {
    struct bus *bus = timer->data;
    if (bus->leads || bus->becoming || bus->draining || !take_lock(bus)) return;
    bus->becoming = true;
    fiber_start_later(bus->host->loop, lead, bus);
}

/* ---- life ---- */

static void free_timer(uv_handle_t *timer) {
    free(timer);
}

static uv_timer_t *timer_new(struct bus *bus) {
    uv_timer_t *timer = malloc(sizeof *timer);
    if (!timer) abort();
    uv_timer_init(&bus->host->loop->uv, timer);
    timer->data = bus;
    uv_unref((uv_handle_t *)timer);
    return timer;
}

/* "sluice.forget-keys": answers kept for Idempotency-Keys live a day. */
static int forget_keys(sl_call *call, const cJSON *in) {
    (void)in;
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch, "DELETE FROM sluice_idempotency WHERE at_ms <= $1",
                 SL_ARGS(sl_int(sl_now_ms(call) - DAY_MS)));
    return sl_commit(batch);
}

static const sl_job core_jobs[] = {
    {.name = "forget-keys", .run = forget_keys, .every_ms = HOUR_MS},
    {.name = "redeliver", .run = redeliver, .max_attempts = 1},
};

struct bus *bus_open(struct host *host) {
    char *error = NULL;
    if (store_migrate(host->store, "sluice", bus_schema, sizeof *bus_schema, &error)) {
        log_error("the bus has no tables: %s", error);
        free(error);
        return NULL;
    }
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus) abort();
    bus->host = host;
    bus->lock_file = -1;
    bus->jobs_due_ms = bus->save_due_ms = INT64_MAX;
    bus->opened_at_seq = store_newest_seq(host->store);
    bus->tail = (struct tail){.first_seq = bus->opened_at_seq + 1,
                              .last_seq = bus->opened_at_seq,
                              .newest_seq = bus->opened_at_seq};
    bus->due = timer_new(bus);
    bus->leader = bus_series(bus, "bus_leader", NULL);
    bus->newest = bus_series(bus, "log_newest_seq", NULL);
    bus->feeds = bus_series(bus, "live_feeds", NULL);
    bus->writable = bus_series(bus, "store_writable", NULL);
    gauge(bus->writable, 1);
    gauge(bus->newest, (double)bus->opened_at_seq);
    for (size_t i = 0; i < sizeof core_jobs / sizeof *core_jobs; i++)
        bus_job(bus, NULL, &core_jobs[i]);
    return bus;
}

void bus_start(struct bus *bus, const char *state_dir) {
    struct host *host = bus->host;
    bus->started = true;
    store_watch(host->store, &(struct store_watcher){appended, told, bus});
    told(bus, store_newest_seq(host->store), false);
    bus->lock_timer = timer_new(bus);
    if (state_dir) {
        size_t size = strlen(state_dir) + sizeof "/leader.lock";
        bus->lock_path = malloc(size);
        if (!bus->lock_path) abort();
        snprintf(bus->lock_path, size, "%s/leader.lock", state_dir);
    } else {
        bus->lock_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    uv_timer_start(bus->lock_timer, try_to_lead, LOCK_EACH_MS, LOCK_EACH_MS);
    try_to_lead(bus->lock_timer);
    bus_run_due(bus);
}

void bus_drain(struct bus *bus) {
    if (bus->draining) return;
    bus->draining = true;
    uv_timer_stop(bus->due);
    if (bus->lock_timer) uv_timer_stop(bus->lock_timer);
    while (bus->active || bus->becoming) {
        struct wait wait;
        wait_init(&wait, bus->host->loop);
        bus->drained = &wait;
        /* lead() is not counted in `active` between its two halves: look again soon. */
        wait_park(&wait, bus->becoming ? loop_clock_ns() + 10000000 : INT64_MAX);
        bus->drained = NULL;
    }
    if (bus->leads) listeners_save(bus);
    bus->leads = false;
    gauge(bus->leader, 0);
    if (bus->lock_file >= 0) close(bus->lock_file); /* frees the lock */
    bus->lock_file = -1;
}

static void free_listeners(struct bus *bus) {
    for (struct listener *listener = bus->listeners, *next; listener; listener = next) {
        next = listener->next;
        free(listener->name);
        free(listener);
    }
    for (struct job_kind *kind = bus->kinds, *next; kind; kind = next) {
        next = kind->next;
        free(kind->name);
        free(kind);
    }
}

void bus_close(struct bus *bus) {
    if (!bus) return;
    if (bus->host->store) store_watch(bus->host->store, &(struct store_watcher){0});
    if (bus->lock_file >= 0) close(bus->lock_file);
    uv_close((uv_handle_t *)bus->due, free_timer);
    if (bus->lock_timer) uv_close((uv_handle_t *)bus->lock_timer, free_timer);
    tail_free(&bus->tail);
    free_listeners(bus);
    free(bus->lock_path);
    free(bus);
}

bool bus_leads(const struct bus *bus) {
    return bus->leads;
}

/* ---- for the test host ---- */

static bool something_due(const struct bus *bus) {
    return bus->becoming || bus->tail.reading ||
           bus->tail.last_seq < store_newest_seq(bus->host->store) ||
           next_due_ms(bus) <= loop_now_ms(bus->host->loop);
}

void bus_settle(struct bus *bus) {
    struct loop *loop = bus->host->loop;
    enum { IDLE_TURNS = 200 }; /* a handler that only waits for the clock holds nothing up */
    for (int idle = 0; idle < IDLE_TURNS;) {
        bus_run_due(bus);
        loop_turn(loop);
        bool working = !store_idle(bus->host->store) || loop->ready.first || loop->deferred;
        if (working || something_due(bus)) {
            idle = 0;
        } else if (!bus->active) {
            return;
        } else {
            idle++;
        }
        if (!loop->ready.first && !loop->deferred)
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
}
