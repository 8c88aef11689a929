/* store_statement.c - prepared statements: the cache by text, binding, rows into an arena. */
#include "arena.h"
#include "store_sql.h"

#include <sluice/base.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 100000, ROWS_MAX_BYTES = 64 * 1024 * 1024, NUMBER_MAX = 250 };
enum { CELLS_KEPT = 65536 /* of scratch, between queries */ };

static uint64_t text_hash(const char *text) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static bool is_this(const struct statement *statement, const char *sql, const char *owner) {
    return statement && statement->owner == owner && strcmp(statement->sql, sql) == 0;
}

static void statement_free(struct statement *statement) {
    sqlite3_finalize(statement->prepared);
    free(statement->sql);
    free(statement->numbers);
    free(statement);
}

/* Notes which $N each parameter is: SQLite takes "$1" for a name, not a place. */
static bool read_numbers(struct statement *statement, struct store_fault *fault) {
    int count = sqlite3_bind_parameter_count(statement->prepared);
    statement->parameters = count;
    statement->numbers = calloc((size_t)count + 1, 1);
    if (!statement->numbers) abort();
    uint64_t seen[4] = {0};
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement->prepared, i + 1);
        char *end = NULL;
        long number = name && name[0] == '$' ? strtol(name + 1, &end, 10) : 0;
        if (number < 1 || number > NUMBER_MAX || *end) {
            fault_say(fault, SL_INTERNAL, "parameter '%s' is not of the form $1, in: %.300s",
                      name ? name : "?", statement->sql);
            return false;
        }
        statement->numbers[i] = (uint8_t)number;
        seen[number / 64] |= 1ull << (number % 64);
        if (number > statement->values_wanted) statement->values_wanted = (int)number;
    }
    for (int n = 1; n <= statement->values_wanted; n++) {
        if (seen[n / 64] & (1ull << (n % 64))) continue;
        fault_say(fault, SL_INTERNAL, "$%d is not used, but $%d is, in: %.300s", n,
                  statement->values_wanted, statement->sql);
        return false;
    }
    return true;
}

static bool only_blank(const char *rest) {
    while (*rest == ' ' || *rest == '\n' || *rest == '\t' || *rest == '\r' || *rest == ';') rest++;
    return !*rest;
}

static bool prepare(struct connection *connection, struct statement *statement,
                    struct store_fault *fault) {
    const char *sql = statement->sql, *owner = statement->owner, *rest = NULL;
    guard_begin(&connection->guard, owner ? GUARD_STATEMENT : GUARD_OFF, owner);
    int code = sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement->prepared, &rest);
    guard_end(&connection->guard);
    const struct guard *guard = &connection->guard;
    if (code != SQLITE_OK && !guard->why[0]) {
        fault_of(fault, connection, code, sql);
        return false;
    }
    if (code == SQLITE_OK && (!statement->prepared || !only_blank(rest))) {
        fault_say(fault, SL_INTERNAL, "exactly one statement is expected, in: %.300s", sql);
        return false;
    }
    bool refused = code != SQLITE_OK || (owner && !guard_accepts(&connection->guard, connection->db,
                                                                 statement->prepared, sql));
    if (!refused) return read_numbers(statement, fault);
    fault_say(fault, SL_INTERNAL, "SQL is refused: %s, in: %.200s", guard->why, sql);
    return false;
}

static size_t eldest(const struct connection *connection) {
    size_t place = 0;
    for (size_t i = 1; i < connection->statement_count; i++)
        if (connection->statements[i]->used < connection->statements[place]->used) place = i;
    return place;
}

static void keep(struct connection *connection, struct statement *statement) {
    size_t place = connection->statement_count;
    if (place == STATEMENTS_MAX) {
        place = eldest(connection);
        struct statement *old = connection->statements[place];
        for (size_t i = 0; i < STATEMENT_SLOTS; i++)
            if (connection->by_pointer[i] == old) connection->by_pointer[i] = NULL;
        statement_free(old);
    } else {
        connection->statement_count++;
    }
    connection->statements[place] = statement;
}

static struct statement *find_or_prepare(struct connection *connection, const char *sql,
                                         const char *owner, struct store_fault *fault) {
    uint64_t hash = text_hash(sql);
    for (size_t i = 0; i < connection->statement_count; i++) {
        struct statement *known = connection->statements[i];
        if (known->hash == hash && is_this(known, sql, owner)) return known;
    }
    struct statement *made = calloc(1, sizeof *made);
    if (!made || !(made->sql = strdup(sql))) abort();
    made->owner = owner;
    made->hash = hash;
    if (!prepare(connection, made, fault)) {
        statement_free(made);
        return NULL;
    }
    made->columns = sqlite3_column_count(made->prepared);
    keep(connection, made);
    return made;
}

struct statement *statement_get(struct connection *connection, const char *sql, const char *owner,
                                struct store_fault *fault) {
    size_t slot = (((uintptr_t)sql >> 3) ^ ((uintptr_t)owner >> 4)) % STATEMENT_SLOTS;
    struct statement *statement = connection->by_pointer[slot];
    if (!is_this(statement, sql, owner)) {
        statement = find_or_prepare(connection, sql, owner, fault);
        if (!statement) return NULL;
        connection->by_pointer[slot] = statement;
    }
    statement->used = ++connection->clock;
    return statement;
}

static int bind_one(sqlite3_stmt *prepared, int place, const sl_value *value) {
    switch (value->type) {
    case SL_V_NULL:
        return sqlite3_bind_null(prepared, place);
    case SL_V_INT:
        return sqlite3_bind_int64(prepared, place, value->as.integer);
    case SL_V_REAL:
        return sqlite3_bind_double(prepared, place, value->as.real);
    case SL_V_TEXT:
        return sqlite3_bind_text64(prepared, place, value->as.text, value->size, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case SL_V_BLOB:
        return sqlite3_bind_blob64(prepared, place, value->size ? value->as.blob : "", value->size,
                                   SQLITE_STATIC);
    default:
        return SQLITE_MISUSE;
    }
}

bool statement_bind(struct statement *statement, const char *tenant, const sl_value *values,
                    size_t count, struct store_fault *fault) {
    size_t given = count + (tenant ? 1 : 0);
    if (given != (size_t)statement->values_wanted) {
        fault_say(fault, SL_INTERNAL,
                  "%zu values were given%s, but the highest parameter is $%d, in: %.300s", given,
                  tenant ? " (with the tenant as $1)" : "", statement->values_wanted,
                  statement->sql);
        return false;
    }
    for (int i = 0; i < statement->parameters; i++) {
        size_t number = statement->numbers[i];
        int code;
        if (tenant && number == 1)
            code = sqlite3_bind_text(statement->prepared, i + 1, tenant, -1, SQLITE_STATIC);
        else
            code = bind_one(statement->prepared, i + 1, &values[number - (tenant ? 2 : 1)]);
        if (code == SQLITE_OK) continue;
        fault_say(fault, SL_INTERNAL, "value $%zu cannot be bound: %s, in: %.300s", number,
                  sqlite3_errstr(code), statement->sql);
        return false;
    }
    return true;
}

void statement_reset(struct statement *statement) {
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
}

/* ---- rows ---- */

/* A copy that ends in NUL, for text and blobs alike. */
static const void *copy_bytes(struct arena *arena, const void *bytes, size_t size) {
    char *copy = arena_alloc(arena, size + 1);
    if (size) memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

static sl_value read_cell(sqlite3_stmt *prepared, int column, struct arena *arena) {
    sl_value value = {.type = SL_V_NULL};
    switch (sqlite3_column_type(prepared, column)) {
    case SQLITE_INTEGER:
        return sl_int(sqlite3_column_int64(prepared, column));
    case SQLITE_FLOAT:
        return sl_real(sqlite3_column_double(prepared, column));
    case SQLITE_TEXT:
        value.type = SL_V_TEXT;
        const unsigned char *text = sqlite3_column_text(prepared, column);
        value.size = (size_t)sqlite3_column_bytes(prepared, column);
        value.as.text = copy_bytes(arena, text, value.size);
        return value;
    case SQLITE_BLOB:
        value.type = SL_V_BLOB;
        const void *blob = sqlite3_column_blob(prepared, column);
        value.size = (size_t)sqlite3_column_bytes(prepared, column);
        value.as.blob = copy_bytes(arena, blob, value.size);
        return value;
    default:
        return value;
    }
}

static sl_value *room_for(struct connection *connection, size_t cells) {
    if (cells > connection->cells_room) {
        size_t room = connection->cells_room ? connection->cells_room : 64;
        while (room < cells) room *= 2;
        connection->cells = realloc(connection->cells, room * sizeof(sl_value));
        if (!connection->cells) abort();
        connection->cells_room = room;
    }
    return connection->cells;
}

static const char *const *copy_names(const struct statement *statement, struct arena *arena) {
    size_t count = (size_t)statement->columns;
    const char **names = arena_alloc(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = arena_strdup(arena, sqlite3_column_name(statement->prepared, (int)i));
    names[count] = NULL;
    return names;
}

static bool too_much(size_t rows, size_t bytes, const struct statement *statement,
                     struct store_fault *fault) {
    if (rows <= ROWS_MAX && bytes <= ROWS_MAX_BYTES) return false;
    fault_say(fault, SL_LIMIT,
              "the query gives more than %d rows or %d MiB: ask for a page of it, in: %.200s",
              ROWS_MAX, ROWS_MAX_BYTES >> 20, statement->sql);
    return true;
}

bool statement_rows(struct connection *connection, struct statement *statement, struct arena *arena,
                    sl_rows *rows, struct store_fault *fault) {
    sqlite3_stmt *prepared = statement->prepared;
    size_t columns = (size_t)statement->columns, count = 0, bytes = 0;
    connection->interrupted = false;
    int code;
    while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
        sl_value *cells = room_for(connection, (count + 1) * columns) + count * columns;
        for (size_t i = 0; i < columns; i++) {
            cells[i] = read_cell(prepared, (int)i, arena);
            bytes += cells[i].size + sizeof(sl_value);
        }
        if (too_much(++count, bytes, statement, fault)) return false;
    }
    if (code != SQLITE_DONE) {
        fault_of(fault, connection, code, statement->sql);
        return false;
    }
    *rows = (sl_rows){.count = count, .columns = columns, .names = copy_names(statement, arena)};
    if (count) {
        sl_value *cells = arena_alloc(arena, count * columns * sizeof *cells);
        memcpy(cells, connection->cells, count * columns * sizeof *cells);
        rows->cells = cells;
    }
    if (connection->cells_room > CELLS_KEPT) {
        free(connection->cells);
        connection->cells = NULL;
        connection->cells_room = 0;
    }
    return true;
}
