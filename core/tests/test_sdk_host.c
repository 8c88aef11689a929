/* sl_test_host: what third parties test their plugins with must itself be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sluice/sluice.h>
#include <sluice/test.h>

/* A plugin that uses each part of the API once. */
static const sl_field config[] = {SL_INT("step", .def = "5", .min = 1, .max = 10), SL_END};
static const sl_field add_in[] = {SL_STRING("id", .flags = SL_REQUIRED, .min = 1, .max = 20),
                                  SL_END};
static const sl_migration schema[] = {
    {.number = 1,
     .name = "items",
     .sql = "CREATE TABLE probe_item (tenant TEXT NOT NULL, id TEXT NOT NULL, heard INTEGER NOT "
            "NULL DEFAULT 0, PRIMARY KEY (tenant, id))"},
    SL_END};
static const sl_metric metrics[] = {
    {.name = "probe_added_total", .help = "items added", .labels = "kind", .type = SL_COUNTER},
    SL_END};

static int add(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", "");
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "INSERT INTO probe_item (tenant, id) VALUES ($1, $2)",
                 SL_ARGS(sl_text(id)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", id);
    sl_batch_emit(batch, "item.added", id, data);
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddNumberToObject(out, "step", *(int *)sl_state(call));
    sl_count(call, "probe_added_total", 1, "new");
    return sl_commit(batch);
}

static int heard_in(const sl_rows *rows) {
    return rows->count ? (int)sl_cell_int(rows, 0, "heard") : -1;
}

static int show(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows, "SELECT heard FROM probe_item WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(sl_get_text(in, "id", ""))));
    if (!rc) cJSON_AddNumberToObject(out, "heard", heard_in(&rows));
    return rc;
}

static int nap(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    int64_t before = sl_now_ms(call);
    int rc = sl_sleep(call, 90000);
    cJSON_AddNumberToObject(out, "slept", (double)(sl_now_ms(call) - before));
    return rc;
}

static int ask(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    sl_response response;
    int rc = sl_fetch(call, &(sl_request){.url = "http://oracle.test/v1?q=1"}, &response);
    if (rc) return rc;
    cJSON_AddNumberToObject(out, "status", response.status);
    cJSON_AddStringToObject(out, "body", response.body);
    return 0;
}

static const sl_op ops[] = {{.name = "probe.ask",
                             .summary = "Ask another server",
                             .needs = "any",
                             .effect = SL_READS,
                             .run = ask},
                            {.name = "probe.add",
                             .summary = "Add an item",
                             .in = add_in,
                             .needs = "probe:write",
                             .effect = SL_WRITES,
                             .run = add},
                            {.name = "probe.show",
                             .summary = "Show an item",
                             .in = add_in,
                             .needs = "probe:read",
                             .effect = SL_READS,
                             .run = show},
                            {.name = "probe.nap",
                             .summary = "Sleep for a while",
                             .needs = "any",
                             .effect = SL_READS,
                             .run = nap},
                            SL_END};

static int on_added(sl_call *call, const sl_event *event) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "UPDATE probe_item SET heard = heard + 1 WHERE tenant = $1 AND id = $2",
                 SL_ARGS(sl_text(event->subject)));
    return sl_commit(batch);
}

static const sl_listen listens[] = {{.name = "added", .type = "item.added", .run = on_added},
                                    SL_END};

static int tick(sl_call *call, const cJSON *in) {
    (void)in;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_emit(batch, "probe.ticked", "tick", NULL);
    return sl_commit(batch);
}

static const sl_job jobs[] = {{.name = "tick", .run = tick, .every_ms = 60000}, SL_END};

static int start(sl_call *call, const cJSON *settings) {
    int *step = malloc(sizeof *step);
    *step = (int)sl_get_int(settings, "step", 0);
    sl_set_state(call, step);
    return 0;
}

static void stop(sl_call *call) {
    free(sl_state(call));
}

static const sl_plugin probe = {.magic = SL_ABI_MAGIC,
                                .abi_major = SL_ABI_MAJOR,
                                .abi_minor = SL_ABI_MINOR,
                                .size = sizeof(sl_plugin),
                                .op_size = sizeof(sl_op),
                                .field_size = sizeof(sl_field),
                                .listen_size = sizeof(sl_listen),
                                .job_size = sizeof(sl_job),
                                .migration_size = sizeof(sl_migration),
                                .metric_size = sizeof(sl_metric),
                                .name = "probe",
                                .version = "1.0.0",
                                .config = config,
                                .ops = ops,
                                .on = listens,
                                .jobs = jobs,
                                .schema = schema,
                                .metrics = metrics,
                                .start = start,
                                .stop = stop};

static sl_test_host *host_with(const char *options) {
    sl_test_host *host = sl_test_host_new(&(sl_test_options){.plugin = &probe, .config = options});
    if (!host) print_error("%s\n", sl_test_error());
    assert_non_null(host);
    return host;
}

static void a_call_is_checked_and_answered(void **state) {
    (void)state;
    sl_test_host *host = host_with("{\"step\": 7}");
    assert_int_equal(sl_test_call(host, "probe.add", "{\"id\":\"a\"}"), SL_OK);
    assert_string_equal(sl_test_answer(host), "{\"id\":\"a\",\"step\":7}");
    assert_int_equal(sl_test_call(host, "probe.add", "{\"id\":5}"), SL_INVALID);
    assert_non_null(strstr(sl_test_answer(host), "\"pointer\":\"/id\""));
    assert_int_equal(sl_test_call(host, "probe.add", "{bad"), SL_INVALID);
    assert_int_equal(sl_test_call(host, "probe.lost", "{}"), SL_NOT_FOUND);
    sl_test_host_free(host);
}

static void permissions_are_asked(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    assert_int_equal(sl_test_call_as(host, "probe:read", "probe.add", "{\"id\":\"a\"}"), SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "", "probe.nap", NULL), SL_UNAUTHENTICATED);
    assert_int_equal(sl_test_call_as(host, "probe:*", "probe.add", "{\"id\":\"a\"}"), SL_OK);
    sl_test_host_free(host);
}

static void listeners_have_heard_when_a_call_is_over(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    sl_test_call(host, "probe.add", "{\"id\":\"a\"}");
    assert_int_equal(sl_test_call(host, "probe.show", "{\"id\":\"a\"}"), SL_OK);
    assert_string_equal(sl_test_answer(host), "{\"heard\":1}");
    assert_int_equal(sl_test_publish(host, "item.added", "a", NULL), SL_OK);
    sl_test_call(host, "probe.show", "{\"id\":\"a\"}");
    assert_string_equal(sl_test_answer(host), "{\"heard\":2}");
    assert_int_equal(sl_test_event_count(host, "item.added"), 2);
    assert_int_equal(sl_test_event_count(host, "item.lost"), 0);
    assert_null(sl_test_last_event(host, "item.lost"));
    sl_test_host_free(host);
}

static void the_last_event_is_told_whole(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    sl_test_call(host, "probe.add", "{\"id\":\"a\"}");
    sl_test_call(host, "probe.add", "{\"id\":\"b\"}");
    assert_string_equal(sl_test_last_event(host, "item.added"),
                        "{\"type\":\"item.added\",\"subject\":\"b\",\"data\":{\"id\":\"b\"}}");
    sl_test_host_free(host);
}

static void a_refused_commit_leaves_nothing(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    sl_test_call(host, "probe.add", "{\"id\":\"a\"}");
    assert_int_equal(sl_test_call(host, "probe.add", "{\"id\":\"a\"}"), SL_CONFLICT);
    sl_test_fail_commit(host, 1);
    assert_int_equal(sl_test_call(host, "probe.add", "{\"id\":\"b\"}"), SL_UNAVAILABLE);
    assert_int_equal(sl_test_event_count(host, "item.added"), 1);
    sl_test_host_free(host);
}

static void sleeping_takes_no_time_but_moves_the_clock(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    assert_int_equal(sl_test_call(host, "probe.nap", NULL), SL_OK);
    assert_string_equal(sl_test_answer(host), "{\"slept\":90000}");
    sl_test_host_free(host);
}

static void http_is_answered_by_the_script(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    sl_test_answer_fetch(host, "GET http://oracle.test/", 418, "tea");
    sl_test_answer_fetch(host, "GET http://oracle.test/", 0, NULL);
    assert_int_equal(sl_test_call(host, "probe.ask", NULL), SL_OK);
    assert_string_equal(sl_test_answer(host), "{\"status\":418,\"body\":\"tea\"}");
    assert_int_equal(sl_test_call(host, "probe.ask", NULL), SL_UNAVAILABLE);
    assert_non_null(strstr(sl_test_answer(host), "Connection refused"));
    assert_int_equal(sl_test_unmet(host), 0);
    assert_int_equal(sl_test_call(host, "probe.ask", NULL), SL_UNAVAILABLE);
    assert_int_equal(sl_test_unmet(host), 1);
    sl_test_host_free(host);
}

static void jobs_run_when_the_clock_says_so(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    size_t before = sl_test_event_count(host, "probe.ticked");
    sl_test_advance(host, 59000);
    size_t early = sl_test_event_count(host, "probe.ticked");
    sl_test_advance(host, 181000);
    size_t late = sl_test_event_count(host, "probe.ticked");
    assert_true(early - before <= 1);
    assert_in_range(late - before, 3, 5);
    sl_test_host_free(host);
}

static void metrics_can_be_read(void **state) {
    (void)state;
    sl_test_host *host = host_with(NULL);
    sl_test_call(host, "probe.add", "{\"id\":\"a\"}");
    double value = sl_test_metric(host, "sluice_probe_added_total{kind=\"new\"}");
    assert_true(value > 0.5 && value < 1.5);
    sl_test_host_free(host);
}

static void two_hosts_know_nothing_of_each_other(void **state) {
    (void)state;
    sl_test_host *one = host_with("{\"step\": 1}"), *two = host_with("{\"step\": 2}");
    sl_test_call(one, "probe.add", "{\"id\":\"a\"}");
    assert_int_equal(sl_test_call(two, "probe.add", "{\"id\":\"a\"}"), SL_OK);
    assert_string_equal(sl_test_answer(two), "{\"id\":\"a\",\"step\":2}");
    assert_int_equal(sl_test_event_count(one, "item.added"), 1);
    sl_test_host_free(one);
    sl_test_host_free(two);
}

static void wrong_options_are_refused_with_a_sentence(void **state) {
    (void)state;
    const char *const wrong[] = {"{\"step\": 99}", "{\"stpe\": 1}", "[]", "{"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(sl_test_host_new(&(sl_test_options){.plugin = &probe, .config = wrong[i]}));
        assert_non_null(strstr(sl_test_error(), "config"));
    }
}

static int never(sl_call *call, const cJSON *settings) {
    (void)settings;
    return sl_fail(call, SL_UNAVAILABLE, "the moon is down");
}

static void a_failing_start_is_told(void **state) {
    (void)state;
    sl_plugin sad = probe;
    sad.start = never, sad.stop = NULL;
    assert_null(sl_test_host_new(&(sl_test_options){.plugin = &sad}));
    assert_string_equal(sl_test_error(), "plugin probe does not start: the moon is down");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_checked_and_answered),
        cmocka_unit_test(permissions_are_asked),
        cmocka_unit_test(listeners_have_heard_when_a_call_is_over),
        cmocka_unit_test(the_last_event_is_told_whole),
        cmocka_unit_test(a_refused_commit_leaves_nothing),
        cmocka_unit_test(sleeping_takes_no_time_but_moves_the_clock),
        cmocka_unit_test(http_is_answered_by_the_script),
        cmocka_unit_test(jobs_run_when_the_clock_says_so),
        cmocka_unit_test(metrics_can_be_read),
        cmocka_unit_test(two_hosts_know_nothing_of_each_other),
        cmocka_unit_test(wrong_options_are_refused_with_a_sentence),
        cmocka_unit_test(a_failing_start_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
