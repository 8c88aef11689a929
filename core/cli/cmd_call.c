/* cmd_call.c - any operation of the server as a command, and the list of them. */
#include "../fields.h"
#include "client.h"
#include "flags.h"
#include "op_help.h"
#include "op_input.h"
#include "operations.h"
#include "render.h"
#include "table.h"

#include <string.h>
#include <strings.h>

/* ---- finding ---- */

static const cJSON *find_op(const cJSON *list, const char *name) {
    const cJSON *op;
    cJSON_ArrayForEach(
        op, cJSON_GetObjectItemCaseSensitive(
                list, "items")) if (cli_name_matches(member_text(op, "name", ""), name)) return op;
    return NULL;
}

static const char *op_candidate(const void *arg, size_t i) {
    const cJSON *items = cJSON_GetObjectItemCaseSensitive((const cJSON *)arg, "items");
    const cJSON *op = cJSON_GetArrayItem(items, (int)i);
    return op ? member_text(op, "name", "") : NULL;
}

/* The verbs of a noun, when only the verb is wrong. */
static void list_verbs(struct cli *cli, const cJSON *list, const char *noun) {
    const cJSON *op;
    const char *verbs = "";
    size_t size = strlen(noun);
    cJSON_ArrayForEach(op, cJSON_GetObjectItemCaseSensitive(list, "items")) {
        const char *name = member_text(op, "name", "");
        if (!strncmp(name, noun, size) && name[size] == '.')
            verbs = arena_printf(&cli->arena, "%s%s%s", verbs, *verbs ? ", " : "", name + size + 1);
    }
    if (*verbs) fprintf(cli->err, "  %s has: %s\n", noun, cli_clean(cli, verbs, false));
}

/* `sluice deploy`: a noun alone is answered with what it can do. False: it is no noun. */
static bool show_noun(struct cli *cli, const cJSON *list, const char *noun) {
    const cJSON *op;
    size_t size = strlen(noun), found = 0;
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(i)); i++) {
        if (strncmp(command->words, noun, size) != 0 || command->words[size] != ' ') continue;
        cli_out(cli, "  sluice %-24s %s\n", command->words, command->summary);
        found++;
    }
    cJSON_ArrayForEach(op, cJSON_GetObjectItemCaseSensitive(list, "items")) {
        const char *name = member_text(op, "name", "");
        if (strncmp(name, noun, size) != 0 || name[size] != '.') continue;
        const char *words = arena_printf(&cli->arena, "%s %s", noun, name + size + 1);
        cli_out(cli, "  sluice %-24s %s\n", cli_clean(cli, words, false),
                cli_clean(cli, member_text(op, "summary", ""), false));
        found++;
    }
    return found > 0;
}

static int unknown(struct cli *cli, const cJSON *list, const char *const *words, size_t count) {
    const char *name =
        count > 1 ? arena_printf(&cli->arena, "%s.%s", words[0], words[1]) : words[0];
    const char *near = list ? nearest_name(name, op_candidate, list) : NULL;
    char *spaced = near ? arena_strdup(&cli->arena, near) : NULL;
    if (spaced && strchr(spaced, '.')) *strchr(spaced, '.') = ' ';
    const char *local = cli_nearest_command(cli, words, count);
    const char *typed =
        count > 1 ? arena_printf(&cli->arena, "%s %s", words[0], words[1]) : words[0];
    if (spaced || local)
        cli_fail(cli, CLI_USAGE, "unknown command '%s': did you mean '%s'?", typed,
                 spaced ? cli_clean(cli, spaced, false) : local);
    else
        cli_fail(cli, CLI_USAGE, "unknown command '%s'", typed);
    if (list && count > 1) list_verbs(cli, list, words[0]);
    fprintf(cli->err, "  see: sluice help\n");
    return CLI_USAGE;
}

/* Is it the noun of local commands too? Then its verb may well be the server's. */
static bool noun_is_known(const char *noun) {
    const struct cli_command *command;
    size_t size = strlen(noun);
    for (size_t i = 0; (command = cli_command_at(i)); i++)
        if (!strncmp(command->words, noun, size) && command->words[size] == ' ') return true;
    return false;
}

static cJSON *fetch_list(struct cli *cli, const char *const *words, size_t count, int *code) {
    struct client_answer answer;
    struct client_request request = {.method = "GET", .path = "/operations", .quiet = true};
    *code = client_send(cli, &request, &answer);
    if (!*code && answer.status != 200) return *code = client_problem(cli, &answer), NULL;
    cJSON *list = *code ? NULL : cJSON_ParseWithLength(answer.body, answer.size);
    if (list) return list;
    if (*code == CLI_USAGE) return NULL;
    bool typo =
        words && !noun_is_known(words[0]) && (count < 2 || cli_nearest_command(cli, words, count));
    if (typo) return *code = unknown(cli, NULL, words, count), NULL;
    const char *why = *code ? answer.trouble : "its answer to GET /operations is no JSON";
    cli_fail(cli, CLI_FAILED, "the server that knows this command cannot be asked: %s: %s",
             cli->addr, why);
    cli_fix(cli, "start the server (sluice serve), or name it by --addr or SLUICE_ADDR");
    if (!*code) *code = CLI_FAILED;
    return NULL;
}

/* ---- calling ---- */

static bool is_json(const char *content_type) {
    size_t size = strcspn(content_type, "; ");
    return size >= 4 && !strncasecmp(content_type + size - 4, "json", 4);
}

/* Prints a success and says how the command ends. */
static int show(struct cli *cli, const cJSON *op, const struct client_answer *answer) {
    const struct renderer *special = renderer_of(member_text(op, "name", ""));
    bool raw = cli->format == CLI_JSON || !is_json(answer->content_type);
    cJSON *json =
        is_json(answer->content_type) ? cJSON_ParseWithLength(answer->body, answer->size) : NULL;
    if (!raw && !json)
        return cli_fail(cli, CLI_FAILED, "the server's answer is no JSON: use --json to see it");
    if (raw)
        fwrite(answer->body, 1, answer->size, cli->out);
    else if (special && special->render && cli->format == CLI_TABLE)
        special->render(cli, json);
    else
        cli_value(cli, json);
    if (raw && cli->color_out && answer->size && answer->body[answer->size - 1] != '\n')
        cli_out(cli, "\n");
    return special && special->exit_code && json ? special->exit_code(json) : CLI_DONE;
}

/* What goes into the body: the input as JSON; of a raw operation the bytes behind --input. */
static int fill_body(struct cli *cli, const cJSON *op, const cJSON *input,
                     struct client_request *request) {
    const char *raw = member_true(op, "raw") ? cli_option(cli, "input") : NULL;
    if (!op_has_body(op)) return CLI_DONE;
    if (raw && raw[0] != '{') {
        request->body = cli_read(cli, raw[0] == '@' ? raw + 1 : raw, &request->body_size);
        return request->body ? CLI_DONE : CLI_BAD_INPUT;
    }
    request->body = raw ? raw : cli_json(input);
    request->body_size = strlen(request->body);
    return CLI_DONE;
}

static int call_op(struct cli *cli, const cJSON *op, char *const *words, size_t count) {
    struct cli_command *command = arena_zalloc(&cli->arena, sizeof *command);
    *command = op_command(cli, op);
    cli->command = command;
    struct flag_syntax syntax = op_syntax(cli, op);
    int code = flags_parse(cli, &syntax, words, count);
    if (code) return code;
    if (cli->want_help) return cli_help_command(cli, command);
    cJSON *input = op_input(cli, op, &code);
    const char *path = input ? op_path(cli, op, input) : NULL;
    if (!path) return code ? code : CLI_USAGE;
    struct client_request request = {.method = member_text(op, "method", "GET"), .path = path};
    if (cli->format == CLI_YAML) request.accept = "application/yaml, application/json;q=0.9";
    code = fill_body(cli, op, input, &request);
    if (code) return code;
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    struct client_answer answer;
    code = client_check_tenant(cli);
    if (!code) code = client_send(cli, &request, &answer);
    if (code) return code;
    if (answer.status >= 400) return client_problem(cli, &answer);
    return answer.size ? show(cli, op, &answer) : CLI_DONE;
}

/* The global flags among words whose own flags are not known yet. */
static int first_look(struct cli *cli, char *const *words, size_t count) {
    struct flag_syntax lenient = {.lenient = true};
    return flags_parse(cli, &lenient, words, count);
}

int operation_by_words(struct cli *cli, const char *const *words, size_t count, char *const *rest,
                       size_t rest_count) {
    int code = first_look(cli, rest, rest_count);
    if (code) return code;
    cJSON *list = fetch_list(cli, words, count, &code);
    if (!list) return code;
    const char *pair = count > 1 ? arena_printf(&cli->arena, "%s.%s", words[0], words[1]) : "";
    const cJSON *op = find_op(list, pair);
    if (op) return call_op(cli, op, rest, rest_count);
    op = find_op(list, words[0]);
    if (!op && count == 1 && show_noun(cli, list, words[0]))
        return cli->want_help ? CLI_DONE : CLI_USAGE;
    if (!op) return unknown(cli, list, words, count);
    /* A name without a dot: the second word is its first argument. */
    bool took = count > 1;
    return call_op(cli, op, took ? rest - 1 : rest, rest_count + took);
}

/* ---- the commands ---- */

static int run_call(struct cli *cli, char *const *words, size_t count) {
    if (!count || words[0][0] == '-')
        return cli_usage(cli, "the name of an operation is missing: sluice call NAME [flags]");
    int code = first_look(cli, words + 1, count - 1);
    if (code) return code;
    cJSON *list = fetch_list(cli, NULL, 0, &code);
    if (!list) return code;
    const cJSON *op = find_op(list, words[0]);
    return op ? call_op(cli, op, words + 1, count - 1)
              : unknown(cli, list, (const char *const[]){words[0]}, 1);
}

static void print_names(struct cli *cli, const cJSON *list) {
    const cJSON *op;
    cJSON_ArrayForEach(op, cJSON_GetObjectItemCaseSensitive(list, "items")) {
        char *name = arena_strdup(&cli->arena, cli_clean(cli, member_text(op, "name", ""), false));
        if (strchr(name, '.')) *strchr(name, '.') = ' ';
        cli_out(cli, "%s\n", name);
    }
}

static int run_operations(struct cli *cli) {
    struct client_answer answer;
    struct client_request request = {.method = "GET", .path = "/operations"};
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    int code = client_send(cli, &request, &answer);
    if (code) return code;
    if (answer.status != 200) return client_problem(cli, &answer);
    if (cli->format == CLI_JSON) return fwrite(answer.body, 1, answer.size, cli->out), CLI_DONE;
    cJSON *list = cJSON_ParseWithLength(answer.body, answer.size);
    if (cli_option(cli, "names")) return print_names(cli, list), CLI_DONE;
    if (cli->format != CLI_TABLE && cli->format != CLI_MD) return cli_value(cli, list), CLI_DONE;
    struct table *table = table_new(cli, "OPERATION|ROUTE|PERMISSION|SUMMARY");
    const cJSON *op;
    cJSON_ArrayForEach(op, cJSON_GetObjectItemCaseSensitive(list, "items")) {
        table_row(table);
        table_cell(table, CLI_BOLD, member_text(op, "name", ""));
        table_cell(table, CLI_PLAIN,
                   arena_printf(&cli->arena, "%s %s", member_text(op, "method", ""),
                                member_text(op, "path", "")));
        table_cell(table, CLI_PLAIN, member_text(op, "needs", ""));
        table_cell(table, CLI_PLAIN, member_text(op, "summary", ""));
    }
    table_print(table);
    return CLI_DONE;
}

static const struct cli_flag operations_flags[] = {
    {"names", NULL, "only the commands, one a line (for completion)", 0, false}, {0}};

const struct cli_command call_commands[] = {
    {.words = "call",
     .args = "NAME [--FIELD VALUE]...",
     .summary = "Call any operation of the server by its name",
     .more =
         "`sluice NOUN VERB` is the same for the operation NOUN.VERB. The flags are the fields\n"
         "that the operation declares: sluice call NAME --help lists them.",
     .example = "sluice call risk.score --diff change.diff --json",
     .run_words = run_call},
    {.words = "operations",
     .summary = "List the operations of the server",
     .example = "sluice operations -o md",
     .flags = operations_flags,
     .run = run_operations},
    {0}};
