/* The default judge as an operation: controllers.h. */
#include "controllers.h"
#include "judge/judge.h"
#include "tree.h"

#include <math.h>
#include <string.h>

enum { METRICS_MAX = 100 };

/* clang-format off */
static const sl_field count_in[] = {
    SL_NUMBER("bad", .help = "events that count against it", .flags = SL_REQUIRED, .min = 0, .max = 9e15),
    SL_NUMBER("all", .help = "all events", .flags = SL_REQUIRED, .min = 0, .max = 9e15), SL_END};
static const sl_field metric_in[] = {
    SL_STRING("name", .flags = SL_REQUIRED, .min = 1, .max = 100),
    SL_ENUM("kind", "values|rate", .def = "values", .help = "measured values, or bad of all events"),
    SL_ENUM("worse", "higher|lower|either", .def = "higher", .help = "the bad direction"),
    SL_BOOL("advisory", .def = "false", .help = "judged and shown, but decides nothing"),
    SL_LIST("control", SL_T_NUMBER, .flags = SL_NULLABLE, .max = 100000, .help = "values of the old version, oldest first"),
    SL_LIST("experiment", SL_T_NUMBER, .flags = SL_NULLABLE, .max = 100000, .help = "values of the new version"),
    SL_LIST_OF("control_rate", count_in, .max = 10000, .help = "the old version, an item an interval"),
    SL_LIST_OF("experiment_rate", count_in, .max = 10000, .help = "the new version, in the same intervals"),
    SL_NUMBER("allowed", .min = 0, .max = 1000, .help = "how much worse is no harm, as a share; default 0.1, of rates 0.5"),
    SL_NUMBER("allowed_by", .min = 0, .help = "the same in the metric's unit; the wider counts"),
    SL_NUMBER("limit", .help = "the worst that may be, in the metric's unit"),
    SL_INT("min_samples", .min = 2, .max = 1000000, .help = "of each version; default 8, of rates 50"),
    SL_END};
const sl_field judge_in[] = {
    SL_LIST_OF("metrics", metric_in, .flags = SL_REQUIRED, .min = 1, .max = METRICS_MAX),
    SL_NUMBER("fail_chance", .def = "0.01", .min = 1e-9, .max = 0.5, .help = "of failing a good version, over all looks and metrics"),
    SL_NUMBER("pass_chance", .def = "0.05", .min = 1e-9, .max = 0.5, .help = "of passing a bad one"),
    SL_END};
static const sl_field finding_out[] = {
    SL_STRING("name"), SL_ENUM("answer", "hold|pass|fail"), SL_STRING("words"), SL_STRING("method"),
    SL_STRING("scale", .help = "of the interval: ratio, difference or share"),
    SL_NUMBER("low"), SL_NUMBER("estimate"), SL_NUMBER("high"),
    SL_NUMBER("boundary", .help = "what the interval is held against"),
    SL_NUMBER("p_worse", .help = "of being no worse than allowed"),
    SL_NUMBER("p_safe", .help = "of being worse than allowed"),
    SL_NUMBER("control_samples"), SL_NUMBER("experiment_samples"),
    SL_NUMBER("control_effective", .help = "after likeness in time was taken off"),
    SL_NUMBER("experiment_effective"),
    SL_NUMBER("more_samples", .help = "of the new version until a pass is likely"), SL_END};
const sl_field judge_out[] = {
    SL_ENUM("answer", "hold|pass|fail"), SL_STRING("words"),
    SL_LIST_OF("findings", finding_out, .help = "one a metric"), SL_END};
/* clang-format on */

static const double *numbers(sl_call *call, const cJSON *array, size_t *count) {
    *count = (size_t)cJSON_GetArraySize(array);
    double *values = sl_alloc(call, (*count + 1) * sizeof *values);
    const cJSON *item;
    size_t i = 0;
    cJSON_ArrayForEach(item, array) values[i++] = item->valuedouble;
    return values;
}

static const struct judge_count *counts(sl_call *call, const cJSON *array, size_t *count) {
    *count = (size_t)cJSON_GetArraySize(array);
    struct judge_count *values = sl_alloc(call, (*count + 1) * sizeof *values);
    const cJSON *item;
    size_t i = 0;
    cJSON_ArrayForEach(item, array) values[i++] =
        (struct judge_count){.bad = number_of(item, "bad"), .all = number_of(item, "all")};
    return values;
}

static int check_counts(sl_call *call, int index, const char *member, const cJSON *array) {
    const cJSON *item;
    int i = 0;
    cJSON_ArrayForEach(item, array) {
        if (number_of(item, "bad") > number_of(item, "all")) {
            sl_fault(call, sl_printf(call, "/metrics/%d/%s/%d", index, member, i), NULL,
                     "more bad events than events");
            return sl_fail(call, SL_INVALID, "metric %d: more bad events than events", index + 1);
        }
        i++;
    }
    return 0;
}

static int read_metric(sl_call *call, const cJSON *in, int index, struct judge_metric *metric) {
    const char *worse = sl_get_text(in, "worse", "higher");
    *metric = (struct judge_metric){
        .name = text_of(in, "name"),
        .kind = strcmp(sl_get_text(in, "kind", ""), "rate") == 0 ? JUDGE_RATE : JUDGE_VALUES,
        .worse = strcmp(worse, "lower") == 0    ? JUDGE_LOWER
                 : strcmp(worse, "either") == 0 ? JUDGE_EITHER
                                                : JUDGE_HIGHER,
        .advisory = sl_get_bool(in, "advisory", 0),
        .allowed = sl_get_number(in, "allowed", 0),
        .allowed_by = sl_get_number(in, "allowed_by", 0),
        .limit = sl_get_number(in, "limit", NAN),
        .min_samples = (size_t)sl_get_int(in, "min_samples", 0)};
    if (metric->kind == JUDGE_VALUES) {
        metric->control_values = numbers(call, item_of(in, "control"), &metric->control_count);
        metric->experiment_values =
            numbers(call, item_of(in, "experiment"), &metric->experiment_count);
        return 0;
    }
    int rc = check_counts(call, index, "control_rate", item_of(in, "control_rate"));
    if (!rc) rc = check_counts(call, index, "experiment_rate", item_of(in, "experiment_rate"));
    size_t old = 0;
    const struct judge_count *control = counts(call, item_of(in, "control_rate"), &old);
    metric->experiment_rate = counts(call, item_of(in, "experiment_rate"), &metric->intervals);
    metric->control_rate = old ? control : NULL;
    if (rc || !old || old == metric->intervals) return rc;
    sl_fault(call, sl_printf(call, "/metrics/%d/control_rate", index), NULL,
             "both versions need the same intervals");
    return sl_fail(call, SL_INVALID, "metric %d: %zu intervals of the old version, %zu of the new",
                   index + 1, old, metric->intervals);
}

static void put_real(cJSON *object, const char *name, double value) {
    if (isfinite(value)) put_number(object, name, value);
}

static void put_finding(cJSON *findings, const char *name, const struct judge_finding *finding) {
    cJSON *out = add_object(findings);
    put_text(out, "name", name);
    put_text(out, "answer", judge_answer_name(finding->answer));
    put_text(out, "words", finding->words);
    if (finding->method) put_text(out, "method", finding->method);
    if (finding->scale) put_text(out, "scale", finding->scale);
    put_real(out, "low", finding->low);
    put_real(out, "estimate", finding->estimate);
    put_real(out, "high", finding->high);
    put_real(out, "boundary", finding->boundary);
    put_real(out, "p_worse", finding->p_worse);
    put_real(out, "p_safe", finding->p_safe);
    put_real(out, "control_samples", finding->control_samples);
    put_real(out, "experiment_samples", finding->experiment_samples);
    put_real(out, "control_effective", finding->control_effective);
    put_real(out, "experiment_effective", finding->experiment_effective);
    put_real(out, "more_samples", finding->more_samples);
}

struct judging {
    const struct judge_metric *metrics;
    size_t count;
    struct judge_settings settings;
    struct judge_finding *findings;
    struct judge_verdict verdict;
};

static int run_judge(void *arg) {
    struct judging *judging = arg;
    judge(judging->metrics, judging->count, &judging->settings, judging->findings,
          &judging->verdict);
    return 0;
}

int judge_metrics(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *list = item_of(in, "metrics"), *item;
    size_t count = 0;
    struct judge_metric *metrics =
        sl_alloc(call, (size_t)cJSON_GetArraySize(list) * sizeof *metrics);
    cJSON_ArrayForEach(item, list) {
        int rc = read_metric(call, item, (int)count, &metrics[count]);
        if (rc) return rc;
        count++;
    }
    struct judging *judging = sl_alloc(call, sizeof *judging);
    *judging = (struct judging){.metrics = metrics,
                                .count = count,
                                .settings = {.fail_chance = sl_get_number(in, "fail_chance", 0),
                                             .pass_chance = sl_get_number(in, "pass_chance", 0)},
                                .findings = sl_alloc(call, count * sizeof(struct judge_finding))};
    int rc = sl_offload(call, run_judge, judging);
    if (rc) return rc;
    put_text(out, "answer", judge_answer_name(judging->verdict.answer));
    put_text(out, "words", judging->verdict.words);
    cJSON *findings = put_array(out, "findings");
    for (size_t i = 0; i < count; i++)
        put_finding(findings, metrics[i].name, &judging->findings[i]);
    return 0;
}
