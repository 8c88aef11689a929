/* cmd_completion.c - scripts that complete commands and flags in bash, zsh and fish. */
#include "cli.h"
#include "flags.h"

#include <string.h>

static void put_flags(struct cli *cli, const struct cli_flag *flags) {
    for (const struct cli_flag *f = flags; f && f->name; f++) cli_out(cli, " --%s", f->name);
}

/* `case` branches: for the words typed so far, the words that may come next. Only the local
 * commands are known here: the server's operations are asked for when one completes. */
static void bash_script(struct cli *cli) {
    cli_out(cli, "_sluice() {\n"
                 "    local cur words\n"
                 "    cur=${COMP_WORDS[COMP_CWORD]}\n"
                 "    words=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                 "    if [[ $cur == -* ]]; then\n"
                 "        local flags=\"");
    put_flags(cli, global_flags);
    cli_out(cli, "\"\n        case \"$words\" in\n");
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(i)); i++) {
        if (!command->flags) continue;
        cli_out(cli, "        '%s'*) flags+=\"", command->words);
        put_flags(cli, command->flags);
        cli_out(cli, "\" ;;\n");
    }
    cli_out(cli, "        esac\n"
                 "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n"
                 "        return\n"
                 "    fi\n"
                 "    local all=\"");
    for (size_t i = 0; (command = cli_command_at(i)); i++) cli_out(cli, "%s\n", command->words);
    cli_out(cli, "$(sluice operations --names 2>/dev/null)\"\n"
                 "    local prefix=\"${words:+$words }\" line next=\"\"\n"
                 "    while IFS= read -r line; do\n"
                 "        [[ $line == \"$prefix\"* ]] || continue\n"
                 "        line=${line#\"$prefix\"}\n"
                 "        next+=\"${line%%%% *} \"\n"
                 "    done <<< \"$all\"\n"
                 "    mapfile -t COMPREPLY < <(compgen -W \"$next\" -- \"$cur\" | sort -u)\n"
                 "    if (( ${#COMPREPLY[@]} == 0 )); then\n"
                 "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                 "    fi\n"
                 "}\n"
                 "complete -F _sluice sluice\n");
}

static void zsh_script(struct cli *cli) {
    cli_out(cli, "#compdef sluice\nautoload -U +X bashcompinit && bashcompinit\n");
    bash_script(cli);
}

/* In single quotes, as fish reads them. */
static const char *fish_text(struct cli *cli, const char *text) {
    char *quoted = arena_alloc(&cli->arena, strlen(text) * 2 + 3), *to = quoted;
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '\'', *to = '\0';
    return quoted;
}

static void fish_script(struct cli *cli) {
    const struct cli_command *command;
    cli_out(cli, "complete -c sluice -f\n");
    for (size_t i = 0; (command = cli_command_at(i)); i++) {
        size_t noun = strcspn(command->words, " ");
        const char *verb = command->words + noun;
        if (!*verb) {
            cli_out(cli, "complete -c sluice -n __fish_use_subcommand -a %s -d %s\n",
                    command->words, fish_text(cli, command->summary));
            continue;
        }
        cli_out(cli, "complete -c sluice -n __fish_use_subcommand -a %.*s\n", (int)noun,
                command->words);
        cli_out(cli, "complete -c sluice -n '__fish_seen_subcommand_from %.*s' -a '%s' -d %s\n",
                (int)noun, command->words, verb + 1, fish_text(cli, command->summary));
    }
    for (const struct cli_flag *f = global_flags; f->name; f++)
        cli_out(cli, "complete -c sluice -l %s -d %s%s\n", f->name, fish_text(cli, f->help),
                f->value ? " -r" : "");
}

static int run_completion(struct cli *cli) {
    const char *shell = cli->args[0];
    if (!strcmp(shell, "bash")) return bash_script(cli), CLI_DONE;
    if (!strcmp(shell, "zsh")) return zsh_script(cli), CLI_DONE;
    if (!strcmp(shell, "fish")) return fish_script(cli), CLI_DONE;
    return cli_usage(cli, "no completion for '%s': expected bash, zsh or fish", shell);
}

const struct cli_command completion_commands[] = {
    {.words = "completion",
     .args = "bash|zsh|fish",
     .args_min = 1,
     .args_max = 1,
     .summary = "Print a completion script for a shell",
     .example = "source <(sluice completion bash)",
     .run = run_completion},
    {0}};
