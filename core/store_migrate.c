/* store_migrate.c - numbered migrations, each applied once, those of one owner in one transaction.
 */
#include "store_migrate.h"
#include "host.h"
#include "sha256.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct applied {
    bool there;
    char name[128], hash[65];
};

static void hash_text(const char *text, char hex[65]) {
    sha256_hex(text, strlen(text), hex);
}

/* Runs a row of the core's own on the writer's connection; at most one row comes back. */
static int step_row(struct connection *connection, const char *sql, const sl_value *values,
                    size_t count, struct statement **statement, struct store_fault *fault) {
    *statement = statement_get(connection, sql, NULL, fault);
    if (!*statement || !statement_bind(*statement, NULL, values, count, fault)) return SQLITE_ERROR;
    int code = sqlite3_step((*statement)->prepared);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fault_of(fault, connection, code, sql);
    return code;
}

static bool look_up(struct migration_run *run, struct connection *connection, int32_t number,
                    struct applied *applied) {
    struct statement *statement;
    const sl_value values[] = {sl_text(run->owner), sl_int(number)};
    int code = step_row(connection,
                        "SELECT name, hash FROM sluice_migration WHERE owner = $1 AND number = $2",
                        values, 2, &statement, &run->write.fault);
    memset(applied, 0, sizeof *applied);
    if (code == SQLITE_ROW) {
        applied->there = true;
        strncpy(applied->name, (const char *)sqlite3_column_text(statement->prepared, 0),
                sizeof applied->name - 1);
        strncpy(applied->hash, (const char *)sqlite3_column_text(statement->prepared, 1),
                sizeof applied->hash - 1);
    }
    if (statement) statement_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static bool record(struct migration_run *run, struct connection *connection,
                   const sl_migration *row, const char *hash) {
    struct statement *statement;
    const sl_value values[] = {sl_text(run->owner), sl_int(row->number), sl_text(row->name),
                               sl_text(hash), sl_int((int64_t)time(NULL) * 1000)};
    int code = step_row(connection,
                        "INSERT INTO sluice_migration(tenant, owner, number, name, hash, "
                        "applied_at) VALUES ('system', $1, $2, $3, $4, $5)",
                        values, 5, &statement, &run->write.fault);
    if (statement) statement_reset(statement);
    return code == SQLITE_DONE;
}

static bool run_sql(struct migration_run *run, struct connection *connection,
                    const sl_migration *row) {
    struct store_fault *fault = &run->write.fault;
    struct guard *guard = &connection->guard;
    guard_begin(guard, GUARD_MIGRATION, run->owner);
    int code = sqlite3_exec(connection->db, row->sql, NULL, NULL, NULL);
    bool good = code == SQLITE_OK && guard_accepts_migration(guard, connection->db);
    guard_end(guard);
    if (good) return true;
    if (!guard->why[0]) fault_of(fault, connection, code, NULL);
    const char *why = guard->why[0] ? guard->why : sqlite3_errmsg(connection->db);
    if (guard->why[0] || fault->status == SL_INTERNAL)
        fault_say(fault, SL_INVALID, "migration %d of %s ('%s') is refused: %s", (int)row->number,
                  run->owner, row->name, why);
    return false;
}

static bool apply_one(struct migration_run *run, struct connection *connection,
                      const sl_migration *row) {
    struct applied applied;
    char hash[65];
    hash_text(row->sql, hash);
    if (!look_up(run, connection, row->number, &applied)) return false;
    if (!applied.there) return run_sql(run, connection, row) && record(run, connection, row, hash);
    if (strcmp(applied.hash, hash) == 0) return true;
    fault_say(
        &run->write.fault, SL_INVALID,
        "migration %d of %s was changed after it had been applied ('%s', SHA-256 %.12s, then; "
        "'%s', %.12s, now): restore it and add a new number",
        (int)row->number, run->owner, applied.name, applied.hash, row->name, hash);
    return false;
}

/* An older build on a newer database would write rows that the newer one cannot read. */
static bool none_is_newer(struct migration_run *run, struct connection *connection,
                          int32_t highest) {
    struct statement *statement;
    const sl_value values[] = {sl_text(run->owner)};
    int code = step_row(connection,
                        "SELECT coalesce(max(number), 0) FROM sluice_migration WHERE owner = $1",
                        values, 1, &statement, &run->write.fault);
    int newest = code == SQLITE_ROW ? sqlite3_column_int(statement->prepared, 0) : 0;
    if (statement) statement_reset(statement);
    if (code == SQLITE_ROW && newest > highest)
        fault_say(&run->write.fault, SL_INVALID,
                  "the tables of %s are at migration %d, this build knows %d: run the newer build",
                  run->owner, newest, (int)highest);
    return code == SQLITE_ROW && newest <= highest;
}

bool migration_apply(struct write *write, struct store *store) {
    struct migration_run *run = (struct migration_run *)write; /* its first member */
    struct connection *connection = &store->writer.connection;
    int32_t last = 0;
    const char *at = (const char *)run->rows;
    for (;; at += run->row_size) {
        const sl_migration *row = (const sl_migration *)at;
        if (!row->number) break;
        if (row->number != last + 1) {
            fault_say(&write->fault, SL_INVALID,
                      "migration %d of %s follows %d: number them 1, 2, 3", (int)row->number,
                      run->owner, (int)last);
            return false;
        }
        if (!apply_one(run, connection, row)) return false;
        last = row->number;
    }
    return none_is_newer(run, connection, last);
}

int store_migrate(struct store *store, const char *owner, const sl_migration *rows, size_t row_size,
                  char **error) {
    if (!rows) return SL_OK;
    struct migration_run run = {.write = {.apply = migration_apply, .alone = true},
                                .owner = owner,
                                .rows = rows,
                                .row_size = row_size};
    writer_run(store, &run.write);
    if (run.write.fault.status && error) *error = strdup(run.write.fault.sentence);
    return run.write.fault.status;
}
