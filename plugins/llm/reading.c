#include "reading.h"

#include "reading_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static cJSON *parse_loosely(void *arg, const char *text, size_t size) {
    (void)arg;
    return cJSON_ParseWithLength(text, size);
}

void reading_init(struct reading *reading, enum wire wire, size_t limit) {
    *reading = (struct reading){.wire = wire,
                                .limit = limit,
                                .parse = parse_loosely,
                                .input_tokens = -1,
                                .output_tokens = -1};
}

void reading_fini(struct reading *reading) {
    text_fini(&reading->answer);
    text_fini(&reading->line);
    text_fini(&reading->data);
    text_fini(&reading->whole);
    for (size_t i = 0; i < reading->tool_count; i++) text_fini(&reading->tools[i].arguments);
    reading->tool_count = 0;
}

void reading_fail(struct reading *reading, enum reading_fault fault, const char *format, ...) {
    if (reading->fault) return;
    reading->fault = fault;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reading->trouble, sizeof reading->trouble, format, args);
    va_end(args);
}

static void take_json(struct reading *reading, const struct text *text) {
    cJSON *event = reading->parse(reading->parse_arg, text_get(text), text->size);
    if (cJSON_IsObject(event))
        reading_take(reading, event);
    else
        reading_fail(reading, READING_BROKEN, "what it sent is no JSON object: %.60s",
                     text_get(text));
    cJSON_Delete(event);
}

/* An empty line ends an event of SSE. */
static void end_event(struct reading *reading) {
    if (!reading->data.size) return;
    if (strcmp(text_get(&reading->data), "[DONE]") == 0)
        reading->ended = true;
    else
        take_json(reading, &reading->data);
    text_clear(&reading->data);
}

static void take_sse_line(struct reading *reading, const char *line, size_t size) {
    if (!size) {
        end_event(reading);
        return;
    }
    /* Other fields name the event, which its JSON tells too; ":" begins a comment. */
    if (size < 5 || memcmp(line, "data:", 5) != 0) return;
    const size_t skip = size > 5 && line[5] == ' ' ? 6 : 5;
    if (reading->data.size) (void)text_add(&reading->data, reading->limit, "\n", 1);
    if (!text_add(&reading->data, reading->limit, line + skip, size - skip))
        reading_fail(reading, READING_LARGE, "one event is over %zu bytes", reading->limit);
}

static void take_line(struct reading *reading) {
    struct text *line = &reading->line;
    if (line->size && line->data[line->size - 1] == '\r') line->data[--line->size] = 0;
    if (reading->wire == WIRE_OLLAMA) {
        if (line->size) take_json(reading, line);
    } else {
        take_sse_line(reading, text_get(line), line->size);
    }
    text_clear(line);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A server that does not stream answers with one document where a stream was asked for. */
static void look_at_begin(struct reading *reading, const char *bytes, size_t size) {
    while (size && is_blank(*bytes)) bytes++, size--;
    if (!size) return;
    reading->begun = true;
    reading->one_document = reading->wire != WIRE_OLLAMA && *bytes == '{';
}

int reading_feed(struct reading *reading, const char *bytes, size_t size) {
    if (size > reading->limit - reading->bytes)
        reading_fail(reading, READING_LARGE, "its answer is over %zu bytes", reading->limit);
    if (reading->fault) return 1;
    reading->bytes += size;
    if (!reading->begun) look_at_begin(reading, bytes, size);
    if (reading->one_document) {
        if (!text_add(&reading->whole, reading->limit, bytes, size))
            reading_fail(reading, READING_LARGE, "memory is out");
        return reading->fault != READING_GOOD;
    }
    while (size && !reading->fault) {
        const char *end = memchr(bytes, '\n', size);
        const size_t part = end ? (size_t)(end - bytes) : size;
        if (!text_add(&reading->line, reading->limit, bytes, part))
            reading_fail(reading, READING_LARGE, "memory is out");
        if (!end) break;
        take_line(reading);
        bytes += part + 1;
        size -= part + 1;
    }
    return reading->fault != READING_GOOD;
}

void reading_end(struct reading *reading) {
    if (reading->fault) return;
    if (reading->one_document) {
        take_json(reading, &reading->whole);
    } else {
        if (reading->line.size) take_line(reading);
        end_event(reading);
    }
    if (reading->fault || reading->finish) return;
    if (!reading->begun)
        reading_fail(reading, READING_CUT, "its answer is empty");
    else if (reading->one_document)
        reading_fail(reading, READING_BROKEN, "its answer holds no message");
    else
        reading_fail(reading, READING_CUT, "the stream ended in the middle of the answer");
}
