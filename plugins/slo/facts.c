/* Changes and incidents, as the platform's events tell of them: what the meter looks at. */
#include "confidence.h"
#include "slo.h"

#include <ctype.h>
#include <string.h>

/* ---- changes ---- */

static int risk_of(const cJSON *data) {
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    const char *level = sl_get_text(data, "risk_level", "");
    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], level) == 0) return i;
    return strcmp(level, "MEDIUM") == 0 ? 1 : -1;
}

/* "deployment/42" or data.deployment_id; NULL: neither. */
static const char *change_id(const sl_event *event) {
    static const char before[] = "deployment/";
    const char *id = sl_get_text(event->data, "deployment_id", NULL);
    if (id) return id;
    const char *subject = event->subject ? event->subject : "";
    return strncmp(subject, before, sizeof before - 1) == 0 ? subject + sizeof before - 1 : NULL;
}

static void add_change(sl_batch *batch, const sl_event *event, const char *id) {
    const char *service = sl_get_text(event->data, "app_name", "");
    const char *environment = sl_get_text(event->data, "environment", "");
    /* Heard again, or after its rollout has begun: what is known stays. */
    sl_batch_add(
        batch,
        "INSERT INTO slo_change (tenant, id, service, environment, at, ended, risk, outcome) "
        "VALUES ($1, $2, $3, $4, $5, 0, $6, 0) ON CONFLICT (tenant, id) DO UPDATE SET "
        "risk = CASE WHEN slo_change.risk < 0 THEN excluded.risk ELSE slo_change.risk END",
        SL_ARGS(sl_text(id), sl_text(service), sl_text(environment), sl_int(event->at_ms),
                sl_int(risk_of(event->data))));
}

/* The worst that is known of a change stays: a rollback is not mended by a later promotion. */
static void end_change(sl_batch *batch, const char *id, enum change_outcome outcome,
                       int64_t at_ms) {
    sl_batch_add(batch,
                 "UPDATE slo_change SET outcome = $3, ended = $4 "
                 "WHERE tenant = $1 AND id = $2 AND outcome < $3",
                 SL_ARGS(sl_text(id), sl_int(outcome), sl_int(at_ms)));
}

static int service_of_change(sl_call *call, const char *id, const char **service) {
    sl_rows rows;
    int rc = sl_query(call, &rows, "SELECT service FROM slo_change WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(id)));
    *service = !rc && rows.count ? sl_strdup(call, sl_cell_text(&rows, 0, "service")) : NULL;
    return rc;
}

/* The meter follows from what is saved; when it cannot be judged now, the next round does it. */
static void refresh(sl_call *call, const char *service) {
    if (service && *service && meter_refresh(call, service))
        sl_log(call, SL_WARN, "the confidence in %s is not judged: %s", service, sl_failure(call));
}

int hear_deployment(sl_call *call, const sl_event *event) {
    const char *id = change_id(event), *service = sl_get_text(event->data, "app_name", "");
    const bool goes = strcmp(event->type, "deployment.approved") == 0 ||
                      strcmp(event->type, "deployment.approval_given") == 0;
    if (!goes || !id || !*service) return 0;
    sl_batch *batch = sl_batch_new(call);
    add_change(batch, event, id);
    int rc = sl_commit(batch);
    if (!rc) refresh(call, service);
    return rc;
}

int hear_rollout(sl_call *call, const sl_event *event) {
    static const struct {
        const char *type;
        enum change_outcome outcome;
    } endings[] = {{"rollout.started", CHANGE_RUNNING},
                   {"rollout.promoted", CHANGE_PROMOTED},
                   {"rollout.aborted", CHANGE_ABORTED},
                   {"rollout.rolled_back", CHANGE_ROLLED_BACK}};
    const char *id = change_id(event), *service = sl_get_text(event->data, "app_name", "");
    size_t i = 0;
    while (i < 4 && strcmp(endings[i].type, event->type) != 0) i++;
    if (i == 4 || !id || !*service) return 0;
    sl_batch *batch = sl_batch_new(call);
    add_change(batch, event, id);
    if (endings[i].outcome != CHANGE_RUNNING)
        end_change(batch, id, endings[i].outcome, event->at_ms);
    int rc = sl_commit(batch);
    if (!rc) refresh(call, service);
    return rc;
}

/* ---- incidents ---- */

/* 2, "2", "SEV2", "sev-2", "critical"... to 1 (the worst) .. 5. */
static int severity_of(const cJSON *data) {
    static const struct {
        const char *word;
        int severity;
    } words[] = {{"critical", 1}, {"high", 2},   {"major", 2},    {"error", 2},
                 {"page", 2},     {"medium", 3}, {"moderate", 3}, {"warning", 3},
                 {"minor", 4},    {"low", 4},    {"info", 5}};
    const cJSON *given = sl_get(data, "severity");
    if (cJSON_IsNumber(given))
        return given->valueint < 1 ? 1 : given->valueint > 5 ? 5 : given->valueint;
    const char *text = cJSON_GetStringValue(given);
    for (const char *at = text; at && *at; at++)
        if (isdigit((unsigned char)*at)) return *at < '1' ? 1 : *at > '5' ? 5 : *at - '0';
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i].word, text) == 0) return words[i].severity;
    return 3;
}

static const char *incident_id(const sl_event *event) {
    static const char before[] = "incident/";
    const char *id = sl_get_text(event->data, "incident_id", NULL);
    if (id) return id;
    const char *subject = event->subject ? event->subject : "";
    return strncmp(subject, before, sizeof before - 1) == 0 ? subject + sizeof before - 1 : NULL;
}

static void open_incident(sl_batch *batch, const sl_event *event, const char *id,
                          const char *service) {
    sl_batch_add(batch,
                 "INSERT INTO slo_incident (tenant, id, service, severity, opened, closed) "
                 "VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (tenant, id, service) DO UPDATE SET "
                 "severity = excluded.severity, closed = 0",
                 SL_ARGS(sl_text(id), sl_text(service), sl_int(severity_of(event->data)),
                         sl_int(event->at_ms)));
}

enum { SERVICES_MAX = 50 };

/* The services that an event names; without any its application. */
static size_t services_of(const cJSON *data, const char *services[SERVICES_MAX]) {
    size_t count = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, sl_get(data, "services")) {
        const char *name =
            cJSON_IsObject(one) ? sl_get_text(one, "name", "") : cJSON_GetStringValue(one);
        if (name && *name && count < SERVICES_MAX) services[count++] = name;
    }
    const char *app = sl_get_text(data, "app_name", "");
    if (!count && *app) services[count++] = app;
    return count;
}

/* The services that an incident was opened for. */
static int services_known(sl_call *call, const char *id, const char *services[SERVICES_MAX],
                          size_t *count) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT service FROM slo_incident WHERE tenant = $1 AND id = $2 LIMIT 50",
                      SL_ARGS(sl_text(id)));
    *count = 0;
    for (size_t i = 0; !rc && i < rows.count; i++)
        services[(*count)++] = sl_strdup(call, sl_cell_text(&rows, i, "service"));
    return rc;
}

static int heard_of_incident(sl_call *call, const sl_event *event, const char *id, bool open) {
    const char *services[SERVICES_MAX];
    size_t count = services_of(event->data, services);
    sl_batch *batch = sl_batch_new(call);
    int rc = 0;
    if (open) {
        for (size_t i = 0; i < count; i++) open_incident(batch, event, id, services[i]);
    } else {
        rc = services_known(call, id, services, &count);
        sl_batch_add(
            batch,
            "UPDATE slo_incident SET closed = $3 WHERE tenant = $1 AND id = $2 AND closed = 0",
            SL_ARGS(sl_text(id), sl_int(event->at_ms)));
    }
    if (!rc) rc = sl_commit(batch);
    for (size_t i = 0; i < count && !rc; i++) refresh(call, services[i]);
    return rc;
}

/* A change that an incident is laid to, more likely than not. */
static int heard_of_link(sl_call *call, const sl_event *event) {
    const char *id = sl_get_text(event->data, "deployment_id", NULL), *service;
    if (!id || sl_get_number(event->data, "score", 1) < 0.5) return 0;
    sl_batch *batch = sl_batch_new(call);
    end_change(batch, id, CHANGE_INCIDENT, event->at_ms);
    int rc = sl_commit(batch);
    if (!rc) rc = service_of_change(call, id, &service);
    if (!rc) refresh(call, service);
    return rc;
}

int hear_incident(sl_call *call, const sl_event *event) {
    const char *id = incident_id(event), *what = event->type + strlen("incident.");
    if (!id) return 0;
    if (strcmp(what, "linked") == 0) return heard_of_link(call, event);
    if (strcmp(what, "opened") == 0 || strcmp(what, "reopened") == 0)
        return heard_of_incident(call, event, id, true);
    if (strcmp(what, "resolved") == 0 || strcmp(what, "merged") == 0)
        return heard_of_incident(call, event, id, false);
    return 0;
}
