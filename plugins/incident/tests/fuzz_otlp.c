/* Any bytes as an OTLP request: the first byte chooses signal and form. */
#include "otlp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t taken;

static void see_log(void *arg, const struct otlp_log *log) {
    (void)arg;
    char clean[256];
    text_clean(log->body, clean, sizeof clean);
    if (strlen(log->trace) > 32 || strlen(log->span) > 16) abort();
    taken++;
}

static void see_span(void *arg, const struct otlp_span *span) {
    (void)arg;
    char clean[64];
    text_clean(span->name, clean, sizeof clean);
    if (span->end_ns < span->start_ns || !*span->trace) abort();
    taken++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const enum otlp_signal signal = (enum otlp_signal)(data[0] % 3);
    const struct otlp_sink sink = {.log = see_log, .span = see_span};
    struct otlp_result result;
    taken = 0;
    if (data[0] & 64) {
        char *out;
        size_t n;
        if (otlp_gunzip(data + 1, size - 1, 1 << 16, &out, &n) == 0) free(out);
        return 0;
    }
    if (data[0] & 128) {
        cJSON *tree = cJSON_ParseWithLength((const char *)data + 1, size - 1);
        if (tree) otlp_read_json(signal, tree, &sink, &result);
        if (tree && taken != result.taken) abort();
        cJSON_Delete(tree);
        return 0;
    }
    const int rc = otlp_read_protobuf(signal, data + 1, size - 1, &sink, &result);
    if (taken != result.taken || (rc && !*result.why)) abort();
    return 0;
}
