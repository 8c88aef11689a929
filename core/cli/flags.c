#include "flags.h"

#include "../fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_flag global_flags[] = {
    {"output", "FORMAT", "table, json, yaml, md or jsonl (SLUICE_FORMAT)", 'o', false},
    {"json", NULL, "the server's JSON, byte for byte (same as -o json)", 0, false},
    {"addr", "ADDR", "server: http://HOST:PORT, https://... or unix:/PATH (SLUICE_ADDR)", 0, false},
    {"token", "TOKEN", "bearer token (better: SLUICE_TOKEN or --token-file)", 0, false},
    {"token-file", "FILE", "file with the token (default: $SLUICE_STATE/admin.token)", 0, false},
    {"tenant", "NAME", "stop unless the token is of this tenant (SLUICE_TENANT)", 0, false},
    {"timeout", "DURATION", "give up after this time, such as 10s or 2m (default 30s)", 0, false},
    {"idempotency-key", "KEY", "make a repeated write answer as the first one did", 0, false},
    {"if-match", "VERSION", "write only if this is still the version", 0, false},
    {"quiet", NULL, "no notices on standard error", 'q', false},
    {"verbose", NULL, "say what is sent and received", 'v', false},
    {"no-input", NULL, "never ask; fail where a question would be", 0, false},
    {"yes", NULL, "answer yes to every question", 'y', false},
    {"no-color", NULL, "no colours (also NO_COLOR, TERM=dumb)", 0, false},
    {"print-curl", NULL, "print the request as a curl command, and send nothing", 0, false},
    {"help", NULL, "this help", 'h', false},
    {0}};

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool parse_format(const char *name, enum cli_format *format) {
    static const char *const names[] = {"table", "json", "yaml", "md", "jsonl"};
    for (unsigned i = 0; i < 5; i++)
        if (!strcmp(name, names[i])) return *format = (enum cli_format)i, true;
    return false;
}

static void decide_colors(struct cli *cli) {
    const char *term = environment("TERM");
    bool force = environment("CLICOLOR_FORCE") && strcmp(environment("CLICOLOR_FORCE"), "0") != 0;
    bool never = cli->no_color || environment("NO_COLOR");
    bool dumb = term && !strcmp(term, "dumb");
    int out = cli->out ? fileno(cli->out) : -1, err = cli->err ? fileno(cli->err) : -1;
    cli->color_out = !never && (force || (!dumb && out >= 0 && isatty(out)));
    cli->color_err = !never && (force || (!dumb && err >= 0 && isatty(err)));
}

/* Where a server of this machine wrote its address, else the default port. */
static const char *default_addr(struct cli *cli) {
    const char *state = environment("SLUICE_STATE"), *port = environment("SLUICE_PORT");
    const char *path = arena_printf(&cli->arena, "%s/sluice.addr", state ? state : "./var");
    FILE *file = fopen(path, "re");
    char line[300] = "";
    if (file) {
        bool complete = fgets(line, sizeof line, file) && strchr(line, '\n');
        fclose(file);
        line[strcspn(line, "\r\n")] = '\0';
        if (complete && *line) return arena_strdup(&cli->arena, line);
    }
    return arena_printf(&cli->arena, "http://127.0.0.1:%s", port ? port : "8000");
}

void globals_reset(struct cli *cli) {
    cli->format = CLI_TABLE, cli->format_given = false;
    const char *format = environment("SLUICE_FORMAT");
    if (format) (void)parse_format(format, &cli->format);
    cli->addr = environment("SLUICE_ADDR");
    if (!cli->addr) cli->addr = default_addr(cli);
    cli->token = environment("SLUICE_TOKEN");
    cli->token_file = NULL;
    cli->tenant = environment("SLUICE_TENANT");
    cli->idempotency_key = cli->if_match = NULL;
    cli->timeout_ms = 30000;
    cli->quiet = cli->verbose = cli->no_input = cli->yes = false;
    cli->no_color = cli->print_curl = cli->want_help = false;
    decide_colors(cli);
}

static int set_output(struct cli *cli, const char *value) {
    if (!parse_format(value, &cli->format))
        return cli_usage(cli, "unknown output format '%s': expected table, json, yaml, md or jsonl",
                         value);
    cli->format_given = true;
    return 0;
}

static int set_timeout(struct cli *cli, const char *value) {
    cli->timeout_ms = duration_parse(value);
    if (cli->timeout_ms <= 0)
        return cli_usage(cli, "'%s' is no duration: write --timeout 500ms, 10s or 2m", value);
    return 0;
}

static int apply_global(struct cli *cli, const struct cli_flag *flag, const char *value) {
    const char *name = flag->name;
    if (!strcmp(name, "output")) return set_output(cli, value);
    if (!strcmp(name, "timeout")) return set_timeout(cli, value);
    const struct {
        const char *name;
        const char **text;
        bool *yes;
    } places[] = {{"addr", &cli->addr, NULL},
                  {"token", &cli->token, NULL},
                  {"token-file", &cli->token_file, NULL},
                  {"tenant", &cli->tenant, NULL},
                  {"idempotency-key", &cli->idempotency_key, NULL},
                  {"if-match", &cli->if_match, NULL},
                  {"quiet", NULL, &cli->quiet},
                  {"verbose", NULL, &cli->verbose},
                  {"no-input", NULL, &cli->no_input},
                  {"yes", NULL, &cli->yes},
                  {"no-color", NULL, &cli->no_color},
                  {"print-curl", NULL, &cli->print_curl},
                  {"help", NULL, &cli->want_help}};
    if (!strcmp(name, "json")) cli->format = CLI_JSON, cli->format_given = true;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(name, places[i].name) != 0) continue;
        if (places[i].text) *places[i].text = value;
        if (places[i].yes) *places[i].yes = true;
    }
    /* A token given by flag or file beats the one of the environment. */
    if (!strcmp(name, "token-file")) cli->token = NULL;
    if (!strcmp(name, "no-color")) decide_colors(cli);
    return 0;
}

bool cli_name_matches(const char *flag, const char *typed) {
    for (; *flag && *typed; flag++, typed++)
        if (*flag != *typed &&
            !((*flag == '-' || *flag == '_') && (*typed == '-' || *typed == '_')))
            return false;
    return *flag == *typed;
}

static const struct cli_flag *find_in(const struct cli_flag *flags, const char *name, char letter) {
    for (const struct cli_flag *f = flags; f && f->name; f++)
        if (letter ? f->letter == letter : cli_name_matches(f->name, name)) return f;
    return NULL;
}

/* One word that begins with '-', taken apart. */
struct typed {
    const char *name;  /* without dashes and value; "" for a short one */
    const char *value; /* behind '=', or NULL */
    char letter;
};

static struct typed take_apart(struct cli *cli, const char *word) {
    struct typed typed = {.name = ""};
    if (word[1] != '-') {
        typed.letter = word[1];
        if (word[2]) typed.value = word[2] == '=' ? word + 3 : word + 2;
        return typed;
    }
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
    typed.name = arena_strndup(&cli->arena, word + 2, size);
    typed.value = equals ? equals + 1 : NULL;
    return typed;
}

struct candidates {
    const struct cli_flag *own;
};

static const char *flag_candidate(const void *arg, size_t i) {
    const struct candidates *from = arg;
    size_t own = 0;
    while (from->own && from->own[own].name) own++;
    return i < own ? from->own[i].name : global_flags[i - own].name;
}

static int unknown_flag(struct cli *cli, const struct flag_syntax *syntax, struct typed typed,
                        const char *word) {
    struct candidates from = {.own = syntax->flags};
    const char *near = typed.letter ? NULL : nearest_name(typed.name, flag_candidate, &from);
    if (near) return cli_usage(cli, "unknown flag %s: did you mean --%s?", word, near);
    return cli_usage(cli, "unknown flag %s", word);
}

static const struct cli_flag *find_flag(const struct flag_syntax *syntax, struct typed typed,
                                        bool *global) {
    const struct cli_flag *flag = find_in(syntax->flags, typed.name, typed.letter);
    *global = false;
    if (flag) return flag;
    flag = find_in(global_flags, typed.name, typed.letter);
    if (flag) return *global = true, flag;
    return syntax->more && !typed.letter ? syntax->more(syntax->arg, typed.name) : NULL;
}

struct parse {
    struct cli *cli;
    const struct flag_syntax *syntax;
    char *const *words;
    size_t count, at;
    const char **args;
    struct cli_option *options;
};

/* The flag at words[at], with its value; moves on behind both. */
static int parse_flag(struct parse *p) {
    const char *word = p->words[p->at++];
    struct typed typed = take_apart(p->cli, word);
    bool global;
    const struct cli_flag *flag = find_flag(p->syntax, typed, &global);
    if (!flag) return p->syntax->lenient ? 0 : unknown_flag(p->cli, p->syntax, typed, word);
    const char *value = typed.value;
    if (!flag->value && value)
        return cli_usage(p->cli, "--%s takes no value, but was given '%s'", flag->name, value);
    if (flag->value && !flag->maybe && !value) {
        if (p->at == p->count)
            return cli_usage(p->cli, "--%s needs a value: --%s %s", flag->name, flag->name,
                             flag->value);
        value = p->words[p->at++];
    }
    if (global || !p->options) return apply_global(p->cli, flag, value ? value : "");
    p->options[p->cli->option_count++] = (struct cli_option){
        .flag = flag, .name = *typed.name ? typed.name : flag->name, .value = value ? value : ""};
    return 0;
}

int flags_parse(struct cli *cli, const struct flag_syntax *syntax, char *const *words,
                size_t count) {
    struct parse p = {.cli = cli,
                      .syntax = syntax,
                      .words = words,
                      .count = count,
                      .args = arena_alloc(&cli->arena, (count + 1) * sizeof *p.args),
                      .options = arena_alloc(&cli->arena, (count + 1) * sizeof *p.options)};
    cli->args = p.args, cli->options = p.options;
    cli->arg_count = cli->option_count = 0;
    bool only_args = false;
    while (p.at < count) {
        const char *word = words[p.at];
        if (!only_args && !strcmp(word, "--")) {
            only_args = true, p.at++;
        } else if (!only_args && word[0] == '-' && word[1]) {
            int rc = parse_flag(&p);
            if (rc) return rc;
        } else {
            p.args[cli->arg_count++] = word, p.at++;
        }
    }
    return 0;
}

int flags_parse_leading(struct cli *cli, char *const *words, size_t count) {
    struct flag_syntax none = {0};
    struct parse p = {.cli = cli, .syntax = &none, .words = words, .count = count};
    while (p.at < count && words[p.at][0] == '-' && words[p.at][1]) {
        if (!strcmp(words[p.at], "--version")) break;
        if (parse_flag(&p)) return -1;
    }
    return (int)p.at;
}
