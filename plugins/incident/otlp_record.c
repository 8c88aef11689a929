#include "otlp_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

void otlp_put(struct otlp_scratch *scratch, const char *bytes, size_t size) {
    const size_t room = sizeof scratch->bytes - scratch->used;
    if (size > room) size = room;
    if (!size) return; /* bytes may be NULL then */
    memcpy(scratch->bytes + scratch->used, bytes, size);
    scratch->used += size;
}

/* ---- attributes: OpenTelemetry semantic conventions 1.2x, and the names they had before ---- */

void otlp_source_attribute(struct otlp_source *source, struct text key, struct otlp_value value) {
    if (text_is(key, "service.name"))
        source->service = value.text;
    else if (text_is(key, "service.version"))
        source->version = value.text;
    else if (text_is(key, "deployment.environment.name") || text_is(key, "deployment.environment"))
        source->environment = value.text;
    else if (text_is(key, "service.namespace") || text_is(key, "k8s.namespace.name"))
        source->name_space = value.text;
    else if (!source->service.size &&
             (text_is(key, "k8s.deployment.name") || text_is(key, "k8s.container.name")))
        source->service = value.text;
}

static bool names_user(struct text key) {
    return text_is(key, "enduser.id") || text_is(key, "user.id") || text_is(key, "session.id");
}

static bool names_exception(struct text key) {
    return text_is(key, "exception.type") || text_is(key, "error.type");
}

void otlp_log_attribute(struct otlp_log *log, struct text key, struct otlp_value value) {
    if (names_user(key))
        log->user = value.text;
    else if (names_exception(key))
        log->exception = value.text;
    else if (text_is(key, "event.name") || text_is(key, "k8s.event.name"))
        log->event = value.text;
    else if (text_is(key, "k8s.event.reason"))
        log->reason = value.text;
    else if (text_is(key, "k8s.object.name"))
        log->object = value.text;
}

void otlp_span_attribute(struct otlp_span *span, struct text key, struct otlp_value value) {
    if (names_user(key))
        span->user = value.text;
    else if (names_exception(key))
        span->exception = value.text;
    else if (text_is(key, "http.response.status_code") || text_is(key, "http.status_code"))
        span->http_status = value.number > 0 && value.number < 1000 ? (int)value.number : 0;
    else if (text_is(key, "peer.service") ||
             (!span->peer.size && (text_is(key, "server.address") || text_is(key, "db.system") ||
                                   text_is(key, "net.peer.name"))))
        span->peer = value.text;
}

/* ---- ids ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static void drop_zeros(char *id) {
    if (id[strspn(id, "0")] == 0) *id = 0;
}

bool otlp_id_from_hex(struct text hex, char *out, size_t digits) {
    *out = 0;
    if (!hex.size) return true;
    if (hex.size != digits) return false;
    for (size_t i = 0; i < digits; i++) {
        const int d = hex_digit(hex.at[i]);
        if (d < 0) return *out = 0, false;
        out[i] = "0123456789abcdef"[d];
    }
    out[digits] = 0;
    drop_zeros(out);
    return true;
}

bool otlp_id_from_bytes(struct text bytes, char *out, size_t digits) {
    *out = 0;
    if (!bytes.size) return true;
    if (bytes.size * 2 != digits) return false;
    for (size_t i = 0; i < bytes.size; i++) {
        const unsigned char c = (unsigned char)bytes.at[i];
        out[2 * i] = "0123456789abcdef"[c >> 4];
        out[2 * i + 1] = "0123456789abcdef"[c & 15];
    }
    out[digits] = 0;
    drop_zeros(out);
    return true;
}

/* ---- records ---- */

static void reject(struct otlp_result *result, const char *why) {
    result->rejected++;
    (void)snprintf(result->why, sizeof result->why, "%s", why);
}

void otlp_take_log(const struct otlp_sink *sink, const struct otlp_log *log, bool ids_good,
                   struct otlp_result *result) {
    if (!ids_good) {
        reject(result, "traceId must have 32 and spanId 16 hexadecimal digits");
        return;
    }
    result->taken++;
    if (sink->log) sink->log(sink->arg, log);
}

void otlp_take_span(const struct otlp_sink *sink, const struct otlp_span *span, bool ids_good,
                    struct otlp_result *result) {
    if (!ids_good || !*span->trace || !*span->span)
        reject(result, "a span needs a traceId of 32 and a spanId of 16 hexadecimal digits that "
                       "are not all 0");
    else if (span->start_ns <= 0 || span->end_ns < span->start_ns)
        reject(result, "a span needs startTimeUnixNano above 0 and endTimeUnixNano not before it");
    else {
        result->taken++;
        if (sink->span) sink->span(sink->arg, span);
    }
}

/* ---- gzip ---- */

int otlp_gunzip(const void *bytes, size_t size, size_t most, char **out, size_t *out_size) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size};
    if (size > UINT32_MAX / 2 || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return -1;
    size_t room = size * 4 + 1024 < most + 1 ? size * 4 + 1024 : most + 1, used = 0;
    char *buffer = malloc(room + 1);
    int state = Z_OK;
    while (buffer && state == Z_OK && used <= most) {
        if (used == room) {
            room = room * 2 < most + 1 ? room * 2 : most + 1;
            char *more = realloc(buffer, room + 1);
            if (!more) break;
            buffer = more;
        }
        z.next_out = (Bytef *)buffer + used;
        z.avail_out = (uInt)(room - used);
        state = inflate(&z, Z_NO_FLUSH);
        used = room - z.avail_out;
    }
    const bool whole = state == Z_STREAM_END && z.avail_in == 0;
    (void)inflateEnd(&z);
    if (buffer && whole && used <= most) {
        buffer[used] = 0;
        *out = buffer;
        *out_size = used;
        return 0;
    }
    free(buffer);
    return used > most ? 1 : -1;
}
