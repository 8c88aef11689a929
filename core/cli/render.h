/* render.h - answers for people. */
#ifndef SLUICE_CORE_CLI_RENDER_H
#define SLUICE_CORE_CLI_RENDER_H

#include "cli.h"

/* Any JSON: a list of {items: [...]} as a table, an object as names and values. */
void render_any(struct cli *cli, const cJSON *value);

/* An answer of one operation, shown in its own way. Returns an exit code: a denial is CLI_DENIED. */
struct renderer {
    const char *op;
    int (*render)(struct cli *cli, const cJSON *answer);
    /* Of the answer, whatever the format: NULL is CLI_DONE. */
    int (*exit_code)(const cJSON *answer);
};
const struct renderer *renderer_of(const char *op); /* or NULL */

#endif
