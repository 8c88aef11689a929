/* plugin_new.h - writes a new plugin from the embedded templates. */
#ifndef SLUICE_CORE_CLI_PLUGIN_NEW_H
#define SLUICE_CORE_CLI_PLUGIN_NEW_H

#include "cli.h"

int plugin_new(struct cli *cli);
extern const struct cli_flag plugin_new_flags[];

#endif
