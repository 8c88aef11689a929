/* store_read.c - queries: short ones where they stand, long ones on a thread of the pool.
 *
 * A query begins on the loop's own connection with about a millisecond; when that is over it begins
 * again on a pooled connection. A statement that was long last time goes there at once. */
#include "arena.h"
#include "host.h"
#include "store_inside.h"

#include <string.h>

enum { LOOP_BUDGET_NS = 1000000 };

struct query {
    struct store *store;
    struct sl_call *call;
    sl_rows *rows;
    const char *sql, *owner;
    const sl_value *values;
    size_t count;
    struct connection *connection;
    struct store_fault fault;
    bool interrupted;
};

/* A fiber that waits for a connection of the pool. */
struct pool_wait {
    struct pool_wait *next;
    struct wait wait;
};

static bool query_run(struct query *query) {
    struct connection *connection = query->connection;
    struct store *store = query->store;
    if (!store->path) pthread_mutex_lock(&store->memory_lock);
    connection->interrupted = false;
    struct statement *statement =
        statement_get(connection, query->sql, query->owner, &query->fault);
    bool good = false;
    if (!statement) query->interrupted = connection->interrupted; /* while it was prepared */
    if (statement && !sqlite3_stmt_readonly(statement->prepared)) {
        fault_say(&query->fault, SL_INTERNAL, "a query may only read; write by a batch, in: %.300s",
                  query->sql);
    } else if (statement) {
        const char *tenant = query->owner ? query->call->who.tenant : NULL;
        good =
            statement_bind(statement, tenant, query->values, query->count, &query->fault) &&
            statement_rows(connection, statement, query->call->arena, query->rows, &query->fault);
        query->interrupted = !good && connection->interrupted;
        statement_reset(statement);
    }
    if (!store->path) pthread_mutex_unlock(&store->memory_lock);
    return good;
}

/* ---- on a thread ---- */

static int run_pooled(void *arg) {
    struct query *query = arg;
    struct connection *connection = query->connection;
    connection->until_ns = query->call->deadline_ns;
    connection->cancelled = &query->call->cancelled;
    bool good = query_run(query);
    connection->cancelled = NULL;
    return good ? SL_OK : query->fault.status;
}

static int pool_take(struct store *store) {
    for (int i = 0; i < READERS_MAX; i++) {
        if (store->pool_taken[i]) continue;
        store->pool_taken[i] = true;
        return i;
    }
    return -1;
}

static int pool_get(struct store *store) {
    int place;
    while ((place = pool_take(store)) < 0) {
        struct pool_wait waiting = {0};
        wait_init(&waiting.wait, store->host->loop);
        *store->pool_end = &waiting;
        store->pool_end = &waiting.next;
        wait_park(&waiting.wait, INT64_MAX);
    }
    return place;
}

static void pool_put(struct store *store, int place) {
    store->pool_taken[place] = false;
    struct pool_wait *next = store->pool_first;
    if (!next) return;
    store->pool_first = next->next;
    if (!store->pool_first) store->pool_end = &store->pool_first;
    wait_done(&next->wait, 0);
}

static bool pool_connect(struct store *store, int place, struct store_fault *fault) {
    if (store->pool_open[place]) return true;
    store->pool_open[place] = connection_open(&store->pool[place], store->path, store->memory_name,
                                              CONNECTION_READS, fault);
    if (store->pool_open[place])
        sqlite3_busy_timeout(store->pool[place].db, (int)store->busy_timeout_ms);
    return store->pool_open[place];
}

static int stopped(struct query *query) {
    struct sl_call *call = query->call;
    if (call->cancelled) return sl_fail(call, SL_CANCELLED, "the caller left during a query");
    return sl_fail(call, SL_TIMEOUT, "the deadline passed during a query: ask for less, in: %.200s",
                   query->sql);
}

static int run_long(struct query *query) {
    struct store *store = query->store;
    memset(&query->fault, 0, sizeof query->fault);
    int place = pool_get(store);
    int rc = SL_INTERNAL;
    if (pool_connect(store, place, &query->fault)) {
        query->connection = &store->pool[place];
        rc = loop_offload(store->host->loop, query->call->arena, run_pooled, query);
        if (rc == SL_LIMIT && !query->fault.status)
            fault_say(&query->fault, SL_LIMIT, "too much work waits for the thread pool");
    }
    pool_put(store, place);
    if (rc == SL_OK) return SL_OK;
    return query->interrupted ? stopped(query) : store_tell(query->call, &query->fault);
}

/* ---- on the loop ---- */

static void mark(struct query *query, bool slow) {
    struct store_fault ignored;
    query->store->reads.until_ns = INT64_MAX; /* preparing it is no part of the budget */
    struct statement *statement =
        statement_get(&query->store->reads, query->sql, query->owner, &ignored);
    if (statement) statement->slow = slow;
}

static bool known_slow(struct query *query) {
    query->store->reads.until_ns = INT64_MAX; /* what is left of the query before */
    struct statement *statement =
        statement_get(&query->store->reads, query->sql, query->owner, &query->fault);
    return statement && statement->slow;
}

static int run_query(struct query *query) {
    struct store *store = query->store;
    bool fiber = fiber_inside(store->host->loop);
    query->connection = &store->reads;
    if (fiber && known_slow(query)) {
        int64_t began_ns = loop_clock_ns();
        int rc = run_long(query);
        if (rc == SL_OK && loop_clock_ns() - began_ns < LOOP_BUDGET_NS / 2) mark(query, false);
        return rc;
    }
    memset(&query->fault, 0, sizeof query->fault);
    store->reads.until_ns = fiber ? loop_clock_ns() + LOOP_BUDGET_NS : INT64_MAX;
    if (query_run(query)) return SL_OK;
    bool busy = (query->fault.sqlite & 0xff) == SQLITE_BUSY;
    if (!fiber || !(query->interrupted || busy)) return store_tell(query->call, &query->fault);
    if (query->interrupted) mark(query, true);
    query->interrupted = false;
    return run_long(query);
}

static int begin(struct query *query) {
    memset(query->rows, 0, sizeof *query->rows);
    query->store = query->call->host->store;
    if (!query->store) return sl_fail(query->call, SL_UNAVAILABLE, "the store is closed");
    return run_query(query);
}

int sl_query(sl_call *call, sl_rows *rows, const char *sql, const sl_value *args, size_t count) {
    struct query query = {.call = call,
                          .rows = rows,
                          .sql = sql,
                          .owner = store_owner_of(call),
                          .values = args,
                          .count = count};
    return begin(&query);
}

int store_query(struct sl_call *call, sl_rows *rows, const char *sql, const sl_value *args,
                size_t count) {
    struct query query = {.call = call, .rows = rows, .sql = sql, .values = args, .count = count};
    return begin(&query);
}
