/* config_ops.c - the running configuration and its schema, over HTTP. */
#include "config.h"
#include "host.h"

static void move_members(cJSON *from, cJSON *to) {
    for (cJSON *member = from->child, *next; member; member = next) {
        next = member->next;
        cJSON_AddItemToObject(to, member->string, cJSON_DetachItemViaPointer(from, member));
    }
}

static int config_schema_run(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    const struct config_section *sections;
    size_t count = host_sections(call->host, &sections);
    move_members(config_schema(sections, count), out);
    return 0;
}

static int config_run(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    const struct config *config = call->host->config;
    const struct config_section *sections;
    size_t count = host_sections(call->host, &sections);
    cJSON_AddStringToObject(out, "file", config_path(config));
    cJSON_AddStringToObject(out, "hash", config_hash(config));
    cJSON_AddItemToObject(out, "config", config_show_json(config, sections, count, true));
    return 0;
}

static const sl_field config_out[] = {
    SL_STRING("file", .help = "the file that it was read from"),
    SL_STRING("hash", .help = "SHA-256 of what it means; the same for any order of keys"),
    SL_OBJECT("config", NULL,
              .help = "all keys with their defaults; durations in ms, sizes in bytes, "
                      "secrets as \"***\""),
    SL_END};

const sl_op config_ops[] = {{.name = "platform.config",
                             .route = "GET /config",
                             .summary = "Show the configuration that this server runs with",
                             .out = config_out,
                             .needs = "config:read",
                             .effect = SL_READS,
                             .run = config_run},
                            {.name = "platform.config_schema",
                             .route = "GET /schemas/config.json",
                             .summary = "Describe sluice.yaml as JSON Schema, for editors",
                             .needs = "public",
                             .effect = SL_READS,
                             .run = config_schema_run},
                            SL_END};
