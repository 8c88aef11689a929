/* The face of the plugin: objectives, budgets, alerts and the confidence meter. */
#include "prometheus.h"
#include "slo.h"

#include <stdlib.h>
#include <string.h>

/* ---- an objective: the same over the API and in the configuration ---- */

static const sl_field pair_fields[] = {
    SL_STRING("name", .help = "of the alert", .max = 60),
    SL_ENUM("severity", "page|ticket", .def = "page", .help = "who must hear of it"),
    SL_DURATION("long", .help = "window that says that it matters", .flags = SL_REQUIRED),
    SL_DURATION("short", .help = "window that says that it goes on; default: none"),
    SL_DURATION("for", .help = "how long it must hold"),
    SL_NUMBER("factor", .help = "burn rate above which it fires", .min = 0, .max = 1e6),
    SL_NUMBER("budget_percent", .help = "or: share of the budget that the long window may spend",
              .min = 0, .max = 100),
    SL_END};

#define OBJECTIVE_FIELDS                                                                           \
    SL_STRING("service", .help = "whose promise it is", .flags = SL_REQUIRED, .max = 100,          \
              .cli = "service", .example = "\"shop\""),                                            \
        SL_STRING("name", .help = "of the objective", .flags = SL_REQUIRED, .max = 100,            \
                  .example = "\"availability\""),                                                  \
        SL_STRING("environment", .help = "where it is promised; default: everywhere", .max = 100), \
        SL_STRING("title", .help = "as people call it", .max = 200),                               \
        SL_NUMBER("target", .help = "percent of the events that must be good",                     \
                  .flags = SL_REQUIRED, .min = 0, .max = 100, .example = "99.9"),                  \
        SL_DURATION("window", .help = "rolling window of the budget; default: 30d"),               \
        SL_ENUM("calendar", "day|week|month|quarter|year",                                         \
                .help = "a window of the calendar in place of a rolling one"),                     \
        SL_INT("calendar_count", .help = "of these units", .min = 1, .max = 100),                  \
        SL_STRING("calendar_start", .help = "local time where one such window begins", .max = 40), \
        SL_STRING("time_zone", .help = "of the calendar: UTC, +02:00, Europe/Berlin", .max = 64),  \
        SL_ENUM("method", "events|time_slices|ratio_time_slices",                                  \
                .help = "what the budget counts: events, bad slices of time, or the slices' "      \
                        "error ratios"),                                                           \
        SL_DURATION("slice", .help = "length of a slice, whole minutes; default: 1m"),             \
        SL_NUMBER("slice_target",                                                                  \
                  .help = "percent of good events that makes a slice good; default: target",       \
                  .min = 0, .max = 100),                                                           \
        SL_ENUM("source", "prometheus|counters|spans",                                             \
                .help = "default: prometheus with queries, else counters"),                        \
        SL_STRING("errors", .help = "PromQL: a counter of bad events, or Sloth's with $window",    \
                  .max = SL_KIB(8)),                                                               \
        SL_STRING("good", .help = "or PromQL of good events", .max = SL_KIB(8)),                   \
        SL_STRING("total", .help = "PromQL of all events", .max = SL_KIB(8)),                      \
        SL_STRING("ratio", .help = "or PromQL of the error ratio over $window", .max = SL_KIB(8)), \
        SL_STRING("value", .help = "or PromQL of a value that op and threshold judge each slice",  \
                  .max = SL_KIB(8)),                                                               \
        SL_ENUM("op", "lt|lte|gt|gte", .help = "value op threshold is good"),                      \
        SL_NUMBER("threshold", .help = "of the value"),                                            \
        SL_DURATION("slow", .help = "spans: slower ones count as errors"),                         \
        SL_ENUM("alerts", "workbook|scaled|none",                                                  \
                .help = "the SRE workbook's windows (30d, 28d, 7d), Pyrra's for any period, or "   \
                        "none; default: workbook"),                                                \
        SL_LIST_OF("alert_windows", pair_fields, .help = "own alerts", .max = 8)

static const sl_field objective_in[] = {OBJECTIVE_FIELDS, SL_END};

static const sl_field objective_options[] = {
    OBJECTIVE_FIELDS, SL_STRING("tenant", .def = "default", .help = "whose objective it is"),
    SL_END};

static const sl_field applied_out[] = {
    SL_STRING("id", .help = "service/name, with @environment where it has one"),
    SL_LIST("warnings", SL_T_STRING, .help = "what it will not do"), SL_END};

static const sl_field which_in[] = {
    SL_STRING("service", .help = "only of this service", .max = 100),
    SL_STRING("environment", .help = "only of this environment, and of all", .max = 100), SL_END};

static const sl_field objectives_out[] = {
    SL_LIST("items", SL_T_OBJECT,
            .help = "id, origin (config or api), objective, alerts_that_cannot_fire"),
    SL_END};

static const sl_field remove_in[] = {
    SL_STRING("service", .flags = SL_REQUIRED, .max = 100),
    SL_STRING("objective", .flags = SL_REQUIRED, .max = 100, .help = "its name"),
    SL_STRING("environment", .max = 100), SL_END};

static const sl_field id_out[] = {SL_STRING("id"), SL_END};

static const sl_field import_in[] = {
    SL_STRING("document", .help = "OpenSLO v1 in YAML, one document or many",
              .flags = SL_REQUIRED | SL_FILE, .max = SL_MIB(1)),
    SL_BOOL("dry_run", .def = "false", .help = "read it, keep nothing"), SL_END};

static const sl_field import_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "id and objective as they are kept"),
    SL_LIST("notes", SL_T_STRING, .help = "what has no effect here, and why"), SL_END};

static const sl_field rules_in[] = {
    SL_STRING("service", .help = "only of this service", .max = 100),
    SL_ENUM("format", "yaml|json", .def = "yaml", .help = "json: as a text in an object"), SL_END};

static const sl_field rules_out[] = {SL_STRING("rules", .help = "a rules file of Prometheus"),
                                     SL_END};

/* ---- measurements ---- */

static const sl_field status_out[] = {
    SL_LIST("items", SL_T_OBJECT,
            .help = "one an objective: target, window, budget_left (share; null without data), "
                    "burn by window, alerts, exhausted_in, data_age_ms, evidence"),
    SL_END};

static const sl_field counter_fields[] = {
    SL_STRING("service", .flags = SL_REQUIRED, .max = 100, .help = "whose events"),
    SL_STRING("objective", .max = 100,
              .help = "its name; default: all objectives of the service that take counters"),
    SL_STRING("environment", .max = 100),
    SL_NUMBER("total", .flags = SL_REQUIRED, .min = 0, .max = 1e15,
              .help = "all events since the push before"),
    SL_NUMBER("errors", .min = 0, .max = 1e15, .help = "the bad ones"),
    SL_NUMBER("good", .min = 0, .max = 1e15, .help = "or the good ones"),
    SL_INT("at_ms", .min = 0, .help = "when they happened; default: now"),
    SL_END};

static const sl_field counters_in[] = {SL_LIST_OF("items", counter_fields, .flags = SL_REQUIRED,
                                                  .min = 1, .max = 1000,
                                                  .help = "increments, not totals"),
                                       SL_END};

static const sl_field counters_out[] = {SL_INT("taken", .help = "how many were counted"), SL_END};

static const sl_field spans_in[] = {
    SL_LIST("resourceSpans", SL_T_OBJECT, .help = "as OTLP/HTTP has them in JSON", .max = 10000),
    SL_END};

static const sl_field spans_out[] = {
    SL_OBJECT("partialSuccess", NULL, .help = "rejectedSpans and why", .flags = SL_OPEN), SL_END};

/* ---- the meter ---- */

static const sl_field confidence_in[] = {
    SL_STRING("service", .help = "only of this one", .max = 100), SL_END};

static const sl_field confidence_out[] = {
    SL_LIST("items", SL_T_OBJECT,
            .help = "service, score 0..100, level, coverage, cap, and parts with value, weight, "
                    "points and words"),
    SL_END};

static const sl_field service_in[] = {SL_STRING("service", .flags = SL_REQUIRED, .max = 100),
                                      SL_END};

static const sl_field history_in[] = {
    SL_STRING("service", .flags = SL_REQUIRED, .max = 100),
    SL_INT("since_ms", .min = 0, .help = "default: 90 days ago"),
    SL_INT("limit", .def = "1000", .min = 1, .max = 5000, .help = "the newest so many"), SL_END};

static const sl_field history_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "at_ms and score, the oldest first"), SL_END};

/* ---- arithmetic ---- */

static const sl_field calculate_in[] = {
    SL_NUMBER("target", .flags = SL_REQUIRED, .min = 0, .max = 100, .help = "percent"),
    SL_DURATION("window", .def = "30d", .help = "period of the budget"),
    SL_ENUM("alerts", "workbook|scaled", .def = "workbook", .help = "which alert windows"),
    SL_NUMBER("errors", .min = 0, .help = "bad events of the period"),
    SL_NUMBER("total", .min = 0, .help = "all events of the period"),
    SL_NUMBER("burn_rate", .min = 0, .help = "how long a budget lasts at it"),
    SL_NUMBER("ratio", .min = 0, .max = 1, .help = "a constant error ratio: when alerts fire"),
    SL_OBJECT("ratios", NULL, .help = "error ratios by window, as \"5m\": which alerts fire",
              .flags = SL_OPEN),
    SL_END};

static const sl_field calculate_out[] = {
    SL_NUMBER("budget", .help = "ratio of events that may fail"),
    SL_NUMBER("budget_minutes", .help = "of a total outage"),
    SL_NUMBER("error_ratio"),
    SL_NUMBER("burn_rate"),
    SL_NUMBER("budget_left"),
    SL_NUMBER("errors_allowed"),
    SL_NUMBER("exhausted_in_hours"),
    SL_LIST("alerts", SL_T_OBJECT, .help = "windows, factor, threshold, and what they would do"),
    SL_NUMBER("absence_for_seconds", .help = "how long data may be absent before it alerts"),
    SL_LIST("reports", SL_T_OBJECT, .help = "as slo-generator's default policy has them"),
    SL_END};

static const sl_field criteria_fields[] = {
    SL_LIST("criteria", SL_T_STRING, .flags = SL_REQUIRED, .max = 50, .help = "all must hold"),
    SL_END};

static const sl_field indicator_fields[] = {
    SL_STRING("name", .flags = SL_REQUIRED, .max = 200),
    SL_NUMBER("value", .flags = SL_NULLABLE, .help = "measured; absent: the indicator fails"),
    SL_LIST("previous", SL_T_NUMBER, .max = 1000, .help = "values of the evaluations before"),
    SL_LIST_OF("pass", criteria_fields, .max = 50, .help = "any of these sets passes"),
    SL_LIST_OF("warning", criteria_fields, .max = 50,
               .help = "any of these warns: half the points"),
    SL_NUMBER("weight", .def = "1", .min = 0, .max = 1e6),
    SL_BOOL("key", .def = "false", .help = "when it fails all fails"),
    SL_END};

static const sl_field quality_in[] = {
    SL_LIST_OF("indicators", indicator_fields, .flags = SL_REQUIRED, .max = 200),
    SL_ENUM("aggregate", "avg|p50|p90|p95", .def = "avg", .help = "of the values before"),
    SL_NUMBER("pass", .def = "90", .min = 0, .max = 100, .help = "percent of the points"),
    SL_NUMBER("warning", .def = "75", .min = 0, .max = 100), SL_END};

static const sl_field quality_out[] = {
    SL_ENUM("result", "pass|warning|fail"), SL_NUMBER("score", .help = "percent of the points"),
    SL_BOOL("key_failed"), SL_LIST("indicators", SL_T_OBJECT, .help = "status, score and targets"),
    SL_END};

/* ---- query.prometheus ---- */

static const sl_field query_in[] = {
    SL_STRING("query", .help = "PromQL", .flags = SL_REQUIRED, .min = 1, .max = SL_KIB(32)),
    SL_INT("at_ms", .help = "instant query: when; default: now", .min = 0),
    SL_INT("start_ms", .help = "range query: from when", .min = 0),
    SL_INT("end_ms", .help = "range query: until when; default: now", .min = 0),
    SL_INT("step_ms", .help = "range query: resolution; default: 15 s or what fits 11,000 points",
           .min = 1),
    SL_END};

static const sl_field query_out[] = {
    SL_LIST("result", SL_T_OBJECT,
            .help = "a series each: metric, and value [ms, number] or values; NaN, +Inf and -Inf "
                    "are texts"),
    SL_LIST("warnings", SL_T_STRING, .help = "what Prometheus warns of"), SL_END};

/* ---- the face ---- */

static const sl_op ops[] = {
    {.name = "query.prometheus",
     .summary = "Ask the configured Prometheus",
     .in = query_in,
     .out = query_out,
     .needs = "slo:read",
     .run = query_prometheus,
     .effect = SL_READS,
     .flags = SL_OP_HIDDEN},
    {.name = "slo.status",
     .route = "GET /slo/status",
     .summary = "Show error budgets, burn rates and firing alerts",
     .in = which_in,
     .out = status_out,
     .needs = "slo:read",
     .run = slo_status,
     .effect = SL_READS},
    {.name = "slo.objectives",
     .route = "GET /slo/objectives",
     .summary = "List the objectives",
     .in = which_in,
     .out = objectives_out,
     .needs = "slo:read",
     .run = slo_objectives,
     .effect = SL_READS},
    {.name = "slo.apply",
     .route = "POST /slo/objectives",
     .summary = "Set an objective",
     .in = objective_in,
     .out = applied_out,
     .needs = "slo:write",
     .example = "{\"service\":\"shop\",\"name\":\"availability\",\"target\":99.9}",
     .run = slo_apply,
     .effect = SL_WRITES},
    {.name = "slo.remove",
     .route = "DELETE /slo/objectives/{service}/{objective}",
     .summary = "Remove an objective with what was measured of it",
     .in = remove_in,
     .out = id_out,
     .needs = "slo:write",
     .run = slo_remove,
     .effect = SL_WRITES},
    {.name = "slo.import",
     .route = "POST /slo/openslo",
     .summary = "Set objectives from OpenSLO v1 documents",
     .in = import_in,
     .out = import_out,
     .needs = "slo:write",
     .max_body = 2u << 20,
     .run = slo_import,
     .effect = SL_WRITES},
    {.name = "slo.rules",
     .route = "GET /slo/rules",
     .summary = "Give the objectives as Prometheus' recording and alerting rules",
     .in = rules_in,
     .out = rules_out,
     .needs = "slo:read",
     .run = slo_rules,
     .effect = SL_READS},
    {.name = "slo.counters",
     .route = "POST /slo/counters",
     .summary = "Count events for objectives that are not measured by Prometheus",
     .help = "Takes increments since the push before. An Idempotency-Key makes a repetition safe.",
     .in = counters_in,
     .out = counters_out,
     .needs = "slo:write",
     .run = slo_counters,
     .effect = SL_WRITES},
    {.name = "slo.spans",
     .route = "POST /slo/spans",
     .summary = "Count server spans (OTLP/HTTP, JSON) for objectives with source: spans",
     .in = spans_in,
     .out = spans_out,
     .needs = "slo:write",
     .max_body = 16u << 20,
     .run = slo_spans,
     .effect = SL_WRITES,
     .flags = SL_OP_OPEN},
    {.name = "slo.calculate",
     .route = "POST /slo/calculate",
     .summary = "Work out budgets, burn rates and when alerts would fire",
     .in = calculate_in,
     .out = calculate_out,
     .needs = "slo:read",
     .example = "{\"target\":99.9,\"errors\":5,\"total\":10000,\"ratio\":0.1}",
     .run = slo_calculate,
     .effect = SL_READS},
    {.name = "slo.quality",
     .route = "POST /slo/quality",
     .summary = "Judge indicators by criteria, as Keptn's quality gate does",
     .in = quality_in,
     .out = quality_out,
     .needs = "slo:read",
     .example = "{\"indicators\":[{\"name\":\"p95\",\"value\":480,\"previous\":[450],"
                "\"pass\":[{\"criteria\":[\"<=+10%\",\"<600\"]}]}]}",
     .run = slo_quality,
     .effect = SL_READS},
    {.name = "slo.confidence",
     .route = "GET /confidence",
     .also = "GET /confidence/{service}",
     .summary = "Show how much the services can be trusted now, and why",
     .in = confidence_in,
     .out = confidence_out,
     .needs = "slo:read",
     .run = slo_confidence,
     .effect = SL_READS},
    {.name = "slo.history",
     .route = "GET /confidence/{service}/history",
     .summary = "Show how the confidence in a service has changed",
     .in = history_in,
     .out = history_out,
     .needs = "slo:read",
     .run = slo_history,
     .effect = SL_READS},
    {.name = "slo.page",
     .route = "GET /confidence.html",
     .summary = "Show the published services' confidence to customers, as a page",
     .needs = "public",
     .run = slo_page,
     .effect = SL_READS},
    {.name = "slo.badge",
     .route = "GET /confidence/{service}/badge.svg",
     .summary = "Draw a published service's confidence as a badge",
     .in = service_in,
     .needs = "public",
     .run = slo_badge,
     .effect = SL_READS},
    SL_END};

static const sl_listen listens[] = {
    {.name = "deployments", .type = "deployment.*", .run = hear_deployment},
    {.name = "rollouts", .type = "rollout.*", .run = hear_rollout},
    {.name = "incidents", .type = "incident.*", .run = hear_incident},
    SL_END};

static const sl_job jobs[] = {
    {.name = "evaluate", .run = evaluate_job, .timeout_ms = 120000, .max_attempts = 100}, SL_END};

static const sl_field prometheus_options[] = {
    SL_STRING("url", .format = "uri", .help = "base of its HTTP API, as http://prometheus:9090"),
    SL_STRING("token", .flags = SL_SECRET, .help = "bearer token"),
    SL_STRING("ca_file", .flags = SL_PATH, .help = "certificates that it is checked by"),
    SL_STRING("tenant_header", .max = 100,
              .help = "header that carries the tenant, as X-Scope-OrgID for Mimir; default: none"),
    SL_DURATION("timeout", .def = "10s", .min = 100, .max = 120000, .help = "of one query"),
    SL_END};

static const sl_field customer_options[] = {
    SL_STRING("title", .def = "Confidence", .help = "of the page", .max = 200),
    SL_MAP("services", SL_T_STRING, .max = 200,
           .help = "what customers may see: name of the service, and the title they know"),
    SL_END};

static const sl_field config[] = {
    SL_OBJECT("prometheus", prometheus_options, .help = "where objectives are measured"),
    SL_LIST_OF("objectives", objective_options, .max = 2000, .help = "what is promised"),
    SL_STRING("openslo", .flags = SL_PATH, .max = 4096,
              .help = "a file of OpenSLO v1 documents, or a folder of *.yaml"),
    SL_DURATION("interval", .def = "30s", .min = 1000, .max = 3600000,
                .help = "between two evaluations of all objectives"),
    SL_DURATION("refresh", .def = "5s", .min = 0, .max = 3600000,
                .help = "pushed counters are evaluated at once when the last time is so long ago"),
    SL_LIST("confidence_environments", SL_T_STRING, .max = 50,
            .help = "whose changes and objectives count for the meter; default: prod"),
    SL_OBJECT("customers", customer_options, .help = "the page /confidence.html and the badges"),
    SL_END};

static const sl_migration schema[] = {
    {.number = 1,
     .name = "objectives",
     .sql =
         "CREATE TABLE slo_objective (tenant TEXT NOT NULL, id TEXT NOT NULL, service TEXT NOT NULL,"
         " environment TEXT NOT NULL, form TEXT NOT NULL, at BIGINT NOT NULL,"
         " PRIMARY KEY (tenant, id));"
         "CREATE INDEX slo_objective_service ON slo_objective (tenant, service);"
         "CREATE TABLE slo_state (tenant TEXT NOT NULL, objective TEXT NOT NULL,"
         " service TEXT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL,"
         " PRIMARY KEY (tenant, objective));"
         "CREATE INDEX slo_state_service ON slo_state (tenant, service);"
         "CREATE TABLE slo_bucket (tenant TEXT NOT NULL, objective TEXT NOT NULL,"
         " series BIGINT NOT NULL, row_ms BIGINT NOT NULL, at BIGINT NOT NULL,"
         " errors DOUBLE PRECISION NOT NULL, total DOUBLE PRECISION NOT NULL,"
         " PRIMARY KEY (tenant, objective, series, row_ms, at))"},
    {.number = 2,
     .name = "confidence",
     .sql = "CREATE TABLE slo_change (tenant TEXT NOT NULL, id TEXT NOT NULL,"
            " service TEXT NOT NULL, environment TEXT NOT NULL, at BIGINT NOT NULL,"
            " ended BIGINT NOT NULL, risk BIGINT NOT NULL, outcome BIGINT NOT NULL,"
            " PRIMARY KEY (tenant, id));"
            "CREATE INDEX slo_change_service ON slo_change (tenant, service, at);"
            "CREATE TABLE slo_incident (tenant TEXT NOT NULL, id TEXT NOT NULL,"
            " service TEXT NOT NULL, severity BIGINT NOT NULL, opened BIGINT NOT NULL,"
            " closed BIGINT NOT NULL, PRIMARY KEY (tenant, id, service));"
            "CREATE INDEX slo_incident_service ON slo_incident (tenant, service, opened);"
            "CREATE TABLE slo_confidence (tenant TEXT NOT NULL, service TEXT NOT NULL,"
            " at BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL, level TEXT NOT NULL,"
            " PRIMARY KEY (tenant, service));"
            "CREATE TABLE slo_point (tenant TEXT NOT NULL, service TEXT NOT NULL,"
            " at BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL,"
            " PRIMARY KEY (tenant, service, at))"},
    SL_END};

static const sl_metric metrics[] = {{.name = "slo_prometheus_queries_total",
                                     .help = "Queries to Prometheus",
                                     .labels = "result",
                                     .type = SL_COUNTER},
                                    {.name = "slo_alerts_total",
                                     .help = "Burn-rate alerts that began or ended to fire",
                                     .labels = "severity,state",
                                     .type = SL_COUNTER},
                                    {.name = "error_budget_remaining_ratio",
                                     .help = "Share of the error budget that is left",
                                     .labels = "service,objective,environment",
                                     .type = SL_GAUGE},
                                    {.name = "burn_rate",
                                     .help = "Error ratio of the window over the budget",
                                     .labels = "service,objective,environment,window",
                                     .type = SL_GAUGE},
                                    {.name = "confidence_score",
                                     .help = "Confidence in the service, 0 to 100",
                                     .labels = "service",
                                     .type = SL_GAUGE},
                                    SL_END};

/* ---- life ---- */

static int check(sl_call *call, const cJSON *options) {
    cJSON *forms;
    return objectives_configured(call, options, &forms);
}

/* The first round of a tenant whose objectives stand in the configuration; the next ones follow from
 * it. */
static void begin_round(sl_call *call, void *tenant) {
    sl_batch *batch;
    int rc = sl_act_for(call, tenant);
    if (rc) return;
    batch = sl_batch_new(call);
    evaluate_later(call, batch);
    rc = sl_commit(batch);
    if (rc) sl_log(call, SL_ERROR, "the objectives are not evaluated: %s", sl_failure(call));
}

static int begin_rounds(sl_call *call, const struct slo *slo) {
    const cJSON *one, *before;
    int rc = 0;
    cJSON_ArrayForEach(one, slo->forms) {
        const cJSON *tenant = sl_get(one, "tenant");
        for (before = slo->forms->child; before != one; before = before->next)
            if (strcmp(sl_get_text(before, "tenant", ""), tenant->valuestring) == 0) break;
        if (before == one && !rc) rc = sl_spawn(call, begin_round, tenant->valuestring);
    }
    return rc;
}

static int start(sl_call *call, const cJSON *options) {
    cJSON *forms;
    int rc = objectives_configured(call, options, &forms);
    if (rc) return rc;
    struct slo *slo = calloc(1, sizeof *slo);
    if (!slo) return sl_fail(call, SL_UNAVAILABLE, "no memory for the objectives");
    slo->config = sl_json_keep(options);
    slo->forms = sl_json_keep(forms);
    slo->interval_ms = sl_get_int(options, "interval", 30000);
    slo->refresh_ms = sl_get_int(options, "refresh", 5000);
    sl_set_state(call, slo);
    if (!objectives_index(slo))
        return sl_fail(call, SL_UNAVAILABLE, "no memory for the objectives");
    return begin_rounds(call, slo);
}

static void stop(sl_call *call) {
    struct slo *slo = sl_state(call);
    if (!slo) return;
    sl_set_state(call, NULL);
    free(slo->configured);
    sl_json_drop(slo->forms);
    sl_json_drop(slo->config);
    free(slo);
}

SL_PLUGIN(.name = "slo", .version = "1.0.0",
          .summary = "Objectives, error budgets, burn-rate alerts and the confidence meter",
          .license = "Apache-2.0", .config = config, .ops = ops, .on = listens, .jobs = jobs,
          .schema = schema, .metrics = metrics, .check = check, .start = start, .stop = stop);
