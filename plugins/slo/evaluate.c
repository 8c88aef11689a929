/* Measuring objectives in turn, and telling when an alert begins or ends to fire. */
#include "prometheus.h"
#include "prometheus_answer.h"
#include "slo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Windows longer than this change slowly and are dear to ask for. */
enum { SLOW_EVERY_MS = 5 * 60000 };
static const int64_t quick_window_ms = 6 * HOUR_MS;

/* ---- keeping ---- */

int measure_load(sl_call *call, const struct objective *o, struct measure *m, int64_t *version) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT version, body FROM slo_state WHERE tenant = $1 AND objective = $2",
                      SL_ARGS(sl_text(o->id)));
    if (rc) return rc;
    *version = rows.count ? sl_cell_int(&rows, 0, "version") : 0;
    measure_read(rows.count ? sl_cell_json(call, &rows, 0, "body") : NULL, o, m);
    return 0;
}

static void save(sl_call *call, sl_batch *batch, const struct objective *o, const struct measure *m,
                 int64_t version) {
    static const char otherwise[] = "the objective was evaluated by another worker just now";
    const char *body = sl_json_print(call, measure_write(m));
    if (version)
        sl_batch_demand(batch, 1, otherwise,
                        "UPDATE slo_state SET version = version + 1, at = $3, body = $4 "
                        "WHERE tenant = $1 AND objective = $2 AND version = $5",
                        SL_ARGS(sl_text(o->id), sl_int(m->at_ms), sl_text(body), sl_int(version)));
    else
        sl_batch_demand(
            batch, 1, otherwise,
            "INSERT INTO slo_state (tenant, objective, service, version, at, body) "
            "VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (tenant, objective) DO NOTHING",
            SL_ARGS(sl_text(o->id), sl_text(o->service), sl_int(m->at_ms), sl_text(body)));
}

/* ---- measuring ---- */

static int measure_buckets(sl_call *call, const struct objective *o, struct measure *m,
                           int64_t now_ms) {
    const enum bucket_series series = objective_in_slices(o) ? SERIES_SLICES : SERIES_EVENTS;
    int rc = 0;
    for (size_t i = 0; i < m->window_count && !rc; i++) {
        struct window_measure *window = &m->windows[i];
        rc = buckets_sum(call, o->id, series, (struct span){now_ms - window->ms, now_ms},
                         &window->events);
        window->at_ms = now_ms;
    }
    const struct span span = objective_span(o, now_ms);
    if (!rc)
        rc = buckets_sum(call, o->id, series, (struct span){span.from_ms, now_ms},
                         &m->period.events);
    m->period.at_ms = now_ms;
    if (!rc) m->at_ms = now_ms;
    return rc;
}

/* The windows that are due, the period's among them. */
struct due {
    struct window_measure *windows[WINDOWS_MAX + 1];
    int64_t lengths_ms[WINDOWS_MAX + 1];
    size_t count;
};

static void add_due(struct due *due, struct window_measure *window, int64_t length_ms,
                    int64_t now_ms) {
    const int64_t age_ms = now_ms - window->at_ms;
    /* An empty one is asked for again at once: it may have been too early. */
    if (length_ms > quick_window_ms && window->events.total > 0 && age_ms >= 0 &&
        age_ms < SLOW_EVERY_MS)
        return;
    due->windows[due->count] = window;
    due->lengths_ms[due->count++] = length_ms;
}

static struct due windows_due(const struct objective *o, struct measure *m, int64_t now_ms) {
    struct due due = {.count = 0};
    for (size_t i = 0; i < m->window_count; i++)
        add_due(&due, &m->windows[i], m->windows[i].ms, now_ms);
    const struct span span = objective_span(o, now_ms);
    int64_t length_ms = o->period_ms;
    if (o->is_calendar) { /* what has passed of it, in whole seconds */
        length_ms = (now_ms - span.from_ms) / 1000 * 1000;
        if (length_ms < MINUTE_MS) length_ms = MINUTE_MS;
    }
    add_due(&due, &m->period, length_ms, now_ms);
    return due;
}

static bool is_part(const cJSON *series, const char *part) {
    return strcmp(sl_get_text(sl_get(series, "metric"), "part", ""), part) == 0;
}

/* A ratio by label is no ratio of the objective: which of them would count? */
static bool has_twins(const cJSON *result) {
    for (const cJSON *one = result->child; one; one = one->next) {
        const char *part = sl_get_text(sl_get(one, "metric"), "part", "");
        for (const cJSON *other = one->next; other; other = other->next)
            if (is_part(other, part)) return true;
    }
    return false;
}

static void take_parts(const cJSON *result, struct due *due, int64_t now_ms) {
    for (size_t i = 0; i < due->count; i++) {
        due->windows[i]->events = (struct tally){0, 0};
        due->windows[i]->at_ms = now_ms;
    }
    const cJSON *series;
    cJSON_ArrayForEach(series, result) {
        const char *part = sl_get_text(sl_get(series, "metric"), "part", "");
        const cJSON *value = cJSON_GetArrayItem(sl_get(series, "value"), 1);
        const size_t index = *part ? strtoul(part + 1, NULL, 10) : due->count;
        if (index >= due->count || !cJSON_IsNumber(value)) continue;
        struct tally *events = &due->windows[index]->events;
        *(part[0] == 'e' ? &events->errors : &events->total) = value->valuedouble;
    }
    for (size_t i = 0; i < due->count; i++) {
        struct tally *events = &due->windows[i]->events;
        /* Extrapolation may give a little less than nothing. */
        if (events->errors < 0) events->errors = 0;
        if (!(events->total > 0)) *events = (struct tally){0, 0};
    }
}

static int measure_prometheus(sl_call *call, const struct objective *o, struct measure *m,
                              int64_t now_ms) {
    struct due due = windows_due(o, m, now_ms);
    struct text query = {.at = NULL};
    promql_windows(&query, o, due.lengths_ms, due.count);
    const char *asked = sl_strdup(call, query.at ? query.at : "");
    text_free(&query);
    cJSON *result;
    int rc = prometheus_ask(call, asked, now_ms, &result);
    if (rc) return rc;
    if (cJSON_GetArraySize(result) > 2 * (int)due.count || has_twins(result))
        return sl_fail(call, SL_INVALID,
                       "the query of %s gives more than one series: aggregate it, as sum(...) / "
                       "sum(...)",
                       o->id);
    take_parts(result, &due, now_ms);
    m->at_ms = now_ms;
    return 0;
}

/* ---- alerts ---- */

static cJSON *alert_event(const struct objective *o, const struct measure *m, size_t i) {
    const struct alert_pair *pair = &o->alerts[i];
    const double left = measure_budget_left(o, m);
    cJSON *data = cJSON_CreateObject();
    char window[32];
    cJSON_AddStringToObject(data, "objective", o->name);
    cJSON_AddStringToObject(data, "service", o->service);
    cJSON_AddStringToObject(data, "app_name", o->service);
    if (o->environment) cJSON_AddStringToObject(data, "environment", o->environment);
    cJSON_AddStringToObject(data, "alert", pair->name);
    cJSON_AddStringToObject(data, "severity", pair->severity);
    cJSON_AddNumberToObject(data, "factor", pair->factor);
    prometheus_duration(pair->long_ms, window);
    cJSON_AddStringToObject(data, "long", window);
    const double burn = burn_rate(measure_ratio(m, pair->long_ms), o->budget);
    if (isfinite(burn)) cJSON_AddNumberToObject(data, "burn_long", burn);
    if (isfinite(left)) cJSON_AddNumberToObject(data, "budget_left", left);
    return data;
}

static void tell_alerts(sl_call *call, sl_batch *batch, const struct objective *o,
                        struct measure *m, int64_t now_ms) {
    unsigned fired, resolved;
    measure_alerts(o, m, now_ms, &fired, &resolved);
    for (size_t i = 0; i < o->alert_count; i++) {
        const bool fires = fired >> i & 1;
        if (!fires && !(resolved >> i & 1)) continue;
        sl_batch_emit(batch, fires ? "slo.alert_firing" : "slo.alert_resolved",
                      sl_printf(call, "slo/%s", o->id), alert_event(o, m, i));
        sl_count(call, "slo_alerts_total", 1,
                 sl_printf(call, "%s|%s", o->alerts[i].severity, fires ? "firing" : "resolved"));
    }
}

static void show_gauges(sl_call *call, const struct objective *o, const struct measure *m) {
    static const struct {
        const char *name;
        int64_t ms;
    } shown[] = {{"5m", 5 * MINUTE_MS}, {"1h", HOUR_MS}, {"6h", 6 * HOUR_MS}};
    const char *whose =
        sl_printf(call, "%s|%s|%s", o->service, o->name, o->environment ? o->environment : "");
    const double left = measure_budget_left(o, m);
    if (isfinite(left)) sl_gauge(call, "error_budget_remaining_ratio", left, whose);
    for (size_t i = 0; i < 3; i++) {
        const double burn = burn_rate(measure_ratio(m, shown[i].ms), o->budget);
        if (isfinite(burn))
            sl_gauge(call, "burn_rate", burn, sl_printf(call, "%s|%s", whose, shown[i].name));
    }
}

/* ---- one objective ---- */

static int measure_now(sl_call *call, const struct objective *o, struct measure *m,
                       int64_t now_ms) {
    if (o->source == SOURCE_PROMETHEUS) return measure_prometheus(call, o, m, now_ms);
    return measure_buckets(call, o, m, now_ms);
}

static int judge_slices(sl_call *call, const struct objective *o, struct measure *m,
                        int64_t *version, int64_t now_ms) {
    if (o->source == SOURCE_PROMETHEUS || !objective_in_slices(o)) return 0;
    const int64_t before_ms = m->slices_until_ms;
    sl_batch *batch = sl_batch_new(call);
    int rc = buckets_judge_slices(call, batch, o, m, now_ms);
    if (rc || m->slices_until_ms == before_ms) return rc;
    save(call, batch, o, m, *version); /* each slice is counted once */
    rc = sl_commit(batch);
    if (!rc) (*version)++;
    return rc;
}

int evaluate_one(sl_call *call, const struct objective *o) {
    struct measure *m = sl_alloc(call, sizeof *m);
    const int64_t now_ms = sl_now_ms(call);
    int64_t version;
    int rc = measure_load(call, o, m, &version);
    if (!rc) rc = judge_slices(call, o, m, &version, now_ms);
    if (rc) return rc == SL_CONFLICT ? 0 : rc;
    *m->trouble = 0;
    m->trouble_ms = 0;
    sl_batch *batch = sl_batch_new(call);
    if (measure_now(call, o, m, now_ms)) {
        /* What is known stays known, and grows old: absence of data is neither good nor bad. */
        (void)snprintf(m->trouble, sizeof m->trouble, "%s", sl_failure(call));
        m->trouble_ms = now_ms;
    } else {
        tell_alerts(call, batch, o, m, now_ms);
        show_gauges(call, o, m);
    }
    save(call, batch, o, m, version);
    rc = sl_commit(batch);
    return rc == SL_CONFLICT ? 0 : rc; /* another worker was there first */
}

/* ---- rounds ---- */

void evaluate_later(sl_call *call, sl_batch *batch) {
    const struct slo *slo = sl_state(call);
    sl_batch_job(batch, "evaluate", "tick", sl_now_ms(call) + slo->interval_ms, NULL);
}

static int by_service(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void refresh_meters(sl_call *call, const struct objective_set *set) {
    const char **services = sl_alloc(call, (set->count + 1) * sizeof *services);
    for (size_t i = 0; i < set->count; i++) services[i] = set->items[i].service;
    qsort(services, set->count, sizeof *services, by_service);
    for (size_t i = 0; i < set->count; i++) {
        if (i && strcmp(services[i - 1], services[i]) == 0) continue;
        if (meter_refresh(call, services[i]))
            sl_log(call, SL_WARN, "the confidence in %s is not judged: %s", services[i],
                   sl_failure(call));
    }
}

int evaluate_job(sl_call *call, const cJSON *in) {
    struct objective_set set;
    (void)in;
    int rc = objectives_load(call, NULL, NULL, &set);
    if (rc) return rc;
    for (size_t i = 0; i < set.count; i++) {
        rc = sl_cancelled(call);
        if (rc == SL_CANCELLED) return rc;
        if (rc) break; /* out of time: the next round goes on */
        if (evaluate_one(call, &set.items[i]))
            sl_log(call, SL_WARN, "%s is not evaluated: %s", set.items[i].id, sl_failure(call));
    }
    refresh_meters(call, &set);
    if (!set.count) return 0;
    sl_batch *batch = sl_batch_new(call);
    const int64_t now_ms = sl_now_ms(call);
    const struct slo *slo = sl_state(call);
    if (now_ms % HOUR_MS < slo->interval_ms) buckets_prune(batch, now_ms);
    evaluate_later(call, batch);
    return sl_commit(batch);
}

/* ---- slo.status ---- */

static const cJSON *find_body(sl_call *call, const sl_rows *rows, const char *id) {
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(sl_cell_text(rows, i, "objective"), id) == 0)
            return sl_cell_json(call, rows, i, "body");
    return NULL;
}

/* Of all services: the rows come in order of their ids. */
static const cJSON *body_of(sl_call *call, const sl_rows *rows, const char *id) {
    size_t low = 0, high = rows->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = strcmp(sl_cell_text(rows, middle, "objective"), id);
        if (order == 0) return sl_cell_json(call, rows, middle, "body");
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Of one service in any order: asked for one, SQLite would walk the whole primary key. */
static int load_states(sl_call *call, const char *service, sl_rows *rows) {
    if (service)
        return sl_query(call, rows,
                        "SELECT objective, body FROM slo_state WHERE tenant = $1 AND service = $2",
                        SL_ARGS(sl_text(service)));
    return sl_query(call, rows,
                    "SELECT objective, body FROM slo_state WHERE tenant = $1 ORDER BY objective",
                    SL_NO_ARGS);
}

int slo_status(sl_call *call, const cJSON *in, cJSON *out) {
    const char *service = sl_get_text(in, "service", NULL);
    struct objective_set set;
    sl_rows rows;
    int rc = objectives_load(call, service, sl_get_text(in, "environment", NULL), &set);
    if (!rc) rc = load_states(call, service, &rows);
    if (rc) return rc;
    struct measure *measure = sl_alloc(call, sizeof *measure);
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < set.count; i++) {
        const char *id = set.items[i].id;
        const cJSON *body = service ? find_body(call, &rows, id) : body_of(call, &rows, id);
        measure_read(body, &set.items[i], measure);
        cJSON_AddItemToArray(items, status_of(&set.items[i], measure, sl_now_ms(call)));
    }
    return 0;
}
