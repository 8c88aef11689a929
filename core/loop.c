#include "loop.h"
#include "arena.h"
#include "fiber.h"
#include "offload.h"

#include <sluice/base.h>
#include <stdlib.h>
#include <time.h>

static bool run_deferred(struct loop *loop) {
    struct deferred *list = loop->deferred;
    bool any = list != NULL;
    loop->deferred = NULL;
    loop->deferred_end = &loop->deferred;
    while (list) {
        struct deferred *task = list;
        list = task->next;
        task->queued = false;
        task->run(task);
    }
    return any;
}

/* Fibers first, then deferred work (answers of the turn), until both are done; a chain that never
 * ends is cut after some rounds so that sockets are served too. */
static void settle(struct loop *loop) {
    enum { ROUNDS = 64 };
    int round = 0;
    while (round++ < ROUNDS && (loop->ready.first || loop->deferred)) {
        while (round++ < ROUNDS && fibers_run_ready(loop)) {
        }
        run_deferred(loop);
    }
}

static void keep_turning(uv_idle_t *idle) {
    (void)idle;
}

static void before_poll(uv_prepare_t *handle) {
    struct loop *loop = handle->data;
    settle(loop);
    if (loop->ready.first || loop->deferred)
        uv_idle_start(&loop->keep_turning, keep_turning);
    else
        uv_idle_stop(&loop->keep_turning);
    loop->turn_began_ns = 0; /* waiting is not lag */
}

static void after_poll(uv_check_t *handle) {
    struct loop *loop = handle->data;
    settle(loop);
}

static void take_posts(uv_async_t *wake) {
    struct loop *loop = wake->data;
    uv_mutex_lock(&loop->post_lock);
    struct post *list = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    uv_mutex_unlock(&loop->post_lock);
    while (list) {
        struct post *post = list;
        list = post->next;
        post->run(post);
    }
}

int loop_init(struct loop *loop) {
    *loop = (struct loop){0};
    arena_install_json_hooks();
    loop->posts_end = &loop->posts;
    loop->deferred_end = &loop->deferred;
    int rc = uv_loop_init(&loop->uv);
    if (rc) return rc;
    uv_mutex_init(&loop->post_lock);
    uv_async_init(&loop->uv, &loop->wake, take_posts);
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_idle_init(&loop->uv, &loop->keep_turning);
    loop->wake.data = loop->before_poll.data = loop->after_poll.data = loop;
    uv_prepare_start(&loop->before_poll, before_poll);
    uv_check_start(&loop->after_poll, after_poll);
    /* These serve the loop; they do not keep it alive. */
    uv_unref((uv_handle_t *)&loop->before_poll);
    uv_unref((uv_handle_t *)&loop->after_poll);
    uv_unref((uv_handle_t *)&loop->keep_turning);
    return 0;
}

void loop_run(struct loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop) {
    uv_stop(&loop->uv);
}

bool loop_turn(struct loop *loop) {
    settle(loop);
    int more = uv_run(&loop->uv, UV_RUN_NOWAIT);
    settle(loop);
    return more || loop->ready.first || loop->deferred;
}

void loop_fini(struct loop *loop) {
    offload_close(loop->offload);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->keep_turning, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT)) {
    }
    fibers_free_idle(loop);
    uv_mutex_destroy(&loop->post_lock);
    uv_loop_close(&loop->uv);
}

int64_t loop_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t loop_now_ms(const struct loop *loop) {
    if (loop->fake_now_ms) return loop->fake_now_ms;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void loop_defer(struct loop *loop, struct deferred *deferred) {
    if (deferred->queued) return;
    deferred->queued = true;
    deferred->next = NULL;
    *loop->deferred_end = deferred;
    loop->deferred_end = &deferred->next;
}

void loop_post(struct loop *loop, struct post *post) {
    post->next = NULL;
    uv_mutex_lock(&loop->post_lock);
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->wake);
}
