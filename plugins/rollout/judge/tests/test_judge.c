/* The default judge: worked cases, agreement with exact counting, and what it promises, by
 * simulation: how often it fails a good canary or passes a bad one over many looks. */
#include "exact.h"
#include "judge.h"
#include "normal.h"
#include "samples.h"
#include "sequence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_near(double is, double wanted, double within) {
    if (!(fabs(is - wanted) <= within)) fail_msg("%.12g, wanted %.12g", is, wanted);
}

static struct judge_finding finding;
static struct judge_verdict verdict;

static enum judge_answer values(const double *control, size_t m, const double *experiment,
                                size_t n) {
    const struct judge_metric metric = {.name = "latency",
                                        .control_values = control,
                                        .control_count = m,
                                        .experiment_values = experiment,
                                        .experiment_count = n};
    judge(&metric, 1, NULL, &finding, &verdict);
    return verdict.answer;
}

static struct judge_metric rate_of(const struct judge_count *control,
                                   const struct judge_count *experiment, size_t intervals) {
    return (struct judge_metric){.name = "errors",
                                 .kind = JUDGE_RATE,
                                 .control_rate = control,
                                 .experiment_rate = experiment,
                                 .intervals = intervals};
}

static enum judge_answer rates(const struct judge_count *control,
                               const struct judge_count *experiment, size_t intervals) {
    const struct judge_metric metric = rate_of(control, experiment, intervals);
    judge(&metric, 1, NULL, &finding, &verdict);
    return verdict.answer;
}

static void assert_words(const char *part) {
    if (!strstr(verdict.words, part)) fail_msg("'%s' is not in: %s", part, verdict.words);
}

/* ---- exact distribution ---- */

static double choose(int n, int k) {
    double c = 1;
    for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
    return c;
}

static void test_exact_tails(void **state) {
    (void)state;
    const double x[] = {10, 11, 12}, y[] = {1, 2, 3};
    struct tails tails;
    assert_true(exact_tails(&(struct two_samples){x, 3, y, 3}, 0, &tails));
    assert_near(tails.above, 1 / choose(6, 3), 1e-12);
    assert_near(tails.below, 1, 1e-12);
    /* Two of the four values are equal: of 6 ways to deal, those with a rank sum >= 2.5 + 4 are 2. */
    const double tied[] = {2, 3}, other[] = {1, 2};
    assert_true(exact_tails(&(struct two_samples){tied, 2, other, 2}, 0, &tails));
    assert_near(tails.above, 2.0 / 6, 1e-12);
    double many[41] = {0};
    assert_false(exact_tails(&(struct two_samples){many, 21, many, 20}, 0, &tails));
}

/* By counting every way to deal. */
static void test_exact_against_enumeration(void **state) {
    (void)state;
    unsigned long long seed = 7;
    for (int round = 0; round < 200; round++) {
        double all[9], x[4], y[5];
        for (int i = 0; i < 9; i++) all[i] = floor(random_unit(&seed) * 7); /* with ties */
        memcpy(x, all, sizeof x);
        memcpy(y, all + 4, sizeof y);
        samples_sort(x, 4), samples_sort(y, 5);
        double observed = rank_u(&(struct two_samples){x, 4, y, 5}, 0), above = 0, ways = 0;
        for (unsigned mask = 0; mask < 512; mask++) {
            if (__builtin_popcount(mask) != 4) continue;
            double a[4], b[5];
            size_t n = 0, m = 0;
            for (int i = 0; i < 9; i++) {
                if (mask >> i & 1)
                    a[n++] = all[i];
                else
                    b[m++] = all[i];
            }
            samples_sort(a, 4), samples_sort(b, 5);
            above += rank_u(&(struct two_samples){a, 4, b, 5}, 0) >= observed;
            ways++;
        }
        struct tails tails;
        assert_true(exact_tails(&(struct two_samples){x, 4, y, 5}, 0, &tails));
        assert_near(tails.above, above / ways, 1e-12);
    }
}

static void test_critical_values(void **state) {
    (void)state;
    /* Tables of Mann and Whitney: for 5 and 5, P(U >= 21) = 0.0476, P(U >= 20) = 0.0754 */
    assert_near(exact_critical(5, 5, 0.05), 21, 0);
    assert_near(exact_critical(5, 5, 0.08), 20, 0);
    assert_near(exact_critical(3, 3, 0.01), 10, 0); /* none: n*m + 1 */
}

/* ---- values ---- */

static void test_three_against_three_holds(void **state) {
    (void)state;
    const double control[] = {1, 2, 3}, experiment[] = {10, 11, 12};
    assert_int_equal(values(control, 3, experiment, 3), JUDGE_HOLD);
    assert_words("not enough evidence");
    assert_words("5 more samples");
}

static void draw(double *into, size_t count, double typical, double spread,
                 unsigned long long *seed) {
    for (size_t i = 0; i < count; i++) into[i] = typical * exp(spread * random_normal(seed));
}

static void test_slower_fails_faster_passes(void **state) {
    (void)state;
    double old[60], new[60];
    unsigned long long seed = 3;
    draw(old, 60, 100, 0.1, &seed);
    draw(new, 60, 150, 0.1, &seed);
    assert_int_equal(values(old, 60, new, 60), JUDGE_FAIL);
    assert_words("worse than allowed");
    assert_string_equal(finding.scale, "ratio");
    assert_true(finding.low > 1.1 && finding.low < 1.5 && finding.high > 1.5);
    assert_near(finding.boundary, 1.1, 1e-9);
    draw(new, 60, 95, 0.1, &seed);
    assert_int_equal(values(old, 60, new, 60), JUDGE_PASS);
}

static void test_direction(void **state) {
    (void)state;
    double old[60], new[60];
    unsigned long long seed = 4;
    draw(old, 60, 100, 0.1, &seed);
    draw(new, 60, 60, 0.1, &seed);
    struct judge_metric metric = {.name = "throughput",
                                  .worse = JUDGE_LOWER,
                                  .control_values = old,
                                  .control_count = 60,
                                  .experiment_values = new,
                                  .experiment_count = 60};
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    metric.worse = JUDGE_EITHER;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    metric.worse = JUDGE_HIGHER;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
}

/* Kayenta's solver cannot see shares of 1e-5; the scale does not matter here. */
static void test_tiny_values(void **state) {
    (void)state;
    double old[60], new[60];
    unsigned long long seed = 5;
    draw(old, 60, 1e-5, 0.1, &seed);
    draw(new, 60, 2e-5, 0.1, &seed);
    assert_int_equal(values(old, 60, new, 60), JUDGE_FAIL);
    assert_true(finding.estimate > 1.9 && finding.estimate < 2.1);
}

static void test_differences_where_there_are_zeros(void **state) {
    (void)state;
    double old[40], new[40];
    unsigned long long seed = 6;
    for (size_t i = 0; i < 40; i++) {
        old[i] = floor(random_unit(&seed) * 3);
        new[i] = old[i] + 20;
    }
    assert_int_equal(values(old, 40, new, 40), JUDGE_FAIL);
    assert_string_equal(finding.scale, "difference");
    assert_near(finding.estimate, 20, 1e-6);
    /* All zeros in both: nothing is allowed, so only the unit's own allowance can pass it. */
    memset(old, 0, sizeof old), memset(new, 0, sizeof new);
    struct judge_metric metric = {.name = "restarts",
                                  .control_values = old,
                                  .control_count = 40,
                                  .experiment_values = new,
                                  .experiment_count = 40,
                                  .allowed_by = 0.5};
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
}

static void test_missing_values_do_not_count(void **state) {
    (void)state;
    double old[60], new[60];
    unsigned long long seed = 8;
    draw(old, 60, 100, 0.1, &seed);
    for (size_t i = 0; i < 60; i++) new[i] = i < 5 ? 300 : NAN;
    assert_int_equal(values(old, 60, new, 60), JUDGE_HOLD);
    assert_near(finding.experiment_samples, 5, 0);
    assert_int_equal(values(NULL, 0, NULL, 0), JUDGE_HOLD);
}

static void test_a_limit_without_control(void **state) {
    (void)state;
    double slow[40], fast[40];
    for (size_t i = 0; i < 40; i++) slow[i] = 600 + (double)i, fast[i] = 100 + (double)i;
    struct judge_metric metric = {
        .name = "latency", .experiment_values = slow, .experiment_count = 40, .limit = 500};
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    metric.experiment_values = fast;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
    metric.limit = 0; /* neither control nor limit: nothing to hold it against */
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_HOLD);
}

/* ---- rates ---- */

static void test_rates(void **state) {
    (void)state;
    const struct judge_count old[] = {{3, 1000}, {2, 1000}, {4, 1000}, {3, 1000}};
    const struct judge_count bad[] = {{8, 100}, {10, 100}, {9, 100}, {11, 100}};
    assert_int_equal(rates(old, bad, 4), JUDGE_FAIL);
    assert_words("9.5 % of 400 against 0.3 % of 4000");
    assert_true(finding.low > 1.5 && finding.estimate > 20);
    const struct judge_count quiet[] = {{0, 100}, {0, 100}, {1, 100}, {0, 100}};
    assert_int_equal(rates(old, quiet, 4), JUDGE_HOLD);
    const struct judge_count many_old[] = {{300, 100000}}, many_new[] = {{290, 100000}};
    assert_int_equal(rates(many_old, many_new, 1), JUDGE_PASS);
}

static void test_no_traffic_holds(void **state) {
    (void)state;
    const struct judge_count old[] = {{3, 1000}, {2, 1000}}, none[] = {{0, 0}, {0, 0}};
    assert_int_equal(rates(old, none, 2), JUDGE_HOLD);
    assert_words("0 samples of the new version");
    assert_int_equal(rates(NULL, NULL, 0), JUDGE_HOLD);
}

static void test_rate_under_its_limit_passes(void **state) {
    (void)state;
    const struct judge_count old[] = {{0, 20000}}, clean[] = {{0, 2000}}, bad[] = {{60, 2000}};
    struct judge_metric metric = rate_of(old, clean, 1);
    metric.limit = 0.01;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
    metric.experiment_rate = bad;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    metric.control_rate = NULL; /* a first deployment: the limit alone */
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    metric.experiment_rate = clean;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
}

/* An outage that hits both versions alike is not the new one's. */
static void test_common_outage(void **state) {
    (void)state;
    const struct judge_count old[] = {{2, 1000}, {900, 1000}, {3, 1000}};
    const struct judge_count new[] = {{0, 100}, {90, 100}, {1, 100}};
    assert_int_equal(rates(old, new, 3), JUDGE_PASS);
    struct judge_metric metric = rate_of(old, new, 3);
    metric.limit = 0.01;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_not_equal(verdict.answer, JUDGE_FAIL);
}

/* After a long good time a failure is seen soon: the effect may begin in any interval. */
static void test_turning_bad_late(void **state) {
    (void)state;
    struct judge_count old[402], new[402];
    for (size_t i = 0; i < 402; i++) {
        old[i] = (struct judge_count){i % 4 == 0, 900};
        new[i] = (struct judge_count){i >= 400 ? 20 : i % 36 == 0, 100};
    }
    assert_int_not_equal(rates(old, new, 400), JUDGE_FAIL);
    assert_int_equal(rates(old, new, 401), JUDGE_FAIL);
}

static void test_share_of_successes(void **state) {
    (void)state;
    const struct judge_count old[] = {{997, 1000}, {998, 1000}}, bad[] = {{80, 100}, {85, 100}};
    struct judge_metric metric = rate_of(old, bad, 2);
    metric.worse = JUDGE_LOWER;
    judge(&metric, 1, NULL, &finding, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
}

static void test_broken_counts_are_left_out(void **state) {
    (void)state;
    const struct judge_count old[] = {{-3, 1000}, {2000, 1000}, {NAN, 5}, {1, INFINITY}};
    assert_int_equal(rates(old, old, 4), JUDGE_HOLD);
}

/* ---- several metrics ---- */

static void test_several_metrics(void **state) {
    (void)state;
    const struct judge_count old[] = {{300, 100000}}, good[] = {{290, 100000}};
    const struct judge_count bad[] = {{900, 100000}}, few[] = {{0, 100}};
    struct judge_metric metrics[3] = {rate_of(old, good, 1), rate_of(old, bad, 1),
                                      rate_of(old, few, 1)};
    metrics[1].name = "refunds";
    struct judge_finding findings[3];
    judge(metrics, 3, NULL, findings, &verdict);
    assert_int_equal(verdict.answer, JUDGE_FAIL);
    assert_int_equal(verdict.decided_by, 1);
    assert_words("refunds");
    metrics[1].advisory = true;
    judge(metrics, 3, NULL, findings, &verdict);
    assert_int_equal(verdict.answer, JUDGE_HOLD);
    assert_int_equal(findings[1].answer, JUDGE_FAIL); /* shown all the same */
    metrics[2].advisory = true;
    judge(metrics, 3, NULL, findings, &verdict);
    assert_int_equal(verdict.answer, JUDGE_PASS);
    judge(NULL, 0, NULL, findings, &verdict);
    assert_int_equal(verdict.answer, JUDGE_HOLD); /* nothing speaks for it */
}

/* ---- sequences ---- */

static void test_looks(void **state) {
    (void)state;
    assert_int_equal(sequence_look(7, 8).size, 0);
    double sum = 0, last = 0;
    for (size_t n = 8; n < 100000; n++) {
        struct look look = sequence_look(n, 8);
        assert_true(look.size <= n && (double)look.size >= (double)n / 1.25 - 2);
        if (look.shares != last) sum += 1 / look.shares;
        last = look.shares;
    }
    assert_true(sum > 0.9 && sum < 1);
}

/* ---- what is promised ---- */

enum { RUNS = 300, LOOKS = 30 };

/* Share of good canaries that are failed at some look, and of those that the margin makes bad and
 * that are passed. */
static void test_chances_hold_over_many_looks(void **state) {
    (void)state;
    static double old[LOOKS * 4], new[LOOKS * 4];
    unsigned long long seed = 11;
    int failed_good = 0, passed_bad = 0;
    for (int run = 0; run < RUNS; run++) {
        bool bad = run % 2;
        draw(old, COUNT(old), 100, 0.3, &seed);
        draw(new, COUNT(new), bad ? 111 : 109, 0.3, &seed); /* just beyond, just within 10 % */
        for (size_t n = 4; n <= COUNT(old); n += 4) {
            enum judge_answer answer = values(old, n, new, n);
            if (answer == JUDGE_HOLD) continue;
            failed_good += !bad && answer == JUDGE_FAIL;
            passed_bad += bad && answer == JUDGE_PASS;
            break;
        }
    }
    /* at most 1 % and 5 % of 150; beyond 3 deviations of these counts it is no chance */
    assert_true(failed_good <= 1.5 + 3 * 1.2);
    assert_true(passed_bad <= 7.5 + 3 * 2.7);
}

static double poisson(double mean, unsigned long long *seed) {
    double limit = exp(-mean), product = random_unit(seed), count = 0;
    for (; product > limit; count++) product *= random_unit(seed);
    return count;
}

static void test_rate_chances_hold_over_many_looks(void **state) {
    (void)state;
    struct judge_count old[LOOKS], new[LOOKS];
    unsigned long long seed = 12;
    int failed_good = 0, passed_bad = 0, failed_terrible = 0;
    for (int run = 0; run < RUNS; run++) {
        int kind = run % 3; /* at the boundary from within, from beyond, and far beyond */
        double times = kind == 0 ? 1.5 : kind == 1 ? 1.51 : 8;
        for (size_t i = 0; i < LOOKS; i++) {
            double common = 0.002 * (1 + (double)(i % 5)); /* the common rate wanders */
            old[i] = (struct judge_count){poisson(2000 * common, &seed), 2000};
            new[i] = (struct judge_count){poisson(500 * common * times, &seed), 500};
        }
        for (size_t n = 1; n <= LOOKS; n++) {
            enum judge_answer answer = rates(old, new, n);
            if (answer == JUDGE_HOLD) continue;
            failed_good += kind == 0 && answer == JUDGE_FAIL;
            passed_bad += kind == 1 && answer == JUDGE_PASS;
            failed_terrible += kind == 2 && answer == JUDGE_FAIL;
            break;
        }
    }
    assert_true(failed_good <= 1 + 3 * 1);
    assert_true(passed_bad <= 5 + 3 * 2.2);
    assert_true(failed_terrible >= RUNS / 3 - 2); /* and it is not deaf */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_tails),
        cmocka_unit_test(test_exact_against_enumeration),
        cmocka_unit_test(test_critical_values),
        cmocka_unit_test(test_three_against_three_holds),
        cmocka_unit_test(test_slower_fails_faster_passes),
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_tiny_values),
        cmocka_unit_test(test_differences_where_there_are_zeros),
        cmocka_unit_test(test_missing_values_do_not_count),
        cmocka_unit_test(test_a_limit_without_control),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_no_traffic_holds),
        cmocka_unit_test(test_rate_under_its_limit_passes),
        cmocka_unit_test(test_common_outage),
        cmocka_unit_test(test_turning_bad_late),
        cmocka_unit_test(test_share_of_successes),
        cmocka_unit_test(test_broken_counts_are_left_out),
        cmocka_unit_test(test_several_metrics),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_chances_hold_over_many_looks),
        cmocka_unit_test(test_rate_chances_hold_over_many_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
