#include "yaml_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct writer {
    yaml_emitter_t emitter;
    char *text;
    size_t size, room;
    bool failed;
};

static int append(void *arg, unsigned char *bytes, size_t size) {
    struct writer *writer = arg;
    if (writer->size + size + 1 > writer->room) {
        size_t room = (writer->size + size + 1) * 2;
        char *text = realloc(writer->text, room);
        if (!text) return 0;
        writer->text = text;
        writer->room = room;
    }
    memcpy(writer->text + writer->size, bytes, size);
    writer->size += size;
    writer->text[writer->size] = 0;
    return 1;
}

/* Takes `event`; `made` is 0 when it could not be made. */
static void emit(struct writer *writer, yaml_event_t *event, int made) {
    if (made && writer->failed) {
        yaml_event_delete(event);
        return;
    }
    if (!made || !yaml_emitter_emit(&writer->emitter, event)) writer->failed = true;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words that YAML 1.1 or 1.2 reads as something other than text, in any case. */
static bool is_reserved(const char *text) {
    static const char *const words[] = {"y",    "n",     "yes",  "no",  "on", "off",
                                        "true", "false", "null", "nan", "inf"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    return false;
}

/* Plain only what begins with a letter or '/', and no reader can take for anything but text. */
static yaml_scalar_style_t style_of(const char *text) {
    if (strchr(text, '\n')) return YAML_LITERAL_SCALAR_STYLE;
    if (!is_letter(text[0]) && text[0] != '/') return YAML_SINGLE_QUOTED_SCALAR_STYLE;
    return is_reserved(text) ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
}

static void emit_text(struct writer *writer, const char *text, yaml_scalar_style_t style) {
    yaml_event_t event;
    emit(writer, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                      (int)strlen(text), 1, 1, style));
}

static void emit_number(struct writer *writer, double number) {
    char text[40];
    bool whole = number >= -9007199254740992.0 && number <= 9007199254740992.0 &&
                 (double)(long long)number == number;
    if (whole)
        (void)snprintf(text, sizeof text, "%lld", (long long)number);
    else
        (void)snprintf(text, sizeof text, "%.15g", number);
    /* YAML 1.1 has no number with an exponent but without a point */
    bool exact = whole || strtod(text, NULL) == number;
    if (!exact || (strchr(text, 'e') && !strchr(text, '.')))
        (void)snprintf(text, sizeof text, "%#.17g", number);
    emit_text(writer, text, YAML_PLAIN_SCALAR_STYLE);
}

static void emit_item(struct writer *writer, const cJSON *item); /* trees are trees */

static void emit_members(struct writer *writer, const cJSON *object) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        emit_text(writer, member->string, style_of(member->string));
        emit_item(writer, member);
    }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which the JSON reader has bounded
static void emit_item(struct writer *writer, const cJSON *item) {
    yaml_event_t event;
    if (cJSON_IsObject(item)) {
        emit(writer, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
        emit_members(writer, item);
        emit(writer, &event, yaml_mapping_end_event_initialize(&event));
    } else if (cJSON_IsArray(item)) {
        emit(
            writer, &event,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
        const cJSON *each;
        cJSON_ArrayForEach(each, item) emit_item(writer, each);
        emit(writer, &event, yaml_sequence_end_event_initialize(&event));
    } else if (cJSON_IsString(item)) {
        emit_text(writer, item->valuestring, style_of(item->valuestring));
    } else if (cJSON_IsNumber(item)) {
        emit_number(writer, item->valuedouble);
    } else {
        const char *word = cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null";
        emit_text(writer, word, YAML_PLAIN_SCALAR_STYLE);
    }
}

char *yaml_documents(const cJSON *array, size_t *size) {
    struct writer writer = {.text = NULL};
    yaml_event_t event;
    if (!yaml_emitter_initialize(&writer.emitter)) return NULL;
    yaml_emitter_set_output(&writer.emitter, append, &writer);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1);
    emit(&writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        emit(&writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0));
        emit_item(&writer, item);
        emit(&writer, &event, yaml_document_end_event_initialize(&event, 1));
    }
    emit(&writer, &event, yaml_stream_end_event_initialize(&event));
    if (!writer.failed && !yaml_emitter_flush(&writer.emitter)) writer.failed = true;
    yaml_emitter_delete(&writer.emitter);
    if (writer.failed) {
        free(writer.text);
        return NULL;
    }
    if (!writer.text) writer.text = calloc(1, 1);
    *size = writer.size;
    return writer.text;
}
