/* cmd_config.c - validate, config show, config schema, config explain: all without a server. */
#include "../host.h"
#include "../loader.h"
#include "../logging.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* A host that reads and checks, and starts nothing. */
struct offline {
    struct loop loop;
    struct host host;
    struct arena *before;
};

static bool open_offline(struct cli *cli, struct offline *offline) {
    log_setup(LOG_CONSOLE, SL_ERROR + 1); /* what it would log stands in the report */
    offline->before = arena_use(NULL); /* what a host makes outlives no command, but frees itself */
    if (loop_init(&offline->loop) == 0) {
        host_init(&offline->host, &offline->loop);
        return true;
    }
    arena_use(offline->before);
    cli_fail(cli, CLI_FAILED, "cannot start an event loop");
    return false;
}

static void close_offline(struct offline *offline) {
    host_fini(&offline->host);
    loop_fini(&offline->loop);
    arena_use(offline->before);
}

/* Plugins that the server would do without. */
static void warn_of_refused(struct arena *arena, struct host *host) {
    for (size_t i = 0; i < host->plugin_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        if (plugin->state != PLUGIN_FAILED || !plugin->trouble) continue;
        const char *pointer = arena_printf(arena, "/plugins/%s", plugin->name);
        config_warn(host->config, pointer, "C0402", "%s", plugin->trouble);
    }
}

static void print_report(struct cli *cli, const struct config *config) {
    char *report = config_report(config, cli->color_err);
    fputs(report, cli->err);
    free(report);
}

static bool has_warning(const struct config *config) {
    const struct config_note *notes;
    size_t count = config_notes(config, &notes);
    for (size_t i = 0; i < count; i++)
        if (notes[i].warning) return true;
    return false;
}

/* The file to look at; NULL: the built-in one. */
static const char *wanted_path(const struct cli *cli) {
    const char *named = cli_option(cli, "config");
    if (!named && cli->arg_count) named = cli->args[0];
    return named ? named : config_usual_path();
}

/* ---- validate ---- */

static cJSON *note_json(const struct config_note *note) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "file", note->file);
    cJSON_AddNumberToObject(json, "line", note->line);
    cJSON_AddNumberToObject(json, "column", note->column);
    cJSON_AddStringToObject(json, "severity", note->warning ? "warning" : "error");
    cJSON_AddStringToObject(json, "code", note->code);
    cJSON_AddStringToObject(json, "message", note->message);
    if (note->suggestion) cJSON_AddStringToObject(json, "suggestion", note->suggestion);
    return json;
}

static void print_verdict(struct cli *cli, const struct config *config, bool valid) {
    const struct config_note *notes;
    size_t count = config_notes(config, &notes);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "valid", valid);
    cJSON_AddStringToObject(json, "file", config_path(config));
    cJSON_AddStringToObject(json, "hash", config_hash(config));
    cJSON *list = cJSON_AddArrayToObject(json, "notes");
    for (size_t i = 0; i < count; i++) cJSON_AddItemToArray(list, note_json(&notes[i]));
    cli_value(cli, json);
}

static int run_validate(struct cli *cli) {
    struct offline offline;
    if (!open_offline(cli, &offline)) return CLI_FAILED;
    bool valid = host_configure(&offline.host, wanted_path(cli));
    struct config *config = offline.host.config;
    warn_of_refused(&cli->arena, &offline.host);
    if (cli_option(cli, "strict") && has_warning(config)) valid = false;
    arena_use(offline.before);
    if (cli->format_given && cli->format != CLI_TABLE)
        print_verdict(cli, config, valid);
    else
        print_report(cli, config);
    if (valid) cli_note(cli, "%s is valid", config_path(config));
    arena_use(NULL);
    close_offline(&offline);
    return valid ? CLI_DONE : CLI_BAD_INPUT;
}

/* ---- config show ---- */

static int run_show(struct cli *cli) {
    struct offline offline;
    if (!open_offline(cli, &offline)) return CLI_FAILED;
    bool good = host_configure(&offline.host, wanted_path(cli));
    const struct config *config = offline.host.config;
    const struct config_section *sections;
    size_t count = host_sections(&offline.host, &sections);
    bool defaults = cli_option(cli, "resolved") != NULL;
    arena_use(offline.before);
    if (!good) {
        print_report(cli, config);
    } else if (cli->format == CLI_JSON) {
        cli_value(cli, config_show_json(config, sections, count, defaults));
    } else {
        char *text = config_show(config, sections, count, defaults);
        cli_out(cli, "%s", text);
        free(text);
    }
    arena_use(NULL);
    close_offline(&offline);
    return good ? CLI_DONE : CLI_BAD_INPUT;
}

/* ---- config schema, config explain: of every plugin there is ---- */

static void load_all(struct cli *cli, struct host *host) {
    char **folders = config_plugin_folders(host->config);
    char **names = config_plugin_names(folders);
    for (char **name = names; *name; name++) {
        char *error = NULL, *file = loader_find(*name, (const char *const *)folders);
        struct plugin *plugin = file ? loader_open(host, file, &error) : NULL;
        if (plugin && host_add_plugin(host, plugin)) plugin_free(plugin);
        if (!plugin && error) cli_note(cli, "%s", error);
        free(error);
        free(file);
    }
    config_list_free(names);
    config_list_free(folders);
}

static int run_schema(struct cli *cli) {
    struct offline offline;
    if (!open_offline(cli, &offline)) return CLI_FAILED;
    load_all(cli, &offline.host);
    const struct config_section *sections;
    size_t count = host_sections(&offline.host, &sections);
    arena_use(&cli->arena);
    char *text = cJSON_Print(config_schema(sections, count));
    cli_out(cli, "%s\n", text);
    arena_use(NULL);
    close_offline(&offline);
    return CLI_DONE;
}

/* The configuration's own plugin_dirs count, when there is a configuration. */
static void read_usual(struct host *host, const struct cli *cli) {
    const char *named = cli_option(cli, "config");
    const char *path = named ? named : config_usual_path();
    if (path) host->config = config_read(path);
}

static int run_explain(struct cli *cli) {
    struct offline offline;
    if (!open_offline(cli, &offline)) return CLI_FAILED;
    read_usual(&offline.host, cli);
    load_all(cli, &offline.host);
    const struct config_section *sections;
    size_t count = host_sections(&offline.host, &sections);
    const char *name = cli->arg_count ? cli->args[0] : "";
    char *nearest = NULL;
    char *text = config_explain(sections, count, name, &nearest);
    close_offline(&offline);
    int code = CLI_DONE;
    if (text)
        cli_out(cli, "%s", text);
    else if (nearest)
        code =
            cli_fail(cli, CLI_NOT_FOUND, "there is no key '%s': did you mean '%s'?", name, nearest);
    else
        code = cli_fail(cli, CLI_NOT_FOUND,
                        "there is no key '%s'; `sluice config explain` lists what there is", name);
    free(text);
    free(nearest);
    return code;
}

/* ---- the table ---- */

static const struct cli_flag config_flag[] = {
    {.name = "config", .value = "FILE", .letter = 'c', .help = "the configuration"}, {0}};

static const struct cli_flag validate_flags[] = {
    {.name = "config", .value = "FILE", .letter = 'c', .help = "the configuration"},
    {.name = "strict", .help = "warnings count as errors"},
    {0}};

static const struct cli_flag show_flags[] = {
    {.name = "config", .value = "FILE", .letter = 'c', .help = "the configuration"},
    {.name = "resolved", .help = "also the defaults of what is not set"},
    {0}};

const struct cli_command config_commands[] = {
    {.words = "validate",
     .args = "[FILE]",
     .args_max = 1,
     .summary = "Check a configuration and its plugins, without starting anything",
     .more = "FILE may be - for standard input. Without it: $SLUICE_CONFIG, ./sluice.yaml,\n"
             "./config/sluice.yaml, /etc/sluice/sluice.yaml. Exit codes: 0 valid, 3 not.",
     .example = "sluice validate --strict config/production.yaml",
     .flags = validate_flags,
     .run = run_validate},
    {.words = "config show",
     .args = "[FILE]",
     .args_max = 1,
     .summary = "Print the configuration in force, with the origin of each key",
     .more = "Variables are put in, included files are merged, secrets are shown as \"***\".",
     .example = "sluice config show --resolved",
     .flags = show_flags,
     .run = run_show},
    {.words = "config schema",
     .summary = "Print the JSON Schema of the configuration, for editors",
     .example = "sluice config schema > config/sluice.schema.json",
     .run = run_schema},
    {.words = "config explain",
     .args = "[KEY|CODE]",
     .args_max = 1,
     .summary = "Tell what a key takes, or what an error's code means",
     .example = "sluice config explain server.limits\nsluice config explain C0203",
     .flags = config_flag,
     .run = run_explain},
    {0}};
