/* Secrets are masked where lines are written; metrics read as Prometheus expects; permissions. */
#include "call.h"
#include "listen.h"
#include "logging.h"
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void masks(const char *text, const char *expected) {
    char copy[512];
    strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    mask_secrets(copy);
    assert_string_equal(copy, expected);
}

static void secrets_are_masked(void **state) {
    (void)state;
    masks("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***");
    masks("token slk_1234567890abcdef12345 used", "token slk_1234*** used");
    masks("password=hunter2 and more", "password=*** and more");
    masks("key AKIAIOSFODNN7EXAMPLE.", "key AKIA***");
    masks("a -----BEGIN RSA PRIVATE KEY-----\nxyz\n-----END RSA PRIVATE KEY----- b", "a *** b");
    masks("cut -----BEGIN RSA PRIVATE KEY-----\nxyz", "cut ***");
    masks("two password=a1b2 password=c3d4", "two password=*** password=***");
}

static void plain_text_stays(void **state) {
    (void)state;
    masks("deployment 42 was approved by ada", "deployment 42 was approved by ada");
    masks("Bearer short", "Bearer short");
    masks("", "");
    masks("slk_", "slk_");
    masks("-----BEGIN ", "***");
}

static void permissions_match(void **state) {
    (void)state;
    assert_true(permission_granted("risk:read deploy:*", "deploy:write"));
    assert_true(permission_granted("*", "anything:at-all"));
    assert_true(permission_granted("  risk:read ", "risk:read"));
    assert_false(permission_granted("risk:read", "risk:reader"));
    assert_false(permission_granted("risk:reader", "risk:read"));
    assert_false(permission_granted("deploy:*", "deployments:read"));
    assert_false(permission_granted("deploy*", "deploy:read"));
    assert_false(permission_granted("", "risk:read"));
    assert_false(permission_granted(NULL, "risk:read"));
}

static void metrics_are_written(void **state) {
    (void)state;
    static const double bounds[] = {0.1, 1, 0};
    struct metrics *metrics = metrics_new();
    struct metric *asked = metrics_declare(metrics, &(sl_metric){.name = "asked_total",
                                                                 .help = "asked",
                                                                 .labels = "who,how",
                                                                 .type = SL_COUNTER});
    struct metric *took = metrics_declare(metrics, &(sl_metric){.name = "took_seconds",
                                                                .help = "took",
                                                                .buckets = bounds,
                                                                .type = SL_HISTOGRAM});
    metric_add(metric_series(asked, "a\"da|by\nphone"), 2);
    metric_add(metric_series(asked, "a\"da|by\nphone"), 1);
    metric_observe(metric_series(took, NULL), 0.05);
    metric_observe(metric_series(took, NULL), 0.5);
    metric_observe(metric_series(took, NULL), 5);
    size_t size;
    char *text = metrics_text(metrics, false, &size);
    assert_non_null(strstr(text, "sluice_asked_total{who=\"a\\\"da\",how=\"by\\nphone\"} 3\n"));
    assert_non_null(strstr(text, "sluice_took_seconds_bucket{le=\"0.1\"} 1\n"));
    assert_non_null(strstr(text, "sluice_took_seconds_bucket{le=\"1\"} 2\n"));
    assert_non_null(strstr(text, "sluice_took_seconds_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "sluice_took_seconds_count 3\n"));
    free(text);
    text = metrics_text(metrics, true, &size);
    assert_non_null(strstr(text, "# TYPE sluice_asked counter\n"));
    assert_string_equal(text + size - 6, "# EOF\n");
    free(text);
    assert_true(isnan(metric_value(metrics, "sluice_nothing")));
    assert_true(metric_value(metrics, "sluice_took_seconds_count") == 3);
    metrics_free(metrics);
}

static void series_are_bounded(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *metric = metrics_declare(
        metrics, &(sl_metric){.name = "m", .help = "", .labels = "id", .type = SL_COUNTER});
    char label[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(label, sizeof label, "%d", i);
        metric_add(metric_series(metric, label), 1);
    }
    assert_true(metric_value(metrics, "sluice_m{id=\"7\"}") == 1);
    assert_true(metric_value(metrics, "sluice_m{id=\"other\"}") == 2000);
    metrics_free(metrics);
}

static void addresses_are_read(void **state) {
    (void)state;
    char error[256] = "", url[256];
    assert_int_equal(listen_open("127.0.0.1", error, sizeof error), -1);
    assert_non_null(strstr(error, "expected HOST:PORT"));
    assert_int_equal(listen_open("127.0.0.1:http", error, sizeof error), -1);
    int fd = listen_open("127.0.0.1:0", error, sizeof error);
    assert_true(fd >= 0);
    listen_url(fd, url, sizeof url);
    assert_memory_equal(url, "http://127.0.0.1:", 17);
    assert_int_equal(listen_open(url + 7, error, sizeof error), -1);
    assert_non_null(strstr(error, "another process listens there"));
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_masked), cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(permissions_match),  cmocka_unit_test(metrics_are_written),
        cmocka_unit_test(series_are_bounded), cmocka_unit_test(addresses_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
