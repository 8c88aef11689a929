/* Any bytes as an answer of OPA: no fault, always a verdict, and only an explicit word allows. */
#include "opa.h"

#include "sum.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the bytes hold a word that may allow. */
static bool may_allow(const cJSON *answer) {
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer, "result");
    return result && (cJSON_IsTrue(result) || cJSON_IsString(result) || cJSON_IsObject(result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cJSON *answer = cJSON_ParseWithLength((const char *)data, size);
    cJSON *verdicts = cJSON_CreateArray();
    opa_read(answer, "data.sluice", verdicts);
    if (!cJSON_GetArraySize(verdicts)) abort();
    if (sum_verdicts(verdicts) <= DECISION_WARN && !may_allow(answer)) abort();
    sum_add_results(verdicts);
    cJSON_Delete(verdicts);
    cJSON_Delete(answer);
    return 0;
}
