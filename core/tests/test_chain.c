/* The hash chain: what it covers, and that the offline check names the first bad event. */
#include "store_fixture.h"

#include "chain.h"

#include <sqlite3.h>

static struct chain_entry entry(void) {
    return (struct chain_entry){.seq = 7,
                                .at_ms = 1700000000000,
                                .tenant = "acme",
                                .type = "order.placed",
                                .actor = "user:ada",
                                .subject = "order/1",
                                .request_id = NULL,
                                .data = "{}"};
}

static void the_form_is_fixed(void **state) {
    (void)state;
    /* SHA-256 over 32 zero bytes and the canonical form; computed independently with Python. */
    static const char expected[] =
        "cb7d0318e07d2f36983babaa8fd015c6642e9e40b0cdb108d1fe909fa4973b4d";
    struct chain_hash zero = {0};
    struct chain_entry e = entry();
    struct chain_hash hash = chain_next(&zero, &e);
    char hex[65];
    for (size_t i = 0; i < CHAIN_HASH_BYTES; i++) sprintf(hex + 2 * i, "%02x", hash.bytes[i]);
    assert_string_equal(hex, expected);
}

static void every_part_counts(void **state) {
    (void)state;
    struct chain_hash zero = {0}, one = {{1}};
    struct chain_entry e = entry(), changed[9];
    struct chain_hash hashes[10];
    for (int i = 0; i < 9; i++) changed[i] = e;
    changed[0].seq++;
    changed[1].at_ms++;
    changed[2].tenant = "acm";
    changed[3].type = "eorder.placed"; /* a byte moved over from the tenant */
    changed[3].tenant = "acm";
    changed[4].actor = "user:bob";
    changed[5].subject = NULL;
    changed[6].request_id = "";
    changed[7].data = "{ }";
    changed[8] = e;
    for (int i = 0; i < 9; i++) hashes[i] = chain_next(i == 8 ? &one : &zero, &changed[i]);
    hashes[9] = chain_next(&zero, &e);
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(hashes[i].bytes, hashes[j].bytes, CHAIN_HASH_BYTES);
    assert_true(chain_equal(&hashes[9], hashes[9].bytes, CHAIN_HASH_BYTES));
    assert_false(chain_equal(&hashes[9], hashes[9].bytes, 31));
    assert_false(chain_equal(&hashes[9], NULL, CHAIN_HASH_BYTES));
}

/* ---- a file that somebody has changed ---- */

static struct fixture f;

static void place_three(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(add_order(call, "a", 1), SL_OK);
    assert_int_equal(add_order(call, "b", 2), SL_OK);
    assert_int_equal(add_order(call, "c", 3), SL_OK);
}

static int setup(void **state) {
    (void)state;
    fixture_init(&f);
    fixture_folder(&f);
    fixture_open(&f, &(struct store_options){.path = f.path});
    make_shop(&f);
    run_in_fiber(&f, place_three, NULL);
    fixture_close(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_fini(&f);
    fixture_remove_folder(&f);
    return 0;
}

static void tamper(const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect(bool good, const char *text) {
    char *report = NULL;
    int rc = store_check_file(f.path, &report);
    if ((rc == SL_OK) != good || !strstr(report, text)) fail_msg("%d\n%s", rc, report);
    free(report);
}

static void an_untouched_file_is_fine(void **state) {
    (void)state;
    expect(true, "chain holds: 3 events");
}

static void a_changed_event_is_found(void **state) {
    (void)state;
    tamper("UPDATE sluice_event SET data = '{\"id\":\"x\"}' WHERE seq = 2");
    expect(false, "event 2 (order.placed) is not what was written");
}

static void a_removed_event_is_found(void **state) {
    (void)state;
    tamper("DELETE FROM sluice_event WHERE seq = 2");
    expect(false, "event 2 is missing: after 1 comes 3");
}

static void exchanged_events_are_found(void **state) {
    (void)state;
    tamper("UPDATE sluice_event SET seq = -seq; UPDATE sluice_event SET seq = 1 WHERE seq = -2;"
           "UPDATE sluice_event SET seq = 2 WHERE seq = -1;"
           "UPDATE sluice_event SET seq = 3 WHERE seq = -3");
    expect(false, "event 1 (order.placed) is not what was written");
}

static void a_forged_event_at_the_end_is_found(void **state) {
    (void)state;
    tamper("INSERT INTO sluice_event SELECT 4, tenant, at_ms, type, actor, subject, request_id, "
           "data, hash FROM sluice_event WHERE seq = 3");
    expect(false, "event 4 (order.placed) is not what was written");
}

static void a_log_that_was_cut_off_is_found(void **state) {
    (void)state;
    tamper("CREATE TABLE sluice_cursor (listener TEXT, seq BIGINT);"
           "INSERT INTO sluice_cursor VALUES ('shop.all', 3)");
    expect(true, "3 events");
    tamper("DELETE FROM sluice_event WHERE seq = 3");
    expect(false, "it ends with event 2, but listener shop.all has heard event 3");
}

static void a_damaged_page_is_found(void **state) {
    (void)state;
    FILE *file = fopen(f.path, "r+b");
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long at = 4096; at + 64 < size; at += 4096) {
        fseek(file, at, SEEK_SET);
        for (int i = 0; i < 64; i++) fputc(0xa5, file);
    }
    fclose(file);
    char *report = NULL;
    assert_int_not_equal(store_check_file(f.path, &report), SL_OK);
    assert_non_null(strstr(report, "FAIL"));
    free(report);
    char *error = NULL;
    assert_null(store_open(&f.host, &(struct store_options){.path = f.path}, &error));
    assert_non_null(strstr(error, "is damaged"));
    free(error);
}

static void a_missing_file_is_told(void **state) {
    (void)state;
    char *report = NULL;
    assert_int_not_equal(store_check_file("/nowhere/sluice.db", &report), SL_OK);
    assert_string_equal(report,
                        "FAIL /nowhere/sluice.db cannot be read: No such file or directory\n");
    free(report);
}

#define FILED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_fixed),
        cmocka_unit_test(every_part_counts),
        FILED(an_untouched_file_is_fine),
        FILED(a_changed_event_is_found),
        FILED(a_removed_event_is_found),
        FILED(exchanged_events_are_found),
        FILED(a_forged_event_at_the_end_is_found),
        FILED(a_log_that_was_cut_off_is_found),
        FILED(a_damaged_page_is_found),
        cmocka_unit_test(a_missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
