/* lifecycle.c - opened, acknowledged, mitigated, resolved, reopened; merged and split. */
#include "face.h"

#include <string.h>

/* ---- lines ---- */

void line_add(sl_call *call, sl_batch *batch, const struct new_line *line) {
    sl_batch_add(batch,
                 "INSERT INTO incident_line (tenant, incident_id, id, at_ms, arrived_ms, source, "
                 "kind, body, actor, ref, inferred) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                 SL_ARGS(sl_text(line->incident), sl_text(line->id ? line->id : sl_new_id(call)),
                         sl_int(line->at_ms), sl_int(sl_now_ms(call)), sl_text(line->source),
                         sl_text(line->kind), sl_text(line->text), sl_text(line->actor),
                         sl_text(line->ref), sl_int(line->inferred)));
}

static void say(sl_call *call, sl_batch *batch, const char *incident, int64_t at_ms,
                const char *text) {
    line_add(call, batch,
             &(struct new_line){.incident = incident,
                                .source = "sluice",
                                .kind = "state",
                                .text = text,
                                .actor = sl_actor(call),
                                .at_ms = at_ms});
}

/* ---- opening ---- */

/* A key that led to an incident of the past leads here from now on, unless it was moved meanwhile. */
static void add_keys(sl_batch *batch, const struct opening *o) {
    for (size_t i = 0; i < 3 && o->keys[i]; i++)
        sl_batch_demand(batch, 1, "another request has opened this incident at the same moment",
                        "INSERT INTO incident_key (tenant, name, incident_id) VALUES ($1, $2, $3) "
                        "ON CONFLICT (tenant, name) DO UPDATE SET incident_id = "
                        "excluded.incident_id WHERE incident_key.incident_id = $4",
                        SL_ARGS(sl_text(o->keys[i]), sl_text(o->id),
                                sl_text(o->before[i] ? o->before[i] : "")));
}

void incident_open_in(sl_call *call, sl_batch *batch, const struct opening *o) {
    static const char insert[] =
        "INSERT INTO incident_incident (tenant, id, title, severity, severity_set, status, "
        "environment, app, services, roles, extra, opened_by, merged_into, onset_ms, detected_ms, "
        "opened_ms, acknowledged_ms, mitigated_ms, resolved_ms, updated_ms, version, alerts, "
        "firing) VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, '{}', $9, $10, '', $11, $12, $13, "
        "0, 0, 0, $13, 1, 0, 0)";
    const int64_t now = sl_now_ms(call);
    const cJSON *services = o->services ? o->services : cJSON_CreateArray();
    const cJSON *extra = o->extra ? o->extra : cJSON_CreateObject();
    const bool by_hand = strcmp(o->opened_by, "alerts") != 0;
    sl_batch_add(batch, insert,
                 SL_ARGS(sl_text(o->id), sl_text(o->title), sl_text(o->severity), sl_int(by_hand),
                         sl_text(o->environment ? o->environment : ""),
                         sl_text(o->app ? o->app : ""), sl_text(sl_json_print(call, services)),
                         sl_text(sl_json_print(call, extra)), sl_text(o->opened_by),
                         sl_int(o->onset_ms), sl_int(o->detected_ms), sl_int(now)));
    add_keys(batch, o);
    line_add(call, batch,
             &(struct new_line){
                 .incident = o->id,
                 .id = sl_printf(call, "opened/%s", o->id),
                 .source = "sluice",
                 .kind = "state",
                 .text = sl_printf(call, "Incident opened, %s: %s", o->severity, o->title),
                 .actor = by_hand ? o->opened_by : NULL,
                 .at_ms = now});
    struct incident told = {.id = o->id,
                            .title = o->title,
                            .severity = o->severity,
                            .environment = o->environment,
                            .app = o->app,
                            .services = cJSON_Duplicate(services, true)};
    cJSON *data = incident_event(call, &told);
    incident_sweep_later(call, batch);
    if (o->split_from) cJSON_AddStringToObject(data, "split_from", o->split_from);
    sl_batch_emit(batch, "incident.opened", incident_subject(call, o->id), data);
}

int incident_open(sl_call *call, const cJSON *in, cJSON *out) {
    struct opening o = {.id = sl_new_id(call),
                        .title = sl_get_text(in, "title", ""),
                        .severity = sl_get_text(in, "severity", "SEV3"),
                        .environment = sl_get_text(in, "environment", NULL),
                        .app = sl_get_text(in, "app_name", NULL),
                        .services = sl_get(in, "services"),
                        .opened_by = sl_actor(call)};
    int rc = read_when(call, in, "detected_at", sl_now_ms(call), &o.detected_ms);
    if (!rc) rc = read_when(call, in, "onset_at", o.detected_ms, &o.onset_ms);
    if (rc) return rc;
    if (o.onset_ms > o.detected_ms)
        return sl_fail(call, SL_INVALID,
                       "onset_at is after detected_at: nothing is noticed before it begins");
    cJSON *extra = cJSON_CreateObject();
    const char *text = sl_get_text(in, "description", NULL);
    if (text) cJSON_AddStringToObject(extra, "description", text);
    o.extra = extra;
    sl_batch *batch = sl_batch_new(call);
    incident_open_in(call, batch, &o);
    rc = sl_commit(batch);
    if (rc) return rc;
    sl_count(call, "incidents_opened_total", 1, o.severity);
    struct incident incident;
    rc = incident_load(call, o.id, &incident);
    if (!rc) incident_print(call, &incident, out);
    sl_reply_status(call, 201);
    return rc;
}

/* ---- one step further ---- */

struct step {
    const char *to, *column, *event, *words;
    const char *from; /* states it may be taken in, split by blanks */
};

static const struct step acknowledge = {"acknowledged", "acknowledged_ms", "incident.acknowledged",
                                        "Acknowledged", "open reopened"};
static const struct step mitigate = {"mitigated", "mitigated_ms", "incident.mitigated", "Mitigated",
                                     "open acknowledged"};
static const struct step resolve = {"resolved", "resolved_ms", "incident.resolved", "Resolved",
                                    "open acknowledged mitigated"};
static const struct step reopen = {"open", NULL, "incident.reopened", "Reopened",
                                   "mitigated resolved"};

static void write_step(sl_call *call, sl_batch *batch, const struct incident *incident,
                       const struct step *step, int64_t at_ms) {
    const char *moved = "the incident has been changed by somebody else at this moment; read it "
                        "again";
    const char *set = step->column ? sl_printf(call, "%s = CASE WHEN %s = 0 THEN $4 ELSE %s END",
                                               step->column, step->column, step->column)
                                   : "mitigated_ms = 0 * $4, resolved_ms = 0";
    sl_batch_demand(
        batch, 1, moved,
        sl_printf(call,
                  "UPDATE incident_incident SET status = $2, %s, updated_ms = $5, "
                  "version = version + 1 WHERE tenant = $1 AND id = $3 AND version = $6",
                  set),
        SL_ARGS(sl_text(step->to), sl_text(incident->id), sl_int(at_ms), sl_int(sl_now_ms(call)),
                sl_int(incident->version)));
    if (step == &resolve && !incident->mitigated_ms) /* what is over no longer hurts */
        sl_batch_add(batch,
                     "UPDATE incident_incident SET mitigated_ms = $2 WHERE tenant = $1 AND id "
                     "= $3",
                     SL_ARGS(sl_int(at_ms), sl_text(incident->id)));
}

static int take_step(sl_call *call, const cJSON *in, cJSON *out, const struct step *step) {
    struct incident incident;
    int64_t at_ms;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (!rc) rc = read_when(call, in, "at", sl_now_ms(call), &at_ms);
    if (rc) return rc;
    if (at_ms < incident.onset_ms || at_ms > sl_now_ms(call) + 60000)
        return sl_fail(call, SL_INVALID, "at: lies before the incident began, or in the future");
    if (strcmp(incident.status, step->to) == 0) { /* said twice: nothing more happens */
        incident_print(call, &incident, out);
        return 0;
    }
    if (!strstr(step->from, incident.status))
        return sl_fail(call, SL_CONFLICT, "incident %s is %s; it can be %s from: %s", incident.id,
                       incident.status, step->to, step->from);
    sl_batch *batch = sl_batch_new(call);
    write_step(call, batch, &incident, step, at_ms);
    const char *note = sl_get_text(in, "note", NULL);
    say(call, batch, incident.id, at_ms,
        note ? sl_printf(call, "%s: %s", step->words, note) : step->words);
    cJSON *data = incident_event(call, &incident);
    put_when(data, "at", at_ms);
    sl_batch_emit(batch, step->event, incident_subject(call, incident.id), data);
    rc = sl_commit(batch);
    if (!rc) rc = incident_load(call, incident.id, &incident);
    if (!rc) incident_print(call, &incident, out);
    return rc;
}

int incident_acknowledge(sl_call *call, const cJSON *in, cJSON *out) {
    return take_step(call, in, out, &acknowledge);
}

int incident_mitigate(sl_call *call, const cJSON *in, cJSON *out) {
    return take_step(call, in, out, &mitigate);
}

int incident_resolve(sl_call *call, const cJSON *in, cJSON *out) {
    return take_step(call, in, out, &resolve);
}

int incident_reopen(sl_call *call, const cJSON *in, cJSON *out) {
    return take_step(call, in, out, &reopen);
}

/* ---- changing ---- */

static void merge_into(cJSON *object, const cJSON *news) {
    const cJSON *item;
    cJSON_ArrayForEach(item, news) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, item->string);
        if (!cJSON_IsNull(item))
            cJSON_AddItemToObject(object, item->string, cJSON_Duplicate(item, true));
    }
}

static const char *const said_fields[] = {
    "description", "public_title",        "public_text", "cause",      "trigger",
    "workaround",  "next_update_minutes", "impact",      "resolution", "components"};

static void tell_changes(sl_call *call, sl_batch *batch, const cJSON *in,
                         const struct incident *before) {
    const char *severity = sl_get_text(in, "severity", before->severity);
    if (strcmp(severity, before->severity) != 0)
        say(call, batch, before->id, sl_now_ms(call),
            sl_printf(call, "Severity changed from %s to %s", before->severity, severity));
    const cJSON *role;
    cJSON_ArrayForEach(role, sl_get(in, "roles")) {
        if (cJSON_IsString(role))
            say(call, batch, before->id, sl_now_ms(call),
                sl_printf(call, "%s is now %s", role->string, role->valuestring));
    }
    for (size_t i = 0; i < sizeof said_fields / sizeof *said_fields; i++) {
        const char *said = sl_get_text(in, said_fields[i], NULL);
        if (said &&
            (strcmp(said_fields[i], "cause") == 0 || strcmp(said_fields[i], "trigger") == 0))
            say(call, batch, before->id, sl_now_ms(call),
                sl_printf(call, "%s stated: %s", said_fields[i], said));
    }
}

int incident_update(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident i;
    int64_t onset;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (!rc) rc = read_when(call, in, "onset_at", i.onset_ms, &onset);
    if (rc) return rc;
    if (onset > i.detected_ms)
        return sl_fail(call, SL_INVALID, "onset_at is after the incident was detected");
    merge_into(i.roles, sl_get(in, "roles"));
    for (size_t f = 0; f < sizeof said_fields / sizeof *said_fields; f++) {
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(in, said_fields[f]);
        if (!said) continue;
        cJSON_DeleteItemFromObjectCaseSensitive(i.extra, said_fields[f]);
        if (!cJSON_IsNull(said))
            cJSON_AddItemToObject(i.extra, said_fields[f], cJSON_Duplicate(said, true));
    }
    sl_batch *batch = sl_batch_new(call);
    const cJSON *services = sl_get(in, "services");
    sl_batch_demand(
        batch, 1, "the incident has been changed by somebody else at this moment; read it again",
        "UPDATE incident_incident SET title = $2, severity = $3, severity_set = CASE WHEN $4 = 1 "
        "THEN 1 ELSE severity_set END, roles = $5, extra = $6, services = $7, onset_ms = $8, "
        "updated_ms = $9, version = version + 1 WHERE tenant = $1 AND id = $10 AND version = $11",
        SL_ARGS(sl_text(sl_get_text(in, "title", i.title)),
                sl_text(sl_get_text(in, "severity", i.severity)),
                sl_int(sl_get(in, "severity") != NULL), sl_text(sl_json_print(call, i.roles)),
                sl_text(sl_json_print(call, i.extra)),
                sl_text(sl_json_print(call, services ? services : i.services)), sl_int(onset),
                sl_int(sl_now_ms(call)), sl_text(i.id), sl_int(i.version)));
    tell_changes(call, batch, in, &i);
    rc = sl_commit(batch);
    if (!rc) rc = incident_load(call, i.id, &i);
    if (!rc) incident_print(call, &i, out);
    return rc;
}

/* ---- merge and split ---- */

static void move_all(sl_batch *batch, const char *from, const char *to) {
    static const char *const tables[] = {
        "UPDATE incident_alert SET incident_id = $3 WHERE tenant = $1 AND incident_id = $2",
        ("UPDATE incident_line SET incident_id = $3, came_from = $2 WHERE tenant = $1 AND "
         "incident_id = $2"),
        "UPDATE incident_key SET incident_id = $3 WHERE tenant = $1 AND incident_id = $2"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        sl_batch_add(batch, tables[i], SL_ARGS(sl_text(from), sl_text(to)));
}

int incident_merge(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident from, to;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &from);
    if (!rc) rc = incident_load(call, sl_get_text(in, "into", ""), &to);
    if (rc) return rc;
    if (strcmp(from.id, to.id) == 0)
        return sl_fail(call, SL_INVALID, "into: an incident cannot be merged into itself");
    if (incident_is_over(&to) || strcmp(from.status, "merged") == 0)
        return sl_fail(call, SL_CONFLICT, "incident %s is %s; merge an incident into an open one",
                       incident_is_over(&to) ? to.id : from.id,
                       incident_is_over(&to) ? to.status : from.status);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(
        batch, 1, "the incident has been changed by somebody else at this moment",
        "UPDATE incident_incident SET status = 'merged', merged_into = $2, updated_ms "
        "= $3, version = version + 1 WHERE tenant = $1 AND id = $4 AND version = $5",
        SL_ARGS(sl_text(to.id), sl_int(sl_now_ms(call)), sl_text(from.id), sl_int(from.version)));
    move_all(batch, from.id, to.id);
    say(call, batch, to.id, sl_now_ms(call),
        sl_printf(call, "Incident %s (%s) merged into this one", from.id, from.title));
    cJSON *data = incident_event(call, &from);
    cJSON_AddStringToObject(data, "into", to.id);
    sl_batch_emit(batch, "incident.merged", incident_subject(call, from.id), data);
    rc = sl_commit(batch);
    if (!rc) rc = incident_refresh(call, to.id);
    if (!rc) rc = incident_load(call, to.id, &to);
    if (!rc) incident_print(call, &to, out);
    return rc;
}

static int check_alerts(sl_call *call, const cJSON *ids, const char *incident) {
    const cJSON *id;
    cJSON_ArrayForEach(id, ids) {
        sl_rows rows;
        int rc = sl_query(call, &rows,
                          "SELECT id FROM incident_alert WHERE tenant = $1 AND id = $2 AND "
                          "incident_id = $3",
                          SL_ARGS(sl_text(id->valuestring), sl_text(incident)));
        if (rc) return rc;
        if (!rows.count)
            return sl_fail(call, SL_NOT_FOUND,
                           "incident %s has no alert '%s'; incident.get lists "
                           "them",
                           incident, id->valuestring);
    }
    return 0;
}

int incident_split(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident from;
    const cJSON *ids = sl_get(in, "alerts"), *id;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &from);
    if (!rc) rc = check_alerts(call, ids, from.id);
    if (rc) return rc;
    const struct opening o = {.id = sl_new_id(call),
                              .title = sl_get_text(in, "title", from.title),
                              .severity = sl_get_text(in, "severity", from.severity),
                              .environment = from.environment,
                              .app = from.app,
                              .services = sl_get(in, "services"),
                              .opened_by = sl_actor(call),
                              .split_from = from.id,
                              .onset_ms = from.onset_ms,
                              .detected_ms = from.detected_ms};
    sl_batch *batch = sl_batch_new(call);
    incident_open_in(call, batch, &o);
    cJSON_ArrayForEach(id, ids) {
        sl_batch_add(batch,
                     "UPDATE incident_alert SET incident_id = $2, pinned = 1 WHERE tenant = $1 AND "
                     "id = $3",
                     SL_ARGS(sl_text(o.id), sl_text(id->valuestring)));
    }
    say(call, batch, from.id, sl_now_ms(call),
        sl_printf(call, "%d alerts split off into incident %s", cJSON_GetArraySize(ids), o.id));
    rc = sl_commit(batch);
    if (!rc) rc = incident_refresh(call, o.id);
    if (!rc) rc = incident_refresh(call, from.id);
    struct incident made;
    if (!rc) rc = incident_load(call, o.id, &made);
    if (!rc) incident_print(call, &made, out);
    sl_reply_status(call, 201);
    return rc;
}
