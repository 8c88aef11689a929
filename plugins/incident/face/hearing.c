/* hearing.c - events of the platform: each deployment, rollout step and gate is a change that an
 * incident may come from; SLO alerts open incidents as other alerts do. */
#include "alert.h"

#include <string.h>

struct change {
    const char *id, *kind, *app, *service, *environment, *version, *actor, *risk_level, *words;
    const char *ref, *source;
    double risk_score;
    int64_t at_ms;
};

static void keep_change(sl_call *call, sl_batch *batch, const struct change *c) {
    const char *none = "";
    sl_batch_add(
        batch,
        "INSERT INTO incident_change (tenant, id, at_ms, arrived_ms, kind, app, service, "
        "environment, version, actor, risk_level, risk_score, words, ref, source) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO "
        "NOTHING",
        SL_ARGS(sl_text(c->id), sl_int(c->at_ms), sl_int(sl_now_ms(call)), sl_text(c->kind),
                sl_text(c->app ? c->app : none), sl_text(c->service ? c->service : none),
                sl_text(c->environment ? c->environment : none),
                sl_text(c->version ? c->version : none), sl_text(c->actor ? c->actor : none),
                sl_text(c->risk_level ? c->risk_level : none), sl_real(c->risk_score),
                sl_text(c->words), sl_text(c->ref ? c->ref : none), sl_text(c->source)));
}

/* Which events are changes of what runs, and what to call them. The rest of them is no line. */
static const struct {
    const char *type, *kind, *words;
} told[] = {
    {"deployment.approved", "request", "Deployment approved"},
    {"deployment.denied", "request", "Deployment denied"},
    {"deployment.needs_approval", "request", "Deployment waits for approval"},
    {"deployment.approval_given", "request", "Deployment approved by a person"},
    {"rollout.started", "deployment", "Rollout started"},
    {"rollout.step_reached", "step", "Rollout step reached"},
    {"rollout.gate_judged", "gate", "Gate judged"},
    {"rollout.held", "gate", "Rollout held"},
    {"rollout.paused", "step", "Rollout paused"},
    {"rollout.resumed", "step", "Rollout resumed"},
    {"rollout.promoted", "deployment", "Rollout promoted"},
    {"rollout.aborted", "rollback", "Rollout aborted"},
    {"rollout.rolled_back", "rollback", "Rolled back"},
};

static const char *version_of(const char *image) {
    const char *tag = image ? strrchr(image, ':') : NULL;
    return tag && !strchr(tag, '/') ? tag + 1 : image;
}

static const char *words_of(sl_call *call, const char *what, const cJSON *data) {
    const char *app = sl_get_text(data, "app_name", sl_get_text(data, "app", "")),
               *version = version_of(sl_get_text(data, "image", NULL)),
               *gate = sl_get_text(data, "gate", NULL),
               *outcome = sl_get_text(data, "outcome", NULL),
               *reason = sl_get_text(data, "reason", NULL);
    const cJSON *weight = sl_get(data, "weight");
    const char *share =
        cJSON_IsNumber(weight) ? sl_printf(call, ", %g %% of traffic", weight->valuedouble) : "";
    return sl_printf(call, "%s: %s%s%s%s%s%s%s%s%s", what, app, version ? " " : "",
                     version ? version : "", share, gate ? ", gate " : "", gate ? gate : "",
                     outcome ? " " : "", outcome ? outcome : "",
                     reason ? sl_printf(call, " (%s)", reason) : "");
}

int incident_hear_change(sl_call *call, const sl_event *event) {
    size_t i = 0;
    while (i < sizeof told / sizeof *told && strcmp(told[i].type, event->type) != 0) i++;
    if (i == sizeof told / sizeof *told) return 0;
    const cJSON *data = event->data;
    const char *app = sl_get_text(data, "app_name", sl_get_text(data, "app", NULL));
    const struct change c = {.id = sl_printf(call, "event/%lld", (long long)event->seq),
                             .kind = told[i].kind,
                             .app = app,
                             .service = sl_get_text(data, "service", app),
                             .environment = sl_get_text(data, "environment", NULL),
                             .version = version_of(sl_get_text(data, "image", NULL)),
                             .actor = event->actor,
                             .risk_level = sl_get_text(data, "risk_level", NULL),
                             .risk_score = sl_get_number(data, "risk_score", 0),
                             .words = words_of(call, told[i].words, data),
                             .ref = event->subject,
                             .source = "sluice",
                             .at_ms = event->at_ms};
    sl_batch *batch = sl_batch_new(call);
    keep_change(call, batch, &c);
    return sl_commit(batch);
}

int incident_change(sl_call *call, const cJSON *in, cJSON *out) {
    struct change c = {.id = sl_get_text(in, "id", NULL),
                       .kind = sl_get_text(in, "kind", "other"),
                       .app = sl_get_text(in, "app_name", NULL),
                       .service = sl_get_text(in, "service", sl_get_text(in, "app_name", NULL)),
                       .environment = sl_get_text(in, "environment", NULL),
                       .version = sl_get_text(in, "version", NULL),
                       .actor = sl_get_text(in, "actor", sl_actor(call)),
                       .words = sl_get_text(in, "summary", ""),
                       .ref = sl_get_text(in, "url", NULL),
                       .source = sl_get_text(in, "source", "api")};
    int rc = read_when(call, in, "at", sl_now_ms(call), &c.at_ms);
    if (rc) return rc;
    if (!c.id) c.id = sl_new_id(call);
    sl_batch *batch = sl_batch_new(call);
    keep_change(call, batch, &c);
    cJSON_AddStringToObject(out, "id", c.id);
    sl_reply_status(call, 201);
    return sl_commit(batch);
}

/* slo.alert_firing and slo.alert_resolved: the alert of an objective is an alert like others. */
int incident_hear_slo(sl_call *call, const sl_event *event) {
    const bool fires = strcmp(event->type, "slo.alert_firing") == 0;
    if (!fires && strcmp(event->type, "slo.alert_resolved") != 0) return 0;
    const cJSON *data = event->data;
    struct alerts alerts = {0};
    struct intake intake;
    struct alert *a = alert_new(call, &alerts);
    const char *objective = sl_get_text(data, "objective", "objective");
    const char *which = sl_get_text(data, "alert", sl_get_text(data, "name", "burn rate"));
    a->source = "slo";
    a->service = sl_get_text(data, "service", NULL);
    a->environment = sl_get_text(data, "environment", NULL);
    a->name = objective;
    a->summary = sl_get_text(
        data, "summary",
        sl_printf(call, "the error budget of %s burns too fast (%s)", objective, which));
    a->severity = severity_from(sl_get_text(data, "severity", "warning"));
    a->fingerprint =
        sl_printf(call, "%s/%s/%s", event->subject ? event->subject : "", objective, which);
    a->group = a->fingerprint;
    a->labels = data;
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT starts_ms FROM incident_alert WHERE tenant = $1 AND source = 'slo' AND "
                 "fingerprint = $2 AND ends_ms = 0 LIMIT 1",
                 SL_ARGS(sl_text(a->fingerprint)));
    if (rc) return rc;
    if (!rows.count && !fires) return 0;
    a->starts_ms = rows.count ? sl_cell_int(&rows, 0, "starts_ms") : event->at_ms;
    if (!fires) a->ends_ms = event->at_ms;
    return alerts_take(call, &alerts, &intake);
}
