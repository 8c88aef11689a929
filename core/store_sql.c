/* store_sql.c - opening a connection, running plain SQL, errors in words. */
#include "store_sql.h"
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x534c5549 /* "SLUI" */, CHECK_EACH_OPS = 500 };

void fault_say(struct store_fault *fault, int status, const char *format, ...) {
    fault->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(fault->sentence, sizeof fault->sentence, format, args);
    va_end(args);
}

static bool errno_is_full(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static void say_of_store(struct store_fault *fault, const struct connection *connection, int code) {
    const char *path = connection->path ? connection->path : "the database in memory";
    int error = connection->db ? sqlite3_system_errno(connection->db) : 0;
    if (!error && (code & 0xff) == SQLITE_IOERR) error = errno; /* COMMIT does not note it */
    int primary = code & 0xff;
    if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && errno_is_full(error)))
        fault_say(fault, SL_UNAVAILABLE, "the disk is full: no space left for %s", path);
    else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL)
        fault_say(fault, SL_UNAVAILABLE, "another process holds the lock of %s", path);
    else if (primary == SQLITE_READONLY)
        fault_say(fault, SL_UNAVAILABLE, "%s is read-only: give the server write permission", path);
    else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        fault_say(fault, SL_UNAVAILABLE, "%s is damaged (%s): run `sluice db check`", path,
                  sqlite3_errstr(code));
    else if (primary == SQLITE_CANTOPEN)
        fault_say(fault, SL_UNAVAILABLE, "%s cannot be opened: %s", path,
                  error ? strerror(error) : sqlite3_errstr(code));
    else if (primary == SQLITE_NOMEM)
        fault_say(fault, SL_UNAVAILABLE, "out of memory in the database");
    else
        fault_say(fault, SL_UNAVAILABLE, "the disk failed under %s: %s%s%s", path,
                  sqlite3_errstr(code), error ? ", " : "", error ? strerror(error) : "");
}

static bool code_is_of_store(int code) {
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_NOMEM:
        return true;
    default:
        return false;
    }
}

bool fault_is_of_store(const struct store_fault *fault) {
    return code_is_of_store(fault->sqlite);
}

/* "UNIQUE constraint failed: shop_order.tenant, shop_order.id" -> the columns part. */
static const char *after_colon(const char *message) {
    const char *colon = strstr(message, ": ");
    return colon ? colon + 2 : message;
}

void fault_of(struct store_fault *fault, const struct connection *connection, int code,
              const char *what) {
    fault->sqlite = code;
    const char *message = connection->db ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code);
    if (code_is_of_store(code))
        say_of_store(fault, connection, code);
    else if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        fault_say(fault, SL_CONFLICT, "a row with the same %s is there already",
                  after_colon(message));
    else if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        fault_say(fault, SL_CONFLICT,
                  "a row that this one refers to is not there, or is still referred to");
    else
        fault_say(fault, SL_INTERNAL, "SQL failed: %s%s%.300s", message, what ? ", in: " : "",
                  what ? what : "");
}

bool connection_exec(struct connection *connection, const char *sql, struct store_fault *fault) {
    int code = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
    if (code == SQLITE_OK) return true;
    fault_of(fault, connection, sqlite3_extended_errcode(connection->db), sql);
    return false;
}

/* SQLite calls it every CHECK_EACH_OPS instructions of its machine. */
static int should_stop(void *arg) {
    struct connection *connection = arg;
    if (connection->until_ns == INT64_MAX && !connection->cancelled) return 0;
    bool cancelled =
        connection->cancelled && __atomic_load_n(connection->cancelled, __ATOMIC_RELAXED);
    if (!cancelled && loop_clock_ns() < connection->until_ns) return 0;
    connection->interrupted = true;
    return 1;
}

static bool number_of(struct connection *connection, const char *sql, int *number) {
    sqlite3_stmt *prepared = NULL;
    bool good = sqlite3_prepare_v2(connection->db, sql, -1, &prepared, NULL) == SQLITE_OK &&
                sqlite3_step(prepared) == SQLITE_ROW;
    if (good) *number = sqlite3_column_int(prepared, 0);
    return sqlite3_finalize(prepared) == SQLITE_OK && good;
}

/* Is it a database of ours, or an empty one that may become ours? */
static bool check_header(struct connection *connection, enum connection_use use,
                         struct store_fault *fault) {
    int id = 0, tables = 0;
    if (!number_of(connection, "PRAGMA application_id", &id) ||
        !number_of(connection, "SELECT count(*) FROM sqlite_master", &tables)) {
        fault_of(fault, connection, sqlite3_extended_errcode(connection->db), NULL);
        return false;
    }
    if (id != APPLICATION_ID && (id || tables)) {
        fault_say(fault, SL_UNAVAILABLE,
                  "%s is a database of another program (application id %d): give Sluice a state "
                  "folder of its own",
                  connection->path, id);
        return false;
    }
    if (id || use == CONNECTION_READS) return true;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", APPLICATION_ID);
    return connection_exec(connection, sql, fault);
}

/* Readable by its owner alone, also its journal, which takes the same mode. */
static void create_private(const char *path) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) close(file);
}

static int open_file(struct connection *connection, const char *path, const char *memory_name,
                     enum connection_use use) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (!path) {
        char uri[96];
        snprintf(uri, sizeof uri, "file:/%s?vfs=memdb", memory_name);
        return sqlite3_open_v2(uri, &connection->db, flags | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
                               NULL);
    }
    if (use == CONNECTION_WRITES) create_private(path);
    return sqlite3_open_v2(path, &connection->db, flags, NULL);
}

bool connection_open(struct connection *connection, const char *path, const char *memory_name,
                     enum connection_use use, struct store_fault *fault) {
    memset(connection, 0, sizeof *connection);
    connection->path = path;
    connection->until_ns = INT64_MAX;
    int code = open_file(connection, path, memory_name, use);
    if (code != SQLITE_OK) {
        fault_of(fault, connection, code, NULL);
        connection_close(connection);
        return false;
    }
    sqlite3_busy_timeout(connection->db, 5000);
    if (use == CONNECTION_READS)
        sqlite3_progress_handler(connection->db, CHECK_EACH_OPS, should_stop, connection);
    /* Rows of several KB: larger pages cost fewer frames. Without effect on a database that exists. */
    static const char page_size[] = "PRAGMA page_size = 16384";
    if (use == CONNECTION_WRITES && !connection_exec(connection, page_size, fault)) {
        connection_close(connection);
        return false;
    }
    static const char writes[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                 "PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
                                 "PRAGMA journal_size_limit = 67108864;"
                                 "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
                                 "PRAGMA cache_size = -8192";
    static const char reads[] = "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;"
                                "PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096";
    if (check_header(connection, use, fault) &&
        connection_exec(connection, use == CONNECTION_WRITES ? writes : reads, fault)) {
        sqlite3_set_authorizer(connection->db, guard_authorize, &connection->guard);
        return true;
    }
    connection_close(connection);
    return false;
}

void connection_close(struct connection *connection) {
    for (size_t i = 0; i < connection->statement_count; i++) {
        struct statement *statement = connection->statements[i];
        sqlite3_finalize(statement->prepared);
        free(statement->sql);
        free(statement->numbers);
        free(statement);
    }
    connection->statement_count = 0;
    memset(connection->by_pointer, 0, sizeof connection->by_pointer);
    free(connection->cells);
    connection->cells = NULL;
    connection->cells_room = 0;
    sqlite3_close(connection->db);
    connection->db = NULL;
}
