#include "engine_plan.h"
#include "steps.h"
#include "text.h"
#include "tree.h"

#include <string.h>

/* What a plan without any analysis is judged by: the driver's own counters. */
static const char own_template[] =
    "{\"metrics\":[{\"name\":\"success-rate\",\"initialDelay\":\"30s\",\"interval\":\"30s\","
    "\"count\":5,\"failureLimit\":1,\"inconclusiveLimit\":2,\"successCondition\":\"len(result) > 0 "
    "&& result[0] >= 0.99\",\"failureCondition\":\"len(result) > 0 && result[0] < 0.95\","
    "\"provider\":{\"driver\":{}}}]}";
static const char own_name[] = "sluice-success-rate";

static const char own_gates[] = "[{\"name\":\"freeze\",\"kind\":\"freeze\"},"
                                "{\"name\":\"error-budget\",\"kind\":\"budget\"},"
                                "{\"name\":\"risk\",\"kind\":\"risk\",\"max_level\":\"HIGH\"}]";

static void own_steps(sl_call *call, const struct run *run, cJSON *plan, cJSON *canary) {
    struct text text;
    text_begin(&text, 1024);
    canary_steps(&text, pace_of(run->risk_level), NULL,
                 "{\"templates\":[{\"templateName\":\"sluice-success-rate\"}]}");
    cJSON *templates = cJSON_GetObjectItemCaseSensitive(plan, "templates");
    if (!templates) templates = put_object(plan, "templates");
    if (!item_of(templates, own_name)) put_item(templates, own_name, cJSON_Parse(own_template));
    cJSON_DeleteItemFromObjectCaseSensitive(canary, "steps");
    put_item(canary, "steps", cJSON_Parse(text_end(&text)));
    (void)call;
}

/* A canary that never shifts weight would let the version in at once, unseen. */
static void complete_steps(sl_call *call, const struct run *run, cJSON *plan) {
    cJSON *spec = cJSON_GetObjectItemCaseSensitive(plan, "spec");
    cJSON *kind = cJSON_GetObjectItemCaseSensitive(spec, "strategy");
    cJSON *canary = cJSON_GetObjectItemCaseSensitive(kind, "canary");
    if (canary && !cJSON_GetArraySize(item_of(canary, "steps"))) own_steps(call, run, plan, canary);
}

static void take_args(cJSON *args, const cJSON *analysis) {
    const cJSON *arg;
    cJSON_ArrayForEach(arg, item_of(analysis, "args")) {
        cJSON_AddItemToArray(args, cJSON_Duplicate(arg, 1));
    }
}

static void take_all_args(cJSON *plan, const cJSON *strategy) {
    cJSON *args = put_array(plan, "args");
    const cJSON *canary = item_of(strategy, "canary"), *step;
    const cJSON *blue_green = item_of(strategy, "blueGreen");
    take_args(args, item_of(canary, "analysis"));
    take_args(args, item_of(blue_green, "prePromotionAnalysis"));
    take_args(args, item_of(blue_green, "postPromotionAnalysis"));
    cJSON_ArrayForEach(step, item_of(canary, "steps")) {
        take_args(args, item_of(step, "analysis"));
    }
}

void plan_complete(sl_call *call, const struct run *run, cJSON *plan) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *gates = sl_get(rollout->config, "gates");
    cJSON *hold = put_object(plan, "hold");
    complete_steps(call, run, plan);
    take_all_args(plan, item_of(item_of(plan, "spec"), "strategy"));
    put_number(hold, "max_ms", (double)sl_get_int(rollout->config, "max_hold", 1800000));
    put_text(hold, "on_expiry", sl_get_text(rollout->config, "on_hold_expiry", "abort"));
    put_item(plan, "gates", gates ? cJSON_Duplicate(gates, 1) : cJSON_Parse(own_gates));
    struct text text;
    char hash[65];
    text_begin(&text, 1024);
    text_tree(&text, item_of(plan, "gates"));
    text_tree(&text, item_of(plan, "spec"));
    text_tree(&text, item_of(plan, "templates"));
    if (rollout->gates) {
        const char *scripts = sl_scripts_hash(call, rollout->gates);
        text_add(&text, scripts, strlen(scripts));
    }
    sl_sha256(text.bytes, text.size, hash);
    put_text(plan, "policy_hash", hash);
}

/* ---- from a deployment ---- */

static void take_template(cJSON *plan, const cJSON *object) {
    const char *name = text_of(item_of(object, "metadata"), "name");
    const cJSON *metrics = item_of(item_of(object, "spec"), "metrics");
    if (!name || !metrics) return;
    cJSON *one = cJSON_CreateObject();
    put_shared(one, "metrics", metrics);
    cJSON_AddItemToObject(cJSON_GetObjectItemCaseSensitive(plan, "templates"), name, one);
    const cJSON *args = item_of(item_of(object, "spec"), "args");
    if (args && !item_of(plan, "template_args")) put_shared(plan, "template_args", args);
}

/* The request as it was kept: who wrote the change, of which commit. */
static int take_request(sl_call *call, struct run *run, cJSON *plan) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT request FROM rollout_deployment WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(run->id)));
    if (rc || !rows.count) return rc;
    const cJSON *request = sl_cell_json(call, &rows, 0, "request");
    static const char *const names[] = {"commit", "author", "reason", "message"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = text_of(request, names[i]);
        if (value) put_text(plan, names[i], value);
    }
    const cJSON *simulate = item_of(item_of(request, "config"), "simulate");
    if (simulate) put_shared(plan, "simulate", simulate);
    const char *kind = text_of(item_of(request, "context"), "kind");
    put_text(plan, "kind", kind ? kind : "release");
    return 0;
}

int plan_of_deployment(sl_call *call, struct run *run) {
    cJSON *in = cJSON_CreateObject(), *answer = NULL;
    put_text(in, "id", run->id);
    int rc = sl_invoke(call, "deploy.get", in, &answer);
    if (rc) return rc;
    const cJSON *manifests = item_of(answer, "manifests");
    const cJSON *spec = item_of(item_of(manifests, "rollout"), "spec");
    cJSON *plan = cJSON_CreateObject();
    rc = take_request(call, run, plan);
    if (rc) return rc;
    put_item(plan, "spec", plan_spec_of(spec));
    (void)put_object(plan, "templates");
    take_template(plan, item_of(manifests, "analysis_template"));
    plan_complete(call, run, plan);
    run->plan = cJSON_Parse(sl_json_print(call, plan)); /* its own tree: nothing is shared */
    return run->plan ? 0 : sl_fail(call, SL_INTERNAL, "the plan could not be written");
}
