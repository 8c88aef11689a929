/* fiber.c - fibers by Boost.Context's C entry points, and parking.
 *
 * A fiber runs on its own mmap'ed stack with a guard page below. Switching saves and restores the
 * thread's cJSON arena, and tells AddressSanitizer which stack is live. */
#include "fiber.h"
#include "arena.h"
#include "loop.h"

#include <sluice/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* boost/context/detail/fcontext.hpp, the two C-linkage entry points */
typedef void *fcontext_t;
struct transfer {
    fcontext_t from;
    void *data;
};
extern struct transfer jump_fcontext(fcontext_t to, void *data);
extern fcontext_t make_fcontext(void *stack_top, size_t size, void (*entry)(struct transfer));

enum { FIBER_MAGIC = 0xf1be5u, IDLE_MAX = 256 };

struct fiber {
    unsigned magic;
    struct loop *loop;
    struct fiber *next;   /* in the ready queue or the idle list */
    struct fiber *caller; /* who switched to it; NULL: the loop */
    fcontext_t context, caller_context;
    char *stack; /* lowest usable byte */
    struct arena *arena;
    struct arena *caller_arena;
    void (*run)(void *arg);
    void *arg;
    const char *running;
    void *caller_fake_stack, *fake_stack;
    const void *caller_bottom;
    size_t caller_size;
    bool ended;
};

static void asan_before(void **save, const void *bottom, size_t size) {
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(save, bottom, size);
#else
    (void)save, (void)bottom, (void)size;
#endif
}

static void asan_after(void *saved, const void **bottom, size_t *size) {
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(saved, bottom, size);
#else
    (void)saved, (void)bottom, (void)size;
#endif
}

/* Leaves the fiber for whoever switched to it. */
static void leave(struct fiber *fiber) {
    asan_before(fiber->ended ? NULL : &fiber->fake_stack, fiber->caller_bottom, fiber->caller_size);
    struct transfer back = jump_fcontext(fiber->caller_context, fiber);
    asan_after(fiber->fake_stack, &fiber->caller_bottom, &fiber->caller_size);
    fiber->caller_context = back.from;
}

static void enter(struct transfer first) {
    struct fiber *fiber = first.data;
    asan_after(NULL, &fiber->caller_bottom, &fiber->caller_size);
    fiber->caller_context = first.from;
    fiber->run(fiber->arg);
    fiber->ended = true;
    leave(fiber);
    abort(); /* an ended fiber is never switched to */
}

/* Runs the fiber until it parks or ends. */
static void switch_to(struct fiber *fiber) {
    struct loop *loop = fiber->loop;
    fiber->caller = loop->current;
    fiber->caller_arena = arena_use(fiber->arena);
    const char *was_running = loop->running;
    loop->running = fiber->running;
    loop->current = fiber;
    asan_before(&fiber->caller_fake_stack, fiber->stack, FIBER_STACK_BYTES);
    struct transfer back = jump_fcontext(fiber->context, fiber);
    asan_after(fiber->caller_fake_stack, NULL, NULL);
    fiber->context = back.from;
    loop->current = fiber->caller;
    fiber->running = loop->running;
    loop->running = was_running;
    fiber->arena = arena_use(fiber->caller_arena);
}

static struct fiber *fiber_new(struct loop *loop) {
    struct fiber *fiber = loop->idle_fibers;
    if (fiber) {
        loop->idle_fibers = fiber->next;
        loop->fibers_idle--;
        return fiber;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *block = mmap(NULL, FIBER_STACK_BYTES + page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    fiber = calloc(1, sizeof *fiber);
    if (block == MAP_FAILED || !fiber || mprotect(block, page, PROT_NONE) != 0) {
        fprintf(stderr, "sluice: out of memory: no stack for a fiber\n");
        abort();
    }
    fiber->magic = FIBER_MAGIC;
    fiber->loop = loop;
    fiber->stack = block + page;
    return fiber;
}

static void fiber_free(struct fiber *fiber) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(fiber->stack - page, FIBER_STACK_BYTES + page);
    free(fiber);
}

/* Keeps the stack for the next one. */
static void fiber_retire(struct fiber *fiber) {
    struct loop *loop = fiber->loop;
    loop->fibers_live--;
    if (loop->fibers_idle >= IDLE_MAX) {
        fiber_free(fiber);
        return;
    }
#ifdef HAVE_ASAN
    __asan_unpoison_memory_region(fiber->stack, FIBER_STACK_BYTES);
#endif
    fiber->next = loop->idle_fibers;
    loop->idle_fibers = fiber;
    loop->fibers_idle++;
}

static struct fiber *prepare(struct loop *loop, void (*run)(void *arg), void *arg) {
    struct fiber *fiber = fiber_new(loop);
    fiber->run = run, fiber->arg = arg;
    fiber->ended = false;
    fiber->arena = NULL;
    fiber->running = NULL;
    fiber->fake_stack = NULL;
    fiber->next = NULL;
    fiber->context = make_fcontext(fiber->stack + FIBER_STACK_BYTES, FIBER_STACK_BYTES, enter);
    loop->fibers_live++;
    return fiber;
}

static void resume(struct fiber *fiber) {
    switch_to(fiber);
    if (fiber->ended) fiber_retire(fiber);
}

static void make_ready(struct fiber *fiber) {
    struct fiber_queue *queue = &fiber->loop->ready;
    fiber->next = NULL;
    if (queue->last)
        queue->last->next = fiber;
    else
        queue->first = fiber;
    queue->last = fiber;
}

void fiber_start(struct loop *loop, void (*run)(void *arg), void *arg) {
    resume(prepare(loop, run, arg));
}

void fiber_start_later(struct loop *loop, void (*run)(void *arg), void *arg) {
    make_ready(prepare(loop, run, arg));
}

bool fiber_inside(const struct loop *loop) {
    return loop->current != NULL;
}

bool fibers_run_ready(struct loop *loop) {
    struct fiber_queue now = loop->ready; /* those woken meanwhile run after the deferred work */
    loop->ready = (struct fiber_queue){0};
    bool any = now.first != NULL;
    while (now.first) {
        struct fiber *fiber = now.first;
        now.first = fiber->next;
        resume(fiber);
    }
    return any;
}

void fibers_free_idle(struct loop *loop) {
    while (loop->idle_fibers) {
        struct fiber *fiber = loop->idle_fibers;
        loop->idle_fibers = fiber->next;
        loop->fibers_idle--;
        fiber_free(fiber);
    }
}

void wait_init(struct wait *wait, struct loop *loop) {
    *wait = (struct wait){.loop = loop};
}

struct limit {
    uv_timer_t timer;
    struct wait *wait;
    struct wait closed;
};

static void limit_passed(uv_timer_t *timer) {
    struct limit *limit = timer->data;
    if (!limit->wait->done) wait_done(limit->wait, SL_TIMEOUT);
}

static void limit_closed(uv_handle_t *timer) {
    struct limit *limit = timer->data;
    wait_done(&limit->closed, 0);
}

static void park(struct wait *wait) {
    struct fiber *self = wait->loop->current;
    if (!self) {
        fprintf(stderr, "sluice: a suspending call was made outside a fiber\n");
        abort();
    }
    while (!wait->done) {
        wait->fiber = self;
        leave(self);
        wait->fiber = NULL;
    }
}

int wait_park(struct wait *wait, int64_t until_ns) {
    if (wait->done) return wait->status;
    if (until_ns == INT64_MAX) {
        park(wait);
        return wait->status;
    }
    int64_t left_ns = until_ns - loop_clock_ns();
    if (left_ns <= 0) {
        wait->done = true;
        wait->status = SL_TIMEOUT;
        return SL_TIMEOUT;
    }
    struct limit limit = {.wait = wait};
    wait_init(&limit.closed, wait->loop);
    uv_timer_init(&wait->loop->uv, &limit.timer);
    limit.timer.data = &limit;
    uv_update_time(&wait->loop->uv);
    uv_timer_start(&limit.timer, limit_passed, (uint64_t)(left_ns + 999999) / 1000000u, 0);
    park(wait);
    uv_close((uv_handle_t *)&limit.timer, limit_closed);
    park(&limit.closed); /* the timer lives on this stack */
    return wait->status;
}

void wait_done(struct wait *wait, int status) {
    if (wait->done) return;
    wait->done = true;
    wait->status = status;
    if (wait->fiber) make_ready(wait->fiber);
}
