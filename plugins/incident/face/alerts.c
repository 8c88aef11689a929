/* alerts.c - alerts join the incident that they belong to, or open one; each is kept.
 *
 * An alert is a row by (source, fingerprint, start): a repeat changes nothing but its count, an end
 * once told stays, whatever comes late. Incidents are found by keys: the sender's group, and the
 * service in its environment. Two requests that open the same incident at one moment collide on the
 * key, and the later one tries again. */
#include "alert.h"

#include <string.h>

enum { TRIES = 5, STORM_INCIDENTS = 50, STORM_MS = 300000, COUNT_EVERY_MS = 2000, MANY = 1000 };

struct alert *alert_new(sl_call *call, struct alerts *alerts) {
    if (alerts->count == alerts->room) {
        const size_t room = alerts->room ? alerts->room * 2 : 16;
        struct alert *more = sl_alloc(call, room * sizeof *more);
        if (alerts->count) memcpy(more, alerts->items, alerts->count * sizeof *more);
        alerts->items = more;
        alerts->room = room;
    }
    struct alert *alert = &alerts->items[alerts->count++];
    *alert = (struct alert){.severity = 3};
    return alert;
}

static const char *label(const cJSON *object, const char *const *names) {
    for (; *names; names++) {
        const char *text = sl_get_text(object, *names, NULL);
        if (text && *text) return text;
    }
    return NULL;
}

void alert_read_labels(sl_call *call, struct alert *alert) {
    static const char *const severities[] = {"severity", "priority", "level", NULL};
    static const char *const services[] = {"service",    "service_name", "app", "application",
                                           "deployment", "job",          NULL};
    static const char *const environments[] = {"environment", "env", "stage",
                                               "deployment_environment", NULL};
    static const char *const summaries[] = {"summary", "title", "message", "description", NULL};
    const cJSON *labels = alert->labels;
    alert->name = sl_get_text(labels, "alertname", "alert");
    alert->severity = severity_from(label(labels, severities));
    alert->service = label(labels, services);
    alert->app = sl_get_text(labels, "app", NULL);
    alert->environment = label(labels, environments);
    const char *summary = label(alert->annotations, summaries);
    alert->summary = summary ? summary : alert->name;
    alert->runbook = sl_get_text(alert->annotations, "runbook_url", NULL);
    if (alert->fingerprint && *alert->fingerprint) return;
    char hex[65];
    const char *text = sl_json_print(call, labels ? labels : cJSON_CreateObject());
    sl_sha256(text, strlen(text), hex);
    alert->fingerprint = sl_strndup(call, hex, 16);
}

/* ---- which incident ---- */

struct target {
    const char *key; /* the first that it is found by */
    const char *id;  /* "": none */
    bool made;
};

struct targets {
    struct target *items;
    size_t count;
};

struct found {
    const char *id, *status;
    int64_t resolved_ms;
};

static int find_key(sl_call *call, const char *key, struct found *found) {
    sl_rows rows;
    *found = (struct found){0};
    int rc = sl_query(call, &rows,
                      "SELECT i.id AS id, i.status AS status, i.resolved_ms AS resolved_ms FROM "
                      "incident_key k JOIN incident_incident i ON i.tenant = k.tenant AND i.id = "
                      "k.incident_id WHERE k.tenant = $1 AND i.tenant = $1 AND k.name = $2",
                      SL_ARGS(sl_text(key)));
    if (rc || !rows.count) return rc;
    *found = (struct found){.id = sl_cell_text(&rows, 0, "id"),
                            .status = sl_cell_text(&rows, 0, "status"),
                            .resolved_ms = sl_cell_int(&rows, 0, "resolved_ms")};
    return 0;
}

static bool is_live(sl_call *call, const struct found *found) {
    const struct incident_state *state = sl_state(call);
    if (!found->id) return false;
    if (strcmp(found->status, "resolved") != 0) return true;
    return sl_now_ms(call) - found->resolved_ms <= state->reopen_ms;
}

static const char *group_key(sl_call *call, const struct alert *a) {
    return sl_printf(call, "group:%s:%s", a->source, a->group);
}

static const char *service_key(sl_call *call, const struct alert *a) {
    if (!a->service) return NULL;
    return sl_printf(call, "service:%s/%s", a->environment ? a->environment : "", a->service);
}

/* In a storm everything further joins one incident: a page for each would help nobody. */
static int in_storm(sl_call *call, bool *storm) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT COUNT(*) AS n FROM incident_incident WHERE tenant = $1 AND opened_by "
                      "= 'alerts' AND opened_ms > $2",
                      SL_ARGS(sl_int(sl_now_ms(call) - STORM_MS)));
    *storm = !rc && sl_cell_int(&rows, 0, "n") >= STORM_INCIDENTS;
    return rc;
}

static const char *title_of(sl_call *call, const struct alert *a, bool storm) {
    if (storm) return "Alert storm: many unrelated alerts at once";
    if (!a->service || strstr(a->summary, a->service)) return a->summary;
    return sl_printf(call, "%s: %s", a->service, a->summary);
}

static int open_for(sl_call *call, sl_batch *batch, const struct alert *a,
                    const struct found before[2], struct target *target) {
    bool storm;
    int rc = in_storm(call, &storm);
    if (rc) return rc;
    struct opening o = {.id = sl_new_id(call),
                        .title = title_of(call, a, storm),
                        .severity = severity_name(a->severity),
                        .environment = a->environment,
                        .app = a->app,
                        .opened_by = "alerts",
                        .onset_ms = a->starts_ms,
                        .detected_ms = a->starts_ms};
    if (storm) {
        struct found found;
        rc = find_key(call, "storm", &found);
        if (rc) return rc;
        if (is_live(call, &found)) {
            target->id = found.id;
            return 0;
        }
        o.keys[0] = "storm", o.before[0] = found.id;
    } else {
        cJSON *services = cJSON_CreateArray();
        if (a->service) cJSON_AddItemToArray(services, cJSON_CreateString(a->service));
        o.services = services;
        o.keys[0] = group_key(call, a), o.before[0] = before[0].id;
        o.keys[1] = service_key(call, a), o.before[1] = before[1].id;
    }
    incident_open_in(call, batch, &o);
    target->id = o.id;
    target->made = true;
    return 0;
}

static struct target *target_of(struct targets *targets, const char *key) {
    for (size_t i = 0; key && i < targets->count; i++)
        if (strcmp(targets->items[i].key, key) == 0) return &targets->items[i];
    return NULL;
}

static void remember(struct targets *targets, const char *key, struct target target) {
    if (!key || target_of(targets, key)) return;
    target.key = key;
    targets->items[targets->count++] = target;
}

static void join_by(sl_batch *batch, const char *key, const char *id, const char *before) {
    if (key)
        sl_batch_add(batch,
                     "INSERT INTO incident_key (tenant, name, incident_id) VALUES ($1, $2, $3) ON "
                     "CONFLICT (tenant, name) DO UPDATE SET incident_id = excluded.incident_id "
                     "WHERE incident_key.incident_id = $4",
                     SL_ARGS(sl_text(key), sl_text(id), sl_text(before ? before : "")));
}

/* The group decides before the service does: it is what the operator set up. */
static int find_target(sl_call *call, sl_batch *batch, const struct alert *a,
                       struct targets *targets, struct target *out) {
    const char *keys[2] = {group_key(call, a), service_key(call, a)};
    const struct incident_state *state = sl_state(call);
    struct found found[2] = {{0}, {0}};
    for (size_t i = 0; i < 2; i++) {
        struct target *known = target_of(targets, keys[i]);
        if (known) {
            *out = *known;
            out->made = false;
            return 0;
        }
    }
    *out = (struct target){.id = ""};
    for (size_t i = 0; i < 2 && !*out->id; i++) {
        int rc = keys[i] ? find_key(call, keys[i], &found[i]) : 0;
        if (rc) return rc;
        if (is_live(call, &found[i])) out->id = found[i].id;
    }
    if (!*out->id && !a->ends_ms && a->severity <= state->open_from) {
        int rc = open_for(call, batch, a, found, out);
        if (rc) return rc;
    } else if (*out->id) {
        for (size_t i = 0; i < 2; i++)
            if (keys[i] && !is_live(call, &found[i])) join_by(batch, keys[i], out->id, found[i].id);
    }
    if (!*out->id) return 0;
    for (size_t i = 0; i < 2; i++) remember(targets, keys[i], *out);
    return 0;
}

/* ---- keeping ---- */

static const char *alert_id(sl_call *call, const struct alert *a) {
    char hex[65];
    const char *text =
        sl_printf(call, "%s|%s|%lld", a->source, a->fingerprint, (long long)a->starts_ms);
    sl_sha256(text, strlen(text), hex);
    return sl_strndup(call, hex, 24);
}

static void keep(sl_call *call, sl_batch *batch, const struct alert *a, const char *incident) {
    static const char upsert[] =
        "INSERT INTO incident_alert (tenant, id, incident_id, source, fingerprint, group_key, name, "
        "severity, service, environment, summary, labels, runbook, url, starts_ms, ends_ms, "
        "first_ms, last_ms, expires_ms, seen, pinned) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12, $13, $14, $15, $16, $17, $17, $18, 1, 0) ON CONFLICT (tenant, id) DO UPDATE SET "
        "incident_id = CASE WHEN incident_alert.incident_id = '' THEN excluded.incident_id ELSE "
        "incident_alert.incident_id END, "
        "ends_ms = CASE WHEN excluded.ends_ms = 0 AND incident_alert.expires_ms > 0 AND "
        "incident_alert.ends_ms = incident_alert.expires_ms AND excluded.expires_ms > "
        "incident_alert.expires_ms THEN 0 WHEN incident_alert.ends_ms = 0 THEN excluded.ends_ms WHEN "
        "excluded.ends_ms = 0 OR excluded.ends_ms > incident_alert.ends_ms THEN "
        "incident_alert.ends_ms ELSE excluded.ends_ms END, "
        "last_ms = excluded.last_ms, expires_ms = excluded.expires_ms, seen = incident_alert.seen + 1";
    const char *none = "";
    sl_batch_add(batch, upsert,
                 SL_ARGS(sl_text(alert_id(call, a)), sl_text(incident), sl_text(a->source),
                         sl_text(a->fingerprint), sl_text(a->group), sl_text(a->name),
                         sl_int(a->severity), sl_text(a->service ? a->service : none),
                         sl_text(a->environment ? a->environment : none), sl_text(a->summary),
                         sl_text(a->labels ? sl_json_print(call, a->labels) : "{}"),
                         sl_text(a->runbook ? a->runbook : none), sl_text(a->url ? a->url : none),
                         sl_int(a->starts_ms), sl_int(a->ends_ms), sl_int(sl_now_ms(call)),
                         sl_int(a->expires_ms)));
}

static void note_touched(struct intake *intake, const char *id) {
    for (size_t i = 0; i < intake->incident_count; i++)
        if (strcmp(intake->incidents[i], id) == 0) return;
    if (intake->incident_count < sizeof intake->incidents / sizeof *intake->incidents)
        intake->incidents[intake->incident_count++] = id;
}

static int take_once(sl_call *call, const struct alerts *alerts, struct intake *intake) {
    *intake = (struct intake){0};
    struct targets targets = {.items =
                                  sl_alloc(call, (2 * alerts->count + 1) * sizeof *targets.items)};
    sl_batch *batch = sl_batch_new(call);
    for (size_t i = 0; i < alerts->count; i++) {
        struct target target;
        int rc = find_target(call, batch, &alerts->items[i], &targets, &target);
        if (rc) return rc;
        keep(call, batch, &alerts->items[i], target.id);
        intake->taken++;
        if (target.made)
            intake->opened++;
        else if (*target.id)
            intake->joined++;
        else
            intake->unattached++;
        if (*target.id) note_touched(intake, target.id);
    }
    return sl_commit(batch);
}

int alerts_take(sl_call *call, const struct alerts *alerts, struct intake *intake) {
    int rc = SL_CONFLICT;
    for (int i = 0; i < TRIES && rc == SL_CONFLICT; i++) rc = take_once(call, alerts, intake);
    if (rc == SL_CONFLICT)
        return sl_fail(call, SL_UNAVAILABLE,
                       "too many requests open the same incident; send again");
    for (size_t i = 0; !rc && i < intake->incident_count; i++)
        rc = incident_refresh(call, intake->incidents[i]);
    if (!rc) sl_count(call, "incident_alerts_total", (double)intake->taken, NULL);
    return rc;
}

void intake_print(const struct intake *intake, const struct alerts *alerts, cJSON *out) {
    cJSON_AddNumberToObject(out, "taken", (double)intake->taken);
    cJSON_AddNumberToObject(out, "opened", (double)intake->opened);
    cJSON_AddNumberToObject(out, "joined", (double)intake->joined);
    cJSON_AddNumberToObject(out, "unattached", (double)intake->unattached);
    cJSON_AddNumberToObject(out, "damaged", (double)alerts->damaged);
    cJSON *ids = cJSON_AddArrayToObject(out, "incidents");
    for (size_t i = 0; i < intake->incident_count; i++)
        cJSON_AddItemToArray(ids, cJSON_CreateString(intake->incidents[i]));
}

/* ---- counting anew ---- */

static int services_of(sl_call *call, const char *id, cJSON **out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT DISTINCT service FROM incident_alert WHERE tenant = $1 AND "
                      "incident_id = $2 AND service <> '' ORDER BY service LIMIT 50",
                      SL_ARGS(sl_text(id)));
    *out = cJSON_CreateArray();
    for (size_t i = 0; !rc && i < rows.count; i++)
        cJSON_AddItemToArray(*out, cJSON_CreateString(sl_cell_text(&rows, i, "service")));
    return rc;
}

struct counts {
    int64_t all, firing, worst, onset, ended;
};

static int count_alerts(sl_call *call, const char *id, struct counts *c) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT COUNT(*) AS n, SUM(CASE WHEN ends_ms = 0 THEN 1 ELSE 0 END) AS "
                      "firing, MIN(severity) AS worst, MIN(starts_ms) AS onset, MAX(ends_ms) AS "
                      "ended FROM incident_alert WHERE tenant = $1 AND incident_id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    *c = (struct counts){.all = sl_cell_int(&rows, 0, "n"),
                         .firing = sl_cell_int(&rows, 0, "firing"),
                         .worst = sl_cell_int(&rows, 0, "worst"),
                         .onset = sl_cell_int(&rows, 0, "onset"),
                         .ended = sl_cell_int(&rows, 0, "ended")};
    return 0;
}

/* What the alerts say about the state: all ended mitigates, a new one undoes that. */
static const char *state_by_alerts(const struct incident *i, const struct counts *c) {
    const bool over = strcmp(i->status, "mitigated") == 0 || strcmp(i->status, "resolved") == 0;
    if (c->firing && over) return "open";
    if (c->all && !c->firing &&
        (strcmp(i->status, "open") == 0 || strcmp(i->status, "acknowledged") == 0))
        return "mitigated";
    return i->status;
}

static void tell_state(sl_call *call, sl_batch *batch, const struct incident *i, const char *state,
                       const struct counts *c) {
    if (strcmp(state, i->status) == 0) return;
    const bool mitigated = strcmp(state, "mitigated") == 0;
    line_add(call, batch,
             &(struct new_line){.incident = i->id,
                                .id = sl_printf(call, "%s/%lld", state, (long long)c->ended),
                                .source = "sluice",
                                .kind = "state",
                                .text = mitigated ? "Mitigated: all alerts have ended"
                                                  : "Reopened: an alert fires again",
                                .at_ms = mitigated ? c->ended : sl_now_ms(call)});
    sl_batch_emit(batch, mitigated ? "incident.mitigated" : "incident.reopened",
                  incident_subject(call, i->id), incident_event(call, i));
}

static bool counted_just_now(sl_call *call, const struct incident *i) {
    return i->alerts > MANY && sl_now_ms(call) - i->updated_ms < COUNT_EVERY_MS;
}

/* In a flood the alerts are counted every other second; the last of them soon after. */
static int count_soon(sl_call *call) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_job(batch, "sweep", sl_tenant(call), sl_now_ms(call) + COUNT_EVERY_MS, NULL);
    return sl_commit(batch);
}

int incident_refresh(sl_call *call, const char *id) {
    for (int tries = 0; tries < TRIES; tries++) {
        struct incident i;
        struct counts c;
        cJSON *services;
        int rc = incident_load(call, id, &i);
        if (rc || strcmp(i.status, "merged") == 0) return rc;
        if (counted_just_now(call, &i)) return count_soon(call);
        rc = count_alerts(call, id, &c);
        if (!rc) rc = services_of(call, id, &services);
        if (rc) return rc;
        if (!cJSON_GetArraySize(services)) services = i.services;
        const char *state = state_by_alerts(&i, &c);
        const int64_t onset = c.all && c.onset < i.onset_ms ? c.onset : i.onset_ms;
        if (c.all == i.alerts && c.firing == i.firing && strcmp(state, i.status) == 0) return 0;
        sl_batch *batch = sl_batch_new(call);
        sl_batch_demand(
            batch, 1, "the incident has changed meanwhile",
            "UPDATE incident_incident SET alerts = $2, firing = $3, services = $4, status = $5, "
            "onset_ms = $6, detected_ms = CASE WHEN detected_ms > $6 AND opened_by = 'alerts' THEN "
            "$6 ELSE detected_ms END, severity = CASE WHEN severity_set = 0 AND $7 < severity THEN "
            "$7 ELSE severity END, mitigated_ms = CASE WHEN $5 = 'mitigated' AND mitigated_ms = 0 "
            "THEN $8 WHEN $5 = 'open' THEN 0 ELSE mitigated_ms END, resolved_ms = CASE WHEN $5 = "
            "'open' THEN 0 ELSE resolved_ms END, updated_ms = $9, version = version + 1 WHERE "
            "tenant = $1 AND id = $10 AND version = $11",
            SL_ARGS(sl_int(c.all), sl_int(c.firing), sl_text(sl_json_print(call, services)),
                    sl_text(state), sl_int(onset), sl_text(severity_name((int)c.worst)),
                    sl_int(c.ended), sl_int(sl_now_ms(call)), sl_text(id), sl_int(i.version)));
        tell_state(call, batch, &i, state, &c);
        rc = sl_commit(batch);
        if (rc != SL_CONFLICT) return rc;
    }
    return 0; /* the sweep counts again */
}
