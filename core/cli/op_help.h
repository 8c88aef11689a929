/* op_help.h - an operation as a row of the command line, for --help and usage errors. */
#ifndef SLUICE_CORE_CLI_OP_HELP_H
#define SLUICE_CORE_CLI_OP_HELP_H

#include "cli.h"

struct cli_command op_command(struct cli *cli, const cJSON *op);

#endif
