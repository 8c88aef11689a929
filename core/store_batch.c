/* store_batch.c - a batch from its first statement to its commit: sl_batch_* and sl_commit. */
#include "bus_inside.h"
#include "host.h"
#include "idempotency.h"
#include "json.h"
#include "store_inside.h"

#include <errno.h>
#include <string.h>

const char *store_owner_of(const struct sl_call *call) {
    return call->plugin && call->plugin->name ? call->plugin->name : "sluice";
}

sl_batch *batch_new(struct sl_call *call, const char *owner) {
    sl_batch *batch = arena_zalloc(call->arena, sizeof *batch);
    batch->magic = BATCH_MAGIC;
    batch->call = call;
    batch->arena = call->arena;
    batch->owner = owner;
    batch->statements_end = &batch->statements;
    batch->events_end = &batch->events;
    return batch;
}

sl_batch *sl_batch_new(sl_call *call) {
    return batch_new(call, store_owner_of(call));
}

sl_batch *store_batch(struct sl_call *call) {
    return batch_new(call, NULL);
}

static bool needs_copy(const sl_value *value) {
    return (value->type == SL_V_TEXT || value->type == SL_V_BLOB) && !(value->flags & SL_V_LASTING);
}

/* One block for the values and their bytes, so that the caller's may go. */
static sl_value *copy_values(struct arena *arena, const sl_value *values, size_t count) {
    size_t bytes = count * sizeof *values;
    for (size_t i = 0; i < count; i++)
        if (needs_copy(&values[i])) bytes += values[i].size;
    sl_value *copy = arena_alloc(arena, bytes + 1);
    char *at = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        if (!needs_copy(&values[i])) continue;
        if (values[i].size) memcpy(at, values[i].as.blob, values[i].size);
        copy[i].as.blob = at;
        at += values[i].size;
    }
    return copy;
}

void batch_add(sl_batch *batch, const char *owner, const struct batch_statement *row) {
    struct arena *arena = batch->arena;
    struct batch_statement *copy = arena_alloc(arena, sizeof *copy);
    *copy = *row;
    copy->next = NULL;
    copy->owner = owner;
    copy->values = copy_values(arena, row->values, row->count);
    copy->otherwise = row->otherwise ? arena_strdup(arena, row->otherwise) : NULL;
    *batch->statements_end = copy;
    batch->statements_end = &copy->next;
}

void sl_batch_add(sl_batch *batch, const char *sql, const sl_value *args, size_t count) {
    batch_add(batch, batch->owner,
              &(struct batch_statement){
                  .sql = sql, .values = (sl_value *)args, .count = count, .demand = -1});
}

void sl_batch_demand(sl_batch *batch, int64_t rows, const char *otherwise, const char *sql,
                     const sl_value *args, size_t count) {
    batch_add(batch, batch->owner,
              &(struct batch_statement){.sql = sql,
                                        .values = (sl_value *)args,
                                        .count = count,
                                        .demand = rows,
                                        .otherwise = otherwise});
}

void sl_batch_emit(sl_batch *batch, const char *type, const char *subject, cJSON *data) {
    struct sl_call *call = batch->call;
    struct arena *arena = batch->arena;
    struct batch_event *event = arena_zalloc(arena, sizeof *event);
    if (data && !cJSON_IsObject(data)) batch->refused = "the data of an event must be an object";
    event->entry = (struct chain_entry){
        .tenant = call->who.tenant,
        .type = arena_strdup(arena, type),
        .actor = call->who.actor,
        .subject = subject ? arena_strdup(arena, subject) : NULL,
        .request_id = call->request_id[0] ? call->request_id : NULL,
        .data = data ? json_print(arena, data, NULL) : "{}",
    };
    *batch->events_end = event;
    batch->events_end = &event->next;
}

void sl_batch_job(sl_batch *batch, const char *job, const char *key, int64_t at_ms, cJSON *in) {
    const char *refused = jobs_queue(batch, job, key, at_ms, in);
    if (refused) batch->refused = refused;
}

/* ---- on the writer's thread ---- */

static bool miss(const struct batch_statement *row, int64_t touched, struct store_fault *fault) {
    if (row->demand < 0 || row->demand == touched) return false;
    if (row->otherwise)
        fault_say(fault, SL_CONFLICT, "%s", row->otherwise);
    else
        fault_say(fault, SL_CONFLICT, "%lld rows were expected, %lld were touched",
                  (long long)row->demand, (long long)touched);
    return true;
}

static bool apply_statement(struct connection *connection, const char *tenant,
                            const struct batch_statement *row, struct store_fault *fault) {
    struct statement *statement = statement_get(connection, row->sql, row->owner, fault);
    if (!statement) return false;
    bool good =
        statement_bind(statement, row->owner ? tenant : NULL, row->values, row->count, fault);
    if (good) {
        int64_t rows = 0;
        int code;
        errno = 0;
        while ((code = sqlite3_step(statement->prepared)) == SQLITE_ROW) rows++;
        good = code == SQLITE_DONE;
        if (!good) fault_of(fault, connection, code, row->sql);
        int64_t touched = statement->columns ? rows : sqlite3_changes64(connection->db);
        if (good) good = !miss(row, touched, fault);
    }
    sqlite3_reset(statement->prepared);
    return good;
}

static bool append_event(struct writer *writer, struct chain_entry *entry,
                         struct store_fault *fault) {
    entry->seq = writer->head_seq + 1;
    struct chain_hash hash = chain_next(&writer->head, entry);
    static const char insert[] =
        "INSERT INTO sluice_event(seq, tenant, at_ms, type, actor, subject, request_id, data, "
        "hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const struct batch_statement row = {
        .sql = insert,
        .values = (sl_value[]){sl_int(entry->seq), sl_text(entry->tenant), sl_int(entry->at_ms),
                               sl_text(entry->type), sl_text(entry->actor), sl_text(entry->subject),
                               sl_text(entry->request_id), sl_text(entry->data),
                               sl_blob(hash.bytes, sizeof hash.bytes)},
        .count = 9,
        .demand = -1};
    if (!apply_statement(&writer->connection, NULL, &row, fault)) return false;
    writer->head = hash;
    writer->head_seq = entry->seq;
    return true;
}

static bool apply_batch(struct write *write, struct store *store) {
    sl_batch *batch = (sl_batch *)((char *)write - offsetof(sl_batch, write));
    struct connection *connection = &store->writer.connection;
    const char *tenant = batch->call->who.tenant;
    for (const struct batch_statement *row = batch->statements; row; row = row->next)
        if (!apply_statement(connection, tenant, row, &write->fault)) return false;
    for (struct batch_event *event = batch->events; event; event = event->next)
        if (!append_event(&store->writer, &event->entry, &write->fault)) return false;
    return true;
}

/* ---- commit ---- */

int store_tell(struct sl_call *call, const struct store_fault *fault) {
    if (fault->status == SL_UNAVAILABLE) sl_retry_after(call, 5);
    return sl_fail(call, fault->status, "%s", fault->sentence);
}

void store_fail_commit(struct store *store, int nth) {
    store->fail_commit = nth;
}

static int refuse(sl_batch *batch) {
    struct sl_call *call = batch->call;
    if (batch->spent) return sl_fail(call, SL_INTERNAL, "this batch was committed already");
    batch->spent = true;
    if (batch->refused) return sl_fail(call, SL_INTERNAL, "%s", batch->refused);
    struct store *store = call->host->store;
    if (!store) return sl_fail(call, SL_UNAVAILABLE, "the store is closed");
    if (store->fail_commit && --store->fail_commit == 0)
        return sl_fail(call, SL_UNAVAILABLE, "this commit fails because a test asked for it");
    return SL_OK;
}

int sl_commit(sl_batch *batch) {
    int rc = refuse(batch);
    if (rc) return rc;
    struct sl_call *call = batch->call;
    if (call->claim && call->claim->listener) claim_save(call->claim, batch);
    if (call->idempotency) idempotency_save(call, batch);
    int64_t now_ms = loop_now_ms(call->host->loop);
    for (struct batch_event *event = batch->events; event; event = event->next)
        event->entry.at_ms = now_ms;
    batch->write.apply = apply_batch;
    batch->write.events = batch->events;
    writer_run(call->host->store, &batch->write);
    if (batch->write.fault.status) return store_tell(call, &batch->write.fault);
    if (call->claim) call->claim->listener = NULL;
    if (call->idempotency) idempotency_saved(call);
    if (batch->has_jobs && call->host->bus) jobs_wake(call->host->bus);
    return SL_OK;
}
