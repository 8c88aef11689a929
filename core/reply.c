#include "reply.h"
#include "host.h"
#include "op.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reply_header {
    struct reply_header *next;
    const char *name, *value;
};

const void *sl_body(const sl_call *call, size_t *size) {
    *size = call->body_size;
    return call->body;
}

const char *sl_header(const sl_call *call, const char *name) {
    return call->http ? http_exchange_header(call->http, name, NULL) : NULL;
}

void sl_reply_status(sl_call *call, int http_status) {
    call->reply.http_status = http_status;
}

/* A value with a line break would forge headers. */
static bool clean(const char *text) {
    return !text[strcspn(text, "\r\n")];
}

void sl_reply_header(sl_call *call, const char *name, const char *value) {
    if (!clean(name) || !clean(value)) return;
    struct arena *arena = call_lasting(call);
    struct reply_header *header = arena_alloc(arena, sizeof *header);
    header->name = arena_strdup(arena, name);
    header->value = arena_strdup(arena, value);
    header->next = call->reply.headers;
    call->reply.headers = header;
}

void sl_reply_lasting(sl_call *call, const char *content_type, const void *bytes, size_t size) {
    call->reply.content_type = arena_strdup(call_lasting(call), content_type);
    call->reply.bytes = size ? bytes : "";
    call->reply.size = size;
    call->reply.write = NULL;
}

void sl_reply_bytes(sl_call *call, const char *content_type, const void *bytes, size_t size) {
    sl_reply_lasting(call, content_type,
                     size ? arena_strndup(call_lasting(call), bytes, size) : NULL, size);
}

void sl_reply_writer(sl_call *call, const char *content_type, size_t size,
                     void (*write)(void *arg, char *to), void *arg) {
    sl_reply_lasting(call, content_type, NULL, 0);
    call->reply.size = size;
    call->reply.write = write;
    call->reply.write_arg = arg;
}

const char *reply_bytes(struct sl_call *call) {
    struct reply *reply = &call->reply;
    if (!reply->write) return reply->bytes;
    char *bytes = arena_alloc(call_lasting(call), reply->size + 1);
    reply->write(reply->write_arg, bytes);
    bytes[reply->size] = 0;
    reply->write = NULL;
    return reply->bytes = bytes;
}

void sl_reply_etag(sl_call *call, const char *version) {
    call->reply.etag = arena_strdup(call_lasting(call), version);
}

/* The text between the quotes of a strong ETag; the text itself when there are none. */
static const char *unquoted(struct arena *arena, const char *tag) {
    size_t size = strlen(tag);
    if (size >= 2 && tag[0] == '"' && tag[size - 1] == '"')
        return arena_strndup(arena, tag + 1, size - 2);
    return tag;
}

const char *sl_if_match(const sl_call *call) {
    const char *tag = sl_header(call, "if-match");
    return tag ? unquoted(call->arena, tag) : NULL;
}

bool reply_not_modified(const struct sl_call *call) {
    const char *tags = call->reply.etag ? sl_header(call, "if-none-match") : NULL;
    size_t size = call->reply.etag ? strlen(call->reply.etag) : 0;
    while (tags && *tags) {
        tags += strspn(tags, " ,");
        if (*tags == '*') return true;
        if (strncmp(tags, "W/", 2) == 0) tags += 2;
        if (*tags == '"' && strncmp(tags + 1, call->reply.etag, size) == 0 && tags[1 + size] == '"')
            return true;
        tags += strcspn(tags, ",");
    }
    return false;
}

/* ---- header lines ---- */

struct lines {
    char *at, *end;
};

static void put(struct lines *lines, const char *text) {
    size_t size = strlen(text);
    if ((size_t)(lines->end - lines->at) < size) return;
    memcpy(lines->at, text, size);
    lines->at += size;
}

static void put_line(struct lines *lines, const char *name, const char *value) {
    put(lines, name);
    put(lines, value);
    put(lines, "\r\n");
}

struct http_span reply_headers(struct sl_call *call, int status, const char *type) {
    size_t room = 512 + strlen(call->request_id);
    for (struct reply_header *h = call->reply.headers; h; h = h->next)
        room += strlen(h->name) + strlen(h->value) + 4;
    if (type) room += strlen(type);
    if (call->reply.etag) room += strlen(call->reply.etag);
    char *text = arena_alloc(call->arena, room);
    struct lines lines = {text, text + room};
    if (type) put_line(&lines, "Content-Type: ", type);
    put_line(&lines, "X-Request-Id: ", call->request_id);
    if (call->reply.etag) {
        put(&lines, "ETag: \"");
        put(&lines, call->reply.etag);
        put(&lines, "\"\r\n");
    }
    if (call->failure.retry_after_s && status >= 400)
        put_line(&lines,
                 "Retry-After: ", arena_printf(call->arena, "%d", call->failure.retry_after_s));
    for (struct reply_header *h = call->reply.headers; h; h = h->next) {
        put(&lines, h->name);
        put_line(&lines, ": ", h->value);
    }
    return (struct http_span){text, (size_t)(lines.at - text)};
}

/* ---- Server-Sent Events ---- */

int sl_wants_stream(const sl_call *call) {
    if (!call->op || !(call->op->row.flags & SL_OP_STREAMS)) return 0;
    const char *accept = sl_header(call, "accept");
    return accept && strstr(accept, "text/event-stream") != NULL;
}

int sl_stream_open(sl_call *call) {
    if (!call->http) return sl_fail(call, SL_UNSUPPORTED, "this operation streams over HTTP only");
    if (call->reply.streaming) return 0;
    sl_reply_header(call, "Cache-Control", "no-cache");
    sl_reply_header(call, "X-Accel-Buffering", "no");
    struct http_span headers = reply_headers(call, 200, "text/event-stream");
    call->reply.streaming = true;
    http_stream_open(call->http, 200, headers);
    return 0;
}

/* "name: text\n" for every line of `text`. Grows `*out` by malloc, since a stream outlives arenas. */
static void add_lines(char **out, size_t *size, const char *name, const char *text) {
    do {
        size_t length = strcspn(text, "\r\n"), name_size = strlen(name);
        char *grown = realloc(*out, *size + name_size + length + 5);
        if (!grown) abort();
        *out = grown;
        memcpy(grown + *size, name, name_size);
        *size += name_size;
        memcpy(grown + *size, text, length);
        *size += length;
        grown[(*size)++] = '\n';
        text += length;
        if (text[0] == '\r' && text[1] == '\n') text++;
    } while (*text++);
}

struct drained {
    struct deferred deferred;
    struct wait wait;
};

static void on_drained(struct deferred *deferred) {
    struct drained *drained = (struct drained *)deferred;
    wait_done(&drained->wait, 0);
}

/* Waits for a slow client. The server tells exactly once, also when the client leaves. */
static void wait_drained(sl_call *call) {
    struct drained drained = {.deferred.run = on_drained};
    wait_init(&drained.wait, call->host->loop);
    http_stream_on_drain(call->http, &drained.deferred);
    wait_park(&drained.wait, INT64_MAX);
}

int sl_stream_send(sl_call *call, const char *id, const char *event, const char *data) {
    if (call->cancelled) return sl_fail(call, SL_CANCELLED, "the client left");
    char *text = NULL;
    size_t size = 0;
    if (id) add_lines(&text, &size, "id: ", id);
    if (event) add_lines(&text, &size, "event: ", event);
    if (data) add_lines(&text, &size, "data: ", data);
    text = realloc(text, size + 8);
    if (!text) abort();
    /* With nothing to say it is a comment that keeps the connection open. */
    memcpy(text + size, size ? "\n" : ": ping\n\n", size ? 1 : 8);
    size += size ? 1 : 8;
    int64_t backlog = http_stream_write(call->http, (struct http_span){text, size});
    free(text);
    if (backlog > 256 * 1024) wait_drained(call);
    if (backlog < 0 || call->cancelled) return sl_fail(call, SL_CANCELLED, "the client left");
    return 0;
}
