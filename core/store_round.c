/* store_round.c - one transaction for all writes that wait, and the log's chain in it.
 *
 * A failed fsync is safe to try again: SQLite counts neither the frames of a failed commit nor the
 * pages of a failed checkpoint, and writes them anew, so that nothing is taken for durable on the
 * strength of a page that the kernel has dropped. */
#include "store_inside.h"

#include "host.h"
#include "logging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_PAGES = 2000, CHECKPOINT_HARD_PAGES = 32000 };

/* What one round did, on its way to the loop. */
struct round {
    struct post post;
    struct store *store;
    struct write *first;
    int64_t newest_seq;
    char *trouble; /* malloc'ed; NULL: writes work */
};

static bool exec(struct store *store, const char *sql, struct store_fault *fault) {
    struct connection *connection = &store->writer.connection;
    struct statement *statement = statement_get(connection, sql, NULL, fault);
    if (!statement) return false;
    errno = 0;
    int code = sqlite3_step(statement->prepared);
    if (code != SQLITE_DONE && code != SQLITE_ROW) fault_of(fault, connection, code, sql);
    sqlite3_reset(statement->prepared);
    return code == SQLITE_DONE || code == SQLITE_ROW;
}

static bool read_number(struct store *store, const char *sql, int *number,
                        struct store_fault *fault) {
    struct connection *connection = &store->writer.connection;
    struct statement *statement = statement_get(connection, sql, NULL, fault);
    if (!statement) return false;
    int code = sqlite3_step(statement->prepared);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int(statement->prepared, 0);
    else
        fault_of(fault, connection, code, sql);
    sqlite3_reset(statement->prepared);
    return code == SQLITE_ROW;
}

bool head_load(struct store *store, struct store_fault *fault) {
    struct writer *writer = &store->writer;
    struct connection *connection = &writer->connection;
    struct statement *statement = statement_get(
        connection, "SELECT seq, hash FROM sluice_event ORDER BY seq DESC LIMIT 1", NULL, fault);
    if (!statement) return false;
    int code = sqlite3_step(statement->prepared);
    writer->head_seq = 0;
    memset(&writer->head, 0, sizeof writer->head);
    bool good = code == SQLITE_DONE;
    if (code == SQLITE_ROW) {
        writer->head_seq = sqlite3_column_int64(statement->prepared, 0);
        const void *hash = sqlite3_column_blob(statement->prepared, 1);
        good = sqlite3_column_bytes(statement->prepared, 1) == CHAIN_HASH_BYTES;
        if (good)
            memcpy(writer->head.bytes, hash, CHAIN_HASH_BYTES);
        else
            fault_say(fault, SL_UNAVAILABLE,
                      "event %lld has no hash: the log was changed from outside; run `sluice db "
                      "check`",
                      (long long)writer->head_seq);
    } else if (code != SQLITE_DONE) {
        fault_of(fault, connection, code, NULL);
    }
    sqlite3_reset(statement->prepared);
    writer->head_known = good;
    return good;
}

/* Inside the transaction: is the remembered head still the newest? */
static bool head_refresh(struct store *store, struct store_fault *fault) {
    int version = 0;
    if (!read_number(store, "PRAGMA data_version", &version, fault)) return false;
    if (store->writer.head_known && version == store->writer.data_version) return true;
    store->writer.data_version = version;
    return head_load(store, fault);
}

static void undo(struct store *store) {
    struct store_fault ignored = {0};
    sqlite3 *db = store->writer.connection.db;
    if (db && !sqlite3_get_autocommit(db)) exec(store, "ROLLBACK", &ignored);
    store->writer.head_known = false;
}

static bool transaction_is_gone(struct store *store) {
    return sqlite3_get_autocommit(store->writer.connection.db) != 0;
}

/* One write behind a savepoint, so that its failure undoes it alone. */
static bool apply_guarded(struct store *store, struct write *write) {
    struct writer *writer = &store->writer;
    struct chain_hash head = writer->head;
    int64_t head_seq = writer->head_seq;
    if (!exec(store, "SAVEPOINT one", &write->fault)) return false;
    if (write->apply(write, store)) return exec(store, "RELEASE one", &write->fault);
    writer->head = head;
    writer->head_seq = head_seq;
    struct store_fault ignored = {0};
    if (!transaction_is_gone(store) && exec(store, "ROLLBACK TO one", &ignored))
        exec(store, "RELEASE one", &ignored);
    return false;
}

/* Applies all; false when the store as a whole is in trouble, with the fault of it. */
static bool apply_each(struct store *store, struct write *first, struct store_fault *fault) {
    for (struct write *write = first; write; write = write->next) {
        memset(&write->fault, 0, sizeof write->fault);
        if (apply_guarded(store, write)) continue;
        store->writer.failures_recent = 64;
        if (!fault_is_of_store(&write->fault) && !transaction_is_gone(store)) continue;
        *fault = write->fault;
        return false;
    }
    return true;
}

/* The usual case, without savepoints: none fails. *again: one failed, undo and take apply_each. */
static bool apply_all(struct store *store, struct write *first, bool *again) {
    for (struct write *write = first; write; write = write->next) {
        if (write->apply(write, store)) continue;
        *again = true;
        return false;
    }
    return true;
}

static bool begin(struct store *store, struct store_fault *fault) {
    return exec(store, "BEGIN IMMEDIATE", fault) && head_refresh(store, fault);
}

static bool run_transaction(struct store *store, struct write *first, struct store_fault *fault) {
    struct writer *writer = &store->writer;
    bool again = writer->failures_recent > 0;
    if (!begin(store, fault)) return false;
    if (!again && !apply_all(store, first, &again)) {
        undo(store);
        if (!begin(store, fault)) return false;
    }
    if (again) {
        if (writer->failures_recent) writer->failures_recent--;
        if (!apply_each(store, first, fault)) return false;
    }
    return exec(store, "COMMIT", fault);
}

/* The disk was full or failed: does it take a write again? */
static bool run_probe(struct store *store, struct store_fault *fault) {
    return exec(store, "BEGIN IMMEDIATE", fault) &&
           exec(store,
                "INSERT INTO sluice_probe(tenant, at_ms) VALUES ('system', 1) "
                "ON CONFLICT(tenant) DO UPDATE SET at_ms = sluice_probe.at_ms + 1",
                fault) &&
           exec(store, "COMMIT", fault);
}

static int note_pages(void *arg, sqlite3 *db, const char *name, int pages) {
    struct store *store = arg;
    (void)db, (void)name;
    store->writer.journal_pages = pages;
    return SQLITE_OK;
}

bool writer_connect(struct store *store, struct store_fault *fault) {
    struct writer *writer = &store->writer;
    if (writer->connection.db) return true;
    writer->head_known = false;
    if (!connection_open(&writer->connection, store->path, store->memory_name, CONNECTION_WRITES,
                         fault))
        return false;
    sqlite3_busy_timeout(writer->connection.db, (int)store->busy_timeout_ms);
    sqlite3_wal_hook(writer->connection.db, note_pages, store);
    return true;
}

/* The whole round failed: everybody who waits now hears why, also those who came meanwhile, so that
 * nobody waits for a second timeout. */
static struct write *fail_all(struct store *store, struct write *first,
                              const struct store_fault *fault) {
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    struct write **end = &first;
    while (*end) end = &(*end)->next;
    *end = writer->first;
    writer->first = NULL;
    writer->end = &writer->first;
    pthread_mutex_unlock(&writer->lock);
    for (struct write *write = first; write; write = write->next) write->fault = *fault;
    return first;
}

/* Their memory is the waiting callers', so before those go on. */
static void tell_appended(struct store *store, const struct write *first) {
    for (const struct write *write = first; store->watcher.appended && write; write = write->next)
        for (struct batch_event *event = write->fault.status ? NULL : write->events; event;
             event = event->next)
            store->watcher.appended(store->watcher.arg, &event->entry);
}

static void round_ended(struct post *post) {
    struct round *round = (struct round *)post; /* its first member */
    struct store *store = round->store;
    char *was = store->trouble;
    store->trouble = round->trouble;
    if (!was && round->trouble) log_error("writes fail: %s", round->trouble);
    if (was && !round->trouble) log_info("writes work again");
    bool turned = !was != !round->trouble;
    free(was);
    tell_appended(store, round->first);
    for (struct write *write = round->first, *next; write; write = next) {
        next = write->next;
        store->in_flight--;
        wait_done(&write->wait, 0);
    }
    __atomic_sub_fetch(&store->rounds_out, 1, __ATOMIC_RELAXED);
    watch_told(store, round->newest_seq, turned, false);
    free(round);
}

/* Those who block hear at once; the rest goes to the loop in one post. */
static void send_back(struct store *store, struct round *round, struct write *first) {
    struct write **end = &round->first;
    for (struct write *write = first, *next; write; write = next) {
        next = write->next;
        if (write->blocked) {
            sem_post(write->blocked);
            continue;
        }
        *end = write;
        end = &write->next;
    }
    *end = NULL;
    loop_post(store->host->loop, &round->post);
}

/* After the answers: copying the journal back is nobody's waiting time. */
static void checkpoint(struct store *store) {
    struct writer *writer = &store->writer;
    if (writer->journal_pages < CHECKPOINT_PAGES) return;
    bool hard = writer->journal_pages >= CHECKPOINT_HARD_PAGES;
    int mode = hard ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    int code = sqlite3_wal_checkpoint_v2(writer->connection.db, NULL, mode, NULL, NULL);
    /* Done or not, the next try is after some more pages; a failed one loses nothing. */
    writer->journal_pages = 0;
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        log_warn("the journal of %s cannot be copied back yet: %s", store->path,
                 sqlite3_errstr(code));
}

static bool run(struct store *store, struct write *first, struct store_fault *fault) {
    if (!writer_connect(store, fault)) return false;
    return first ? run_transaction(store, first, fault) : run_probe(store, fault);
}

void round_run(struct store *store, struct write *first) {
    struct round *round = calloc(1, sizeof *round);
    if (!round) abort();
    round->post.run = round_ended;
    round->store = store;
    __atomic_add_fetch(&store->rounds_out, 1, __ATOMIC_RELAXED);
    struct store_fault fault = {0};
    if (!store->path) pthread_mutex_lock(&store->memory_lock);
    bool good = run(store, first, &fault);
    if (!good) {
        undo(store);
        first = fail_all(store, first, &fault);
        round->trouble = strdup(fault.sentence);
        /* Its cached pages and file handles are suspect; the next round opens it anew. */
        if ((fault.sqlite & 0xff) == SQLITE_IOERR && store->path)
            connection_close(&store->writer.connection);
    }
    if (!store->path) pthread_mutex_unlock(&store->memory_lock);
    store->writer.troubled = !good;
    round->newest_seq = good ? store->writer.head_seq : 0;
    send_back(store, round, first);
    if (good) checkpoint(store);
}
