/* commands.c - the table of tables: who brings which commands. */
#include "cli.h"

#include <string.h>

extern const struct cli_command ask_commands[];
extern const struct cli_command call_commands[];
extern const struct cli_command plugin_commands[];
extern const struct cli_command status_commands[];
extern const struct cli_command events_commands[];
extern const struct cli_command version_commands[];
extern const struct cli_command completion_commands[];
extern const struct cli_command serve_commands[];
extern const struct cli_command config_commands[];
extern const struct cli_command policy_commands[];
extern const struct cli_command doctor_commands[];
extern const struct cli_command db_commands[];
extern const struct cli_command rag_commands[];
extern const struct cli_command rollout_commands[];
extern const struct cli_command notes_commands[];

static const struct cli_command *table_at(size_t i) {
    const struct cli_command *const tables[] = {
        serve_commands,   status_commands,     doctor_commands, config_commands,  ask_commands,
        call_commands,    events_commands,     policy_commands, plugin_commands,  db_commands,
        version_commands, completion_commands, rag_commands,    rollout_commands, notes_commands};
    return i < sizeof tables / sizeof tables[0] ? tables[i] : NULL;
}

const struct cli_command *cli_command_at(size_t i) {
    for (size_t t = 0; table_at(t); t++)
        for (const struct cli_command *row = table_at(t); row->words; row++)
            if (i-- == 0) return row;
    return NULL;
}

/* How many of `words` are the command's, all of them in order; 0: another command. */
static size_t words_match(const char *command, const char *const *words, size_t count) {
    size_t used = 0;
    while (*command) {
        size_t size = strcspn(command, " ");
        if (used == count || strlen(words[used]) != size || memcmp(words[used], command, size) != 0)
            return 0;
        used++;
        command += size;
        if (*command) command++;
    }
    return used;
}

const struct cli_command *cli_command_find(const char *const *words, size_t count, size_t *used) {
    const struct cli_command *best = NULL, *row;
    *used = 0;
    for (size_t i = 0; (row = cli_command_at(i)); i++) {
        size_t n = words_match(row->words, words, count);
        if (n > *used) best = row, *used = n;
    }
    return best;
}
