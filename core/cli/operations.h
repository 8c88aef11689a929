/* operations.h - the server's operations as commands: found in GET /operations, called over HTTP. */
#ifndef SLUICE_CORE_CLI_OPERATIONS_H
#define SLUICE_CORE_CLI_OPERATIONS_H

#include "cli.h"

/* Runs the operation that the first words name ("deploy request" is deploy.request, "whoami" is
 * whoami); `rest` are all further words of the line after the first two. Tells when there is none.
 */
int operation_by_words(struct cli *cli, const char *const *words, size_t count, char *const *rest,
                       size_t rest_count);

/* The command whose words are nearest to these, or NULL. */
const char *cli_nearest_command(struct cli *cli, const char *const *words, size_t count);

#endif
