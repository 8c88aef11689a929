/* Kayenta's judge, against worked examples and, where ../shared/data (or SLUICE_SHARED_DATA) is,
 * against the cases of Kayenta's own tests. */
#include "kayenta.h"
#include "normal.h"
#include "ranks.h"
#include "samples.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t cases_run;

static void near(double is, double wanted, double within, const char *what) {
    if (isnan(wanted) ? isnan(is) : fabs(is - wanted) <= within) return;
    fail_msg("%s: %.12g, wanted %.12g within %g", what, is, wanted, within);
}

/* ---- the file ---- */

struct list {
    double *values;
    size_t count;
};

static double number(const cJSON *item) {
    return cJSON_IsNumber(item) ? item->valuedouble : NAN; /* "NaN" is a string */
}

static struct list list_of(const cJSON *array) {
    struct list list = {malloc(((size_t)cJSON_GetArraySize(array) + 1) * sizeof(double)), 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, array) list.values[list.count++] = number(item);
    return list;
}

static const cJSON *get(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text(const cJSON *object, const char *name) {
    const char *value = cJSON_GetStringValue(get(object, name));
    return value ? value : "";
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    char *bytes = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    (void)fclose(file);
    return bytes;
}

static cJSON *vectors(void) {
    char path[4096];
    const char *data = getenv("SLUICE_SHARED_DATA");
    (void)snprintf(path, sizeof path, "%s/delivery/kayenta_vectors.json",
                   data ? data : SLUICE_SOURCE_DIR "/../shared/data");
    char *bytes = read_all(path);
    if (!bytes) {
        print_message("skipped: no %s\n", path);
        return NULL;
    }
    cJSON *json = cJSON_Parse(bytes);
    free(bytes);
    assert_non_null(json);
    return json;
}

static enum kayenta_direction direction_of(const char *word) {
    if (strcmp(word, "increase") == 0) return KAYENTA_INCREASE;
    return strcmp(word, "decrease") == 0 ? KAYENTA_DECREASE : KAYENTA_EITHER;
}

static void take(const cJSON *object, const char *name, double *value) {
    if (cJSON_IsNumber(get(object, name))) *value = number(get(object, name));
}

static struct kayenta_options options_of(const cJSON *params, bool camel) {
    struct kayenta_options options = kayenta_defaults(strcmp(text(params, "measure"), "cles") == 0);
    options.direction = direction_of(text(params, "direction"));
    options.replace_missing =
        strcmp(text(params, camel ? "nanStrategy" : "nan_strategy"), "replace") == 0;
    options.remove_outliers = strcmp(text(params, "outlierStrategy"), "remove") == 0;
    options.critical = cJSON_IsTrue(get(params, "critical"));
    options.must_have_data = cJSON_IsTrue(get(params, camel ? "mustHaveData" : "must_have_data"));
    take(params, "outlierFactor", &options.outlier_factor);
    take(params, "tolerance", &options.tolerance);
    take(params, "conf_level", &options.confidence);
    take(params, camel ? "allowedIncrease" : "allowed_increase", &options.allowed_increase);
    take(params, camel ? "allowedDecrease" : "allowed_decrease", &options.allowed_decrease);
    take(params, camel ? "criticalIncrease" : "critical_increase", &options.critical_increase);
    take(params, camel ? "criticalDecrease" : "critical_decrease", &options.critical_decrease);
    return options;
}

static void check_number(const cJSON *wanted, const char *name, double is, double within,
                         const char *title) {
    const cJSON *item = get(wanted, name);
    if (!item) return;
    char what[300];
    (void)snprintf(what, sizeof what, "%s: %s", title, name);
    near(is, number(item), within, what);
}

static void check_result(const cJSON *wanted, const struct kayenta_result *is, const char *title) {
    const char *label = text(wanted, "label");
    if (*label && strcmp(label, kayenta_label_name(is->label)) != 0)
        fail_msg("%s: %s, wanted %s", title, kayenta_label_name(is->label), label);
    if (get(wanted, "critical") && cJSON_IsTrue(get(wanted, "critical")) != is->critical)
        fail_msg("%s: critical is %d", title, is->critical);
    if (cJSON_IsTrue(get(wanted, "reason_not_empty"))) assert_true(is->reason[0] != 0);
    check_number(wanted, "deviation", is->deviation, 1e-9, title);
    /* The same solver stops at the same digits, so far more than the 2e-4 that it promises. */
    check_number(wanted, "effect_size", is->effect, 1e-9, title);
    check_number(wanted, "ci_low", is->low, 1e-6, title);
    check_number(wanted, "ci_high", is->high, 1e-6, title);
    check_number(wanted, "hodges_lehmann", is->estimate, 1e-6, title);
    check_number(wanted, "bound", is->bound, 1e-6, title);
}

static void check_case(const cJSON *one, const cJSON *params, bool camel) {
    struct list control = list_of(get(one, "control")),
                experiment = list_of(get(one, "experiment"));
    const struct kayenta_metric metric = {.name = "metric",
                                          .control = control.values,
                                          .control_count = control.count,
                                          .experiment = experiment.values,
                                          .experiment_count = experiment.count};
    const struct kayenta_options options = options_of(params, camel);
    struct kayenta_result result;
    if (strcmp(text(one, "classifier"), "mean_inequality") == 0)
        kayenta_compare_means(&metric, &options, &result);
    else
        kayenta_classify(&metric, &options, &result);
    check_result(get(one, "expected"), &result, text(one, "name"));
    check_result(get(one, "derived"), &result, text(one, "name"));
    const cJSON *left = get(one, "transformed_experiment");
    if (left) assert_int_equal(cJSON_GetArraySize(left), result.experiment_used);
    free(control.values);
    free(experiment.values);
    cases_run++;
}

static void check_interval(const cJSON *one) {
    struct list x = list_of(get(one, "experiment")), y = list_of(get(one, "control"));
    samples_sort(x.values, x.count);
    samples_sort(y.values, y.count);
    const struct two_samples two = {x.values, x.count, y.values, y.count};
    const cJSON *item, *wanted = get(one, "expected"), *within = get(one, "tolerance");
    cJSON_ArrayForEach(item, get(one, "expected_wilcoxon_diff"))
        near(kayenta_statistic(&two, number(get(item, "mu")), number(get(item, "quantile"))),
             number(get(item, "value")), number(within), text(one, "name"));
    if (cJSON_IsObject(wanted)) {
        struct kayenta_shift shift;
        assert_true(kayenta_shift(&two, number(get(one, "conf_level")), &shift));
        near(shift.low, number(get(wanted, "ci_low")), number(get(within, "ci")), "low");
        near(shift.high, number(get(wanted, "ci_high")), number(get(within, "ci")), "high");
        near(shift.estimate, number(get(wanted, "estimate")), number(get(within, "estimate")),
             "estimate");
    }
    if (get(one, "p"))
        near(normal_quantile(number(get(one, "p"))), number(wanted), number(within), "quantile");
    free(x.values);
    free(y.values);
    cases_run++;
}

enum { GROUPS_MAX = 16, METRICS_MAX = 64 };

static enum kayenta_label label_named(const char *name) {
    for (int label = KAYENTA_PASS; label <= KAYENTA_ERROR; label++) {
        if (strcmp(kayenta_label_name(label), name) == 0) return label;
    }
    fail_msg("no label %s", name);
    return KAYENTA_ERROR;
}

static void check_score(const cJSON *one) {
    struct kayenta_scored metrics[METRICS_MAX];
    const char *groups[METRICS_MAX][GROUPS_MAX] = {0};
    struct kayenta_weight weights[GROUPS_MAX];
    size_t count = 0, weight_count = 0;
    const cJSON *item, *group;
    cJSON_ArrayForEach(item, get(one, "metrics")) {
        size_t in = 0;
        cJSON_ArrayForEach(group, get(item, "groups")) groups[count][in++] = group->valuestring;
        metrics[count] = (struct kayenta_scored){.label = label_named(text(item, "classification")),
                                                 .critical = cJSON_IsTrue(get(item, "critical")),
                                                 .muted = cJSON_IsTrue(get(item, "muted")),
                                                 .groups = groups[count]};
        count++;
    }
    cJSON_ArrayForEach(item, get(one, "group_weights")) weights[weight_count++] =
        (struct kayenta_weight){item->string, item->valuedouble};
    struct kayenta_score score;
    kayenta_score(metrics, count, weights, weight_count, (struct kayenta_thresholds){95, 75},
                  &score);
    near(score.score, number(get(one, "expected_score")), 1e-9, text(one, "name"));
    cases_run++;
}

static void check_outliers(const cJSON *one) {
    struct list data = list_of(get(one, "data")), sorted = list_of(get(one, "data"));
    samples_sort(sorted.values, sorted.count);
    double factor = number(get(one, "factor"));
    bool tolerant = cJSON_IsTrue(get(one, "reduce_sensitivity"));
    const cJSON *wanted = get(one, "expected_is_outlier");
    for (size_t i = 0; i < data.count; i++) {
        struct fences fences = strcmp(text(one, "detector"), "ksigma") == 0
                                   ? samples_sigma_fences(data.values, data.count, factor)
                                   : samples_fences(sorted.values, sorted.count, factor, tolerant);
        bool outside = data.values[i] < fences.low || data.values[i] > fences.high;
        assert_int_equal(outside, cJSON_IsTrue(cJSON_GetArrayItem(wanted, (int)i)));
    }
    assert_int_equal(cJSON_GetArraySize(wanted), data.count);
    free(data.values);
    free(sorted.values);
    cases_run++;
}

static void check_summary(const cJSON *wanted, const struct list *data, double within) {
    size_t n = data->count;
    check_number(wanted, "min", n ? data->values[0] : 0, within, "min");
    check_number(wanted, "max", n ? data->values[n - 1] : 0, within, "max");
    check_number(wanted, "mean", n ? samples_mean(data->values, n) : 0, within, "mean");
    check_number(wanted, "std", samples_deviation(data->values, n), within, "std");
    check_number(wanted, "count", (double)n, 0, "count");
}

static void check_statistic(const cJSON *one) {
    struct list data = list_of(get(one, "data"));
    samples_sort(data.values, data.count);
    const char *op = text(one, "op");
    double within = number(get(one, "tolerance"));
    if (strcmp(op, "percentile_R7") == 0)
        near(samples_percentile(data.values, data.count, number(get(one, "p"))),
             number(get(one, "expected")), within, text(one, "name"));
    else if (strcmp(op, "summary") == 0)
        check_summary(get(one, "expected"), &data, within);
    else
        fail_msg("unknown statistic %s", op);
    free(data.values);
    cases_run++;
}

static void check_effect(const cJSON *one) {
    struct list x = list_of(get(one, "experiment")), y = list_of(get(one, "control"));
    samples_sort(x.values, x.count);
    samples_sort(y.values, y.count);
    const struct two_samples two = {x.values, x.count, y.values, y.count};
    double is = strcmp(text(one, "op"), "cles") == 0
                    ? kayenta_cles(&two)
                    : kayenta_mean_ratio(y.values, y.count, x.values, x.count);
    near(is, number(get(one, "expected")), number(get(one, "tolerance")), text(one, "name"));
    free(x.values);
    free(y.values);
    cases_run++;
}

static void check_missing(const cJSON *one) {
    struct list data = list_of(get(one, "data")), wanted = list_of(get(one, "expected"));
    if (strcmp(text(one, "op"), "remove") == 0)
        data.count = samples_drop_missing(data.values, data.count);
    else
        samples_replace_missing(data.values, data.count, number(get(one, "value")));
    assert_int_equal(data.count, wanted.count);
    for (size_t i = 0; i < data.count; i++) near(data.values[i], wanted.values[i], 0, "value");
    free(data.values);
    free(wanted.values);
    cases_run++;
}

static void check_threshold(const cJSON *one) {
    const struct kayenta_thresholds thresholds = {number(get(one, "pass")),
                                                  number(get(one, "marginal"))};
    assert_string_equal(
        kayenta_outcome_name(kayenta_outcome_of(number(get(one, "score")), thresholds)),
        text(one, "expected"));
    cases_run++;
}

static void test_upstream_cases(void **state) {
    (void)state;
    cJSON *all = vectors();
    if (!all) skip();
    const cJSON *one;
    cJSON_ArrayForEach(one, get(all, "classifier")) check_case(one, get(one, "params"), false);
    cJSON_ArrayForEach(one, get(all, "judge_end_to_end_derived"))
        check_case(one, get(one, "config"), true);
    cJSON_ArrayForEach(one, get(all, "mann_whitney")) check_interval(one);
    cJSON_ArrayForEach(one, get(all, "scorer")) check_score(one);
    cJSON_ArrayForEach(one, get(all, "outliers")) check_outliers(one);
    cJSON_ArrayForEach(one, get(all, "statistics")) check_statistic(one);
    cJSON_ArrayForEach(one, get(all, "effect_size")) check_effect(one);
    cJSON_ArrayForEach(one, get(all, "nan_handling")) check_missing(one);
    cJSON_ArrayForEach(one, get(all, "score_threshold")) check_threshold(one);
    print_message("%zu upstream cases\n", cases_run);
    assert_true(cases_run > 0);
    cJSON_Delete(all);
}

/* ---- worked by hand ---- */

static struct kayenta_result classify(const double *control, size_t m, const double *experiment,
                                      size_t n, struct kayenta_options options) {
    const struct kayenta_metric metric = {.name = "latency",
                                          .control = control,
                                          .control_count = m,
                                          .experiment = experiment,
                                          .experiment_count = n};
    struct kayenta_result result;
    kayenta_classify(&metric, &options, &result);
    return result;
}

static void test_interval_clamps_at_its_ends(void **state) {
    (void)state;
    const double x[] = {10, 20, 30, 40}, y[] = {1, 2, 3, 4};
    const struct two_samples two = {x, 4, y, 4};
    struct kayenta_shift shift;
    assert_true(kayenta_shift(&two, 0.95, &shift));
    near(shift.low, 6, 1e-12, "low");
    near(shift.high, 39, 1e-12, "high");
    near(shift.estimate, 22.5, 1e-3, "estimate");
}

static void test_three_against_three_is_called_high(void **state) {
    (void)state;
    const double control[] = {1, 2, 3}, experiment[] = {10, 11, 12};
    struct kayenta_result is = classify(control, 3, experiment, 3, kayenta_defaults(false));
    assert_int_equal(is.label, KAYENTA_HIGH);
    near(is.low, 7, 1e-12, "low");
    near(is.bound, 2.25, 1e-3, "bound");
    assert_false(is.critical);
}

static void test_missing_data(void **state) {
    (void)state;
    const double some[] = {1, 2, 3}, none[] = {NAN, NAN};
    struct kayenta_options options = kayenta_defaults(false);
    assert_int_equal(classify(some, 3, none, 2, options).label, KAYENTA_NODATA);
    options.must_have_data = true;
    assert_int_equal(classify(some, 3, none, 2, options).label, KAYENTA_NODATA_FAIL);
    options.critical = true; /* then the critical flag speaks, not the label */
    struct kayenta_result is = classify(some, 3, none, 2, options);
    assert_int_equal(is.label, KAYENTA_NODATA);
    assert_true(is.critical);
    options.replace_missing = true; /* all NaN become zeros, and are compared */
    assert_int_equal(classify(some, 3, none, 2, options).control_used, 3);
    assert_true(classify(some, 3, none, 2, options).compared);
    assert_int_equal(classify(some, 3, none, 0, options).label, KAYENTA_PASS);
}

static void test_all_tied_has_no_interval(void **state) {
    (void)state;
    const double one[] = {1}, two[] = {2};
    struct kayenta_shift shift;
    assert_false(kayenta_shift(&(struct two_samples){two, 1, one, 1}, 0.98, &shift));
}

static void test_rounding_of_the_score(void **state) {
    (void)state;
    static const char *const group[] = {"a", NULL};
    static const char *const other[] = {"b", NULL};
    const struct kayenta_scored metrics[] = {{.label = KAYENTA_PASS, .groups = group},
                                             {.label = KAYENTA_HIGH, .groups = group},
                                             {.label = KAYENTA_LOW, .groups = group},
                                             {.label = KAYENTA_ERROR, .groups = other}};
    const struct kayenta_weight weights[] = {{"a", 70}, {"b", 30}};
    struct kayenta_score score;
    kayenta_score(metrics, 4, weights, 2, (struct kayenta_thresholds){95, 50}, &score);
    near(score.score, 53.33, 0, "70 * 1/3 + 30 for the group without data");
    assert_int_equal(score.outcome, KAYENTA_MARGINAL);
    assert_int_equal(score.group_count, 2);
    assert_true(score.groups[1].no_data);
}

static void test_quantiles(void **state) {
    (void)state;
    near(normal_quantile(0.975), 1.959963984540054, 1e-14, "0.975");
    near(normal_quantile(0.5), 0, 1e-15, "0.5");
    near(normal_quantile(1e-12), -7.034483825301131, 1e-11, "1e-12");
    for (double p = 1e-9; p < 1; p += 0.00931)
        near(normal_below(normal_quantile(p)), p, 1e-14, "p");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upstream_cases),
        cmocka_unit_test(test_interval_clamps_at_its_ends),
        cmocka_unit_test(test_three_against_three_is_called_high),
        cmocka_unit_test(test_missing_data),
        cmocka_unit_test(test_all_tied_has_no_interval),
        cmocka_unit_test(test_rounding_of_the_score),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
