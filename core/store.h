/* store.h - the inside of the store: drivers, migrations, unbound access of the core.
 *
 * SQLite: WAL, synchronous=FULL; one writer thread takes all batches that wait and commits them in
 * one transaction, a savepoint each; read connections serve queries on the loop, and on the pool
 * when a query turns out to be long. Public half: sluice/store.h. */
#ifndef SLUICE_CORE_STORE_H
#define SLUICE_CORE_STORE_H

#include "call.h"

struct chain_entry;
struct store;

struct store_options {
    const char *path;        /* of the database file; NULL: in memory, for tests */
    int64_t busy_timeout_ms; /* another process holds the lock: 503 after this; 0: 5,000 */
    size_t queue_max;        /* batches that may wait; more answer SL_UNAVAILABLE; 0: 10,000 */
};

/* Opens or creates, applies the core's own migrations, checks the header. On failure NULL and a
 * sentence in `error` (malloc'ed). */
struct store *store_open(struct host *host, const struct store_options *options, char **error);
void store_close(struct store *store); /* waits for the writer */

/* Applies the migrations that are not applied yet, in one transaction. 0, or a status with a
 * sentence. Suspends when in a fiber; may also be called outside one (it then blocks). */
int store_migrate(struct store *store, const char *owner, const sl_migration *rows, size_t row_size,
                  char **error);

/* Unbound access of the core itself: the caller's values are $1, $2...; any tenant's rows. */
int store_query(struct sl_call *call, sl_rows *rows, const char *sql, const sl_value *args,
                size_t count);
sl_batch *store_batch(struct sl_call *call);

/* Who follows the log; all on the loop. */
struct store_watcher {
    /* Each event of this process's commits, in order, just before `told`; borrowed. */
    void (*appended)(void *arg, const struct chain_entry *entry);
    /* The log has grown to `newest_seq`, or writes began or ceased to fail. `elsewhere`: another
     * process has committed something, maybe no event (noticed within 200 ms). */
    void (*told)(void *arg, int64_t newest_seq, bool elsewhere);
    void *arg;
};
void store_watch(struct store *store, const struct store_watcher *watcher); /* copies */

int64_t store_newest_seq(const struct store *store); /* of the log; 0: it is empty */

/* NULL when writes work; else the cause ("disk full"), for readiness. */
const char *store_write_trouble(const struct store *store);
bool store_idle(const struct store *store);           /* no write is under way; for tests */
void store_fail_commit(struct store *store, int nth); /* tests: the n-th commit from now fails */

/* `sluice db check`: integrity, foreign rows, hash chain. Prints what it finds into *report
 * (malloc'ed). 0 when all is well. Works on a file that no server has open, or read-only beside
 * one. */
int store_check_file(const char *path, char **report);

#endif
