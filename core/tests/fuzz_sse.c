/* Bytes into the reader of Server-Sent Events, whole and in pieces: the events must be the same,
 * and each event written and read again must be the same event. */
#include "sse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
    uint64_t value;
    bool again; /* an event that was written by us: not to be written again */
};

static void mix(uint64_t *value, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) *value = (*value ^ (uint8_t)text[i]) * 1099511628211u;
    *value = (*value ^ 0x100) * 1099511628211u;
}

static uint64_t of_event(const struct sse_event *event) {
    uint64_t value = 14695981039346656037u;
    mix(&value, event->id, strlen(event->id));
    mix(&value, event->event, strlen(event->event));
    mix(&value, event->data, strlen(event->data));
    return value;
}

static int on_event(void *arg, const struct sse_event *event);

static void write_and_read(const struct sse_event *event) {
    size_t size = sse_write(NULL, 0, event->id, event->event, event->data);
    char *text = malloc(size);
    if (sse_write(text, size, event->id, event->event, event->data) != size) abort();
    struct digest digest = {.again = true};
    struct sse_reader reader;
    sse_reader_init(&reader, 8192);
    reader.on_event = on_event;
    reader.arg = &digest;
    if (sse_read(&reader, text, size) != 0) abort();
    if (digest.value != of_event(event)) abort();
    sse_reader_fini(&reader);
    free(text);
}

static int on_event(void *arg, const struct sse_event *event) {
    struct digest *digest = arg;
    digest->value = digest->again ? of_event(event) : digest->value * 31 + of_event(event);
    bool text = strlen(event->data) == event->data_size; /* C strings are written */
    if (!digest->again && text) write_and_read(event);
    return 0;
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t step) {
    struct digest digest = {0};
    struct sse_reader reader;
    sse_reader_init(&reader, 4096);
    reader.on_event = on_event;
    reader.arg = &digest;
    int status = 0;
    for (size_t at = 0; at < size && !status; at += step)
        status = sse_read(&reader, (const char *)data + at, size - at < step ? size - at : step);
    sse_reader_fini(&reader);
    return status ? 0 : digest.value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    uint64_t whole = read_all(data, size, size), pieces = read_all(data, size, 1 + data[0] % 16);
    if (whole != pieces) abort();
    return 0;
}
