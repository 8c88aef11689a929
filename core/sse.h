/* sse.h - Server-Sent Events (WHATWG HTML 9.2) as text: writing them, and reading a stream of them.
 * Pure. */
#ifndef SLUICE_CORE_SSE_H
#define SLUICE_CORE_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes one event with its empty line. `id` and `event` may be NULL; what is after a line break in
 * them is left out. `data` may hold line breaks (each becomes a `data:` line); NULL: no data.
 * Returns the size of the whole text, which has been written only when `capacity` is at least that
 * (no NUL behind it). */
size_t sse_write(char *to, size_t capacity, const char *id, const char *event, const char *data);

struct sse_event {
    const char *id;    /* of this event or the last one before that had one; "" */
    const char *event; /* "message" when none was named */
    const char *data;  /* lines joined by '\n'; NUL behind it */
    size_t data_size;
};

struct sse_text {
    char *data;
    size_t size, capacity;
};

/* Reads events from bytes that come in any pieces. */
struct sse_reader {
    /* Nonzero stops the reading. The event is borrowed. */
    int (*on_event)(void *arg, const struct sse_event *event);
    void *arg;
    size_t limit_bytes; /* of one event and of one line */
    int64_t retry_ms;   /* last asked for by the server; -1: never */
    struct sse_text line, data, id, event;
    bool skip_feed, has_data, past_mark;
};

void sse_reader_init(struct sse_reader *reader, size_t limit_bytes);
void sse_reader_fini(struct sse_reader *reader);
/* 0; SL_TOO_LARGE: an event or a line is over the limit; or what on_event returned. After a nonzero
 * result the reader is good for sse_reader_fini only. An event is told at its empty line; what is
 * unfinished at the end of a stream is dropped. */
int sse_read(struct sse_reader *reader, const char *bytes, size_t size);

#endif
