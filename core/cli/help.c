/* help.c - the texts that the frame makes from the rows of commands. */
#include "cli.h"
#include "flags.h"

#include <string.h>

int cli_help_bare(struct cli *cli) {
    cli_out(cli,
            "Sluice decides whether a change may be deployed, and says why.\n"
            "\n"
            "  sluice serve                   run the platform on this machine\n"
            "  sluice NOUN VERB [flags]       ask it to do something: deploy request, risk score\n"
            "  sluice status                  what it is doing (sluice doctor: what is odd)\n"
            "  sluice help                    every command; sluice NOUN VERB --help for one\n"
            "\n"
            "Examples\n"
            "  sluice serve -c config/sluice.yaml\n"
            "  git diff main | sluice deploy request --app shop --env prod \\\n"
            "      --image registry.internal/shop:1.4.2 --diff -\n"
            "  sluice events tail\n");
    return CLI_DONE;
}

static size_t widest(void) {
    size_t width = 0;
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(i)); i++)
        if (strlen(command->words) > width) width = strlen(command->words);
    return width;
}

/* What is too long for its column gets a line of its own. */
static void list_flags(struct cli *cli, const struct cli_flag *flags) {
    for (const struct cli_flag *f = flags; f && f->name; f++) {
        const char *letter = f->letter ? arena_printf(&cli->arena, "-%c, ", f->letter) : "    ";
        const char *value = "";
        if (f->value && f->maybe) value = arena_printf(&cli->arena, "[=%s]", f->value);
        if (f->value && !f->maybe) value = arena_printf(&cli->arena, " %s", f->value);
        const char *left = arena_printf(&cli->arena, "%s--%s%s", letter, f->name, value);
        bool fits = strlen(left) <= 30;
        cli_out(cli, "  %-30s%s%s%s\n", left, fits ? " " : "\n",
                fits ? "" : "                                 ", f->help ? f->help : "");
    }
}

int cli_help_all(struct cli *cli) {
    int width = (int)widest();
    cli_out(cli, "Commands\n");
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(i)); i++)
        cli_out(cli, "  %-*s  %s\n", width, command->words, command->summary);
    cli_out(cli, "\nThe server's own operations are commands too: `sluice operations` lists them,\n"
                 "`sluice NOUN VERB --help` explains one.\n\nGlobal flags\n");
    list_flags(cli, global_flags);
    cli_out(cli, "\nExit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 not found,\n"
                 "5 not permitted, 6 denied by policy or gate, 7 timed out, 8 conflict\n");
    return CLI_DONE;
}

int cli_help_command(struct cli *cli, const struct cli_command *command) {
    cli_out(cli, "%s\n\nUsage: sluice %s%s%s [flags]\n", command->summary, command->words,
            command->args ? " " : "", command->args ? command->args : "");
    if (command->more) cli_out(cli, "\n%s\n", command->more);
    if (command->flags && command->flags->name) {
        cli_out(cli, "\nFlags\n");
        list_flags(cli, command->flags);
    }
    cli_out(cli, "\nExample\n");
    for (const char *line = command->example; line && *line;) {
        int size = (int)strcspn(line, "\n");
        cli_out(cli, "  %.*s\n", size, line);
        line += size + (line[size] == '\n');
    }
    cli_out(cli, "\nGlobal flags: sluice help\n");
    return CLI_DONE;
}
