/* Gates on a real engine with a clock that is moved by hand: what each lets pass, holds, and does when
 * nobody answers. */
#include <sluice/sluice.h>
#include <sluice/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const sl_plugin sluice_plugin;

static const char manifest[] =
    "kind: Rollout\\nmetadata: {name: shop}\\nspec: {template: {spec: {containers: [{image: "
    "'shop:1'}]}}, strategy: {canary: {steps: [{setWeight: 20}, {pause: {duration: 60}}, "
    "{setWeight: 100}]}}}\\n";

static const char token_file[] = SLUICE_BUILD_DIR "/tests/argocd.token";

static sl_test_host *host_with(const char *gates) {
    static const char *const files[] = {SLUICE_BUILD_DIR "/tests/stand-in-gates.so", NULL};
    char config[2000];
    (void)snprintf(config, sizeof config,
                   "{\"gates\":%s,\"gate_scripts\":\"%s\",\"argocd\":{\"server\":\"https://cd\","
                   "\"token_file\":\"%s\"}}",
                   gates, SLUICE_SOURCE_DIR "/scripts/lua/gates", token_file);
    sl_test_host *host = sl_test_host_new(
        &(sl_test_options){.plugin = &sluice_plugin, .files = files, .config = config});
    if (!host) print_error("%s\n", sl_test_error());
    assert_non_null(host);
    return host;
}

static char id[64];

static void import(sl_test_host *host, const char *risk, const char *simulate) {
    char body[2000];
    (void)snprintf(body, sizeof body,
                   "{\"manifest\":\"%s\",\"environment\":\"prod\",\"risk_level\":\"%s\","
                   "\"simulate\":%s}",
                   manifest, risk, simulate);
    assert_int_equal(sl_test_call(host, "rollout.import", body), SL_OK);
    cJSON *answer = cJSON_Parse(sl_test_answer(host));
    (void)snprintf(id, sizeof id, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(answer, "id")));
    cJSON_Delete(answer);
}

/* "phase code weight" after some time */
static const char *after(sl_test_host *host, int64_t ms) {
    static char text[200];
    char get[100];
    for (int64_t gone = 0; gone < ms; gone += 1000) sl_test_advance(host, 1000);
    (void)snprintf(get, sizeof get, "{\"id\":\"%s\"}", id);
    assert_int_equal(sl_test_call(host, "rollout.get", get), SL_OK);
    cJSON *run = cJSON_Parse(sl_test_answer(host));
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(run, "code"));
    const cJSON *weight = cJSON_GetObjectItem(run, "weight");
    (void)snprintf(text, sizeof text, "%s %s %d",
                   cJSON_GetStringValue(cJSON_GetObjectItem(run, "phase")), code ? code : "",
                   weight ? weight->valueint : -1);
    cJSON_Delete(run);
    return text;
}

static void tell(sl_test_host *host, const char *answers) {
    assert_int_equal(sl_test_call(host, "stand.set", answers), SL_OK);
}

#define BUSY "{\"rps\":1000}"
#define LEFT(SHARE, ALERTS)                                                                        \
    "{\"slo\":{\"items\":[{\"service\":\"shop\",\"budget_left\":" SHARE ",\"alerts\":" ALERTS      \
    ",\"data_age_ms\":5}]}}"
#define PAGE "[{\"severity\":\"page\",\"state\":\"firing\"}]"

static void without_trouble_it_is_promoted(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"freeze\"},{\"kind\":\"budget\"}]");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 10000), "Paused CanaryPauseStep 20");
    assert_string_equal(after(host, 120000), "Promoted Promoted 100");
    assert_int_equal(sl_test_event_count(host, "rollout.promoted"), 1);
    sl_test_host_free(host);
}

static void a_spent_budget_holds_and_then_aborts(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"budget\",\"max_hold\":\"5m\"}]");
    tell(host, LEFT("-0.2", "[]"));
    import(host, "LOW", BUSY);
    assert_string_equal(after(host, 20000), "Held budget 0");
    tell(host, LEFT("0.4", "[]"));
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    tell(host, LEFT("0", "[]"));
    assert_string_equal(after(host, 120000), "Held budget 20");
    assert_string_equal(after(host, 400000), "Aborted budget 0");
    sl_test_host_free(host);
}

static void little_budget_lets_small_risks_pass(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"budget\"}]");
    tell(host, LEFT("0.05", "[]"));
    import(host, "LOW", BUSY);
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    import(host, "HIGH", BUSY);
    assert_string_equal(after(host, 40000), "Held budget 0");
    sl_test_host_free(host);
}

/* The service burns its budget since the version gets traffic, though the counters look fine. */
static void a_page_during_the_rollout_aborts(void **state) {
    (void)state;
    sl_test_host *host = host_with("[]");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 10000), "Paused CanaryPauseStep 20");
    tell(host, LEFT("0.5", PAGE));
    assert_string_equal(after(host, 20000), "Aborted ErrorBudgetBurn 0");
    /* one that fired before says nothing about this version */
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    sl_test_host_free(host);
}

static void nobody_answers(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"budget\"}]");
    tell(host, "{\"slo\":\"the objectives are being read\"}");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 20000), "Held budget 0");
    assert_non_null(strstr(sl_test_last_event(host, "rollout.held"), "objectives are being read"));
    sl_test_host_free(host);
    host = host_with("[{\"kind\":\"budget\",\"on_error\":\"allow\"}]");
    tell(host, "{\"slo\":\"the objectives are being read\"}");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    sl_test_host_free(host);
    host = host_with("[{\"kind\":\"budget\",\"on_error\":\"deny\",\"on_fail\":\"abort\"}]");
    tell(host, "{\"slo\":\"the objectives are being read\"}");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 20000), "Aborted budget 0");
    sl_test_host_free(host);
}

static void an_open_incident_freezes_its_service(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"freeze\"}]");
    tell(host, "{\"incidents\":{\"items\":[{\"id\":\"I1\",\"severity\":\"SEV1\","
               "\"services\":[\"other\"]}]}}");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    tell(host, "{\"incidents\":{\"items\":[{\"id\":\"I1\",\"severity\":\"SEV1\","
               "\"services\":[\"shop\"]}]}}");
    assert_string_equal(after(host, 4000000), "Held freeze 20"); /* it does not expire */
    tell(host, "{}");
    assert_string_equal(after(host, 60000), "Promoted Promoted 100");
    sl_test_host_free(host);
}

static void a_high_risk_wants_an_approval(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"risk\",\"max_level\":\"MED\"}]");
    import(host, "HIGH", BUSY);
    assert_string_equal(after(host, 20000), "Held risk 0");
    sl_test_host_free(host);
}

/* The shipped script: it denies without budget, waits with little, and applies in prod alone. */
static void scripts_in_lua(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"lua\",\"on_fail\":\"hold\"}]");
    import(host, "LOW", BUSY);
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    tell(host, LEFT("0.05", "[]"));
    assert_string_equal(after(host, 100000), "Held lua 20");
    assert_non_null(strstr(sl_test_last_event(host, "rollout.held"), "error-budget"));
    tell(host, LEFT("0.5", "[]"));
    assert_string_equal(after(host, 60000), "Promoted Promoted 100");
    sl_test_host_free(host);
    host = host_with("[{\"kind\":\"lua\",\"on_fail\":\"abort\"}]");
    tell(host, LEFT("-1", "[]"));
    import(host, "LOW", BUSY);
    assert_string_equal(after(host, 20000), "Aborted lua 0");
    sl_test_host_free(host);
}

/* What the operator sets reaches the scripts: with two_person somebody else has to agree. */
static void scripts_see_settings_and_people(void **state) {
    (void)state;
    sl_test_host *host = host_with("[{\"kind\":\"lua\",\"on_fail\":\"hold\"}],"
                                   "\"gate_settings\":{\"two_person\":true}");
    import(host, "LOW", BUSY);
    assert_string_equal(after(host, 20000), "Held lua 0");
    assert_non_null(strstr(sl_test_last_event(host, "rollout.held"), "two-person"));
    assert_non_null(strstr(sl_test_last_event(host, "rollout.held"), "0 of 1 approvals"));
    sl_test_host_free(host);
}

#define OPA "[{\"kind\":\"opa\",\"url\":\"http://opa:8181/v1/data/release\"}]"

static void opa_by_its_words(void **state) {
    static const struct {
        const char *answer, *becomes;
        int status;
    } rows[] = {{"{\"result\":true}", "Paused CanaryPauseStep 20", 200},
                {"{\"result\":{\"allow\":true}}", "Paused CanaryPauseStep 20", 200},
                {"{\"result\":false}", "Held opa 0", 200},
                {"{}", "Held opa 0", 200}, /* undefined is a denial */
                {"{\"result\":{\"decision\":\"hold\"}}", "Held opa 0", 200},
                {"nonsense", "Held opa 0", 200},
                {"{\"result\":true}", "Held opa 0", 500}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_test_host *host = host_with(OPA);
        sl_test_answer_fetch(host, "POST http://opa:8181/v1/data/release", rows[i].status,
                             rows[i].answer);
        import(host, "MED", BUSY);
        assert_string_equal(after(host, 1000), rows[i].becomes);
        sl_test_host_free(host);
    }
}

static void a_webhook_by_its_status(void **state) {
    static const struct {
        int status;
        const char *becomes;
    } rows[] = {{200, "Paused CanaryPauseStep 20"},
                {202, "Paused CanaryPauseStep 20"},
                {403, "Held webhook 0"},
                {409, "Held webhook 0"},
                {500, "Held webhook 0"},
                {0, "Held webhook 0"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_test_host *host = host_with("[{\"kind\":\"webhook\",\"url\":\"http://hook/x\"}]");
        sl_test_answer_fetch(host, "POST http://hook/x", rows[i].status, "why not");
        import(host, "MED", BUSY);
        assert_string_equal(after(host, 1000), rows[i].becomes);
        sl_test_host_free(host);
    }
}

#define APP(SYNC, HEALTH)                                                                          \
    "{\"status\":{\"sync\":{\"status\":\"" SYNC "\"},\"health\":{\"status\":\"" HEALTH "\"}}}"

static void argo_cd(void **state) {
    static const struct {
        const char *answer, *becomes;
        int status;
    } rows[] = {{APP("Synced", "Healthy"), "Paused CanaryPauseStep 20", 200},
                {APP("Synced", "Suspended"), "Paused CanaryPauseStep 20", 200},
                {APP("Synced", "Degraded"), "Held argocd 0", 200},
                {APP("OutOfSync", "Healthy"), "Held argocd 0", 200},
                {"{\"status\":{\"operationState\":{\"phase\":\"Failed\"}}}", "Held argocd 0", 200},
                {"{}", "Held argocd 0", 200},
                {"denied", "Held argocd 0", 403}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_test_host *host = host_with("[{\"kind\":\"argocd\"}]");
        sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/shop?refresh=normal",
                             rows[i].status, rows[i].answer);
        sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/shop/syncwindows", 200,
                             "{}");
        import(host, "MED", BUSY);
        assert_string_equal(after(host, 1000), rows[i].becomes);
        sl_test_host_free(host);
    }
    sl_test_host *host = host_with("[{\"kind\":\"argocd\",\"application\":\"web\",\"sync\":true}]");
    sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/web?", 200,
                         APP("OutOfSync", "Healthy"));
    sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/web/syncwindows", 200, "{}");
    sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/web/syncwindows", 200, "{}");
    sl_test_answer_fetch(host, "POST https://cd/api/v1/applications/web/sync", 200, "{}");
    import(host, "MED", BUSY);
    assert_string_equal(after(host, 1000), "Held argocd 0");
    assert_non_null(strstr(sl_test_last_event(host, "rollout.held"), "sync was asked for"));
    sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/web?", 200,
                         APP("Synced", "Progressing"));
    sl_test_answer_fetch(host, "GET https://cd/api/v1/applications/web/syncwindows", 200, "{}");
    assert_string_equal(after(host, 20000), "Paused CanaryPauseStep 20");
    sl_test_host_free(host);
}

/* A write that fails leaves everything as it was; the next tick does it again, once. */
static void failed_writes_change_no_outcome(void **state) {
    (void)state;
    sl_test_host *host = host_with("[]");
    import(host, "MED", BUSY);
    for (int i = 0; i < 12; i++) {
        sl_test_fail_commit(host, 1 + i % 3);
        (void)after(host, 3000);
    }
    (void)after(host, 200000);
    assert_string_equal(after(host, 1000), "Promoted Promoted 100");
    assert_int_equal(sl_test_event_count(host, "rollout.started"), 1);
    assert_int_equal(sl_test_event_count(host, "rollout.promoted"), 1);
    assert_int_equal(sl_test_event_count(host, "rollout.step_reached"), 3);
    sl_test_host_free(host);
}

int main(void) {
    FILE *token = fopen(token_file, "w");
    if (!token || fputs("t\n", token) < 0 || fclose(token) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_trouble_it_is_promoted),
        cmocka_unit_test(a_spent_budget_holds_and_then_aborts),
        cmocka_unit_test(little_budget_lets_small_risks_pass),
        cmocka_unit_test(a_page_during_the_rollout_aborts),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(an_open_incident_freezes_its_service),
        cmocka_unit_test(a_high_risk_wants_an_approval),
        cmocka_unit_test(scripts_in_lua),
        cmocka_unit_test(scripts_see_settings_and_people),
        cmocka_unit_test(opa_by_its_words),
        cmocka_unit_test(a_webhook_by_its_status),
        cmocka_unit_test(argo_cd),
        cmocka_unit_test(failed_writes_change_no_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
