/* The arithmetic of objectives as operations: what a budget is, what spends it, which alerts see
 * it; slo-generator's report; Keptn's quality gate. Nothing is kept. */
#include "prometheus_answer.h"
#include "quality.h"
#include "report.h"
#include "slo.h"

#include <math.h>
#include <string.h>

static void add_number(cJSON *object, const char *name, double value) {
    cJSON_AddItemToObject(object, name,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

/* ---- slo.calculate ---- */

static double given_ratio(const cJSON *ratios, int64_t window_ms) {
    char name[32];
    prometheus_duration(window_ms, name);
    return sl_get_number(ratios, name, (double)NAN);
}

static void add_detection(cJSON *alert, const struct alert_pair *pair, double budget, double ratio,
                          int64_t period_ms) {
    const struct detection seen = alert_detection(pair, budget, ratio, period_ms);
    cJSON_AddBoolToObject(alert, "fires_at_ratio", seen.fires);
    if (!seen.fires) return;
    add_number(alert, "minutes_to_fire", seen.fire_ms / (double)MINUTE_MS);
    add_number(alert, "minutes_short_crosses", seen.short_crosses_ms / (double)MINUTE_MS);
    add_number(alert, "minutes_to_reset", seen.reset_ms / (double)MINUTE_MS);
    add_number(alert, "budget_spent_percent", seen.spent_percent);
}

static void add_alert(cJSON *list, const struct alert_pair *pair, const cJSON *in,
                      const struct objective *o) {
    cJSON *alert = cJSON_CreateObject();
    char window[32];
    cJSON_AddItemToArray(list, alert);
    cJSON_AddStringToObject(alert, "name", pair->name);
    cJSON_AddStringToObject(alert, "severity", pair->severity);
    prometheus_duration(pair->long_ms, window);
    cJSON_AddStringToObject(alert, "long", window);
    prometheus_duration(pair->short_ms, window);
    cJSON_AddStringToObject(alert, "short", window);
    prometheus_duration(pair->for_ms, window);
    cJSON_AddStringToObject(alert, "for", window);
    add_number(alert, "factor", pair->factor);
    add_number(alert, "threshold", alert_threshold(pair, o->budget));
    cJSON_AddBoolToObject(alert, "reachable", alert_reachable(pair, o->budget));
    const cJSON *ratios = sl_get(in, "ratios"), *ratio = sl_get(in, "ratio");
    if (ratios)
        cJSON_AddBoolToObject(alert, "fires",
                              alert_breaches(pair, o->budget, given_ratio(ratios, pair->long_ms),
                                             given_ratio(ratios, pair->short_ms)));
    if (ratio) add_detection(alert, pair, o->budget, ratio->valuedouble, o->period_ms);
}

static void add_events(cJSON *out, const cJSON *in, const struct objective *o) {
    if (!sl_get(in, "total")) return;
    const struct tally events = {sl_get_number(in, "errors", 0), sl_get_number(in, "total", 0)};
    const double ratio = error_ratio(events);
    add_number(out, "error_ratio", ratio);
    add_number(out, "burn_rate", burn_rate(ratio, o->budget));
    add_number(out, "budget_left", budget_left(events, o->budget));
    add_number(out, "errors_allowed", errors_allowed(events, o->budget));
}

static void add_reports(cJSON *out, const cJSON *in, const struct objective *o) {
    if (!sl_get(in, "total")) return;
    const double bad = sl_get_number(in, "errors", 0);
    cJSON *list = cJSON_AddArrayToObject(out, "reports");
    for (size_t i = 0; i < 4; i++) {
        const struct report_step *step = &report_steps[i];
        const struct report report =
            report_of(&(struct report_input){.good = sl_get_number(in, "total", 0) - bad,
                                             .bad = bad,
                                             .goal = o->target / 100,
                                             .window_s = step->window_s,
                                             .threshold = step->threshold});
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(list, one);
        cJSON_AddStringToObject(one, "step", step->name);
        cJSON_AddBoolToObject(one, "valid", report.valid);
        if (!report.valid) continue;
        add_number(one, "sli", report.sli);
        add_number(one, "burn_rate", report.burn);
        add_number(one, "remaining_minutes", report.remaining_minutes);
        cJSON_AddBoolToObject(one, "alert", report.alert);
        if (report.alert) cJSON_AddStringToObject(one, "consequence", step->consequence);
    }
}

int slo_calculate(sl_call *call, const cJSON *in, cJSON *out) {
    struct objective *o = sl_alloc(call, sizeof *o);
    const bool scaled = strcmp(sl_get_text(in, "alerts", "workbook"), "scaled") == 0;
    o->target = sl_get_number(in, "target", 0);
    o->period_ms = sl_get_int(in, "window", 30 * DAY_MS);
    o->budget = budget_ratio(o->target);
    if (!(o->target > 0 && o->target < 100)) {
        sl_fault(call, "/target", "percent, as 99.9", "%g leaves no budget, or asks for nothing",
                 o->target);
        return sl_fail(call, SL_INVALID, "the target must be above 0 and below 100 percent");
    }
    if (scaled) {
        alert_scaled(o->period_ms, o->alerts);
    } else if (!alert_catalogue(o->period_ms, o->alerts)) {
        sl_fault(call, "/window", "30d, 28d or 7d, or alerts: scaled",
                 "the workbook's alert windows are not for this period");
        return sl_fail(call, SL_INVALID,
                       "the workbook's alert windows are for 30d, 28d and 7d: set alerts: scaled");
    }
    add_number(out, "budget", o->budget);
    add_number(out, "budget_minutes", budget_minutes(o->target, o->period_ms));
    add_events(out, in, o);
    if (sl_get(in, "burn_rate"))
        add_number(out, "exhausted_in_hours",
                   exhaustion_ms(sl_get_number(in, "burn_rate", 0), o->period_ms) /
                       (double)HOUR_MS);
    cJSON *alerts = cJSON_AddArrayToObject(out, "alerts");
    for (size_t i = 0; i < 4; i++) add_alert(alerts, &o->alerts[i], in, o);
    add_number(out, "absence_for_seconds",
               (double)absence_for_ms(o->target / 100, &o->alerts[0]) / 1000);
    add_reports(out, in, o);
    return 0;
}

/* ---- slo.quality ---- */

enum { BEFORE_MAX = 1000 };

struct judging {
    sl_call *call;
    enum quality_aggregate aggregate;
    double value, before[BEFORE_MAX];
    size_t before_count;
    cJSON *targets; /* each criterion, what it was held against, and whether it held */
};

static int judge_criterion(struct judging *judging, const char *text, const char *pointer,
                           bool *holds) {
    struct criterion criterion;
    if (!criterion_parse(text, &criterion)) {
        sl_fault(judging->call, pointer, "as '<=500', '<=+10%' or '>-5'", "'%.60s' is no criterion",
                 text);
        return sl_fail(judging->call, SL_INVALID, "'%.60s' is no criterion", text);
    }
    double bound;
    *holds = criterion_holds(&criterion, judging->value, judging->before, judging->before_count,
                             judging->aggregate, &bound);
    cJSON *target = cJSON_CreateObject();
    cJSON_AddStringToObject(target, "criteria", text);
    add_number(target, "bound", bound);
    cJSON_AddBoolToObject(target, "violated", !*holds);
    cJSON_AddItemToArray(judging->targets, target);
    return 0;
}

/* Any set is enough; of a set all must hold. */
static int judge_sets(struct judging *judging, const cJSON *sets, const char *pointer,
                      bool *satisfied) {
    const cJSON *set, *one;
    *satisfied = false;
    cJSON_ArrayForEach(set, sets) {
        bool all = true;
        cJSON_ArrayForEach(one, sl_get(set, "criteria")) {
            bool holds = false;
            int rc = judge_criterion(judging, one->valuestring, pointer, &holds);
            if (rc) return rc;
            all = all && holds;
        }
        *satisfied = *satisfied || all;
    }
    return 0;
}

static void take_before(struct judging *judging, const cJSON *list) {
    const cJSON *one;
    judging->before_count = 0;
    cJSON_ArrayForEach(one, list) {
        if (judging->before_count < BEFORE_MAX)
            judging->before[judging->before_count++] = one->valuedouble;
    }
}

/* Points of one indicator: its weight, half of it for a warning; none without criteria, or without
 * a value. */
static int judge_indicator(struct judging *judging, const cJSON *given, const char *pointer,
                           cJSON *told, double *points, bool *failed) {
    const cJSON *pass = sl_get(given, "pass"), *warning = sl_get(given, "warning");
    const cJSON *value = sl_get(given, "value");
    const double weight = sl_get_number(given, "weight", 1);
    bool passed = false, warned = false;
    const char *status = "info";
    int rc = 0;
    judging->targets = cJSON_AddArrayToObject(told, "targets");
    *points = 0;
    *failed = false;
    if (cJSON_GetArraySize(pass)) {
        judging->value = cJSON_IsNumber(value) ? value->valuedouble : 0;
        take_before(judging, sl_get(given, "previous"));
        if (value) rc = judge_sets(judging, pass, pointer, &passed);
        if (!rc && value && !passed) rc = judge_sets(judging, warning, pointer, &warned);
        *points = passed ? weight : warned ? weight / 2 : 0;
        *failed = !passed && !warned;
        status = passed ? "pass" : warned ? "warning" : "fail";
    }
    cJSON_AddStringToObject(told, "status", status);
    add_number(told, "score", *points);
    if (!value) cJSON_AddStringToObject(told, "message", "no value was given");
    return rc;
}

int slo_quality(sl_call *call, const cJSON *in, cJSON *out) {
    static const char *const names[] = {"avg", "p50", "p90", "p95"};
    struct judging *judging = sl_alloc(call, sizeof *judging);
    judging->call = call;
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], sl_get_text(in, "aggregate", "avg")) == 0)
            judging->aggregate = (enum quality_aggregate)i;
    const cJSON *one, *indicators = sl_get(in, "indicators");
    const int count = cJSON_GetArraySize(indicators);
    double *points = sl_alloc(call, sizeof *points * ((size_t)count + 1)), most = 0, score;
    bool key_failed = false;
    int index = 0;
    cJSON *told = cJSON_CreateArray();
    cJSON_ArrayForEach(one, indicators) {
        cJSON *item = cJSON_CreateObject();
        bool failed = false;
        cJSON_AddItemToArray(told, item);
        cJSON_AddStringToObject(item, "name", sl_get_text(one, "name", ""));
        int rc = judge_indicator(judging, one, sl_printf(call, "/indicators/%d", index), item,
                                 &points[index], &failed);
        if (rc) return rc;
        index++;
        if (cJSON_GetArraySize(sl_get(one, "pass"))) most += sl_get_number(one, "weight", 1);
        key_failed = key_failed || (failed && sl_get_bool(one, "key", 0));
    }
    const enum quality_result result =
        quality_score(points, (size_t)count, most, key_failed, sl_get_number(in, "pass", 90),
                      sl_get_number(in, "warning", 75), &score);
    cJSON_AddStringToObject(out, "result", quality_name(result));
    add_number(out, "score", score);
    cJSON_AddBoolToObject(out, "key_failed", key_failed);
    cJSON_AddItemToObject(out, "indicators", told);
    return 0;
}
