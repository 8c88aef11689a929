/* objective.h - one objective: what is promised, over which window, measured where. Pure but for
 * the zone of a calendar window.
 *
 * The form (the same in the configuration, over the API and in the store):
 *     service: shop          name: availability      target: 99.9 (percent)
 *     window: 30d            or calendar: month, calendar_start, time_zone
 *     method: events         or time_slices, ratio_time_slices with slice and slice_target
 *     errors or good, total  PromQL; or ratio; or value with op and threshold; without any: counters
 *     alerts: workbook       or scaled, none; or alert_windows
 */
#ifndef SLO_OBJECTIVE_H
#define SLO_OBJECTIVE_H

#include "burn.h"
#include "calendar.h"

#include <cjson/cJSON.h>

enum { OBJECTIVE_ID_BYTES = 320, OBJECTIVE_WORDS_BYTES = 320 };

enum objective_source { SOURCE_COUNTERS, SOURCE_PROMETHEUS, SOURCE_SPANS };
enum objective_method { METHOD_EVENTS, METHOD_SLICES, METHOD_RATIO_SLICES };

struct objective {
    char id[OBJECTIVE_ID_BYTES]; /* "shop/availability", "shop/availability@prod" */
    /* Borrowed from the JSON that it was read from. */
    const char *service, *name, *environment, *title;
    const char *errors, *good, *total, *ratio, *value; /* PromQL, NULL where not given */
    const char *op;                                    /* "lte": `value` op threshold is good */
    double threshold;
    double target, budget; /* percent; ratio */
    enum objective_source source;
    enum objective_method method;
    int64_t slice_ms;
    double slice_target; /* ratio of good events that makes a slice good */
    int64_t slow_ms;     /* spans: slower is an error; 0: only their status counts */
    int64_t period_ms;   /* of a calendar window: its nominal length */
    bool is_calendar;
    struct calendar calendar;
    struct zone zone;
    struct alert_pair alerts[ALERT_PAIRS_MAX];
    size_t alert_count;
};

struct objective_fault {
    char pointer[128]; /* into the form: "/target" */
    char words[OBJECTIVE_WORDS_BYTES];
    char fix[160]; /* or "" */
};

/* False: `fault` says where and what. */
bool objective_read(const cJSON *form, struct objective *objective, struct objective_fault *fault);

/* The window of the budget that holds `now_ms`; a rolling one ends now. */
struct span objective_span(const struct objective *objective, int64_t now_ms);

/* Alert pairs that can never fire: factor * budget is 1 or more. */
size_t objective_unreachable(const struct objective *objective, const char *names[ALERT_PAIRS_MAX]);

/* Whether it is judged by slices of time. */
bool objective_in_slices(const struct objective *objective);

/* "5m" "1h30m" "4w" "1d" to milliseconds; months and more are no durations. */
bool duration_parse(const char *text, int64_t *ms);

#endif
