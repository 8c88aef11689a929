/* plugin_check.h - a plugin's file looked at and tried out, without a server. */
#ifndef SLUICE_CORE_CLI_PLUGIN_CHECK_H
#define SLUICE_CORE_CLI_PLUGIN_CHECK_H

#include "cli.h"

int plugin_check(struct cli *cli);
int plugin_test(struct cli *cli);
int plugin_info(struct cli *cli);
extern const struct cli_flag plugin_check_flags[], plugin_test_flags[];

/* The files of `FILE --with OTHER...`, ended by NULL: what a test host loads. In the arena. */
const char *const *plugin_files(struct cli *cli);

#endif
