/* engine_measure.c - numbers about a rollout: its metrics by their providers, and the judge over what
 * the driver counts. */
#include "engine_run.h"
#include "jsonpath.h"
#include "judge/judge.h"
#include "tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct measurement broken(const char *why) {
    struct measurement measured = {.phase = ANALYSIS_ERROR};
    (void)snprintf(measured.why, sizeof measured.why, "%s", why);
    return measured;
}

static struct measurement judged(sl_call *call, const struct metric *metric, const cJSON *value) {
    struct measurement measured = {0};
    measured.phase = measurement_judge(metric->success, metric->failure, value, measured.why);
    (void)snprintf(measured.value, sizeof measured.value, "%s",
                   value ? sl_json_print(call, value) : "");
    return measured;
}

/* ---- what the driver sees stands in for a time series ---- */

/* The share of good answers of the new version, in the shape of a vector of Prometheus. */
static struct measurement of_counts(sl_call *call, const struct metric *metric,
                                    const struct driver_view *view) {
    cJSON *value = cJSON_CreateArray();
    if (view->canary.requests >= 1)
        cJSON_AddItemToArray(value,
                             cJSON_CreateNumber((view->canary.requests - view->canary.errors) /
                                                view->canary.requests));
    struct measurement measured = judged(call, metric, value);
    measured.simulated = view->simulated;
    return measured;
}

/* ---- prometheus ---- */

static double number_in(const cJSON *item) {
    if (cJSON_IsNumber(item)) return item->valuedouble;
    if (cJSON_IsString(item)) return strtod(item->valuestring, NULL); /* "NaN" "+Inf" */
    return NAN;
}

static struct measurement of_prometheus(sl_call *call, const struct metric *metric,
                                        const char *query) {
    cJSON *in = cJSON_CreateObject(), *out = NULL, *value = cJSON_CreateArray();
    const cJSON *series;
    put_borrowed(in, "query", query);
    if (sl_invoke(call, "query.prometheus", in, &out)) return broken(sl_failure(call));
    cJSON_ArrayForEach(series, item_of(out, "result")) {
        const cJSON *pair = item_of(series, "value");
        cJSON_AddItemToArray(value, cJSON_CreateNumber(number_in(cJSON_GetArrayItem(pair, 1))));
    }
    return judged(call, metric, value);
}

/* ---- web ---- */

static const char *const *headers_of(sl_call *call, const cJSON *web) {
    const cJSON *list = item_of(web, "headers"), *row;
    const char **headers = sl_alloc(call, sizeof *headers * ((size_t)cJSON_GetArraySize(list) + 2));
    size_t count = 0;
    cJSON_ArrayForEach(row, list) {
        const char *key = text_of(row, "key"), *value = text_of(row, "value");
        if (key && value) headers[count++] = sl_printf(call, "%s: %s", key, value);
    }
    if (item_of(web, "jsonBody")) headers[count++] = "Content-Type: application/json";
    return headers;
}

static const char *web_fault(const cJSON *web, const char *method) {
    const bool body = text_of(web, "body") != NULL, json = item_of(web, "jsonBody") != NULL;
    if (body && json)
        return "use either Body or JSONBody; both cannot exists for WebMetric payload";
    if ((body || json) && strcmp(method, "GET") == 0)
        return "Body/JSONBody can only be used with POST or PUT WebMetric Method types";
    return text_of(web, "url") ? NULL : "the web provider needs a url";
}

static struct measurement of_answer(sl_call *call, const struct metric *metric, const cJSON *web,
                                    const sl_response *response) {
    char fault[WHY_BYTES];
    cJSON *json = cJSON_ParseWithLength(response->body, response->body_size);
    const char *path = text_of(web, "jsonPath");
    if (!json) return judged(call, metric, cJSON_CreateString(response->body));
    const cJSON *value = jsonpath_first(path ? path : "{$}", json, fault, sizeof fault);
    return value ? judged(call, metric, value) : broken(fault);
}

static struct measurement of_web(sl_call *call, const struct metric *metric, const cJSON *web) {
    const char *method = text_of(web, "method");
    if (!method) method = "GET";
    const char *fault = web_fault(web, method);
    if (fault) return broken(fault);
    const cJSON *json = item_of(web, "jsonBody");
    const char *body = json ? sl_json_print(call, json) : text_of(web, "body");
    const double timeout_s = number_of(web, "timeoutSeconds");
    const sl_request request = {.method = method,
                                .url = text_of(web, "url"),
                                .headers = headers_of(call, web),
                                .body = body,
                                .body_size = body ? strlen(body) : 0,
                                .max_bytes = 1 << 20,
                                .timeout_ms = timeout_s > 0 ? (int64_t)(timeout_s * 1000) : 10000};
    sl_response response;
    if (sl_fetch(call, &request, &response)) return broken(sl_failure(call));
    if (response.status < 200 || response.status > 299)
        return broken(sl_printf(call, "received non 2xx response code: %d", response.status));
    return of_answer(call, metric, web, &response);
}

/* ---- by provider ---- */

/* The metric with its args filled in; what only a cluster knows is the rollout's own id. */
static const cJSON *provider_of(sl_call *call, const struct run *run, const struct metric *metric,
                                const char **missing) {
    const char *text = sl_json_print(call, item_of(metric->json, "provider"));
    *missing = NULL;
    if (!strstr(text, "{{")) return item_of(metric->json, "provider");
    const cJSON *args = item_of(run->plan, "args"), *defaults = item_of(run->plan, "template_args");
    char *filled = plan_fill_args(text, args, defaults, run->id, missing);
    return filled ? cJSON_Parse(filled) : NULL;
}

struct measurement run_measure(sl_call *call, const struct run *run, const struct metric *metric,
                               const struct driver_view *view) {
    const char *missing;
    const cJSON *provider = provider_of(call, run, metric, &missing);
    if (missing) return broken(sl_printf(call, "failed to resolve %.40s", missing));
    const cJSON *prometheus = item_of(provider, "prometheus"), *web = item_of(provider, "web");
    if (view->simulated && prometheus) return of_counts(call, metric, view);
    if (item_of(provider, "driver")) return of_counts(call, metric, view);
    if (web) return of_web(call, metric, web);
    const char *query = text_of(prometheus, "query");
    if (query) return of_prometheus(call, metric, query);
    return broken(sl_printf(call,
                            "no provider that can be asked here: %.60s; there are "
                            "prometheus, web and driver",
                            provider && provider->child ? provider->child->string : "none"));
}

/* ---- the judge ---- */

/* Since the weight settled. A new epoch, or counters that fell, begin anew: what was counted before
 * is lost, and is not guessed. */
static struct judge_count since(double all, double bad, const cJSON *start, const char *all_name,
                                const char *bad_name) {
    return (struct judge_count){.all = all - number_of(start, all_name),
                                .bad = bad - number_of(start, bad_name)};
}

static const cJSON *counting_start(struct run *run, const struct driver_view *view) {
    cJSON *start = cJSON_GetObjectItemCaseSensitive(run->seen, "counts");
    const char *epoch = view->counts_epoch ? view->counts_epoch : "";
    const char *known = text_of(start, "epoch");
    const bool same = start && known && strcmp(known, epoch) == 0 &&
                      number_of(start, "shifted") == (double)run->state.shifted_ms &&
                      view->canary.requests >= number_of(start, "canary") &&
                      view->stable.requests >= number_of(start, "stable");
    if (same) return start;
    /* A driver that counts from the shift on says so by its epoch: nothing is taken off then. */
    const bool fresh = view->simulated;
    cJSON_DeleteItemFromObjectCaseSensitive(run->seen, "counts");
    start = put_object(run->seen, "counts");
    put_text(start, "epoch", epoch);
    put_number(start, "shifted", (double)run->state.shifted_ms);
    put_number(start, "canary", fresh ? 0 : view->canary.requests);
    put_number(start, "canary_errors", fresh ? 0 : view->canary.errors);
    put_number(start, "stable", fresh ? 0 : view->stable.requests);
    put_number(start, "stable_errors", fresh ? 0 : view->stable.errors);
    return start;
}

static struct machine_gate gate_of(sl_call *call, const struct judge_verdict *verdict,
                                   const struct judge_finding *finding,
                                   const struct driver_view *view) {
    static const enum gate_answer answers[] = {
        [JUDGE_HOLD] = GATE_HOLD, [JUDGE_PASS] = GATE_PASS, [JUDGE_FAIL] = GATE_FAIL};
    return (struct machine_gate){.answer = answers[verdict->answer],
                                 .aborts = true,
                                 .name = "CanaryJudge",
                                 .why = sl_strdup(call, finding->words),
                                 .samples = (int64_t)finding->experiment_samples,
                                 .simulated = view->simulated};
}

/* JSON has no infinity: an end of an interval that is open is left out. */
static void put_finite(cJSON *json, const char *name, double value) {
    if (isfinite(value)) put_number(json, name, value);
}

static void tell_judge(sl_call *call, const struct run *run, const struct judge_finding *finding,
                       const struct machine_gate *gate, cJSON *verdicts) {
    static const char *const outcomes[] = {"", "pass", "hold", "fail"};
    cJSON *verdict =
        gate_verdict(call, run, "canary-judge", "judge", outcomes[gate->answer], gate->why);
    put_text(verdict, "method", finding->method ? finding->method : "");
    put_finite(verdict, "samples", finding->experiment_samples);
    put_finite(verdict, "control_samples", finding->control_samples);
    if (finding->scale) {
        put_text(verdict, "scale", finding->scale);
        put_finite(verdict, "low", finding->low);
        put_finite(verdict, "estimate", finding->estimate);
        put_finite(verdict, "high", finding->high);
        put_finite(verdict, "boundary", finding->boundary);
    }
    if (gate->answer == GATE_HOLD && isfinite(finding->more_samples))
        put_text(verdict, "would_pass_if",
                 sl_printf(call,
                           "about %.0f more requests reach the new version and it stays as "
                           "it is",
                           ceil(finding->more_samples)));
    put_number(verdict, "window_ms", (double)(sl_now_ms(call) - run->state.settled_ms));
    if (gate->simulated) put_bool(verdict, "simulated", true);
    cJSON_AddItemToArray(verdicts, verdict);
}

struct machine_gate run_guard(sl_call *call, struct run *run, const struct driver_view *view,
                              cJSON *verdicts) {
    const struct rollout *rollout = sl_state(call);
    if (view->canary.requests < 0 || view->canary.errors < 0)
        return (struct machine_gate){.answer = GATE_HOLD,
                                     .name = "CanaryJudge",
                                     .why = "the driver counts no requests of the new version"};
    const cJSON *start = counting_start(run, view);
    const struct judge_count canary =
        since(view->canary.requests, view->canary.errors, start, "canary", "canary_errors");
    const struct judge_count stable =
        since(view->stable.requests, view->stable.errors, start, "stable", "stable_errors");
    const bool compared = stable.all >= 1;
    const struct judge_metric metric = {
        .name = "error share",
        .kind = JUDGE_RATE,
        .worse = JUDGE_HIGHER,
        .control_rate = compared ? &stable : NULL,
        .experiment_rate = &canary,
        .intervals = 1,
        .allowed = sl_get_number(rollout->config, "judge_allowed", 0.1),
        .allowed_by = sl_get_number(rollout->config, "judge_allowed_by", 0.005),
        .limit = 1 - sl_get_number(rollout->config, "success_floor", 0.95)};
    struct judge_finding *finding = sl_alloc(call, sizeof *finding);
    struct judge_verdict *verdict = sl_alloc(call, sizeof *verdict);
    if (canary.all < 1)
        return (struct machine_gate){.answer = GATE_HOLD,
                                     .name = "CanaryJudge",
                                     .why =
                                         "no request has reached the new version at this weight"};
    judge(&metric, 1, &(struct judge_settings){0}, finding, verdict);
    const struct machine_gate gate = gate_of(call, verdict, finding, view);
    tell_judge(call, run, finding, &gate, verdicts);
    return gate;
}
