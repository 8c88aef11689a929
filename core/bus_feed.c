/* bus_feed.c - live feeds: GET /events as Server-Sent Events, and events that are not kept. */
#include "bus_inside.h"
#include "host.h"
#include "http.h"
#include "json.h"
#include "logging.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PING_EACH_S = 15, LAG_MAX_EVENTS = 10000, EPHEMERAL_MAX = 64 };

/* An ephemeral event that waits for a feed's client. */
struct waiting_event {
    struct waiting_event *next;
    char *type, *text;
};

struct feed {
    struct follower follower; /* first member */
    struct sl_call *call;
    struct wait *wait; /* set while its fiber is parked */
    struct waiting_event *first, **end;
    unsigned waiting;
};

cJSON *event_json(const sl_event *event, const cJSON *data) {
    cJSON *json = cJSON_CreateObject();
    if (event->seq) cJSON_AddNumberToObject(json, "seq", (double)event->seq);
    cJSON_AddNumberToObject(json, "at_ms", (double)event->at_ms);
    cJSON_AddStringToObject(json, "type", event->type);
    if (event->subject) cJSON_AddStringToObject(json, "subject", event->subject);
    cJSON_AddStringToObject(json, "actor", event->actor);
    if (event->request_id) cJSON_AddStringToObject(json, "request_id", event->request_id);
    if (data)
        cJSON_AddItemReferenceToObject(json, "data", (cJSON *)data);
    else
        cJSON_AddObjectToObject(json, "data");
    return json;
}

static void wake(struct follower *follower) {
    struct feed *feed = (struct feed *)follower; /* its first member */
    if (feed->wait) wait_done(feed->wait, 0);
    feed->wait = NULL;
}

static void drop_first(struct feed *feed) {
    struct waiting_event *event = feed->first;
    feed->first = event->next;
    if (!feed->first) feed->end = &feed->first;
    feed->waiting--;
    free(event->type);
    free(event->text);
    free(event);
}

static void keep_ephemeral(struct follower *follower, const sl_event *event) {
    struct feed *feed = (struct feed *)follower;
    if (feed->waiting == EPHEMERAL_MAX) drop_first(feed); /* a slow client misses old ticks */
    struct waiting_event *copy = calloc(1, sizeof *copy);
    if (!copy) abort();
    struct arena *arena = arena_current(), own;
    if (!arena) arena_init(&own), arena_use(&own);
    copy->type = strdup(event->type);
    copy->text = strdup(json_print(arena ? arena : &own, event_json(event, event->data), NULL));
    if (!arena) arena_use(NULL), arena_fini(&own);
    *feed->end = copy;
    feed->end = &copy->next;
    feed->waiting++;
    wake(follower);
}

static int send_ephemeral(struct feed *feed) {
    int rc = 0;
    while (!rc && feed->first) {
        struct waiting_event *event = feed->first;
        char *type = event->type, *text = event->text;
        event->type = event->text = NULL;
        drop_first(feed);
        rc = sl_stream_send(feed->call, NULL, type, text); /* may suspend */
        free(type);
        free(text);
    }
    return rc;
}

/* Too far behind, or ahead of a log that was restored: the client must read the state anew. */
static int resync(struct feed *feed) {
    int64_t newest_seq = store_newest_seq(feed->call->host->store);
    int64_t at_seq = feed->follower.at_seq;
    if (at_seq <= newest_seq && newest_seq - at_seq <= LAG_MAX_EVENTS) return 0;
    char id[24], data[96];
    snprintf(id, sizeof id, "%lld", (long long)newest_seq);
    snprintf(data, sizeof data, "{\"from\":%lld,\"to\":%lld}", (long long)at_seq,
             (long long)newest_seq);
    feed->follower.at_seq = newest_seq;
    return sl_stream_send(feed->call, id, "resync", data);
}

static int send_event(struct feed *feed, struct sl_call *reader, const sl_event *event) {
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)event->seq);
    const char *text = json_print(reader->arena, event_json(event, event->data), NULL);
    int rc = sl_stream_send(feed->call, id, event->type, text);
    if (!rc) feed->follower.at_seq = event->seq;
    return rc;
}

/* Until something comes, or it is time for a sign of life. */
static int wait_for_more(struct feed *feed) {
    struct sl_call *call = feed->call;
    struct wait wait;
    wait_init(&wait, call->host->loop);
    feed->wait = &wait;
    int64_t deadline_ns = call->deadline_ns;
    call->deadline_ns = loop_clock_ns() + PING_EACH_S * 1000000000LL;
    int status = call_park(call, &wait);
    call->deadline_ns = deadline_ns;
    feed->wait = NULL;
    if (call->cancelled || status == SL_CANCELLED) return SL_CANCELLED;
    return status == SL_TIMEOUT ? sl_stream_send(call, NULL, NULL, NULL) : 0;
}

static int feed_turn(struct feed *feed, struct sl_call *reader) {
    int rc = send_ephemeral(feed);
    if (!rc) rc = resync(feed);
    if (rc) return rc;
    sl_event event;
    int got = tail_next(reader, &feed->follower, &event);
    if (got < 0) return sl_failure_status(reader);
    if (got > 0) return send_event(feed, reader, &event);
    return feed->first ? 0 : wait_for_more(feed);
}

int feed_run(struct sl_call *call, const struct event_filter *filter, int64_t after_seq) {
    struct bus *bus = call->host->bus;
    int rc = sl_stream_open(call);
    if (rc) return rc;
    static const char retry[] = "retry: 2000\n\n";
    http_stream_write(call->http, (struct http_span){retry, sizeof retry - 1});
    struct feed feed = {.follower = {.filter = *filter,
                                     .at_seq = after_seq,
                                     .wake = wake,
                                     .ephemeral = keep_ephemeral},
                        .call = call};
    feed.end = &feed.first;
    /* A stream may last for days: what one event needs is given back after it. */
    struct arena arena, *before = arena_current();
    arena_init(&arena);
    struct sl_call reader;
    call_init(&reader, call->host, NULL, &arena);
    arena_use(&arena);
    tail_follow(bus, &feed.follower);
    if (bus->feeds) metric_add(bus->feeds, 1);
    for (unsigned events = 0; !rc;) {
        rc = feed_turn(&feed, &reader);
        arena_reset(&arena);
        bus_breathe(bus, &events);
    }
    if (bus->feeds) metric_add(bus->feeds, -1);
    tail_leave(bus, &feed.follower);
    while (feed.first) drop_first(&feed);
    arena_use(before);
    arena_fini(&arena);
    return rc;
}

void sl_emit_ephemeral(sl_call *call, const char *type, const char *subject, cJSON *data) {
    struct bus *bus = call->host->bus;
    if (!bus || !bus->started || bus->draining) return;
    const sl_event event = {.at_ms = loop_now_ms(call->host->loop),
                            .type = type,
                            .tenant = call->who.tenant,
                            .actor = call->who.actor,
                            .subject = subject,
                            .request_id = call->request_id[0] ? call->request_id : NULL,
                            .data = data,
                            .attempt = 1};
    for (struct follower *follower = bus->tail.followers, *next; follower; follower = next) {
        next = follower->next;
        if (follower->ephemeral && filter_matches(&follower->filter, &event))
            follower->ephemeral(follower, &event);
    }
}
