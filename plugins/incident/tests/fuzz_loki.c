/* Any JSON as Loki's answer: what is read lies in the stretch, in order of time. */
#include "loki.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { ROOM = 64 };
    struct loki_line list[ROOM];
    struct loki_lines lines = {
        .list = list, .room = ROOM, .from_ns = 1000, .until_ns = 2000000000000000000};
    const char *why = NULL;
    cJSON *answer = cJSON_ParseWithLength((const char *)data, size);
    if (!answer) return 0;
    const bool good = loki_read(answer, &lines, &why);
    if (!good && !why) abort();
    for (size_t i = 0; good && i < lines.count; i++) {
        if (list[i].at_ns < lines.from_ns || list[i].at_ns > lines.until_ns) abort();
        if (!list[i].text || (i && list[i].at_ns < list[i - 1].at_ns)) abort();
    }
    if (lines.count > ROOM) abort();
    cJSON_Delete(answer);
    return 0;
}
