/* cmd_db.c - is the database whole, and has nobody touched the log? */
#include "../store.h"
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *default_file(struct cli *cli) {
    const char *state = getenv("SLUICE_STATE");
    return arena_printf(&cli->arena, "%s/sluice.db", state && *state ? state : "./var");
}

static int run_check(struct cli *cli) {
    const char *file = cli->arg_count ? cli->args[0] : default_file(cli);
    if (access(file, R_OK) != 0) {
        cli_fail(cli, CLI_NOT_FOUND, "cannot read %s: %s", file, strerror(errno));
        cli_fix(cli, "name the file: sluice db check FILE, or set SLUICE_STATE");
        return CLI_NOT_FOUND;
    }
    char *report = NULL;
    arena_use(NULL); /* the store has memory of its own */
    int rc = store_check_file(file, &report);
    arena_use(&cli->arena);
    if (cli->format == CLI_TABLE || cli->format == CLI_MD) {
        cli_out(cli, "%s", report ? cli_clean(cli, report, true) : "");
    } else {
        cJSON *value = cJSON_CreateObject();
        cJSON_AddStringToObject(value, "file", file);
        cJSON_AddBoolToObject(value, "ok", rc == 0);
        cJSON_AddStringToObject(value, "report", report ? report : "");
        cli_value(cli, value);
    }
    free(report);
    if (rc) cli_fail(cli, CLI_FAILED, "%s is not sound", file);
    return rc ? CLI_FAILED : CLI_DONE;
}

const struct cli_command db_commands[] = {
    {.words = "db check",
     .args = "[FILE]",
     .args_max = 1,
     .summary = "Check a database: its pages, its references, the hash chain of its log",
     .more = "Reads only; a server may have the file open. Default: $SLUICE_STATE/sluice.db.",
     .example = "sluice db check var/sluice.db",
     .run = run_check},
    {0}};
