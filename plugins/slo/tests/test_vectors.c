/* Cases from files: tests/vectors.json beside this one, and where it is given the file of
 * SLUICE_SLO_VECTORS, or ../shared/data/delivery/slo_vectors.json beside the checkout. Each member
 * of the file is a list of cases of one kind; a kind that is not known fails. */
#include "burn.h"
#include "quality.h"
#include "report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

/* ---- reading a case ---- */

static const cJSON *item(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *one, const char *name) {
    const cJSON *found = item(one, name);
    if (!cJSON_IsNumber(found)) fail_msg("no number '%s'", name);
    return found->valuedouble;
}

static double number_or(const cJSON *one, const char *name, double otherwise) {
    const cJSON *found = item(one, name);
    return cJSON_IsNumber(found) ? found->valuedouble : otherwise;
}

static const char *text(const cJSON *one, const char *name) {
    const char *found = cJSON_GetStringValue(item(one, name));
    return found ? found : "";
}

static int64_t days(const cJSON *one) {
    return (int64_t)(number(one, "period_days") * (double)DAY_MS);
}

static void near(const char *what, double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.17g, expected %.17g", what, got, expected);
}

static void is(const char *what, bool got, const cJSON *expected) {
    if (got != (bool)cJSON_IsTrue(expected)) fail_msg("%s: %d", what, got);
}

static double tolerance_of(const cJSON *one) {
    return number_or(one, "tolerance", 1e-9);
}

/* ---- the kinds ---- */

static void factor(const cJSON *one) {
    const int64_t window_ms = (int64_t)(number(one, "long_hours") * (double)HOUR_MS);
    const double got = burn_factor(number(one, "budget_percent"), days(one), window_ms);
    near("factor", got, number(one, "expected_factor"), 0);
    struct alert_pair pairs[4];
    if (!alert_catalogue(days(one), pairs)) return;
    for (size_t i = 0; i < 4; i++)
        if (pairs[i].long_ms == window_ms && strcmp(pairs[i].name, text(one, "alert")) == 0) {
            near("the catalogue's factor", pairs[i].factor, number(one, "expected_factor"), 0);
            near("its short window", (double)pairs[i].short_ms,
                 number(one, "short_minutes") * (double)MINUTE_MS, 0);
        }
}

static void no_catalogue(const cJSON *one) {
    struct alert_pair pairs[4];
    assert_false(alert_catalogue(days(one), pairs));
}

static struct alert_pair pair_of(const cJSON *one) {
    return (struct alert_pair){
        .factor = number(one, "factor"),
        .long_ms = (int64_t)(number_or(one, "long_minutes", 60) * (double)MINUTE_MS),
        .short_ms = (int64_t)(number_or(one, "short_minutes", 5) * (double)MINUTE_MS)};
}

static void threshold(const cJSON *one) {
    const struct alert_pair pair = pair_of(one);
    const double budget = budget_ratio(number(one, "objective_percent"));
    near("budget", budget, number(one, "error_budget_ratio"), tolerance_of(one));
    near("threshold", alert_threshold(&pair, budget), number(one, "expected_error_ratio_threshold"),
         tolerance_of(one));
    is("reachable", alert_reachable(&pair, budget), item(one, "reachable"));
}

static double ratio_at(const cJSON *ratios, int64_t window_ms) {
    static const struct {
        const char *name;
        int64_t ms;
    } windows[] = {{"5m", 5 * MINUTE_MS}, {"30m", 30 * MINUTE_MS}, {"1h", HOUR_MS},
                   {"2h", 2 * HOUR_MS},   {"6h", 6 * HOUR_MS},     {"1d", DAY_MS},
                   {"3d", 3 * DAY_MS}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        if (windows[i].ms == window_ms) return number_or(ratios, windows[i].name, (double)NAN);
    return (double)NAN;
}

static bool is_listed(const cJSON *list, const char *name) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (strcmp(one->valuestring, name) == 0) return true;
    }
    return false;
}

static void windows(const cJSON *one) {
    struct alert_pair pairs[4];
    assert_true(alert_catalogue(days(one), pairs));
    const double budget = budget_ratio(number(one, "objective_percent"));
    bool page = false, ticket = false;
    for (size_t i = 0; i < 4; i++) {
        const cJSON *ratios = item(one, "error_ratio");
        const bool fires = alert_breaches(&pairs[i], budget, ratio_at(ratios, pairs[i].long_ms),
                                          ratio_at(ratios, pairs[i].short_ms));
        if (fires != is_listed(item(one, "expected_fired"), pairs[i].name))
            fail_msg("%s: %d", pairs[i].name, fires);
        if (strcmp(pairs[i].severity, "page") == 0)
            page |= fires;
        else
            ticket |= fires;
    }
    is("page", page, item(one, "expected_page"));
    is("ticket", ticket, item(one, "expected_ticket"));
}

static void detect(const cJSON *one) {
    const struct alert_pair pair = pair_of(one);
    const double budget = budget_ratio(number(one, "objective_percent"));
    const struct detection got =
        alert_detection(&pair, budget, number(one, "constant_error_ratio"), days(one));
    is("fires", got.fires, item(one, "fires"));
    if (!got.fires) return;
    const double minute = (double)MINUTE_MS, tolerance = tolerance_of(one);
    near("fires after", got.fire_ms / minute, number(one, "expected_minutes_to_fire"), tolerance);
    near("the short window crosses after", got.short_crosses_ms / minute,
         number(one, "expected_minutes_short_window_crosses"), tolerance);
    near("resets after", got.reset_ms / minute,
         number(one, "expected_minutes_to_reset_after_fix_if_short_full"), tolerance);
    near("spent", got.spent_percent, number(one, "expected_budget_percent_consumed_at_fire"),
         tolerance);
}

static void exhaustion(const cJSON *one) {
    const double got = exhaustion_ms(number(one, "burn_rate"), days(one));
    near("hours", got / (double)HOUR_MS, number(one, "expected_hours_to_exhaustion"), 1e-9);
    char label[64];
    duration_text((int64_t)llround(got), label, sizeof label);
    if (item(one, "expected_label")) assert_string_equal(label, text(one, "expected_label"));
}

static void scaled(const cJSON *one) {
    struct alert_pair pairs[4];
    alert_scaled(days(one), pairs);
    const cJSON *expected;
    size_t i = 0;
    cJSON_ArrayForEach(expected, item(one, "expected")) {
        const bool critical = strcmp(text(expected, "severity"), "critical") == 0;
        assert_true(i < 4);
        assert_string_equal(pairs[i].severity, critical ? "page" : "ticket");
        near("for", (double)pairs[i].for_ms / 1000, number(expected, "for_s"), 0);
        near("long", (double)pairs[i].long_ms / 1000, number(expected, "long_s"), 0);
        near("short", (double)pairs[i].short_ms / 1000, number(expected, "short_s"), 0);
        near("factor", pairs[i].factor, number(expected, "factor"), 0);
        i++;
    }
    assert_int_equal(i, 4);
}

static void absence(const cJSON *one) {
    struct alert_pair pairs[4];
    alert_scaled(days(one), pairs);
    near("for", (double)absence_for_ms(number(one, "target"), &pairs[0]) / 1000,
         number(one, "expected_seconds"), 0);
}

static void minutes(const cJSON *one) {
    near("minutes", budget_minutes(number(one, "objective_percent"), days(one)),
         number(one, "expected_minutes"), tolerance_of(one));
}

/* Deliberately better: without events Pyrra shows a full budget; here it is not known (NaN), and
 * stays apart from a good one. */
static void remaining(const cJSON *one) {
    const struct tally events = {number(one, "errors"), number(one, "total")};
    const double budget = budget_ratio(100 * number(one, "target"));
    const double left = budget_left(events, budget);
    if (events.total > 0)
        near("left", left, number(one, "expected_remaining"), tolerance_of(one));
    else
        assert_true(isnan(left));
    near("allowed", errors_allowed(events, budget), number(one, "expected_max_errors"),
         tolerance_of(one));
}

static void burns(const cJSON *one) {
    const double budget = budget_ratio(number(one, "objective_percent"));
    const double tolerance = tolerance_of(one), period = number(one, "sli_error_30d");
    near("current", burn_rate(number(one, "sli_error_5m"), budget),
         number(one, "expected_current_burn_rate"), tolerance);
    near("period", burn_rate(period, budget), number(one, "expected_period_burn_rate"), tolerance);
    near("left", budget_left((struct tally){period, 1}, budget),
         number(one, "expected_period_error_budget_remaining"), tolerance);
}

/* Deliberately better: events are summed; the mean of ratios is only shown to differ. */
static void aggregation(const cJSON *one) {
    struct tally sum = {0, 0};
    double mean = 0;
    const cJSON *bucket, *buckets = item(one, "buckets");
    cJSON_ArrayForEach(bucket, buckets) {
        const struct tally events = {number(bucket, "errors"), number(bucket, "total")};
        sum.errors += events.errors;
        sum.total += events.total;
        mean += error_ratio(events) / cJSON_GetArraySize(buckets);
    }
    near("event weighted", error_ratio(sum), number(one, "expected_event_weighted"), 1e-12);
    near("mean", mean, number(one, "expected_unweighted_mean"), 1e-12);
}

static void generated_report(const cJSON *one) {
    const struct report got =
        report_of(&(struct report_input){.good = number(one, "good"),
                                         .bad = number(one, "bad"),
                                         .goal = number(one, "goal"),
                                         .window_s = number(one, "window_s"),
                                         .threshold = number(one, "burn_rate_threshold")});
    const cJSON *expected = item(one, "expected");
    is("valid", got.valid, item(expected, "valid"));
    if (!got.valid) {
        assert_non_null(got.why);
        return;
    }
    const double tolerance = tolerance_of(one);
    near("sli", got.sli, number(expected, "sli"), tolerance);
    near("gap", got.gap, number(expected, "gap"), tolerance);
    near("burn", got.burn, number(expected, "burn_rate"), tolerance);
    near("remaining", got.remaining_minutes, number(expected, "remaining_minutes"), tolerance);
    near("budget", got.budget_minutes, number(expected, "budget_minutes"), tolerance);
    near("errors", got.error_minutes, number(expected, "error_minutes"), tolerance);
    near("consumed", got.consumed_percent, number(expected, "consumed_percent"), tolerance);
    is("alert", got.alert, item(expected, "alert"));
}

static void step(const cJSON *one) {
    for (size_t i = 0; i < 4; i++)
        if (report_steps[i].window_s == number(one, "window_s")) {
            near("threshold", report_steps[i].threshold, number(one, "burn_rate_threshold"), 0);
            return;
        }
    fail_msg("no step of %g s", number(one, "window_s"));
}

static void parse(const cJSON *one) {
    struct criterion got;
    const bool good = criterion_parse(text(one, "criteria"), &got);
    const cJSON *error = item(one, "expected_error"), *expected = item(one, "expected");
    if (cJSON_IsTrue(error) || cJSON_IsTrue(item(one, "error")) ||
        (cJSON_IsString(expected) && strncmp(expected->valuestring, "error", 5) == 0) ||
        (cJSON_IsString(error))) {
        assert_false(good);
        return;
    }
    if (!good) fail_msg("'%s' is refused", text(one, "criteria"));
    assert_string_equal(got.comparison, text(one, "operator"));
    near("value", got.value, number(one, "value"), 0);
    is("percent", got.percent, item(one, "check_percentage"));
    is("relative", got.relative, item(one, "is_comparison"));
    is("increase", got.increase, item(one, "check_increase"));
}

enum { VALUES_MAX = 100 };

static size_t numbers(const cJSON *list, double values[VALUES_MAX]) {
    size_t count = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        assert_true(count < VALUES_MAX && cJSON_IsNumber(one));
        values[count++] = one->valuedouble;
    }
    return count;
}

static void compare(const cJSON *one) {
    static const char *const names[] = {"avg", "p50", "p90", "p95"};
    enum quality_aggregate aggregate = AGGREGATE_AVG;
    for (int i = 0; i < 4; i++)
        if (strcmp(text(one, "aggregate"), names[i]) == 0) aggregate = (enum quality_aggregate)i;
    struct criterion criterion;
    assert_true(criterion_parse(text(one, "criteria"), &criterion));
    double before[VALUES_MAX], bound;
    const size_t count = numbers(item(one, "previous"), before);
    is(text(one, "criteria"),
       criterion_holds(&criterion, number(one, "value"), before, count, aggregate, &bound),
       item(one, "expected"));
}

static void quantile(const cJSON *one) {
    double values[VALUES_MAX];
    const size_t count = numbers(item(one, "data"), values);
    near("quantile", quality_quantile(values, count, number(one, "p")), number(one, "expected"),
         1e-9);
}

static void score(const cJSON *one) {
    double points[VALUES_MAX], got;
    const size_t count = numbers(item(one, "scores"), points);
    const enum quality_result result =
        quality_score(points, count, number(one, "max"), cJSON_IsTrue(item(one, "key_sli_failed")),
                      number(one, "pass_percent"), number(one, "warning_percent"), &got);
    near("score", got, number(one, "expected_score"), 1e-9);
    assert_string_equal(quality_name(result), text(one, "expected"));
}

static const struct {
    const char *kind;
    void (*check)(const cJSON *one);
} kinds[] = {
    {"burn_rate_factor", factor},
    {"burn_rate_factor_errors", no_catalogue},
    {"alert_threshold", threshold},
    {"multiwindow_evaluation", windows},
    {"time_to_detect", detect},
    {"time_to_exhaustion", exhaustion},
    {"pyrra_windows", scaled},
    {"pyrra_absent_duration", absence},
    {"budget_minutes", minutes},
    {"budget_remaining_pyrra", remaining},
    {"sloth_metrics", burns},
    {"period_sli_aggregation", aggregation},
    {"slo_generator_report", generated_report},
    {"slo_generator_default_policy", step},
    {"keptn_criteria_parse", parse},
    {"keptn_comparison", compare},
    {"keptn_percentile", quantile},
    {"keptn_score", score},
};

/* ---- files ---- */

static cJSON *load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    static char bytes[4 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes - 1, file);
    (void)fclose(file);
    return cJSON_ParseWithLength(bytes, size);
}

static void run(const char *path) {
    cJSON *all = load(path);
    if (!all) fail_msg("%s cannot be read", path);
    size_t count = 0;
    const cJSON *list, *one;
    cJSON_ArrayForEach(list, all) {
        if (strcmp(list->string, "source") == 0) continue;
        size_t k = 0;
        while (k < sizeof kinds / sizeof *kinds && strcmp(kinds[k].kind, list->string) != 0) k++;
        if (k == sizeof kinds / sizeof *kinds) fail_msg("%s: kind '%s'", path, list->string);
        cJSON_ArrayForEach(one, list) {
            char *shown = cJSON_PrintUnformatted(one);
            print_message("%s %.200s\n", list->string, shown); /* the last one is the failed one */
            free(shown);
            kinds[k].check(one);
            count++;
        }
    }
    cJSON_Delete(all);
    print_message("%zu cases of %s hold\n", count, path);
    assert_true(count > 0);
}

static void own_cases_hold(void **state) {
    (void)state;
    run(SLUICE_SOURCE_DIR "/plugins/slo/tests/vectors.json");
}

static void given_cases_hold(void **state) {
    (void)state;
    const char *given = getenv("SLUICE_SLO_VECTORS");
    const char *path =
        given ? given : SLUICE_SOURCE_DIR "/../shared/data/delivery/slo_vectors.json";
    cJSON *all = load(path);
    if (!all && !given) {
        print_message("no %s: set SLUICE_SLO_VECTORS to run its cases\n", path);
        skip();
    }
    cJSON_Delete(all);
    run(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(own_cases_hold),
                                       cmocka_unit_test(given_cases_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
