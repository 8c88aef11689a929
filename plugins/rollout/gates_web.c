/* gates_web.c - gates that ask others over HTTP: OPA, and any webhook that speaks Flagger's words. */
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

static cJSON *question_of(sl_call *call, const struct gate_question *question) {
    const struct run *run = question->run;
    cJSON *json = cJSON_CreateObject();
    put_text(json, "deployment_id", run->id);
    put_text(json, "name", run->app);
    put_text(json, "namespace", run->environment);
    put_text(json, "phase", machine_phase_name(run->state.phase));
    put_text(json, "image", run->image);
    put_text(json, "risk_level", run->risk_level);
    put_number(json, "step", run->state.step);
    put_number(json, "weight", run->state.weight);
    const cJSON *metadata = sl_get(question->gate, "metadata");
    if (metadata) put_shared(json, "metadata", metadata);
    put_text(json, "tenant", sl_tenant(call));
    return json;
}

static int post(sl_call *call, struct gate_question *question, const cJSON *body,
                sl_response *response) {
    const char *const headers[] = {"Content-Type: application/json", NULL};
    const char *url = sl_get_text(question->gate, "url", NULL);
    if (!url) return sl_fail(call, SL_INVALID, "the gate has no url");
    const char *text = sl_json_print(call, body);
    return sl_fetch(call,
                    &(sl_request){.method = "POST",
                                  .url = url,
                                  .headers = headers,
                                  .body = text,
                                  .body_size = strlen(text),
                                  .max_bytes = 1 << 20,
                                  .timeout_ms = question->timeout_ms},
                    response);
}

/* true, {"allow": true} or {"decision": "pass"}; undefined is a denial. */
static void read_result(sl_call *call, const cJSON *answer, struct gate_finding *found) {
    const cJSON *result = item_of(answer, "result");
    const cJSON *allow = cJSON_IsObject(result) ? item_of(result, "allow") : result;
    const char *decision = text_of(result, "decision"), *reason = text_of(result, "reason");
    found->answer = GATE_FAIL;
    found->why = reason ? sl_strdup(call, reason) : "OPA denies";
    if (!result) found->why = "the decision is undefined in OPA, which is a denial";
    if (cJSON_IsTrue(allow) || (decision && strcmp(decision, "pass") == 0)) {
        found->answer = GATE_PASS;
        found->why = reason ? sl_strdup(call, reason) : "OPA allows";
    } else if (decision && strcmp(decision, "hold") == 0) {
        found->answer = GATE_HOLD;
    }
}

int gate_opa(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    cJSON *body = cJSON_CreateObject(), *answer = NULL;
    sl_response response;
    put_item(body, "input", question_of(call, question));
    int rc = post(call, question, body, &response);
    if (rc) return rc;
    if (response.status != 200)
        return sl_fail(call, SL_UNAVAILABLE, "OPA answered %d", response.status);
    rc = sl_json_parse(call, "OPA's answer", response.body, response.body_size, &answer);
    if (rc) return rc;
    read_result(call, answer, found);
    found->inputs = cJSON_CreateObject();
    const char *id = text_of(answer, "decision_id");
    if (id) put_text(found->inputs, "decision_id", id);
    return 0;
}

int gate_webhook(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    sl_response response;
    int rc = post(call, question, question_of(call, question), &response);
    if (rc) return rc;
    found->inputs = cJSON_CreateObject();
    put_number(found->inputs, "status", response.status);
    if (response.status >= 200 && response.status <= 202) {
        found->answer = GATE_PASS;
        found->why = sl_printf(call, "the webhook answered %d", response.status);
        return 0;
    }
    if (response.status >= 500)
        return sl_fail(call, SL_UNAVAILABLE, "the webhook answered %d", response.status);
    found->answer = GATE_HOLD;
    found->why = sl_printf(call, "the webhook answered %d: %.120s", response.status, response.body);
    found->would_pass_if = "it answers 200";
    return 0;
}
