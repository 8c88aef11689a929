/* Any bytes as a provider's stream, cut anywhere: bounded, no fault, and cut or whole alike. The
 * first byte chooses the provider, the second where the stream is cut. */
#include "reading.h"
#include "redact.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 64 * 1024 };

static void read_in(struct reading *reading, enum wire wire, const char *bytes, size_t size,
                    size_t cut) {
    reading_init(reading, wire, LIMIT);
    int stop = reading_feed(reading, bytes, cut);
    if (!stop) (void)reading_feed(reading, bytes + cut, size - cut);
    reading_end(reading);
    if (reading->answer.size > LIMIT || reading->tool_count > READING_TOOLS) abort();
    if (!reading->fault && !reading->finish) abort();
}

static void check_schema(const char *bytes, size_t size) {
    cJSON *json = cJSON_ParseWithLength(bytes, size);
    char why[SCHEMA_WHY];
    if (json) (void)schema_accepts(json, json, why);
    cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const enum wire wire = (enum wire)(data[0] % 3);
    const char *bytes = (const char *)data + 2;
    const size_t left = size - 2, cut = left ? data[1] % left : 0;
    struct reading whole, parts;
    read_in(&whole, wire, bytes, left, 0);
    read_in(&parts, wire, bytes, left, cut);
    if (whole.fault != parts.fault || strcmp(text_get(&whole.answer), text_get(&parts.answer)) != 0)
        abort();
    reading_fini(&whole);
    reading_fini(&parts);
    check_schema(bytes, left);
    int found = 0;
    char *clean = redact(bytes, left, &found);
    if (!clean != !found) abort();
    free(clean);
    return 0;
}
