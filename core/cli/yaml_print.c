/* yaml_print.c - JSON as YAML, by libyaml's emitter. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static int write_out(void *arg, unsigned char *bytes, size_t size) {
    return fwrite(bytes, 1, size, arg) == size;
}

/* Would this text be read as something else than a string, by YAML 1.1 or 1.2? */
static bool reads_as_other(const char *text) {
    static const char *const words[] = {"true", "false", "null", "yes",  "no",   "on", "off", "y",
                                        "n",    "~",     "",     ".inf", ".nan", "<<", "="};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(text, words[i])) return true;
    /* Numbers, times, sexagesimals: anything that begins like one is quoted. */
    return strchr("0123456789+-.", text[0]) != NULL;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style) {
    yaml_event_t event;
    bool plain = style == YAML_PLAIN_SCALAR_STYLE;
    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)text, (int)strlen(text),
                                      plain, 1, style))
        return 0;
    return yaml_emitter_emit(emitter, &event);
}

static int emit_string(yaml_emitter_t *emitter, const char *text) {
    if (strchr(text, '\n')) return emit_scalar(emitter, text, YAML_LITERAL_SCALAR_STYLE);
    if (reads_as_other(text)) return emit_scalar(emitter, text, YAML_SINGLE_QUOTED_SCALAR_STYLE);
    return emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
}

static int emit(yaml_emitter_t *emitter, const cJSON *value);

static int emit_collection(yaml_emitter_t *emitter, const cJSON *value) {
    yaml_event_t event;
    bool object = cJSON_IsObject(value);
    int ok = object ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                          YAML_BLOCK_MAPPING_STYLE)
                    : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                           YAML_BLOCK_SEQUENCE_STYLE);
    if (!ok || !yaml_emitter_emit(emitter, &event)) return 0;
    for (const cJSON *item = value->child; item; item = item->next) {
        if (object && !emit_string(emitter, item->string)) return 0;
        if (!emit(emitter, item)) return 0;
    }
    ok = object ? yaml_mapping_end_event_initialize(&event)
                : yaml_sequence_end_event_initialize(&event);
    return ok && yaml_emitter_emit(emitter, &event);
}

static int emit(yaml_emitter_t *emitter, const cJSON *value) {
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) return emit_collection(emitter, value);
    if (cJSON_IsString(value)) return emit_string(emitter, value->valuestring);
    return emit_scalar(emitter, cli_json(value), YAML_PLAIN_SCALAR_STYLE);
}

void yaml_print(struct cli *cli, const cJSON *value) {
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (!yaml_emitter_initialize(&emitter)) return;
    yaml_emitter_set_output(&emitter, write_out, cli->out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
              yaml_emitter_emit(&emitter, &event) &&
              yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
              yaml_emitter_emit(&emitter, &event) && emit(&emitter, value) &&
              yaml_document_end_event_initialize(&event, 1) &&
              yaml_emitter_emit(&emitter, &event) && yaml_stream_end_event_initialize(&event) &&
              yaml_emitter_emit(&emitter, &event);
    if (!ok) cli_fail(cli, CLI_FAILED, "cannot write this answer as YAML; use --json");
    yaml_emitter_delete(&emitter);
}
