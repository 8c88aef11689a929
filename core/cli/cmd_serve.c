/* cmd_serve.c - `sluice serve`: the supervisor, and (for its own use) a worker. */
#include "../arena.h"
#include "../config.h"
#include "../supervisor.h"
#include "../worker.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_flag serve_flags[] = {
    {.name = "config", .value = "FILE", .letter = 'c', .help = "the configuration"},
    {.name = "worker", .help = "run as a worker (started by the supervisor)"},
    {.name = "sockets", .value = "FDS", .help = "listening sockets of a worker"},
    {.name = "ready-fd", .value = "FD", .help = "where a worker says that it serves"},
    {0}};

static int run_worker(struct cli *cli, const char *config) {
    int sockets[16];
    size_t count = 0;
    const char *list = cli_option(cli, "sockets"), *ready = cli_option(cli, "ready-fd");
    while (list && *list && count < 16) {
        char *end;
        sockets[count++] = (int)strtol(list, &end, 10);
        list = *end ? end + 1 : end;
    }
    struct worker_options options = {.config_path = config,
                                     .sockets = sockets,
                                     .socket_count = count,
                                     .ready_fd = ready ? (int)strtol(ready, NULL, 10) : -1};
    return worker_run(&options);
}

static int serve(struct cli *cli) {
    const char *config = cli_option(cli, "config");
    if (!config && cli->arg_count) config = cli->args[0];
    if (!config) config = cli_default_config();
    /* Its name, not NULL: what stands here later must not change it under a worker's restart. */
    if (!config) config = CONFIG_BUILT_IN;
    arena_use(NULL); /* what a server makes does not belong to this command's memory */
    return cli_option(cli, "worker") ? run_worker(cli, config) : supervisor_run(config);
}

const struct cli_command serve_commands[] = {
    {.words = "serve",
     .args = "[FILE]",
     .args_max = 1,
     .summary = "Run the server in the foreground",
     .more =
         "Without FILE: $SLUICE_CONFIG, or the first there is of sluice.yaml, config/sluice.yaml,\n"
         "/etc/sluice/sluice.yaml and the installed one, or else the one inside the program.\n"
         "SIGTERM drains and ends, SIGHUP takes a changed configuration (checked first; an error\n"
         "leaves the running one). Exit codes: 0 clean, 1 failed start, 2 forced, 3 configuration.",
     .example = "sluice serve -c config/sluice.yaml",
     .flags = serve_flags,
     .run = serve},
    {0}};
