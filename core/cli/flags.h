/* flags.h - from words on the command line to options and arguments. */
#ifndef SLUICE_CORE_CLI_FLAGS_H
#define SLUICE_CORE_CLI_FLAGS_H

#include "cli.h"

/* What may be given beside the global flags. */
struct flag_syntax {
    const struct cli_flag *flags; /* ended by {0}; NULL: none */
    /* Flags that are not in a table (members of an open object): NULL when it is none either. */
    const struct cli_flag *(*more)(void *arg, const char *name);
    void *arg;
    bool lenient; /* pass over flags that are not known: a first look for the global ones */
};

extern const struct cli_flag global_flags[];

/* Global settings from the environment, else defaults. */
void globals_reset(struct cli *cli);
/* Parses `words`; sets options, args and global settings of `cli`. The command's own flags win over
 * global ones of the same name. 0, or CLI_USAGE after telling why. */
int flags_parse(struct cli *cli, const struct flag_syntax *syntax, char *const *words,
                size_t count);
/* Takes the global flags in front of the command's words. Returns how many words they were, or -1
 * after telling. */
int flags_parse_leading(struct cli *cli, char *const *words, size_t count);

#endif
