/* stream.c - the answer as Server-Sent Events: meta, step, source, delta, result, error, done. */
#include "chat.h"

#include <string.h>

void stream_event(const struct inquiry *inquiry, const char *event, const cJSON *data) {
    if (!inquiry->streams) return;
    /* A client that has left is noticed by the next thing that waits. */
    (void)sl_stream_send(inquiry->call, NULL, event, sl_json_print(inquiry->call, data));
}

void stream_begin(struct inquiry *inquiry) {
    sl_call *call = inquiry->call;
    if (!sl_wants_stream(call) || sl_stream_open(call)) return;
    inquiry->streams = true;
    stream_event(inquiry, "meta", object1("request_id", sl_request_id(call)));
}

/* The text in pieces of some words, as a reader's screen fills. */
static void send_text(const struct inquiry *inquiry, const char *text) {
    while (*text) {
        size_t size = strlen(text);
        if (size > 80) {
            size = 80;
            while (size > 1 && text[size - 1] != ' ') size--;
            if (size == 1) size = strcspn(text, " ") + (strchr(text, ' ') != NULL);
        }
        cJSON *delta = object1("text", sl_strndup(inquiry->call, text, size));
        stream_event(inquiry, "delta", delta);
        text += size;
    }
}

void stream_end(const struct inquiry *inquiry, const cJSON *answer, int64_t began_ns) {
    if (!inquiry->streams) return;
    send_text(inquiry, inquiry->answer);
    stream_event(inquiry, "result", answer);
    cJSON *done = cJSON_CreateObject();
    cJSON_AddNumberToObject(done, "ms", (double)(sl_clock_ns(inquiry->call) - began_ns) / 1e6);
    stream_event(inquiry, "done", done);
}
