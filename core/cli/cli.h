/* cli.h - the frame of the command line: commands as rows, flags, exit codes, what is said where.
 *
 * A command is a row of a table; the frame finds it by its words, parses its flags together with
 * the global ones, answers --help, and runs it:
 *
 *     static int run_show(struct cli *cli) {
 *         const char *file = cli->arg_count ? cli->args[0] : "sluice.yaml";
 *         if (cli_option(cli, "resolved")) ...
 *         return CLI_DONE;
 *     }
 *     const struct cli_command config_commands[] = {
 *         {.words = "config show", .args = "[FILE]", .args_max = 1, .summary = "...",
 *          .example = "sluice config show --resolved", .flags = show_flags, .run = run_show},
 *         {0}};
 *
 * The table is then named in commands.c. Standard output is data only (cli_out); notices, progress
 * and errors go to standard error. All memory of a command lives in cli->arena, cJSON trees too.
 */
#ifndef SLUICE_CORE_CLI_H
#define SLUICE_CORE_CLI_H

#include "../arena.h"

#include <cjson/cJSON.h>
#include <sluice/base.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Scripts branch on these; docs/cli.md says what each means. */
enum cli_exit {
    CLI_DONE = 0,          /* done, allowed, healthy */
    CLI_FAILED = 1,        /* the server or this machine failed */
    CLI_USAGE = 2,         /* a flag, an argument or a command is wrong */
    CLI_BAD_INPUT = 3,     /* the configuration, a file or the input is invalid */
    CLI_NOT_FOUND = 4,     /* 404 */
    CLI_NOT_PERMITTED = 5, /* 401, 403 */
    CLI_DENIED = 6,        /* a policy or gate said no: a decision, not a fault */
    CLI_TIMED_OUT = 7,
    CLI_CONFLICT = 8, /* 409, 412, 422, 428 */
    CLI_INTERRUPTED = 130
};

enum cli_format { CLI_TABLE, CLI_JSON, CLI_YAML, CLI_MD, CLI_JSONL };
enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW };

struct cli_flag {
    const char *name;  /* without dashes; '-' and '_' are the same */
    const char *value; /* what it takes, for the help: "FILE"; NULL: a switch */
    const char *help;  /* one line */
    char letter;       /* 'o' for -o; 0: none */
    bool maybe;        /* the value may be left out, and is then given by '=' only */
};

struct cli;

struct cli_command {
    const char *words;            /* "config show" */
    const char *args;             /* positional arguments for the help: "[FILE]"; NULL: none */
    const char *summary;          /* one line, starts with a verb */
    const char *more;             /* paragraphs for --help, or NULL */
    const char *example;          /* one line or more, each a command that works */
    const struct cli_flag *flags; /* ended by {0}; NULL: none */
    int (*run)(struct cli *cli);  /* returns enum cli_exit */
    /* In place of run: takes the words behind its own unparsed. */
    int (*run_words)(struct cli *cli, char *const *words, size_t count);
    unsigned args_min, args_max;
};

/* A flag as it was given. */
struct cli_option {
    const struct cli_flag *flag;
    const char *name;  /* as typed, without dashes */
    const char *value; /* "" for a switch */
};

struct cli {
    struct arena arena;
    FILE *in, *out, *err;
    const struct cli_command *command;
    const char *const *args; /* positional arguments */
    size_t arg_count;
    const struct cli_option *options;
    size_t option_count;
    /* global flags, else the environment, else defaults */
    enum cli_format format;
    const char *addr; /* "http://127.0.0.1:8000", "https://...", "unix:/run/sluice.sock" */
    const char *token, *token_file;
    const char *tenant; /* NULL: the token's own */
    const char *idempotency_key, *if_match;
    int64_t timeout_ms;
    bool format_given, quiet, verbose, no_input, yes, no_color, print_curl, want_help;
    bool color_out, color_err;
};

/* The program. libsluice exports it for main.c. */
SL_API int sl_main(int argc, char **argv);
/* The same with streams and memory given: `cli` is zeroed but for in, out and err. */
int cli_main(struct cli *cli, int argc, char *const *argv);
void cli_fini(struct cli *cli);

/* The value of the last --name given ("" for a switch), or NULL. */
const char *cli_option(const struct cli *cli, const char *name);
/* The i-th of a flag that may be repeated, or NULL. */
const char *cli_option_at(const struct cli *cli, const char *name, size_t i);
bool cli_name_matches(const char *flag, const char *typed); /* '-' and '_' are the same */

/* ---- saying ---- */
void cli_out(struct cli *cli, const char *format, ...) SL_PRINTF(2, 3); /* data */
void cli_note(struct cli *cli, const char *format, ...)
    SL_PRINTF(2, 3); /* a line on stderr; silent with -q */
/* "sluice: SENTENCE" on stderr; returns `code`. */
int cli_fail(struct cli *cli, int code, const char *format, ...) SL_PRINTF(3, 4);
/* "  fix: SENTENCE" under an error. */
void cli_fix(struct cli *cli, const char *format, ...) SL_PRINTF(2, 3);
/* The same as cli_fail, with a pointer to the command's --help. Returns CLI_USAGE. */
int cli_usage(struct cli *cli, const char *format, ...) SL_PRINTF(2, 3);
/* `text` in this colour when standard output takes colours, else as it is. In the arena. */
const char *cli_paint(struct cli *cli, enum cli_color color, const char *text);
/* Without control characters, so that text from elsewhere cannot drive the terminal. Newlines stay
 * when `lines`, else become blanks. In the arena, or `text` itself. */
const char *cli_clean(struct cli *cli, const char *text, bool lines);
/* Asks on the terminal; true for yes. With --yes true; with --no-input or no terminal false. */
bool cli_confirm(struct cli *cli, const char *question);

/* A value of our own (not the server's) in the wanted format: JSON, YAML, or as people read it. */
void cli_value(struct cli *cli, const cJSON *value);
/* JSON on one line, numbers exact; in the arena of the command that runs. */
char *cli_json(const cJSON *value);

/* ---- reading ---- */
enum { CLI_FILE_MAX_BYTES = 64 * 1024 * 1024 };
/* The whole of a file, or of standard input for "-"; NUL after the last byte; in the arena. NULL
 * after telling why. */
char *cli_read(struct cli *cli, const char *path, size_t *size);

/* The configuration that stands where a checkout or an installation has it; NULL: none. */
const char *cli_default_config(void);

/* ---- the help ---- */
int cli_help_bare(struct cli *cli);
int cli_help_all(struct cli *cli);
int cli_help_command(struct cli *cli, const struct cli_command *command);

/* ---- the commands ---- */
const struct cli_command *cli_command_at(size_t i); /* all of them; NULL at the end */
/* The command whose words begin `words`; `*used` is how many they are. NULL: none. */
const struct cli_command *cli_command_find(const char *const *words, size_t count, size_t *used);

#endif
