/* store.c - opening and closing the store, and its own tables. */
#include "host.h"
#include "logging.h"
#include "store_migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_TIMEOUT_MS = 5000, QUEUE_MAX = 10000 };

/* clang-format off */
static const sl_migration schema[] = {
    {.number = 1, .name = "log", .sql =
        "CREATE TABLE sluice_event ("
        " seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, at_ms BIGINT NOT NULL,"
        " type TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT, request_id TEXT,"
        " data TEXT NOT NULL, hash BLOB NOT NULL);"
        "CREATE INDEX sluice_event_subject ON sluice_event(tenant, subject, seq);"
        "CREATE TABLE sluice_probe (tenant TEXT PRIMARY KEY, at_ms BIGINT NOT NULL);"},
    {.number = 2, .name = "idempotency keys", .sql =
        "CREATE TABLE sluice_idempotency ("
        " tenant TEXT NOT NULL, key TEXT NOT NULL, op TEXT NOT NULL, body_hash TEXT NOT NULL,"
        " status INTEGER NOT NULL, content_type TEXT, body TEXT NOT NULL, at_ms BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, key));"
        "CREATE INDEX sluice_idempotency_age ON sluice_idempotency(at_ms);"},
    {.number = 3, .name = "pages of a tenant's events", .sql =
        "CREATE INDEX sluice_event_tenant ON sluice_event(tenant, seq);"},
    SL_END};
/* clang-format on */

/* Before the writer's thread runs: the table of migrations, then our own. */
static bool make_tables(struct store *store, struct store_fault *fault) {
    struct connection *connection = &store->writer.connection;
    static const char table[] =
        "CREATE TABLE IF NOT EXISTS sluice_migration (tenant TEXT NOT NULL, owner TEXT NOT NULL, "
        "number INTEGER NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at BIGINT NOT "
        "NULL, PRIMARY KEY (owner, number))";
    struct migration_run run = {
        .owner = "sluice-store", .rows = schema, .row_size = sizeof *schema};
    struct store_fault ignored;
    if (!connection_exec(connection, "BEGIN IMMEDIATE", fault)) return false;
    if (connection_exec(connection, table, fault)) {
        bool good = migration_apply(&run.write, store);
        *fault = run.write.fault;
        if (good && connection_exec(connection, "COMMIT", fault)) return true;
    }
    connection_exec(connection, "ROLLBACK", &ignored);
    return false;
}

static bool open_all(struct store *store, struct store_fault *fault) {
    if (!writer_connect(store, fault) || !make_tables(store, fault) || !head_load(store, fault))
        return false;
    store->newest_seq = store->writer.head_seq;
    if (!connection_open(&store->reads, store->path, store->memory_name, CONNECTION_READS, fault))
        return false;
    sqlite3_busy_timeout(store->reads.db, 0); /* on the loop: never wait there */
    return writer_start(store, fault);
}

static void store_free(struct store *store) {
    connection_close(&store->writer.connection);
    connection_close(&store->reads);
    for (int i = 0; i < READERS_MAX; i++)
        if (store->pool_open[i]) connection_close(&store->pool[i]);
    pthread_mutex_destroy(&store->memory_lock);
    free(store->trouble);
    free(store->path);
    free(store);
}

struct store *store_open(struct host *host, const struct store_options *options, char **error) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock for each allocation less */
    struct store *store = calloc(1, sizeof *store);
    if (!store) abort();
    store->host = host;
    store->path = options->path ? strdup(options->path) : NULL;
    snprintf(store->memory_name, sizeof store->memory_name, "sluice-%p", (void *)store);
    pthread_mutex_init(&store->memory_lock, NULL);
    store->busy_timeout_ms = options->busy_timeout_ms ? options->busy_timeout_ms : BUSY_TIMEOUT_MS;
    store->queue_max = options->queue_max ? options->queue_max : QUEUE_MAX;
    store->pool_end = &store->pool_first;
    struct store_fault fault = {0};
    if (open_all(store, &fault)) {
        watch_start(store);
        return store;
    }
    if (error) *error = strdup(fault.sentence);
    store_free(store);
    return NULL;
}

void store_close(struct store *store) {
    if (!store) return;
    store->watcher = (struct store_watcher){0};
    watch_stop(store);
    writer_stop(store);
    while (__atomic_load_n(&store->rounds_out, __ATOMIC_RELAXED)) loop_turn(store->host->loop);
    store_free(store);
}

const char *store_write_trouble(const struct store *store) {
    return store->trouble;
}

int64_t store_newest_seq(const struct store *store) {
    return store->newest_seq;
}

bool store_idle(const struct store *store) {
    return !store->in_flight && !__atomic_load_n(&store->rounds_out, __ATOMIC_RELAXED);
}
