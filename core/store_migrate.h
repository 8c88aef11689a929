/* store_migrate.h - one run of an owner's migrations, as a write. */
#ifndef SLUICE_CORE_STORE_MIGRATE_H
#define SLUICE_CORE_STORE_MIGRATE_H

#include "store_inside.h"

struct migration_run {
    struct write write;
    const char *owner;
    const sl_migration *rows; /* ended by number 0 */
    size_t row_size;
};

bool migration_apply(struct write *write, struct store *store);

#endif
