#include "measure.h"

#include "prometheus_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const cJSON *item(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name) {
    const cJSON *found = item(object, name);
    return cJSON_IsNumber(found) && isfinite(found->valuedouble) ? found->valuedouble : 0;
}

static const char *text(const cJSON *object, const char *name) {
    const char *found = cJSON_GetStringValue(item(object, name));
    return found ? found : "";
}

/* ---- keeping ---- */

static const char *const phases[] = {"inactive", "pending", "firing"};

static void read_window(const cJSON *kept, struct window_measure *window) {
    window->at_ms = (int64_t)number(kept, "at");
    window->events = (struct tally){number(kept, "errors"), number(kept, "total")};
}

static const cJSON *named(const cJSON *list, const char *name, const char *value) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (strcmp(text(one, name), value) == 0) return one;
    }
    return NULL;
}

static const cJSON *of_length(const cJSON *list, int64_t ms) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (number(one, "ms") == (double)ms) return one;
    }
    return NULL;
}

void measure_read(const cJSON *kept, const struct objective *o, struct measure *m) {
    *m = (struct measure){.at_ms = (int64_t)number(kept, "at"),
                          .slices_until_ms = (int64_t)number(kept, "slices_until"),
                          .trouble_ms = (int64_t)number(kept, "trouble_at")};
    (void)snprintf(m->trouble, sizeof m->trouble, "%s", text(kept, "trouble"));
    int64_t windows[WINDOWS_MAX];
    m->window_count = objective_windows(o, windows);
    for (size_t i = 0; i < m->window_count; i++) {
        m->windows[i].ms = windows[i];
        const cJSON *one = of_length(item(kept, "windows"), windows[i]);
        if (one) read_window(one, &m->windows[i]);
    }
    m->period.ms = o->period_ms;
    if (item(kept, "period")) read_window(item(kept, "period"), &m->period);
    m->alert_count = o->alert_count;
    for (size_t i = 0; i < o->alert_count; i++) {
        (void)snprintf(m->alerts[i].name, sizeof m->alerts[i].name, "%s", o->alerts[i].name);
        const cJSON *one = named(item(kept, "alerts"), "name", o->alerts[i].name);
        m->alerts[i].since_ms = (int64_t)number(one, "since");
        for (int p = ALERT_PENDING; one && p <= ALERT_FIRING; p++)
            if (strcmp(text(one, "state"), phases[p]) == 0)
                m->alerts[i].phase = (enum alert_phase)p;
    }
}

static cJSON *write_window(const struct window_measure *window) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "ms", (double)window->ms);
    cJSON_AddNumberToObject(one, "errors", window->events.errors);
    cJSON_AddNumberToObject(one, "total", window->events.total);
    cJSON_AddNumberToObject(one, "at", (double)window->at_ms);
    return one;
}

cJSON *measure_write(const struct measure *m) {
    cJSON *kept = cJSON_CreateObject();
    cJSON_AddNumberToObject(kept, "at", (double)m->at_ms);
    cJSON *windows = cJSON_AddArrayToObject(kept, "windows");
    for (size_t i = 0; i < m->window_count; i++)
        if (m->windows[i].at_ms) cJSON_AddItemToArray(windows, write_window(&m->windows[i]));
    if (m->period.at_ms) cJSON_AddItemToObject(kept, "period", write_window(&m->period));
    cJSON *alerts = cJSON_AddArrayToObject(kept, "alerts");
    for (size_t i = 0; i < m->alert_count; i++) {
        if (m->alerts[i].phase == ALERT_INACTIVE) continue;
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", m->alerts[i].name);
        cJSON_AddStringToObject(one, "state", phases[m->alerts[i].phase]);
        cJSON_AddNumberToObject(one, "since", (double)m->alerts[i].since_ms);
        cJSON_AddItemToArray(alerts, one);
    }
    if (m->slices_until_ms)
        cJSON_AddNumberToObject(kept, "slices_until", (double)m->slices_until_ms);
    if (*m->trouble) {
        cJSON_AddStringToObject(kept, "trouble", m->trouble);
        cJSON_AddNumberToObject(kept, "trouble_at", (double)m->trouble_ms);
    }
    return kept;
}

/* ---- judging ---- */

const struct window_measure *measure_window(const struct measure *m, int64_t window_ms) {
    for (size_t i = 0; i < m->window_count; i++)
        if (m->windows[i].ms == window_ms) return &m->windows[i];
    return NULL;
}

double measure_ratio(const struct measure *m, int64_t window_ms) {
    const struct window_measure *window = measure_window(m, window_ms);
    return window && window->at_ms ? error_ratio(window->events) : (double)NAN;
}

void measure_alerts(const struct objective *o, struct measure *m, int64_t now_ms, unsigned *fired,
                    unsigned *resolved) {
    *fired = *resolved = 0;
    for (size_t i = 0; i < o->alert_count; i++) {
        const struct alert_pair *pair = &o->alerts[i];
        struct alert_state *state = &m->alerts[i];
        const bool breaches = alert_breaches(pair, o->budget, measure_ratio(m, pair->long_ms),
                                             measure_ratio(m, pair->short_ms));
        if (!breaches) {
            if (state->phase == ALERT_FIRING) *resolved |= 1u << i;
            if (state->phase != ALERT_INACTIVE) state->since_ms = now_ms;
            state->phase = ALERT_INACTIVE;
            continue;
        }
        if (state->phase == ALERT_INACTIVE) {
            state->phase = ALERT_PENDING;
            state->since_ms = now_ms;
        }
        /* A clock that was set back must not wait for ever: it begins anew. */
        if (state->since_ms > now_ms) state->since_ms = now_ms;
        if (state->phase == ALERT_PENDING && now_ms - state->since_ms >= pair->for_ms) {
            state->phase = ALERT_FIRING;
            state->since_ms = now_ms;
            *fired |= 1u << i;
        }
    }
}

double measure_budget_left(const struct objective *o, const struct measure *m) {
    return m->period.at_ms ? budget_left(m->period.events, o->budget) : (double)NAN;
}

static double burn_of_pair(const struct objective *o, const struct measure *m, int64_t long_ms,
                           int64_t short_ms) {
    const double slow = measure_ratio(m, long_ms), quick = measure_ratio(m, short_ms);
    if (isnan(slow)) return (double)NAN;
    /* Nothing came in the short window: it no longer burns. */
    const double ratio = isnan(quick) ? 0 : slow < quick ? slow : quick;
    return burn_rate(ratio, o->budget);
}

double measure_burn(const struct objective *o, const struct measure *m) {
    const double hour = burn_of_pair(o, m, HOUR_MS, 5 * MINUTE_MS);
    const double six = burn_of_pair(o, m, 6 * HOUR_MS, 30 * MINUTE_MS);
    return fmax(hour, six); /* of a number and NaN: the number */
}

bool measure_pages(const struct objective *o, const struct measure *m) {
    for (size_t i = 0; i < o->alert_count; i++)
        if (m->alerts[i].phase == ALERT_FIRING && strcmp(o->alerts[i].severity, "page") == 0)
            return true;
    return false;
}

/* ---- telling ---- */

static void add_number(cJSON *object, const char *name, double value) {
    cJSON_AddItemToObject(object, name,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static cJSON *events_json(struct tally events, double ratio, double budget) {
    cJSON *one = cJSON_CreateObject();
    add_number(one, "errors", events.errors);
    add_number(one, "total", events.total);
    add_number(one, "ratio", ratio);
    add_number(one, "burn", burn_rate(ratio, budget));
    return one;
}

static void add_windows(cJSON *status, const struct objective *o, const struct measure *m) {
    cJSON *burn = cJSON_AddObjectToObject(status, "burn");
    cJSON *windows = cJSON_AddObjectToObject(status, "windows");
    for (size_t i = 0; i < m->window_count; i++) {
        const struct window_measure *window = &m->windows[i];
        char name[32];
        prometheus_duration(window->ms, name);
        const double ratio = measure_ratio(m, window->ms);
        add_number(burn, name, burn_rate(ratio, o->budget));
        if (!window->at_ms) continue;
        cJSON *one = events_json(window->events, ratio, o->budget);
        cJSON_AddNumberToObject(one, "at_ms", (double)window->at_ms);
        cJSON_AddItemToObject(windows, name, one);
    }
}

static void add_alerts(cJSON *status, const struct objective *o, const struct measure *m) {
    cJSON *list = cJSON_AddArrayToObject(status, "alerts");
    for (size_t i = 0; i < o->alert_count; i++) {
        const struct alert_pair *pair = &o->alerts[i];
        if (m->alerts[i].phase == ALERT_INACTIVE) continue;
        cJSON *one = cJSON_CreateObject();
        char window[32];
        cJSON_AddStringToObject(one, "name", pair->name);
        cJSON_AddStringToObject(one, "severity", pair->severity);
        cJSON_AddStringToObject(one, "state", phases[m->alerts[i].phase]);
        cJSON_AddBoolToObject(one, "firing", m->alerts[i].phase == ALERT_FIRING);
        cJSON_AddNumberToObject(one, "since_ms", (double)m->alerts[i].since_ms);
        add_number(one, "factor", pair->factor);
        prometheus_duration(pair->long_ms, window);
        cJSON_AddStringToObject(one, "long", window);
        add_number(one, "burn_long", burn_rate(measure_ratio(m, pair->long_ms), o->budget));
        if (pair->short_ms) {
            prometheus_duration(pair->short_ms, window);
            cJSON_AddStringToObject(one, "short", window);
            add_number(one, "burn_short", burn_rate(measure_ratio(m, pair->short_ms), o->budget));
        }
        cJSON_AddItemToArray(list, one);
    }
}

/* When the rest of the budget is gone at the burn of an hour, six hours and a day: a range, since
 * the past does not tell the future. */
static void add_forecast(cJSON *status, const struct objective *o, const struct measure *m,
                         double left) {
    static const int64_t windows[] = {HOUR_MS, 6 * HOUR_MS, DAY_MS};
    double soonest = (double)INFINITY, latest = 0;
    bool known = false;
    for (size_t i = 0; i < 3; i++) {
        const double burn = burn_rate(measure_ratio(m, windows[i]), o->budget);
        if (isnan(burn)) continue;
        const double ms = left > 0 ? left * exhaustion_ms(burn, o->period_ms) : 0;
        known = true;
        soonest = fmin(soonest, ms);
        latest = fmax(latest, ms);
    }
    if (!known || isnan(left)) return;
    cJSON *forecast = cJSON_AddObjectToObject(status, "exhausted_in");
    add_number(forecast, "soonest_hours", soonest / (double)HOUR_MS);
    add_number(forecast, "latest_hours", latest / (double)HOUR_MS);
}

static const char *state_of(const struct objective *o, const struct measure *m, double left) {
    if (isnan(left)) return m->period.at_ms ? "no_traffic" : "no_data";
    if (left <= 0) return "exhausted";
    for (size_t i = 0; i < o->alert_count; i++)
        if (m->alerts[i].phase == ALERT_FIRING) return "burning";
    return "healthy";
}

static void add_evidence(cJSON *status, const struct objective *o, const struct measure *m,
                         int64_t now_ms) {
    static const char *const sources[] = {"counters", "prometheus", "spans"};
    static const char *const methods[] = {"events", "time_slices", "ratio_time_slices"};
    cJSON *evidence = cJSON_AddObjectToObject(status, "evidence");
    const struct span span = objective_span(o, m->period.at_ms ? m->period.at_ms : now_ms);
    cJSON_AddStringToObject(evidence, "source", sources[o->source]);
    cJSON_AddStringToObject(evidence, "method", methods[o->method]);
    cJSON_AddNumberToObject(evidence, "from_ms", (double)span.from_ms);
    cJSON_AddNumberToObject(evidence, "until_ms", (double)span.until_ms);
    if (*m->trouble) {
        cJSON_AddStringToObject(evidence, "trouble", m->trouble);
        cJSON_AddNumberToObject(evidence, "trouble_at_ms", (double)m->trouble_ms);
    }
}

cJSON *status_of(const struct objective *o, const struct measure *m, int64_t now_ms) {
    cJSON *status = cJSON_CreateObject();
    char window[32];
    const double left = measure_budget_left(o, m);
    prometheus_duration(o->period_ms, window);
    cJSON_AddStringToObject(status, "id", o->id);
    cJSON_AddStringToObject(status, "service", o->service);
    cJSON_AddStringToObject(status, "objective", o->name);
    if (o->environment) cJSON_AddStringToObject(status, "environment", o->environment);
    if (o->title) cJSON_AddStringToObject(status, "title", o->title);
    cJSON_AddNumberToObject(status, "target", o->target);
    cJSON_AddStringToObject(status, "window", window);
    cJSON_AddBoolToObject(status, "calendar", o->is_calendar);
    cJSON_AddStringToObject(status, "state", state_of(o, m, left));
    add_number(status, "budget_left", left);
    cJSON *period = events_json(m->period.events, error_ratio(m->period.events), o->budget);
    add_number(period, "errors_allowed", errors_allowed(m->period.events, o->budget));
    cJSON_AddItemToObject(status, "period", period);
    add_windows(status, o, m);
    add_alerts(status, o, m);
    add_forecast(status, o, m, left);
    if (m->at_ms) cJSON_AddNumberToObject(status, "at_ms", (double)m->at_ms);
    cJSON_AddItemToObject(status, "data_age_ms",
                          m->at_ms ? cJSON_CreateNumber((double)(now_ms - m->at_ms))
                                   : cJSON_CreateNull());
    add_evidence(status, o, m, now_ms);
    return status;
}
