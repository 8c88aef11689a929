/* The plugin on a real registry, validation and store in memory. */
#include <sluice/sluice.h>
#include <sluice/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const sl_plugin sluice_plugin;

enum { NOW_S = 1777882800 }; /* 2026-05-04T08:20:00Z */

static int setup(void **state) {
    *state = sl_test_host_new(
        &(sl_test_options){.plugin = &sluice_plugin, .now_ms = (int64_t)NOW_S * 1000 + 60000});
    if (!*state) print_error("%s\n", sl_test_error());
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    sl_test_host_free(*state);
    return 0;
}

static bool answered(sl_test_host *host, const char *piece) {
    const bool found = strstr(sl_test_answer(host), piece) != NULL;
    if (!found) print_error("no %s in %s\n", piece, sl_test_answer(host));
    return found;
}

static void call(sl_test_host *host, const char *op, const char *json) {
    const int rc = sl_test_call(host, op, json);
    if (rc) print_error("%s: %s\n", op, sl_test_answer(host));
    assert_int_equal(rc, 0);
}

static const char *text_of(sl_test_host *host, const char *member) {
    static char out[64];
    cJSON *json = cJSON_Parse(sl_test_answer(host));
    const cJSON *item = cJSON_GetObjectItem(json, member);
    if (cJSON_IsArray(item)) item = item->child;
    assert_true(cJSON_IsString(item));
    (void)snprintf(out, sizeof out, "%s", item->valuestring);
    cJSON_Delete(json);
    return out;
}

static char *alert(const char *group, const char *name, const char *service, const char *status,
                   const char *severity, const char *print) {
    static char out[1024];
    (void)snprintf(
        out, sizeof out,
        "{\"version\":\"4\",\"groupKey\":\"%s\",\"status\":\"%s\",\"notification_reason\":\"first "
        "notification\",\"alerts\":[{\"status\":\"%s\",\"labels\":{\"alertname\":\"%s\",\"service\":"
        "\"%s\",\"severity\":\"%s\",\"environment\":\"prod\"},\"annotations\":{\"summary\":\"error "
        "rate is high\"},\"startsAt\":\"2026-05-04T08:20:00Z\",\"endsAt\":\"%s\",\"fingerprint\":"
        "\"%s\"}]}",
        group, status, status, name, service, severity,
        strcmp(status, "resolved") ? "0001-01-01T00:00:00Z" : "2026-05-04T08:20:30Z", print);
    return out;
}

static void a_hundred_repeats_are_one_incident(void **state) {
    sl_test_host *host = *state;
    for (int i = 0; i < 100; i++)
        call(host, "incident.alertmanager",
             alert("g1", "HighErrors", "shop", "firing", "critical", "f1"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 1);
    call(host, "incident.list", "{}");
    assert_true(answered(host, "\"alerts\":1,"));
    assert_true(answered(host, "\"severity\":\"SEV1\""));
    assert_true(answered(host, "\"detected_at\":\"2026-05-04T08:20:00Z\""));
}

static void alerts_of_a_service_join_other_problems_stay_apart(void **state) {
    sl_test_host *host = *state;
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "firing", "warning", "f1"));
    call(host, "incident.alertmanager", alert("g2", "Latency", "shop", "firing", "critical", "f2"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 1);
    call(host, "incident.list", "{}");
    assert_true(answered(host, "\"severity\":\"SEV1\"")); /* raised by the second */
    call(host, "incident.alertmanager", alert("g3", "Errors", "mail", "firing", "error", "f3"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 2);
    call(host, "incident.alertmanager", alert("g4", "Watchdog", "wd", "firing", "none", "f4"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 2); /* too mild */
    assert_true(answered(host, "\"unattached\":1"));
}

static void the_end_of_all_alerts_mitigates_then_resolves(void **state) {
    sl_test_host *host = *state;
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "firing", "error", "f1"));
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "resolved", "error", "f1"));
    assert_int_equal(sl_test_event_count(host, "incident.mitigated"), 1);
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "firing", "error", "f1"));
    assert_int_equal(sl_test_event_count(host, "incident.reopened"), 0); /* it came late */
    sl_test_advance(host, 20 * 60 * 1000);
    assert_int_equal(sl_test_event_count(host, "incident.resolved"), 1);
    char later[1024];
    (void)snprintf(later, sizeof later, "%s",
                   alert("g1", "Errors", "shop", "firing", "error", "f1"));
    memcpy(strstr(later, "08:20:00Z"), "08:40:00Z", 9);
    call(host, "incident.alertmanager", later); /* soon again: the same incident */
    assert_int_equal(sl_test_event_count(host, "incident.reopened"), 1);
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 1);
}

static void an_end_before_its_beginning_opens_nothing(void **state) {
    sl_test_host *host = *state;
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "resolved", "error", "f1"));
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "resolved", "error", "f1"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 0);
}

static void damaged_alerts_are_counted_not_refused(void **state) {
    sl_test_host *host = *state;
    call(host, "incident.alertmanager",
         "{\"groupKey\":\"g\",\"alerts\":[7,{},{\"labels\":{\"alertname\":\"A\"},\"startsAt\":"
         "\"never\",\"status\":\"firing\"}],\"newField\":{}}");
    assert_true(answered(host, "\"damaged\":2"));
    assert_true(answered(host, "\"opened\":1"));
    assert_int_equal(sl_test_call(host, "incident.alertmanager", "{}"), SL_INVALID);
}

static void a_life_by_hand(void **state) {
    sl_test_host *host = *state;
    char json[400], id[64];
    call(host, "incident.open", "{\"title\":\"Checkout is slow\",\"services\":[\"checkout\"]}");
    (void)snprintf(id, sizeof id, "%s", text_of(host, "id"));
    static const char *const steps[] = {"incident.acknowledge", "incident.mitigate",
                                        "incident.resolve", "incident.reopen"};
    static const char *const told[] = {"incident.acknowledged", "incident.mitigated",
                                       "incident.resolved", "incident.reopened"};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"note\":\"n%zu\"}", id, i);
        call(host, steps[i], json);
        assert_int_equal(sl_test_event_count(host, told[i]), 1);
        call(host, steps[i], json); /* said twice */
        assert_int_equal(sl_test_event_count(host, told[i]), 1);
    }
    (void)snprintf(json, sizeof json,
                   "{\"id\":\"%s\",\"severity\":\"SEV1\",\"roles\":{\"commander\":\"ada\"}}", id);
    call(host, "incident.update", json);
    assert_true(answered(host, "\"commander\":\"ada\""));
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"at\":\"2020-01-01T00:00:00Z\"}", id);
    assert_int_equal(sl_test_call(host, "incident.mitigate", json), SL_INVALID);
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", id);
    call(host, "incident.timeline", json);
    assert_true(answered(host, "Mitigated: n1"));
    assert_true(answered(host, "Severity changed from SEV3 to SEV1"));
    assert_true(answered(host, "commander is now ada"));
    assert_int_equal(sl_test_call(host, "incident.get", "{\"id\":\"nope\"}"), SL_NOT_FOUND);
}

static void an_edit_keeps_the_original(void **state) {
    sl_test_host *host = *state;
    char json[400], id[64], line[64];
    call(host, "incident.open", "{\"title\":\"T\"}");
    (void)snprintf(id, sizeof id, "%s", text_of(host, "id"));
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"text\":\"the db is down\"}", id);
    call(host, "incident.note", json);
    (void)snprintf(line, sizeof line, "%s", text_of(host, "id"));
    (void)snprintf(json, sizeof json,
                   "{\"id\":\"%s\",\"line\":\"%s\",\"text\":\"the replica is down\"}", id, line);
    call(host, "incident.edit", json);
    assert_true(answered(host, "\"text\":\"the replica is down\",\"original\":\"the db is down\""));
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"line\":\"%s\",\"hidden\":true}", id, line);
    call(host, "incident.edit", json);
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", id);
    call(host, "incident.timeline", json);
    assert_null(strstr(sl_test_answer(host), "replica"));
    assert_true(answered(host, "\"hidden\":1"));
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"all\":true}", id);
    call(host, "incident.timeline", json);
    assert_true(answered(host, "the db is down"));
}

static void merge_and_split_move_alerts(void **state) {
    sl_test_host *host = *state;
    char a[64], b[64], json[400];
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "firing", "error", "f1"));
    (void)snprintf(a, sizeof a, "%s", text_of(host, "incidents"));
    call(host, "incident.alertmanager", alert("g2", "Errors", "mail", "firing", "error", "f2"));
    (void)snprintf(b, sizeof b, "%s", text_of(host, "incidents"));
    assert_string_not_equal(a, b);
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"into\":\"%s\"}", b, a);
    call(host, "incident.merge", json);
    assert_true(answered(host, "\"alerts\":2,"));
    assert_true(answered(host, "\"services\":[\"mail\",\"shop\"]"));
    call(host, "incident.alertmanager", alert("g2", "More", "mail", "firing", "error", "f3"));
    assert_int_equal(sl_test_event_count(host, "incident.opened"), 2); /* joined the merged one */
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", a);
    call(host, "incident.get", json);
    cJSON *got = cJSON_Parse(sl_test_answer(host));
    const cJSON *first = cJSON_GetObjectItem(got, "alert_list")->child;
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"alerts\":[\"%s\"],\"title\":\"Apart\"}", a,
                   cJSON_GetObjectItem(first, "id")->valuestring);
    cJSON_Delete(got);
    call(host, "incident.split", json);
    assert_true(answered(host, "\"title\":\"Apart\""));
    assert_true(answered(host, "\"alerts\":1,"));
}

static void deployments_and_gates_stand_in_the_timeline(void **state) {
    sl_test_host *host = *state;
    sl_test_publish(host, "rollout.started", "deployment/D1",
                    "{\"deployment_id\":\"D1\",\"app_name\":\"shop\",\"environment\":\"prod\","
                    "\"image\":\"r/shop:1.4.2\",\"risk_level\":\"HIGH\"}");
    sl_test_publish(host, "rollout.gate_judged", "deployment/D1",
                    "{\"deployment_id\":\"D1\",\"app_name\":\"shop\",\"environment\":\"prod\","
                    "\"gate\":\"error-rate\",\"outcome\":\"fail\",\"reason\":\"5 % > 1 %\"}");
    sl_test_publish(host, "rollout.started", "deployment/D2",
                    "{\"app_name\":\"other\",\"environment\":\"prod\"}");
    sl_test_advance(host, 1000); /* a listener may have waited for a thread */
    call(host, "incident.alertmanager", alert("g1", "Errors", "shop", "firing", "error", "f1"));
    char json[100];
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", text_of(host, "incidents"));
    call(host, "incident.timeline", json);
    assert_true(answered(host, "Rollout started: shop 1.4.2"));
    assert_true(answered(host, "gate error-rate fail (5 % > 1 %)"));
    assert_true(answered(host, "\"ref\":\"deployment/D1\""));
    assert_null(strstr(sl_test_answer(host), "D2"));
}

/* The deployment right before the onset, on the alerting service, is linked once. */
static void the_deployment_to_blame_is_linked(void **state) {
    sl_test_host *host = *state;
    sl_test_publish(host, "rollout.started", "deployment/D1",
                    "{\"deployment_id\":\"D1\",\"app_name\":\"shop\",\"environment\":\"prod\","
                    "\"image\":\"r/shop:1.4.2\",\"risk_level\":\"HIGH\"}");
    sl_test_advance(host, 1000);
    char json[1024];
    (void)snprintf(json, sizeof json, "%s", alert("g1", "Errors", "shop", "firing", "error", "f1"));
    memcpy(strstr(json, "08:20:00Z"), "08:23:00Z", 9); /* the clock stands at 08:21 */
    sl_test_advance(host, 150000);
    call(host, "incident.alertmanager", json);
    char id[64];
    (void)snprintf(id, sizeof id, "%s", text_of(host, "incidents"));
    (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", id);
    call(host, "incident.suspects", json);
    assert_true(answered(host, "\"named\":true"));
    assert_true(answered(host, "\"deployment_id\":\"D1\""));
    sl_test_advance(host, 120000);
    assert_int_equal(sl_test_event_count(host, "incident.linked"), 1);
    assert_non_null(strstr(sl_test_last_event(host, "incident.linked"), "deployment/D1"));
}

static void kubernetes_events_become_alerts(void **state) {
    sl_test_host *host = *state;
    call(host, "incident.kubernetes",
         "{\"kind\":\"Event\",\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":\"prod\",\"name\":"
         "\"shop-7d9f8b6c5d-x2x4z\"},\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off\","
         "\"type\":\"Warning\",\"count\":12,\"firstTimestamp\":\"2026-05-04T08:10:00Z\","
         "\"lastTimestamp\":\"2026-05-04T08:20:00Z\"}");
    assert_true(answered(host, "\"opened\":1"));
    call(host, "incident.list", "{\"service\":\"shop\"}");
    assert_true(answered(host, "shop: CrashLoopBackOff: the container crashes again and again"));
    call(host, "incident.kubernetes",
         "{\"items\":[{\"regarding\":{\"kind\":\"Pod\",\"namespace\":\"prod\",\"name\":"
         "\"shop-7d9f8b6c5d-aaaaa\"},\"reason\":\"Unhealthy\",\"note\":\"probe\",\"type\":"
         "\"Warning\",\"eventTime\":\"2026-05-04T08:20:10Z\"},{\"regarding\":{},\"reason\":"
         "\"Started\",\"type\":\"Normal\"}]}");
    assert_true(answered(host, "\"joined\":1"));
    sl_test_advance(host, 40 * 60 * 1000); /* not told again: ended, mitigated, resolved */
    assert_int_equal(sl_test_event_count(host, "incident.resolved"), 1);
}

static void a_storm_is_one_incident(void **state) {
    sl_test_host *host = *state;
    char group[32], service[32], print[32];
    for (int i = 0; i < 120; i++) {
        (void)snprintf(group, sizeof group, "g%d", i);
        (void)snprintf(service, sizeof service, "s%d", i);
        (void)snprintf(print, sizeof print, "f%d", i);
        call(host, "incident.alertmanager",
             alert(group, "Down", service, "firing", "error", print));
    }
    assert_in_range(sl_test_event_count(host, "incident.opened"), 50, 52);
    call(host, "incident.list", "{\"limit\":200}");
    assert_true(answered(host, "Alert storm"));
    assert_true(answered(host, "\"alerts_firing\":70"));
}

#define WITH_HOST(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_HOST(a_hundred_repeats_are_one_incident),
        WITH_HOST(alerts_of_a_service_join_other_problems_stay_apart),
        WITH_HOST(the_end_of_all_alerts_mitigates_then_resolves),
        WITH_HOST(an_end_before_its_beginning_opens_nothing),
        WITH_HOST(damaged_alerts_are_counted_not_refused),
        WITH_HOST(a_life_by_hand),
        WITH_HOST(an_edit_keeps_the_original),
        WITH_HOST(merge_and_split_move_alerts),
        WITH_HOST(deployments_and_gates_stand_in_the_timeline),
        WITH_HOST(the_deployment_to_blame_is_linked),
        WITH_HOST(kubernetes_events_become_alerts),
        WITH_HOST(a_storm_is_one_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
