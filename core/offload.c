#include "offload.h"
#include "arena.h"
#include "loop.h"

#include <pthread.h>
#include <sluice/base.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 16, QUEUE_MAX = 1024 };

struct task {
    struct post back;
    struct task *next;
    struct loop *loop;
    struct arena *arena;
    int (*work)(void *);
    void *arg;
    int result;
    struct wait wait;
};

struct offload_pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct task *first, **end;
    unsigned waiting, threads;
    bool closing;
    pthread_t thread[THREADS_MAX];
};

static void came_back(struct post *post) {
    struct task *task = (struct task *)post; /* its first member */
    wait_done(&task->wait, task->result);
}

static struct task *next_task(struct offload_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->closing) pthread_cond_wait(&pool->more, &pool->lock);
    struct task *task = pool->first;
    if (task) {
        pool->first = task->next;
        if (!pool->first) pool->end = &pool->first;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void *worker(void *arg) {
    struct offload_pool *pool = arg;
    for (struct task *task; (task = next_task(pool));) {
        arena_use(task->arena);
        task->result = task->work(task->arg);
        arena_use(NULL);
        loop_post(task->loop, &task->back);
    }
    return NULL;
}

static struct offload_pool *pool_open(void) {
    struct offload_pool *pool = calloc(1, sizeof *pool);
    if (!pool) abort();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    pool->end = &pool->first;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = cores > 0 && cores < THREADS_MAX - 2 ? (unsigned)cores + 2 : THREADS_MAX;
    while (pool->threads < wanted &&
           pthread_create(&pool->thread[pool->threads], NULL, worker, pool) == 0)
        pool->threads++;
    if (!pool->threads) abort();
    return pool;
}

int loop_offload(struct loop *loop, struct arena *arena, int (*work)(void *), void *arg) {
    if (!loop->offload) loop->offload = pool_open();
    struct offload_pool *pool = loop->offload;
    struct task task = {
        .back.run = came_back, .loop = loop, .arena = arena, .work = work, .arg = arg};
    wait_init(&task.wait, loop);
    pthread_mutex_lock(&pool->lock);
    bool full = pool->waiting >= QUEUE_MAX;
    if (!full) {
        *pool->end = &task;
        pool->end = &task.next;
        pool->waiting++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return full ? SL_LIMIT : wait_park(&task.wait, INT64_MAX);
}

void offload_close(struct offload_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++) pthread_join(pool->thread[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->more);
    free(pool);
}
