/* plugin.c - Lua policies as operations: any context in, one decision out, each reason beside it.
 */
#include "sum.h"

#include <sluice/sluice.h>
#include <stdlib.h>
#include <string.h>

struct policy_state {
    sl_scripts *scripts;
    cJSON *settings; /* kept; what policies see as ctx.settings */
};

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

/* The request's members with the platform's `settings` and `now`; the members are shared. */
static const cJSON *context_of(sl_call *call, const cJSON *in) {
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

static int evaluate(sl_call *call, const cJSON *in, cJSON *out) {
    const struct policy_state *state = sl_state(call);
    cJSON *verdicts = cJSON_CreateArray();
    int rc = sl_scripts_judge(call, state->scripts, context_of(call, in), verdicts);
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
    SL_END};

static const sl_field config[] = {
    SL_STRING("scripts", .flags = SL_PATH | SL_REQUIRED, .max = 4096,
              .help = "folder of the policies; helpers are in the folder lib beside it"),
    SL_MAP("settings", SL_T_ANY, .max = 200,
           .help = "what policies read as ctx.settings: min_replicas, allowed_registries..."),
    SL_END};

static const sl_metric metrics[] = {{.name = "policy_decisions_total",
                                     .help = "Decisions of the policies",
                                     .labels = "decision",
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
    sl_set_state(call, state);
    return 0;
}

static void stop(sl_call *call) {
    struct policy_state *state = sl_state(call);
    if (!state) return;
    sl_json_drop(state->settings);
    free(state);
}

SL_PLUGIN(.name = "policy", .version = "1.0.0",
          .summary = "Lua policies that allow, warn, ask for approval or deny",
          .license = "Apache-2.0", .config = config, .ops = ops, .metrics = metrics, .start = start,
          .stop = stop);
