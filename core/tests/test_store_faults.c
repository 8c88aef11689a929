/* What the store does when things break: kill -9, a full disk, a lock held by somebody else. */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- kill -9 in a loop ---- */

enum { ROUNDS = 12, CLIENTS = 8, ACKS_ROOM = 100000 };

static struct fixture f;
static int ack_pipe, round_number;

/* One effect an event, in one batch with the listener's place: if an event were handed over again
 * after its batch, n would become 2. */
static int hear(sl_call *call, const sl_event *event) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO shop_order(tenant, id, n) VALUES ($1, $2, 1) "
                 "ON CONFLICT (tenant, id) DO UPDATE SET n = shop_order.n + 1",
                 SL_ARGS(sl_text(sl_printf(call, "effect of %s", event->subject))));
    return sl_commit(batch);
}

static const sl_listen listener = {.name = "effects", .type = "order.placed", .run = hear};

static void open_all(void) {
    fixture_open(&f, &(struct store_options){.path = f.path});
    make_shop(&f);
    f.host.bus = bus_open(&f.host);
    bus_listen(f.host.bus, &f.plugin, &listener);
    bus_start(f.host.bus, f.folder);
}

static void place_for_ever(void *arg) {
    struct arena arena;
    arena_init(&arena);
    arena_use(&arena);
    for (int i = 0;; i++) {
        struct sl_call call;
        call_init(&call, &f.host, &f.plugin, &arena);
        call.who.tenant = "acme";
        char id[32];
        int size = snprintf(id, sizeof id, "%d-%d-%d\n", round_number, *(int *)arg, i);
        id[size - 1] = 0;
        if (add_order(&call, id, 1)) _exit(1);
        id[size - 1] = '\n';
        if (write(ack_pipe, id, (size_t)size) != size) _exit(1); /* one write: whole or not */
        arena_reset(&arena);
    }
}

/* A server in its own process, until it is killed. */
static void serve(const char *folder, const char *path) {
    fixture_init(&f);
    strcpy(f.folder, folder);
    strcpy(f.path, path);
    open_all();
    static int numbers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        numbers[i] = i;
        fiber_start(&f.loop, place_for_ever, &numbers[i]);
    }
    for (;;) uv_run(&f.loop.uv, UV_RUN_ONCE);
}

static size_t serve_and_kill(const char *folder, char *acks, size_t used, unsigned after_bytes) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char path[96];
    snprintf(path, sizeof path, "%s/sluice.db", folder);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        ack_pipe = ends[1];
        serve(folder, path);
    }
    close(ends[1]);
    size_t begun = used;
    bool killed = false;
    for (;;) {
        ssize_t got = read(ends[0], acks + used, ACKS_ROOM - 1 - used);
        if (got <= 0) break;
        used += (size_t)got;
        if (killed || used - begun < after_bytes) continue;
        kill(pid, SIGKILL);
        killed = true;
    }
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status)); /* it ended by the kill alone */
    acks[used] = 0;
    return used;
}

static void check_acks(sl_call *call, void *arg) {
    size_t count = 0;
    for (char *id = strtok(arg, "\n"); id; id = strtok(NULL, "\n"), count++) {
        sl_rows rows;
        assert_int_equal(
            sl_query(call, &rows,
                     "SELECT id, n FROM shop_order WHERE tenant = $1 AND id IN ($2, "
                     "$3) ORDER BY id",
                     SL_ARGS(sl_text(id), sl_text(sl_printf(call, "effect of order/%s", id)))),
            SL_OK);
        if (rows.count != 2) fail_msg("acknowledged %s: %zu rows of 2", id, rows.count);
    }
    assert_true(count > ROUNDS);
    assert_int_equal(
        count_of(call, "SELECT count(*) FROM shop_order WHERE id LIKE 'effect%' AND n <> 1"), 0);
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_dead_letter"), 0);
    /* Neither an event without its order, nor an order without its event. */
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_event"),
                     count_of(call, "SELECT count(*) FROM shop_order WHERE id NOT LIKE 'effect%'"));
}

static void drain(sl_call *call, void *arg) {
    (void)arg;
    bus_drain(call->host->bus);
}

static void a_kill_loses_and_repeats_nothing(void **state) {
    (void)state;
    char *acks = malloc(ACKS_ROOM);
    size_t used = 0;
    memset(&f, 0, sizeof f);
    fixture_folder(&f);
    char folder[64], path[96];
    strcpy(folder, f.folder);
    strcpy(path, f.path);
    for (round_number = 0; round_number < ROUNDS; round_number++)
        used = serve_and_kill(folder, acks, used, 40 + (unsigned)(round_number * 977 % 2500));
    fixture_init(&f);
    strcpy(f.folder, folder);
    strcpy(f.path, path);
    open_all();
    while (!bus_leads(f.host.bus)) loop_turn(&f.loop);
    bus_settle(f.host.bus);
    run_in_fiber(&f, check_acks, acks);
    run_in_fiber(&f, drain, NULL);
    bus_close(f.host.bus);
    fixture_close(&f);
    char *report = NULL;
    if (store_check_file(f.path, &report)) fail_msg("%s", report);
    free(report);
    fixture_fini(&f);
    fixture_remove_folder(&f);
    free(acks);
}

/* ---- the others have a store in this process ---- */

static int setup(void **state) {
    (void)state;
    fixture_init(&f);
    fixture_folder(&f);
    fixture_open(&f, &(struct store_options){.path = f.path, .busy_timeout_ms = 400});
    make_shop(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    fixture_fini(&f);
    fixture_remove_folder(&f);
    return 0;
}

/* ---- no space ---- */

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int place_large(sl_call *call, int number, int bytes) {
    char *note = sl_alloc(call, (size_t)bytes + 1);
    memset(note, 'x', (size_t)bytes);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "INSERT INTO shop_order(tenant, id, n, note) VALUES ($1, $2, 1, $3)",
                 SL_ARGS(sl_text(sl_printf(call, "%d", number)), sl_text(note)));
    sl_batch_emit(batch, "order.placed", NULL, NULL);
    return sl_commit(batch);
}

static void fill(sl_call *call, void *arg) {
    int *placed = arg, rc = SL_OK;
    for (int bytes = 20000; bytes > 0; bytes = bytes > 10 ? bytes / 10 : 0) {
        while (!(rc = place_large(call, *placed, bytes)) && *placed < 10000) ++*placed;
    }
    assert_int_equal(rc, SL_UNAVAILABLE);
    const char *expected = sl_printf(call, "the disk is full: no space left for %s", f.path);
    assert_string_equal(sl_failure(call), expected);
    assert_true(call->failure.retry_after_s > 0);
    assert_string_equal(store_write_trouble(f.host.store), expected);
    /* Reads go on; exactly what was acknowledged is there. */
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), *placed);
    assert_int_equal(count_of(call, "SELECT count(*) FROM sluice_event"), *placed);
}

static void works_again(sl_call *call, void *arg) {
    const int *placed = arg;
    assert_int_equal(add_order(call, "later", 1), SL_OK);
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), *placed + 1);
    assert_int_equal(count_of(call, "SELECT max(seq) FROM sluice_event"), *placed + 1);
}

static void a_full_disk_stops_writes_alone(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    int placed = 0;
    limit_files(2400000);
    run_in_fiber(&f, fill, &placed);
    assert_true(placed > 3);
    limit_files(RLIM_INFINITY);
    while (store_write_trouble(f.host.store)) uv_run(&f.loop.uv, UV_RUN_ONCE); /* by itself */
    run_in_fiber(&f, works_again, &placed);
    fixture_close(&f);
    char *report = NULL;
    if (store_check_file(f.path, &report)) fail_msg("%s", report);
    free(report);
    fixture_open(&f, &(struct store_options){.path = f.path});
}

/* ---- a lock ---- */

struct attempt {
    int rc;
    char why[200];
};

static void try_to_place(sl_call *call, void *arg) {
    struct attempt *attempt = arg;
    attempt->rc = add_order(call, "a", 1);
    snprintf(attempt->why, sizeof attempt->why, "%s", sl_failure(call));
}

static void read_meanwhile(sl_call *call, void *arg) {
    (void)arg;
    assert_int_equal(count_of(call, "SELECT count(*) FROM shop_order"), 0);
}

static void a_lock_stops_writes_for_a_while(void **state) {
    (void)state;
    sqlite3 *other;
    assert_int_equal(sqlite3_open(f.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct attempt attempt = {0};
    struct in_fiber work = {.f = &f, .run = try_to_place, .arg = &attempt, .tenant = "acme"};
    fiber_start(&f.loop, in_fiber_main, &work);
    loop_turn(&f.loop);
    run_in_fiber(&f, read_meanwhile, NULL); /* the loop serves others */
    assert_false(work.done);
    turn_until(&f, &work.done);
    assert_int_equal(attempt.rc, SL_UNAVAILABLE);
    assert_non_null(strstr(attempt.why, "another process holds the lock"));
    assert_non_null(store_write_trouble(f.host.store));
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    run_in_fiber(&f, try_to_place, &attempt);
    assert_int_equal(attempt.rc, SL_OK);
    assert_null(store_write_trouble(f.host.store));
}

#define FILED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_loses_and_repeats_nothing), /* first: it forks */
        FILED(a_full_disk_stops_writes_alone),
        FILED(a_lock_stops_writes_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
