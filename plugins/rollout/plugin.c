/* The rollout plugin: a deployment request, decided with its reasons, made into manifests, and brought
 * out step by step (the rows of that are in engine_rows.h). */
#include "argo_ops.h"
#include "argocd_ops.h"
#include "controllers.h"
#include "driver_settings.h"
#include "engine_rows.h"
#include "engine_run.h"
#include "gitops.h"
#include "rollout.h"

#include <stdio.h>
#include <stdlib.h>

#define ENVIRONMENTS "dev|stage|prod"
#define DECISIONS    "APPROVED|NEEDS_APPROVAL|DENIED"

/* ---- deploy.request ---- */

static const sl_field config_in[] = {
    SL_STRING("image", .help = "container image, with a tag or a digest", .cli = "image",
              .flags = SL_REQUIRED, .min = 1, .max = 1024,
              .example = "\"registry.internal/shop:1.4.2\""),
    SL_INT("replicas", .help = "pods wanted", .cli = "replicas", .def = "1", .min = 0,
           .max = 10000),
    SL_INT("port", .help = "port that the container listens on", .min = 1, .max = 65535),
    SL_STRING("health_path", .help = "path of the readiness probe; needs port", .max = 1024),
    SL_MAP("env", SL_T_STRING, .help = "environment variables of the container", .max = 1000),
    SL_OBJECT("resources", NULL, .help = "requests and limits, as Kubernetes has them"),
    SL_LIST("command", SL_T_STRING, .help = "in place of the image's entry point", .max = 200),
    SL_LIST("args", SL_T_STRING, .help = "arguments of the command", .max = 1000),
    SL_END};

static const sl_field step_in[] = {
    SL_INT("weight", .help = "percent of the traffic on the new version", .flags = SL_REQUIRED,
           .min = 1, .max = 100),
    SL_DURATION("pause", .help = "how long the weight is held", .example = "\"5m\""),
    SL_BOOL("analysis", .help = "judge the new version before the next step", .def = "true"),
    SL_END};

static const sl_field context_in[] = {
    SL_BOOL("freeze", .help = "a freeze window is open"),
    SL_BOOL("business_hours", .help = "it is within business hours"),
    SL_BOOL("on_call", .help = "someone is on call"),
    SL_BOOL("rollback_ready", .help = "the version before can be put back at once"),
    SL_BOOL("emergency", .help = "a declared emergency change"),
    SL_NUMBER("budget_left", .help = "share of the error budget that is left", .min = -100,
              .max = 1),
    SL_NUMBER("deploys_hour", .help = "deployments of this service in the last hour", .min = 0,
              .max = 1e6),
    SL_NUMBER("bad_share", .help = "share of its last changes that ended badly", .min = 0,
              .max = 1),
    SL_END};

static const sl_field request_in[] = {
    SL_STRING("app_name", .help = "application: a-z, 0-9 and '-'", .cli = "app",
              .flags = SL_REQUIRED, .min = 1, .max = 200, .example = "\"shop\""),
    SL_ENUM("environment", ENVIRONMENTS, .help = "where it goes", .cli = "env",
            .flags = SL_REQUIRED),
    SL_ENUM("data_classification", "public|internal|confidential|pii|restricted",
            .help = "the most sensitive data that the application holds", .def = "internal"),
    SL_ENUM("exposure", "internal|external|public", .help = "who can reach it", .def = "internal"),
    SL_OBJECT("config", config_in, .help = "what runs; further members are for policies",
              .flags = SL_REQUIRED | SL_OPEN),
    SL_ENUM("strategy", "canary|bluegreen", .help = "how the new version is let in",
            .def = "canary"),
    SL_LIST_OF("steps", step_in, .help = "canary steps, in place of those that the risk sets",
               .max = 20),
    SL_STRING("diff", .help = "the change, as a unified diff; scores the risk", .max = SL_MIB(8),
              .flags = SL_FILE),
    SL_STRING("message", .help = "message of the change", .max = SL_KIB(64)),
    SL_STRING("commit", .help = "commit that the image was built from", .max = 64),
    SL_STRING("author", .help = "who made the change", .max = 256),
    SL_STRING("reason", .help = "why it is deployed now", .max = 4096),
    SL_INT("tier", .help = "how critical the service is: 0 the most", .min = 0, .max = 9),
    SL_OBJECT("context", context_in, .help = "what else is known; further members are for policies",
              .flags = SL_OPEN),
    SL_BOOL("dry_run", .help = "decide, but keep nothing and tell no one", .def = "false"),
    SL_END};

/* ---- what is answered ---- */

static const sl_field policy_out[] = {
    SL_BOOL("allowed", .help = "no policy denies"),
    SL_LIST("results", SL_T_OBJECT, .help = "one verdict a policy: rule, ok, message and more"),
    SL_END};

static const sl_field risk_out[] = {
    SL_STRING("level", .help = "LOW, MED, HIGH, CRITICAL; UNKNOWN when there is no score"),
    SL_NUMBER("score", .help = "0 to 100"), SL_STRING("reason", .help = "in words"),
    SL_STRING("method", .help = "how it was scored"), SL_END};

static const sl_field reason_out[] = {SL_STRING("source", .help = "policy, risk or platform"),
                                      SL_STRING("rule", .help = "name of the rule"),
                                      SL_STRING("outcome", .help = "deny, approval, warn or allow"),
                                      SL_STRING("message", .help = "why"),
                                      SL_STRING("fix", .help = "what to do about it, where known"),
                                      SL_ANY("evidence", .help = "what the rule has seen"),
                                      SL_STRING("file", .help = "script of the rule"),
                                      SL_INT("line", .help = "line in the script"),
                                      SL_STRING("class", .help = "decision, error or limit"),
                                      SL_END};

static const sl_field deployment_out[] = {
    SL_STRING("id", .help = "of the deployment, opaque; null for a dry run", .flags = SL_NULLABLE),
    SL_ENUM("status", DECISIONS, .help = "the decision"),
    SL_STRING("summary", .help = "the decision in one sentence"),
    SL_STRING("app_name"),
    SL_STRING("environment"),
    SL_STRING("strategy"),
    SL_OBJECT("policy", policy_out, .flags = SL_OPEN),
    SL_OBJECT("risk", risk_out, .flags = SL_OPEN),
    SL_LIST_OF("reasons", reason_out, .help = "worst first"),
    SL_STRING("fix", .help = "of the worst reason, where known", .flags = SL_NULLABLE),
    SL_STRING("next_action", .help = "what to do now"),
    SL_LIST("evidence", SL_T_OBJECT, .help = "what the decision rests on"),
    SL_OBJECT("manifests", NULL, .help = "Kubernetes objects by name"),
    SL_INT("version", .help = "rises with every change of the deployment"),
    SL_STRING("created_at", .format = "time"),
    SL_BOOL("dry_run"),
    SL_END};

/* ---- reading back ---- */

static const sl_field id_in[] = {
    SL_STRING("id", .help = "id of the deployment", .flags = SL_REQUIRED, .max = 64), SL_END};

static const sl_field manifests_in[] = {
    SL_STRING("id", .help = "id of the deployment", .flags = SL_REQUIRED, .max = 64),
    SL_ENUM("format", "json|yaml", .help = "a Kubernetes List, or a stream of YAML documents",
            .def = "json"),
    SL_BOOL("plan", .help = "also when it is not approved: to read, not to apply", .def = "false"),
    SL_END};

static const sl_field list_in[] = {
    SL_STRING("app_name", .help = "only of this application", .cli = "app", .max = 200),
    SL_ENUM("environment", ENVIRONMENTS, .help = "only to this environment", .cli = "env"),
    SL_ENUM("status", DECISIONS, .help = "only with this decision"),
    SL_INT("limit", .help = "how many at most", .def = "50", .min = 1, .max = 500),
    SL_STRING("cursor", .help = "next_cursor of the page before", .max = 64),
    SL_END};

static const sl_field row_out[] = {SL_STRING("id"),
                                   SL_STRING("app_name"),
                                   SL_STRING("environment"),
                                   SL_STRING("status"),
                                   SL_STRING("risk_level"),
                                   SL_NUMBER("risk_score"),
                                   SL_STRING("image"),
                                   SL_STRING("actor"),
                                   SL_STRING("created_at", .format = "time"),
                                   SL_INT("version"),
                                   SL_END};

static const sl_field list_out[] = {
    SL_LIST_OF("items", row_out, .help = "newest first"),
    SL_STRING("next_cursor", .help = "null on the last page", .flags = SL_NULLABLE), SL_END};

static const sl_field manifests_out[] = {SL_STRING("apiVersion"), SL_STRING("kind"),
                                         SL_LIST("items", SL_T_OBJECT), SL_END};

static const sl_field explain_out[] = {SL_STRING("id"), SL_STRING("status"),
                                       SL_STRING("text", .help = "the decision, line by line"),
                                       SL_END};

static const sl_field stored_in[] = {
    SL_STRING("id", .help = "only this one", .max = 64),
    SL_STRING("app_name", .help = "only of this application", .max = 200),
    SL_STRING("environment", .help = "only to this environment", .max = 64),
    SL_INT("since_ms", .help = "only from then on", .min = 0),
    SL_INT("until_ms", .help = "only before then", .min = 0),
    SL_INT("limit", .help = "how many at most", .def = "100", .min = 1, .max = 1000),
    SL_STRING("cursor", .help = "next_cursor of the page before", .max = 64),
    SL_END};

static const sl_field stored_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "id, at_ms, actor, status, request, policy, risk"),
    SL_STRING("next_cursor", .help = "null on the last page", .flags = SL_NULLABLE), SL_END};

static const sl_op ops[] = {
    ARGO_OPS,
    ARGOCD_OPS,
    CONTROLLER_OPS,
    {.name = "deploy.request",
     .route = "POST /deployments/request",
     .summary = "Ask for a deployment: risk, policies, a decision with reasons, and manifests",
     .in = request_in,
     .out = deployment_out,
     .needs = "deploy:write",
     .effect = SL_WRITES,
     .max_body = 18u << 20, /* a diff of 8 MiB, escaped */
     .example = "{\"app_name\":\"shop\",\"environment\":\"prod\",\"config\":{\"image\":"
                "\"registry.internal/shop:1.4.2\",\"replicas\":3},\"reason\":\"fixes checkout\"}",
     .run = deploy_request},
    {.name = "deploy.get",
     .route = "GET /deployments/{id}",
     .summary = "Show one deployment with its decision",
     .in = id_in,
     .out = deployment_out,
     .needs = "deploy:read",
     .effect = SL_READS,
     .run = deploy_get},
    {.name = "deploy.list",
     .route = "GET /deployments",
     .summary = "List deployments, newest first",
     .in = list_in,
     .out = list_out,
     .needs = "deploy:read",
     .effect = SL_READS,
     .run = deploy_list},
    {.name = "deploy.manifests",
     .route = "GET /deployments/{id}/manifests",
     .summary = "Give the Kubernetes objects of an approved deployment, ready for kubectl apply",
     .in = manifests_in,
     .out = manifests_out,
     .needs = "deploy:read",
     .effect = SL_READS,
     .run = deploy_manifests},
    {.name = "deploy.explain",
     .route = "GET /deployments/{id}/explain",
     .summary = "Tell in words why a deployment was approved, held or denied",
     .in = id_in,
     .out = explain_out,
     .needs = "deploy:read",
     .effect = SL_READS,
     .run = deploy_explain},
    ENGINE_OPS,
    {.name = "deploy.stored",
     .summary = "Give requests as they were, with what was said of them",
     .in = stored_in,
     .out = stored_out,
     .needs = "deploy:read",
     .effect = SL_READS,
     .flags = SL_OP_HIDDEN,
     .run = deploy_stored},
    SL_END};

static const sl_field settings[] = {
    DRIVER_SETTINGS,
    CANARY_SETTINGS,
    SL_ENUM("approval_from", "LOW|MED|HIGH|CRITICAL|never", .def = "CRITICAL",
            .help = "risk level from which a person must agree, whatever the policies say"),
    SL_STRING("prometheus", .def = "http://prometheus.monitoring.svc:9090", .format = "uri",
              .help = "where the cluster's canary analysis asks for metrics"),
    SL_STRING("requests_metric", .def = "http_requests_total", .max = 200,
              .help = "counter of requests, with labels namespace and pod"),
    SL_STRING("code_label", .def = "code", .max = 100,
              .help = "label of that counter that holds the HTTP status"),
    SL_NUMBER("success_floor", .def = "0.95", .min = 0, .max = 1,
              .help = "share of good answers below which a canary is aborted"),
    SL_NUMBER("success_target", .def = "0.99", .min = 0, .max = 1,
              .help = "share of good answers from which a canary step passes; between: held"),
    SL_INT("default_port", .def = "8080", .min = 1, .max = 65535,
           .help = "container port of a request that names none"),
    ENGINE_SETTINGS,
    GITOPS_SETTINGS,
    SL_END};

static const sl_migration schema[] = {
    {.number = 1,
     .name = "deployments",
     .sql = "CREATE TABLE rollout_deployment ("
            " tenant TEXT NOT NULL, id TEXT NOT NULL, app TEXT NOT NULL,"
            " environment TEXT NOT NULL, status TEXT NOT NULL, risk_level TEXT NOT NULL,"
            " risk_score REAL NOT NULL, image TEXT NOT NULL, actor TEXT NOT NULL,"
            " version BIGINT NOT NULL, created_at BIGINT NOT NULL,"
            " request TEXT NOT NULL, answer TEXT NOT NULL,"
            " PRIMARY KEY (tenant, id));"
            "CREATE INDEX rollout_deployment_app ON rollout_deployment (tenant, app, id)"},
    {.number = 2,
     .name = "skeletons of manifests",
     .sql = "CREATE TABLE rollout_skeleton (tenant TEXT NOT NULL, name TEXT NOT NULL,"
            " text TEXT NOT NULL, PRIMARY KEY (tenant, name))"},
    ENGINE_SCHEMA,
    CANARY_SCHEMA,
    SL_END};

static const sl_metric metrics[] = {{.name = "deployments_requested_total",
                                     .help = "Deployment requests by environment and decision",
                                     .labels = "environment,decision",
                                     .type = SL_COUNTER},
                                    ENGINE_METRICS,
                                    SL_END};

static const sl_listen listens[] = {
    {.name = "start-approved", .type = "deployment.approved", .run = engine_hear_approved},
    GITOPS_LISTENS,
    SL_END};

static const sl_job jobs[] = {{.name = "tick", .run = engine_tick, .timeout_ms = 120000},
                              {.name = "hear", .run = engine_hear_job},
                              {.name = "look", .run = engine_look_job, .timeout_ms = 120000},
                              GITOPS_JOBS,
                              SL_END};

static int check(sl_call *call, const cJSON *config) {
    double floor = sl_get_number(config, "success_floor", 0);
    double target = sl_get_number(config, "success_target", 1);
    if (floor <= target) return gitops_check(call, config);
    sl_fault(call, "/success_floor", NULL, "%g is above success_target, %g", floor, target);
    return sl_fail(call, SL_INVALID, "success_floor must not be above success_target");
}

static int start(sl_call *call, const cJSON *config) {
    struct rollout *rollout = calloc(1, sizeof *rollout);
    if (!rollout) return sl_fail(call, SL_INTERNAL, "out of memory");
    cJSON *kept = sl_json_keep(config);
    rollout->config = kept;
    rollout->approval_from = sl_get_text(kept, "approval_from", "CRITICAL");
    (void)snprintf(rollout->success_floor, sizeof rollout->success_floor, "%.6g",
                   sl_get_number(kept, "success_floor", 0));
    (void)snprintf(rollout->success_target, sizeof rollout->success_target, "%.6g",
                   sl_get_number(kept, "success_target", 1));
    rollout->manifests = (struct manifest_settings){
        .prometheus = sl_get_text(kept, "prometheus", ""),
        .requests_metric = sl_get_text(kept, "requests_metric", ""),
        .code_label = sl_get_text(kept, "code_label", ""),
        .success_floor = rollout->success_floor,
        .success_target = rollout->success_target,
        .default_port = (int)sl_get_int(kept, "default_port", 8080),
    };
    sl_set_state(call, rollout);
    return gates_start(call, rollout);
}

static void stop(sl_call *call) {
    struct rollout *rollout = sl_state(call);
    if (!rollout) return;
    sl_set_state(call, NULL);
    skeletons_free(rollout->skeletons);
    sl_json_drop(rollout->config);
    free(rollout);
}

SL_PLUGIN(.name = "rollout", .version = "0.1.0",
          .summary = "Deployment requests: decision, reasons, manifests", .license = "Apache-2.0",
          .config = settings, .ops = ops, .on = listens, .jobs = jobs, .schema = schema,
          .metrics = metrics, .check = check, .start = start, .stop = stop);
