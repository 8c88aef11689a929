/* Fibers, parking, deferred work, offloading, arenas. */
#include "arena.h"
#include "loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <semaphore.h>
#include <sluice/base.h>
#include <string.h>

static struct loop loop;

static int setup(void **state) {
    (void)state;
    return loop_init(&loop);
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(loop.fibers_live, 0);
    loop_fini(&loop);
    return 0;
}

struct trace {
    char text[64];
    struct wait *wait;
};

static void waiter(void *arg) {
    struct trace *trace = arg;
    struct wait wait;
    wait_init(&wait, &loop);
    trace->wait = &wait;
    strcat(trace->text, "a");
    assert_int_equal(wait_park(&wait, INT64_MAX), 7);
    strcat(trace->text, "c");
}

static void a_fiber_runs_until_it_parks(void **state) {
    (void)state;
    struct trace trace = {0};
    fiber_start(&loop, waiter, &trace);
    strcat(trace.text, "b");
    wait_done(trace.wait, 7);
    assert_string_equal(trace.text, "ab");
    loop_turn(&loop);
    assert_string_equal(trace.text, "abc");
}

static void times_out(void *arg) {
    struct wait wait;
    wait_init(&wait, &loop);
    *(int *)arg = wait_park(&wait, loop_clock_ns() + 3000000);
    loop_stop(&loop);
}

static void parking_ends_at_its_time(void **state) {
    (void)state;
    int status = -1;
    fiber_start(&loop, times_out, &status);
    loop_run(&loop);
    assert_int_equal(status, SL_TIMEOUT);
}

static void done_before_parking(void *arg) {
    struct wait wait;
    wait_init(&wait, &loop);
    wait_done(&wait, 3);
    *(int *)arg = wait_park(&wait, INT64_MAX);
}

static void what_is_done_does_not_park(void **state) {
    (void)state;
    int status = -1;
    fiber_start(&loop, done_before_parking, &status);
    assert_int_equal(status, 3);
}

static int square(void *arg) {
    cJSON *number = cJSON_CreateNumber(*(int *)arg); /* from the arena, on the thread */
    return arena_owns(number) ? *(int *)arg * *(int *)arg : -1;
}

static void offloads(void *arg) {
    int *value = arg;
    struct arena arena;
    arena_init(&arena);
    *value = loop_offload(&loop, &arena, square, value);
    arena_fini(&arena);
    loop_stop(&loop);
}

static void work_runs_on_a_thread(void **state) {
    (void)state;
    int value = 12;
    fiber_start(&loop, offloads, &value);
    loop_run(&loop);
    assert_int_equal(value, 144);
}

static sem_t gate;

static int blocks(void *arg) {
    (void)arg;
    sem_wait(&gate);
    return 0;
}

static void offloads_what_blocks(void *arg) {
    *(int *)arg += loop_offload(&loop, NULL, blocks, NULL) == 0;
}

static void file_is_told(uv_fs_t *request) {
    *(bool *)request->data = true;
    uv_fs_req_cleanup(request);
}

/* libuv's four threads also look up names and files; long work of ours must not take them. */
static void long_work_does_not_hold_up_files(void **state) {
    (void)state;
    enum { TASKS = 64 };
    int done = 0;
    bool told = false;
    sem_init(&gate, 0, 0);
    for (int i = 0; i < TASKS; i++) fiber_start(&loop, offloads_what_blocks, &done);
    uv_fs_t request = {.data = &told};
    uv_fs_stat(&loop.uv, &request, "/", file_is_told);
    for (int64_t until = loop_clock_ns() + 20000000000; !told && loop_clock_ns() < until;)
        loop_turn(&loop);
    assert_true(told);
    assert_int_equal(done, 0);
    for (int i = 0; i < TASKS; i++) sem_post(&gate);
    while (done < TASKS) loop_turn(&loop);
    sem_destroy(&gate);
}

static void keeps_arena(void *arg) {
    struct arena arena;
    arena_init(&arena);
    arena_use(&arena);
    struct wait wait;
    wait_init(&wait, &loop);
    ((struct trace *)arg)->wait = &wait;
    wait_park(&wait, INT64_MAX);
    assert_ptr_equal(arena_current(), &arena);
    arena_use(NULL);
    arena_fini(&arena);
}

static void each_fiber_has_its_arena(void **state) {
    (void)state;
    struct trace first = {0}, second = {0};
    fiber_start(&loop, keeps_arena, &first);
    assert_null(arena_current());
    fiber_start(&loop, keeps_arena, &second);
    wait_done(second.wait, 0);
    wait_done(first.wait, 0);
    loop_turn(&loop);
    assert_null(arena_current());
}

static unsigned order;

static void deferred_runs(struct deferred *self) {
    (void)self;
    order = order * 10 + 2;
}

static void fiber_runs(void *arg) {
    (void)arg;
    order = order * 10 + 1;
}

static void deferred_work_comes_after_fibers(void **state) {
    (void)state;
    struct deferred task = {.run = deferred_runs};
    order = 0;
    loop_defer(&loop, &task);
    loop_defer(&loop, &task);
    fiber_start_later(&loop, fiber_runs, NULL);
    loop_turn(&loop);
    assert_int_equal(order, 12);
}

static void many(void *arg) {
    char big[32 * 1024];
    memset(big, 1, sizeof big);
    wait_park(arg, INT64_MAX);
    assert_int_equal(big[sizeof big - 1], 1);
}

static void a_thousand_fibers(void **state) {
    (void)state;
    static struct wait waits[1000];
    for (int i = 0; i < 1000; i++) {
        wait_init(&waits[i], &loop);
        fiber_start(&loop, many, &waits[i]);
    }
    for (int i = 0; i < 1000; i++) wait_done(&waits[(i * 7919) % 1000], 0);
    loop_turn(&loop);
    assert_int_equal(loop.fibers_live, 0);
}

static void arena_grows_and_resets(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *first = arena_strdup(&arena, "first");
    for (int i = 0; i < 2000; i++) memset(arena_alloc(&arena, 300), i, 300);
    assert_string_equal(first, "first");
    memset(arena_alloc(&arena, 3 << 20), 1, 3 << 20);
    arena_reset(&arena);
    assert_true(arena.used_bytes < 64 * 1024);
    assert_string_equal(arena_printf(&arena, "%0300d", 7) + 298, "07");
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fiber_runs_until_it_parks, setup, teardown),
        cmocka_unit_test_setup_teardown(parking_ends_at_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_done_does_not_park, setup, teardown),
        cmocka_unit_test_setup_teardown(work_runs_on_a_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(long_work_does_not_hold_up_files, setup, teardown),
        cmocka_unit_test_setup_teardown(each_fiber_has_its_arena, setup, teardown),
        cmocka_unit_test_setup_teardown(deferred_work_comes_after_fibers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_thousand_fibers, setup, teardown),
        cmocka_unit_test_setup_teardown(arena_grows_and_resets, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
