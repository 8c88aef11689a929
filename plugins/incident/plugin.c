/* plugin.c - the face of the plugin: alerts, logs, traces and changes in; incidents, timelines, causes
 * and words for everybody out. */
#include "face/face.h"
#include "face/tenants.h"
#include "fields.h"

#include <stdlib.h>

#define READS  .needs = "incident:read", .effect = SL_READS
#define WRITES .needs = "incident:write", .effect = SL_WRITES

#define PUBLIC .needs = "public", .effect = SL_READS

enum { BODY_ALERTS = 16 << 20, BODY_OTLP = 64 << 20 };

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
    {.name = "incident.webhook",
     .route = "POST /webhooks/incident/{source}",
     .summary = "Take alerts of any sender, mapped by a Lua file",
     .help = "Signed as plugins.incident.webhooks says, or with a token that has incident:write.",
     .in = source_in,
     .out = intake_out,
     .needs = "public",
     .effect = SL_WRITES,
     .flags = SL_OP_RAW,
     .run = incident_webhook},
    {.name = "incident.logs",
     .route = "POST /v1/logs",
     .summary = "Take logs by OTLP/HTTP, JSON or protobuf, plain or gzip",
     .run = incident_otlp_logs,
     .flags = SL_OP_RAW,
     .max_body = BODY_OTLP,
     WRITES},
    {.name = "incident.traces",
     .route = "POST /v1/traces",
     .summary = "Take traces by OTLP/HTTP, JSON or protobuf, plain or gzip",
     .run = incident_otlp_traces,
     .flags = SL_OP_RAW,
     .max_body = BODY_OTLP,
     WRITES},
    {.name = "incident.metrics",
     .route = "POST /v1/metrics",
     .summary = "Answer metrics by OTLP/HTTP: rejected, they are read from Prometheus",
     .run = incident_otlp_metrics,
     .flags = SL_OP_RAW,
     .max_body = BODY_OTLP,
     WRITES},
    {.name = "incident.patterns",
     .route = "GET /logs/patterns",
     .summary = "Show the log patterns of the last while",
     .in = since_in,
     .out = patterns_out,
     .run = incident_patterns,
     READS},
    {.name = "incident.graph",
     .route = "GET /services/graph",
     .summary = "Show which service calls which, as the spans tell",
     .in = since_in,
     .out = graph_out,
     .run = incident_graph,
     READS},
    {.name = "incident.evidence",
     .route = "GET /incidents/{id}/evidence",
     .summary = "Show what logs, spans and changes say about an incident",
     .in = id_in,
     .out = evidence_out,
     .run = incident_evidence,
     READS},
    {.name = "incident.impact",
     .route = "GET /incidents/{id}/impact",
     .summary = "Compute who was hit, with what is not known",
     .in = id_in,
     .out = impact_out,
     .run = incident_impact,
     READS},
    {.name = "incident.suspects",
     .route = "GET /incidents/{id}/suspects",
     .summary = "Rank the changes that may be to blame, or say why none is named",
     .in = id_in,
     .out = suspects_out,
     .run = incident_suspects,
     READS},
    {.name = "incident.pull",
     .route = "POST /incidents/{id}/pull",
     .summary = "Ask Prometheus and Loki for evidence and note it in the timeline",
     .in = pull_in,
     .out = pull_out,
     .run = incident_pull,
     WRITES},
    {.name = "incident.link",
     .route = "POST /incidents/{id}/link",
     .summary = "Say which deployment caused it: the risk model learns from that",
     .in = link_in,
     .out = linked_out,
     .run = incident_link,
     WRITES},
    {.name = "incident.summary",
     .route = "POST /ai/incident-summary",
     .also = "POST /incidents/summary",
     .summary = "Summarise an incident for customers, management and engineers, from facts",
     .in = summary_in,
     .out = summary_out,
     .example = "{\"context\":{\"title\":\"Checkout answers slowly\",\"services\":[\"checkout\"],"
                "\"started_at\":\"2026-05-04T08:20:00Z\"},\"audience\":\"customer\"}",
     .run = incident_summary,
     .max_body = BODY_ALERTS,
     .timeout_ms = 120000,
     READS},
    {.name = "incident.postmortem",
     .route = "GET /incidents/{id}/postmortem",
     .summary = "Draft a postmortem in Markdown",
     .in = id_in,
     .out = postmortem_out,
     .run = incident_postmortem,
     READS},
    {.name = "incident.draft",
     .route = "POST /incidents/{id}/updates",
     .summary = "Draft an update for customers",
     .in = draft_in,
     .out = update_out,
     .run = incident_draft,
     WRITES},
    {.name = "incident.updates",
     .route = "GET /incidents/{id}/updates",
     .summary = "List the updates for customers",
     .in = id_in,
     .out = updates_out,
     .run = incident_drafts,
     READS},
    {.name = "incident.publish",
     .route = "POST /incidents/{id}/updates/{number}/publish",
     .summary = "Publish a draft on the status page, or discard it",
     .in = publish_in,
     .out = update_out,
     .needs = "incident:publish",
     .effect = SL_WRITES,
     .run = incident_publish},
    {.name = "status.page",
     .route = "GET /status",
     .summary = "Show the public status page",
     .run = incident_status_page,
     PUBLIC},
    {.name = "status.feed",
     .route = "GET /status.rss",
     .summary = "Give the published updates as RSS",
     .run = incident_status_feed,
     PUBLIC},
    {.name = "status.json",
     .route = "GET /status.json",
     .also = "GET /api/v2/status.json",
     .summary = "Give the public status in Statuspage's shape",
     .run = incident_status_json,
     PUBLIC},
    {.name = "status.summary",
     .route = "GET /api/v2/summary.json",
     .summary = "Give components and open incidents in Statuspage's shape",
     .run = incident_status_summary,
     PUBLIC},
    {.name = "status.incidents",
     .route = "GET /api/v2/incidents.json",
     .summary = "Give the incidents of two weeks in Statuspage's shape",
     .run = incident_status_incidents,
     PUBLIC},
    SL_END};

static const sl_field loki_options[] = {
    SL_STRING("url", .format = "uri", .help = "base of its HTTP API, as http://loki:3100"),
    SL_STRING("token", .flags = SL_SECRET, .help = "bearer token"),
    SL_STRING("tenant", .max = 100, .help = "sent as X-Scope-OrgID"),
    SL_DURATION("timeout", .def = "10s", .min = 100, .max = 60e3, .help = "of one query"), SL_END};

static const sl_field evidence_options[] = {
    SL_LIST_OF("prometheus", asked_in, .max = 20, .help = "queries that incident.pull asks"),
    SL_LIST_OF("loki", asked_in, .max = 20, .help = "log queries that incident.pull asks"), SL_END};

static const sl_field hook_options[] = {
    SL_STRING("secret", .flags = SL_SECRET, .help = "that the sender signs with, or sends"),
    SL_ENUM("scheme", "hmac-sha256|token", .def = "hmac-sha256",
            .help = "how it proves itself: a signature over the body, or the secret itself"),
    SL_STRING("header", .def = "x-pagerduty-signature", .max = 100,
              .help = "where the signature or secret stands"),
    SL_END};

static const sl_field config[] = {
    SL_ENUM("open_from", SEVERITIES, .def = "SEV3",
            .help = "alerts below this severity are kept, but open no incident"),
    SL_DURATION("reopen_within", .def = "30m", .min = 0, .max = 7 * 86400e3,
                .help = "an alert of the same group or service this soon after the end reopens"),
    SL_DURATION("resolve_after", .def = "15m", .min = 0, .max = 7 * 86400e3,
                .help =
                    "an incident whose alerts have all ended is resolved then; 0: by hand only"),
    SL_DURATION("keep_telemetry", .def = "1d", .min = 7200e3, .max = 30 * 86400e3,
                .help = "how long counts of logs and spans are kept"),
    SL_SIZE("otlp_size", .def = "8MiB", .min = SL_KIB(64), .max = SL_MIB(64),
            .help = "of an OTLP request after inflation; more is answered with 413"),
    SL_STRING("scripts", .flags = SL_PATH, .max = 4096,
              .help = "folder of the Lua files that map webhooks to alerts"),
    SL_MAP("webhooks", SL_T_OBJECT, .fields = hook_options, .max = 50,
           .help = "how the senders of POST /webhooks/incident/NAME prove themselves"),
    SL_OBJECT("loki", loki_options, .help = "where log queries are asked"),
    SL_OBJECT("evidence", evidence_options, .help = "what incident.pull asks when nothing is said"),
    SL_STRING("status_title", .def = "Service status", .max = 200,
              .help = "heading of the public status page"),
    SL_LIST("components", SL_T_STRING, .max = 100,
            .help = "names of components that customers know"),
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
    {.number = 2,
     .name = "telemetry by the minute, updates, links",
     .sql =
         "CREATE TABLE incident_template (tenant TEXT NOT NULL, service TEXT NOT NULL, id TEXT NOT NULL, "
         "body TEXT NOT NULL, severity INTEGER NOT NULL, first_ms BIGINT NOT NULL, last_ms BIGINT NOT "
         "NULL, lines BIGINT NOT NULL, example TEXT NOT NULL, trace TEXT NOT NULL, PRIMARY KEY (tenant, "
         "service, id));"
         "CREATE TABLE incident_log_minute (tenant TEXT NOT NULL, service TEXT NOT NULL, id TEXT NOT "
         "NULL, minute BIGINT NOT NULL, lines BIGINT NOT NULL, errors BIGINT NOT NULL, PRIMARY KEY "
         "(tenant, service, id, minute));"
         "CREATE INDEX incident_log_minute_at ON incident_log_minute (tenant, minute);"
         "CREATE TABLE incident_span_minute (tenant TEXT NOT NULL, service TEXT NOT NULL, operation TEXT "
         "NOT NULL, entry INTEGER NOT NULL, minute BIGINT NOT NULL, spans BIGINT NOT NULL, errors BIGINT "
         "NOT NULL, total_ms DOUBLE PRECISION NOT NULL, longest_ms DOUBLE PRECISION NOT NULL, slow_trace "
         "TEXT NOT NULL, error_trace TEXT NOT NULL, error_text TEXT NOT NULL, PRIMARY KEY (tenant, "
         "service, operation, entry, minute));"
         "CREATE INDEX incident_span_minute_at ON incident_span_minute (tenant, minute);"
         "CREATE TABLE incident_edge_minute (tenant TEXT NOT NULL, caller TEXT NOT NULL, callee TEXT NOT "
         "NULL, minute BIGINT NOT NULL, calls BIGINT NOT NULL, errors BIGINT NOT NULL, PRIMARY KEY "
         "(tenant, caller, callee, minute));"
         "CREATE TABLE incident_user_minute (tenant TEXT NOT NULL, service TEXT NOT NULL, minute BIGINT "
         "NOT NULL, person BIGINT NOT NULL, PRIMARY KEY (tenant, service, minute, person));"
         "CREATE TABLE incident_intake_minute (tenant TEXT NOT NULL, minute BIGINT NOT NULL, logs BIGINT "
         "NOT NULL, spans BIGINT NOT NULL, late BIGINT NOT NULL, sampled BIGINT NOT NULL, PRIMARY KEY "
         "(tenant, minute));"
         "CREATE TABLE incident_update (tenant TEXT NOT NULL, incident_id TEXT NOT NULL, number BIGINT "
         "NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, author TEXT NOT NULL, "
         "approver TEXT NOT NULL, created_ms BIGINT NOT NULL, published_ms BIGINT NOT NULL, PRIMARY KEY "
         "(tenant, incident_id, number));"
         "CREATE INDEX incident_update_at ON incident_update (tenant, published_ms);"
         "CREATE TABLE incident_link (tenant TEXT NOT NULL, incident_id TEXT NOT NULL, deployment_id "
         "TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, actor TEXT NOT NULL, at_ms BIGINT NOT NULL, "
         "PRIMARY KEY (tenant, incident_id, deployment_id))"},
    SL_END};

static const sl_metric metrics[] = {
    {.name = "incidents_opened_total",
     .help = "Incidents opened by hand",
     .labels = "severity",
     .type = SL_COUNTER},
    {.name = "incident_records_total",
     .help = "Log records and spans taken",
     .labels = "kind",
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
    state->keep_ms = sl_get_int(options, "keep_telemetry", 86400000);
    state->otlp_bytes = sl_get_int(options, "otlp_size", 8 << 20);
    sl_set_state(call, state);
    return 0;
}

static void stop(sl_call *call) {
    struct incident_state *state = sl_state(call);
    if (!state) return;
    sl_set_state(call, NULL);
    tenants_free(state->tenants);
    sl_json_drop(state->config);
    free(state);
}

SL_PLUGIN(.name = "incident", .version = "1.0.0",
          .summary = "Incidents: alerts, timelines, impact, causes, and words for everybody",
          .license = "Apache-2.0", .config = config, .ops = ops, .on = listens, .jobs = jobs,
          .schema = schema, .metrics = metrics, .start = start, .stop = stop);
