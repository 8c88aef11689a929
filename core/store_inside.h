/* store_inside.h - the store's own parts, shared by store_*.c.
 *
 * Threads: the loop's thread builds batches and runs short queries on `reads`; the writer thread
 * owns `writes` and everything in struct writer below the line; threads of the offload pool borrow
 * a connection of `pool` each. */
#ifndef SLUICE_CORE_STORE_INSIDE_H
#define SLUICE_CORE_STORE_INSIDE_H

#include "chain.h"
#include "store.h"
#include "store_sql.h"

#include <pthread.h>
#include <semaphore.h>

struct pool_wait;

/* One piece of work for the writer thread. Lives with its submitter, who waits for it. */
struct write {
    struct write *next;
    /* On the writer's thread, inside a transaction. Fills the fault when it fails. */
    bool (*apply)(struct write *write, struct store *store);
    struct batch_event *events; /* that it appends */
    bool alone;                 /* in a transaction of its own */
    struct store_fault fault;
    struct wait wait;
    sem_t *blocked; /* a submitter outside of fibers waits on this */
};

struct batch_statement {
    struct batch_statement *next;
    const char *sql, *owner; /* owner NULL: unbound */
    sl_value *values;
    size_t count;
    int64_t demand; /* rows; -1: any */
    const char *otherwise;
};

struct batch_event {
    struct batch_event *next;
    struct chain_entry entry;
};

enum { BATCH_MAGIC = 0x5ba7c4u };

struct sl_batch {
    unsigned magic;
    struct sl_call *call;
    struct arena *arena; /* of the call as it was when the batch was made (sl_scratch) */
    const char *owner;
    bool spent, has_jobs;
    const char *refused; /* what was wrong with an addition; sl_commit tells it */
    struct batch_statement *statements, **statements_end;
    struct batch_event *events, **events_end;
    struct write write;
};

struct writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct write *first, **end;
    size_t waiting;
    bool closing;
    /* ---- of the writer's thread alone ---- */
    struct connection connection;
    struct chain_hash head; /* of the newest event */
    int64_t head_seq;
    int data_version; /* changes when another process has committed */
    bool head_known, troubled;
    int journal_pages;        /* in the WAL, to be copied back */
    unsigned failures_recent; /* batches undone lately: a savepoint each pays then */
};

enum { READERS_MAX = 4 };

struct store {
    struct host *host;
    char *path; /* NULL: in memory */
    char memory_name[48];
    pthread_mutex_t memory_lock; /* in memory there is no WAL: one at a time */
    int64_t busy_timeout_ms;
    size_t queue_max;
    struct writer writer;
    /* loop side */
    struct deferred flush;
    struct write *unsent, **unsent_end; /* this turn's writes, handed over together */
    size_t in_flight;                   /* writes that have not come back */
    unsigned rounds_out;                /* rounds that have not come back; atomic */
    struct connection reads;
    struct connection pool[READERS_MAX];
    bool pool_open[READERS_MAX], pool_taken[READERS_MAX];
    struct pool_wait *pool_first, **pool_end;
    uv_timer_t *watch;
    int64_t data_version;
    int64_t newest_seq;
    struct store_watcher watcher;
    char *trouble; /* why writes fail, or NULL */
    int fail_commit;
    struct idempotency *running_keys;
};

/* ---- store_writer.c ---- */
bool writer_start(struct store *store, struct store_fault *fault);
void writer_stop(struct store *store); /* ends what waits first */
/* Hands a write over and waits for it; fills write->fault. Suspends in a fiber, else blocks. */
void writer_run(struct store *store, struct write *write);

/* ---- store_round.c: one transaction for all that wait; on the writer's thread ---- */
bool writer_connect(struct store *store, struct store_fault *fault);
void round_run(struct store *store, struct write *first);
bool head_load(struct store *store, struct store_fault *fault);

/* ---- store_batch.c ---- */
sl_batch *batch_new(struct sl_call *call, const char *owner);
/* Adds a statement for `owner`: NULL: unbound, values are $1... */
void batch_add(sl_batch *batch, const char *owner, const struct batch_statement *row);
const char *store_owner_of(const struct sl_call *call);
int store_tell(struct sl_call *call, const struct store_fault *fault); /* -> sl_fail */

/* ---- store_watch.c: notices what other processes commit ---- */
void watch_start(struct store *store);
void watch_stop(struct store *store);
void watch_told(struct store *store, int64_t newest_seq, bool always, bool elsewhere);

#endif
