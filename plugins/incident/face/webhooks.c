/* webhooks.c - alerts as others send them: Alertmanager (its webhook and its API), Kubernetes events. */
#include "alert.h"

#include <string.h>

static int64_t time_or(const cJSON *object, const char *name, int64_t otherwise) {
    int64_t ms;
    const char *text = sl_get_text(object, name, NULL);
    return text && when_parse(text_from(text), &ms) && ms > 0 ? ms : otherwise;
}

/* ---- Alertmanager webhook, version 4 ---- */

static void read_am_alert(sl_call *call, const cJSON *json, const char *group,
                          struct alerts *alerts) {
    const char *status = sl_get_text(json, "status", NULL);
    if (!cJSON_IsObject(json) || !cJSON_IsObject(sl_get(json, "labels"))) {
        alerts->damaged++;
        return;
    }
    struct alert *a = alert_new(call, alerts);
    a->source = "alertmanager";
    a->group = group;
    a->labels = sl_get(json, "labels");
    a->annotations = sl_get(json, "annotations");
    a->fingerprint = sl_get_text(json, "fingerprint", NULL);
    a->url = sl_get_text(json, "generatorURL", NULL);
    a->starts_ms = time_or(json, "startsAt", sl_now_ms(call));
    const int64_t ends = time_or(json, "endsAt", 0);
    if (status && strcmp(status, "resolved") == 0) a->ends_ms = ends ? ends : sl_now_ms(call);
    alert_read_labels(call, a);
}

int incident_alertmanager(sl_call *call, const cJSON *in, cJSON *out) {
    struct alerts alerts = {0};
    struct intake intake = {0};
    const cJSON *list = sl_get(in, "alerts"), *item;
    if (!cJSON_IsArray(list))
        return sl_fail(call, SL_INVALID,
                       "alerts: expected a list, as Alertmanager's webhook (version 4) sends it");
    const char *group = sl_get_text(in, "groupKey", NULL);
    if (!group)
        group = sl_json_print(call, sl_get(in, "groupLabels") ? sl_get(in, "groupLabels") : list);
    cJSON_ArrayForEach(item, list) {
        read_am_alert(call, item, group, &alerts);
    }
    int rc = alerts_take(call, &alerts, &intake);
    if (rc) return rc;
    const int64_t cut = sl_get_int(in, "truncatedAlerts", 0);
    if (cut > 0 && intake.incident_count) { /* said, not hidden */
        sl_batch *batch = sl_batch_new(call);
        line_add(call, batch,
                 &(struct new_line){.incident = intake.incidents[0],
                                    .id = sl_printf(call, "truncated/%s", group),
                                    .source = "alertmanager",
                                    .kind = "note",
                                    .text = sl_printf(call,
                                                      "Alertmanager left out %lld alerts of this "
                                                      "group (max_alerts)",
                                                      (long long)cut),
                                    .at_ms = sl_now_ms(call)});
        rc = sl_commit(batch);
    }
    intake_print(&intake, &alerts, out);
    return rc;
}

/* ---- POST /api/v2/alerts: Prometheus pushes straight to Sluice ---- */

/* Without an end an alert holds for five minutes; Prometheus sends it again before that. */
enum { HOLDS_MS = 300000 };

/* The start of the same alert where it fires already: a push may leave its start out. */
static int64_t start_known(sl_call *call, const struct alert *a, int64_t otherwise) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT starts_ms FROM incident_alert WHERE tenant = $1 AND source = $2 AND "
                      "fingerprint = $3 AND ends_ms = 0 LIMIT 1",
                      SL_ARGS(sl_text(a->source), sl_text(a->fingerprint)));
    return !rc && rows.count ? sl_cell_int(&rows, 0, "starts_ms") : otherwise;
}

static void read_pushed(sl_call *call, const cJSON *json, struct alerts *alerts) {
    if (!cJSON_IsObject(json) || !cJSON_IsObject(sl_get(json, "labels"))) {
        alerts->damaged++;
        return;
    }
    struct alert *a = alert_new(call, alerts);
    const int64_t now = sl_now_ms(call);
    a->source = "prometheus";
    a->labels = sl_get(json, "labels");
    a->annotations = sl_get(json, "annotations");
    a->url = sl_get_text(json, "generatorURL", NULL);
    a->starts_ms = time_or(json, "startsAt", now);
    const int64_t ends = time_or(json, "endsAt", 0);
    if (ends && ends <= now)
        a->ends_ms = ends;
    else
        a->expires_ms = ends ? ends : now + HOLDS_MS;
    alert_read_labels(call, a);
    if (!sl_get(json, "startsAt")) a->starts_ms = start_known(call, a, now);
    a->group = sl_printf(call, "%s/%s/%s", a->name, a->environment ? a->environment : "",
                         a->service ? a->service : "");
}

int incident_push_alerts(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    size_t size;
    const char *body = sl_body(call, &size);
    cJSON *list;
    int rc = sl_json_parse(call, "the body", body ? body : "", size, &list);
    if (rc) return rc;
    if (!cJSON_IsArray(list))
        return sl_fail(call, SL_INVALID, "the body must be a list of alerts: [{\"labels\":{…}}]");
    struct alerts alerts = {0};
    struct intake intake;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        read_pushed(call, item, &alerts);
    }
    rc = alerts_take(call, &alerts, &intake);
    if (!rc) intake_print(&intake, &alerts, out);
    return rc;
}

/* ---- Kubernetes events ---- */

/* Reasons that hurt, with what they mean; the rest of the warnings is kept but opens nothing. */
static const struct {
    const char *reason, *means;
    const char *severity;
} reasons[] = {
    {"CrashLoopBackOff", "the container crashes again and again", "error"},
    {"BackOff", "the container or its image is retried again and again", "warning"},
    {"OOMKilling", "the kernel killed a process for lack of memory", "error"},
    {"OOMKilled", "the container used more memory than its limit", "error"},
    {"ImagePullBackOff", "the image cannot be pulled", "error"},
    {"ErrImagePull", "the image cannot be pulled", "error"},
    {"CreateContainerConfigError", "a config map or secret is missing", "error"},
    {"FailedScheduling", "no node takes the pod", "warning"},
    {"FailedCreate", "the pod may not be created (quota or admission)", "error"},
    {"FailedMount", "a volume cannot be mounted", "warning"},
    {"Unhealthy", "a probe fails", "warning"},
    {"Evicted", "the node ran out of something and evicted the pod", "warning"},
    {"ProgressDeadlineExceeded", "the deployment made no progress in time", "error"},
    {"BackoffLimitExceeded", "the job has failed for good", "error"},
    {"NodeNotReady", "a node does not answer", "error"},
};

/* "shop-7d9f8b6c5d-x2x4z" belongs to "shop": the hashes of replica set and pod go. */
static const char *workload_of(sl_call *call, const char *name, const char *kind) {
    if (!name) return NULL;
    char *copy = sl_strdup(call, name);
    if (strcmp(kind, "Pod") != 0) return copy;
    for (int cut = 0; cut < 2; cut++) {
        char *dash = strrchr(copy, '-');
        const size_t tail = dash ? strlen(dash + 1) : 0;
        const bool hash = cut ? tail >= 8 && tail <= 10 : tail == 5;
        if (!dash || dash == copy || !hash) break;
        *dash = 0;
    }
    return copy;
}

static const cJSON *either(const cJSON *object, const char *one, const char *other) {
    const cJSON *item = sl_get(object, one);
    return item ? item : sl_get(object, other);
}

/* Both core/v1 and events.k8s.io/v1 names. */
static void read_event(sl_call *call, const cJSON *event, struct alerts *alerts) {
    const cJSON *object = either(event, "involvedObject", "regarding");
    const char *reason = sl_get_text(event, "reason", NULL);
    if (!reason || !cJSON_IsObject(object)) {
        alerts->damaged++;
        return;
    }
    if (strcmp(sl_get_text(event, "type", ""), "Warning") != 0) return;
    const char *kind = sl_get_text(object, "kind", ""), *name = sl_get_text(object, "name", "");
    const char *said = sl_get_text(event, "message", sl_get_text(event, "note", ""));
    const char *severity = "info", *means = said;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].reason, reason) == 0)
            severity = reasons[i].severity, means = reasons[i].means;
    struct alert *a = alert_new(call, alerts);
    a->source = "kubernetes";
    a->name = reason;
    a->severity = severity_from(severity);
    a->environment = sl_get_text(object, "namespace", NULL);
    a->service = workload_of(call, name, kind);
    a->summary = sl_printf(call, "%s: %s", reason, means);
    a->fingerprint =
        sl_printf(call, "%s/%s/%s/%s", a->environment ? a->environment : "", kind, name, reason);
    a->group = sl_printf(call, "%s/%s", a->environment ? a->environment : "",
                         a->service ? a->service : name);
    cJSON *labels = cJSON_CreateObject();
    cJSON_AddStringToObject(labels, "reason", reason);
    cJSON_AddStringToObject(labels, "object", sl_printf(call, "%s/%s", kind, name));
    cJSON_AddStringToObject(labels, "message", said);
    a->labels = labels;
    const int64_t now = sl_now_ms(call);
    const int64_t first = time_or(event, "firstTimestamp", time_or(event, "eventTime", now));
    const int64_t last = time_or(event, "lastTimestamp",
                                 time_or(sl_get(event, "series"), "lastObservedTime", first));
    a->starts_ms = first;
    a->expires_ms = (last > now ? now : last) + 3L * HOLDS_MS; /* back-off repeats within 5 min */
}

int incident_kubernetes(sl_call *call, const cJSON *in, cJSON *out) {
    struct alerts alerts = {0};
    struct intake intake;
    const cJSON *items = sl_get(in, "items"), *item; /* a list, or one event */
    if (cJSON_IsArray(items)) {
        cJSON_ArrayForEach(item, items) {
            read_event(call, item, &alerts);
        }
    } else {
        read_event(call, in, &alerts);
    }
    int rc = alerts_take(call, &alerts, &intake);
    if (!rc) intake_print(&intake, &alerts, out);
    return rc;
}
