/* Learning from outcomes: the intercept, the floor, the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "learn.h"

#include <math.h>
#include <stdlib.h>

enum { MANY = 2000 };

/* Outcomes that follow sigmoid(learned + truth), from a fixed sequence. */
static void make(struct labelled *rows, size_t count, double truth) {
    uint64_t seed = 88172645463325252ULL;
    for (size_t i = 0; i < count; i++) {
        double parts[2];
        for (int k = 0; k < 2; k++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            parts[k] = (double)(seed >> 11) / 9007199254740992.0;
        }
        rows[i].learned = 4 * parts[0] - 2;
        rows[i].bad = parts[1] < sigmoid(rows[i].learned + truth);
    }
}

static void below_the_floor_nothing_changes(void **state) {
    (void)state;
    struct labelled rows[LEARN_FLOOR - 1];
    make(rows, LEARN_FLOOR - 1, 1);
    struct base_rate base;
    learn_base_rate(rows, LEARN_FLOOR - 1, 0.1, &base);
    assert_true(base.rate == 0.1 && base.shift == 0 && base.outcomes == 0);
}

static void the_intercept_is_found(void **state) {
    (void)state;
    struct labelled rows[MANY];
    for (double truth = -3; truth <= 1; truth += 1) {
        make(rows, MANY, truth);
        struct base_rate base;
        learn_base_rate(rows, MANY, 0.1, &base);
        assert_int_equal(base.outcomes, LEARN_WINDOW);
        assert_true(fabs(logit(base.rate) + base.shift - truth) < 0.4);
        struct learn_figures before, after;
        const struct base_rate plain = {.rate = 0.1};
        learn_measure(rows, MANY, &plain, &before);
        learn_measure(rows, MANY, &base, &after);
        assert_true(after.calibration_error < 0.06);
        if (fabs(truth - logit(0.1)) > 1)
            assert_true(after.calibration_error < before.calibration_error);
    }
}

static void area_and_brier(void **state) {
    (void)state;
    const struct labelled rows[] = {{1, true}, {0, false}, {2, true}, {-1, false}, {0, true}};
    const struct base_rate base = {.rate = 0.5};
    struct learn_figures figures;
    learn_measure(rows, 5, &base, &figures);
    /* Six pairs, one of them a tie. */
    assert_true(fabs(figures.auc - 5.5 / 6) < 1e-12);
    assert_int_equal(figures.bad, 3);
    learn_measure(rows, 1, &base, &figures);
    assert_true(figures.auc == 0.5);
    assert_true(fabs(figures.brier - pow(1 - sigmoid(1), 2)) < 1e-12);
    learn_measure(rows, 0, &base, &figures);
    assert_int_equal(figures.count, 0);
}

static void drift_is_seen(void **state) {
    (void)state;
    struct labelled rows[400];
    make(rows, 200, -3);
    make(rows + 200, 200, 1);
    const struct base_rate base = {.rate = 0.3};
    struct learn_figures figures;
    learn_measure(rows, 400, &base, &figures);
    assert_true(figures.drift > 3);
    make(rows, 400, -1);
    learn_measure(rows, 400, &base, &figures);
    assert_true(fabs(figures.drift) < 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_floor_nothing_changes),
        cmocka_unit_test(the_intercept_is_found),
        cmocka_unit_test(area_and_brier),
        cmocka_unit_test(drift_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
