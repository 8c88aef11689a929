/* store_guard.h - what a plugin's SQL may do, judged once, when it is prepared.
 *
 * A statement of a plugin must use $1 (the tenant), touch only the plugin's own tables (PLUGIN_*),
 * and look at the column `tenant` of each; an INSERT must put $1 there, an UPDATE or DELETE must
 * say `tenant = $1`. This guards against the forgotten condition, not against a plugin that means
 * harm: plugins are native code. A migration may make and change the owner's tables alone. */
#ifndef SLUICE_CORE_STORE_GUARD_H
#define SLUICE_CORE_STORE_GUARD_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

enum guard_mode { GUARD_OFF, GUARD_STATEMENT, GUARD_MIGRATION };
enum { GUARD_TABLES_MAX = 24, GUARD_NAME_MAX = 64 };

struct guard_table {
    char name[GUARD_NAME_MAX];
    bool tenant_read, inserted, changed, made;
};

struct guard {
    enum guard_mode mode;
    const char *owner;
    struct guard_table tables[GUARD_TABLES_MAX];
    size_t table_count;
    char why[320]; /* the refusal, or "" */
};

/* The authorizer of every connection; does nothing while the mode is GUARD_OFF. */
int guard_authorize(void *guard, int action, const char *first, const char *second,
                    const char *database, const char *trigger);
void guard_begin(struct guard *guard, enum guard_mode mode, const char *owner);
/* After preparing `sql`: whether the statement keeps the rules; else guard->why. */
bool guard_accepts(struct guard *guard, sqlite3 *db, sqlite3_stmt *prepared, const char *sql);
/* After the statements of a migration have run. */
bool guard_accepts_migration(struct guard *guard, sqlite3 *db);
void guard_end(struct guard *guard);

/* May `owner` have a table of this name? "rollout" owns rollout_*, "my-app" owns my_app_*. Every
 * part of the core ("sluice", "sluice-auth") owns sluice_*. Pure. */
bool guard_owns(const char *owner, const char *table);

/* ---- store_guard_text.c: what the authorizer cannot see; pure ---- */
/* Does the INSERT list the column `tenant` and give it $1, or another table's tenant? */
bool sql_insert_gives_tenant(const char *sql);
/* Does the text compare a column `tenant` with $1? */
bool sql_compares_tenant(const char *sql);

#endif
