/* The plugin on a real registry, validation and store in memory; risk and policies stood in for. */
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

/* JSON inside of JSON text, with ' for each quote until request() writes it. */
#define LOW   "{'level':'LOW','score':10,'reason':'small'}"
#define ALLOW "{'decision':'allow','allowed':true,'results':[{'rule':'r','outcome':'allow'}]}"
#define DENY                                                                                       \
    "{'decision':'deny','allowed':false,'results':[{'rule':'r','outcome':'deny','reason':'no',"    \
    "'fix':'do'}]}"

static int setup(void **state) {
    static const char *const files[] = {SLUICE_BUILD_DIR "/tests/stand-in.so", NULL};
    *state = sl_test_host_new(&(sl_test_options){.plugin = &sluice_plugin, .files = files});
    if (!*state) print_error("%s\n", sl_test_error());
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    sl_test_host_free(*state);
    return 0;
}

static char *with_quotes(char *text) {
    for (char *at = text; *at; at++)
        if (*at == '\'') *at = '"';
    return text;
}

static int request(sl_test_host *host, const char *environment, const char *risk,
                   const char *policy) {
    char message[1024], reason[1024];
    (void)snprintf(message, sizeof message, "%s", risk);
    (void)snprintf(reason, sizeof reason, "%s", policy);
    cJSON *in =
        cJSON_Parse("{\"app_name\":\"shop\",\"config\":{\"image\":\"shop:1\",\"replicas\":2}}");
    cJSON_AddStringToObject(in, "environment", environment);
    cJSON_AddStringToObject(in, "message", with_quotes(message));
    cJSON_AddStringToObject(in, "reason", with_quotes(reason));
    char *json = cJSON_PrintUnformatted(in);
    int rc = sl_test_call(host, "deploy.request", json);
    cJSON_free(json);
    cJSON_Delete(in);
    return rc;
}

static bool answered(sl_test_host *host, const char *piece) {
    bool found = strstr(sl_test_answer(host), piece) != NULL;
    if (!found) print_error("no %s in %s\n", piece, sl_test_answer(host));
    return found;
}

static size_t rows_with(sl_test_host *host, const char *filter) {
    assert_int_equal(sl_test_call(host, "deploy.list", filter), SL_OK);
    cJSON *answer = cJSON_Parse(sl_test_answer(host));
    size_t count = (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(answer, "items"));
    cJSON_Delete(answer);
    return count;
}

static void an_approval_is_kept_and_told(void **state) {
    sl_test_host *host = *state;
    assert_int_equal(request(host, "prod", LOW, ALLOW), SL_OK);
    assert_true(answered(host, "\"status\":\"APPROVED\""));
    assert_true(answered(host, "\"kind\":\"Rollout\""));
    cJSON *answer = cJSON_Parse(sl_test_answer(host));
    assert_non_null(answer);
    cJSON_Delete(answer);
    assert_int_equal(rows_with(host, "{}"), 1);
    assert_int_equal(sl_test_event_count(host, "deployment.requested"), 1);
    assert_int_equal(sl_test_event_count(host, "deployment.approved"), 1);
    assert_non_null(strstr(sl_test_last_event(host, "deployment.approved"), "\"shop\""));
    assert_true(sl_test_metric(host, "sluice_deployments_requested_total{environment=\"prod\","
                                     "decision=\"APPROVED\"}") == 1.0);
}

/* Read back, the manifests are the objects that were answered, though only their values are kept. */
static void what_is_read_back_was_answered(void **state) {
    sl_test_host *host = *state;
    for (int i = 0; i < 3; i++) { /* the third finds the skeleton in the store */
        assert_int_equal(request(host, i ? "stage" : "prod", LOW, ALLOW), SL_OK);
        cJSON *told = cJSON_Parse(sl_test_answer(host));
        char get[100];
        (void)snprintf(get, sizeof get, "{\"id\":\"%s\"}",
                       cJSON_GetStringValue(cJSON_GetObjectItem(told, "id")));
        assert_int_equal(sl_test_call(host, "deploy.get", get), SL_OK);
        cJSON *kept = cJSON_Parse(sl_test_answer(host));
        assert_true(cJSON_Compare(told, kept, 1));
        assert_int_equal(sl_test_call(host, "deploy.manifests", get), SL_OK);
        assert_true(answered(host, "\"kind\":\"AnalysisTemplate\""));
        cJSON_Delete(told), cJSON_Delete(kept);
    }
}

static void a_denial_is_an_answer(void **state) {
    sl_test_host *host = *state;
    assert_int_equal(request(host, "dev", LOW, DENY), SL_OK);
    assert_true(answered(host, "\"status\":\"DENIED\""));
    assert_true(answered(host, "\"fix\":\"do\""));
    assert_int_equal(sl_test_event_count(host, "deployment.denied"), 1);
}

static void failing_neighbours_do_not_approve(void **state) {
    sl_test_host *host = *state;
    assert_int_equal(request(host, "dev", LOW, "fail"), SL_OK);
    assert_true(answered(host, "\"status\":\"DENIED\""));
    assert_true(answered(host, "the stand-in was told to fail"));
    assert_int_equal(request(host, "dev", "fail", ALLOW), SL_OK);
    assert_true(answered(host, "\"status\":\"NEEDS_APPROVAL\""));
    assert_int_equal(request(host, "prod", "fail", ALLOW), SL_OK);
    assert_true(answered(host, "\"status\":\"DENIED\""));
}

/* Nothing acknowledged that is not kept, and nothing told that did not happen. */
static void a_failed_commit_is_no_answer(void **state) {
    sl_test_host *host = *state;
    sl_test_fail_commit(host, 1);
    assert_int_not_equal(request(host, "dev", LOW, ALLOW), SL_OK);
    assert_int_equal(rows_with(host, "{}"), 0);
    assert_int_equal(sl_test_event_count(host, "*"), 0);
    assert_int_equal(request(host, "dev", LOW, ALLOW), SL_OK);
    assert_int_equal(rows_with(host, "{}"), 1);
}

static void permissions_are_asked(void **state) {
    sl_test_host *host = *state;
    const char *body = "{\"app_name\":\"a\",\"environment\":\"dev\",\"config\":{\"image\":\"a\"}}";
    assert_int_equal(sl_test_call_as(host, "deploy:read", "deploy.request", body), SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "deploy:write", "deploy.list", "{}"), SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "deploy:read", "deploy.list", "{}"), SL_OK);
}

static void wrong_requests_change_nothing(void **state) {
    sl_test_host *host = *state;
    static const char *const faults[][3] = {{"A_B", "dev", "{\"image\":\"a\"}"},
                                            {"a", "moon", "{\"image\":\"a\"}"},
                                            {"a", "dev", "{}"},
                                            {"a", "dev", "{\"image\":\"a\",\"replicas\":-1}"}};
    char json[256];
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        (void)snprintf(json, sizeof json,
                       "{\"app_name\":\"%s\",\"environment\":\"%s\",\"config\":%s}", faults[i][0],
                       faults[i][1], faults[i][2]);
        assert_int_equal(sl_test_call(host, "deploy.request", json), SL_INVALID);
    }
    static const char falling[] = "{\"app_name\":\"a\",\"environment\":\"dev\",\"config\":{"
                                  "\"image\":\"a\"},\"steps\":[{\"weight\":9},{\"weight\":5}]}";
    assert_int_equal(sl_test_call(host, "deploy.request", falling), SL_INVALID);
    assert_int_equal(sl_test_call(host, "deploy.request", "{}"), SL_INVALID);
    assert_int_equal(rows_with(host, "{}"), 0);
    assert_int_equal(sl_test_event_count(host, "*"), 0);
}

static void the_list_filters(void **state) {
    sl_test_host *host = *state;
    assert_int_equal(request(host, "dev", LOW, ALLOW), SL_OK);
    assert_int_equal(request(host, "stage", LOW, ALLOW), SL_OK);
    assert_int_equal(request(host, "stage", LOW, DENY), SL_OK);
    assert_int_equal(rows_with(host, "{\"environment\":\"stage\"}"), 2);
    assert_int_equal(rows_with(host, "{\"environment\":\"stage\",\"status\":\"DENIED\"}"), 1);
    assert_int_equal(rows_with(host, "{\"app_name\":\"shop\",\"status\":\"APPROVED\"}"), 2);
    assert_int_equal(rows_with(host, "{\"app_name\":\"none\"}"), 0);
    assert_int_equal(rows_with(host, "{\"limit\":1}"), 1);
}

static void settings_that_contradict_are_refused(void **state) {
    (void)state;
    sl_test_host *host = sl_test_host_new(&(sl_test_options){
        .plugin = &sluice_plugin, .config = "{\"success_floor\":0.9,\"success_target\":0.5}"});
    assert_null(host);
    assert_non_null(strstr(sl_test_error(), "success_floor"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_approval_is_kept_and_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_read_back_was_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_denial_is_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_neighbours_do_not_approve, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_commit_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(permissions_are_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_requests_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_list_filters, setup, teardown),
        cmocka_unit_test(settings_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
