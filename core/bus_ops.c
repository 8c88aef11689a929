/* bus_ops.c - operations over the log, the dead letters and the jobs. */
#include "bus_inside.h"
#include "host.h"
#include "percent.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

/* ---- fields ---- */

static const sl_field event_row[] = {
    SL_INT("seq", .help = "place in the log, rising"),
    SL_INT("at_ms", .help = "when it was committed, in ms since 1970"),
    SL_STRING("type", .help = "noun.past-participle"),
    SL_STRING("subject", .help = "what it is about: \"deployment/42\""),
    SL_STRING("actor", .help = "who caused it"),
    SL_STRING("request_id", .help = "id of the request that caused it"),
    SL_OBJECT("data", NULL, .flags = SL_OPEN, .help = "the event's own members"),
    SL_END};
static const sl_field list_in[] = {
    SL_INT("after", .help = "events after this one; without it the newest", .min = 0,
           .max = 9007199254740991),
    SL_INT("limit", .help = "most events of a page", .def = "100", .min = 1, .max = 500),
    SL_STRING("type", .help = "exact type, or all of a noun: \"deployment.*\"", .max = 100),
    SL_STRING("subject", .help = "what the events are about: \"deployment/42\"", .max = 300),
    SL_END};
static const sl_field list_out[] = {
    SL_LIST_OF("items", event_row, .help = "in the order of commits, the newest last"),
    SL_STRING("next_cursor", .help = "give it as ?after= for what comes later"), SL_END};

static const sl_field page_in[] = {
    SL_INT("limit", .help = "most rows of a page", .def = "100", .min = 1, .max = 500),
    SL_STRING("cursor", .help = "next_cursor of the page before", .max = 64), SL_END};
static const sl_field dead_row[] = {
    SL_STRING("id"),
    SL_ENUM("kind", "listener|job"),
    SL_STRING("name", .help = "the listener or job that failed"),
    SL_INT("seq", .help = "the event, for a listener"),
    SL_STRING("type", .help = "type of the event"),
    SL_STRING("subject"),
    SL_INT("attempts"),
    SL_STRING("error", .help = "the last failure"),
    SL_INT("at_ms", .help = "when it was given up"),
    SL_BOOL("retrying", .help = "it was asked for again and has not run yet"),
    SL_END};
static const sl_field dead_out[] = {SL_LIST_OF("items", dead_row), SL_STRING("next_cursor"),
                                    SL_END};
static const sl_field id_in[] = {
    SL_STRING("id", .flags = SL_REQUIRED, .help = "id of the dead letter", .max = 64), SL_END};
static const sl_field retry_out[] = {SL_STRING("id"), SL_BOOL("retrying"), SL_END};
static const sl_field job_row[] = {SL_STRING("id"),
                                   SL_STRING("name"),
                                   SL_STRING("key"),
                                   SL_INT("at_ms", .help = "when it is due"),
                                   SL_INT("every_ms", .help = "period; 0: runs once"),
                                   SL_INT("attempts", .help = "failed runs so far"),
                                   SL_STRING("error", .help = "the last failure"),
                                   SL_END};
static const sl_field jobs_out[] = {SL_LIST_OF("items", job_row), SL_STRING("next_cursor"), SL_END};

/* ---- events ---- */

static cJSON *page_item(struct sl_call *call, const sl_rows *rows, size_t i) {
    sl_event event = page_event(rows, i);
    return event_json(&event, sl_cell_json(call, rows, i, "data"));
}

static int64_t resume_seq(const struct sl_call *call, const cJSON *in) {
    const char *last = call->http ? sl_header(call, "last-event-id") : NULL;
    if (last && *last) {
        char *end;
        long long seq = strtoll(last, &end, 10);
        if (!*end && seq >= 0) return seq;
    }
    return sl_get_int(in, "after", store_newest_seq(call->host->store));
}

/* The page behind this one, with the same filters. */
static void link_next(struct sl_call *call, const struct page_query *query, int64_t last_seq) {
    const struct event_filter *filter = &query->filter;
    struct arena *arena = call->arena;
    sl_reply_header(call, "Link",
                    arena_printf(arena, "</events?after=%lld&limit=%lld%s%s%s%s>; rel=\"next\"",
                                 (long long)last_seq, (long long)query->limit,
                                 filter->type ? "&type=" : "",
                                 filter->type ? percent_encode(arena, filter->type) : "",
                                 filter->subject ? "&subject=" : "",
                                 filter->subject ? percent_encode(arena, filter->subject) : ""));
}

static int events_list(sl_call *call, const cJSON *in, cJSON *out) {
    const struct event_filter filter = {.type = sl_get_text(in, "type", NULL),
                                        .tenant = call->who.tenant,
                                        .subject = sl_get_text(in, "subject", NULL)};
    if (sl_wants_stream(call)) return feed_run(call, &filter, resume_seq(call, in));
    int64_t after_seq = sl_get_int(in, "after", -1);
    struct page_query query = {.filter = filter,
                               .after_seq = after_seq,
                               .upto_seq = INT64_MAX,
                               .limit = sl_get_int(in, "limit", 100),
                               .newest = after_seq < 0};
    sl_rows rows;
    int rc = page_read(call, &query, &rows);
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < rows.count; i++) cJSON_AddItemToArray(items, page_item(call, &rows, i));
    int64_t last_seq = rows.count ? sl_cell_int(&rows, rows.count - 1, "seq") : after_seq;
    if (last_seq >= 0)
        cJSON_AddStringToObject(out, "next_cursor", sl_printf(call, "%lld", (long long)last_seq));
    if ((int64_t)rows.count == query.limit) link_next(call, &query, last_seq);
    return 0;
}

/* ---- dead letters and jobs: pages by id, which rises with time ---- */

static cJSON *row_json(const sl_rows *rows, size_t row) {
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < rows->columns; i++) {
        const sl_value *cell = &rows->cells[row * rows->columns + i];
        const char *name = rows->names[i];
        if (strcmp(name, "retrying") == 0)
            cJSON_AddBoolToObject(json, name, cell->as.integer != 0);
        else if (cell->type == SL_V_INT)
            cJSON_AddNumberToObject(json, name, (double)cell->as.integer);
        else if (cell->type == SL_V_TEXT)
            cJSON_AddStringToObject(json, name, cell->as.text);
    }
    return json;
}

static int list_rows(sl_call *call, const cJSON *in, cJSON *out, const char *sql) {
    int64_t limit = sl_get_int(in, "limit", 100);
    sl_rows rows;
    int rc = store_query(call, &rows, sql,
                         SL_ARGS(sl_text(call->who.tenant), sl_text(sl_get_text(in, "cursor", "")),
                                 sl_int(limit + 1)));
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    size_t shown = rows.count > (size_t)limit ? (size_t)limit : rows.count;
    for (size_t i = 0; i < shown; i++) cJSON_AddItemToArray(items, row_json(&rows, i));
    if (shown < rows.count)
        cJSON_AddStringToObject(out, "next_cursor", sl_cell_text(&rows, shown - 1, "id"));
    return 0;
}

static int events_dead(sl_call *call, const cJSON *in, cJSON *out) {
    return list_rows(call, in, out,
                     "SELECT id, kind, name, seq, type, subject, attempts, error, at_ms, retrying "
                     "FROM sluice_dead_letter WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3");
}

static int jobs_list(sl_call *call, const cJSON *in, cJSON *out) {
    return list_rows(call, in, out,
                     "SELECT id, name, key, at_ms, every_ms, attempts, error FROM sluice_job "
                     "WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3");
}

/* A job goes back into the queue; an event is handed over again by the core's own job. */
static void queue_again(sl_batch *batch, sl_call *call, const sl_rows *rows) {
    const char *id = sl_cell_text(rows, 0, "id");
    if (strcmp(sl_cell_text(rows, 0, "kind"), "listener") == 0) {
        sl_batch_demand(batch, 1, "this dead letter is being retried already",
                        "UPDATE sluice_dead_letter SET retrying = 1 WHERE id = $1 AND retrying = 0",
                        SL_ARGS(sl_text(id)));
        cJSON *in = cJSON_CreateObject();
        cJSON_AddStringToObject(in, "id", id);
        sl_batch_job(batch, "redeliver", id, 0, in);
        return;
    }
    sl_batch_demand(batch, 1, "this dead letter has been retried already",
                    "DELETE FROM sluice_dead_letter WHERE id = $1", SL_ARGS(sl_text(id)));
    int64_t now_ms = sl_now_ms(call);
    sl_batch_add(batch,
                 "INSERT INTO sluice_job(id, tenant, name, at_ms, every_ms, input, attempts, "
                 "actor, made_ms) VALUES ($1, $2, $3, $4, 0, $5, 0, $6, $4)",
                 SL_ARGS(sl_text(sl_new_id(call)), sl_text(call->who.tenant),
                         sl_text(sl_cell_text(rows, 0, "name")), sl_int(now_ms),
                         sl_text(sl_cell_text(rows, 0, "input")), sl_text(call->who.actor)));
    batch_queued_job(batch);
}

static int events_retry(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", "");
    sl_rows rows;
    int rc = store_query(call, &rows,
                         "SELECT id, kind, name, input FROM sluice_dead_letter "
                         "WHERE tenant = $1 AND id = $2",
                         SL_ARGS(sl_text(call->who.tenant), sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no dead letter '%s': GET /events/dead-letters lists them", id);
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddBoolToObject(out, "retrying", true);
    sl_reply_status(call, 202);
    sl_batch *batch = store_batch(call);
    queue_again(batch, call, &rows);
    return sl_commit(batch);
}

const sl_op bus_ops[] = {
    {.name = "events.list",
     .route = "GET /events",
     .summary = "List events of the log, or follow them live",
     .help = "Without `after` the newest events are given, the newest last. `next_cursor` is the "
             "`after` of the next page.\n\nWith `Accept: text/event-stream` the answer is a stream "
             "that stays open: each event with its number as `id`, its type as `event` and its "
             "JSON as `data`; `Last-Event-ID` or `after` say where to go on. An event `resync` "
             "tells a client that it is too far behind and must read the state anew; a comment "
             "every 15 seconds shows that the connection lives.",
     .in = list_in,
     .out = list_out,
     .needs = "events:read",
     .effect = SL_READS,
     .flags = SL_OP_STREAMS,
     .run = events_list},
    {.name = "events.dead",
     .route = "GET /events/dead-letters",
     .summary = "List events and jobs that were given up after their last attempt",
     .in = page_in,
     .out = dead_out,
     .needs = "events:read",
     .effect = SL_READS,
     .run = events_dead},
    {.name = "events.retry",
     .route = "POST /events/dead-letters/{id}/retry",
     .summary = "Try a dead letter again",
     .in = id_in,
     .out = retry_out,
     .needs = "events:write",
     .effect = SL_WRITES,
     .run = events_retry},
    {.name = "jobs.list",
     .route = "GET /jobs",
     .summary = "List background jobs that wait",
     .in = page_in,
     .out = jobs_out,
     .needs = "events:read",
     .effect = SL_READS,
     .run = jobs_list},
    SL_END};
