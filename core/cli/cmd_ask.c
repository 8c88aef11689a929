/* cmd_ask.c - a question in one's own words, and the answer with what it rests on. */
#include "client.h"
#include "op_input.h"

#include <string.h>

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *clean(struct cli *cli, const cJSON *object, const char *name) {
    return cli_clean(cli, member_text(object, name, ""), false);
}

static void show_evidence(struct cli *cli, const cJSON *answer) {
    const cJSON *item;
    if (!member(answer, "evidence") || !member(answer, "evidence")->child) return;
    cli_out(cli, "\n%s\n", cli_paint(cli, CLI_BOLD, "Evidence"));
    cJSON_ArrayForEach(item, member(answer, "evidence")) {
        cli_out(cli, "  [%s] %s  %.100s\n", clean(cli, item, "id"),
                cli_paint(cli, CLI_DIM, clean(cli, item, "ref")), clean(cli, item, "quote"));
    }
}

/* "deploy.explain" with {"id": "..."} as `sluice deploy explain --id ...`. */
static void show_command(struct cli *cli, const cJSON *next) {
    char *words = arena_strdup(&cli->arena, clean(cli, next, "operation"));
    char *dot = strchr(words, '.');
    if (dot) *dot = ' ';
    cli_out(cli, "  sluice %s", words);
    const cJSON *input;
    cJSON_ArrayForEach(input, member(next, "input")) {
        const char *value = cJSON_IsString(input) ? input->valuestring : cli_json(input);
        cli_out(cli, " --%s %s", cli_clean(cli, input->string, false),
                shell_quote(cli, cli_clean(cli, value, false)));
    }
    cli_out(cli, "\n");
}

static void show_next(struct cli *cli, const cJSON *answer) {
    const cJSON *next = member(answer, "next_best_action");
    if (!next) return;
    const bool permitted = cJSON_IsTrue(member(next, "permitted"));
    cli_out(cli, "\n%s  %s%s\n", cli_paint(cli, CLI_BOLD, "Next"), clean(cli, next, "why"),
            permitted ? "" : " (your token may not)");
    show_command(cli, next);
}

static void show(struct cli *cli, const cJSON *answer) {
    const cJSON *one;
    cli_out(cli, "%s\n", cli_clean(cli, member_text(answer, "answer", ""), true));
    show_evidence(cli, answer);
    show_next(cli, answer);
    cJSON_ArrayForEach(one, member(answer, "assumptions")) if (cJSON_IsString(one))
        cli_note(cli, "assumed: %s", cli_clean(cli, one->valuestring, false));
}

static int run_ask(struct cli *cli) {
    const char *question = "";
    for (size_t i = 0; i < cli->arg_count; i++)
        question = arena_printf(&cli->arena, "%s%s%s", question, i ? " " : "", cli->args[i]);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "question", question);
    struct client_request request = {.method = "POST", .path = "/ai/chat", .body = cli_json(body)};
    request.body_size = strlen(request.body);
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    struct client_answer answer;
    int code = client_check_tenant(cli);
    if (!code) code = client_send(cli, &request, &answer);
    if (code) return code;
    cJSON *json = cJSON_ParseWithLength(answer.body, answer.size);
    if (answer.status != 200 || !json) return client_problem(cli, &answer);
    if (cli->format == CLI_JSON)
        fwrite(answer.body, 1, answer.size, cli->out);
    else if (cli->format == CLI_TABLE || cli->format == CLI_MD)
        show(cli, json);
    else
        cli_value(cli, json);
    return cJSON_IsFalse(member(json, "answerable")) ? CLI_NOT_FOUND : CLI_DONE;
}

const struct cli_command ask_commands[] = {
    {.words = "ask",
     .args = "QUESTION",
     .args_min = 1,
     .args_max = 64,
     .summary = "Ask a question about the platform in your own words",
     .more =
         "Why did it fail, which policy blocked it, what is deployed where, what changed, is it "
         "safe to deploy, who approved, what happened last night; else the runbooks are "
         "searched. Exit code 0: answered; 4: nothing is known.",
     .example = "sluice ask \"why was customers denied?\"",
     .run = run_ask},
    {0}};
