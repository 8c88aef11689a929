/* otlp_record.h - what the JSON and the protobuf reader share: attributes by name, ids, checks. */
#ifndef INCIDENT_OTLP_RECORD_H
#define INCIDENT_OTLP_RECORD_H

#include "otlp.h"

enum { OTLP_DEPTH = 16, OTLP_SCRATCH = 16384 };

/* Where values that are no strings are written as text; reset for each record. */
struct otlp_scratch {
    size_t used;
    char bytes[OTLP_SCRATCH];
};

struct otlp_value {
    struct text text;
    int64_t number; /* of an integer, else 0 */
};

void otlp_put(struct otlp_scratch *scratch, const char *bytes, size_t size);

void otlp_source_attribute(struct otlp_source *source, struct text key, struct otlp_value value);
void otlp_log_attribute(struct otlp_log *log, struct text key, struct otlp_value value);
void otlp_span_attribute(struct otlp_span *span, struct text key, struct otlp_value value);

/* Ids from hexadecimal of either case, or from bytes. False: neither empty nor of the right size.
 * An id of zeros counts as none. */
bool otlp_id_from_hex(struct text hex, char *out, size_t digits);
bool otlp_id_from_bytes(struct text bytes, char *out, size_t digits);

/* Hands the record on, or rejects it. */
void otlp_take_log(const struct otlp_sink *sink, const struct otlp_log *log, bool ids_good,
                   struct otlp_result *result);
void otlp_take_span(const struct otlp_sink *sink, const struct otlp_span *span, bool ids_good,
                    struct otlp_result *result);

#endif
