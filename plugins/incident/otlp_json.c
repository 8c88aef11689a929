/* otlp_json.c - OTLP requests in JSON: lowerCamelCase names, ids in hexadecimal, 64-bit integers as
 * text or number, enums as integers. */
#include "otlp_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
    const struct otlp_sink *sink;
    struct otlp_result *result;
    struct otlp_scratch shared, own;
};

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static struct text string_of(const cJSON *item) {
    return cJSON_IsString(item) ? text_from(item->valuestring) : (struct text){0};
}

/* Both "1544712660000000000" and 1544712660000000000 are sent. */
static int64_t integer_of(const cJSON *item) {
    if (cJSON_IsNumber(item)) {
        const double d = item->valuedouble;
        return d > -9.2e18 && d < 9.2e18 ? (int64_t)d : 0;
    }
    if (!cJSON_IsString(item)) return 0;
    errno = 0;
    char *end;
    const long long value = strtoll(item->valuestring, &end, 10);
    return errno || *end ? 0 : value;
}

/* ---- AnyValue ---- */

static void put_value(struct otlp_scratch *to, const cJSON *any, int depth);

static void put_list(struct otlp_scratch *to, const cJSON *values, bool map, int depth) {
    const cJSON *item;
    bool first = true;
    cJSON_ArrayForEach(item, values) {
        if (!first) otlp_put(to, " ", 1);
        first = false;
        if (!map) {
            put_value(to, item, depth + 1);
            continue;
        }
        const struct text key = string_of(member(item, "key"));
        otlp_put(to, key.at, key.size);
        otlp_put(to, "=", 1);
        put_value(to, member(item, "value"), depth + 1);
    }
}

static void put_value(struct otlp_scratch *to, const cJSON *any, int depth) {
    if (depth >= OTLP_DEPTH || !cJSON_IsObject(any)) return;
    const cJSON *item;
    cJSON_ArrayForEach(item, any) {
        char digits[48];
        int n = 0;
        if (strcmp(item->string, "stringValue") == 0) {
            const struct text t = string_of(item);
            otlp_put(to, t.at, t.size);
        } else if (strcmp(item->string, "boolValue") == 0) {
            n = snprintf(digits, sizeof digits, "%s", cJSON_IsTrue(item) ? "true" : "false");
        } else if (strcmp(item->string, "intValue") == 0) {
            n = snprintf(digits, sizeof digits, "%lld", (long long)integer_of(item));
        } else if (strcmp(item->string, "doubleValue") == 0) {
            n = snprintf(digits, sizeof digits, "%.17g", item->valuedouble);
        } else if (strcmp(item->string, "arrayValue") == 0) {
            put_list(to, member(item, "values"), false, depth);
        } else if (strcmp(item->string, "kvlistValue") == 0) {
            put_list(to, member(item, "values"), true, depth);
        } else if (strcmp(item->string, "bytesValue") == 0) {
            n = snprintf(digits, sizeof digits, "(bytes)");
        }
        otlp_put(to, digits, n > 0 ? (size_t)n : 0);
    }
}

static struct otlp_value any_value(struct otlp_scratch *to, const cJSON *any) {
    const cJSON *text = member(any, "stringValue");
    if (text) return (struct otlp_value){.text = string_of(text)};
    const char *from = to->bytes + to->used;
    put_value(to, any, 0);
    return (struct otlp_value){.text = {from, (size_t)(to->bytes + to->used - from)},
                               .number = integer_of(member(any, "intValue"))};
}

/* ---- records ---- */

static void read_log(struct reader *r, const cJSON *record, const struct otlp_source *source) {
    r->own.used = 0;
    struct otlp_log log = {.source = source,
                           .time_ns = integer_of(member(record, "timeUnixNano")),
                           .observed_ns = integer_of(member(record, "observedTimeUnixNano")),
                           .event = string_of(member(record, "eventName"))};
    const int64_t severity = integer_of(member(record, "severityNumber"));
    log.severity = severity >= 0 && severity <= 24 ? (int)severity : 0;
    log.body = any_value(&r->own, member(record, "body")).text;
    const cJSON *item;
    cJSON_ArrayForEach(item, member(record, "attributes")) {
        otlp_log_attribute(&log, string_of(member(item, "key")),
                           any_value(&r->own, member(item, "value")));
    }
    bool good = otlp_id_from_hex(string_of(member(record, "traceId")), log.trace, 32);
    good &= otlp_id_from_hex(string_of(member(record, "spanId")), log.span, 16);
    otlp_take_log(r->sink, &log, good, r->result);
}

static void read_exception(struct reader *r, const cJSON *events, struct otlp_span *span) {
    const cJSON *event, *item;
    cJSON_ArrayForEach(event, events) {
        cJSON_ArrayForEach(item, member(event, "attributes")) {
            const struct text key = string_of(member(item, "key"));
            if (text_is(key, "exception.type"))
                otlp_span_attribute(span, key, any_value(&r->own, member(item, "value")));
        }
    }
}

static void read_span(struct reader *r, const cJSON *record, const struct otlp_source *source) {
    r->own.used = 0;
    const cJSON *status = member(record, "status");
    struct otlp_span span = {.source = source,
                             .name = string_of(member(record, "name")),
                             .message = string_of(member(status, "message")),
                             .start_ns = integer_of(member(record, "startTimeUnixNano")),
                             .end_ns = integer_of(member(record, "endTimeUnixNano"))};
    const int64_t kind = integer_of(member(record, "kind"));
    const int64_t code = integer_of(member(status, "code"));
    span.kind = kind >= 0 && kind <= 5 ? (int)kind : 0;
    span.status = code >= 0 && code <= 2 ? (int)code : 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, member(record, "attributes")) {
        otlp_span_attribute(&span, string_of(member(item, "key")),
                            any_value(&r->own, member(item, "value")));
    }
    read_exception(r, member(record, "events"), &span);
    bool good = otlp_id_from_hex(string_of(member(record, "traceId")), span.trace, 32);
    good &= otlp_id_from_hex(string_of(member(record, "spanId")), span.span, 16);
    good &= otlp_id_from_hex(string_of(member(record, "parentSpanId")), span.parent, 16);
    otlp_take_span(r->sink, &span, good, r->result);
}

static void count_points(struct reader *r, const cJSON *metric) {
    const cJSON *kind;
    cJSON_ArrayForEach(kind, metric) {
        const int n = cJSON_GetArraySize(member(kind, "dataPoints"));
        r->result->rejected += n > 0 ? (size_t)n : 0;
    }
}

/* ---- the nesting ---- */

static const struct {
    const char *resources, *scopes, *records, *rejected;
} names[] = {
    [OTLP_LOGS] = {"resourceLogs", "scopeLogs", "logRecords", "rejectedLogRecords"},
    [OTLP_TRACES] = {"resourceSpans", "scopeSpans", "spans", "rejectedSpans"},
    [OTLP_METRICS] = {"resourceMetrics", "scopeMetrics", "metrics", "rejectedDataPoints"},
};

static void read_scope(struct reader *r, enum otlp_signal signal, const cJSON *scope,
                       const struct otlp_source *source) {
    const cJSON *record;
    cJSON_ArrayForEach(record, member(scope, names[signal].records)) {
        if (signal == OTLP_LOGS)
            read_log(r, record, source);
        else if (signal == OTLP_TRACES)
            read_span(r, record, source);
        else
            count_points(r, record);
    }
}

int otlp_read_json(enum otlp_signal signal, const cJSON *request, const struct otlp_sink *sink,
                   struct otlp_result *result) {
    *result = (struct otlp_result){0};
    struct reader r = {.sink = sink, .result = result};
    const cJSON *resources = member(request, names[signal].resources);
    if (!cJSON_IsObject(request) || (resources && !cJSON_IsArray(resources))) {
        (void)snprintf(result->why, sizeof result->why, "expected an object like {\"%s\":[...]}",
                       names[signal].resources);
        return -1;
    }
    const cJSON *entry, *scope, *item;
    cJSON_ArrayForEach(entry, resources) {
        struct otlp_source source = {0};
        r.shared.used = 0;
        cJSON_ArrayForEach(item, member(member(entry, "resource"), "attributes")) {
            otlp_source_attribute(&source, string_of(member(item, "key")),
                                  any_value(&r.shared, member(item, "value")));
        }
        cJSON_ArrayForEach(scope, member(entry, names[signal].scopes)) {
            read_scope(&r, signal, scope, &source);
        }
    }
    if (signal == OTLP_METRICS && result->rejected)
        (void)snprintf(result->why, sizeof result->why, "metrics are read from Prometheus");
    return 0;
}

size_t otlp_answer_json(enum otlp_signal signal, const struct otlp_result *result, char *out,
                        size_t room) {
    const int n =
        result->rejected
            ? snprintf(out, room, "{\"partialSuccess\":{\"%s\":\"%zu\",\"errorMessage\":\"%s\"}}",
                       names[signal].rejected, result->rejected, result->why)
            : snprintf(out, room, "{}");
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
