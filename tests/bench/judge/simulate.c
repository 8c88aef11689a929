/* How often the two judges are wrong, and how soon they are right: Markdown tables on standard
 * output. `simulate [RUNS]`, 2,000 by default; the seed is fixed, so two runs print the same. */
#include "judge.h"
#include "kayenta.h"
#include "normal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 60, METRICS = 20 };

enum noise { NORMAL, LOGNORMAL, FOLLOWING };
static const char *const noise_names[] = {"normal, 10 % deviation", "lognormal, sigma 0.5",
                                          "lognormal 0.1, autocorrelation 0.5"};

static unsigned long long seed = 20261122;

static void draw(enum noise noise, double typical, double *into) {
    double last = random_normal(&seed);
    for (int i = 0; i < SAMPLES; i++) {
        double z = random_normal(&seed);
        if (noise == FOLLOWING) z = last = 0.5 * last + sqrt(0.75) * z;
        if (noise == NORMAL) into[i] = typical * fmax(0.01, 1 + 0.1 * z);
        if (noise == LOGNORMAL) into[i] = typical * exp(0.5 * z);
        if (noise == FOLLOWING) into[i] = typical * exp(0.1 * z);
    }
}

/* One canary of `metrics` metrics; the first is `times` as slow. Samples until the first fail or
 * pass; 0: none. */
struct course {
    int kayenta_failed_at, failed_at, passed_at;
};

struct canary {
    enum noise noise;
    double times;
    int metrics, every; /* samples from look to look */
};

static bool kayenta_fails(const double *control, const double *experiment, int n) {
    struct kayenta_options options = kayenta_defaults(false);
    options.direction = KAYENTA_INCREASE;
    const struct kayenta_metric metric = {.name = "m",
                                          .control = control,
                                          .control_count = (size_t)n,
                                          .experiment = experiment,
                                          .experiment_count = (size_t)n};
    struct kayenta_result result;
    kayenta_classify(&metric, &options, &result);
    return result.label == KAYENTA_HIGH;
}

static struct course run_values(struct canary canary) {
    static double control[METRICS][SAMPLES], experiment[METRICS][SAMPLES];
    struct judge_metric metrics[METRICS];
    struct judge_finding findings[METRICS];
    struct judge_verdict verdict = {0};
    struct course course = {0};
    for (int k = 0; k < canary.metrics; k++) {
        draw(canary.noise, 100, control[k]);
        draw(canary.noise, k ? 100 : 100 * canary.times, experiment[k]);
        metrics[k] = (struct judge_metric){
            .name = "m", .control_values = control[k], .experiment_values = experiment[k]};
    }
    for (int n = canary.every; n <= SAMPLES; n += canary.every) {
        for (int k = 0; k < canary.metrics; k++) {
            metrics[k].control_count = metrics[k].experiment_count = (size_t)n;
            if (!course.kayenta_failed_at && kayenta_fails(control[k], experiment[k], n))
                course.kayenta_failed_at = n;
        }
        if (verdict.answer != JUDGE_HOLD) continue;
        judge(metrics, (size_t)canary.metrics, NULL, findings, &verdict);
        if (verdict.answer == JUDGE_FAIL) course.failed_at = n;
        if (verdict.answer == JUDGE_PASS) course.passed_at = n;
    }
    return course;
}

/* ---- sums ---- */

struct sums {
    int runs, kayenta_failed, failed, passed;
    int kayenta_at[SAMPLES + 1], failed_at[SAMPLES + 1], passed_at[SAMPLES + 1];
};

static void add(struct sums *sums, struct course course) {
    sums->runs++;
    sums->kayenta_failed += course.kayenta_failed_at > 0;
    sums->failed += course.failed_at > 0;
    sums->passed += course.passed_at > 0;
    sums->kayenta_at[course.kayenta_failed_at]++;
    sums->failed_at[course.failed_at]++;
    sums->passed_at[course.passed_at]++;
}

static int median(const int *at, int events) {
    int seen = 0;
    for (int n = 1; n <= SAMPLES; n++) {
        seen += at[n];
        if (seen * 2 >= events && events) return n;
    }
    return 0;
}

static double percent(int events, const struct sums *sums) {
    return 100.0 * events / sums->runs;
}

static void print_row(const char *name, const struct sums *sums) {
    printf("| %s | %.1f %% | %d | %.1f %% | %d | %.1f %% | %d |\n", name,
           percent(sums->kayenta_failed, sums), median(sums->kayenta_at, sums->kayenta_failed),
           percent(sums->failed, sums), median(sums->failed_at, sums->failed),
           percent(sums->passed, sums), median(sums->passed_at, sums->passed));
}

static const char head[] = "| | Kayenta fails | at | default fails | at | default passes | at |\n"
                           "|---|---|---|---|---|---|---|\n";

static void false_alarms(int runs) {
    printf("### Equal versions, values: a fail is a false alarm\n\n%s", head);
    static const struct {
        const char *words;
        int metrics, every;
    } plans[] = {{"1 metric, 1 look", 1, 60},
                 {"1 metric, 12 looks", 1, 5},
                 {"1 metric, 60 looks", 1, 1},
                 {"20 metrics, 12 looks", METRICS, 5}};
    for (enum noise noise = NORMAL; noise <= FOLLOWING; noise++) {
        for (size_t p = 0; p < sizeof plans / sizeof *plans; p++) {
            struct sums sums = {0};
            int own = plans[p].metrics > 1 ? runs / 10 : runs;
            for (int i = 0; i < own; i++)
                add(&sums, run_values((struct canary){noise, 1, plans[p].metrics, plans[p].every}));
            char name[120];
            (void)snprintf(name, sizeof name, "%s; %s", noise_names[noise], plans[p].words);
            print_row(name, &sums);
        }
    }
}

static void power_of_values(int runs) {
    static const double times[] = {1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0};
    for (enum noise noise = NORMAL; noise <= FOLLOWING; noise++) {
        printf("\n### Power, values, %s: 60 samples a version, 12 looks\n\n%s", noise_names[noise],
               head);
        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
            struct sums sums = {0};
            for (int i = 0; i < runs; i++)
                add(&sums, run_values((struct canary){noise, times[t], 1, 5}));
            char name[40];
            (void)snprintf(name, sizeof name, "%.2f times as slow", times[t]);
            print_row(name, &sums);
        }
    }
}

/* ---- rates ---- */

static double draw_count(double mean) {
    if (mean > 60) return fmax(0, round(mean + sqrt(mean) * random_normal(&seed)));
    double limit = exp(-mean), product = random_unit(&seed), count = 0;
    for (; product > limit; count++) product *= random_unit(&seed);
    return count;
}

static struct course run_rates(double error_rate, double times) {
    enum { OLD = 1800, NEW = 200 }; /* requests an interval: a tenth goes to the new version */
    struct judge_count old[SAMPLES], new[SAMPLES];
    double old_share[SAMPLES], new_share[SAMPLES];
    struct judge_finding finding;
    struct judge_verdict verdict = {0};
    struct course course = {0};
    for (int i = 0; i < SAMPLES; i++) {
        old[i] = (struct judge_count){fmin(OLD, draw_count(OLD * error_rate)), OLD};
        new[i] = (struct judge_count){fmin(NEW, draw_count(NEW * error_rate * times)), NEW};
        old_share[i] = old[i].bad / OLD;
        new_share[i] = new[i].bad / NEW;
    }
    struct judge_metric metric = {
        .name = "errors", .kind = JUDGE_RATE, .control_rate = old, .experiment_rate = new};
    for (int n = 1; n <= SAMPLES; n++) {
        metric.intervals = (size_t)n;
        if (!course.kayenta_failed_at && n % 5 == 0 && kayenta_fails(old_share, new_share, n))
            course.kayenta_failed_at = n;
        if (verdict.answer != JUDGE_HOLD) continue;
        judge(&metric, 1, NULL, &finding, &verdict);
        if (verdict.answer == JUDGE_FAIL) course.failed_at = n;
        if (verdict.answer == JUDGE_PASS) course.passed_at = n;
    }
    return course;
}

static void power_of_rates(int runs) {
    static const double base[] = {0.0005, 0.005, 0.02};
    static const double times[] = {1, 1.5, 2, 3, 5, 10, 30};
    for (size_t b = 0; b < sizeof base / sizeof *base; b++) {
        printf("\n### Errors, old version %.2f %%: 60 intervals of 1800 and 200 requests; looks: "
               "Kayenta 12, default 60\n\n%s",
               base[b] * 100, head);
        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
            struct sums sums = {0};
            for (int i = 0; i < runs; i++) add(&sums, run_rates(base[b], times[t]));
            char name[40];
            (void)snprintf(name, sizeof name, "%.1f times the errors", times[t]);
            print_row(name, &sums);
        }
    }
}

int main(int argc, char **argv) {
    int runs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    if (runs < 10) return 2;
    false_alarms(runs);
    power_of_values(runs);
    power_of_rates(runs);
    return 0;
}
