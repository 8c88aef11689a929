#include "objective.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the form ---- */

static const cJSON *item(const cJSON *form, const char *name) {
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(form, name);
    return cJSON_IsNull(found) ? NULL : found;
}

static const char *text(const cJSON *form, const char *name) {
    const char *found = cJSON_GetStringValue(item(form, name));
    return found && *found ? found : NULL;
}

__attribute__((format(printf, 4, 5))) static bool
bad(struct objective_fault *fault, const char *pointer, const char *fix, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->words, sizeof fault->words, format, args);
    va_end(args);
    (void)snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    (void)snprintf(fault->fix, sizeof fault->fix, "%s", fix ? fix : "");
    return false;
}

bool duration_parse(const char *given, int64_t *ms) {
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},   {"m", MINUTE_MS},
                 {"h", HOUR_MS}, {"d", DAY_MS}, {"w", 7 * DAY_MS}};
    int64_t sum = 0;
    if (!*given) return false;
    while (*given) {
        char *end, unit[4] = "";
        if (!isdigit((unsigned char)*given)) return false;
        const long long number = strtoll(given, &end, 10);
        size_t used = 0, i = 0;
        while (isalpha((unsigned char)*end) && used < 3) unit[used++] = *end++;
        while (i < sizeof units / sizeof *units && strcmp(units[i].unit, unit) != 0) i++;
        if (i == sizeof units / sizeof *units || number < 0 || number > 1000000) return false;
        sum += number * units[i].ms;
        given = end;
    }
    *ms = sum;
    return sum > 0 && sum <= 400 * DAY_MS;
}

/* A duration as text, or as milliseconds when the fields have read it already. */
static bool duration(const cJSON *form, const char *name, int64_t otherwise, int64_t *ms) {
    const cJSON *given = item(form, name);
    *ms = otherwise;
    if (!given) return true;
    if (cJSON_IsNumber(given)) *ms = (int64_t)given->valuedouble;
    return cJSON_IsNumber(given) ? *ms > 0
                                 : text(form, name) && duration_parse(text(form, name), ms);
}

/* ---- names ---- */

static bool is_name(const char *name) {
    const size_t size = name ? strlen(name) : 0;
    if (!size || size > 100) return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at)) return false;
    return true;
}

static bool read_names(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    static const char how[] = "letters, digits, '.', '_' and '-', at most 100";
    o->service = text(form, "service");
    o->name = text(form, "name");
    o->environment = text(form, "environment");
    o->title = text(form, "title");
    if (!is_name(o->service)) return bad(fault, "/service", how, "an objective needs a service");
    if (!is_name(o->name)) return bad(fault, "/name", how, "an objective needs a name");
    if (o->environment && !is_name(o->environment))
        return bad(fault, "/environment", how, "'%.60s' is no name", o->environment);
    (void)snprintf(o->id, sizeof o->id, "%s/%s%s%s", o->service, o->name, o->environment ? "@" : "",
                   o->environment ? o->environment : "");
    return true;
}

/* ---- target and window ---- */

static bool read_target(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    const cJSON *target = item(form, "target");
    if (!cJSON_IsNumber(target))
        return bad(fault, "/target", "percent, as 99.9", "an objective needs a target");
    o->target = target->valuedouble;
    if (o->target > 0 && o->target <= 1)
        return bad(fault, "/target", "write 99.9 for 99.9 %", "the target %g is no percentage",
                   o->target);
    if (!(o->target > 0 && o->target < 100))
        return bad(fault, "/target", "above 0 and below 100",
                   "a target of %g %% leaves no budget, or asks for nothing", o->target);
    o->budget = budget_ratio(o->target);
    return true;
}

static bool read_calendar(const cJSON *form, const char *unit, struct objective *o,
                          struct objective_fault *fault) {
    static const struct {
        const char *name;
        int64_t nominal_ms;
        const char *start;
    } units[] = {[CALENDAR_DAY] = {"day", DAY_MS, "1970-01-01"},
                 [CALENDAR_WEEK] = {"week", 7 * DAY_MS, "1970-01-05"}, /* a Monday: ISO 8601 */
                 [CALENDAR_MONTH] = {"month", 30 * DAY_MS, "1970-01-01"},
                 [CALENDAR_QUARTER] = {"quarter", 90 * DAY_MS, "1970-01-01"},
                 [CALENDAR_YEAR] = {"year", 365 * DAY_MS, "1970-01-01"}};
    int i = CALENDAR_DAY;
    while (i <= CALENDAR_YEAR && strcmp(units[i].name, unit) != 0) i++;
    if (i > CALENDAR_YEAR)
        return bad(fault, "/calendar", "day, week, month, quarter or year",
                   "'%.40s' is no calendar window", unit);
    const cJSON *count = item(form, "calendar_count");
    const char *start = text(form, "calendar_start"), *zone = text(form, "time_zone");
    o->is_calendar = true;
    o->calendar.unit = (enum calendar_unit)i;
    o->calendar.count = cJSON_IsNumber(count) && count->valueint > 0 ? count->valueint : 1;
    o->period_ms = units[i].nominal_ms * o->calendar.count;
    if (!local_time_parse(start ? start : units[i].start, &o->calendar.start_local))
        return bad(fault, "/calendar_start", "as 2026-01-01 00:00:00", "'%.40s' is no time", start);
    if (!zone_load(zone ? zone : "UTC", &o->zone))
        return bad(fault, "/time_zone", "UTC, +02:00, or a name as Europe/Berlin",
                   "there is no time zone '%.60s' on this machine", zone);
    return true;
}

static bool read_window(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    const char *calendar = text(form, "calendar");
    if (calendar && item(form, "window"))
        return bad(fault, "/calendar", "give one of them",
                   "a window is rolling or of the calendar, not both");
    if (calendar) return read_calendar(form, calendar, o, fault);
    if (!duration(form, "window", 30 * DAY_MS, &o->period_ms) || o->period_ms < HOUR_MS ||
        o->period_ms > 366 * DAY_MS)
        return bad(fault, "/window", "1h to 366d, as 30d", "the window is no duration that fits");
    return true;
}

/* ---- how it is judged ---- */

static bool read_method(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    static const char *const names[] = {"events", "time_slices", "ratio_time_slices"};
    const char *method = text(form, "method");
    int i = METHOD_EVENTS;
    while (method && i <= METHOD_RATIO_SLICES && strcmp(names[i], method) != 0) i++;
    if (i > METHOD_RATIO_SLICES)
        return bad(fault, "/method", "events, time_slices or ratio_time_slices",
                   "'%.40s' is no method", method);
    o->method = (enum objective_method)i;
    if (!duration(form, "slice", MINUTE_MS, &o->slice_ms) || o->slice_ms % MINUTE_MS ||
        o->slice_ms > HOUR_MS)
        return bad(fault, "/slice", "whole minutes, 1m to 1h",
                   "the slice is no duration that fits");
    const cJSON *target = item(form, "slice_target");
    o->slice_target = cJSON_IsNumber(target) ? target->valuedouble / 100 : o->target / 100;
    if (!(o->slice_target > 0 && o->slice_target <= 1))
        return bad(fault, "/slice_target", "percent, above 0 and up to 100",
                   "the slice target is no percentage");
    return true;
}

static bool is_op(const char *op) {
    return op && (strcmp(op, "lt") == 0 || strcmp(op, "lte") == 0 || strcmp(op, "gt") == 0 ||
                  strcmp(op, "gte") == 0);
}

static bool read_queries(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    o->errors = text(form, "errors");
    o->good = text(form, "good");
    o->total = text(form, "total");
    o->ratio = text(form, "ratio");
    o->value = text(form, "value");
    o->op = text(form, "op");
    const cJSON *threshold = item(form, "threshold");
    const int sides = !!o->errors + !!o->good, ways = !!sides + !!o->ratio + !!o->value;
    if (sides > 1)
        return bad(fault, "/good", "give one of them", "'errors' and 'good' say the same twice");
    if (ways > 1)
        return bad(fault, "/ratio", "one of errors or good with total, ratio, value",
                   "the objective is measured in more than one way");
    if ((sides == 1) != !!o->total)
        return bad(fault, "/total", "PromQL of all events, and of errors or good ones",
                   "'total' goes with 'errors' or 'good'");
    if (!o->value) return true;
    if (!is_op(o->op))
        return bad(fault, "/op", "lt, lte, gt or gte", "'value' needs an op: what a good value is");
    if (!cJSON_IsNumber(threshold))
        return bad(fault, "/threshold", "a number", "'value' needs a threshold");
    o->threshold = threshold->valuedouble;
    if (o->method == METHOD_EVENTS) o->method = METHOD_SLICES; /* a value has no events */
    return true;
}

static bool read_source(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    const char *source = text(form, "source");
    const bool queries = o->total || o->ratio || o->value;
    o->source = queries ? SOURCE_PROMETHEUS : SOURCE_COUNTERS;
    if (source && strcmp(source, "spans") == 0) o->source = SOURCE_SPANS;
    const bool known = !source || strcmp(source, "spans") == 0 || strcmp(source, "counters") == 0 ||
                       strcmp(source, "prometheus") == 0;
    if (!known)
        return bad(fault, "/source", "prometheus, counters or spans", "'%.40s' is no source",
                   source);
    if (queries && source && strcmp(source, "prometheus") != 0)
        return bad(fault, "/source", "prometheus", "the objective has queries, but source is '%s'",
                   source);
    if (!queries && source && strcmp(source, "prometheus") == 0)
        return bad(fault, "/total", "errors and total",
                   "source is prometheus, but no query is given");
    if (!duration(form, "slow", 0, &o->slow_ms) || (o->slow_ms && o->source != SOURCE_SPANS))
        return bad(fault, "/slow", "a duration, with source: spans",
                   "'slow' says from when a span counts as an error");
    return true;
}

/* ---- alerts ---- */

static bool read_pair(const cJSON *form, size_t index, struct objective *o,
                      struct objective_fault *fault) {
    struct alert_pair *pair = &o->alerts[index];
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/alert_windows/%zu", index);
    const char *name = text(form, "name"), *severity = text(form, "severity");
    const cJSON *factor = item(form, "factor"), *percent = item(form, "budget_percent");
    if (!duration(form, "long", 0, &pair->long_ms) || pair->long_ms < MINUTE_MS ||
        pair->long_ms > o->period_ms)
        return bad(fault, pointer, "long: 1m up to the window",
                   "an alert needs a long window within the objective's");
    if (!duration(form, "short", 0, &pair->short_ms) || pair->short_ms > pair->long_ms ||
        !duration(form, "for", 0, &pair->for_ms))
        return bad(fault, pointer, "short: below long; for: a duration",
                   "the alert's short window or 'for' does not fit");
    if (cJSON_IsNumber(factor) == cJSON_IsNumber(percent))
        return bad(fault, pointer, "factor: 14.4, or budget_percent: 2",
                   "an alert needs one of factor and budget_percent");
    pair->factor = cJSON_IsNumber(factor)
                       ? factor->valuedouble
                       : burn_factor(percent->valuedouble, o->period_ms, pair->long_ms);
    if (!(pair->factor > 0))
        return bad(fault, pointer, "above 0", "the alert's factor is no positive number");
    if (severity && strcmp(severity, "page") != 0 && strcmp(severity, "ticket") != 0)
        return bad(fault, pointer, "page or ticket", "'%.40s' is no severity", severity);
    (void)snprintf(pair->severity, sizeof pair->severity, "%s", severity ? severity : "page");
    if (name && is_name(name) && strlen(name) < sizeof pair->name)
        (void)snprintf(pair->name, sizeof pair->name, "%s", name);
    else
        (void)snprintf(pair->name, sizeof pair->name, "alert_%zu", index + 1);
    return true;
}

static bool read_pairs(const cJSON *list, struct objective *o, struct objective_fault *fault) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (o->alert_count == ALERT_PAIRS_MAX)
            return bad(fault, "/alert_windows", NULL, "at most %d alert windows", ALERT_PAIRS_MAX);
        if (!read_pair(one, o->alert_count, o, fault)) return false;
        for (size_t i = 0; i < o->alert_count; i++)
            if (strcmp(o->alerts[i].name, o->alerts[o->alert_count].name) == 0)
                return bad(fault, "/alert_windows", "names of their own",
                           "two alert windows are named '%s'", o->alerts[i].name);
        o->alert_count++;
    }
    return true;
}

static bool read_alerts(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    const cJSON *pairs = item(form, "alert_windows");
    const char *style = text(form, "alerts");
    if (pairs) return read_pairs(pairs, o, fault);
    if (!style) style = "workbook";
    if (strcmp(style, "none") == 0) return true;
    o->alert_count = 4;
    if (strcmp(style, "scaled") == 0) {
        alert_scaled(o->period_ms, o->alerts);
        return true;
    }
    if (strcmp(style, "workbook") != 0)
        return bad(fault, "/alerts", "workbook, scaled or none", "'%.40s' are no alerts", style);
    if (alert_catalogue(o->period_ms, o->alerts)) return true;
    char length[32];
    (void)snprintf(length, sizeof length, "%.4gd", (double)o->period_ms / (double)DAY_MS);
    return bad(fault, "/alerts", "alerts: scaled, or own alert_windows",
               "the workbook's alert windows are for 30d, 28d and 7d, not for %s", length);
}

/* ---- the whole ---- */

bool objective_read(const cJSON *form, struct objective *o, struct objective_fault *fault) {
    *o = (struct objective){.source = SOURCE_COUNTERS};
    *fault = (struct objective_fault){.pointer = ""};
    if (!cJSON_IsObject(form)) return bad(fault, "", NULL, "an objective is an object");
    return read_names(form, o, fault) && read_target(form, o, fault) &&
           read_window(form, o, fault) && read_method(form, o, fault) &&
           read_queries(form, o, fault) && read_source(form, o, fault) &&
           read_alerts(form, o, fault);
}

struct span objective_span(const struct objective *o, int64_t now_ms) {
    if (o->is_calendar) return calendar_span(&o->calendar, &o->zone, now_ms);
    return (struct span){now_ms - o->period_ms, now_ms};
}

size_t objective_unreachable(const struct objective *o, const char *names[ALERT_PAIRS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < o->alert_count; i++)
        if (!alert_reachable(&o->alerts[i], o->budget)) names[count++] = o->alerts[i].name;
    return count;
}

bool objective_in_slices(const struct objective *o) {
    return o->method != METHOD_EVENTS;
}
