#include "checks.h"

#include "op_input.h"

#include <stdarg.h>
#include <string.h>

void checks_init(struct checks *checks, struct cli *cli) {
    *checks = (struct checks){.cli = cli, .list = cJSON_CreateArray()};
}

void checks_add(struct checks *checks, enum verdict verdict, const char *name, const char *fix,
                const char *format, ...) {
    static const char *const words[] = {"ok", "warn", "fail"};
    va_list args;
    va_start(args, format);
    const char *detail = arena_vprintf(&checks->cli->arena, format, args);
    va_end(args);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", name);
    cJSON_AddStringToObject(item, "status", words[verdict]);
    cJSON_AddStringToObject(item, "detail", detail);
    if (fix && verdict != VERDICT_OK) cJSON_AddStringToObject(item, "fix", fix);
    cJSON_AddItemToArray(checks->list, item);
    checks->warnings += verdict == VERDICT_WARN;
    checks->failures += verdict == VERDICT_FAIL;
}

static void print_line(struct cli *cli, const cJSON *item) {
    const char *status = member_text(item, "status", ""), *fix = member_text(item, "fix", NULL);
    enum cli_color color = !strcmp(status, "ok")     ? CLI_GREEN
                           : !strcmp(status, "warn") ? CLI_YELLOW
                                                     : CLI_RED;
    const char *detail = cli_clean(cli, member_text(item, "detail", ""), true);
    cli_out(cli, "%s%*s  %-14s %s\n", cli_paint(cli, color, status), 4 - (int)strlen(status), "",
            cli_clean(cli, member_text(item, "name", ""), false), detail);
    if (fix) cli_out(cli, "      fix: %s\n", cli_clean(cli, fix, false));
}

int checks_print(struct checks *checks) {
    struct cli *cli = checks->cli;
    if (cli->format == CLI_TABLE) {
        const cJSON *item;
        cJSON_ArrayForEach(item, checks->list) print_line(cli, item);
    } else {
        cJSON *all = cJSON_CreateObject();
        cJSON_AddBoolToObject(all, "ok", !checks->failures);
        cJSON_AddItemToObject(all, cli->format == CLI_JSON ? "checks" : "items", checks->list);
        cli_value(cli, all);
    }
    return checks->failures ? CLI_FAILED : CLI_DONE;
}
