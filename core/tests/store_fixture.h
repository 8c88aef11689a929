/* store_fixture.h - a bare host with a loop and a store, and code run in a fiber of it. */
#ifndef SLUICE_TESTS_STORE_FIXTURE_H
#define SLUICE_TESTS_STORE_FIXTURE_H

#include "arena.h"
#include "bus.h"
#include "host.h"
#include "json.h"
#include "metrics.h"
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct fixture {
    struct loop loop;
    struct host host;
    struct plugin plugin; /* "shop" */
    char folder[64], path[96];
};

static inline void fixture_init(struct fixture *f) {
    memset(f, 0, sizeof *f);
    assert_int_equal(loop_init(&f->loop), 0);
    f->host.loop = &f->loop;
    f->host.core.name = "sluice";
    f->host.core.host = &f->host;
    f->host.core.identity =
        (struct identity){.tenant = "system", .actor = "system", .permissions = "*"};
    f->host.metrics = metrics_new();
    f->plugin = (struct plugin){.host = &f->host, .name = "shop", .state = PLUGIN_RUNNING};
    f->plugin.identity =
        (struct identity){.tenant = "system", .actor = "plugin:shop", .permissions = "*"};
}

static inline void fixture_fini(struct fixture *f) {
    metrics_free(f->host.metrics);
    loop_fini(&f->loop);
}

/* A folder of its own under TMPDIR, for stores in files. */
static inline void fixture_folder(struct fixture *f) {
    strcpy(f->folder, "/tmp/sluice-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/sluice.db", f->folder);
}

static inline void fixture_remove_folder(struct fixture *f) {
    static const char *const names[] = {"sluice.db", "sluice.db-wal", "sluice.db-shm",
                                        "leader.lock", "acks"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    rmdir(f->folder);
}

static inline void fixture_open(struct fixture *f, const struct store_options *options) {
    char *error = NULL;
    f->host.store = store_open(&f->host, options, &error);
    if (!f->host.store) fail_msg("the store does not open: %s", error);
}

static inline void fixture_close(struct fixture *f) {
    store_close(f->host.store);
    f->host.store = NULL;
}

/* ---- code in a fiber ---- */

struct in_fiber {
    struct fixture *f;
    void (*run)(sl_call *call, void *arg);
    void *arg;
    const char *tenant;
    bool done;
};

static inline void in_fiber_main(void *arg) {
    struct in_fiber *work = arg;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    arena_use(&arena);
    call_init(&call, &work->f->host, &work->f->plugin, &arena);
    if (work->tenant) call.who.tenant = work->tenant;
    work->run(&call, work->arg);
    arena_use(NULL);
    arena_fini(&arena);
    work->done = true;
}

static inline void turn_until(struct fixture *f, const bool *done) {
    for (int i = 0; !*done; i++) {
        loop_turn(&f->loop);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        if (i > 400000) fail_msg("it does not end");
    }
}

static inline void run_as(struct fixture *f, const char *tenant,
                          void (*run)(sl_call *call, void *arg), void *arg) {
    struct in_fiber work = {.f = f, .run = run, .arg = arg, .tenant = tenant};
    fiber_start(&f->loop, in_fiber_main, &work);
    turn_until(f, &work.done);
}

static inline void run_in_fiber(struct fixture *f, void (*run)(sl_call *call, void *arg),
                                void *arg) {
    run_as(f, "acme", run, arg);
}

/* clang-format off */
static const sl_migration shop_schema[] = {
    {.number = 1, .name = "orders", .sql =
        "CREATE TABLE shop_order (tenant TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL,"
        " note TEXT, PRIMARY KEY (tenant, id));"
        "CREATE INDEX shop_order_n ON shop_order(tenant, n)"},
    SL_END};
/* clang-format on */

static inline void make_shop(struct fixture *f) {
    char *error = NULL;
    if (store_migrate(f->host.store, "shop", shop_schema, sizeof *shop_schema, &error))
        fail_msg("%s", error);
}

static inline int64_t count_of(sl_call *call, const char *sql) {
    sl_rows rows;
    assert_int_equal(store_query(call, &rows, sql, SL_NO_ARGS), SL_OK);
    assert_int_equal(rows.count, 1);
    return rows.cells[0].as.integer;
}

static inline int add_order(sl_call *call, const char *id, int64_t n) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "INSERT INTO shop_order(tenant, id, n) VALUES ($1, $2, $3)",
                 SL_ARGS(sl_text(id), sl_int(n)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", id);
    sl_batch_emit(batch, "order.placed", sl_printf(call, "order/%s", id), data);
    return sl_commit(batch);
}

#endif
