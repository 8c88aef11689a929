/* bus_tail.c - the newest part of the log, kept in memory.
 *
 * One reader loads what is new; listeners and live feeds take it from there, so that ten listeners
 * do not read the log ten times. Who lies further back reads pages from the store. */
#include "bus_inside.h"
#include "host.h"
#include "json.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { READ_PAGE = 256 };

static bool pattern_matches(const char *pattern, const char *type) {
    size_t size = strlen(pattern);
    if (size && pattern[size - 1] == '*') return strncmp(pattern, type, size - 1) == 0;
    return strcmp(pattern, type) == 0;
}

bool filter_matches(const struct event_filter *filter, const sl_event *event) {
    if (filter->type && !pattern_matches(filter->type, event->type)) return false;
    if (filter->tenant && strcmp(filter->tenant, event->tenant) != 0) return false;
    return !filter->subject || (event->subject && strcmp(filter->subject, event->subject) == 0);
}

/* ---- the ring ---- */

static const char *pack(char **at, const char *text) {
    if (!text) return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t room(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

static struct logged *logged_new(const sl_event *event, const char *data) {
    size_t bytes = sizeof(struct logged) + room(event->type) + room(event->tenant) +
                   room(event->actor) + room(event->subject) + room(event->request_id) + room(data);
    struct logged *logged = malloc(bytes);
    if (!logged) abort();
    char *at = (char *)(logged + 1);
    logged->event = *event;
    logged->event.type = pack(&at, event->type);
    logged->event.tenant = pack(&at, event->tenant);
    logged->event.actor = pack(&at, event->actor);
    logged->event.subject = pack(&at, event->subject);
    logged->event.request_id = pack(&at, event->request_id);
    logged->data = pack(&at, data);
    logged->bytes = bytes;
    return logged;
}

static void drop_first(struct tail *tail) {
    struct logged **place = &tail->ring[tail->first_seq % TAIL_EVENTS];
    if (*place) tail->bytes -= (*place)->bytes;
    free(*place);
    *place = NULL;
    tail->first_seq++;
}

void tail_free(struct tail *tail) {
    while (tail->first_seq <= tail->last_seq) drop_first(tail);
}

/* Numbers may have gaps (rows removed by retention), so places may be empty. */
static void tail_add(struct tail *tail, struct logged *logged) {
    tail->bytes += logged->bytes;
    while (tail->first_seq <= tail->last_seq &&
           (logged->event.seq - tail->first_seq >= TAIL_EVENTS || tail->bytes > TAIL_BYTES))
        drop_first(tail);
    if (tail->first_seq > tail->last_seq) tail->first_seq = logged->event.seq;
    tail->ring[logged->event.seq % TAIL_EVENTS] = logged;
    tail->last_seq = logged->event.seq;
}

/* ---- following ---- */

void tail_follow(struct bus *bus, struct follower *follower) {
    follower->before = NULL;
    follower->next = bus->tail.followers;
    if (follower->next) follower->next->before = follower;
    bus->tail.followers = follower;
}

void tail_leave(struct bus *bus, struct follower *follower) {
    if (follower->before)
        follower->before->next = follower->next;
    else
        bus->tail.followers = follower->next;
    if (follower->next) follower->next->before = follower->before;
}

/* Wakes who wants one of the new events; moves the others, who stood at the end, along. */
static void wake_followers(struct tail *tail, int64_t from_seq) {
    for (struct follower *follower = tail->followers, *next; follower; follower = next) {
        next = follower->next;
        bool wanted = follower->at_seq < from_seq - 1;
        int64_t first_seq = from_seq > tail->first_seq ? from_seq : tail->first_seq;
        if (first_seq > from_seq) wanted = true; /* some have left the memory already: look */
        for (int64_t seq = first_seq; seq <= tail->last_seq && !wanted; seq++) {
            const struct logged *logged = tail->ring[seq % TAIL_EVENTS];
            wanted = logged && logged->event.seq == seq &&
                     filter_matches(&follower->filter, &logged->event);
        }
        if (wanted)
            follower->wake(follower);
        else
            follower->at_seq = tail->last_seq;
    }
}

static bool read_new(struct bus *bus, struct bus_fiber *fiber) {
    struct tail *tail = &bus->tail;
    sl_rows rows;
    struct page_query query = {
        .after_seq = tail->last_seq, .upto_seq = INT64_MAX, .limit = READ_PAGE};
    if (page_read(&fiber->call, &query, &rows)) return false;
    if (!rows.count) return false;
    int64_t from_seq = tail->last_seq + 1;
    for (size_t i = 0; i < rows.count; i++) {
        sl_event event = page_event(&rows, i);
        tail_add(tail, logged_new(&event, sl_cell_text(&rows, i, "data")));
    }
    if (tail->last_seq > tail->newest_seq) tail->newest_seq = tail->last_seq;
    wake_followers(tail, from_seq);
    return true;
}

static void read_all(void *arg) {
    struct bus *bus = arg;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, bus, NULL);
    while (bus->tail.last_seq < bus->tail.newest_seq && read_new(bus, &fiber))
        arena_reset(&fiber.arena);
    bus->tail.reading = false;
    bus_fiber_end(&fiber);
}

void tail_append(struct bus *bus, const struct chain_entry *entry) {
    struct tail *tail = &bus->tail;
    if (tail->reading || !tail->followers || entry->seq != tail->last_seq + 1) return;
    const sl_event event = {.seq = entry->seq,
                            .at_ms = entry->at_ms,
                            .type = entry->type,
                            .tenant = entry->tenant,
                            .actor = entry->actor,
                            .subject = entry->subject,
                            .request_id = entry->request_id,
                            .attempt = 1};
    tail_add(tail, logged_new(&event, entry->data));
    if (!tail->untold_seq) tail->untold_seq = entry->seq;
}

void tail_told(struct bus *bus, int64_t newest_seq) {
    struct tail *tail = &bus->tail;
    if (tail->last_seq > newest_seq) newest_seq = tail->last_seq;
    if (newest_seq > tail->newest_seq) tail->newest_seq = newest_seq;
    int64_t untold_seq = tail->untold_seq;
    tail->untold_seq = 0;
    if (untold_seq) wake_followers(tail, untold_seq);
    if (tail->newest_seq <= tail->last_seq || tail->reading) return;
    if (!tail->followers) { /* nobody to read for */
        tail_free(tail);
        tail->last_seq = tail->newest_seq;
        tail->first_seq = tail->newest_seq + 1;
        return;
    }
    tail->reading = true;
    fiber_start_later(bus->host->loop, read_all, bus);
}

/* ---- taking ---- */

static void copy_out(struct sl_call *call, const sl_event *from, const char *data, sl_event *to) {
    struct arena *arena = call->arena;
    struct json_fault fault;
    *to = *from;
    to->type = arena_strdup(arena, from->type);
    to->tenant = arena_strdup(arena, from->tenant);
    to->actor = arena_strdup(arena, from->actor);
    to->subject = from->subject ? arena_strdup(arena, from->subject) : NULL;
    to->request_id = from->request_id ? arena_strdup(arena, from->request_id) : NULL;
    to->data = json_parse(arena, data, strlen(data), &fault);
    if (!to->data) to->data = cJSON_CreateObject();
}

static int next_in_memory(struct sl_call *call, struct follower *follower, sl_event *event) {
    struct tail *tail = &call->host->bus->tail;
    for (; follower->at_seq < tail->last_seq; follower->at_seq++) {
        int64_t seq = follower->at_seq + 1;
        const struct logged *logged = tail->ring[seq % TAIL_EVENTS];
        if (!logged || logged->event.seq != seq) continue;
        if (!filter_matches(&follower->filter, &logged->event)) continue;
        copy_out(call, &logged->event, logged->data, event);
        return 1;
    }
    return 0;
}

/* Behind the ring: the store looks for the next one. */
static int next_in_store(struct sl_call *call, struct follower *follower, sl_event *event) {
    int64_t upto_seq = call->host->bus->tail.first_seq - 1;
    struct page_query query = {.filter = follower->filter,
                               .after_seq = follower->at_seq,
                               .upto_seq = upto_seq,
                               .limit = 1};
    sl_rows rows;
    if (page_read(call, &query, &rows)) return -1;
    follower->at_seq = rows.count ? sl_cell_int(&rows, 0, "seq") - 1 : upto_seq;
    if (!rows.count) return 0;
    sl_event row = page_event(&rows, 0);
    copy_out(call, &row, sl_cell_text(&rows, 0, "data"), event);
    return 1;
}

int tail_next(struct sl_call *call, struct follower *follower, sl_event *event) {
    struct tail *tail = &call->host->bus->tail;
    while (follower->at_seq + 1 < tail->first_seq && follower->at_seq < tail->last_seq) {
        int got = next_in_store(call, follower, event);
        if (got) return got;
    }
    return next_in_memory(call, follower, event);
}
