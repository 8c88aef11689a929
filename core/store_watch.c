/* store_watch.c - tells the bus of commits: our own after each round, those of other processes by
 * SQLite's data version, looked at five times a second. */
#include "host.h"
#include "store_inside.h"

#include <stdlib.h>

enum { LOOK_EACH_MS = 200 };

void watch_told(struct store *store, int64_t newest_seq, bool always, bool elsewhere) {
    bool newer = newest_seq > store->newest_seq;
    if (newer) store->newest_seq = newest_seq;
    if (store->watcher.told && (newer || always))
        store->watcher.told(store->watcher.arg, store->newest_seq, elsewhere);
}

static bool read_number(struct store *store, const char *sql, int64_t *number) {
    struct store_fault ignored;
    struct statement *statement = statement_get(&store->reads, sql, NULL, &ignored);
    if (!statement) return false;
    store->reads.until_ns = INT64_MAX;
    bool good = sqlite3_step(statement->prepared) == SQLITE_ROW;
    if (good) *number = sqlite3_column_int64(statement->prepared, 0);
    sqlite3_reset(statement->prepared);
    return good;
}

static void look(uv_timer_t *timer) {
    struct store *store = timer->data;
    int64_t version = 0, newest = 0;
    if (!read_number(store, "PRAGMA data_version", &version)) return;
    if (version == store->data_version) return;
    store->data_version = version;
    if (read_number(store, "SELECT coalesce(max(seq), 0) FROM sluice_event", &newest))
        watch_told(store, newest, true, true);
}

void watch_start(struct store *store) {
    if (!store->path) return;
    store->watch = malloc(sizeof *store->watch);
    if (!store->watch) abort();
    uv_timer_init(&store->host->loop->uv, store->watch);
    store->watch->data = store;
    uv_timer_start(store->watch, look, LOOK_EACH_MS, LOOK_EACH_MS);
    uv_unref((uv_handle_t *)store->watch);
}

static void free_timer(uv_handle_t *timer) {
    free(timer);
}

void watch_stop(struct store *store) {
    if (store->watch) uv_close((uv_handle_t *)store->watch, free_timer);
    store->watch = NULL;
}

void store_watch(struct store *store, const struct store_watcher *watcher) {
    store->watcher = *watcher;
}
