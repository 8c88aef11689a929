/* promql.h - the queries that measure an objective over a window. Pure.
 *
 * A query of events is one of
 *     http_requests_total{code=~"5.."}                     a counter
 *     sum(http_requests_total{code=~"5.."})                a sum over counters
 *     sum(rate(http_requests_total{...}[$window]))         Sloth's and Pyrra's way, also
 * {{.window}} Each becomes a number of events within the window. */
#ifndef SLO_PROMQL_H
#define SLO_PROMQL_H

#include "objective.h"
#include "text.h"

/* Adds the expression of the errors, or of all events, of a window: a vector without labels, empty
 * where there is no data. Errors are 0 where there are events but no series of errors. Of time
 * slices, and of a plain ratio, the "events" are slices, and windows. */
void promql_errors(struct text *text, const struct objective *objective, int64_t window_ms);
void promql_total(struct text *text, const struct objective *objective, int64_t window_ms);

/* One query for many windows: a vector with the label `part`, "e" or "t" and the window's index. */
void promql_windows(struct text *text, const struct objective *objective, const int64_t *windows_ms,
                    size_t count);

#endif
