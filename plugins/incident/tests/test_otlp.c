/* OTLP: the same record out of JSON and out of protobuf, what is rejected, what is passed over. */
#include "otlp.h"
#include "otlp_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

#include <cmocka.h>

struct seen {
    size_t logs, spans;
    char text[1024]; /* the last record, member by member */
};

static void see_log(void *arg, const struct otlp_log *l) {
    struct seen *seen = arg;
    seen->logs++;
    (void)snprintf(seen->text, sizeof seen->text, "%.*s|%.*s|%lld|%lld|%d|%s|%s|%.*s|%.*s|%.*s",
                   (int)l->source->service.size, l->source->service.at,
                   (int)l->source->version.size, l->source->version.at, (long long)l->time_ns,
                   (long long)l->observed_ns, l->severity, l->trace, l->span, (int)l->body.size,
                   l->body.at, (int)l->event.size, l->event.at, (int)l->user.size, l->user.at);
}

static void see_span(void *arg, const struct otlp_span *s) {
    struct seen *seen = arg;
    seen->spans++;
    (void)snprintf(seen->text, sizeof seen->text, "%.*s|%s|%s|%s|%.*s|%d|%d|%d|%lld|%lld|%.*s|%.*s",
                   (int)s->source->service.size, s->source->service.at, s->trace, s->span,
                   s->parent, (int)s->name.size, s->name.at, s->kind, s->status, s->http_status,
                   (long long)s->start_ns, (long long)s->end_ns, (int)s->message.size,
                   s->message.at, (int)s->exception.size, s->exception.at);
}

static int read_json(enum otlp_signal signal, const char *json, struct seen *seen,
                     struct otlp_result *result) {
    const struct otlp_sink sink = {.arg = seen, .log = see_log, .span = see_span};
    cJSON *tree = cJSON_Parse(json);
    assert_non_null(tree);
    const int rc = otlp_read_json(signal, tree, &sink, result);
    cJSON_Delete(tree);
    return rc;
}

static int read_protobuf(enum otlp_signal signal, const struct bytes *b, struct seen *seen,
                         struct otlp_result *result) {
    const struct otlp_sink sink = {.arg = seen, .log = see_log, .span = see_span};
    return otlp_read_protobuf(signal, b->at, b->size, &sink, result);
}

#define TRACE "5B8EFFF798038103D269B633813FC60C"
#define SPAN  "EEE19B7EC3C1B174"

static const uint8_t trace_bytes[] = {0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03,
                                      0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c};
static const uint8_t span_bytes[] = {0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74};

static void a_log_is_the_same_in_both_forms(void **state) {
    (void)state;
    struct seen json = {0}, proto = {0};
    struct otlp_result result;
    assert_int_equal(
        read_json(
            OTLP_LOGS,
            "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
            "\"value\":{\"stringValue\":\"parcels\"}}]},\"scopeLogs\":[{\"scope\":{},"
            "\"logRecords\":[{\"timeUnixNano\":\"1544712660300000000\","
            "\"observedTimeUnixNano\":1544712660300000000,\"severityNumber\":17,"
            "\"severityText\":\"ERROR\",\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\","
            "\"body\":{\"stringValue\":\"dial tcp: refused\"},\"someNewField\":[1,2],"
            "\"attributes\":[{\"key\":\"enduser.id\",\"value\":{\"stringValue\":\"u1\"}}]}]}]}"
            "]}",
            &json, &result),
        0);
    assert_int_equal(result.taken, 1);

    struct bytes record = {.size = 0}, body = {.size = 0}, request = {.size = 0};
    add_text(&body, 1, "dial tcp: refused");
    add_fixed64(&record, 1, 1544712660300000000u);
    add_fixed64(&record, 11, 1544712660300000000u);
    add_number(&record, 2, 17);
    add_text(&record, 3, "ERROR");
    add_message(&record, 5, &body);
    add_attribute(&record, 6, "enduser.id", "u1", 0);
    add_bytes(&record, 9, trace_bytes, 16);
    add_bytes(&record, 10, span_bytes, 8);
    add_text(&record, 99, "a field of tomorrow");
    add_request(&request, "parcels", &record);
    assert_int_equal(read_protobuf(OTLP_LOGS, &request, &proto, &result), 0);
    assert_int_equal(result.taken, 1);
    assert_string_equal(proto.text, json.text);
    assert_string_equal(json.text,
                        "parcels||1544712660300000000|1544712660300000000|17|"
                        "5b8efff798038103d269b633813fc60c|eee19b7ec3c1b174|dial tcp: refused||u1");
}

static void a_span_is_the_same_in_both_forms(void **state) {
    (void)state;
    struct seen json = {0}, proto = {0};
    struct otlp_result result;
    assert_int_equal(
        read_json(OTLP_TRACES,
                  "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                  "\"value\":{\"stringValue\":\"parcels\"}}]},\"scopeSpans\":[{\"spans\":[{"
                  "\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"parentSpanId\":\"" SPAN "\","
                  "\"name\":\"POST /labels\",\"kind\":2,"
                  "\"startTimeUnixNano\":\"1544712660000000000\","
                  "\"endTimeUnixNano\":\"1544712661000000000\",\"attributes\":[{\"key\":"
                  "\"http.response.status_code\",\"value\":{\"intValue\":\"503\"}}],\"events\":[{"
                  "\"name\":\"exception\",\"attributes\":[{\"key\":\"exception.type\",\"value\":{"
                  "\"stringValue\":\"IOError\"}}]}],\"status\":{\"code\":2,\"message\":\"refused\"}"
                  "}]}]}]}",
                  &json, &result),
        0);
    struct bytes record = {.size = 0}, event = {.size = 0}, status = {.size = 0},
                 request = {.size = 0};
    add_bytes(&record, 1, trace_bytes, 16);
    add_bytes(&record, 2, span_bytes, 8);
    add_bytes(&record, 4, span_bytes, 8);
    add_text(&record, 5, "POST /labels");
    add_number(&record, 6, 2);
    add_fixed64(&record, 7, 1544712660000000000u);
    add_fixed64(&record, 8, 1544712661000000000u);
    add_attribute(&record, 9, "http.response.status_code", NULL, 503);
    add_attribute(&event, 3, "exception.type", "IOError", 0);
    add_message(&record, 11, &event);
    add_text(&status, 2, "refused");
    add_number(&status, 3, 2);
    add_message(&record, 15, &status);
    add_request(&request, "parcels", &record);
    assert_int_equal(read_protobuf(OTLP_TRACES, &request, &proto, &result), 0);
    assert_int_equal(result.taken, 1);
    assert_string_equal(proto.text, json.text);
    assert_non_null(strstr(json.text, "|POST /labels|2|2|503|"));
    assert_non_null(strstr(json.text, "refused|IOError"));
}

static void values_of_all_kinds_become_text(void **state) {
    (void)state;
    struct seen seen = {0};
    struct otlp_result result;
    assert_int_equal(
        read_json(OTLP_LOGS,
                  "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"kvlistValue\":{"
                  "\"values\":[{\"key\":\"n\",\"value\":{\"intValue\":\"7\"}},{\"key\":\"ok\","
                  "\"value\":{\"boolValue\":true}},{\"key\":\"l\",\"value\":{\"arrayValue\":{"
                  "\"values\":[{\"stringValue\":\"a\"},{\"doubleValue\":1.5}]}}}]}}}]}]}]}",
                  &seen, &result),
        0);
    assert_non_null(strstr(seen.text, "|n=7 ok=true l=a 1.5|"));
}

static void wrong_records_are_counted_not_fatal(void **state) {
    (void)state;
    struct seen seen = {0};
    struct otlp_result result;
    assert_int_equal(
        read_json(OTLP_TRACES,
                  "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
                  "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"5\","
                  "\"endTimeUnixNano\":\"9\"},"
                  "{\"traceId\":\"xyz\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"5\","
                  "\"endTimeUnixNano\":\"9\"},"
                  "{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"" SPAN "\","
                  "\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"9\"},"
                  "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"startTimeUnixNano\":\"9\","
                  "\"endTimeUnixNano\":\"5\"}]}]}]}",
                  &seen, &result),
        0);
    assert_int_equal(result.taken, 1);
    assert_int_equal(result.rejected, 3);
    char answer[400];
    assert_true(otlp_answer_json(OTLP_TRACES, &result, answer, sizeof answer) > 0);
    assert_non_null(strstr(answer, "{\"partialSuccess\":{\"rejectedSpans\":\"3\","
                                   "\"errorMessage\":\"a span needs"));
    uint8_t proto[400];
    const size_t n = otlp_answer_protobuf(&result, proto, sizeof proto);
    assert_true(n > 10 && proto[0] == 0x0a &&
                proto[n - 1] == (uint8_t)result.why[strlen(result.why) - 1]);
    assert_int_equal(proto[3], 3); /* rejected */
    result.rejected = 0;
    otlp_answer_json(OTLP_TRACES, &result, answer, sizeof answer);
    assert_string_equal(answer, "{}");
    assert_int_equal(otlp_answer_protobuf(&result, proto, sizeof proto), 0);
}

static void an_empty_request_is_a_success(void **state) {
    (void)state;
    struct seen seen = {0};
    struct otlp_result result;
    assert_int_equal(read_json(OTLP_LOGS, "{}", &seen, &result), 0);
    assert_int_equal(read_json(OTLP_LOGS, "{\"resourceLogs\":[]}", &seen, &result), 0);
    assert_int_equal(read_json(OTLP_LOGS, "{\"resourceLogs\":5}", &seen, &result), -1);
    assert_non_null(strstr(result.why, "resourceLogs"));
    assert_int_equal(otlp_read_protobuf(OTLP_LOGS, "", 0, &(struct otlp_sink){0}, &result), 0);
    assert_int_equal(result.taken + result.rejected, 0);
}

static void broken_protobuf_is_refused(void **state) {
    (void)state;
    struct bytes record = {.size = 0}, request = {.size = 0};
    add_text(&record, 3, "ERROR");
    add_request(&request, "parcels", &record);
    struct seen seen = {0};
    struct otlp_result result;
    size_t refused = 0;
    for (size_t cut = 1; cut < request.size; cut++) {
        struct bytes part = request;
        part.size = cut;
        refused += read_protobuf(OTLP_LOGS, &part, &seen, &result) != 0;
    }
    assert_int_equal(refused, request.size - 1);
    /* a list in a list in a list...: deeper than any value is */
    struct bytes value = {.size = 0};
    add_text(&value, 1, "x");
    for (int i = 0; i < 40; i++) {
        struct bytes list = {.size = 0}, outer = {.size = 0};
        add_message(&list, 1, &value);
        add_message(&outer, 5, &list);
        value = outer;
    }
    struct bytes deep = {.size = 0}, whole = {.size = 0};
    add_message(&deep, 5, &value);
    add_request(&whole, "parcels", &deep);
    assert_int_equal(read_protobuf(OTLP_LOGS, &whole, &seen, &result), -1);
}

static void metrics_are_counted_as_rejected(void **state) {
    (void)state;
    struct otlp_result result;
    cJSON *tree = cJSON_Parse("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":"
                              "\"a\",\"sum\":{\"dataPoints\":[{},{}]}}]}]}]}");
    assert_int_equal(otlp_read_json(OTLP_METRICS, tree, &(struct otlp_sink){0}, &result), 0);
    cJSON_Delete(tree);
    assert_int_equal(result.rejected, 2);
    struct bytes point = {.size = 0}, sum = {.size = 0}, metric = {.size = 0},
                 request = {.size = 0};
    add_number(&point, 3, 1);
    add_message(&sum, 1, &point);
    add_text(&metric, 1, "a");
    add_message(&metric, 7, &sum);
    add_request(&request, "parcels", &metric);
    assert_int_equal(
        otlp_read_protobuf(OTLP_METRICS, request.at, request.size, &(struct otlp_sink){0}, &result),
        0);
    assert_int_equal(result.rejected, 1);
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t room) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data, z.avail_in = (uInt)size;
    z.next_out = out, z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static void gzip_is_inflated_within_its_bound(void **state) {
    (void)state;
    static char zeros[1 << 20];
    static uint8_t packed[1 << 16];
    size_t n = gzip(zeros, sizeof zeros, packed, sizeof packed), size;
    char *out;
    assert_int_equal(otlp_gunzip(packed, n, sizeof zeros, &out, &size), 0);
    assert_int_equal(size, sizeof zeros);
    free(out);
    assert_int_equal(otlp_gunzip(packed, n, sizeof zeros - 1, &out, &size), 1); /* a bomb */
    assert_int_equal(otlp_gunzip(packed, n - 1, sizeof zeros, &out, &size), -1);
    packed[n - 6] ^= 0x55; /* in the check sum */
    assert_int_not_equal(otlp_gunzip(packed, n, sizeof zeros, &out, &size), 0);
    assert_int_equal(otlp_gunzip("no gzip", 7, 100, &out, &size), -1);
    assert_int_equal(otlp_gunzip("", 0, 100, &out, &size), -1);
    n = gzip("{}", 2, packed, sizeof packed);
    assert_int_equal(otlp_gunzip(packed, n, 2, &out, &size), 0);
    assert_string_equal(out, "{}");
    free(out);
}

static void text_is_made_valid(void **state) {
    (void)state;
    char out[16];
    assert_int_equal(text_clean((struct text){"a\xff\x01z\xc3\xa9", 6}, out, sizeof out), 6);
    assert_string_equal(out, "a? z\xc3\xa9");
    assert_int_equal(text_clean((struct text){"\xc3\xa9\xc3\xa9", 4}, out, 4), 2); /* no half */
    assert_int_equal(text_clean((struct text){"\xed\xa0\x80", 3}, out, sizeof out), 3);
    assert_string_equal(out, "???"); /* a surrogate */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_the_same_in_both_forms),
        cmocka_unit_test(a_span_is_the_same_in_both_forms),
        cmocka_unit_test(values_of_all_kinds_become_text),
        cmocka_unit_test(wrong_records_are_counted_not_fatal),
        cmocka_unit_test(an_empty_request_is_a_success),
        cmocka_unit_test(broken_protobuf_is_refused),
        cmocka_unit_test(metrics_are_counted_as_rejected),
        cmocka_unit_test(gzip_is_inflated_within_its_bound),
        cmocka_unit_test(text_is_made_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
