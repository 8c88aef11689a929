/* Events that were pushed, in rows of a minute, of ten minutes and of an hour: errors and totals,
 * never ratios. A window is summed from rows as coarse as a hundredth of it, so that a status reads
 * some hundred rows, whatever the traffic. */
#include "slo.h"

#include <math.h>
#include <string.h>

enum { RESOLUTIONS = 3 };

static const struct {
    int64_t row_ms, most_ms; /* windows up to this length */
    int64_t kept_ms;
} resolutions[RESOLUTIONS] = {{MINUTE_MS, 6 * HOUR_MS, 8 * HOUR_MS},
                              {10 * MINUTE_MS, 3 * DAY_MS, 4 * DAY_MS},
                              {HOUR_MS, INT64_MAX, 400 * DAY_MS}};

static int64_t floor_to(int64_t at_ms, int64_t row_ms) {
    return at_ms - at_ms % row_ms;
}

void buckets_add(sl_batch *batch, const char *objective, enum bucket_series series, int64_t at_ms,
                 struct tally events) {
    for (size_t i = 0; i < RESOLUTIONS; i++)
        sl_batch_add(
            batch,
            "INSERT INTO slo_bucket (tenant, objective, series, row_ms, at, errors, total) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) "
            "ON CONFLICT (tenant, objective, series, row_ms, at) DO UPDATE SET "
            "errors = slo_bucket.errors + excluded.errors, "
            "total = slo_bucket.total + excluded.total",
            SL_ARGS(sl_text(objective), sl_int(series), sl_int(resolutions[i].row_ms),
                    sl_int(floor_to(at_ms, resolutions[i].row_ms)), sl_real(events.errors),
                    sl_real(events.total)));
}

int buckets_sum(sl_call *call, const char *objective, enum bucket_series series, struct span span,
                struct tally *sum) {
    size_t i = 0;
    while (span.until_ms - span.from_ms > resolutions[i].most_ms) i++;
    const int64_t row_ms = resolutions[i].row_ms;
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT SUM(errors) AS errors, SUM(total) AS total FROM slo_bucket "
                      "WHERE tenant = $1 AND objective = $2 AND series = $3 AND row_ms = $4 "
                      "AND at > $5 AND at <= $6",
                      SL_ARGS(sl_text(objective), sl_int(series), sl_int(row_ms),
                              sl_int(floor_to(span.from_ms, row_ms) - (span.from_ms % row_ms == 0)),
                              sl_int(span.until_ms)));
    if (rc) return rc;
    *sum = (struct tally){sl_cell_real(&rows, 0, "errors"), sl_cell_real(&rows, 0, "total")};
    return 0;
}

/* ---- slices of time ---- */

static struct tally judge_slice(const struct objective *objective, struct tally events) {
    const double ratio = error_ratio(events);
    if (isnan(ratio)) return (struct tally){0, 0}; /* no traffic: no slice */
    if (objective->method == METHOD_RATIO_SLICES) return (struct tally){ratio, 1};
    return (struct tally){1 - ratio < objective->slice_target ? 1 : 0, 1};
}

int buckets_judge_slices(sl_call *call, sl_batch *batch, const struct objective *objective,
                         struct measure *measure, int64_t now_ms) {
    const int64_t slice_ms = objective->slice_ms;
    /* A minute's grace for what is pushed late. */
    const int64_t until_ms = floor_to(now_ms - MINUTE_MS, slice_ms);
    const int64_t kept_ms = floor_to(now_ms - 6 * HOUR_MS, slice_ms);
    int64_t from_ms = floor_to(measure->slices_until_ms, slice_ms);
    if (from_ms < kept_ms) from_ms = kept_ms;
    if (from_ms >= until_ms) return 0;
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT at / $5 AS slice, SUM(errors) AS errors, SUM(total) AS total "
        "FROM slo_bucket WHERE tenant = $1 AND objective = $2 AND series = 0 "
        "AND row_ms = 60000 AND at >= $3 AND at < $4 GROUP BY at / $5 ORDER BY 1",
        SL_ARGS(sl_text(objective->id), sl_int(from_ms), sl_int(until_ms), sl_int(slice_ms)));
    if (rc) return rc;
    for (size_t i = 0; i < rows.count; i++) {
        const struct tally slice =
            judge_slice(objective, (struct tally){sl_cell_real(&rows, i, "errors"),
                                                  sl_cell_real(&rows, i, "total")});
        if (slice.total > 0)
            buckets_add(batch, objective->id, SERIES_SLICES,
                        sl_cell_int(&rows, i, "slice") * slice_ms, slice);
    }
    measure->slices_until_ms = until_ms;
    return 0;
}

void buckets_prune(sl_batch *batch, int64_t now_ms) {
    for (size_t i = 0; i < RESOLUTIONS; i++)
        sl_batch_add(
            batch, "DELETE FROM slo_bucket WHERE tenant = $1 AND row_ms = $2 AND at < $3",
            SL_ARGS(sl_int(resolutions[i].row_ms), sl_int(now_ms - resolutions[i].kept_ms)));
}

/* ---- POST /slo/counters ---- */

enum { EARLY_MS = 5 * 60000, LATE_DAYS = 92 };

static int check_time(sl_call *call, int64_t at_ms, const char *pointer) {
    const int64_t now_ms = sl_now_ms(call);
    if (at_ms <= now_ms + EARLY_MS && at_ms >= now_ms - LATE_DAYS * DAY_MS) return 0;
    sl_fault(call, sl_printf(call, "%s/at_ms", pointer), "milliseconds since 1970",
             "%lld is more than 5 minutes ahead, or more than %d days ago", (long long)at_ms,
             LATE_DAYS);
    return sl_fail(call, SL_INVALID, "at_ms is not a time of events that are counted now");
}

static int read_tally(sl_call *call, const cJSON *item, const char *pointer, struct tally *events) {
    const cJSON *errors = sl_get(item, "errors"), *good = sl_get(item, "good");
    const double total = sl_get_number(item, "total", 0);
    if (!!errors == !!good) {
        sl_fault(call, pointer, "errors or good", "one of errors and good is needed");
        return sl_fail(call, SL_INVALID, "a counter needs total, and one of errors and good");
    }
    const double side = errors ? errors->valuedouble : good->valuedouble;
    if (side > total) {
        sl_fault(call, pointer, "total of all events, bad ones included", "%g of %g", side, total);
        return sl_fail(call, SL_INVALID, "more %s than events", errors ? "errors" : "good events");
    }
    *events = (struct tally){errors ? side : total - side, total};
    return 0;
}

static bool fits(const struct objective *objective, const cJSON *item) {
    const char *name = sl_get_text(item, "objective", NULL);
    const char *environment = sl_get_text(item, "environment", NULL);
    if (objective->source != SOURCE_COUNTERS) return false;
    if (name && strcmp(name, objective->name) != 0) return false;
    if (!environment) return !objective->environment || name;
    return !objective->environment || strcmp(environment, objective->environment) == 0;
}

static int not_counted(sl_call *call, const cJSON *item, const char *pointer) {
    const char *service = sl_get_text(item, "service", "");
    const char *name = sl_get_text(item, "objective", NULL);
    sl_fault(call, pointer, "sluice slo objectives lists them",
             "no objective of %s%s%s takes counters", service, name ? "/" : "", name ? name : "");
    return sl_fail(call, SL_NOT_FOUND, "no objective of '%s'%s%s%s takes counters", service,
                   name ? " called '" : "", name ? name : "", name ? "'" : "");
}

/* The objectives of the services that a push names, each service loaded once. */
struct service_set {
    const char *service;
    struct objective_set set;
    bool *touched;
    struct service_set *next;
};

static int set_of(sl_call *call, const char *service, struct service_set **list,
                  struct service_set **found) {
    for (*found = *list; *found; *found = (*found)->next)
        if (strcmp((*found)->service, service) == 0) return 0;
    struct service_set *one = sl_alloc(call, sizeof *one);
    int rc = objectives_load(call, service, NULL, &one->set);
    if (rc) return rc;
    one->service = service;
    one->touched = sl_alloc(call, one->set.count + 1);
    one->next = *list;
    *list = *found = one;
    return 0;
}

static int add_counter(sl_call *call, sl_batch *batch, const cJSON *item, const char *pointer,
                       struct service_set **list) {
    struct tally events = {0, 0};
    struct service_set *of = NULL;
    const int64_t at_ms = sl_get_int(item, "at_ms", sl_now_ms(call));
    int rc = read_tally(call, item, pointer, &events);
    if (!rc) rc = check_time(call, at_ms, pointer);
    if (!rc) rc = set_of(call, sl_get_text(item, "service", ""), list, &of);
    if (rc) return rc;
    size_t found = 0;
    for (size_t i = 0; i < of->set.count; i++) {
        if (!fits(&of->set.items[i], item)) continue;
        buckets_add(batch, of->set.items[i].id, SERIES_EVENTS, at_ms, events);
        of->touched[i] = true;
        found++;
    }
    return found ? 0 : not_counted(call, item, pointer);
}

/* Objectives that were looked at a moment ago wait for their next round. */
static void evaluate_touched(sl_call *call, const struct service_set *of) {
    const struct slo *slo = sl_state(call);
    for (size_t i = 0; i < of->set.count; i++) {
        const struct objective *objective = &of->set.items[i];
        struct measure *measure = of->touched[i] ? sl_alloc(call, sizeof *measure) : NULL;
        int64_t version;
        if (!measure || measure_load(call, objective, measure, &version)) continue;
        if (sl_now_ms(call) - measure->at_ms < slo->refresh_ms) continue;
        if (evaluate_one(call, objective))
            sl_log(call, SL_WARN, "%s is not evaluated: %s", objective->id, sl_failure(call));
    }
}

int slo_counters(sl_call *call, const cJSON *in, cJSON *out) {
    struct service_set *list = NULL;
    sl_batch *batch = sl_batch_new(call);
    const cJSON *item;
    int rc, index = 0;
    cJSON_ArrayForEach(item, sl_get(in, "items")) {
        rc = add_counter(call, batch, item, sl_printf(call, "/items/%d", index++), &list);
        if (rc) return rc;
    }
    cJSON_AddNumberToObject(out, "taken", index);
    rc = sl_commit(batch);
    for (const struct service_set *of = list; of && !rc; of = of->next) evaluate_touched(call, of);
    return rc;
}

/* ---- POST /slo/spans: OTLP/HTTP JSON ---- */

enum { SPANS_MAX = 100000 };

static const char *attribute(const cJSON *attributes, const char *key) {
    const cJSON *one;
    cJSON_ArrayForEach(one, attributes) {
        if (strcmp(sl_get_text(one, "key", ""), key) == 0)
            return sl_get_text(sl_get(one, "value"), "stringValue", NULL);
    }
    return NULL;
}

/* OTLP's JSON writes 64-bit numbers as text; plain numbers are taken too. */
static double nanoseconds(const cJSON *span, const char *name) {
    const cJSON *value = sl_get(span, name);
    if (cJSON_IsNumber(value)) return value->valuedouble;
    const char *text = cJSON_GetStringValue(value);
    double number = 0;
    for (; text && *text >= '0' && *text <= '9' && number < 1e19; text++)
        number = number * 10 + (*text - '0');
    return number;
}

/* 2, or "SPAN_KIND_SERVER": what a service answers, and not what it asks of others. */
static bool is_code(const cJSON *value, int code, const char *name) {
    if (cJSON_IsNumber(value)) return value->valueint == code;
    return cJSON_IsString(value) && strcmp(value->valuestring, name) == 0;
}

struct span_count {
    size_t seen, taken, rejected;
};

/* Spans of one minute and objective are one row: gathered before they are written. */
struct gathered {
    const struct objective *objective;
    int64_t minute_ms;
    struct tally events;
    struct gathered *next;
};

static void gather(sl_call *call, struct gathered **list, const struct objective *objective,
                   int64_t at_ms, bool error) {
    const int64_t minute_ms = floor_to(at_ms, MINUTE_MS);
    struct gathered *one = *list;
    while (one && (one->objective != objective || one->minute_ms != minute_ms)) one = one->next;
    if (!one) {
        one = sl_alloc(call, sizeof *one);
        *one = (struct gathered){.objective = objective, .minute_ms = minute_ms, .next = *list};
        *list = one;
    }
    one->events.total += 1;
    one->events.errors += error;
}

static void take_span(sl_call *call, const cJSON *span, const struct objective_set *set,
                      struct gathered **list, struct span_count *count) {
    const double start = nanoseconds(span, "startTimeUnixNano") / 1e6;
    const double end = nanoseconds(span, "endTimeUnixNano") / 1e6;
    const int64_t now_ms = sl_now_ms(call);
    if (!is_code(sl_get(span, "kind"), 2, "SPAN_KIND_SERVER")) return;
    if (!(end >= start) || end > (double)(now_ms + EARLY_MS) ||
        end < (double)(now_ms - 3 * DAY_MS)) {
        count->rejected++;
        return;
    }
    const bool failed = is_code(sl_get(sl_get(span, "status"), "code"), 2, "STATUS_CODE_ERROR");
    for (size_t i = 0; i < set->count; i++) {
        const struct objective *o = &set->items[i];
        if (o->source != SOURCE_SPANS) continue;
        gather(call, list, o, (int64_t)end,
               failed || (o->slow_ms && end - start > (double)o->slow_ms));
        count->taken++;
    }
}

static int take_resource(sl_call *call, const cJSON *resource, struct gathered **list,
                         struct span_count *count) {
    const cJSON *attributes = sl_get(sl_get(resource, "resource"), "attributes");
    const char *service = attribute(attributes, "service.name");
    const char *environment = attribute(attributes, "deployment.environment.name");
    if (!environment) environment = attribute(attributes, "deployment.environment");
    struct objective_set *set = sl_alloc(call, sizeof *set); /* gathered rows point into it */
    int rc = service ? objectives_load(call, service, environment, set) : 0;
    const cJSON *scope, *span;
    cJSON_ArrayForEach(scope, sl_get(resource, "scopeSpans")) {
        cJSON_ArrayForEach(span, sl_get(scope, "spans")) {
            if (rc) return rc;
            if (++count->seen > SPANS_MAX)
                count->rejected++;
            else if (service)
                take_span(call, span, set, list, count);
        }
    }
    return rc;
}

static void add_partial(sl_call *call, cJSON *out, const struct span_count *count) {
    cJSON *partial = cJSON_AddObjectToObject(out, "partialSuccess");
    if (!count->rejected) return;
    cJSON_AddStringToObject(partial, "rejectedSpans", sl_printf(call, "%zu", count->rejected));
    cJSON_AddStringToObject(partial, "errorMessage",
                            "spans that end before they start, more than 5 minutes ahead, more "
                            "than 3 days ago, or beyond 100,000");
}

int slo_spans(sl_call *call, const cJSON *in, cJSON *out) {
    struct gathered *list = NULL;
    struct span_count count = {0};
    const cJSON *resource;
    int rc = 0;
    cJSON_ArrayForEach(resource, sl_get(in, "resourceSpans")) {
        rc = take_resource(call, resource, &list, &count);
        if (rc) return rc;
    }
    add_partial(call, out, &count);
    if (!list) return 0;
    sl_batch *batch = sl_batch_new(call);
    for (const struct gathered *one = list; one; one = one->next)
        buckets_add(batch, one->objective->id, SERIES_EVENTS, one->minute_ms, one->events);
    return sl_commit(batch);
}
