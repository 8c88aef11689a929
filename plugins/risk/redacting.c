/* redacting.c - risk.redact: what other plugins clean texts with before they leave the house. */
#include "redact.h"
#include "risk.h"

#include <stdlib.h>
#include <string.h>

struct redact_work {
    const struct redactor *redactor;
    const cJSON *texts;
    char **clean; /* by text; NULL: it was clean */
    int found;
};

static int redact_all(void *arg) {
    struct redact_work *work = arg;
    size_t i = 0;
    const cJSON *text;
    cJSON_ArrayForEach(text, work->texts) {
        if (work->found < 0) break;
        work->clean[i++] = redactor_run(work->redactor, text->valuestring,
                                        strlen(text->valuestring), &work->found);
    }
    return 0;
}

int risk_redact(sl_call *call, const cJSON *in, cJSON *out) {
    struct risk *risk = sl_state(call);
    const cJSON *texts = sl_get(in, "texts"), *text;
    cJSON_ArrayForEach(text, texts) if (!cJSON_IsString(text)) return sl_fail(
        call, SL_INVALID, "texts: each must be a text");
    if (!risk->redactor) risk->redactor = redactor_new();
    if (!risk->redactor) return sl_fail(call, SL_UNAVAILABLE, "memory is out");
    struct redact_work work = {.redactor = risk->redactor, .texts = texts};
    work.clean = sl_alloc(call, (size_t)cJSON_GetArraySize(texts) * sizeof *work.clean + 1);
    int rc = sl_offload(call, redact_all, &work);
    if (!rc && work.found < 0) rc = sl_fail(call, SL_UNAVAILABLE, "memory is out");
    cJSON *list = cJSON_AddArrayToObject(out, "texts");
    size_t i = 0;
    cJSON_ArrayForEach(text, texts) {
        char *clean = work.clean[i++];
        cJSON_AddItemToArray(list, cJSON_CreateString(clean ? clean : text->valuestring));
        free(clean);
    }
    cJSON_AddNumberToObject(out, "found", work.found);
    return rc;
}
