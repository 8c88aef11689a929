/* plugin.c - the face of the plugin: alerts, logs, traces and changes in; incidents, timelines, causes
 * and words for everybody out. */
#include "face/face.h"
#include "fields.h"

#include <stdlib.h>

#define READS  .needs = "incident:read", .effect = SL_READS
#define WRITES .needs = "incident:write", .effect = SL_WRITES

enum { BODY_ALERTS = 16 << 20 };

static const sl_op ops[] = {
    {.name = "incident.list",
     .route = "GET /incidents",
     .summary = "List incidents, newest first",
     .in = list_in,
     .out = list_out,
     .run = incident_list,
     READS},
    {.name = "incident.get",
     .route = "GET /incidents/{id}",
     .summary = "Show one incident with its alerts",
     .in = id_in,
     .out = incident_out,
     .run = incident_get,
     READS},
    {.name = "incident.open",
     .route = "POST /incidents",
     .summary = "Open an incident by hand",
     .in = open_in,
     .out = incident_out,
     .example = "{\"title\":\"Checkout answers slowly\",\"severity\":\"SEV2\",\"environment\":"
                "\"prod\",\"services\":[\"checkout\"]}",
     .run = incident_open,
     WRITES},
    {.name = "incident.update",
     .route = "POST /incidents/{id}",
     .summary = "Change title, severity, roles, public wording, cause or impact",
     .in = update_in,
     .out = incident_out,
     .run = incident_update,
     WRITES},
    {.name = "incident.acknowledge",
     .route = "POST /incidents/{id}/acknowledge",
     .summary = "Say that somebody works on it",
     .in = step_in,
     .out = incident_out,
     .run = incident_acknowledge,
     WRITES},
    {.name = "incident.mitigate",
     .route = "POST /incidents/{id}/mitigate",
     .summary = "Say that it no longer hurts",
     .in = step_in,
     .out = incident_out,
     .run = incident_mitigate,
     WRITES},
    {.name = "incident.resolve",
     .route = "POST /incidents/{id}/resolve",
     .summary = "Say that it is over",
     .in = step_in,
     .out = incident_out,
     .run = incident_resolve,
     WRITES},
    {.name = "incident.reopen",
     .route = "POST /incidents/{id}/reopen",
     .summary = "Say that it is not over after all",
     .in = step_in,
     .out = incident_out,
     .run = incident_reopen,
     WRITES},
    {.name = "incident.merge",
     .route = "POST /incidents/{id}/merge",
     .summary = "Merge an incident into another: alerts and lines move there",
     .in = merge_in,
     .out = incident_out,
     .run = incident_merge,
     WRITES},
    {.name = "incident.split",
     .route = "POST /incidents/{id}/split",
     .summary = "Split alerts off into an incident of their own",
     .in = split_in,
     .out = incident_out,
     .run = incident_split,
     WRITES},
    {.name = "incident.timeline",
     .route = "GET /incidents/{id}/timeline",
     .summary = "Tell what happened in order, each line with its source",
     .in = timeline_in,
     .out = timeline_out,
     .run = incident_timeline,
     READS},
    {.name = "incident.note",
     .route = "POST /incidents/{id}/notes",
     .summary = "Write a line into the timeline",
     .in = note_in,
     .out = note_out,
     .run = incident_note,
     WRITES},
    {.name = "incident.edit",
     .route = "POST /incidents/{id}/timeline/{line}",
     .summary = "Reword, hide or pin a line; the original stays",
     .in = edit_in,
     .out = edit_out,
     .run = incident_edit,
     WRITES},
    {.name = "incident.change",
     .route = "POST /changes",
     .summary = "Tell a change that Sluice did not make: a flag, a configuration, a migration",
     .in = change_in,
     .out = note_out,
     .run = incident_change,
     WRITES},
    {.name = "incident.alertmanager",
     .route = "POST /webhooks/alertmanager",
     .summary = "Take alerts as Alertmanager's webhook (version 4) sends them",
     .in = alertmanager_in,
     .out = intake_out,
     .run = incident_alertmanager,
     .flags = SL_OP_OPEN,
     .max_body = BODY_ALERTS,
     .example = "{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"Down\\\"}\",\"status\":"
                "\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"Down\","
                "\"service\":\"shop\",\"severity\":\"critical\"},\"annotations\":{\"summary\":"
                "\"shop does not answer\"},\"startsAt\":\"2026-05-04T08:20:00Z\",\"fingerprint\":"
                "\"f404ecabc8dd5cd7\"}]}",
     WRITES},
    {.name = "incident.push",
     .route = "POST /api/v2/alerts",
     .summary = "Take alerts as Prometheus pushes them to an Alertmanager",
     .out = intake_out,
     .run = incident_push_alerts,
     .flags = SL_OP_RAW,
     .max_body = BODY_ALERTS,
     WRITES},
    {.name = "incident.kubernetes",
     .route = "POST /webhooks/kubernetes",
     .summary = "Take events of Kubernetes: one, or a list",
     .in = event_in,
     .out = intake_out,
     .run = incident_kubernetes,
     .flags = SL_OP_OPEN,
     .max_body = BODY_ALERTS,
     WRITES},
    SL_END};

static const sl_field config[] = {
    SL_ENUM("open_from", SEVERITIES, .def = "SEV3",
            .help = "alerts below this severity are kept, but open no incident"),
    SL_DURATION("reopen_within", .def = "30m", .min = 0, .max = 7 * 86400e3,
                .help = "an alert of the same group or service this soon after the end reopens"),
    SL_DURATION("resolve_after", .def = "15m", .min = 0, .max = 7 * 86400e3,
                .help =
                    "an incident whose alerts have all ended is resolved then; 0: by hand only"),
    SL_END};

static const sl_listen listens[] = {
    {.name = "deployments", .type = "deployment.*", .run = incident_hear_change},
    {.name = "rollouts", .type = "rollout.*", .run = incident_hear_change},
    {.name = "objectives", .type = "slo.*", .run = incident_hear_slo},
    SL_END};

static const sl_job jobs[] = {{.name = "sweep", .run = incident_sweep}, SL_END};

static const sl_migration schema[] = {
    {.number = 1,
     .name = "incidents, alerts, lines, changes",
     .sql =
         "CREATE TABLE incident_incident (tenant TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT "
         "NULL, severity TEXT NOT NULL, severity_set INTEGER NOT NULL, status TEXT NOT NULL, "
         "environment TEXT NOT NULL, app TEXT NOT NULL, services TEXT NOT NULL, roles TEXT NOT NULL, "
         "extra TEXT NOT NULL, opened_by TEXT NOT NULL, merged_into TEXT NOT NULL, onset_ms BIGINT "
         "NOT NULL, detected_ms BIGINT NOT NULL, opened_ms BIGINT NOT NULL, acknowledged_ms BIGINT "
         "NOT NULL, mitigated_ms BIGINT NOT NULL, resolved_ms BIGINT NOT NULL, updated_ms BIGINT NOT "
         "NULL, version BIGINT NOT NULL, alerts BIGINT NOT NULL, firing BIGINT NOT NULL, PRIMARY KEY "
         "(tenant, id));"
         "CREATE INDEX incident_incident_status ON incident_incident (tenant, status, updated_ms);"
         "CREATE INDEX incident_incident_opened ON incident_incident (tenant, opened_ms);"
         "CREATE TABLE incident_key (tenant TEXT NOT NULL, name TEXT NOT NULL, incident_id TEXT NOT "
         "NULL, PRIMARY KEY (tenant, name));"
         "CREATE TABLE incident_alert (tenant TEXT NOT NULL, id TEXT NOT NULL, incident_id TEXT NOT "
         "NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL, group_key TEXT NOT NULL, name TEXT "
         "NOT NULL, severity INTEGER NOT NULL, service TEXT NOT NULL, environment TEXT NOT NULL, "
         "summary TEXT NOT NULL, labels TEXT NOT NULL, runbook TEXT NOT NULL, url TEXT NOT NULL, "
         "starts_ms BIGINT NOT NULL, ends_ms BIGINT NOT NULL, first_ms BIGINT NOT NULL, last_ms "
         "BIGINT NOT NULL, expires_ms BIGINT NOT NULL, seen BIGINT NOT NULL, pinned INTEGER NOT NULL, "
         "PRIMARY KEY (tenant, id));"
         "CREATE INDEX incident_alert_incident ON incident_alert (tenant, incident_id);"
         "CREATE INDEX incident_alert_print ON incident_alert (tenant, source, fingerprint);"
         "CREATE TABLE incident_line (tenant TEXT NOT NULL, incident_id TEXT NOT NULL, id TEXT NOT "
         "NULL, at_ms BIGINT NOT NULL, arrived_ms BIGINT NOT NULL, source TEXT NOT NULL, kind TEXT "
         "NOT NULL, body TEXT NOT NULL, actor TEXT, ref TEXT, inferred INTEGER NOT NULL, came_from "
         "TEXT, PRIMARY KEY (tenant, incident_id, id));"
         "CREATE TABLE incident_edit (tenant TEXT NOT NULL, incident_id TEXT NOT NULL, line_id TEXT "
         "NOT NULL, number BIGINT NOT NULL, body TEXT NOT NULL, hidden INTEGER NOT NULL, pinned "
         "INTEGER NOT NULL, actor TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, "
         "incident_id, number));"
         "CREATE TABLE incident_change (tenant TEXT NOT NULL, id TEXT NOT NULL, at_ms BIGINT NOT "
         "NULL, arrived_ms BIGINT NOT NULL, kind TEXT NOT NULL, app TEXT NOT NULL, service TEXT NOT "
         "NULL, environment TEXT NOT NULL, version TEXT NOT NULL, actor TEXT NOT NULL, risk_level "
         "TEXT NOT NULL, risk_score DOUBLE PRECISION NOT NULL, words TEXT NOT NULL, ref TEXT NOT "
         "NULL, source TEXT NOT NULL, PRIMARY KEY (tenant, id));"
         "CREATE INDEX incident_change_at ON incident_change (tenant, at_ms)"},
    SL_END};

static const sl_metric metrics[] = {
    {.name = "incidents_opened_total",
     .help = "Incidents opened by hand",
     .labels = "severity",
     .type = SL_COUNTER},
    {.name = "incident_alerts_total", .help = "Alerts taken", .type = SL_COUNTER},
    SL_END};

static int start(sl_call *call, const cJSON *options) {
    struct incident_state *state = calloc(1, sizeof *state);
    if (!state) return sl_fail(call, SL_UNAVAILABLE, "no memory for the incidents");
    state->config = sl_json_keep(options);
    state->open_from = severity_from(sl_get_text(options, "open_from", "SEV3"));
    state->reopen_ms = sl_get_int(options, "reopen_within", 1800000);
    state->resolve_ms = sl_get_int(options, "resolve_after", 900000);
    sl_set_state(call, state);
    return 0;
}

static void stop(sl_call *call) {
    struct incident_state *state = sl_state(call);
    if (!state) return;
    sl_set_state(call, NULL);
    sl_json_drop(state->config);
    free(state);
}

SL_PLUGIN(.name = "incident", .version = "1.0.0",
          .summary = "Incidents: alerts, timelines, impact, causes, and words for everybody",
          .license = "Apache-2.0", .config = config, .ops = ops, .on = listens, .jobs = jobs,
          .schema = schema, .metrics = metrics, .start = start, .stop = stop);
