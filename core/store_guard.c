/* store_guard.c - see store_guard.h. */
#include "store_guard.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int refuse(struct guard *guard, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(struct guard *guard, const char *format, ...) {
    if (!guard->why[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(guard->why, sizeof guard->why, format, args);
        va_end(args);
    }
    return SQLITE_DENY;
}

static bool of_core(const char *owner) {
    return strncmp(owner, "sluice", 6) == 0 && (!owner[6] || owner[6] == '-');
}

bool guard_owns(const char *owner, const char *table) {
    if (of_core(owner)) return strncasecmp(table, "sluice_", 7) == 0;
    size_t i = 0;
    for (; owner[i]; i++) {
        char wanted = owner[i] == '-' ? '_' : owner[i];
        if (tolower((unsigned char)table[i]) != wanted) return false;
    }
    return table[i] == '_';
}

static struct guard_table *table_of(struct guard *guard, const char *name) {
    for (size_t i = 0; i < guard->table_count; i++)
        if (strcasecmp(guard->tables[i].name, name) == 0) return &guard->tables[i];
    if (guard->table_count == GUARD_TABLES_MAX || strlen(name) >= GUARD_NAME_MAX) {
        refuse(guard, "too many tables in one statement, or a name over %d bytes: %s",
               GUARD_NAME_MAX - 1, name);
        return NULL;
    }
    struct guard_table *table = &guard->tables[guard->table_count++];
    memset(table, 0, sizeof *table);
    snprintf(table->name, sizeof table->name, "%s", name);
    return table;
}

static bool is_json_function(const char *table) {
    return strcmp(table, "json_each") == 0 || strcmp(table, "json_tree") == 0;
}

static int statement_row_action(struct guard *guard, int action, const char *name,
                                const char *column) {
    if (is_json_function(name)) return SQLITE_OK;
    struct guard_table *table = table_of(guard, name);
    if (!table) return SQLITE_DENY;
    bool tenant = column && strcasecmp(column, "tenant") == 0;
    if (action == SQLITE_READ && tenant) table->tenant_read = true;
    if (action == SQLITE_INSERT) table->inserted = true;
    if (action == SQLITE_DELETE) table->changed = true;
    if (action == SQLITE_UPDATE) {
        table->changed = true;
        if (tenant) return refuse(guard, "a row of %s cannot be moved to another tenant", name);
    }
    return SQLITE_OK;
}

static int authorize_statement(struct guard *guard, int action, const char *first,
                               const char *second) {
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        /* The schema's own table appears when a table-valued function is set up. */
        if (strcmp(first, "sqlite_master") == 0)
            return action == SQLITE_READ && second && strcmp(second, "ROWID") != 0
                       ? refuse(guard, "sqlite_master is not open to plugins")
                       : SQLITE_OK;
        return statement_row_action(guard, action, first, second);
    case SQLITE_PRAGMA:
        return refuse(guard, "PRAGMA %s is not open to plugins", first);
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return refuse(guard, "ATTACH and DETACH are not open to plugins");
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return refuse(guard, "a batch is one transaction already: no BEGIN, COMMIT or SAVEPOINT");
    default:
        return refuse(guard, "tables are made and changed by migrations alone");
    }
}

static int migration_table(struct guard *guard, const char *name, bool made) {
    if (strncmp(name, "sqlite_", 7) == 0) return SQLITE_OK;
    if (!guard_owns(guard->owner, name))
        return refuse(guard, "table %s is not named %s_NOUN", name, guard->owner);
    struct guard_table *table = table_of(guard, name);
    if (!table) return SQLITE_DENY;
    table->made = table->made || made;
    return SQLITE_OK;
}

static int authorize_migration(struct guard *guard, int action, const char *first,
                               const char *second) {
    switch (action) {
    case SQLITE_CREATE_TABLE:
        return migration_table(guard, first, true);
    case SQLITE_ALTER_TABLE:
        return migration_table(guard, second, true);
    case SQLITE_CREATE_INDEX:
    case SQLITE_DROP_INDEX:
        return migration_table(guard, second, false);
    case SQLITE_DROP_TABLE:
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return migration_table(guard, first, false);
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
    case SQLITE_REINDEX:
        return SQLITE_OK; /* the end of CREATE INDEX */
    default:
        return refuse(guard, "a migration may use CREATE, ALTER and DROP of tables and indexes, "
                             "INSERT, UPDATE and DELETE; no views, triggers, virtual or temporary "
                             "tables, PRAGMA, ATTACH or transactions");
    }
}

int guard_authorize(void *arg, int action, const char *first, const char *second,
                    const char *database, const char *trigger) {
    struct guard *guard = arg;
    (void)database, (void)trigger;
    if (guard->mode == GUARD_OFF) return SQLITE_OK;
    if (guard->mode == GUARD_MIGRATION) return authorize_migration(guard, action, first, second);
    return authorize_statement(guard, action, first, second);
}

void guard_begin(struct guard *guard, enum guard_mode mode, const char *owner) {
    guard->mode = mode;
    guard->owner = owner;
    guard->table_count = 0;
    guard->why[0] = 0;
}

void guard_end(struct guard *guard) {
    guard->mode = GUARD_OFF;
}

/* A name that is no table here is a common table expression. */
static bool table_exists(sqlite3 *db, const char *name) {
    return sqlite3_table_column_metadata(db, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

static bool table_is_fine(struct guard *guard, const struct guard_table *table, const char *sql) {
    const char *name = table->name;
    if (!guard_owns(guard->owner, name))
        refuse(guard, "table %s is not of plugin '%s': call the operations of its owner instead",
               name, guard->owner);
    else if (table->inserted && !sql_insert_gives_tenant(sql))
        refuse(guard,
               "the INSERT into %s must list the column tenant and give it $1 (no OR REPLACE)",
               name);
    else if (!table->inserted && !table->tenant_read)
        refuse(guard, "%s is used without its column tenant: add 'tenant = $1'", name);
    else if (table->inserted && table->changed && !table->tenant_read)
        refuse(guard, "the conflict target of the INSERT into %s must hold the column tenant",
               name);
    else if (table->changed && !table->inserted && !sql_compares_tenant(sql))
        refuse(guard, "the change of %s must say 'tenant = $1'", name);
    return !guard->why[0];
}

static bool uses_tenant(sqlite3_stmt *prepared) {
    return sqlite3_bind_parameter_index(prepared, "$1") > 0;
}

bool guard_accepts(struct guard *guard, sqlite3 *db, sqlite3_stmt *prepared, const char *sql) {
    if (guard->why[0]) return false;
    if (!uses_tenant(prepared)) {
        refuse(guard, "the statement does not use $1, which is always the tenant");
        return false;
    }
    for (size_t i = 0; i < guard->table_count; i++) {
        const struct guard_table *table = &guard->tables[i];
        bool real = table->inserted || table->changed || table_exists(db, table->name);
        if (real && !table_is_fine(guard, table, sql)) return false;
    }
    return true;
}

bool guard_accepts_migration(struct guard *guard, sqlite3 *db) {
    for (size_t i = 0; i < guard->table_count && !guard->why[0]; i++) {
        const char *name = guard->tables[i].name;
        if (!guard->tables[i].made || !table_exists(db, name)) continue;
        if (sqlite3_table_column_metadata(db, NULL, name, "tenant", NULL, NULL, NULL, NULL, NULL) !=
            SQLITE_OK)
            refuse(guard, "table %s has no column 'tenant'", name);
    }
    return !guard->why[0];
}
