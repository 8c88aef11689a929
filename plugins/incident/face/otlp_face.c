/* otlp_face.c - POST /v1/logs, /v1/traces, /v1/metrics: gzip or plain, JSON or protobuf, answered as
 * OTLP/HTTP says. The rows are committed before the 200. */
#include "face.h"
#include "tenants.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct request {
    enum otlp_signal signal;
    bool json;
    const char *body;
    size_t size;
    cJSON *tree; /* JSON only */
    struct telemetry *telemetry;
    int64_t now_ms;
    struct otlp_result result;
    int rc;
};

/* ---- answers ---- */

static int answer(sl_call *call, const struct request *r) {
    if (r->json) {
        char *text = sl_alloc(call, 512);
        const size_t size = otlp_answer_json(r->signal, &r->result, text, 512);
        sl_reply_bytes(call, "application/json", text, size);
        return 0;
    }
    uint8_t *bytes = sl_alloc(call, 512);
    const size_t size = otlp_answer_protobuf(&r->result, bytes, 512);
    sl_reply_bytes(call, "application/x-protobuf", bytes, size);
    return 0;
}

/* A failure in the client's own form: google.rpc.Status. */
static int refuse(sl_call *call, const struct request *r, int http, int code, const char *why) {
    sl_reply_status(call, http);
    if (r->json) {
        cJSON *status = cJSON_CreateObject();
        cJSON_AddNumberToObject(status, "code", code);
        cJSON_AddStringToObject(status, "message", why);
        const char *text = sl_json_print(call, status);
        sl_reply_bytes(call, "application/json", text, strlen(text));
        return 0;
    }
    uint8_t *bytes = sl_alloc(call, 512);
    const size_t size = otlp_failure_protobuf(code, why, bytes, 512);
    sl_reply_bytes(call, "application/x-protobuf", bytes, size);
    return 0;
}

enum { RPC_INVALID = 3, RPC_EXHAUSTED = 8 };

/* ---- reading ---- */

static void take_log(void *arg, const struct otlp_log *log) {
    telemetry_log(arg, log);
}

static void take_span(void *arg, const struct otlp_span *span) {
    telemetry_span(arg, span);
}

static int digest(void *arg) {
    struct request *r = arg;
    const struct otlp_sink sink = {.arg = r->telemetry, .log = take_log, .span = take_span};
    telemetry_at(r->telemetry, r->now_ms);
    r->rc = r->json ? otlp_read_json(r->signal, r->tree, &sink, &r->result)
                    : otlp_read_protobuf(r->signal, r->body, r->size, &sink, &r->result);
    (void)telemetry_delta(r->telemetry);
    return 0;
}

static bool says(const char *header, const char *word) {
    return header && strncasecmp(header, word, strlen(word)) == 0;
}

/* 0: go on; else the answer has been given (1) or a failure told. */
static int unpack(sl_call *call, struct request *r) {
    const struct incident_state *state = sl_state(call);
    const char *encoding = sl_header(call, "content-encoding");
    r->body = sl_body(call, &r->size);
    if (!r->body) r->body = "", r->size = 0;
    if (!encoding || says(encoding, "identity")) {
        if (r->size <= (size_t)state->otlp_bytes) return 0;
        refuse(call, r, 413, RPC_EXHAUSTED, "the request is too large; send smaller batches");
        return 1;
    }
    if (!says(encoding, "gzip"))
        return sl_fail(call, SL_UNSUPPORTED, "Content-Encoding: send gzip or nothing");
    char *out;
    size_t size;
    const int rc = otlp_gunzip(r->body, r->size, (size_t)state->otlp_bytes, &out, &size);
    if (rc > 0) {
        refuse(call, r, 413, RPC_EXHAUSTED,
               "inflated, the request is too large; send smaller "
               "batches");
        return 1;
    }
    if (rc) {
        refuse(call, r, 400, RPC_INVALID, "the body is damaged gzip");
        return 1;
    }
    char *kept = sl_alloc(call, size + 1);
    memcpy(kept, out, size);
    free(out);
    r->body = kept;
    r->size = size;
    return 0;
}

static int parse(sl_call *call, struct request *r) {
    if (!r->json) return 0;
    if (sl_json_parse(call, "the request", r->body, r->size, &r->tree) == 0) return 0;
    refuse(call, r, 400, RPC_INVALID, sl_failure(call));
    return 1;
}

enum { INLINE_BYTES = 32768 }; /* less is digested in a fraction of a millisecond */

static int take(sl_call *call, enum otlp_signal signal) {
    const char *type = sl_header(call, "content-type");
    struct request r = {.signal = signal, .now_ms = sl_now_ms(call)};
    r.json = says(type, "application/json");
    if (!r.json && !says(type, "application/x-protobuf"))
        return sl_fail(call, SL_UNSUPPORTED,
                       "Content-Type: send application/x-protobuf or application/json");
    int rc = unpack(call, &r);
    if (!rc) rc = parse(call, &r);
    if (rc) return rc == 1 ? 0 : rc;
    struct tenant_telemetry *tenant;
    rc = tenant_lock(call, &tenant);
    if (rc) return rc;
    r.telemetry = tenant->telemetry;
    rc = r.size > INLINE_BYTES ? sl_offload(call, digest, &r) : digest(&r);
    if (!rc && !r.rc) rc = tenant_store(call, tenant);
    telemetry_clear(tenant->telemetry);
    tenant_unlock(tenant);
    if (rc) return rc;
    if (r.rc) return refuse(call, &r, 400, RPC_INVALID, r.result.why);
    return answer(call, &r);
}

int incident_otlp_logs(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return take(call, OTLP_LOGS);
}

int incident_otlp_traces(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return take(call, OTLP_TRACES);
}

int incident_otlp_metrics(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return take(call, OTLP_METRICS);
}
