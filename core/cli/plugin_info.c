/* plugin_info.c - what a plugin declares: of a file, or as the server runs it. */
#include "../loader.h"
#include "client.h"
#include "op_input.h"
#include "plugin_check.h"

#include <stdlib.h>
#include <string.h>

static void add_ops(cJSON *info, const sl_plugin *face) {
    cJSON *list = cJSON_AddArrayToObject(info, "operations");
    const char *at = (const char *)face->ops;
    for (; at; at += face->op_size) {
        const sl_op *op = (const sl_op *)(const void *)at;
        if (!op->name) break;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", op->name);
        cJSON_AddStringToObject(item, "route", op->route ? op->route : "");
        cJSON_AddStringToObject(item, "needs", op->needs ? op->needs : "");
        cJSON_AddStringToObject(item, "summary", op->summary ? op->summary : "");
        cJSON_AddItemToArray(list, item);
    }
}

static cJSON *describe(struct cli *cli, const sl_plugin *face) {
    cJSON *info = cJSON_CreateObject();
    const char *const texts[][2] = {{"name", face->name},
                                    {"version", face->version},
                                    {"summary", face->summary},
                                    {"license", face->license},
                                    {"requires", face->requires_plugins}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i][1]) cJSON_AddStringToObject(info, texts[i][0], texts[i][1]);
    cJSON_AddStringToObject(info, "abi",
                            arena_printf(&cli->arena, "%u.%u", face->abi_major, face->abi_minor));
    add_ops(info, face);
    return info;
}

static int info_of_file(struct cli *cli, const char *file) {
    struct loop loop;
    struct host host;
    char *error = NULL;
    if (loop_init(&loop)) return cli_fail(cli, CLI_FAILED, "the event loop cannot be made");
    arena_use(NULL); /* the host has memory of its own */
    host_init(&host, &loop);
    struct plugin *plugin = loader_open(&host, file, &error);
    arena_use(&cli->arena);
    if (plugin) cli_value(cli, describe(cli, &plugin->face));
    if (error) cli_fail(cli, CLI_BAD_INPUT, "%s", error);
    arena_use(NULL);
    plugin_free(plugin);
    free(error);
    host_fini(&host);
    loop_fini(&loop);
    arena_use(&cli->arena);
    return plugin ? CLI_DONE : CLI_BAD_INPUT;
}

static int info_of_server(struct cli *cli, const char *name) {
    int code;
    const cJSON *list = client_get(cli, "/plugins", &code), *item;
    if (code) return code;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(
                                 list, "items")) if (!strcmp(member_text(item, "name", ""),
                                                             name)) return cli_value(cli, item),
        CLI_DONE;
    cli_fail(cli, CLI_NOT_FOUND, "the server has no plugin '%s'", name);
    cli_fix(cli, "sluice plugin list shows them; a file is told by its path: ./%s.so", name);
    return CLI_NOT_FOUND;
}

int plugin_info(struct cli *cli) {
    const char *what = cli->args[0];
    bool file = strchr(what, '/') || strchr(what, '.');
    return file ? info_of_file(cli, what) : info_of_server(cli, what);
}
