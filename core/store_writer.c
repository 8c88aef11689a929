/* store_writer.c - the writer's thread and its queue.
 *
 * Writes of one turn of the loop are handed over together at its end: one lock, one signal, and one
 * commit for all of them. */
#include "store_inside.h"

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUND_MAX = 512, PROBE_EACH_S = 1 };

static void send_unsent(struct store *store) {
    struct write *first = store->unsent;
    if (!first) return;
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    *writer->end = first;
    writer->end = store->unsent_end;
    pthread_cond_signal(&writer->more);
    pthread_mutex_unlock(&writer->lock);
    store->unsent = NULL;
    store->unsent_end = &store->unsent;
}

static void flush(struct deferred *deferred) {
    struct store *store = (struct store *)((char *)deferred - offsetof(struct store, flush));
    send_unsent(store);
}

static void wait_blocked(struct store *store, struct write *write) {
    sem_t blocked;
    sem_init(&blocked, 0, 0);
    write->blocked = &blocked;
    send_unsent(store);
    while (sem_wait(&blocked) != 0 && errno == EINTR) {
    }
    sem_destroy(&blocked);
}

void writer_run(struct store *store, struct write *write) {
    struct loop *loop = store->host->loop;
    if (store->in_flight >= store->queue_max) {
        fault_say(&write->fault, SL_UNAVAILABLE, "%zu writes wait already: try again in a moment",
                  store->in_flight);
        return;
    }
    write->next = NULL;
    *store->unsent_end = write;
    store->unsent_end = &write->next;
    store->in_flight++;
    if (fiber_inside(loop)) {
        wait_init(&write->wait, loop);
        loop_defer(loop, &store->flush);
        wait_park(&write->wait, INT64_MAX);
    } else {
        wait_blocked(store, write);
        store->in_flight--;
    }
}

/* Up to ROUND_MAX of what waits; one that must be alone ends or is the round. */
static struct write *take_round(struct writer *writer) {
    struct write *first = writer->first, **end = &writer->first;
    size_t taken = 0;
    while (*end && taken < ROUND_MAX) {
        if ((*end)->alone && taken) break;
        bool alone = (*end)->alone;
        end = &(*end)->next;
        taken++;
        if (alone) break;
    }
    if (!taken) return NULL;
    struct write *rest = *end;
    *end = NULL;
    writer->first = rest;
    if (!rest) writer->end = &writer->first;
    return first;
}

/* Waits for work. NULL with *probe: none came, but a failed disk should be tried again. NULL
 * without: the end. */
static struct write *next_round(struct writer *writer, bool *probe) {
    *probe = false;
    pthread_mutex_lock(&writer->lock);
    while (!writer->first && !writer->closing && !*probe) {
        if (!writer->troubled) {
            pthread_cond_wait(&writer->more, &writer->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PROBE_EACH_S;
        int rc = pthread_cond_timedwait(&writer->more, &writer->lock, &until);
        *probe = rc == ETIMEDOUT && !writer->first;
    }
    struct write *first = take_round(writer);
    pthread_mutex_unlock(&writer->lock);
    return first;
}

static void *writer_main(void *arg) {
    struct store *store = arg;
    bool probe;
    for (struct write *first; (first = next_round(&store->writer, &probe)) || probe;)
        round_run(store, first);
    return NULL;
}

bool writer_start(struct store *store, struct store_fault *fault) {
    struct writer *writer = &store->writer;
    writer->end = &writer->first;
    store->unsent_end = &store->unsent;
    store->flush.run = flush;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->more, NULL);
    int rc = pthread_create(&writer->thread, NULL, writer_main, store);
    if (rc) fault_say(fault, SL_INTERNAL, "the writer's thread cannot start: %s", strerror(rc));
    return rc == 0;
}

void writer_stop(struct store *store) {
    struct writer *writer = &store->writer;
    send_unsent(store);
    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_cond_signal(&writer->more);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->more);
}
