/* Idempotency keys: the stored answer is in the transaction of the effect. */
#include "store_fixture.h"

#include "idempotency.h"

static struct fixture f;

static int setup(void **state) {
    (void)state;
    fixture_init(&f);
    f.loop.fake_now_ms = 1767225600000;
    fixture_open(&f, &(struct store_options){.path = NULL});
    make_shop(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    fixture_fini(&f);
    return 0;
}

static int begin(sl_call *call, const char *key, const char *op, const char *body,
                 struct idempotency_replay *replay) {
    return idempotency_begin(call, key, op, body, strlen(body), replay);
}

/* A request as the dispatcher runs it. */
static int request(sl_call *call, const char *key, const char *body,
                   struct idempotency_replay *replay) {
    int rc = begin(call, key, "order.place", body, replay);
    if (rc) return rc;
    call->out = cJSON_CreateObject();
    if (!replay->http_status) {
        cJSON_AddStringToObject(call->out, "id", body);
        call->reply.http_status = 201;
        rc = add_order(call, body, 1);
    }
    idempotency_end(call, rc);
    return rc;
}

static void repeats(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(request(call, "k1", "a", &replay), SL_OK);
    assert_int_equal(replay.http_status, 0);
    assert_int_equal(request(call, "k1", "a", &replay), SL_OK);
    assert_int_equal(replay.http_status, 201);
    assert_string_equal(replay.body, "{\"id\":\"a\"}");
    assert_null(replay.content_type);
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), 1);
}

static void a_repetition_gets_the_stored_answer(void **state) {
    (void)state;
    run_in_fiber(&f, repeats, NULL);
}

static void mismatches(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(request(call, "k1", "a", &replay), SL_OK);
    assert_int_equal(request(call, "k1", "b", &replay), SL_MISMATCH);
    assert_int_equal(begin(call, "k1", "order.drop", "a", &replay), SL_MISMATCH);
    assert_null(call->idempotency);
    assert_int_equal(begin(call, "", "order.place", "a", &replay), SL_INVALID);
    assert_int_equal(begin(call, "a b", "order.place", "a", &replay), SL_INVALID);
    char large[300];
    memset(large, 'x', 299);
    large[299] = 0;
    assert_int_equal(begin(call, large, "order.place", "a", &replay), SL_INVALID);
}

static void another_body_is_refused(void **state) {
    (void)state;
    run_in_fiber(&f, mismatches, NULL);
}

static void runs_twice(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    struct sl_call second = *call;
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    assert_int_equal(begin(&second, "k1", "order.place", "a", &replay), SL_CONFLICT);
    assert_int_equal(second.failure.retry_after_s, 1);
    assert_int_equal(begin(&second, "k1", "order.place", "b", &replay), SL_MISMATCH);
    second.who.tenant = "umbrella"; /* keys are per tenant */
    assert_int_equal(begin(&second, "k1", "order.place", "b", &replay), SL_OK);
    idempotency_end(&second, SL_INVALID);
    idempotency_end(call, SL_INVALID); /* failed: the key is free again */
    assert_int_equal(request(call, "k1", "other", &replay), SL_OK);
    assert_int_equal(replay.http_status, 0);
}

static void a_key_in_use_conflicts(void **state) {
    (void)state;
    run_in_fiber(&f, runs_twice, NULL);
}

/* Another worker has stored the same key between our look and our commit. */
static void races(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    struct sl_call other;
    call_init(&other, &f.host, &f.plugin, call->arena);
    sl_batch *batch = store_batch(&other);
    sl_batch_add(batch,
                 "INSERT INTO sluice_idempotency(tenant, key, op, body_hash, status, body, at_ms) "
                 "VALUES ('acme', 'k1', 'order.place', 'x', 200, '{}', $1)",
                 SL_ARGS(sl_int(sl_now_ms(call))));
    assert_int_equal(sl_commit(batch), SL_OK);
    assert_int_equal(add_order(call, "a", 1), SL_CONFLICT);
    idempotency_end(call, SL_CONFLICT);
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), 0);
}

static void only_one_of_two_workers_takes_effect(void **state) {
    (void)state;
    run_in_fiber(&f, races, NULL);
}

static void commits_twice(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    call->out = cJSON_CreateObject();
    assert_int_equal(add_order(call, "a", 1), SL_OK);
    cJSON_AddStringToObject(call->out, "state", "ready");
    assert_int_equal(add_order(call, "b", 1), SL_OK);
    idempotency_end(call, SL_OK);
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    assert_string_equal(replay.body, "{\"state\":\"ready\"}");
    idempotency_end(call, SL_OK);
}

static void the_last_commit_decides_the_answer(void **state) {
    (void)state;
    run_in_fiber(&f, commits_twice, NULL);
}

static void commits_nothing(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    call->reply.content_type = "text/plain";
    call->reply.bytes = "hello";
    call->reply.size = 5;
    idempotency_end(call, SL_OK);
    assert_int_equal(begin(call, "k1", "order.place", "a", &replay), SL_OK);
    assert_int_equal(replay.http_status, 200);
    assert_string_equal(replay.content_type, "text/plain");
    assert_string_equal(replay.body, "hello");
    idempotency_end(call, SL_OK);
}

static void an_answer_without_a_commit_is_kept(void **state) {
    (void)state;
    run_in_fiber(&f, commits_nothing, NULL);
}

static void expires(sl_call *call, void *arg) {
    (void)arg;
    struct idempotency_replay replay;
    assert_int_equal(request(call, "k1", "a", &replay), SL_OK);
    f.loop.fake_now_ms += 86400000;
    assert_int_equal(request(call, "k1", "b", &replay), SL_OK); /* another body: it is forgotten */
    assert_int_equal(replay.http_status, 0);
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_idempotency"), 1);
}

static void a_key_lives_for_a_day(void **state) {
    (void)state;
    run_in_fiber(&f, expires, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_repetition_gets_the_stored_answer),
        TEST(another_body_is_refused),
        TEST(a_key_in_use_conflicts),
        TEST(only_one_of_two_workers_takes_effect),
        TEST(the_last_commit_decides_the_answer),
        TEST(an_answer_without_a_commit_is_kept),
        TEST(a_key_lives_for_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
