/* test_metrics.c - finding metrics and their series. */
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const sl_metric asked = {
    .name = "asked_total", .help = "Questions", .labels = "level,method", .type = SL_COUNTER};

static void series_are_found_again(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *metric = metrics_declare(metrics, &asked);
    struct metric_series *first = metric_series(metric, "HIGH|model");
    assert_ptr_equal(first, metric_series(metric, "HIGH|model"));
    assert_ptr_not_equal(first, metric_series(metric, "HIGH|rules"));
    assert_ptr_not_equal(first, metric_series(metric, "HIGH"));
    metric_add(first, 2);
    metric_add(metric_series(metric, "HIGH|model"), 1);
    double value = metric_value(metrics, "sluice_asked_total{level=\"HIGH\",method=\"model\"}");
    assert_true(value == 3);
    metrics_free(metrics);
}

static void values_written_in_another_way_are_the_same_series(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *metric = metrics_declare(metrics, &asked);
    struct metric_series *empty = metric_series(metric, NULL);
    assert_ptr_equal(empty, metric_series(metric, ""));
    assert_ptr_equal(empty, metric_series(metric, "|"));
    assert_ptr_equal(metric_series(metric, "LOW|model"), metric_series(metric, "LOW|model|more"));
    metrics_free(metrics);
}

static void beyond_the_limit_all_share_one(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *metric = metrics_declare(metrics, &asked);
    char values[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(values, sizeof values, "%d|model", i);
        (void)metric_series(metric, values);
    }
    struct metric_series *other = metric_series(metric, "1000|model");
    assert_ptr_equal(other, metric_series(metric, "1001|model"));
    assert_ptr_not_equal(other, metric_series(metric, "999|model"));
    metrics_free(metrics);
}

/* More names than slots: none hides another. */
static void many_metrics_are_found_by_name(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *declared[300];
    char name[32];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "metric_%d", i);
        declared[i] = metrics_declare(metrics, &(sl_metric){.name = name, .type = SL_GAUGE});
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "metric_%d", i);
        assert_ptr_equal(metrics_find(metrics, name), declared[i]);
    }
    assert_null(metrics_find(metrics, "metric_300"));
    metrics_free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_found_again),
        cmocka_unit_test(values_written_in_another_way_are_the_same_series),
        cmocka_unit_test(beyond_the_limit_all_share_one),
        cmocka_unit_test(many_metrics_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
