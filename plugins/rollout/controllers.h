/* controllers.h - Sluice as the source that other controllers ask: Argo Rollouts' web metric, Flagger's
 * webhooks, callers of OPA, and callers of Kayenta. Rows for the plugin's table; docs/drivers.md shows
 * what to write on the other side. */
#ifndef ROLLOUT_CONTROLLERS_H
#define ROLLOUT_CONTROLLERS_H

#include <sluice/sluice.h>

/* ---- controllers_gate.c ---- */
enum gate_decision { DECIDE_PASS = 0, DECIDE_HOLD = 1, DECIDE_FAIL = 2 };
const char *gate_decision_name(enum gate_decision decision); /* "pass" "hold" "fail" */

/* What today's gates say about the newest version of a service; `environment` NULL: in any. Fills
 * `out` with decision, score, risk, reasons, decision_id... The same state gives the same id, and
 * nothing is kept. SL_UNAVAILABLE and the like: it could not even be looked. Suspends. */
int gate_decide(sl_call *call, const char *service, const char *environment,
                enum gate_decision *decision, cJSON *out);

extern const sl_field gate_in[], gate_out[], opa_in[], flagger_in[];
int gates_evaluate(sl_call *call, const cJSON *in, cJSON *out);
int opa_data(sl_call *call, const cJSON *in, cJSON *out);
int flagger_hook(sl_call *call, const cJSON *in, cJSON *out);

/* ---- controllers_kayenta.c ---- */
extern const sl_field canary_list_in[], canary_start_in[], canary_id_in[], canary_judge_in[];
int canary_configs(sl_call *call, const cJSON *in, cJSON *out);
int canary_start(sl_call *call, const cJSON *in, cJSON *out);
int canary_result(sl_call *call, const cJSON *in, cJSON *out);
int canary_judge(sl_call *call, const cJSON *in, cJSON *out);

/* ---- controllers_judge.c ---- */
extern const sl_field judge_in[], judge_out[];
int judge_metrics(sl_call *call, const cJSON *in, cJSON *out);

/* clang-format off */
#define CONTROLLER_OPS                                                                             \
    {.name = "gates.evaluate", .route = "POST /v1/gates/evaluate",                                 \
     .summary = "Say what the gates hold of a service's newest version: pass, hold or fail",       \
     .help = "For the `web` metric of an Argo AnalysisTemplate: always 200, the decision is in "   \
             "the answer. Both conditions of the template should be set, so that hold is "         \
             "Inconclusive and pauses.",                                                           \
     .in = gate_in, .out = gate_out, .needs = "deploy:read", .effect = SL_READS,                   \
     .flags = SL_OP_OPEN, .timeout_ms = 8000, .example = "{\"service\":\"shop\"}",                 \
     .run = gates_evaluate},                                                                       \
    {.name = "opa.data", .route = "POST /v1/data/{path...}",                                       \
     .summary = "Answer as OPA does: sluice/deploy, sluice/deploy/allow, sluice/gate, sluice/gate/allow", \
     .help = "A path that is not there is undefined: 200 without a result, which callers must "    \
             "take for a denial.",                                                                 \
     .in = opa_in, .needs = "policy:read", .effect = SL_READS, .flags = SL_OP_OPEN,                \
     .run = opa_data},                                                                             \
    {.name = "flagger.hook", .route = "POST /v1/flagger/{hook}",                                   \
     .summary = "Answer a webhook of Flagger: 200 goes on, 409 holds, 403 fails",                  \
     .help = "confirm-rollout, pre-rollout, rollout, confirm-traffic-increase and "                \
             "confirm-promotion ask the gates; rollback answers 200 when they fail, which rolls "  \
             "back; post-rollout and event are noted.",                                            \
     .in = flagger_in, .needs = "deploy:read", .effect = SL_WRITES, .flags = SL_OP_OPEN,           \
     .run = flagger_hook},                                                                         \
    {.name = "canary.configs", .route = "GET /canaryConfig",                                       \
     .summary = "List the canary configurations, as Kayenta does", .in = canary_list_in,           \
     .needs = "deploy:read", .effect = SL_READS, .flags = SL_OP_OPEN, .run = canary_configs},      \
    {.name = "canary.start", .route = "POST /canary/{id}",                                         \
     .summary = "Start a canary analysis over a window of metrics, as Kayenta does",               \
     .in = canary_start_in, .needs = "deploy:read", .effect = SL_WRITES, .flags = SL_OP_OPEN,      \
     .run = canary_start},                                                                         \
    {.name = "canary.result", .route = "GET /canary/{id}",                                         \
     .summary = "Give the result of a canary analysis, as Kayenta does", .in = canary_id_in,       \
     .needs = "deploy:read", .effect = SL_WRITES, .flags = SL_OP_OPEN, .run = canary_result},      \
    {.name = "canary.judge", .route = "POST /judges/judge",                                        \
     .summary = "Judge series of a control and an experiment, as Kayenta does",                    \
     .in = canary_judge_in, .needs = "deploy:read", .effect = SL_READS, .flags = SL_OP_OPEN,       \
     .max_body = 8u << 20, .run = canary_judge},                                                   \
    {.name = "judge.compare", .route = "POST /judge",                                              \
     .summary = "Judge metrics of two versions by tests that stay valid under repeated looks",     \
     .in = judge_in, .out = judge_out, .needs = "deploy:read", .effect = SL_READS,                 \
     .max_body = 8u << 20,                                                                         \
     .example = "{\"metrics\":[{\"name\":\"errors\",\"kind\":\"rate\",\"control_rate\":"           \
                "[{\"bad\":3,\"all\":9000}],\"experiment_rate\":[{\"bad\":40,\"all\":1000}]}]}",   \
     .run = judge_metrics}
#define CANARY_SCHEMA                                                                              \
    {.number = 4, .name = "canary analyses",                                                       \
     .sql = "CREATE TABLE rollout_canary (tenant TEXT NOT NULL, id TEXT NOT NULL,"                 \
            " created_at BIGINT NOT NULL, request TEXT NOT NULL, result TEXT NOT NULL,"            \
            " PRIMARY KEY (tenant, id))"}
#define CANARY_SETTINGS                                                                            \
    SL_LIST("canary_configs", SL_T_OBJECT, .max = 200,                                             \
            .help = "Kayenta's canary configurations: id, name, metrics, classifier; docs/drivers.md")
/* clang-format on */

#endif
