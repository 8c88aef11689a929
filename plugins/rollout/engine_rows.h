/* engine_rows.h - the rows of rollouts for plugin.c, which has all of the plugin on one screen: their
 * operations, fields, tables, metrics and settings. Included there alone. */
#ifndef ROLLOUT_ENGINE_ROWS_H
#define ROLLOUT_ENGINE_ROWS_H

#include "engine_ops.h"

#define RUN_ID SL_STRING("id", .help = "id of the rollout", .flags = SL_REQUIRED, .max = 64)
#define REASON SL_STRING("reason", .help = "why; it is kept and told", .max = 2000)
#define GENERATION                                                                                 \
    SL_INT("generation",                                                                           \
           .help = "of rollout.get that this was decided on; refused when it has moved on",        \
           .min = 0)

static const sl_field run_in[] = {RUN_ID, SL_END};
static const sl_field verb_in[] = {RUN_ID, REASON, GENERATION, SL_END};

static const sl_field promote_in[] = {
    RUN_ID,
    SL_BOOL("full", .help = "past all steps, pauses and gates; needs a reason", .def = "false"),
    REASON, GENERATION, SL_END};

static const sl_field undo_in[] = {
    RUN_ID,
    SL_STRING("to", .help = "id of the rollout to go back to; default: the one before", .max = 64),
    REASON, SL_END};

static const sl_field set_image_in[] = {RUN_ID,
                                        SL_STRING("image",
                                                  .help = "the new image, with a tag or a digest",
                                                  .flags = SL_REQUIRED, .min = 1, .max = 1024),
                                        REASON, SL_END};

static const sl_field approve_in[] = {
    RUN_ID,
    SL_STRING("reason", .help = "what you looked at", .flags = SL_REQUIRED, .min = 1, .max = 2000),
    SL_END};

static const sl_field runs_in[] = {
    SL_STRING("app_name", .help = "only of this application", .cli = "app", .max = 200),
    SL_STRING("environment", .help = "only to this environment", .cli = "env", .max = 64),
    SL_ENUM("phase",
            "Queued|Progressing|Paused|Held|Promoting|Aborting|Promoted|Aborted|Superseded",
            .help = "only in this phase"),
    SL_BOOL("active", .help = "only those that have not ended", .def = "false"),
    SL_INT("limit", .help = "how many at most", .def = "50", .min = 1, .max = 500),
    SL_STRING("cursor", .help = "next_cursor of the page before", .max = 64),
    SL_END};

static const sl_field runs_out[] = {
    SL_LIST("items", SL_T_OBJECT, .help = "newest first"),
    SL_STRING("next_cursor", .help = "null on the last page", .flags = SL_NULLABLE), SL_END};

static const sl_field run_out[] = {
    SL_STRING("id"),
    SL_STRING("app_name"),
    SL_STRING("environment"),
    SL_STRING("image"),
    SL_STRING("phase", .help = "Queued, Progressing, Paused, Held, Promoting, Aborting, Promoted, "
                               "Aborted"),
    SL_STRING("status", .help = "in kubectl-argo-rollouts' words: Progressing, Paused, Degraded, "
                                "Healthy"),
    SL_STRING("driver", .help = "what moves the traffic"),
    SL_STRING("risk_level"),
    SL_STRING("strategy", .help = "canary or blueGreen"),
    SL_INT("version", .help = "rises with every write"),
    SL_INT("generation", .help = "rises with every change of what is wished for"),
    SL_INT("attempt"),
    SL_INT("step"),
    SL_INT("weight", .help = "of max_weight, wished for the new version"),
    SL_INT("max_weight"),
    SL_STRING("code", .help = "why it holds, pauses or has ended, for programs"),
    SL_STRING("message", .help = "the same for people"),
    SL_STRING("next_action", .help = "what a person can do"),
    SL_STRING("evidence", .help = "what speaks for it since the weight was changed"),
    SL_INT("samples", .help = "that the evidence rests on"),
    SL_BOOL("simulated", .help = "some of what was seen was made up by the plan driver"),
    SL_STRING("vouched_by", .help = "who let it go on past a hold"),
    SL_STRING("created_at", .format = "time"),
    SL_STRING("updated_at", .format = "time"),
    SL_STRING("started_at", .format = "time"),
    SL_STRING("ended_at", .format = "time"),
    SL_STRING("policy_hash", .help = "of gates, steps and templates, as fixed when it began"),
    SL_OBJECT("hold", NULL, .help = "code, reason, owner, since, until, then", .flags = SL_OPEN),
    SL_LIST("steps", SL_T_OBJECT, .help = "with their state: done, now, to come"),
    SL_OBJECT("analysis", NULL, .help = "that runs now", .flags = SL_OPEN),
    SL_OBJECT("background_analysis", NULL, .flags = SL_OPEN),
    SL_OBJECT("driver_view", NULL, .help = "what the driver saw last", .flags = SL_OPEN),
    SL_LIST("verdicts", SL_T_OBJECT, .help = "of the gates, newest first"),
    SL_END};

static const sl_field run_explain_out[] = {SL_STRING("id"), SL_STRING("phase"),
                                           SL_STRING("text", .help = "line by line"),
                                           SL_LIST("verdicts", SL_T_OBJECT), SL_END};

static const sl_field evaluate_out[] = {
    SL_STRING("id"),
    SL_ENUM("decision", "pass|fail|hold", .help = "the strictest of the gates"),
    SL_STRING("reason", .help = "of the gate that decided"),
    SL_STRING("fix", .help = "what to do about it, where known"),
    SL_BOOL("evidence", .help = "something good was measured since the weight was changed"),
    SL_LIST("verdicts", SL_T_OBJECT, .help = "one each gate"),
    SL_END};

static const sl_field undo_out[] = {SL_STRING("id", .help = "of the rollout that goes back"),
                                    SL_STRING("undo_of"), SL_STRING("image"),
                                    SL_STRING("next_action"), SL_END};

static const sl_field set_image_out[] = {SL_STRING("id", .help = "of the new deployment"),
                                         SL_STRING("status"),
                                         SL_STRING("summary"),
                                         SL_STRING("next_action"),
                                         SL_LIST("reasons", SL_T_OBJECT),
                                         SL_END};

static const sl_field approve_out[] = {SL_STRING("id"), SL_INT("approvals"), SL_INT("quorum"),
                                       SL_STRING("status"), SL_END};

static const sl_field freeze_in[] = {
    SL_STRING("reason", .help = "why nothing may move", .flags = SL_REQUIRED, .min = 1, .max = 500),
    SL_STRING("name", .help = "short, for lists", .max = 100),
    SL_STRING("environment", .help = "only there; default: everywhere", .cli = "env", .max = 64),
    SL_STRING("app_name", .help = "only this application; default: all", .cli = "app", .max = 200),
    SL_INT("from_ms", .help = "begins, ms since 1970; default: now", .min = 0),
    SL_INT("until_ms", .help = "ends, ms since 1970; default: when it is lifted", .min = 0),
    SL_DURATION("for", .help = "how long, in place of until_ms", .min = 1000),
    SL_END};

static const sl_field freeze_out[] = {SL_STRING("id"), SL_STRING("name"),
                                      SL_STRING("starts_at", .format = "time"),
                                      SL_STRING("ends_at", .format = "time"), SL_END};

static const sl_field unfreeze_in[] = {
    SL_STRING("id", .help = "of the freeze", .flags = SL_REQUIRED, .max = 64),
    SL_STRING("reason", .help = "why it may be lifted", .flags = SL_REQUIRED, .min = 1, .max = 500),
    SL_END};

static const sl_field unfreeze_out[] = {SL_STRING("id"), SL_BOOL("lifted"), SL_END};

static const sl_field freezes_in[] = {
    SL_BOOL("all", .help = "those that have ended or were lifted as well", .def = "false"), SL_END};

static const sl_field items_out[] = {SL_LIST("items", SL_T_OBJECT, .help = "newest first"), SL_END};

static const sl_field lint_in[] = {
    SL_STRING("manifest", .help = "an Argo Rollout and its AnalysisTemplates, as YAML or JSON",
              .flags = SL_REQUIRED | SL_FILE, .min = 1, .max = SL_MIB(1)),
    SL_END};

static const sl_field lint_out[] = {SL_BOOL("valid"), SL_INT("steps"),
                                    SL_LIST("faults", SL_T_OBJECT, .help = "pointer and message"),
                                    SL_LIST("warnings", SL_T_STRING), SL_END};

static const sl_field import_in[] = {
    SL_STRING("manifest", .help = "an Argo Rollout and its AnalysisTemplates, as YAML or JSON",
              .flags = SL_REQUIRED | SL_FILE, .min = 1, .max = SL_MIB(1)),
    SL_STRING("environment", .help = "where it goes", .cli = "env", .def = "dev", .max = 64),
    SL_STRING("app_name", .help = "default: metadata.name", .cli = "app", .max = 200),
    SL_STRING("image", .help = "default: of the first container", .max = 1024),
    SL_ENUM("risk_level", "LOW|MED|HIGH|CRITICAL", .def = "MED",
            .help = "sets the pace where the Rollout has no steps"),
    SL_STRING("driver", .help = "default: the environment's", .max = 32),
    SL_OBJECT("simulate", NULL, .flags = SL_OPEN,
              .help = "plan driver: rps, error_rate, canary_error_rate, bad_from_ms"),
    SL_END};

static const sl_field import_out[] = {
    SL_STRING("id"),     SL_STRING("app_name"), SL_STRING("environment"), SL_STRING("image"),
    SL_STRING("driver"), SL_INT("steps"),       SL_STRING("next_action"), SL_END};

static const sl_field replay_in[] = {
    SL_DURATION("since", .help = "how far back", .def = "90d", .min = 60000),
    SL_STRING("environment", .cli = "env", .max = 64),
    SL_STRING("app_name", .cli = "app", .max = 200),
    SL_LIST("gates", SL_T_OBJECT, .help = "to try; default: those that are configured", .max = 32),
    SL_END};

static const sl_field replay_out[] = {
    SL_STRING("summary"),
    SL_INT("good", .help = "releases that were promoted and not undone"),
    SL_INT("bad", .help = "releases that were aborted for harm, or undone"),
    SL_INT("ignored", .help = "that ended for reasons that say nothing about the version"),
    SL_LIST("gates", SL_T_OBJECT, .help = "gate, bad_stopped, good_stopped, not_known"),
    SL_END};

/* clang-format off */
#define RUN_VERB(NAME, ROUTE, SUMMARY, RUN)                                                        \
    {.name = "rollout." NAME, .route = "POST /rollouts/{id}/" ROUTE, .summary = (SUMMARY),         \
     .in = verb_in, .out = run_out, .needs = "deploy:write", .effect = SL_WRITES, .run = (RUN)}

#define ENGINE_OPS                                                                                 \
    {.name = "rollout.get", .route = "GET /rollouts/{id}",                                         \
     .summary = "Show how a rollout stands", .in = run_in, .out = run_out,                         \
     .needs = "deploy:read", .effect = SL_READS, .run = rollout_get},                              \
    {.name = "rollout.list", .route = "GET /rollouts", .summary = "List rollouts, newest first",   \
     .in = runs_in, .out = runs_out, .needs = "deploy:read", .effect = SL_READS,                   \
     .run = rollout_list},                                                                         \
    {.name = "rollout.explain", .route = "GET /rollouts/{id}/explain",                             \
     .summary = "Tell in words why a rollout stands where it does, and what would change that",    \
     .in = run_in, .out = run_explain_out, .needs = "deploy:read", .effect = SL_READS,             \
     .run = rollout_explain},                                                                      \
    {.name = "rollout.evaluate", .route = "GET /rollouts/{id}/gates",                              \
     .summary = "Ask the gates of a rollout now, without moving anything", .in = run_in,           \
     .out = evaluate_out, .needs = "deploy:read", .effect = SL_READS, .run = rollout_evaluate},    \
    {.name = "rollout.promote", .route = "POST /rollouts/{id}/promote",                            \
     .summary = "Go on past a pause; with a reason past a hold, or in full",                       \
     .in = promote_in, .out = run_out, .needs = "deploy:write", .effect = SL_WRITES,               \
     .run = rollout_promote},                                                                      \
    RUN_VERB("abort", "abort", "Take the new version away again", rollout_abort),                  \
    RUN_VERB("retry", "retry", "Begin an aborted rollout again", rollout_retry),                   \
    RUN_VERB("pause", "pause", "Let nothing move until it is resumed", rollout_pause),             \
    RUN_VERB("resume", "resume", "Go on after a pause by a person", rollout_resume),               \
    RUN_VERB("restart", "restart", "Replace the pods of the version one by one", rollout_restart), \
    {.name = "rollout.undo", .route = "POST /rollouts/{id}/undo",                                  \
     .summary = "Go back to the version before", .in = undo_in, .out = undo_out,                   \
     .needs = "deploy:write", .effect = SL_WRITES, .flags = SL_OP_OPEN, .run = rollout_undo},      \
    {.name = "rollout.set_image", .route = "POST /rollouts/{id}/set-image",                        \
     .summary = "Send the request again with another image", .in = set_image_in,                   \
     .out = set_image_out, .needs = "deploy:write", .effect = SL_WRITES,                           \
     .run = rollout_set_image},                                                                    \
    {.name = "rollout.approve", .route = "POST /rollouts/{id}/approve",                            \
     .also = "POST /deployments/{id}/approve",                                                     \
     .summary = "Answer for a deployment, by name and with a reason", .in = approve_in,            \
     .out = approve_out, .needs = "deploy:approve", .effect = SL_WRITES, .run = rollout_approve},  \
    {.name = "rollout.freeze", .route = "POST /freezes",                                           \
     .summary = "Let no rollout go on for a time", .in = freeze_in, .out = freeze_out,             \
     .needs = "rollout:freeze", .effect = SL_WRITES, .run = rollout_freeze},                       \
    {.name = "rollout.unfreeze", .route = "POST /freezes/{id}/lift",                               \
     .summary = "Lift a freeze", .in = unfreeze_in, .out = unfreeze_out,                           \
     .needs = "rollout:freeze", .effect = SL_WRITES, .run = rollout_unfreeze},                     \
    {.name = "rollout.freezes", .route = "GET /freezes", .summary = "List freezes",                \
     .in = freezes_in, .out = items_out, .needs = "deploy:read", .effect = SL_READS,               \
     .run = rollout_freezes},                                                                      \
    {.name = "rollout.lint", .route = "POST /rollouts/lint",                                       \
     .summary = "Check an Argo Rollout without starting anything", .in = lint_in,                  \
     .out = lint_out, .needs = "deploy:read", .effect = SL_READS, .max_body = 4u << 20,            \
     .run = rollout_lint},                                                                         \
    {.name = "rollout.import", .route = "POST /rollouts/import",                                   \
     .summary = "Start a rollout from an Argo Rollout as it is", .in = import_in,                  \
     .out = import_out, .needs = "deploy:write", .effect = SL_WRITES, .max_body = 4u << 20,        \
     .run = rollout_import},                                                                       \
    {.name = "rollout.replay", .route = "POST /rollouts/replay",                                   \
     .summary = "Ask which past releases today's gates would have stopped", .in = replay_in,       \
     .out = replay_out, .needs = "deploy:read", .effect = SL_READS, .run = rollout_replay}
/* clang-format on */

static const sl_field gate_settings[] = {
    SL_STRING("name", .help = "in verdicts and holds; default: its kind", .max = 31),
    SL_ENUM("kind", "freeze|risk|budget|approvals|lua|opa|webhook|argocd", .flags = SL_REQUIRED,
            .help = "what is asked"),
    SL_LIST("environments", SL_T_STRING, .help = "only there; default: everywhere", .max = 20),
    SL_ENUM("on_error", "hold|allow|deny", .def = "hold", .help = "when it cannot be asked"),
    SL_ENUM("on_fail", "hold|abort", .def = "hold", .help = "when it denies"),
    SL_DURATION("timeout", .def = "5s", .min = 100, .max = 60000, .help = "of one question"),
    SL_DURATION("max_hold", .help = "how long it may hold; default: max_hold of the plugin"),
    SL_STRING("url", .format = "uri", .help = "opa: of the decision; webhook: what is posted to"),
    SL_OBJECT("metadata", NULL, .help = "webhook: sent along", .flags = SL_OPEN),
    SL_ENUM("max_level", "LOW|MED|HIGH|CRITICAL", .help = "risk: above it approvals are needed"),
    SL_INT("approvals", .help = "risk: how many", .min = 1, .max = 20),
    SL_INT("quorum", .help = "approvals: how many", .min = 1, .max = 20),
    SL_STRING("application", .max = 200, .format = "name",
              .help = "argocd: its Application; default: the application's name"),
    SL_BOOL("sync", .help = "argocd: ask for a sync when it is OutOfSync"),
    SL_END};

#define ENGINE_SETTINGS                                                                            \
    SL_BOOL("rollouts", .def = "true", .help = "an approved deployment starts a rollout"),         \
        SL_ENUM("driver", "plan|haproxy|argo", .def = "plan",                                      \
                .help = "what moves the traffic; plan moves nothing and makes its traffic up"),    \
        SL_MAP("drivers", SL_T_STRING, .max = 50, .help = "driver by environment: prod: argo"),    \
        SL_DURATION("look", .def = "10s", .min = 1000, .max = 600000,                              \
                    .help = "how often a version with traffic is looked at"),                      \
        SL_DURATION("max_hold", .def = "30m", .min = 1000,                                         \
                    .help = "how long a rollout is held before on_hold_expiry"),                   \
        SL_ENUM("on_hold_expiry", "abort|stay", .def = "abort",                                    \
                .help = "what becomes of a rollout that was held too long"),                       \
        SL_LIST_OF("gates", gate_settings, .max = 32,                                              \
                   .help = "asked before each step that lets more traffic in; default: freeze, "   \
                           "error budget, risk"),                                                  \
        SL_STRING("gate_scripts", .flags = SL_PATH, .max = 4096,                                   \
                  .help = "folder of Lua gates, for gates of kind lua"),                           \
        SL_MAP("gate_settings", SL_T_ANY, .max = 200,                                              \
               .help = "what Lua gates read as ctx.settings: freezes, two_person, hours..."),      \
        SL_NUMBER("judge_allowed", .def = "0.1", .min = 0, .max = 10,                              \
                  .help = "how much worse the new version may be, as a share of the old one's "    \
                          "errors"),                                                               \
        SL_NUMBER("judge_allowed_by", .def = "0.005", .min = 0, .max = 1,                          \
                  .help = "the same as a share of all requests; the wider of the two counts"),     \
        SL_INT("quorum", .def = "1", .min = 1, .max = 20,                                          \
               .help = "approvals that a deployment needs which waits for a person"),              \
        SL_DURATION("approval_lasts", .def = "24h", .min = 60000,                                  \
                    .help = "how long an approval counts"),                                        \
        SL_BOOL("own_approval", .def = "false", .help = "may one approve one's own request")

#define ENGINE_SCHEMA                                                                              \
    {                                                                                              \
        .number = 3, .name = "rollouts",                                                           \
        .sql =                                                                                     \
            "CREATE TABLE rollout_run ("                                                           \
            " tenant TEXT NOT NULL, id TEXT NOT NULL, app TEXT NOT NULL,"                          \
            " environment TEXT NOT NULL, image TEXT NOT NULL, driver TEXT NOT NULL,"               \
            " risk_level TEXT NOT NULL, author TEXT NOT NULL, phase TEXT NOT NULL,"                \
            " active BIGINT NOT NULL, version BIGINT NOT NULL, due_at BIGINT NOT NULL,"            \
            " created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,"   \
            " undo_of TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL, seen TEXT NOT NULL," \
            " PRIMARY KEY (tenant, id));"                                                          \
            "CREATE INDEX rollout_run_active ON rollout_run (tenant, active, id);"                 \
            "CREATE INDEX rollout_run_app ON rollout_run (tenant, app, environment, active);"      \
            "CREATE TABLE rollout_verdict ("                                                       \
            " tenant TEXT NOT NULL, id TEXT NOT NULL, run TEXT NOT NULL, at BIGINT NOT NULL,"      \
            " gate TEXT NOT NULL, outcome TEXT NOT NULL, verdict TEXT NOT NULL,"                   \
            " PRIMARY KEY (tenant, id));"                                                          \
            "CREATE INDEX rollout_verdict_run ON rollout_verdict (tenant, run, id);"               \
            "CREATE TABLE rollout_approval ("                                                      \
            " tenant TEXT NOT NULL, run TEXT NOT NULL, approver TEXT NOT NULL,"                    \
            " reason TEXT NOT NULL, at BIGINT NOT NULL, expires_at BIGINT NOT NULL,"               \
            " PRIMARY KEY (tenant, run, approver));"                                               \
            "CREATE TABLE rollout_freeze ("                                                        \
            " tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,"   \
            " environment TEXT NOT NULL, app TEXT NOT NULL, starts_at BIGINT NOT NULL,"            \
            " ends_at BIGINT NOT NULL, actor TEXT NOT NULL, created_at BIGINT NOT NULL,"           \
            " lifted_at BIGINT NOT NULL, lifted_by TEXT NOT NULL, lift_reason TEXT NOT NULL,"      \
            " PRIMARY KEY (tenant, id))"                                                           \
    }

#define ENGINE_METRICS                                                                             \
    {.name = "rollouts_started_total",                                                             \
     .help = "Rollouts that began, by environment",                                                \
     .labels = "environment",                                                                      \
     .type = SL_COUNTER},                                                                          \
        {.name = "rollouts_ended_total",                                                           \
         .help = "Rollouts that ended, by environment and outcome",                                \
         .labels = "environment,outcome",                                                          \
         .type = SL_COUNTER},                                                                      \
    {                                                                                              \
        .name = "gate_decisions_total", .help = "Verdicts of gates that were new",                 \
        .labels = "gate,decision", .type = SL_COUNTER                                              \
    }

#endif
