/* plugin.c - Lua policies as operations: any context in, one decision out, each reason beside it.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

/* ---- policy.evaluate ---- */

static const sl_field evaluate_in[] = {
    SL_STRING("app_name", .help = "name of the application", .cli = "app", .example = "\"shop\""),
    SL_STRING("environment", .help = "dev, stage or prod", .cli = "env", .example = "\"prod\""),
    SL_STRING("data_classification", .help = "public, internal, confidential, pii, restricted"),
    SL_STRING("exposure", .help = "internal, external, public"),
    SL_OBJECT("config", NULL, .help = "image, replicas, resources of the workload",
              .flags = SL_OPEN),
    SL_OBJECT("risk", NULL, .help = "answer of risk.score", .flags = SL_OPEN),
    SL_INT("now", .help = "time of the request in ms since 1970; default: now"),
    SL_END};

static const sl_field verdict_out[] = {
    SL_STRING("name", .help = "of the policy"),
    SL_ENUM("outcome", "allow|warn|approval|deny", .help = "what this policy says"),
    SL_STRING("reason", .help = "why"),
    SL_STRING("fix", .help = "what to do about it"),
    SL_ANY("evidence", .help = "what it rests on"),
    SL_STRING("file", .help = "of the script"),
    SL_INT("line", .help = "where the script decided, or failed"),
    SL_ENUM("class", "decision|error|limit",
            .help = "decided, failed, or stopped; the last two deny"),
    SL_STRING("script_hash", .help = "SHA-256 of the script"),
    SL_STRING("rule", .help = "the same as name"),
    SL_BOOL("ok", .help = "this policy does not stand in the way"),
    SL_STRING("message", .help = "the reason, or OK"),
    SL_END};

static const sl_field evaluate_out[] = {
    SL_ENUM("decision", "allow|warn|needs_approval|deny", .help = "the strictest of the verdicts"),
    SL_BOOL("allowed", .help = "the decision is allow or warn"),
    SL_LIST_OF("results", verdict_out, .help = "one verdict a policy that applies, by name"),
    SL_STRING("policy_hash", .help = "SHA-256 over all policies as they stand"), SL_END};

/* Refers to `shared` and to `name`, which both outlive the context. */
static void show(cJSON *context, const char *name, const cJSON *shared) {
    cJSON *item = cJSON_CreateNull();
    if (!item) return;
    *item = *shared;
    item->next = item->prev = NULL;
    item->string = (char *)name;
    item->type |= cJSON_IsReference | cJSON_StringIsConst;
    cJSON_AddItemToArray(context, item);
}

cJSON *policy_context(sl_call *call, const cJSON *in) {
    const struct policy_state *state = sl_state(call);
    cJSON *context = cJSON_CreateObject();
    const cJSON *member;
    cJSON_ArrayForEach(member, in) {
        if (strcmp(member->string, "settings") != 0) show(context, member->string, member);
    }
    if (!sl_get(in, "now")) cJSON_AddNumberToObject(context, "now", (double)sl_now_ms(call));
    show(context, "settings", state->settings);
    return context;
}

int policy_judge(sl_call *call, const cJSON *context, cJSON *verdicts) {
    const struct policy_state *state = sl_state(call);
    int rc = sl_scripts_judge(call, state->scripts, context, verdicts);
    if (!rc && state->opa) opa_judge(call, state->opa, context, verdicts);
    return rc;
}

static int evaluate(sl_call *call, const cJSON *in, cJSON *out) {
    const struct policy_state *state = sl_state(call);
    cJSON *verdicts = cJSON_CreateArray();
    int rc = policy_judge(call, policy_context(call, in), verdicts);
    if (rc) return rc;
    enum decision decision = sum_verdicts(verdicts);
    sum_add_results(verdicts);
    cJSON_AddStringToObject(out, "decision", decision_name(decision));
    cJSON_AddBoolToObject(out, "allowed", decision <= DECISION_WARN);
    cJSON_AddItemToObject(out, "results", verdicts);
    cJSON_AddStringToObject(out, "policy_hash", sl_scripts_hash(call, state->scripts));
    sl_count(call, "policy_decisions_total", 1, decision_name(decision));
    return 0;
}

/* ---- policy.list ---- */

static const sl_field policy_out[] = {
    SL_STRING("name"),
    SL_STRING("summary", .help = "what it is for"),
    SL_STRING("file"),
    SL_STRING("script_hash", .help = "SHA-256 of the script"),
    SL_OBJECT("applies", NULL, .help = "what the context must be for it", .flags = SL_OPEN),
    SL_LIST("calls", SL_T_STRING, .help = "operations that it may ask"),
    SL_STRING("error", .help = "why it does not compile; until it is mended it denies"),
    SL_INT("line", .help = "of the error"),
    SL_END};

static const sl_field list_out[] = {
    SL_LIST_OF("items", policy_out, .help = "the policies, by name"),
    SL_STRING("policy_hash", .help = "SHA-256 over all of them"), SL_END};

static int list(sl_call *call, const cJSON *in, cJSON *out) {
    const struct policy_state *state = sl_state(call);
    (void)in;
    cJSON_AddItemToObject(out, "items", sl_scripts_list(call, state->scripts));
    cJSON_AddStringToObject(out, "policy_hash", sl_scripts_hash(call, state->scripts));
    return 0;
}

/* ---- policy.explain, policy.replay ---- */

static const sl_field explain_in[] = {
    SL_STRING("id", .help = "of the deployment", .flags = SL_REQUIRED, .max = 64), SL_END};

static const sl_field judged_out[] = {
    SL_STRING("decision", .help = "allow, warn, needs_approval or deny"),
    SL_STRING("policy_hash", .help = "SHA-256 over the policies that judged"),
    SL_LIST_OF("results", verdict_out, .help = "one verdict a policy"), SL_END};

static const sl_field change_out[] = {
    SL_STRING("rule"), SL_STRING("then", .help = "its outcome; none: it did not apply"),
    SL_STRING("now"), SL_STRING("reason", .help = "today's"), SL_END};

static const sl_field explain_out[] = {
    SL_STRING("id"),
    SL_OBJECT("then", judged_out, .help = "what the policies said", .flags = SL_OPEN),
    SL_OBJECT("now", judged_out, .help = "what today's say of the same request", .flags = SL_OPEN),
    SL_LIST_OF("changed", change_out, .help = "rules that say something else today"),
    SL_STRING("text", .help = "all of it, line by line"),
    SL_END};

static const sl_field replay_in[] = {
    SL_STRING("app_name", .help = "only of this application", .cli = "app", .max = 200),
    SL_STRING("environment", .help = "only to this environment", .cli = "env", .max = 64),
    SL_INT("since_ms", .help = "only from then on", .min = 0),
    SL_INT("until_ms", .help = "only before then", .min = 0),
    SL_INT("limit", .help = "how many at most, the newest first", .def = "1000", .min = 1,
           .max = 20000),
    SL_STRING("cursor", .help = "next_cursor of the replay before", .max = 64),
    SL_END};

static const sl_field counts_out[] = {SL_INT("allow"), SL_INT("warn"), SL_INT("needs_approval"),
                                      SL_INT("deny"), SL_END};

static const sl_field replay_out[] = {
    SL_INT("judged", .help = "requests"),
    SL_INT("same", .help = "of the same decision as then"),
    SL_INT("stricter"),
    SL_INT("looser"),
    SL_OBJECT("then", counts_out, .help = "decisions then"),
    SL_OBJECT("now", counts_out, .help = "decisions by today's policies"),
    SL_LIST("changed", SL_T_OBJECT,
            .help = "the first 200 whose decision differs, with their rules"),
    SL_STRING("policy_hash", .help = "of today's policies"),
    SL_STRING("next_cursor", .help = "null after the last", .flags = SL_NULLABLE),
    SL_END};

/* ---- the face ---- */

static const sl_op ops[] = {
    {.name = "policy.evaluate",
     .route = "POST /policies/evaluate",
     .summary = "Judge a context by the policies",
     .help = "Takes any object as the context. Each policy that applies gives a verdict; the "
             "strictest one is the decision. A policy that fails or overruns its limits denies.",
     .in = evaluate_in,
     .out = evaluate_out,
     .needs = "policy:read",
     .example = "{\"app_name\":\"shop\",\"environment\":\"prod\",\"config\":{\"image\":"
                "\"registry.internal/shop:1.4.2\",\"replicas\":3},\"risk\":{\"level\":\"LOW\"}}",
     .run = evaluate,
     .effect = SL_READS,
     .flags = SL_OP_OPEN},
    {.name = "policy.list",
     .route = "GET /policies",
     .summary = "List the policies and whether they compile",
     .out = list_out,
     .needs = "policy:read",
     .run = list,
     .effect = SL_READS},
    {.name = "policy.explain",
     .route = "GET /policies/explain/{id}",
     .summary = "Tell what each policy said of a deployment, and what today's would say",
     .in = explain_in,
     .out = explain_out,
     .needs = "policy:read",
     .run = policy_explain,
     .effect = SL_READS},
    {.name = "policy.replay",
     .route = "POST /policies/replay",
     .summary = "Judge the requests of the past by today's policies, and count what differs",
     .help = "Settings are today's, and so is what a policy asks of other operations.",
     .in = replay_in,
     .out = replay_out,
     .needs = "policy:read",
     .run = policy_replay,
     .effect = SL_READS,
     .timeout_ms = 120000},
    SL_END};

static const sl_field opa_options[] = {
    SL_STRING("url", .format = "uri", .max = 2000,
              .help =
                  "a document of OPA, as http://opa:8181/v1/data/sluice; absent: none is asked"),
    SL_STRING("token", .flags = SL_SECRET, .help = "bearer token"),
    SL_STRING("ca_file", .flags = SL_PATH, .help = "certificates that it is checked by"),
    SL_DURATION("timeout", .def = "1s", .min = 10, .max = 30000,
                .help = "after which it counts as a denial"),
    SL_END};

static const sl_field config[] = {
    SL_STRING("scripts", .flags = SL_PATH | SL_REQUIRED, .max = 4096,
              .help = "folder of the policies; helpers are in the folder lib beside it"),
    SL_MAP("settings", SL_T_ANY, .max = 200,
           .help = "what policies read as ctx.settings: min_replicas, allowed_registries..."),
    SL_OBJECT("opa", opa_options,
              .help = "OPA as one more judge: what it leaves undefined is denied"),
    SL_END};

static const sl_metric metrics[] = {{.name = "policy_decisions_total",
                                     .help = "Decisions of the policies",
                                     .labels = "decision",
                                     .type = SL_COUNTER},
                                    {.name = "policy_opa_questions_total",
                                     .help = "Questions to OPA",
                                     .labels = "result",
                                     .type = SL_COUNTER},
                                    SL_END};

static int start(sl_call *call, const cJSON *options) {
    sl_scripts *scripts;
    int rc = sl_scripts_open(call, sl_get_text(options, "scripts", ""), "policy", &scripts);
    if (rc) return rc;
    struct policy_state *state = calloc(1, sizeof *state);
    if (!state) return sl_fail(call, SL_UNAVAILABLE, "no memory for the policies");
    const cJSON *settings = sl_get(options, "settings");
    cJSON *none = settings ? NULL : cJSON_CreateObject();
    state->scripts = scripts;
    state->settings = sl_json_keep(settings ? settings : none);
    if (sl_get(sl_get(options, "opa"), "url")) state->opa = sl_json_keep(sl_get(options, "opa"));
    sl_set_state(call, state);
    return 0;
}

static void stop(sl_call *call) {
    struct policy_state *state = sl_state(call);
    if (!state) return;
    sl_json_drop(state->settings);
    sl_json_drop(state->opa);
    free(state);
}

SL_PLUGIN(.name = "policy", .version = "1.0.0",
          .summary = "Lua policies that allow, warn, ask for approval or deny",
          .license = "Apache-2.0", .config = config, .ops = ops, .metrics = metrics, .start = start,
          .stop = stop);
