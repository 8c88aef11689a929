/* bus_redeliver.c - a dead letter is tried again: a durable job of the core. */
#include "bus_inside.h"
#include "host.h"
#include "store.h"

#include <string.h>

static struct listener *find(struct bus *bus, const char *name) {
    for (struct listener *listener = bus->listeners; listener; listener = listener->next)
        if (strcmp(listener->name, name) == 0) return listener;
    return NULL;
}

static int note_failure(struct sl_call *call, const char *id, const char *why) {
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch,
                 "UPDATE sluice_dead_letter SET retrying = 0, attempts = attempts + 1, error = $2 "
                 "WHERE id = $1",
                 SL_ARGS(sl_text(id), sl_text(why)));
    return sl_commit(batch);
}

static int finish(struct sl_call *call, const char *id) {
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch, "DELETE FROM sluice_dead_letter WHERE id = $1", SL_ARGS(sl_text(id)));
    return sl_commit(batch);
}

/* Runs the listener's handler in a call of its plugin; its first commit removes the letter. */
static int hand_over(struct sl_call *call, struct listener *listener, const char *id,
                     sl_event *event) {
    struct sl_call own;
    call_init(&own, call->host, listener->plugin, call->arena);
    struct bus_claim claim = {.place = {.listener = listener->name, .seq = event->seq},
                              .dead_letter = id};
    own.claim = &claim.place;
    int rc = listener_run_event(listener, &own, event);
    bool saved = !claim.place.listener;
    if (saved) return 0;
    return rc ? note_failure(call, id, sl_failure(&own)) : finish(call, id);
}

int redeliver(struct sl_call *call, const cJSON *in) {
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, "id"));
    sl_rows rows;
    int rc = store_query(call, &rows,
                         "SELECT e.seq, e.at_ms, e.type, e.tenant, e.actor, e.subject, "
                         "e.request_id, e.data, d.name, d.attempts FROM sluice_dead_letter d "
                         "JOIN sluice_event e ON e.seq = d.seq WHERE d.id = $1",
                         SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count) return note_failure(call, id, "the event is no longer in the log");
    struct listener *listener = find(call->host->bus, sl_cell_text(&rows, 0, "name"));
    if (!listener) return note_failure(call, id, "there is no such listener now");
    sl_event event = page_event(&rows, 0);
    event.attempt = (int32_t)sl_cell_int(&rows, 0, "attempts") + 1;
    event.data = sl_cell_json(call, &rows, 0, "data");
    return hand_over(call, listener, id, &event);
}
