/* cmd_status.c - what the server says of itself. */
#include "client.h"
#include "op_input.h"
#include "table.h"

#include <string.h>

static enum cli_color color_of(const char *status) {
    if (!strcmp(status, "ok") || !strcmp(status, "ready")) return CLI_GREEN;
    return !strcmp(status, "degraded") ? CLI_YELLOW : CLI_RED;
}

static void print_status(struct cli *cli, const cJSON *ready) {
    const char *status = cli_clean(cli, member_text(ready, "status", "?"), false);
    cli_out(cli, "%s  %s\n\n", cli_paint(cli, color_of(status), status), cli->addr);
    struct table *table = table_new(cli, "CHECK|STATUS|REASON");
    const cJSON *check;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(ready, "checks")) {
        const char *one = member_text(check, "status", "?");
        table_row(table);
        table_cell(table, CLI_PLAIN, member_text(check, "name", "?"));
        table_cell(table, color_of(one), one);
        table_cell(table, CLI_PLAIN, member_text(check, "reason", ""));
    }
    table_print(table);
}

static int run_status(struct cli *cli) {
    struct client_request request = {.method = "GET", .path = "/readyz"};
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    struct client_answer answer;
    int code = client_send(cli, &request, &answer);
    if (code) return code;
    cJSON *ready = cJSON_ParseWithLength(answer.body, answer.size);
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(ready, "checks");
    if (!cJSON_IsArray(checks)) return client_problem(cli, &answer);
    if (cli->format == CLI_JSON)
        fwrite(answer.body, 1, answer.size, cli->out);
    else if (cli->format == CLI_TABLE || cli->format == CLI_MD)
        print_status(cli, ready);
    else
        cli_value(cli, ready);
    return answer.status == 200 ? CLI_DONE : CLI_FAILED;
}

const struct cli_command status_commands[] = {
    {.words = "status",
     .summary = "Show whether the server is ready, check by check",
     .more = "Exit code 0: it serves; 1: it does not, or cannot be reached.",
     .example = "sluice status --json",
     .run = run_status},
    {0}};
