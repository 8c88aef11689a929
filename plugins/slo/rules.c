#include "rules.h"

#include "prometheus_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which windows ---- */

static void add_window(int64_t windows[WINDOWS_MAX], size_t *count, int64_t window_ms) {
    for (size_t i = 0; i < *count; i++)
        if (windows[i] == window_ms) return;
    if (window_ms > 0 && *count < WINDOWS_MAX) windows[(*count)++] = window_ms;
}

static int by_length(const void *a, const void *b) {
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

size_t objective_windows(const struct objective *o, int64_t windows[WINDOWS_MAX]) {
    /* What a status shows, whatever alerts there are. */
    static const int64_t shown[] = {5 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS,
                                    6 * HOUR_MS,   DAY_MS,         3 * DAY_MS};
    size_t count = 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (shown[i] < o->period_ms) add_window(windows, &count, shown[i]);
    for (size_t i = 0; i < o->alert_count; i++) {
        add_window(windows, &count, o->alerts[i].short_ms);
        add_window(windows, &count, o->alerts[i].long_ms);
    }
    qsort(windows, count, sizeof *windows, by_length);
    return count;
}

/* ---- YAML ---- */

void rules_begin(struct text *text) {
    text_add(text, "# Recording and alerting rules of the objectives, as Sluice judges them.\n"
                   "# Check with: promtool check rules FILE\n"
                   "groups:\n");
}

static void add_labels(struct text *text, const struct objective *o, const char *before) {
    text_add(text, "%ssluice_service: ", before);
    text_add_quoted(text, o->service);
    text_add(text, "%ssluice_slo: ", before);
    text_add_quoted(text, o->name);
    if (!o->environment) return;
    text_add(text, "%ssluice_environment: ", before);
    text_add_quoted(text, o->environment);
}

/* {sluice_service="shop",sluice_slo="availability"} */
static void add_matchers(struct text *text, const struct objective *o) {
    text_add(text, "{sluice_service=\"%s\",sluice_slo=\"%s\"", o->service, o->name);
    if (o->environment) text_add(text, ",sluice_environment=\"%s\"", o->environment);
    text_add(text, "}");
}

static void add_record(struct text *text, const struct objective *o, const char *name,
                       const char *window, const struct text *expression) {
    text_add(text, "      - record: %s%s\n        expr: ", name, window);
    text_add_quoted(text, expression->at ? expression->at : "");
    text_add(text, "\n        labels:");
    add_labels(text, o, "\n          ");
    text_add(text, "\n");
}

/* A series that was recorded, of this objective. */
static void add_recorded(struct text *text, const struct objective *o, const char *name,
                         const char *window) {
    text_add(text, "%s%s", name, window);
    add_matchers(text, o);
}

static void add_derived(struct text *text, const struct objective *o, const char *window) {
    struct text ratio = {.at = NULL}, burn = {.at = NULL};
    add_recorded(&ratio, o, "sluice:slo_errors:", window);
    text_add(&ratio, " / (");
    add_recorded(&ratio, o, "sluice:slo_total:", window);
    text_add(&ratio, " > 0)");
    add_record(text, o, "sluice:slo_error_ratio:", window, &ratio);
    add_recorded(&burn, o, "sluice:slo_error_ratio:", window);
    text_add(&burn, " / %.15g", o->budget);
    add_record(text, o, "sluice:slo_burn_rate:", window, &burn);
    text_free(&ratio);
    text_free(&burn);
}

/* Events first, and what follows from them after: ratios are never summed. */
static void add_window_rules(struct text *text, const struct objective *o, int64_t window_ms) {
    char window[32];
    prometheus_duration(window_ms, window);
    struct text errors = {.at = NULL}, total = {.at = NULL};
    promql_errors(&errors, o, window_ms);
    promql_total(&total, o, window_ms);
    add_record(text, o, "sluice:slo_errors:", window, &errors);
    add_record(text, o, "sluice:slo_total:", window, &total);
    add_derived(text, o, window);
    text_free(&errors);
    text_free(&total);
}

static void add_period_rules(struct text *text, const struct objective *o) {
    char window[32];
    struct text left = {.at = NULL}, constant = {.at = NULL};
    prometheus_duration(o->period_ms, window);
    add_window_rules(text, o, o->period_ms);
    text_add(&left, "1 - ");
    add_recorded(&left, o, "sluice:slo_burn_rate:", window);
    add_record(text, o, "sluice:slo_budget_left", "", &left);
    text_add(&constant, "vector(%.15g)", o->target / 100);
    add_record(text, o, "sluice:slo_objective", "", &constant);
    text_free(&left);
    text_free(&constant);
}

/* ---- alerts ---- */

static void add_condition(struct text *text, const struct objective *o,
                          const struct alert_pair *pair) {
    char window[32];
    if (pair->short_ms) {
        prometheus_duration(pair->short_ms, window);
        add_recorded(text, o, "sluice:slo_error_ratio:", window);
        text_add(text, " > (%.15g * %.15g) and ", pair->factor, o->budget);
    }
    prometheus_duration(pair->long_ms, window);
    add_recorded(text, o, "sluice:slo_error_ratio:", window);
    text_add(text, " > (%.15g * %.15g)", pair->factor, o->budget);
}

static void add_alert(struct text *text, const struct objective *o, const struct alert_pair *pair) {
    char window[32], wait[32], exhaustion[64];
    struct text condition = {.at = NULL}, summary = {.at = NULL};
    prometheus_duration(pair->long_ms, window);
    prometheus_duration(pair->for_ms, wait);
    duration_text((int64_t)exhaustion_ms(pair->factor, o->period_ms), exhaustion,
                  sizeof exhaustion);
    add_condition(&condition, o, pair);
    text_add(text, "      - alert: SluiceErrorBudgetBurn\n        expr: ");
    text_add_quoted(text, condition.at ? condition.at : "");
    if (pair->for_ms) text_add(text, "\n        for: %s", wait);
    text_add(text, "\n        labels:");
    add_labels(text, o, "\n          ");
    text_add(text, "\n          severity: %s\n          sluice_alert: %s", pair->severity,
             pair->name);
    text_add(&summary,
             "%s burns the error budget of %s more than %.4g times too fast over %s; at "
             "that rate it lasts %s",
             o->service, o->name, pair->factor, window, exhaustion);
    text_add(text, "\n        annotations:\n          summary: ");
    text_add_quoted(text, summary.at ? summary.at : "");
    text_add(text, "\n");
    text_free(&condition);
    text_free(&summary);
}

/* Data that stops coming is told apart from data that is good. */
static void add_absence(struct text *text, const struct objective *o) {
    struct text absent = {.at = NULL};
    struct alert_pair quickest[4];
    char wait[32];
    alert_scaled(o->period_ms, quickest);
    prometheus_duration(absence_for_ms(o->target / 100, &quickest[0]), wait);
    text_add(&absent, "absent(");
    add_recorded(&absent, o, "sluice:slo_total:", "5m");
    text_add(&absent, ")");
    text_add(text, "      - alert: SluiceObjectiveWithoutData\n        expr: ");
    text_add_quoted(text, absent.at ? absent.at : "");
    text_add(text, "\n        for: %s\n        labels:", wait);
    add_labels(text, o, "\n          ");
    text_add(text, "\n          severity: ticket\n        annotations:\n          summary: ");
    text_free(&absent);
    text_add(&absent, "%s of %s is not measured: its queries give no events", o->name, o->service);
    text_add_quoted(text, absent.at ? absent.at : "");
    text_add(text, "\n");
    text_free(&absent);
}

static void begin_group(struct text *text, const struct objective *o, const char *kind) {
    struct text name = {.at = NULL};
    text_add(&name, "sluice-slo-%s-%s", o->id, kind);
    text_add(text, "  - name: ");
    text_add_quoted(text, name.at ? name.at : "");
    text_add(text, "\n    rules:\n");
    text_free(&name);
}

void rules_add(struct text *text, const struct objective *o) {
    if (o->source != SOURCE_PROMETHEUS) {
        text_add(text, "  # %s is not measured by Prometheus: no rules\n", o->id);
        return;
    }
    int64_t windows[WINDOWS_MAX];
    const size_t count = objective_windows(o, windows);
    begin_group(text, o, "windows");
    for (size_t i = 0; i < count; i++) add_window_rules(text, o, windows[i]);
    begin_group(text, o, "period");
    add_period_rules(text, o);
    begin_group(text, o, "alerts");
    for (size_t i = 0; i < o->alert_count; i++) add_alert(text, o, &o->alerts[i]);
    add_absence(text, o);
}
