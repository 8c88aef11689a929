/* otlp.h - OTLP/HTTP requests (logs, traces, metrics; JSON and protobuf) read record by record.
 *
 * Pure. Unknown fields are passed over, as the protocol demands. A record that is wrong is rejected
 * and counted, a request that cannot be decoded fails as a whole.
 * Field numbers: opentelemetry-proto 1.x, common.proto, resource.proto, logs.proto, trace.proto. */
#ifndef INCIDENT_OTLP_H
#define INCIDENT_OTLP_H

#include "span_text.h"

#include <cjson/cJSON.h>

/* What of a resource is used; "" where it is not said. Borrowed for the call of the sink. */
struct otlp_source {
    struct text service, version, environment, name_space;
};

struct otlp_log {
    const struct otlp_source *source;
    int64_t time_ns, observed_ns;                /* 0: not said */
    int severity;                                /* 1..24, 0: not said */
    char trace[33], span[17];                    /* lower case; "" when there is none */
    struct text body, event;                     /* body: a map or list is written as text */
    struct text user, exception, reason, object; /* reason, object: of a Kubernetes event */
};

enum otlp_kind { OTLP_INTERNAL = 1, OTLP_SERVER = 2, OTLP_CLIENT = 3, OTLP_PRODUCER = 4 };

struct otlp_span {
    const struct otlp_source *source;
    char trace[33], span[17], parent[17];
    struct text name, peer, user, exception, message;
    int kind, status; /* status: 0 unset, 1 ok, 2 error */
    int http_status;  /* 0: not said */
    int64_t start_ns, end_ns;
};

struct otlp_sink {
    void *arg;
    void (*log)(void *arg, const struct otlp_log *log);
    void (*span)(void *arg, const struct otlp_span *span);
};

struct otlp_result {
    size_t taken, rejected;
    char why[160]; /* of the last rejection, or of the failure */
};

enum otlp_signal { OTLP_LOGS, OTLP_TRACES, OTLP_METRICS };

/* 0, or -1 with result->why when the request is not what it says. Metrics are counted as rejected:
 * they are read from Prometheus. */
int otlp_read_json(enum otlp_signal signal, const cJSON *request, const struct otlp_sink *sink,
                   struct otlp_result *result);
int otlp_read_protobuf(enum otlp_signal signal, const void *bytes, size_t size,
                       const struct otlp_sink *sink, struct otlp_result *result);

/* The answer that says how many were rejected; an empty one when none was. Returns its size. */
size_t otlp_answer_json(enum otlp_signal signal, const struct otlp_result *result, char *out,
                        size_t room);
size_t otlp_answer_protobuf(const struct otlp_result *result, uint8_t *out, size_t room);
/* google.rpc.Status, the body of a failure. */
size_t otlp_failure_protobuf(int code, const char *message, uint8_t *out, size_t room);

/* Inflates gzip into a new buffer (free). 0; -1: damaged, 1: more than `most` bytes. */
int otlp_gunzip(const void *bytes, size_t size, size_t most, char **out, size_t *out_size);

#endif
