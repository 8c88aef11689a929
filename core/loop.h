/* loop.h - the event loop, fibers on it, and what crosses threads.
 *
 * One loop, one thread. Only loop_post crosses into it. A fiber runs until it parks; parking
 * returns exactly once, when another piece of code on the loop has called wait_done (or the time
 * was up).
 *
 *     struct wait wait;
 *     wait_init(&wait, loop);
 *     start_something(&wait);             // later: wait_done(&wait, result)
 *     int result = wait_park(&wait, INT64_MAX);
 */
#ifndef SLUICE_CORE_LOOP_H
#define SLUICE_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;
struct arena;
struct fiber;

/* Work for the end of this turn of the loop, after all fibers that can run have run. Intrusive: the
 * owner keeps it alive until it has run. Deferring what is deferred already does nothing. */
struct deferred {
    void (*run)(struct deferred *self);
    struct deferred *next;
    bool queued;
};

/* A message from another thread; `run` happens on the loop. The poster keeps it alive until then.
 */
struct post {
    void (*run)(struct post *self);
    struct post *next;
};

/* One thing that a fiber waits for. */
struct wait {
    struct loop *loop;
    struct fiber *fiber; /* set while parked */
    int status;
    bool done;
};

struct fiber_queue {
    struct fiber *first, *last;
};

struct offload_pool;

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t keep_turning; /* active while fibers are ready, so that the poll does not block */
    uv_async_t wake;
    uv_mutex_t post_lock;
    struct post *posts, **posts_end;
    struct deferred *deferred, **deferred_end;
    struct fiber_queue ready;
    struct fiber *current, *idle_fibers;
    unsigned fibers_live, fibers_idle;
    struct offload_pool *offload;
    int64_t turn_began_ns; /* for the watchdog and loop_lag */
    int64_t fake_now_ms;   /* a test host's clock; 0: the real one */
    const char *running;   /* name of the operation that holds the loop, for the watchdog */
};

int loop_init(struct loop *loop); /* 0 or a libuv error */
void loop_run(struct loop *loop); /* until loop_stop, or nothing is left */
void loop_stop(struct loop *loop);
void loop_fini(struct loop *loop); /* all handles must have been closed by their owners */
/* One turn without blocking; for tests and the test host. Returns whether anything was left to do.
 */
bool loop_turn(struct loop *loop);

int64_t loop_clock_ns(void);                  /* monotonic */
int64_t loop_now_ms(const struct loop *loop); /* wall clock, or the test's */

void loop_defer(struct loop *loop, struct deferred *deferred);
void loop_post(struct loop *loop, struct post *post); /* from any thread */

/* ---- fibers ---- */
enum { FIBER_STACK_BYTES = 256 * 1024 };

/* Runs `run(arg)` in a new fiber at once, until it parks or ends. May be called from a fiber. */
void fiber_start(struct loop *loop, void (*run)(void *arg), void *arg);
/* The same, at the end of the queue of this turn. */
void fiber_start_later(struct loop *loop, void (*run)(void *arg), void *arg);
bool fiber_inside(const struct loop *loop); /* is this code running in a fiber of `loop`? */

void wait_init(struct wait *wait, struct loop *loop);
/* Parks the fiber until wait_done, or until the monotonic time `until_ns` (INT64_MAX: no limit).
 * Returns the status given to wait_done, or SL_TIMEOUT. Returns at once when it is done already. */
int wait_park(struct wait *wait, int64_t until_ns);
/* Marks it done, once; the fiber runs later this turn. On the loop's thread only. */
void wait_done(struct wait *wait, int status);

/* ---- the pool for CPU work; of its own, since libuv's also does DNS and files ---- */
/* Runs work(arg) on a thread and parks the fiber until it has ended; `arena` becomes that thread's
 * cJSON arena meanwhile. Returns what work returned, or SL_LIMIT when the queue is full. */
int loop_offload(struct loop *loop, struct arena *arena, int (*work)(void *), void *arg);

#endif
