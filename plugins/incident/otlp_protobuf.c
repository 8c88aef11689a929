/* otlp_protobuf.c - OTLP requests in binary protobuf. */
#include "otlp_record.h"
#include "wire.h"

#include <stdio.h>

struct reader {
    enum otlp_signal signal;
    const struct otlp_sink *sink;
    struct otlp_result *result;
    bool bad;
    struct otlp_scratch shared, own; /* values of the resource; values of one record */
};

typedef void (*each_fn)(struct reader *r, const struct wire_field *field, void *arg);

/* Calls `each` for the fields of one message; a message that breaks off spoils the request. */
static void each_field(struct reader *r, struct text message, each_fn each, void *arg) {
    struct wire wire = wire_over(message);
    struct wire_field field;
    while (!r->bad && wire_next(&wire, &field)) each(r, &field, arg);
    if (wire.bad) r->bad = true;
}

static bool is_bytes(const struct wire_field *field, uint32_t number) {
    return field->number == number && field->type == WIRE_BYTES;
}

/* ---- AnyValue ---- */

static struct otlp_value any_value(struct reader *r, struct otlp_scratch *to, struct text message,
                                   int depth);

static void key_value_text(struct reader *r, struct otlp_scratch *to, struct text message,
                           int depth) {
    struct wire wire = wire_over(message);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (is_bytes(&field, 1)) {
            otlp_put(to, field.bytes.at, field.bytes.size);
            otlp_put(to, "=", 1);
        } else if (is_bytes(&field, 2)) {
            const struct otlp_value v = any_value(r, to, field.bytes, depth);
            const bool put_already = v.text.at >= to->bytes && v.text.at <= to->bytes + to->used;
            if (!put_already) otlp_put(to, v.text.at, v.text.size);
        }
    }
    if (wire.bad) r->bad = true;
}

/* A list or a map as "a b" or "k=v k=v". */
static struct text list_text(struct reader *r, struct otlp_scratch *to, struct text message,
                             bool map, int depth) {
    const char *from = to->bytes + to->used;
    struct wire wire = wire_over(message);
    struct wire_field field;
    bool first = true;
    while (depth < OTLP_DEPTH && wire_next(&wire, &field)) {
        if (!is_bytes(&field, 1)) continue;
        if (!first) otlp_put(to, " ", 1);
        first = false;
        if (map) {
            key_value_text(r, to, field.bytes, depth + 1);
            continue;
        }
        const struct otlp_value v = any_value(r, to, field.bytes, depth + 1);
        const bool put_already = v.text.at >= to->bytes && v.text.at <= to->bytes + to->used;
        if (!put_already) otlp_put(to, v.text.at, v.text.size);
    }
    if (wire.bad || depth >= OTLP_DEPTH) r->bad = true;
    return (struct text){from, (size_t)(to->bytes + to->used - from)};
}

static struct text print_number(struct otlp_scratch *to, const char *format, double real,
                                int64_t integer, bool is_real) {
    char digits[48];
    const int n = is_real ? snprintf(digits, sizeof digits, format, real)
                          : snprintf(digits, sizeof digits, format, (long long)integer);
    const char *from = to->bytes + to->used;
    otlp_put(to, digits, n > 0 ? (size_t)n : 0);
    return (struct text){from, (size_t)(to->bytes + to->used - from)};
}

static struct otlp_value any_value(struct reader *r, struct otlp_scratch *to, struct text message,
                                   int depth) {
    struct otlp_value value = {0};
    struct wire wire = wire_over(message);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        double real;
        if (is_bytes(&field, 1)) {
            value.text = field.bytes;
        } else if (field.number == 2 && field.type == WIRE_VARINT) {
            value.text = text_from(field.value ? "true" : "false");
        } else if (field.number == 3 && field.type == WIRE_VARINT) {
            value.number = (int64_t)field.value;
            value.text = print_number(to, "%lld", 0, value.number, false);
        } else if (field.number == 4 && field.type == WIRE_FIXED64) {
            memcpy(&real, &field.value, sizeof real);
            value.text = print_number(to, "%.17g", real, 0, true);
        } else if (is_bytes(&field, 5) || is_bytes(&field, 6)) {
            value.text = list_text(r, to, field.bytes, field.number == 6, depth);
        } else if (is_bytes(&field, 7)) {
            value.text = text_from("(bytes)");
        }
    }
    if (wire.bad) r->bad = true;
    return value;
}

struct pair {
    struct text key;
    struct otlp_value value;
};

static struct pair key_value(struct reader *r, struct otlp_scratch *to, struct text message) {
    struct pair pair = {0};
    struct wire wire = wire_over(message);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (is_bytes(&field, 1)) pair.key = field.bytes;
        if (is_bytes(&field, 2)) pair.value = any_value(r, to, field.bytes, 0);
    }
    if (wire.bad) r->bad = true;
    return pair;
}

/* ---- logs ---- */

struct log_in_work {
    struct otlp_log log;
    bool ids_good;
};

static void log_field(struct reader *r, const struct wire_field *f, void *arg) {
    struct log_in_work *work = arg;
    struct otlp_log *log = &work->log;
    if (f->number == 1 && f->type == WIRE_FIXED64) log->time_ns = (int64_t)f->value;
    if (f->number == 11 && f->type == WIRE_FIXED64) log->observed_ns = (int64_t)f->value;
    if (f->number == 2 && f->type == WIRE_VARINT)
        log->severity = f->value <= 24 ? (int)f->value : 0;
    if (is_bytes(f, 5)) log->body = any_value(r, &r->own, f->bytes, 0).text;
    if (is_bytes(f, 12)) log->event = f->bytes;
    if (is_bytes(f, 6)) {
        const struct pair pair = key_value(r, &r->own, f->bytes);
        otlp_log_attribute(log, pair.key, pair.value);
    }
    if (is_bytes(f, 9)) work->ids_good &= otlp_id_from_bytes(f->bytes, log->trace, 32);
    if (is_bytes(f, 10)) work->ids_good &= otlp_id_from_bytes(f->bytes, log->span, 16);
}

static void read_log(struct reader *r, struct text message, const struct otlp_source *source) {
    r->own.used = 0;
    struct log_in_work work = {.log = {.source = source}, .ids_good = true};
    each_field(r, message, log_field, &work);
    if (!r->bad) otlp_take_log(r->sink, &work.log, work.ids_good, r->result);
}

/* ---- spans ---- */

struct span_in_work {
    struct otlp_span span;
    bool ids_good;
};

static void status_field(struct reader *r, const struct wire_field *f, void *arg) {
    struct otlp_span *span = arg;
    (void)r;
    if (is_bytes(f, 2)) span->message = f->bytes;
    if (f->number == 3 && f->type == WIRE_VARINT) span->status = f->value <= 2 ? (int)f->value : 0;
}

static void event_field(struct reader *r, const struct wire_field *f, void *arg) {
    struct otlp_span *span = arg;
    if (!is_bytes(f, 3)) return;
    const struct pair pair = key_value(r, &r->own, f->bytes);
    if (text_is(pair.key, "exception.type") || text_is(pair.key, "exception.message"))
        otlp_span_attribute(span, pair.key, pair.value);
}

static void span_ids(const struct wire_field *f, struct span_in_work *work) {
    if (is_bytes(f, 1)) work->ids_good &= otlp_id_from_bytes(f->bytes, work->span.trace, 32);
    if (is_bytes(f, 2)) work->ids_good &= otlp_id_from_bytes(f->bytes, work->span.span, 16);
    if (is_bytes(f, 4)) work->ids_good &= otlp_id_from_bytes(f->bytes, work->span.parent, 16);
}

static void span_field(struct reader *r, const struct wire_field *f, void *arg) {
    struct span_in_work *work = arg;
    struct otlp_span *span = &work->span;
    span_ids(f, work);
    if (is_bytes(f, 5)) span->name = f->bytes;
    if (f->number == 6 && f->type == WIRE_VARINT) span->kind = f->value <= 5 ? (int)f->value : 0;
    if (f->number == 7 && f->type == WIRE_FIXED64) span->start_ns = (int64_t)f->value;
    if (f->number == 8 && f->type == WIRE_FIXED64) span->end_ns = (int64_t)f->value;
    if (is_bytes(f, 9)) {
        const struct pair pair = key_value(r, &r->own, f->bytes);
        otlp_span_attribute(span, pair.key, pair.value);
    }
    if (is_bytes(f, 11)) each_field(r, f->bytes, event_field, span);
    if (is_bytes(f, 15)) each_field(r, f->bytes, status_field, span);
}

static void read_span(struct reader *r, struct text message, const struct otlp_source *source) {
    r->own.used = 0;
    struct span_in_work work = {.span = {.source = source}, .ids_good = true};
    each_field(r, message, span_field, &work);
    if (!r->bad) otlp_take_span(r->sink, &work.span, work.ids_good, r->result);
}

/* ---- metrics: counted ---- */

static void metric_field(struct reader *r, const struct wire_field *f, void *arg) {
    (void)arg;
    if (f->type != WIRE_BYTES || f->number < 5) return; /* gauge 5 .. summary 11 */
    struct wire wire = wire_over(f->bytes);
    struct wire_field point;
    while (wire_next(&wire, &point)) r->result->rejected += is_bytes(&point, 1);
    if (wire.bad) r->bad = true;
}

/* ---- the nesting: request, resource, scope, record ---- */

static void scope_field(struct reader *r, const struct wire_field *f, void *arg) {
    if (!is_bytes(f, 2)) return;
    if (r->signal == OTLP_LOGS) read_log(r, f->bytes, arg);
    if (r->signal == OTLP_TRACES) read_span(r, f->bytes, arg);
    if (r->signal == OTLP_METRICS) each_field(r, f->bytes, metric_field, NULL);
}

static void resource_field(struct reader *r, const struct wire_field *f, void *arg) {
    if (!is_bytes(f, 1)) return;
    const struct pair pair = key_value(r, &r->shared, f->bytes);
    otlp_source_attribute(arg, pair.key, pair.value);
}

static void find_resource(struct reader *r, const struct wire_field *f, void *arg) {
    if (is_bytes(f, 1)) each_field(r, f->bytes, resource_field, arg);
}

static void find_scopes(struct reader *r, const struct wire_field *f, void *arg) {
    if (is_bytes(f, 2)) each_field(r, f->bytes, scope_field, arg);
}

/* Fields may come in any order: the resource is looked for first. */
static void request_field(struct reader *r, const struct wire_field *f, void *arg) {
    (void)arg;
    if (!is_bytes(f, 1)) return;
    struct otlp_source source = {0};
    r->shared.used = 0;
    each_field(r, f->bytes, find_resource, &source);
    each_field(r, f->bytes, find_scopes, &source);
}

int otlp_read_protobuf(enum otlp_signal signal, const void *bytes, size_t size,
                       const struct otlp_sink *sink, struct otlp_result *result) {
    *result = (struct otlp_result){0};
    struct reader r = {.signal = signal, .sink = sink, .result = result};
    each_field(&r, (struct text){bytes, size}, request_field, NULL);
    if (r.bad) {
        (void)snprintf(result->why, sizeof result->why,
                       "the body is not a protobuf message of this signal: a field breaks off");
        return -1;
    }
    if (signal == OTLP_METRICS && result->rejected)
        (void)snprintf(result->why, sizeof result->why, "metrics are read from Prometheus");
    return 0;
}

/* ---- answers ---- */

static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t n = 0;
    for (; value > 127; value >>= 7) out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

static size_t put_text(uint8_t *out, uint8_t key, const char *text, size_t room) {
    size_t size = strlen(text);
    if (size > room) size = room;
    size_t n = 0;
    out[n++] = key;
    n += put_varint(out + n, size);
    memcpy(out + n, text, size);
    return n + size;
}

size_t otlp_answer_protobuf(const struct otlp_result *result, uint8_t *out, size_t room) {
    if (!result->rejected || room < 256) return 0;
    uint8_t partial[200];
    size_t n = 0;
    partial[n++] = 1 << 3; /* rejected: int64 = 1 */
    n += put_varint(partial + n, result->rejected);
    n += put_text(partial + n, 2 << 3 | 2, result->why, sizeof result->why);
    out[0] = 1 << 3 | 2; /* partial_success = 1 */
    const size_t head = 1 + put_varint(out + 1, n);
    memcpy(out + head, partial, n);
    return head + n;
}

size_t otlp_failure_protobuf(int code, const char *message, uint8_t *out, size_t room) {
    if (room < 32) return 0;
    size_t n = 0;
    out[n++] = 1 << 3;
    n += put_varint(out + n, (uint64_t)code);
    return n + put_text(out + n, 2 << 3 | 2, message, room - 24);
}
