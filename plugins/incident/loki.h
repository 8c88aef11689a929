/* loki.h - what Loki answers to a range of log lines (GET /loki/api/v1/query_range). Pure. */
#ifndef INCIDENT_LOKI_H
#define INCIDENT_LOKI_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loki_line {
    int64_t at_ns;    /* since 1970 */
    const char *text; /* borrowed from the answer */
};

struct loki_lines {
    struct loki_line *list; /* the caller's, of `room`; filled in order of time over all streams */
    size_t room, count;
    size_t outside; /* lines that lie outside of what was asked, and are left out */
    int64_t from_ns, until_ns;
};

/* Fills `lines`; what goes beyond `room` is not looked at. False when the answer is not of log lines:
 * `*why` (a constant) then completes "Loki's answer ...", and `lines` is not to be used. */
bool loki_read(const cJSON *answer, struct loki_lines *lines, const char **why);

#endif
