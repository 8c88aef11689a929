/* checks.h - lines of "ok / warn / fail": what was looked at, what was found, what to do. */
#ifndef SLUICE_CORE_CLI_CHECKS_H
#define SLUICE_CORE_CLI_CHECKS_H

#include "cli.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct checks {
    struct cli *cli;
    cJSON *list;
    unsigned warnings, failures;
};

void checks_init(struct checks *checks, struct cli *cli);
/* `fix` may be NULL. */
void checks_add(struct checks *checks, enum verdict verdict, const char *name, const char *fix,
                const char *format, ...) SL_PRINTF(5, 6);
/* Prints all of it; CLI_FAILED when something failed. */
int checks_print(struct checks *checks);

#endif
