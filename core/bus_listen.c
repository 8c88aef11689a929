/* bus_listen.c - listeners: their places in the log, deliveries, retries, dead letters. */
#include "bus_inside.h"
#include "host.h"
#include "ids.h"
#include "logging.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTEMPTS_MAX = 8,
    TIMEOUT_MS = 30000,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_LAST_MS = 5 * 60 * 1000,
    SAVE_AFTER_MS = 1000,
    TROUBLE_WAIT_MS = 1000
};

int64_t backoff_ms(int attempts) {
    int64_t wait_ms = BACKOFF_FIRST_MS;
    for (int i = 1; i < attempts && wait_ms < BACKOFF_LAST_MS; i++) wait_ms *= 2;
    if (wait_ms > BACKOFF_LAST_MS) wait_ms = BACKOFF_LAST_MS;
    uint32_t random;
    random_bytes(&random, sizeof random);
    return wait_ms - (int64_t)(random % 256) * wait_ms / 1024; /* up to a quarter less */
}

static void run_listener(void *arg);

void listener_wake(struct listener *listener) {
    struct bus *bus = listener->bus;
    if (listener->running || !bus->leads || bus->draining) return;
    if (listener->next_ms > loop_now_ms(bus->host->loop)) return;
    if (listener->follower.at_seq >= bus->tail.last_seq) return;
    listener->running = true;
    fiber_start_later(bus->host->loop, run_listener, listener);
}

static void wake(struct follower *follower) {
    listener_wake((struct listener *)follower); /* its first member */
}

/* ---- places ---- */

static int insert_places(struct bus *bus, struct sl_call *call) {
    sl_batch *batch = store_batch(call);
    bool any = false;
    for (struct listener *listener = bus->listeners; listener; listener = listener->next) {
        if (listener->saved_seq >= 0) continue;
        listener->saved_seq = listener->follower.at_seq = bus->opened_at_seq;
        sl_batch_add(batch,
                     "INSERT INTO sluice_cursor(listener, tenant, seq, attempts, next_ms) "
                     "VALUES ($1, 'system', $2, 0, 0) ON CONFLICT (listener) DO NOTHING",
                     SL_ARGS(sl_text(listener->name), sl_int(listener->saved_seq)));
        any = true;
    }
    int rc = any ? sl_commit(batch) : 0;
    if (rc) log_error("the places of new listeners cannot be saved: %s", sl_failure(call));
    return rc;
}

static struct listener *find(struct bus *bus, const char *name) {
    for (struct listener *listener = bus->listeners; listener; listener = listener->next)
        if (strcmp(listener->name, name) == 0) return listener;
    return NULL;
}

/* A new listener begins at the end of the log as it was when this worker opened it, so that it
 * hears what its plugin's own start has caused, and not the past. */
int listeners_load(struct bus *bus) {
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, NULL);
    struct sl_call *call = &fiber.call;
    sl_rows rows;
    for (struct listener *listener = bus->listeners; listener; listener = listener->next)
        listener->saved_seq = -1;
    int rc = store_query(call, &rows, "SELECT listener, seq, attempts, next_ms FROM sluice_cursor",
                         SL_NO_ARGS);
    for (size_t i = 0; !rc && i < rows.count; i++) {
        struct listener *listener = find(bus, sl_cell_text(&rows, i, "listener"));
        if (!listener) continue;
        listener->saved_seq = listener->follower.at_seq = sl_cell_int(&rows, i, "seq");
        listener->attempts = (int)sl_cell_int(&rows, i, "attempts");
        listener->next_ms = sl_cell_int(&rows, i, "next_ms");
    }
    if (rc) log_error("the places of listeners cannot be read: %s", sl_failure(call));
    if (!rc) rc = insert_places(bus, call);
    bus_fiber_end(&fiber);
    return rc;
}

int listeners_save(struct bus *bus) {
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, NULL);
    sl_batch *batch = store_batch(&fiber.call);
    bool any = false;
    for (struct listener *listener = bus->listeners; listener; listener = listener->next) {
        if (listener->running || listener->follower.at_seq <= listener->saved_seq) continue;
        listener->saved_seq = listener->follower.at_seq;
        sl_batch_add(batch,
                     "UPDATE sluice_cursor SET seq = $2, attempts = 0, next_ms = 0, error = NULL "
                     "WHERE listener = $1 AND seq < $2",
                     SL_ARGS(sl_text(listener->name), sl_int(listener->saved_seq)));
        any = true;
    }
    int rc = any ? sl_commit(batch) : 0;
    /* Nothing is lost: the events between are matched again after a restart, or heard again. */
    if (rc) log_warn("places of listeners are not saved: %s", sl_failure(&fiber.call));
    bus_fiber_end(&fiber);
    return rc;
}

static void save_later(struct bus *bus) {
    if (bus->save_due_ms != INT64_MAX) return;
    bus->save_due_ms = loop_now_ms(bus->host->loop) + SAVE_AFTER_MS;
    bus_run_due(bus);
}

/* ---- one delivery ---- */

/* Runs the handler in the given call, which has the plugin, the claim and the arena. */
int listener_run_event(struct listener *listener, struct sl_call *call, const sl_event *event) {
    struct loop *loop = call->host->loop;
    int64_t timeout_ms = listener->row.timeout_ms ? listener->row.timeout_ms : TIMEOUT_MS;
    call->who.tenant = event->tenant;
    call->deadline_ns = loop_clock_ns() + timeout_ms * 1000000;
    if (event->request_id)
        strncpy(call->request_id, event->request_id, sizeof call->request_id - 1);
    struct sl_call *failed = call;
    if (listener->plugin && listener->plugin->state == PLUGIN_FAILED)
        return sl_fail(failed, SL_UNAVAILABLE, "plugin %s has failed", listener->plugin->name);
    const char *was_running = loop->running;
    loop->running = listener->name;
    int rc = listener->row.run(call, event);
    loop->running = was_running;
    if (rc && !call->failure.sentence)
        rc = sl_fail(call, rc, "listener %s failed without saying why (code %d)", listener->name,
                     rc);
    return rc;
}

/* A failure of the platform itself is not the event's fault. */
static bool counts_against(struct listener *listener, int rc) {
    struct bus *bus = listener->bus;
    if (listener->plugin && listener->plugin->state == PLUGIN_FAILED) return false;
    return !(rc == SL_CANCELLED && bus->draining) && !store_write_trouble(bus->host->store);
}

static int bury(struct listener *listener, struct sl_call *call, const sl_event *event,
                const char *why) {
    sl_batch *batch = store_batch(call);
    const char *id = sl_new_id(call);
    sl_batch_add(batch,
                 "INSERT INTO sluice_dead_letter(id, tenant, kind, name, seq, type, subject, "
                 "attempts, error, at_ms, retrying) "
                 "VALUES ($1, $2, 'listener', $3, $4, $5, $6, $7, $8, $9, 0)",
                 SL_ARGS(sl_text(id), sl_text(event->tenant), sl_text(listener->name),
                         sl_int(event->seq), sl_text(event->type), sl_text(event->subject),
                         sl_int(listener->attempts), sl_text(why), sl_int(sl_now_ms(call))));
    sl_batch_demand(batch, 1, "another worker has handled this event already",
                    "UPDATE sluice_cursor SET seq = $2, attempts = 0, next_ms = 0, error = NULL "
                    "WHERE listener = $1 AND seq < $2",
                    SL_ARGS(sl_text(listener->name), sl_int(event->seq)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", id);
    cJSON_AddStringToObject(data, "listener", listener->name);
    cJSON_AddNumberToObject(data, "seq", (double)event->seq);
    cJSON_AddStringToObject(data, "type", event->type);
    cJSON_AddNumberToObject(data, "attempts", listener->attempts);
    cJSON_AddStringToObject(data, "error", why);
    sl_batch_emit(batch, "listener.dead_lettered",
                  arena_printf(call->arena, "listener/%s", listener->name), data);
    return sl_commit(batch);
}

static int note_attempt(struct listener *listener, struct sl_call *call, const char *why) {
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch,
                 "UPDATE sluice_cursor SET seq = $2, attempts = $3, next_ms = $4, error = $5 "
                 "WHERE listener = $1 AND seq <= $2",
                 SL_ARGS(sl_text(listener->name), sl_int(listener->follower.at_seq),
                         sl_int(listener->attempts), sl_int(listener->next_ms), sl_text(why)));
    int rc = sl_commit(batch);
    if (!rc) listener->saved_seq = listener->follower.at_seq;
    return rc;
}

static void passed(struct listener *listener, int64_t seq, bool saved) {
    listener->follower.at_seq = seq;
    if (saved) listener->saved_seq = seq;
    listener->attempts = 0;
    listener->next_ms = 0;
}

static void failed(struct listener *listener, struct sl_call *call, const sl_event *event, int rc) {
    struct bus *bus = listener->bus;
    int64_t now_ms = loop_now_ms(bus->host->loop);
    const char *why = arena_strdup(call->arena, sl_failure(call));
    bus_count(listener->failed);
    if (!counts_against(listener, rc)) {
        listener->next_ms = now_ms + TROUBLE_WAIT_MS;
        return;
    }
    int most = listener->row.max_attempts ? (int)listener->row.max_attempts : ATTEMPTS_MAX;
    listener->attempts++;
    log_warn("listener %s failed on event %lld (%s), attempt %d of %d: %s", listener->name,
             (long long)event->seq, event->type, listener->attempts, most, why);
    if (listener->attempts < most) {
        listener->next_ms = now_ms + backoff_ms(listener->attempts);
        note_attempt(listener, call, why);
        return;
    }
    if (bury(listener, call, event, why) == 0) {
        bus_count(bus_series(bus, "dead_letters_total", listener->name));
        passed(listener, event->seq, true);
    } else {
        listener->attempts--; /* it stays until it can be buried */
        listener->next_ms = now_ms + TROUBLE_WAIT_MS;
    }
}

/* Its own dead letter would come back to it for ever. */
static bool is_own_funeral(const struct listener *listener, const sl_event *event) {
    return strcmp(event->type, "listener.dead_lettered") == 0 && event->subject &&
           strncmp(event->subject, "listener/", 9) == 0 &&
           strcmp(event->subject + 9, listener->name) == 0;
}

static void deliver(struct listener *listener, struct bus_fiber *fiber, sl_event *event) {
    struct sl_call *call = &fiber->call;
    if (is_own_funeral(listener, event)) {
        passed(listener, event->seq, false);
        return;
    }
    struct bus_claim claim = {.place = {.listener = listener->name, .seq = event->seq}};
    call->claim = &claim.place;
    event->attempt = listener->attempts + 1;
    int rc = listener_run_event(listener, call, event);
    bool saved = !claim.place.listener;
    call->claim = NULL;
    if (rc && saved)
        log_error("listener %s failed on event %lld after it had committed: %s", listener->name,
                  (long long)event->seq, sl_failure(call));
    if (rc && !saved) {
        failed(listener, call, event, rc);
        return;
    }
    bus_count(listener->delivered);
    passed(listener, event->seq, saved);
}

static void run_listener(void *arg) {
    struct listener *listener = arg;
    struct bus *bus = listener->bus;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, listener->plugin);
    unsigned events = 0;
    while (!bus->draining && listener->next_ms <= loop_now_ms(bus->host->loop)) {
        sl_event event;
        int got = tail_next(&fiber.call, &listener->follower, &event);
        if (got < 0) listener->next_ms = loop_now_ms(bus->host->loop) + TROUBLE_WAIT_MS;
        if (got > 0) deliver(listener, &fiber, &event);
        if (got <= 0) break;
        arena_reset(&fiber.arena);
        call_init(&fiber.call, bus->host, listener->plugin, &fiber.arena);
        bus_breathe(bus, &events);
    }
    if (listener->lag)
        metric_set(listener->lag, (double)(bus->tail.newest_seq - listener->follower.at_seq));
    listener->running = false;
    bus_fiber_end(&fiber);
    if (listener->follower.at_seq > listener->saved_seq) save_later(bus);
    if (listener->next_ms) bus_run_due(bus);
    listener_wake(listener); /* something may have come between the last look and now */
}

void bus_listen(struct bus *bus, struct plugin *plugin, const sl_listen *row) {
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) abort();
    const char *owner = plugin ? plugin->name : "sluice";
    size_t size = strlen(owner) + strlen(row->name) + 2;
    listener->name = malloc(size);
    if (!listener->name) abort();
    snprintf(listener->name, size, "%s.%s", owner, row->name);
    listener->bus = bus;
    listener->plugin = plugin;
    listener->row = *row;
    listener->follower = (struct follower){.filter = {.type = listener->row.type},
                                           .at_seq = bus->opened_at_seq,
                                           .wake = wake,
                                           .ephemeral = listener_hear_ephemeral};
    listener->saved_seq = -1;
    listener->next = bus->listeners;
    bus->listeners = listener;
    char labels[160];
    snprintf(labels, sizeof labels, "%s|ok", listener->name);
    listener->delivered = bus_series(bus, "events_delivered_total", labels);
    snprintf(labels, sizeof labels, "%s|failed", listener->name);
    listener->failed = bus_series(bus, "events_delivered_total", labels);
    listener->lag = bus_series(bus, "listener_lag_events", listener->name);
    tail_follow(bus, &listener->follower);
}
