/* Memory that goes before the call does (sl_scratch), and bodies written where they are sent. */
#include "call.h"

#include <sluice/sluice.h>
#include <sluice/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct work {
    sl_batch *batch;
    char *kept;
    const char *fail;
    int depth;
};

static int prepare(sl_call *call, void *arg) {
    struct work *work = arg;
    char *much = sl_alloc(call, 100000);
    memset(much, 'x', 100000);
    cJSON *data = cJSON_CreateObject(), *answer = NULL;
    cJSON_AddStringToObject(data, "said", sl_printf(call, "%.5s", much));
    if (sl_sleep(call, 5)) return SL_TIMEOUT; /* others run meanwhile, in arenas of theirs */
    if (sl_invoke(call, "scratch.fail", NULL, &answer) != SL_CONFLICT) return SL_INTERNAL;
    if (work->fail) return sl_fail(call, SL_LIMIT, "no: %s", sl_printf(call, "%s", work->fail));
    sl_batch_emit(work->batch, "scratch.done", sl_printf(call, "thing/%d", 7), data);
    if (work->depth-- > 0) return sl_scratch(call, prepare, work);
    work->kept = sl_alloc_lasting(call, 10);
    memcpy(work->kept, "survivor", 9);
    sl_reply_header(call, "X-Kept", sl_printf(call, "%s", "header"));
    return 0;
}

static void write_body(void *arg, char *to) {
    memcpy(to, arg, 8);
}

static int run(sl_call *call, const cJSON *in, cJSON *out) {
    struct work work = {.batch = sl_batch_new(call), .fail = sl_get_text(in, "fail", NULL)};
    size_t before = call->arena->used_bytes;
    int rc = sl_scratch(call, prepare, &work);
    if (rc) return rc;
    assert_int_equal(sl_failure_status(call), 0); /* what was dealt with inside is forgotten */
    assert_true(call->arena->used_bytes < before + 50000);
    cJSON_AddStringToObject(out, "kept", work.kept);
    if (sl_get_bool(in, "written", 0))
        sl_reply_writer(call, "text/plain", 8, write_body, work.kept);
    return sl_commit(work.batch);
}

static int fail_always(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return sl_fail(call, SL_CONFLICT, "as asked");
}

static int nest(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    struct work work = {.batch = sl_batch_new(call), .depth = 1};
    int rc = sl_scratch(call, prepare, &work);
    if (rc) return rc;
    cJSON_AddStringToObject(out, "kept", work.kept);
    return sl_commit(work.batch);
}

static const sl_field run_in[] = {SL_STRING("fail"), SL_BOOL("written"), SL_END};
static const sl_op ops[] = {
    {.name = "scratch.run",
     .summary = "Run",
     .in = run_in,
     .needs = "any",
     .effect = SL_WRITES,
     .run = run},
    {.name = "scratch.fail",
     .summary = "Fail",
     .needs = "any",
     .effect = SL_READS,
     .run = fail_always},
    {.name = "scratch.nest", .summary = "Nest", .needs = "any", .effect = SL_WRITES, .run = nest},
    SL_END};
static const sl_plugin plugin = {.magic = SL_ABI_MAGIC,
                                 .abi_major = SL_ABI_MAJOR,
                                 .abi_minor = SL_ABI_MINOR,
                                 .size = sizeof(sl_plugin),
                                 .op_size = sizeof(sl_op),
                                 .field_size = sizeof(sl_field),
                                 .listen_size = sizeof(sl_listen),
                                 .job_size = sizeof(sl_job),
                                 .migration_size = sizeof(sl_migration),
                                 .metric_size = sizeof(sl_metric),
                                 .name = "scratch",
                                 .version = "1.0.0",
                                 .ops = ops};

static int open_host(void **state) {
    *state = sl_test_host_new(&(sl_test_options){.plugin = &plugin});
    if (!*state) fprintf(stderr, "%s\n", sl_test_error());
    return *state ? 0 : -1;
}

static int close_host(void **state) {
    sl_test_host_free(*state);
    return 0;
}

static void what_lasts_is_there(void **state) {
    assert_int_equal(sl_test_call(*state, "scratch.run", "{}"), SL_OK);
    assert_string_equal(sl_test_answer(*state), "{\"kept\":\"survivor\"}");
    const char *event = sl_test_last_event(*state, "scratch.done");
    assert_non_null(strstr(event, "\"said\":\"xxxxx\""));
    assert_non_null(strstr(event, "thing/7"));
}

static void a_failure_keeps_its_sentence(void **state) {
    assert_int_equal(sl_test_call(*state, "scratch.run", "{\"fail\":\"because\"}"), SL_LIMIT);
    assert_non_null(strstr(sl_test_answer(*state), "no: because"));
    assert_int_equal(sl_test_event_count(*state, "*"), 0);
}

static void a_body_is_written_once(void **state) {
    assert_int_equal(sl_test_call(*state, "scratch.run", "{\"written\":true}"), SL_OK);
    assert_string_equal(sl_test_answer(*state), "survivor");
}

static void one_inside_another(void **state) {
    assert_int_equal(sl_test_call(*state, "scratch.nest", "{}"), SL_OK);
    assert_string_equal(sl_test_answer(*state), "{\"kept\":\"survivor\"}");
    assert_int_equal(sl_test_event_count(*state, "scratch.done"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_lasts_is_there, open_host, close_host),
        cmocka_unit_test_setup_teardown(a_failure_keeps_its_sentence, open_host, close_host),
        cmocka_unit_test_setup_teardown(a_body_is_written_once, open_host, close_host),
        cmocka_unit_test_setup_teardown(one_inside_another, open_host, close_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
