/* updates.c - what customers are told: drafts that a person publishes or discards. */
#include "telling.h"

#include <string.h>

static int check_public(sl_call *call, const struct incident *i, const char *body) {
    struct story story;
    char why[120];
    int rc = story_of_incident(call, i, &story);
    if (rc || safe_for_customers(body, &story.internal, why)) return rc;
    sl_fault(call, "/text", NULL, "%s", why);
    return sl_fail(call, SL_INVALID,
                   "text: customers may not read this: %s; reword it without internal names, "
                   "addresses, ids and technical terms",
                   why);
}

static void print_update(const sl_rows *rows, size_t r, cJSON *item) {
    cJSON_AddNumberToObject(item, "number", (double)sl_cell_int(rows, r, "number"));
    cJSON_AddStringToObject(item, "incident_id", sl_cell_text(rows, r, "incident_id"));
    cJSON_AddStringToObject(item, "status", sl_cell_text(rows, r, "status"));
    cJSON_AddStringToObject(item, "text", sl_cell_text(rows, r, "body"));
    cJSON_AddStringToObject(item, "state", sl_cell_text(rows, r, "state"));
    cJSON_AddStringToObject(item, "author", sl_cell_text(rows, r, "author"));
    if (*sl_cell_text(rows, r, "approver"))
        cJSON_AddStringToObject(item, "approver", sl_cell_text(rows, r, "approver"));
    put_when(item, "created_at", sl_cell_int(rows, r, "created_ms"));
    put_when(item, "published_at", sl_cell_int(rows, r, "published_ms"));
}

static int load_updates(sl_call *call, const char *incident, int64_t number, sl_rows *rows) {
    return sl_query(
        call, rows,
        "SELECT number, incident_id, status, body, state, author, approver, created_ms, "
        "published_ms FROM incident_update WHERE tenant = $1 AND incident_id = $2 AND ($3 "
        "= 0 OR number = $3) ORDER BY number",
        SL_ARGS(sl_text(incident), sl_int(number)));
}

int incident_draft(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident i;
    const char *body = sl_get_text(in, "text", NULL);
    const bool by_hand = body != NULL;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (!rc) rc = by_hand ? check_public(call, &i, body) : story_for_customers(call, &i, &body);
    if (rc) return rc;
    const struct story now = {.status = i.status,
                              .cause = sl_get_text(i.extra, "cause", NULL),
                              .mitigated_ms = i.mitigated_ms,
                              .resolved_ms = i.resolved_ms};
    const char *status = sl_get_text(in, "status", story_public_status(&now));
    sl_rows rows;
    rc = sl_query(
        call, &rows,
        "SELECT COALESCE(MAX(number), 0) + 1 AS n FROM incident_update WHERE tenant = $1 AND "
        "incident_id = $2",
        SL_ARGS(sl_text(i.id)));
    if (rc) return rc;
    const int64_t number = sl_cell_int(&rows, 0, "n");
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(
        batch, 1, "another draft was written at this moment; try again",
        "INSERT INTO incident_update (tenant, incident_id, number, status, body, state, "
        "author, approver, created_ms, published_ms) VALUES ($1, $2, $3, $4, $5, 'draft', "
        "$6, '', $7, 0) ON CONFLICT DO NOTHING",
        SL_ARGS(sl_text(i.id), sl_int(number), sl_text(status), sl_text(body),
                sl_text(by_hand ? sl_actor(call) : "sluice"), sl_int(sl_now_ms(call))));
    rc = sl_commit(batch);
    if (!rc) rc = load_updates(call, i.id, number, &rows);
    if (!rc) print_update(&rows, 0, out);
    sl_reply_status(call, 201);
    return rc;
}

int incident_drafts(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident i;
    sl_rows rows;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (!rc) rc = load_updates(call, i.id, 0, &rows);
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t r = 0; !rc && r < rows.count; r++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(items, item);
        print_update(&rows, r, item);
    }
    return rc;
}

/* The person who publishes stands for the words: they are checked again, names may have come. */
int incident_publish(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident i;
    sl_rows rows;
    const int64_t number = sl_get_int(in, "number", 0);
    const bool discard = sl_get_bool(in, "discard", 0) != 0;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (!rc) rc = load_updates(call, i.id, number, &rows);
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND, "incident %s has no draft number %lld", i.id,
                       (long long)number);
    const char *body = sl_cell_text(&rows, 0, "body");
    const char *title = sl_get_text(i.extra, "public_title", NULL);
    if (!discard) rc = check_public(call, &i, body);
    if (!rc && !discard && title) rc = check_public(call, &i, title);
    if (rc) return rc;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(batch, 1, "this draft has been published or discarded already",
                    "UPDATE incident_update SET state = $2, approver = $3, published_ms = $4 WHERE "
                    "tenant = $1 AND incident_id = $5 AND number = $6 AND state = 'draft'",
                    SL_ARGS(sl_text(discard ? "discarded" : "published"), sl_text(sl_actor(call)),
                            sl_int(discard ? 0 : sl_now_ms(call)), sl_text(i.id), sl_int(number)));
    if (!discard) {
        line_add(call, batch,
                 &(struct new_line){.incident = i.id,
                                    .id = sl_printf(call, "update/%lld", (long long)number),
                                    .source = "sluice",
                                    .kind = "update",
                                    .text = sl_printf(call, "Customers were told (%s): %s",
                                                      sl_cell_text(&rows, 0, "status"), body),
                                    .actor = sl_actor(call),
                                    .at_ms = sl_now_ms(call)});
        cJSON *data = incident_event(call, &i);
        cJSON_AddNumberToObject(data, "number", (double)number);
        cJSON_AddStringToObject(data, "status", sl_cell_text(&rows, 0, "status"));
        sl_batch_emit(batch, "incident.update_published", incident_subject(call, i.id), data);
    }
    rc = sl_commit(batch);
    if (!rc) rc = load_updates(call, i.id, number, &rows);
    if (!rc) print_update(&rows, 0, out);
    return rc;
}
