/* git.h - what the git working tree at hand says about a range: `--git A..B` in place of --diff -.
 */
#ifndef SLUICE_CORE_CLI_GIT_H
#define SLUICE_CORE_CLI_GIT_H

#include "cli.h"

/* What `git` prints for these words (ended by NULL; words[0] is "git"), at most `most` bytes; in the
 * arena. NULL after telling why. */
char *git_run(struct cli *cli, const char *const *words, size_t most, size_t *size);

/* A flag of operations with a field `diff`: fills diff, and message, commit and author where the
 * operation has them and they are not given. 0, or an exit code after telling. */
extern const struct cli_flag git_flag;
bool git_flag_fits(const cJSON *op);
int git_fill(struct cli *cli, const cJSON *op, cJSON *input);

#endif
