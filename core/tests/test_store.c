/* The store: batches, queries, the tenant's binding, migrations, the log's chain. */
#include "store_fixture.h"

#include "store_guard.h"

static struct fixture f;

static int setup(void **state) {
    (void)state;
    fixture_init(&f);
    fixture_open(&f, &(struct store_options){.path = NULL});
    make_shop(&f);
    return 0;
}

static int setup_file(void **state) {
    (void)state;
    fixture_init(&f);
    fixture_folder(&f);
    fixture_open(&f, &(struct store_options){.path = f.path});
    make_shop(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    fixture_fini(&f);
    if (f.folder[0]) fixture_remove_folder(&f);
    return 0;
}

/* ---- batches and queries ---- */

static void writes_and_reads(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(add_order(call, "a", 1), SL_OK);
    assert_int_equal(add_order(call, "b", 2), SL_OK);
    sl_rows rows;
    assert_int_equal(sl_query(call, &rows,
                              "SELECT id, n, n * 0.5 AS half, note, '{\"x\":[1,2]}' AS json "
                              "FROM shop_order WHERE tenant = $1 AND n >= $2 ORDER BY id",
                              SL_ARGS(sl_int(1))),
                     SL_OK);
    assert_int_equal(rows.count, 2);
    assert_string_equal(sl_cell_text(&rows, 0, "id"), "a");
    assert_int_equal(sl_cell_int(&rows, 1, "n"), 2);
    assert_true(sl_cell_real(&rows, 1, "half") == 1.0);
    assert_null(sl_cell_text(&rows, 0, "note"));
    assert_null(sl_cell_text(&rows, 0, "nothing"));
    assert_null(sl_cell_text(&rows, 7, "id"));
    assert_int_equal(cJSON_GetArraySize(sl_get(sl_cell_json(call, &rows, 0, "json"), "x")), 2);
    assert_null(sl_cell_json(call, &rows, 0, "id"));
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_event"), 2);
}

static void a_batch_is_written_and_read(void **state) {
    (void)state;
    run_in_fiber(&f, writes_and_reads, NULL);
}

static void misses(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(add_order(call, "a", 1), SL_OK);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "UPDATE shop_order SET n = 9 WHERE tenant = $1 AND id = $2",
                 SL_ARGS(sl_text("a")));
    sl_batch_demand(batch, 1, "the order has changed",
                    "UPDATE shop_order SET n = 5 WHERE tenant = $1 AND id = $2 AND n = $3",
                    SL_ARGS(sl_text("a"), sl_int(77)));
    sl_batch_emit(batch, "order.changed", NULL, NULL);
    assert_int_equal(sl_commit(batch), SL_CONFLICT);
    assert_string_equal(sl_failure(call), "the order has changed");
    assert_int_equal(sl_commit(batch), SL_INTERNAL); /* spent */
    assert_int_equal(count_of(call, "SELECT n FROM shop_order"), 1);
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_event"), 1);

    assert_int_equal(add_order(call, "a", 1), SL_CONFLICT);
    assert_string_equal(sl_failure(call),
                        "a row with the same shop_order.tenant, shop_order.id is there already");
    batch = sl_batch_new(call);
    sl_batch_demand(batch, 1, NULL, "SELECT 1 FROM shop_order WHERE tenant = $1 AND id = $2",
                    SL_ARGS(sl_text("a")));
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void a_missed_demand_undoes_all(void **state) {
    (void)state;
    run_in_fiber(&f, misses, NULL);
}

/* ---- many batches in one round: one fails alone ---- */

enum { MANY = 200 };
static int results[MANY];
static int ended;

static void one_of_many(void *arg) {
    int i = *(int *)arg;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    arena_use(&arena);
    call_init(&call, &f.host, &f.plugin, &arena);
    call.who.tenant = "acme";
    char id[8];
    snprintf(id, sizeof id, "%d", i % 10 == 3 ? 0 : i); /* every tenth takes a taken id */
    results[i] = add_order(&call, id, i);
    arena_use(NULL);
    arena_fini(&arena);
    ended++;
}

static void check_many(sl_call *call, void *arg) {
    (void)arg;
    for (int i = 0; i < MANY; i++) assert_int_equal(results[i], i % 10 == 3 ? SL_CONFLICT : SL_OK);
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), MANY - MANY / 10);
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_event"), MANY - MANY / 10);
    assert_int_equal(count_of(call, "SELECT max(seq) FROM sluice_event"), MANY - MANY / 10);
}

static void a_failed_batch_is_undone_alone(void **state) {
    (void)state;
    static int numbers[MANY];
    ended = 0;
    for (int i = 0; i < MANY; i++) {
        numbers[i] = i;
        fiber_start(&f.loop, one_of_many, &numbers[i]);
    }
    while (ended < MANY) loop_turn(&f.loop);
    run_in_fiber(&f, check_many, NULL);
    if (f.folder[0]) {
        fixture_close(&f);
        char *report = NULL;
        assert_int_equal(store_check_file(f.path, &report), 0);
        free(report);
        fixture_open(&f, &(struct store_options){.path = f.path});
    }
}

/* ---- the tenant's binding ---- */

static void refused_query(sl_call *call, const char *sql, const char *why) {
    sl_rows rows;
    assert_int_equal(sl_query(call, &rows, sql, SL_NO_ARGS), SL_INTERNAL);
    if (!strstr(sl_failure(call), why)) fail_msg("%s: %s", sql, sl_failure(call));
}

static void refused_write(sl_call *call, const char *sql, const char *why) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, sql, SL_NO_ARGS);
    int rc = sl_commit(batch);
    if (rc != SL_INTERNAL || !strstr(sl_failure(call), why))
        fail_msg("%s: %d %s", sql, rc, sl_failure(call));
}

static void refusals(sl_call *call, void *arg) {
    (void)arg;
    refused_query(call, "SELECT id FROM shop_order", "does not use $1");
    refused_query(call, "SELECT id FROM shop_order WHERE id = $1", "without its column tenant");
    refused_query(call, "SELECT count(*) FROM shop_order WHERE $1 = $1",
                  "without its column tenant");
    refused_query(call,
                  "SELECT a.id FROM shop_order a WHERE a.tenant = $1 AND EXISTS (SELECT 1 FROM "
                  "sluice_event)",
                  "not of plugin 'shop'");
    refused_query(call, "SELECT seq FROM sluice_event WHERE tenant = $1", "not of plugin 'shop'");
    refused_query(call, "SELECT name FROM sqlite_master WHERE name = $1", "sqlite_master");
    refused_query(call, "PRAGMA journal_mode", "PRAGMA");
    refused_query(call, "ATTACH 'x' AS y", "ATTACH");
    refused_query(call, "SELECT id FROM shop_order WHERE tenant = $1; SELECT 2", "one statement");
    refused_query(call, "SELECT id FROM shop_order WHERE tenant = $1 AND n = ?2", "form $1");
    refused_query(call, "SELECT id FROM shop_order WHERE tenant = $1 AND n = $3", "$2 is not used");
    refused_query(call, "SELECT id FROM shop_order WHERE tenant = $1 AND n = $2",
                  "1 values were given (with the tenant as $1), but the highest parameter is $2");
    refused_query(call, "DELETE FROM shop_order WHERE tenant = $1", "may only read");
    refused_query(call, "SELEC $1", "syntax error");
    refused_write(call, "DELETE FROM shop_order WHERE id = $1", "without its column tenant");
    refused_write(call, "DELETE FROM shop_order WHERE tenant <> $1", "must say 'tenant = $1'");
    refused_write(call, "UPDATE shop_order SET n = 1 WHERE id = $1", "without its column tenant");
    refused_write(call, "UPDATE shop_order SET tenant = 'b' WHERE tenant = $1", "another tenant");
    refused_write(call, "INSERT INTO shop_order VALUES ($1, 'x', 1, '')", "must list the column");
    refused_write(call, "INSERT INTO shop_order(id, n, note) VALUES ($1, 1, 'x')",
                  "must list the column");
    refused_write(call, "INSERT INTO shop_order(tenant, id, n) VALUES ('b', $1, 1)",
                  "must list the column");
    refused_write(call, "INSERT INTO shop_order(tenant, id, n) VALUES ($1, 'a', 1), ('b', 'c', 2)",
                  "must list the column");
    refused_write(call, "INSERT OR REPLACE INTO shop_order(tenant, id, n) VALUES ($1, 'a', 1)",
                  "must list the column");
    refused_write(call, "DROP TABLE shop_order", "migrations alone");
    refused_write(call, "SAVEPOINT x", "one transaction already");
    refused_write(call, "COMMIT", "one transaction already");
}

static void plugins_cannot_leave_their_tenant(void **state) {
    (void)state;
    run_in_fiber(&f, refusals, NULL);
}

static void allowed(sl_call *call, void *arg) {
    (void)arg;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO shop_order(id, tenant, n) VALUES ($2, $1, 1), ('z', $1, abs(-2)) "
                 "ON CONFLICT (tenant, id) DO UPDATE SET n = excluded.n RETURNING n",
                 SL_ARGS(sl_text("q")));
    sl_batch_add(batch,
                 "INSERT INTO shop_order(tenant, id, n) SELECT o.tenant, o.id || '2', o.n "
                 "FROM shop_order o WHERE o.tenant = $1",
                 SL_NO_ARGS);
    if (sl_commit(batch)) fail_msg("%s", sl_failure(call));
    sl_rows rows;
    if (sl_query(call, &rows,
                 "WITH big AS (SELECT id FROM shop_order WHERE tenant = $1 AND n > 1) "
                 "SELECT count(*) AS n, sum(j.value) AS s FROM big, json_each('[1,2]') j",
                 SL_NO_ARGS))
        fail_msg("%s", sl_failure(call));
    assert_int_equal(sl_cell_int(&rows, 0, "n"), 4);
    assert_int_equal(sl_cell_int(&rows, 0, "s"), 6);
}

static void see_nothing(sl_call *call, void *arg) {
    (void)arg;
    sl_rows rows;
    assert_int_equal(
        sl_query(call, &rows, "SELECT id FROM shop_order WHERE tenant = $1", SL_NO_ARGS), SL_OK);
    assert_int_equal(rows.count, 0);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(batch, 0, NULL, "DELETE FROM shop_order WHERE tenant = $1", SL_NO_ARGS);
    assert_int_equal(sl_commit(batch), SL_OK);
}

static void one_tenant_does_not_see_another(void **state) {
    (void)state;
    run_in_fiber(&f, allowed, NULL);
    run_as(&f, "umbrella", see_nothing, NULL);
}

static void owners_have_their_tables(void **state) {
    (void)state;
    assert_true(guard_owns("rollout", "rollout_step"));
    assert_false(guard_owns("rollout", "rollouts"));
    assert_false(guard_owns("rollout", "risk_step"));
    assert_true(guard_owns("my-app", "my_app_row"));
    assert_true(guard_owns("sluice", "sluice_event"));
    assert_true(guard_owns("sluice-auth", "sluice_token"));
    assert_false(guard_owns("sluicer", "sluice_token"));
}

/* ---- limits and long queries ---- */

static void too_many_rows(sl_call *call, void *arg) {
    (void)arg;
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < "
                      "100002) SELECT i, $1 AS t FROM c",
                      SL_NO_ARGS);
    assert_int_equal(rc, SL_LIMIT);
    assert_non_null(strstr(sl_failure(call), "100000 rows"));
}

static void a_result_is_limited(void **state) {
    (void)state;
    run_in_fiber(&f, too_many_rows, NULL);
}

static const char long_query[] =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $2) "
    "SELECT count(*) AS n, $1 AS t FROM c";

static void runs_long(sl_call *call, void *arg) {
    bool *done = arg;
    sl_rows rows;
    for (int i = 0; i < 2; i++) { /* the second time it goes to a thread at once */
        assert_int_equal(sl_query(call, &rows, long_query, SL_ARGS(sl_int(500000))), SL_OK);
        assert_int_equal(sl_cell_int(&rows, 0, "n"), 500000);
    }
    *done = true;
}

static void a_long_query_leaves_the_loop_free(void **state) {
    (void)state;
    bool done = false;
    struct in_fiber work = {.f = &f, .run = runs_long, .arg = &done, .tenant = "acme"};
    fiber_start(&f.loop, in_fiber_main, &work);
    assert_false(done); /* it was parked while the query runs elsewhere */
    turn_until(&f, &work.done);
    assert_true(done);
}

static void passes_deadline(sl_call *call, void *arg) {
    (void)arg;
    sl_rows rows;
    call->deadline_ns = loop_clock_ns() + 30000000;
    assert_int_equal(sl_query(call, &rows, long_query, SL_ARGS(sl_int(2000000000))), SL_TIMEOUT);
}

static void a_query_ends_with_the_deadline(void **state) {
    (void)state;
    run_in_fiber(&f, passes_deadline, NULL);
}

static void refuses_when_full(void **state) {
    (void)state;
    fixture_close(&f);
    fixture_open(&f, &(struct store_options){.path = NULL, .queue_max = 20});
    make_shop(&f);
    static int numbers[MANY];
    ended = 0;
    for (int i = 0; i < MANY; i++) {
        numbers[i] = i;
        fiber_start(&f.loop, one_of_many, &numbers[i]);
    }
    while (ended < MANY) loop_turn(&f.loop);
    assert_int_equal(results[0], SL_OK);
    assert_int_equal(results[MANY - 1], SL_UNAVAILABLE);
}

static void fails_on_demand(sl_call *call, void *arg) {
    (void)arg;
    store_fail_commit(call->host->store, 2);
    assert_int_equal(add_order(call, "a", 1), SL_OK);
    assert_int_equal(add_order(call, "b", 1), SL_UNAVAILABLE);
    assert_int_equal(add_order(call, "b", 1), SL_OK);
}

static void a_test_can_fail_a_commit(void **state) {
    (void)state;
    run_in_fiber(&f, fails_on_demand, NULL);
}

static void commits_work_outside_of_fibers(void **state) {
    (void)state;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    arena_use(&arena);
    call_init(&call, &f.host, &f.plugin, &arena);
    assert_int_equal(add_order(&call, "a", 1), SL_OK);
    assert_int_equal(count_of(&call, "SELECT count(*) FROM shop_order"), 1);
    arena_use(NULL);
    arena_fini(&arena);
}

/* ---- migrations ---- */

static void expect_refusal(const char *owner, const char *sql, const char *why) {
    const sl_migration rows[] = {{.number = 1, .name = "first", .sql = sql}, SL_END};
    char *error = NULL;
    int rc = store_migrate(f.host.store, owner, rows, sizeof *rows, &error);
    if (rc == SL_OK || !strstr(error, why)) fail_msg("%s: %d %s", sql, rc, error ? error : "");
    free(error);
}

static void migrations_keep_the_rules(void **state) {
    (void)state;
    expect_refusal("risk", "CREATE TABLE risk_x (id TEXT)", "table risk_x has no column 'tenant'");
    expect_refusal("risk", "CREATE TABLE other (tenant TEXT)", "not named risk_NOUN");
    expect_refusal("risk", "CREATE TABLE risk_a (tenant TEXT); DROP TABLE shop_order",
                   "not named risk_NOUN");
    expect_refusal("risk", "INSERT INTO shop_order(tenant, id, n) VALUES ('a', 'b', 1)",
                   "not named risk_NOUN");
    expect_refusal("risk", "CREATE VIEW risk_v AS SELECT 1 AS tenant", "no views");
    expect_refusal("risk", "CREATE TABLE risk_a (tenant TEXT); PRAGMA user_version = 3", "PRAGMA");
    expect_refusal("risk", "CREATE TABLE risk_a (tenant TEXT); COMMIT", "transactions");
    expect_refusal("risk", "CREATE TABL", "syntax error");
    expect_refusal("shop", "CREATE TABLE shop_order (tenant TEXT)",
                   "migration 1 of shop was changed after it had been applied ('orders'");
    const sl_migration gap[] = {{.number = 2, .name = "x", .sql = "SELECT 1"}, SL_END};
    char *error = NULL;
    assert_int_equal(store_migrate(f.host.store, "risk", gap, sizeof *gap, &error), SL_INVALID);
    free(error);
    make_shop(&f); /* again: nothing to do */
}

static void migrations_go_on_and_not_back(void **state) {
    (void)state;
    const sl_migration more[] = {
        shop_schema[0],
        {.number = 2, .name = "colour", .sql = "ALTER TABLE shop_order ADD COLUMN colour TEXT"},
        SL_END};
    char *error = NULL;
    assert_int_equal(store_migrate(f.host.store, "shop", more, sizeof *more, &error), SL_OK);
    assert_int_not_equal(
        store_migrate(f.host.store, "shop", shop_schema, sizeof *shop_schema, &error), SL_OK);
    assert_string_equal(
        error, "the tables of shop are at migration 2, this build knows 1: run the newer build");
    free(error);
}

/* ---- the file ---- */

static void place(sl_call *call, void *arg) {
    assert_int_equal(add_order(call, arg, 1), SL_OK);
}

static void expect_there(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), 1);
    assert_int_equal(add_order(call, "b", 1), SL_OK);
    assert_int_equal(count_of(call, "SELECT max(seq) FROM sluice_event"), 2);
}

static void a_file_keeps_what_was_committed(void **state) {
    (void)state;
    run_in_fiber(&f, place, "a");
    fixture_close(&f);
    assert_int_equal(access(f.path, R_OK), 0);
    fixture_open(&f, &(struct store_options){.path = f.path});
    run_in_fiber(&f, expect_there, NULL);
}

static void foreign_files_are_refused(void **state) {
    (void)state;
    char path[128], *error = NULL;
    snprintf(path, sizeof path, "%s/acks", f.folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 400; i++) fputs("this is no database ", file);
    fclose(file);
    assert_null(store_open(&f.host, &(struct store_options){.path = path}, &error));
    assert_non_null(strstr(error, "damaged"));
    free(error);
    error = NULL;
    assert_null(store_open(&f.host, &(struct store_options){.path = "/nowhere/at/all"}, &error));
    assert_string_equal(error, "/nowhere/at/all cannot be opened: No such file or directory");
    free(error);
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    error = NULL;
    assert_null(store_open(&f.host, &(struct store_options){.path = path}, &error));
    assert_non_null(strstr(error, "another program"));
    free(error);
}

static void told_of(void *arg, int64_t newest_seq, bool elsewhere) {
    if (elsewhere) *(int64_t *)arg = newest_seq;
}

static void other_processes_are_noticed(void **state) {
    (void)state;
    struct fixture other = f;
    int64_t newest_seq = 0;
    store_watch(f.host.store, &(struct store_watcher){.told = told_of, .arg = &newest_seq});
    fixture_open(&other, &(struct store_options){.path = f.path});
    other.host.loop = &f.loop;
    struct store *mine = f.host.store;
    f.host.store = other.host.store;
    run_in_fiber(&f, place, "a");
    f.host.store = mine;
    while (newest_seq != 1) loop_turn(&f.loop);
    run_in_fiber(&f, expect_there, NULL); /* its chain goes on from the other's event */
    store_close(other.host.store);
    fixture_close(&f);
    char *report = NULL;
    assert_int_equal(store_check_file(f.path, &report), 0);
    free(report);
    fixture_open(&f, &(struct store_options){.path = f.path});
}

#define MEMORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define FILED(test)  cmocka_unit_test_setup_teardown(test, setup_file, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        MEMORY(a_batch_is_written_and_read),
        FILED(a_batch_is_written_and_read),
        MEMORY(a_missed_demand_undoes_all),
        FILED(a_missed_demand_undoes_all),
        MEMORY(a_failed_batch_is_undone_alone),
        FILED(a_failed_batch_is_undone_alone),
        MEMORY(plugins_cannot_leave_their_tenant),
        FILED(plugins_cannot_leave_their_tenant),
        MEMORY(one_tenant_does_not_see_another),
        MEMORY(owners_have_their_tables),
        MEMORY(a_result_is_limited),
        MEMORY(a_long_query_leaves_the_loop_free),
        FILED(a_long_query_leaves_the_loop_free),
        FILED(a_query_ends_with_the_deadline),
        MEMORY(refuses_when_full),
        MEMORY(a_test_can_fail_a_commit),
        MEMORY(commits_work_outside_of_fibers),
        FILED(commits_work_outside_of_fibers),
        MEMORY(migrations_keep_the_rules),
        FILED(migrations_keep_the_rules),
        FILED(migrations_go_on_and_not_back),
        FILED(a_file_keeps_what_was_committed),
        FILED(foreign_files_are_refused),
        FILED(other_processes_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
