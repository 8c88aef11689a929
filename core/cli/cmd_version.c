/* cmd_version.c - what is running here, and on what it was built. */
#include "cli.h"

#include <llhttp.h>
#include <lua.h>
#include <sluice/abi.h>
#include <sqlite3.h>
#include <uv.h>
#include <yaml.h>

static int run_version(struct cli *cli) {
    const char *const libraries[][2] = {
        {"libuv", uv_version_string()},
        {"llhttp", arena_printf(&cli->arena, "%d.%d.%d", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR,
                                LLHTTP_VERSION_PATCH)},
        {"sqlite", sqlite3_libversion()},
        {"lua", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE},
        {"libyaml", yaml_get_version_string()},
        {"cjson", cJSON_Version()}};
    size_t count = sizeof libraries / sizeof *libraries;
    if (cli->format == CLI_TABLE || cli->format == CLI_MD) {
        cli_out(cli, "sluice %s (plugin ABI %d.%d)\n", SLUICE_VERSION, SL_ABI_MAJOR, SL_ABI_MINOR);
        for (size_t i = 0; i < count; i++)
            cli_out(cli, "  %-8s %s\n", libraries[i][0], libraries[i][1]);
        return CLI_DONE;
    }
    cJSON *version = cJSON_CreateObject();
    cJSON_AddStringToObject(version, "version", SLUICE_VERSION);
    cJSON *abi = cJSON_AddObjectToObject(version, "abi");
    cJSON_AddNumberToObject(abi, "major", SL_ABI_MAJOR);
    cJSON_AddNumberToObject(abi, "minor", SL_ABI_MINOR);
    cJSON_AddStringToObject(version, "compiler", __VERSION__);
    cJSON *list = cJSON_AddObjectToObject(version, "libraries");
    for (size_t i = 0; i < count; i++)
        cJSON_AddStringToObject(list, libraries[i][0], libraries[i][1]);
    cli_value(cli, version);
    return CLI_DONE;
}

const struct cli_command version_commands[] = {
    {.words = "version",
     .summary = "Print the version, the plugin ABI and the libraries in use",
     .example = "sluice version --json",
     .run = run_version},
    {0}};
