/* Durable jobs and local timers, driven by a clock that the test moves. */
#include "store_fixture.h"

static struct fixture f;

static struct {
    char log[1000];
    int fail_times;
    int ticks, periods, again;
} ran;

static int mail(sl_call *call, const cJSON *in) {
    char line[64];
    snprintf(line, sizeof line, "%s:%s ", call->who.tenant, sl_get_text(in, "to", "-"));
    strcat(ran.log, line);
    if (!ran.fail_times) return 0;
    ran.fail_times--;
    return sl_fail(call, SL_UNAVAILABLE, "the post office is closed");
}

/* Queues itself again under its own key, the usual way to go on later. */
static int again(sl_call *call, const cJSON *in) {
    static bool inside;
    (void)in;
    assert_false(inside); /* its successor waits for its end */
    inside = true;
    for (int i = 0; i < 2; i++) {
        sl_batch *batch = sl_batch_new(call);
        if (ran.again < 3) sl_batch_job(batch, "again", "k", 0, NULL);
        assert_int_equal(sl_commit(batch), SL_OK);
    }
    ran.again++;
    inside = false;
    return 0;
}

static int period(sl_call *call, const cJSON *in) {
    (void)in;
    assert_string_equal(sl_tenant(call), "system");
    ran.periods++;
    return 0;
}

static int tick(sl_call *call, const cJSON *in) {
    (void)call, (void)in;
    ran.ticks++;
    return 0;
}

static const sl_job mail_job = {.name = "mail", .run = mail, .max_attempts = 2};
static const sl_job again_job = {.name = "again", .run = again};
static const sl_job period_job = {.name = "period", .run = period, .every_ms = 60000};
static const sl_job tick_job = {
    .name = "tick", .run = tick, .every_ms = 1000, .flags = SL_JOB_LOCAL};

static void start(const char *path) {
    fixture_open(&f, &(struct store_options){.path = path});
    f.host.bus = bus_open(&f.host);
    bus_job(f.host.bus, &f.plugin, &mail_job);
    bus_job(f.host.bus, &f.plugin, &again_job);
    bus_job(f.host.bus, &f.plugin, &period_job);
    bus_job(f.host.bus, &f.plugin, &tick_job);
    bus_start(f.host.bus, path ? f.folder : NULL);
    bus_settle(f.host.bus);
}

static void drain(sl_call *call, void *arg) {
    (void)arg;
    bus_drain(call->host->bus);
}

static void stop(bool drained) {
    if (drained) run_in_fiber(&f, drain, NULL);
    bus_close(f.host.bus);
    fixture_close(&f);
}

static int setup(void **state) {
    (void)state;
    memset(&ran, 0, sizeof ran);
    fixture_init(&f);
    fixture_folder(&f);
    f.loop.fake_now_ms = 1767225600000;
    start(f.path);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    stop(true);
    fixture_fini(&f);
    fixture_remove_folder(&f);
    return 0;
}

static void advance(int64_t ms) {
    f.loop.fake_now_ms += ms;
    bus_settle(f.host.bus);
}

struct letter {
    const char *to, *key;
    int64_t in_ms;
};

static void queue(sl_call *call, void *arg) {
    const struct letter *letter = arg;
    sl_batch *batch = sl_batch_new(call);
    cJSON *in = cJSON_CreateObject();
    cJSON_AddStringToObject(in, "to", letter->to);
    sl_batch_job(batch, "mail", letter->key, letter->in_ms ? sl_now_ms(call) + letter->in_ms : 0,
                 in);
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void a_queued_job_runs_when_it_is_due(void **state) {
    (void)state;
    run_in_fiber(&f, queue, &(struct letter){.to = "now"});
    run_in_fiber(&f, queue, &(struct letter){.to = "later", .in_ms = 5000});
    bus_settle(f.host.bus);
    assert_string_equal(ran.log, "acme:now ");
    advance(4999);
    assert_string_equal(ran.log, "acme:now ");
    advance(1);
    assert_string_equal(ran.log, "acme:now acme:later ");
    advance(100000);
    assert_string_equal(ran.log, "acme:now acme:later ");
}

static void a_key_replaces_what_waits(void **state) {
    (void)state;
    run_in_fiber(&f, queue, &(struct letter){.to = "old", .key = "k", .in_ms = 1000});
    run_in_fiber(&f, queue, &(struct letter){.to = "new", .key = "k", .in_ms = 2000});
    run_as(&f, "umbrella", queue, &(struct letter){.to = "own", .key = "k", .in_ms = 2000});
    advance(1000);
    assert_string_equal(ran.log, "");
    advance(1000);
    assert_non_null(strstr(ran.log, "acme:new "));
    assert_non_null(strstr(ran.log, "umbrella:own "));
    assert_null(strstr(ran.log, "old"));
}

static void queue_again(sl_call *call, void *arg) {
    (void)arg;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_job(batch, "again", "k", 0, NULL);
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void a_job_queues_itself_again(void **state) {
    (void)state;
    run_in_fiber(&f, queue_again, NULL);
    bus_settle(f.host.bus);
    assert_int_equal(ran.again, 4);
}

static void more_jobs_than_run_at_once(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) run_in_fiber(&f, queue, &(struct letter){.to = "x"});
    bus_settle(f.host.bus);
    assert_int_equal(strlen(ran.log), 100 * strlen("acme:x "));
}

static void refused(sl_call *call, void *arg) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_job(batch, arg, NULL, 0, NULL);
    assert_int_equal(sl_commit(batch), SL_INTERNAL);
    assert_non_null(strstr(sl_failure(call), "not a durable job of this plugin"));
}

static void unknown_and_local_jobs_are_refused(void **state) {
    (void)state;
    run_in_fiber(&f, refused, "mial");
    run_in_fiber(&f, refused, "tick");
}

static void left(sl_call *call, void *arg) {
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_job WHERE name = 'shop.mail'"),
                     *(int *)arg);
}
static void buried(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_dead_letter WHERE kind = 'job' "
                                    "AND name = 'shop.mail' AND attempts = 2 AND tenant = 'acme' "
                                    "AND error = 'the post office is closed'"),
                     1);
    assert_int_equal(
        count_of(call, "SELECT count(*) FROM sluice_event WHERE type = 'job.dead_lettered'"), 1);
}

static void a_failing_job_is_retried_and_buried(void **state) {
    (void)state;
    ran.fail_times = 2;
    run_in_fiber(&f, queue, &(struct letter){.to = "x"});
    bus_settle(f.host.bus);
    assert_string_equal(ran.log, "acme:x ");
    run_in_fiber(&f, left, &(int){1});
    advance(1000);
    assert_string_equal(ran.log, "acme:x acme:x ");
    run_in_fiber(&f, left, &(int){0});
    run_in_fiber(&f, buried, NULL);
}

static void a_job_survives_a_restart(void **state) {
    (void)state;
    run_in_fiber(&f, queue, &(struct letter){.to = "x", .in_ms = 1000});
    stop(false); /* as after a crash */
    f.loop.fake_now_ms += 5000;
    start(f.path);
    assert_string_equal(ran.log, "acme:x ");
}

static void periods_are_kept_and_not_made_up_for(void **state) {
    (void)state;
    assert_int_equal(ran.periods, 0);
    advance(60000);
    assert_int_equal(ran.periods, 1);
    advance(10 * 60000 + 30000);
    assert_int_equal(ran.periods, 2);
    advance(30000); /* the beat is still the first one's */
    assert_int_equal(ran.periods, 3);
    stop(true);
    f.loop.fake_now_ms += 59999;
    start(f.path);
    assert_int_equal(ran.periods, 3);
    advance(1);
    assert_int_equal(ran.periods, 4);
}

static void local_timers_tick(void **state) {
    (void)state;
    advance(1000);
    assert_int_equal(ran.ticks, 1);
    advance(500);
    assert_int_equal(ran.ticks, 1);
    advance(5000);
    assert_int_equal(ran.ticks, 2);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_queued_job_runs_when_it_is_due),
        TEST(a_key_replaces_what_waits),
        TEST(a_job_queues_itself_again),
        TEST(more_jobs_than_run_at_once),
        TEST(unknown_and_local_jobs_are_refused),
        TEST(a_failing_job_is_retried_and_buried),
        TEST(a_job_survives_a_restart),
        TEST(periods_are_kept_and_not_made_up_for),
        TEST(local_timers_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
