#include "cli.h"

#include "../fields.h"
#include "flags.h"
#include "operations.h"

#include <string.h>

enum { WORDS_MAX = 3 };

static int run_command(struct cli *cli, const struct cli_command *command, char *const *rest,
                       size_t count) {
    cli->command = command;
    if (command->run_words) {
        bool help = count && (!strcmp(rest[0], "--help") || !strcmp(rest[0], "-h"));
        return help ? cli_help_command(cli, command) : command->run_words(cli, rest, count);
    }
    struct flag_syntax syntax = {.flags = command->flags};
    int rc = flags_parse(cli, &syntax, rest, count);
    if (rc) return rc;
    if (cli->want_help) return cli_help_command(cli, command);
    if (cli->arg_count < command->args_min)
        return cli_usage(cli, "an argument is missing: sluice %s %s", command->words,
                         command->args);
    if (cli->arg_count > command->args_max)
        return cli_usage(cli, "'%s' is one argument too many", cli->args[command->args_max]);
    return command->run(cli);
}

/* Leading words that are no flags: the name of a command, and perhaps its arguments. */
static size_t leading_words(char *const *argv, size_t count, const char **words) {
    size_t n = 0;
    while (n < count && n < WORDS_MAX && argv[n][0] != '-') words[n] = argv[n], n++;
    return n;
}

static int run_help(struct cli *cli, const char *const *words, size_t count) {
    size_t used;
    if (count == 0) return cli_help_all(cli);
    const struct cli_command *command = cli_command_find(words, count, &used);
    if (command) return cli_help_command(cli, command);
    char *const help[] = {(char *)"--help"};
    return operation_by_words(cli, words, count, help, 1);
}

static const char *command_candidate(const void *arg, size_t i) {
    (void)arg;
    const struct cli_command *command = cli_command_at(i);
    return command ? command->words : NULL;
}

const char *cli_nearest_command(struct cli *cli, const char *const *words, size_t count) {
    const char *typed = words[0];
    if (count > 1) typed = arena_printf(&cli->arena, "%s %s", words[0], words[1]);
    const char *near = nearest_name(typed, command_candidate, NULL);
    return near ? near : nearest_name(words[0], command_candidate, NULL);
}

static int dispatch(struct cli *cli, char *const *argv, size_t count) {
    const char *words[WORDS_MAX];
    size_t used, n = leading_words(argv, count, words);
    if (n == 0 && count && !strcmp(argv[0], "--version")) words[n++] = "version", argv++, count--;
    if (n == 0) return cli->want_help ? cli_help_all(cli) : cli_help_bare(cli);
    if (!strcmp(words[0], "help")) return run_help(cli, words + 1, n - 1);
    const struct cli_command *command = cli_command_find(words, n, &used);
    if (command && cli->want_help) return cli_help_command(cli, command);
    if (command) return run_command(cli, command, argv + used, count - used);
    size_t own = n < 2 ? n : 2;
    return operation_by_words(cli, words, n, argv + own, count - own);
}

int cli_main(struct cli *cli, int argc, char *const *argv) {
    arena_init(&cli->arena);
    arena_install_json_hooks();
    arena_use(&cli->arena);
    globals_reset(cli);
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    int leading = flags_parse_leading(cli, argv + (argc > 0), count);
    int rc = CLI_USAGE;
    if (leading >= 0) rc = dispatch(cli, argv + 1 + leading, count - (size_t)leading);
    /* A full disk behind `sluice ... > file` must not look like success. */
    if ((fflush(cli->out) != 0 || ferror(cli->out)) && rc == CLI_DONE)
        rc = cli_fail(cli, CLI_FAILED, "cannot write to standard output");
    return rc;
}

void cli_fini(struct cli *cli) {
    arena_use(NULL);
    arena_fini(&cli->arena);
}

int sl_main(int argc, char **argv) {
    struct cli cli = {.in = stdin, .out = stdout, .err = stderr};
    int rc = cli_main(&cli, argc, argv);
    cli_fini(&cli);
    return rc;
}

const char *cli_option_at(const struct cli *cli, const char *name, size_t i) {
    for (size_t k = 0; k < cli->option_count; k++)
        if (cli_name_matches(cli->options[k].flag->name, name) && i-- == 0)
            return cli->options[k].value;
    return NULL;
}

const char *cli_option(const struct cli *cli, const char *name) {
    const char *last = NULL, *value;
    for (size_t i = 0; (value = cli_option_at(cli, name, i)); i++) last = value;
    return last;
}
