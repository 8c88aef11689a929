#include "sse.h"

#include <sluice/base.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

struct sink {
    char *to;
    size_t capacity, size;
};

static void put(struct sink *sink, const char *text, size_t size) {
    if (sink->to && sink->size + size <= sink->capacity) memcpy(sink->to + sink->size, text, size);
    sink->size += size;
}

static void put_line(struct sink *sink, const char *name, const char *text, size_t size) {
    put(sink, name, strlen(name));
    put(sink, text, size);
    put(sink, "\n", 1);
}

size_t sse_write(char *to, size_t capacity, const char *id, const char *event, const char *data) {
    struct sink sink = {.to = to, .capacity = to ? capacity : 0};
    if (id) put_line(&sink, "id: ", id, strcspn(id, "\r\n"));
    if (event) put_line(&sink, "event: ", event, strcspn(event, "\r\n"));
    while (data) {
        size_t size = strcspn(data, "\r\n");
        put_line(&sink, "data: ", data, size);
        data += size;
        if (!*data) break;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
    put(&sink, "\n", 1);
    return sink.size;
}

/* ---- reading ---- */

static int text_add(struct sse_reader *reader, struct sse_text *text, const char *bytes,
                    size_t size) {
    if (size > reader->limit_bytes - text->size) return SL_TOO_LARGE;
    size_t needed = text->size + size + 1;
    if (needed > text->capacity) {
        size_t capacity = text->capacity ? text->capacity * 2 : 256;
        while (capacity < needed) capacity *= 2;
        char *grown = realloc(text->data, capacity);
        if (!grown) return SL_LIMIT;
        text->data = grown;
        text->capacity = capacity;
    }
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
    return 0;
}

static int text_set(struct sse_reader *reader, struct sse_text *text, const char *bytes,
                    size_t size) {
    text->size = 0;
    return text_add(reader, text, bytes, size);
}

static int dispatch(struct sse_reader *reader) {
    int status = 0;
    if (reader->has_data) {
        struct sse_event event = {.id = reader->id.size ? reader->id.data : "",
                                  .event = reader->event.size ? reader->event.data : "message",
                                  .data = reader->data.data,
                                  .data_size = reader->data.size};
        status = reader->on_event(reader->arg, &event);
    }
    reader->data.size = reader->event.size = 0;
    reader->has_data = false;
    return status;
}

static void take_retry(struct sse_reader *reader, const char *value, size_t size) {
    int64_t ms = 0;
    if (!size || size > 9) return;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') return;
        ms = ms * 10 + (value[i] - '0');
    }
    reader->retry_ms = ms;
}

static int take_field(struct sse_reader *reader, const char *name, size_t name_size,
                      struct sse_text value) {
    if (name_size == 4 && memcmp(name, "data", 4) == 0) {
        int status = reader->has_data ? text_add(reader, &reader->data, "\n", 1) : 0;
        reader->has_data = true;
        return status ? status : text_add(reader, &reader->data, value.data, value.size);
    }
    if (name_size == 5 && memcmp(name, "event", 5) == 0 && !memchr(value.data, 0, value.size))
        return text_set(reader, &reader->event, value.data, value.size);
    if (name_size == 2 && memcmp(name, "id", 2) == 0 && !memchr(value.data, 0, value.size))
        return text_set(reader, &reader->id, value.data, value.size);
    if (name_size == 5 && memcmp(name, "retry", 5) == 0) take_retry(reader, value.data, value.size);
    return 0;
}

static int take_line(struct sse_reader *reader) {
    const char *line = reader->line.data ? reader->line.data : "";
    size_t size = reader->line.size;
    reader->line.size = 0;
    if (!reader->past_mark) { /* a byte order mark at the very beginning */
        reader->past_mark = true;
        if (size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, size -= 3;
    }
    if (!size) return dispatch(reader);
    const char *colon = memchr(line, ':', size);
    if (colon == line) return 0; /* a comment */
    size_t name_size = colon ? (size_t)(colon - line) : size;
    const char *value = line + name_size + (colon != NULL);
    if (colon && value < line + size && *value == ' ') value++;
    struct sse_text rest = {.data = (char *)value, .size = (size_t)(line + size - value)};
    return take_field(reader, line, name_size, rest);
}

int sse_read(struct sse_reader *reader, const char *bytes, size_t size) {
    const char *end = bytes + size;
    while (bytes < end) {
        if (reader->skip_feed && *bytes == '\n') { /* the LF of a CRLF */
            reader->skip_feed = false;
            bytes++;
            continue;
        }
        reader->skip_feed = false;
        const char *stop = bytes;
        while (stop < end && *stop != '\n' && *stop != '\r') stop++;
        int status = text_add(reader, &reader->line, bytes, (size_t)(stop - bytes));
        if (status) return status;
        if (stop == end) return 0;
        reader->skip_feed = *stop == '\r';
        bytes = stop + 1;
        if ((status = take_line(reader))) return status;
    }
    return 0;
}

void sse_reader_init(struct sse_reader *reader, size_t limit_bytes) {
    *reader = (struct sse_reader){.limit_bytes = limit_bytes, .retry_ms = -1};
}

void sse_reader_fini(struct sse_reader *reader) {
    free(reader->line.data);
    free(reader->data.data);
    free(reader->id.data);
    free(reader->event.data);
    sse_reader_init(reader, reader->limit_bytes);
}
