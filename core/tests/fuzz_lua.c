/* Any bytes as a policy: the verdict is there, within limits, and an allow only by allow(). */
#include "lua_host.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char text[] =
        "{\"environment\":\"prod\",\"config\":{\"image\":\"a:b\"},\"list\":[1,"
        "2.5,null,{\"x\":true}],\"now\":1700000000000}";
    cJSON *ctx = cJSON_Parse(text);
    struct lua_run run = {.file = "fuzz.lua",
                          .source = (const char *)data,
                          .size = size,
                          .ctx = ctx,
                          .cpu_ms_max = 10,
                          .bytes_max = 1024 * 1024};
    cJSON *verdict = lua_eval(&run);
    const char *outcome =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdict, "outcome"));
    if (!outcome) abort();
    if (strcmp(outcome, "allow") == 0 && (size < 5 || !memmem(data, size, "allow", 5))) abort();
    cJSON_Delete(verdict);
    cJSON_Delete(ctx);
    return 0;
}
