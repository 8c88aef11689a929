/* lines.c - the timeline of an incident out of what is stored: alerts, changes, gates, states, notes;
 * notes and edits of people. */
#include "face.h"

#include <string.h>

enum {
    ALERT_LINES = 300, /* kinds of alerts that are told one by one */
    CHANGE_LINES = 300,
    LINE_ROWS = 2000,
    BEFORE_MS = 7200000 /* changes up to two hours before the onset belong to the story */
};

struct collecting {
    struct line *lines;
    size_t count, room;
};

static struct line *next_line(struct collecting *c) {
    return c->count < c->room ? &c->lines[c->count++] : NULL;
}

static const char *filled(const char *text) {
    return text && *text ? text : NULL;
}

/* ---- alerts: one line for each name and service, however many there are ---- */

static int add_alerts(sl_call *call, const struct incident *i, struct collecting *c) {
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT source, name, service, summary, COUNT(*) AS n, SUM(seen) AS seen, MIN(starts_ms) AS "
        "at, MAX(starts_ms) AS last, MIN(first_ms) AS arrived, SUM(CASE WHEN ends_ms = 0 THEN 1 "
        "ELSE 0 END) AS firing, MAX(ends_ms) AS ended FROM incident_alert WHERE tenant = $1 AND "
        "incident_id = $2 GROUP BY source, name, service, summary ORDER BY at, name, service LIMIT "
        "$3",
        SL_ARGS(sl_text(i->id), sl_int(ALERT_LINES)));
    for (size_t r = 0; !rc && r < rows.count; r++) {
        const char *source = sl_cell_text(&rows, r, "source"),
                   *name = sl_cell_text(&rows, r, "name");
        const char *service = sl_cell_text(&rows, r, "service");
        const char *summary = sl_cell_text(&rows, r, "summary");
        struct line *line = next_line(c);
        if (!line) break;
        *line = (struct line){.id = sl_printf(call, "alert/%s/%s/%s", source, name, service),
                              .source = source,
                              .kind = "alert",
                              .text = sl_printf(call, "Alert %s%s%s fires: %s", name,
                                                *service ? " on " : "", service, summary),
                              .at_ms = sl_cell_int(&rows, r, "at"),
                              .last_ms = sl_cell_int(&rows, r, "last"),
                              .arrived_ms = sl_cell_int(&rows, r, "arrived"),
                              .count = (size_t)sl_cell_int(&rows, r, "n")};
        line = sl_cell_int(&rows, r, "firing") ? NULL : next_line(c);
        if (!line) continue;
        *line = (struct line){.id = sl_printf(call, "alert-end/%s/%s/%s", source, name, service),
                              .source = source,
                              .kind = "alert",
                              .text = sl_printf(call, "Alert %s%s%s has ended", name,
                                                *service ? " on " : "", service),
                              .at_ms = sl_cell_int(&rows, r, "ended"),
                              .arrived_ms = sl_cell_int(&rows, r, "ended")};
    }
    return rc;
}

/* ---- changes and gates of the platform, on the services of the incident ---- */

static bool concerns(const struct incident *i, const char *service, const char *app,
                     const char *environment) {
    if (i->environment && *environment && strcmp(i->environment, environment) != 0) return false;
    if (!cJSON_GetArraySize(i->services) && !i->app) return true;
    if (i->app && *app && strcmp(i->app, app) == 0) return true;
    const cJSON *name;
    cJSON_ArrayForEach(name, i->services) {
        if (strcmp(name->valuestring, service) == 0 || strcmp(name->valuestring, app) == 0)
            return true;
    }
    return false;
}

static int add_changes(sl_call *call, const struct incident *i, struct collecting *c) {
    sl_rows rows;
    const int64_t until = i->resolved_ms ? i->resolved_ms + BEFORE_MS : INT64_MAX / 2;
    int rc =
        sl_query(call, &rows,
                 "SELECT id, at_ms, arrived_ms, kind, app, service, environment, words, actor, "
                 "ref, source FROM incident_change WHERE tenant = $1 AND at_ms >= $2 AND at_ms "
                 "<= $3 ORDER BY at_ms LIMIT $4",
                 SL_ARGS(sl_int(i->onset_ms - BEFORE_MS), sl_int(until), sl_int(CHANGE_LINES * 4)));
    for (size_t r = 0; !rc && r < rows.count; r++) {
        if (!concerns(i, sl_cell_text(&rows, r, "service"), sl_cell_text(&rows, r, "app"),
                      sl_cell_text(&rows, r, "environment")))
            continue;
        struct line *line = next_line(c);
        if (!line) break;
        const char *kind = sl_cell_text(&rows, r, "kind");
        *line = (struct line){.id = sl_cell_text(&rows, r, "id"),
                              .source = sl_cell_text(&rows, r, "source"),
                              .kind = strcmp(kind, "gate") == 0 ? "gate" : "change",
                              .text = sl_cell_text(&rows, r, "words"),
                              .actor = filled(sl_cell_text(&rows, r, "actor")),
                              .ref = filled(sl_cell_text(&rows, r, "ref")),
                              .at_ms = sl_cell_int(&rows, r, "at_ms"),
                              .arrived_ms = sl_cell_int(&rows, r, "arrived_ms")};
    }
    return rc;
}

/* ---- what was said and done ---- */

static int add_said(sl_call *call, const struct incident *i, struct collecting *c) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT id, at_ms, arrived_ms, source, kind, body, actor, ref, inferred FROM "
                 "incident_line WHERE tenant = $1 AND incident_id = $2 ORDER BY at_ms, id LIMIT "
                 "$3",
                 SL_ARGS(sl_text(i->id), sl_int(LINE_ROWS)));
    for (size_t r = 0; !rc && r < rows.count; r++) {
        struct line *line = next_line(c);
        if (!line) break;
        *line = (struct line){.id = sl_cell_text(&rows, r, "id"),
                              .source = sl_cell_text(&rows, r, "source"),
                              .kind = sl_cell_text(&rows, r, "kind"),
                              .text = sl_cell_text(&rows, r, "body"),
                              .actor = filled(sl_cell_text(&rows, r, "actor")),
                              .ref = filled(sl_cell_text(&rows, r, "ref")),
                              .at_ms = sl_cell_int(&rows, r, "at_ms"),
                              .arrived_ms = sl_cell_int(&rows, r, "arrived_ms"),
                              .inferred = sl_cell_int(&rows, r, "inferred") != 0};
    }
    return rc;
}

static int add_onset(sl_call *call, const struct incident *i, struct collecting *c) {
    struct line *line = i->onset_ms < i->detected_ms ? next_line(c) : NULL;
    if (line)
        *line = (struct line){.id = sl_printf(call, "onset/%s", i->id),
                              .source = "sluice",
                              .kind = "symptom",
                              .text = "First abnormal sample",
                              .at_ms = i->onset_ms,
                              .inferred = true};
    return 0;
}

/* ---- edits: the newest of each line counts, the original stays ---- */

static int apply_edits(sl_call *call, const struct incident *i, struct line *lines, size_t n) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT line_id, body, hidden, pinned FROM incident_edit WHERE tenant = $1 AND "
                 "incident_id = $2 ORDER BY number",
                 SL_ARGS(sl_text(i->id)));
    for (size_t r = 0; !rc && r < rows.count; r++) {
        const char *id = sl_cell_text(&rows, r, "line_id");
        const char *body = filled(sl_cell_text(&rows, r, "body"));
        for (size_t l = 0; l < n; l++) {
            if (strcmp(lines[l].id, id) != 0) continue;
            if (body && !lines[l].original) lines[l].original = lines[l].text;
            if (body) lines[l].text = body;
            lines[l].hidden = sl_cell_int(&rows, r, "hidden") != 0;
            lines[l].pinned = sl_cell_int(&rows, r, "pinned") != 0;
        }
    }
    return rc;
}

int timeline_collect(sl_call *call, const struct incident *incident, struct line **lines,
                     size_t *count) {
    struct collecting c = {.room = 2 * ALERT_LINES + CHANGE_LINES + LINE_ROWS + 1};
    c.lines = sl_alloc(call, c.room * sizeof *c.lines);
    int rc = add_alerts(call, incident, &c);
    if (!rc) rc = add_changes(call, incident, &c);
    if (!rc) rc = add_said(call, incident, &c);
    if (!rc) rc = add_onset(call, incident, &c);
    if (!rc) rc = apply_edits(call, incident, c.lines, c.count);
    if (rc) return rc;
    *lines = c.lines;
    *count = timeline_arrange(c.lines, c.count);
    return 0;
}

/* ---- operations ---- */

static void print_line(const struct line *line, cJSON *items) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(items, item);
    cJSON_AddStringToObject(item, "id", line->id);
    put_when(item, "at", line->at_ms);
    cJSON_AddStringToObject(item, "source", line->source);
    cJSON_AddStringToObject(item, "kind", line->kind);
    cJSON_AddStringToObject(item, "text", line->text);
    if (line->original) cJSON_AddStringToObject(item, "original", line->original);
    if (line->actor) cJSON_AddStringToObject(item, "actor", line->actor);
    if (line->ref) cJSON_AddStringToObject(item, "ref", line->ref);
    if (line->count > 1) {
        cJSON_AddNumberToObject(item, "count", (double)line->count);
        put_when(item, "last_at", line->last_ms);
    }
    if (line->inferred) cJSON_AddTrueToObject(item, "inferred");
    if (line->pinned) cJSON_AddTrueToObject(item, "pinned");
    if (line->hidden) cJSON_AddTrueToObject(item, "hidden");
    if (line->moved) cJSON_AddTrueToObject(item, "clock_corrected");
}

int incident_timeline(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    struct line *lines;
    size_t n;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (!rc) rc = timeline_collect(call, &incident, &lines, &n);
    if (rc) return rc;
    const bool all = sl_get_bool(in, "all", 0) != 0;
    cJSON_AddStringToObject(out, "incident", incident.id);
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    size_t hidden = 0;
    for (size_t i = 0; i < n; i++) {
        hidden += lines[i].hidden;
        if (all || !lines[i].hidden) print_line(&lines[i], items);
    }
    cJSON_AddNumberToObject(out, "hidden", (double)hidden);
    return 0;
}

int incident_note(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    int64_t at_ms;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (!rc) rc = read_when(call, in, "at", sl_now_ms(call), &at_ms);
    if (rc) return rc;
    const char *id = sl_new_id(call);
    sl_batch *batch = sl_batch_new(call);
    line_add(call, batch,
             &(struct new_line){.incident = incident.id,
                                .id = id,
                                .source = "person",
                                .kind = "note",
                                .text = sl_get_text(in, "text", ""),
                                .actor = sl_actor(call),
                                .ref = sl_get_text(in, "ref", NULL),
                                .at_ms = at_ms});
    rc = sl_commit(batch);
    cJSON_AddStringToObject(out, "id", id);
    sl_reply_status(call, 201);
    return rc;
}

int incident_edit(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    struct line *lines;
    size_t n, at = 0;
    const char *id = sl_get_text(in, "line", "");
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (!rc) rc = timeline_collect(call, &incident, &lines, &n);
    if (rc) return rc;
    while (at < n && strcmp(lines[at].id, id) != 0) at++;
    if (at == n)
        return sl_fail(call, SL_NOT_FOUND, "the timeline of %s has no line '%s'", incident.id, id);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(
        batch,
        "INSERT INTO incident_edit (tenant, incident_id, line_id, number, body, hidden, "
        "pinned, actor, at_ms) SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, "
        "$7, $8 FROM incident_edit WHERE tenant = $1 AND incident_id = $2",
        SL_ARGS(sl_text(incident.id), sl_text(id), sl_text(sl_get_text(in, "text", "")),
                sl_int(sl_get_bool(in, "hidden", lines[at].hidden)),
                sl_int(sl_get_bool(in, "pinned", lines[at].pinned)), sl_text(sl_actor(call)),
                sl_int(sl_now_ms(call))));
    rc = sl_commit(batch);
    if (!rc) rc = timeline_collect(call, &incident, &lines, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        if (strcmp(lines[i].id, id) != 0) continue;
        cJSON *one = cJSON_CreateArray();
        print_line(&lines[i], one);
        cJSON_AddItemToObject(out, "line", cJSON_DetachItemFromArray(one, 0));
    }
    return rc;
}
