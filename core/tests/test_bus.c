/* The bus: delivery in order, saved places, retries, dead letters, ephemeral events, leadership. */
#include "bus_inside.h"
#include "store_fixture.h"

#include <fcntl.h>
#include <sys/file.h>

static struct fixture f;

/* What the listener under test heard. */
static struct {
    char log[2000];
    int fail_times; /* the next deliveries that fail */
    int fail_status;
    bool commits, fails_after_commit;
    int last_attempt;
} heard;

static int hear(sl_call *call, const sl_event *event) {
    char line[96];
    snprintf(line, sizeof line, "%s:%s:%s ", call->who.tenant, event->type,
             event->subject ? event->subject : "-");
    strcat(heard.log, line);
    heard.last_attempt = event->attempt;
    if (heard.fail_times) {
        heard.fail_times--;
        return sl_fail(call, heard.fail_status ? heard.fail_status : SL_INTERNAL, "no luck");
    }
    bool own_effect = event->subject && strstr(event->subject, "effect");
    if (!heard.commits || own_effect) return 0;
    int rc = add_order(call, sl_printf(call, "effect-%lld", (long long)event->seq), 0);
    if (!rc && heard.fails_after_commit) return sl_fail(call, SL_INTERNAL, "too late");
    return rc;
}

static const sl_listen all = {.name = "all", .type = "order.*", .run = hear, .max_attempts = 3};

static void start(const char *path) {
    fixture_open(&f, &(struct store_options){.path = path});
    make_shop(&f);
    f.host.bus = bus_open(&f.host);
    bus_listen(f.host.bus, &f.plugin, &all);
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
    f.host.bus = NULL;
    fixture_close(&f);
}

static int setup(void **state) {
    (void)state;
    memset(&heard, 0, sizeof heard);
    fixture_init(&f);
    f.loop.fake_now_ms = 1767225600000;
    start(NULL);
    return 0;
}

static int setup_file(void **state) {
    (void)state;
    memset(&heard, 0, sizeof heard);
    fixture_init(&f);
    fixture_folder(&f);
    f.loop.fake_now_ms = 1767225600000;
    start(f.path);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (f.host.bus) stop(true);
    fixture_fini(&f);
    if (f.folder[0]) fixture_remove_folder(&f);
    return 0;
}

static void emit(sl_call *call, void *arg) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_emit(batch, arg, NULL, NULL);
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void place(sl_call *call, void *arg) {
    assert_int_equal(add_order(call, arg, 1), SL_OK);
}

static void advance(int64_t ms) {
    f.loop.fake_now_ms += ms;
    bus_settle(f.host.bus);
}

static int64_t counted;
static void count(sl_call *call, void *arg) {
    counted = count_of(call, arg);
}
static int64_t counted_by(const char *sql) {
    run_in_fiber(&f, count, (char *)sql);
    return counted;
}

static void events_come_in_order(void **state) {
    (void)state;
    run_in_fiber(&f, place, "a");
    run_in_fiber(&f, emit, "shop.opened");
    run_as(&f, "umbrella", place, "b");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.placed:order/a umbrella:order.placed:order/b ");
    assert_int_equal(heard.last_attempt, 1);
}

static void more_than_the_memory_holds(sl_call *call, void *arg) {
    (void)arg;
    for (int i = 0; i < 1500; i++) emit(call, i == 3 ? "order.early" : "shop.ticked");
}

static void who_lies_far_back_reads_the_store(void **state) {
    (void)state;
    heard.fail_times = 1;
    run_in_fiber(&f, emit, "order.first");
    bus_settle(f.host.bus); /* it failed, and waits a second */
    run_in_fiber(&f, more_than_the_memory_holds, NULL);
    run_in_fiber(&f, emit, "order.last");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.first:- ");
    advance(1000);
    assert_string_equal(heard.log, "acme:order.first:- acme:order.first:- acme:order.early:- "
                                   "acme:order.last:- ");
}

static void bursts_are_heard_whole(void **state) {
    (void)state;
    run_in_fiber(&f, more_than_the_memory_holds, NULL);
    run_in_fiber(&f, emit, "order.last");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.early:- acme:order.last:- ");
}

static void failures_are_retried_and_given_up(void **state) {
    (void)state;
    heard.fail_times = 3;
    run_in_fiber(&f, emit, "order.a");
    run_in_fiber(&f, emit, "order.b");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.a:- "); /* b waits behind it */
    advance(1000);
    assert_int_equal(heard.last_attempt, 2);
    advance(700); /* not yet: the pause has doubled */
    assert_int_equal(heard.last_attempt, 2);
    advance(1300);
    assert_string_equal(heard.log, "acme:order.a:- acme:order.a:- acme:order.a:- acme:order.b:- ");
    assert_int_equal(counted_by("SELECT count(*) FROM sluice_dead_letter WHERE seq = 1 AND "
                                "attempts = 3 AND error = 'no luck' AND tenant = 'acme'"),
                     1);
    assert_int_equal(counted_by("SELECT count(*) FROM sluice_event WHERE type = "
                                "'listener.dead_lettered' AND subject = 'listener/shop.all'"),
                     1);
    assert_true(metric_value(f.host.metrics, "sluice_dead_letters_total{name=\"shop.all\"}") == 1);
}

static const sl_op *find_op(const char *name) {
    for (const sl_op *op = bus_ops; op->name; op++)
        if (strcmp(op->name, name) == 0) return op;
    fail_msg("no operation %s", name);
    return NULL;
}

struct asked {
    const char *op, *in;
    int rc;
    char out[4000];
};
static void ask(sl_call *call, void *arg) {
    struct asked *asked = arg;
    call->plugin = &f.host.core;
    cJSON *out = cJSON_CreateObject();
    asked->rc = find_op(asked->op)->run(call, cJSON_Parse(asked->in), out);
    snprintf(asked->out, sizeof asked->out, "%s", json_print(call->arena, out, NULL));
}
static struct asked ask_as(const char *tenant, const char *op, const char *in) {
    struct asked asked = {.op = op, .in = in};
    run_as(&f, tenant, ask, &asked);
    return asked;
}

static void dead_letter_id(const char *out, char id[27]) {
    const char *at = strstr(out, "\"id\":\"");
    if (!at) fail_msg("no id in %s", out);
    snprintf(id, 27, "%s", at + 6);
}

static void mark_retrying(sl_call *call, void *arg) {
    sl_batch *batch = store_batch(call);
    sl_batch_add(batch, "UPDATE sluice_dead_letter SET retrying = $1",
                 SL_ARGS(sl_int(arg != NULL)));
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void a_dead_letter_is_retried(void **state) {
    (void)state;
    char id[27], in[64];
    heard.fail_times = 4;
    run_in_fiber(&f, emit, "order.a");
    bus_settle(f.host.bus);
    advance(1000);
    advance(2000);
    dead_letter_id(ask_as("acme", "events.dead", "{}").out, id);
    assert_null(strstr(ask_as("umbrella", "events.dead", "{}").out, id));
    snprintf(in, sizeof in, "{\"id\":\"%s\"}", id);
    assert_int_equal(ask_as("umbrella", "events.retry", in).rc, SL_NOT_FOUND);
    run_in_fiber(&f, mark_retrying, (void *)1);
    assert_int_equal(ask_as("acme", "events.retry", in).rc, SL_CONFLICT);
    run_in_fiber(&f, mark_retrying, NULL);
    assert_int_equal(ask_as("acme", "events.retry", in).rc, SL_OK);
    bus_settle(f.host.bus);
    assert_int_equal(heard.last_attempt, 4);
    assert_non_null(strstr(ask_as("acme", "events.dead", "{}").out, "\"attempts\":4"));
    heard.commits = true;
    assert_int_equal(ask_as("acme", "events.retry", in).rc, SL_OK);
    bus_settle(f.host.bus);
    assert_string_equal(ask_as("acme", "events.dead", "{}").out, "{\"items\":[]}");
    assert_int_equal(counted_by("SELECT count(*) FROM shop_order WHERE id = 'effect-1'"), 1);
}

static void pages_are_of_one_tenant(void **state) {
    (void)state;
    run_in_fiber(&f, place, "a");
    run_as(&f, "umbrella", place, "b");
    run_in_fiber(&f, place, "c");
    run_in_fiber(&f, emit, "shop.opened");
    const char *out = ask_as("acme", "events.list", "{\"after\":0,\"limit\":2}").out;
    assert_non_null(strstr(out, "order/a"));
    assert_null(strstr(out, "order/b"));
    assert_non_null(strstr(out, "\"next_cursor\":\"3\""));
    out = ask_as("acme", "events.list", "{\"after\":3}").out;
    assert_null(strstr(out, "order/c"));
    assert_non_null(strstr(out, "shop.opened"));
    out = ask_as("acme", "events.list", "{\"limit\":1}").out; /* the newest */
    assert_non_null(strstr(out, "shop.opened"));
    out = ask_as("acme", "events.list", "{\"type\":\"order.*\",\"subject\":\"order/c\"}").out;
    assert_null(strstr(out, "order/a"));
    assert_non_null(strstr(out, "order/c"));
    assert_non_null(strstr(out, "\"data\":{\"id\":\"c\"}"));
    out = ask_as("initech", "events.list", "{}").out;
    assert_string_equal(out, "{\"items\":[]}");
}

/* ---- restarts ---- */

static void places_survive_a_restart(void **state) {
    (void)state;
    run_in_fiber(&f, place, "a");
    bus_settle(f.host.bus);
    stop(true);
    heard.log[0] = 0;
    start(f.path);
    assert_string_equal(heard.log, "");
    run_in_fiber(&f, place, "b");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.placed:order/b ");
}

static void attempts_survive_a_restart(void **state) {
    (void)state;
    heard.fail_times = 2;
    run_in_fiber(&f, place, "a");
    bus_settle(f.host.bus);
    advance(1000);
    assert_int_equal(heard.last_attempt, 2);
    stop(false); /* as after a crash */
    start(f.path);
    assert_int_equal(heard.last_attempt, 2); /* the pause holds too */
    advance(2000);
    assert_int_equal(heard.last_attempt, 3);
}

static void a_committed_event_is_not_repeated(void **state) {
    (void)state;
    heard.commits = true;
    run_in_fiber(&f, place, "a");
    while (!strstr(heard.log, "effect-1")) loop_turn(&f.loop);
    assert_int_equal(counted_by("SELECT seq FROM sluice_cursor WHERE listener = 'shop.all'"), 1);
    stop(false);
    heard.log[0] = 0;
    start(f.path);
    assert_null(strstr(heard.log, "order/a "));
}

static void a_failure_after_the_commit_is_final(void **state) {
    (void)state;
    heard.commits = heard.fails_after_commit = true;
    run_in_fiber(&f, emit, "order.a");
    bus_settle(f.host.bus);
    advance(5000);
    assert_string_equal(heard.log, "acme:order.a:- acme:order.placed:order/effect-1 ");
}

static void trouble_of_the_disk_costs_no_attempt(void **state) {
    (void)state;
    heard.commits = true;
    store_fail_commit(f.host.store, 2); /* the first one is the emit, the second the handler's */
    run_in_fiber(&f, emit, "order.a");
    bus_settle(f.host.bus);
    heard.commits = false;
    advance(1000);
    assert_int_equal(heard.last_attempt, 2);
}

/* ---- a second worker ---- */

static void one_worker_leads(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/leader.lock", f.folder);
    assert_true(bus_leads(f.host.bus));
    int file = open(path, O_RDWR);
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), -1);
    stop(true);
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    heard.log[0] = 0;
    start(f.path);
    assert_false(bus_leads(f.host.bus));
    run_in_fiber(&f, place, "a");
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "");
    close(file); /* the other one dies */
    while (!bus_leads(f.host.bus)) loop_turn(&f.loop);
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.placed:order/a ");
}

/* ---- pages by an index ---- */

static void expect_plan(sl_call *call, const struct page_query *query, const char *wanted) {
    sl_rows rows;
    const sl_value values[7] = {sl_int(-1),
                                sl_int(INT64_MAX),
                                sl_text(query->filter.tenant),
                                sl_text(query->filter.subject),
                                sl_text(""),
                                sl_text("z"),
                                sl_int(10)};
    const char *sql = sl_printf(call, "EXPLAIN QUERY PLAN %s", page_sql(query));
    assert_int_equal(store_query(call, &rows, sql, values, 7), SL_OK);
    for (size_t i = 0; i < rows.count; i++)
        if (strstr(sl_cell_text(&rows, i, "detail"), wanted)) return;
    fail_msg("%s\nis not answered by %s", sql, wanted);
}

static void ask_plans(sl_call *call, void *arg) {
    (void)arg;
    for (int newest = 0; newest < 2; newest++) {
        struct page_query query = {.limit = 10, .newest = newest};
        expect_plan(call, &query, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        query.filter.tenant = "acme";
        expect_plan(call, &query, "INDEX sluice_event_tenant (tenant=? AND seq>? AND seq<?)");
        query.filter.subject = "order/1";
        expect_plan(call, &query, "INDEX sluice_event_subject (tenant=? AND subject=? AND seq>?");
    }
}

/* A small tenant's page must not cost a walk over the events of all others. */
static void pages_come_by_an_index(void **state) {
    (void)state;
    run_in_fiber(&f, ask_plans, NULL);
}

/* ---- ephemeral ---- */

static void tick(sl_call *call, void *arg) {
    (void)arg;
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "n", 1);
    sl_emit_ephemeral(call, "order.ticked", "order/z", data);
}

static void ephemeral_events_are_heard_and_not_kept(void **state) {
    (void)state;
    run_in_fiber(&f, tick, NULL);
    bus_settle(f.host.bus);
    assert_string_equal(heard.log, "acme:order.ticked:order/z ");
    assert_int_equal(counted_by("SELECT count(*) FROM sluice_event"), 0);
}

#define MEMORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define FILED(test)  cmocka_unit_test_setup_teardown(test, setup_file, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        MEMORY(events_come_in_order),
        FILED(events_come_in_order),
        MEMORY(who_lies_far_back_reads_the_store),
        MEMORY(bursts_are_heard_whole),
        FILED(bursts_are_heard_whole),
        MEMORY(failures_are_retried_and_given_up),
        MEMORY(a_dead_letter_is_retried),
        MEMORY(pages_are_of_one_tenant),
        MEMORY(pages_come_by_an_index),
        FILED(places_survive_a_restart),
        FILED(attempts_survive_a_restart),
        FILED(a_committed_event_is_not_repeated),
        MEMORY(a_failure_after_the_commit_is_final),
        MEMORY(trouble_of_the_disk_costs_no_attempt),
        FILED(one_worker_leads),
        MEMORY(ephemeral_events_are_heard_and_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
