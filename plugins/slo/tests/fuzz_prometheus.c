/* Any bytes as an answer of Prometheus: no fault, and whatever is taken has the promised shape. */
#include "prometheus_answer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const cJSON *result) {
    const cJSON *series;
    cJSON_ArrayForEach(series, result) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(series, "value");
        const cJSON *values = cJSON_GetObjectItemCaseSensitive(series, "values");
        if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(series, "metric"))) abort();
        if (!cJSON_IsArray(value) == !cJSON_IsArray(values)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cJSON *answer = cJSON_ParseWithLength((const char *)data, size);
    cJSON *result, *warnings;
    char why[PROMETHEUS_WHY_BYTES] = "";
    if (prometheus_read(answer, &result, &warnings, why) == PROMETHEUS_GOOD) {
        double number;
        check(result);
        (void)prometheus_number(result, &number);
    } else if (!*why || result || warnings) {
        abort();
    }
    cJSON_Delete(result);
    cJSON_Delete(warnings);
    cJSON_Delete(answer);
    return 0;
}
