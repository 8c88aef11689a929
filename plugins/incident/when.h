/* when.h - RFC 3339 times, as webhooks write them. Pure. */
#ifndef INCIDENT_WHEN_H
#define INCIDENT_WHEN_H

#include "span_text.h"

/* Milliseconds since 1970, UTC; false when it is no time. Years before 1970 ("0001-01-01T00:00:00Z",
 * Go's zero time: not ended) give 0. */
bool when_parse(struct text text, int64_t *ms);

enum { WHEN_TEXT = 40 };
/* "2026-05-04T08:20:00Z", with ".123" when the milliseconds are not 0. */
const char *when_print(int64_t ms, char out[WHEN_TEXT]);
/* "08:20 UTC", and with the day in front "4 May 2026, 08:20 UTC". */
const char *when_clock(int64_t ms, char out[WHEN_TEXT]);
const char *when_day(int64_t ms, char out[WHEN_TEXT]);
/* "45 seconds", "12 minutes", "3 hours 5 minutes", "2 days 4 hours". */
const char *when_lasting(int64_t ms, char out[WHEN_TEXT]);

#endif
