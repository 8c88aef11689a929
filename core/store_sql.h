/* store_sql.h - one SQLite connection: opening, prepared statements by their text, errors in words.
 *
 * A connection is used by one thread at a time; its owner sees to that. */
#ifndef SLUICE_CORE_STORE_SQL_H
#define SLUICE_CORE_STORE_SQL_H

#include "store_guard.h"

#include <sluice/store.h>
#include <sqlite3.h>
#include <stdbool.h>

struct arena;

/* What went wrong, from a thread that must not touch the call. */
struct store_fault {
    int status; /* enum sl_status; 0: nothing */
    int sqlite; /* extended result code, or 0 */
    char sentence[480];
};

struct statement {
    sqlite3_stmt *prepared;
    char *sql;
    const char *owner; /* as given to statement_get; compared as a pointer */
    uint64_t hash;
    uint64_t used;     /* the connection's clock, for throwing out the eldest */
    uint8_t *numbers;  /* of parameter i+1: "$3" -> 3 */
    int parameters;    /* distinct ones */
    int values_wanted; /* the highest number */
    int columns;
    bool slow; /* took longer than the loop's budget last time */
};

enum { STATEMENTS_MAX = 256, STATEMENT_SLOTS = 512 };

struct connection {
    sqlite3 *db;
    const char *path; /* borrowed, for sentences */
    struct guard guard;
    struct statement *statements[STATEMENTS_MAX];
    struct statement *by_pointer[STATEMENT_SLOTS]; /* guesses, checked by content */
    size_t statement_count;
    uint64_t clock;
    /* A running query: when to interrupt it. */
    int64_t until_ns;
    const int *cancelled;
    bool interrupted;
    sl_value *cells; /* scratch */
    size_t cells_room;
};

enum connection_use { CONNECTION_WRITES, CONNECTION_READS };

/* `path` NULL: the shared memory database called `memory_name`. False with the fault. */
bool connection_open(struct connection *connection, const char *path, const char *memory_name,
                     enum connection_use use, struct store_fault *fault);
void connection_close(struct connection *connection);

/* The prepared statement of this text, from the cache. `owner` NULL: unbound, any table; else $1 is
 * the tenant and the rules of store_guard.h hold. NULL with the fault. */
struct statement *statement_get(struct connection *connection, const char *sql, const char *owner,
                                struct store_fault *fault);
/* Binds `values` as $1, $2... or, with `tenant`, the tenant as $1 and the values from $2. Borrows
 * them until statement_reset. */
bool statement_bind(struct statement *statement, const char *tenant, const sl_value *values,
                    size_t count, struct store_fault *fault);
void statement_reset(struct statement *statement);
/* Runs all rows into the arena. False with the fault; connection->interrupted says whether it was
 * the time. */
bool statement_rows(struct connection *connection, struct statement *statement, struct arena *arena,
                    sl_rows *rows, struct store_fault *fault);

/* Runs a script or pragma without results. */
bool connection_exec(struct connection *connection, const char *sql, struct store_fault *fault);

/* Fills the fault from the connection's last error while doing `what` (SQL, or NULL). */
void fault_of(struct store_fault *fault, const struct connection *connection, int code,
              const char *what);
void fault_say(struct store_fault *fault, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Is the whole database in trouble (disk full, lock, damage), not just this statement? */
bool fault_is_of_store(const struct store_fault *fault);

#endif
