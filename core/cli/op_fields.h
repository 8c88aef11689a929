/* op_fields.h - the declared fields of an operation, looked up by the names of flags. */
#ifndef SLUICE_CORE_CLI_OP_FIELDS_H
#define SLUICE_CORE_CLI_OP_FIELDS_H

#include "cli.h"

enum { OP_DEPTH_MAX = 12 };

/* Where a flag's value goes. */
struct op_place {
    const char *names[OP_DEPTH_MAX]; /* of the members, from the outside in */
    size_t depth;
    const cJSON *row; /* what describes it; NULL: a member of an open object or a map */
};

/* By path ("config.image") or short name ("image"). False: there is no such field. */
bool op_place_of(struct cli *cli, const cJSON *op, const char *flag, struct op_place *place);
bool op_in_path(const cJSON *op, const char *name); /* "/deployments/{id}" holds "id" */
bool row_is_object(const cJSON *row);

/* Bytes as valid UTF-8 without NUL; in the arena. */
char *utf8_mend(struct arena *arena, const char *bytes, size_t size, size_t *replaced);

#endif
