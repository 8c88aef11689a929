/* The routes of Kayenta over its judge (judge/kayenta.h): controllers.h. */
#include "controllers.h"
#include "judge/kayenta.h"
#include "judge/samples.h"
#include "rollout.h"
#include "tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { METRICS_MAX = 200, GROUPS_MAX = 16, POINTS_MAX = 20000 };

/* clang-format off */
const sl_field canary_list_in[] = {
    SL_STRING("application", .help = "only those of this application, or of all", .max = 253),
    SL_END};
const sl_field canary_start_in[] = {
    SL_STRING("id", .help = "of the configuration", .flags = SL_REQUIRED, .max = 128),
    SL_OBJECT("scopes", NULL, .flags = SL_REQUIRED | SL_OPEN,
              .help = "controlScope and experimentScope by name: scope, location, step, start, end"),
    SL_OBJECT("thresholds", NULL, .flags = SL_OPEN, .help = "pass and marginal, 0 to 100"),
    SL_END};
const sl_field canary_id_in[] = {
    SL_STRING("id", .help = "canaryExecutionId", .flags = SL_REQUIRED, .max = 64), SL_END};
const sl_field canary_judge_in[] = {
    SL_OBJECT("canaryConfig", NULL, .flags = SL_REQUIRED | SL_OPEN, .help = "metrics and classifier"),
    SL_OBJECT("scoreThresholds", NULL, .flags = SL_OPEN, .help = "pass and marginal"),
    SL_LIST("metricSetPairList", SL_T_OBJECT, .flags = SL_REQUIRED, .max = METRICS_MAX,
            .help = "name, and values: control and experiment; NaN as text or null"),
    SL_END};
/* clang-format on */

/* ---- reading a configuration ---- */

static const cJSON *configs(sl_call *call) {
    const struct rollout *rollout = sl_state(call);
    return sl_get(rollout->config, "canary_configs");
}

static const cJSON *config_named(sl_call *call, const char *id) {
    const cJSON *config;
    cJSON_ArrayForEach(config, configs(call)) {
        if (strcmp(sl_get_text(config, "id", ""), id) == 0) return config;
    }
    return NULL;
}

static const cJSON *metric_named(const cJSON *config, const char *name) {
    const cJSON *metric;
    cJSON_ArrayForEach(metric, item_of(config, "metrics")) {
        if (name && strcmp(sl_get_text(metric, "name", ""), name) == 0) return metric;
    }
    return NULL;
}

static struct kayenta_options options_of(const cJSON *metric) {
    const cJSON *canary = item_of(item_of(metric, "analysisConfigurations"), "canary");
    const cJSON *effect = item_of(canary, "effectSize"), *outliers = item_of(canary, "outliers");
    const char *direction = sl_get_text(canary, "direction", "either");
    struct kayenta_options options =
        kayenta_defaults(strcmp(sl_get_text(effect, "measure", ""), "cles") == 0);
    if (strcmp(direction, "increase") == 0) options.direction = KAYENTA_INCREASE;
    if (strcmp(direction, "decrease") == 0) options.direction = KAYENTA_DECREASE;
    options.replace_missing = strcmp(sl_get_text(canary, "nanStrategy", ""), "replace") == 0;
    options.remove_outliers = strcmp(sl_get_text(outliers, "strategy", ""), "remove") == 0;
    options.outlier_factor = sl_get_number(outliers, "outlierFactor", options.outlier_factor);
    options.critical = sl_get_bool(canary, "critical", 0);
    options.must_have_data = sl_get_bool(canary, "mustHaveData", 0);
    options.allowed_increase = sl_get_number(effect, "allowedIncrease", options.allowed_increase);
    options.allowed_decrease = sl_get_number(effect, "allowedDecrease", options.allowed_decrease);
    options.critical_increase =
        sl_get_number(effect, "criticalIncrease", options.critical_increase);
    options.critical_decrease =
        sl_get_number(effect, "criticalDecrease", options.critical_decrease);
    return options;
}

static bool is_muted(const cJSON *metric) {
    const cJSON *canary = item_of(item_of(metric, "analysisConfigurations"), "canary");
    return sl_get_bool(canary, "muted", 0);
}

/* ---- judging ---- */

struct series {
    double *values;
    size_t count;
};

struct pair {
    const char *name, *id;
    const cJSON *tags;
    struct series control, experiment;
};

static double number(const cJSON *item) {
    if (cJSON_IsNumber(item)) return item->valuedouble;
    return cJSON_IsString(item) ? strtod(item->valuestring, NULL) : NAN; /* "NaN" */
}

static struct series series_of(sl_call *call, const cJSON *array) {
    int size = cJSON_GetArraySize(array);
    if (size > POINTS_MAX) size = POINTS_MAX;
    struct series series = {sl_alloc(call, (size_t)(size + 1) * sizeof(double)), 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        if (series.count == (size_t)size) break;
        double value = number(item);
        series.values[series.count++] = isinf(value) ? NAN : value;
    }
    return series;
}

static void put_real(cJSON *object, const char *name, double value) {
    if (isfinite(value))
        put_number(object, name, value);
    else
        put_text(object, name, "NaN");
}

static void put_stats(sl_call *call, cJSON *result, const char *member, const struct series *series,
                      const struct kayenta_options *options) {
    double *own = sl_alloc(call, (series->count + 1) * sizeof *own);
    size_t count = series->count;
    if (count) memcpy(own, series->values, count * sizeof *own);
    if (options->replace_missing)
        samples_replace_missing(own, count, 0);
    else
        count = samples_drop_missing(own, count);
    samples_sort(own, count);
    cJSON *stats = put_object(put_object(result, member), "stats");
    put_number(stats, "count", (double)count);
    put_real(stats, "min", count ? own[0] : 0);
    put_real(stats, "max", count ? own[count - 1] : 0);
    put_real(stats, "mean", count ? samples_mean(own, count) : 0);
    put_real(stats, "std", samples_deviation(own, count));
}

static void put_result(sl_call *call, cJSON *results, const struct pair *pair, const cJSON *metric,
                       const struct kayenta_result *found) {
    const struct kayenta_options options = options_of(metric);
    cJSON *result = add_object(results);
    put_text(result, "name", pair->name);
    if (pair->id) put_text(result, "id", pair->id);
    if (pair->tags) put_item(result, "tags", cJSON_Duplicate(pair->tags, 1));
    put_text(result, "classification", kayenta_label_name(found->label));
    if (found->reason[0]) put_text(result, "classificationReason", found->reason);
    put_bool(result, "critical", found->critical);
    put_bool(result, "muted", is_muted(metric));
    const cJSON *groups = item_of(metric, "groups");
    put_item(result, "groups", groups ? cJSON_Duplicate(groups, 1) : cJSON_CreateArray());
    put_stats(call, result, "controlMetadata", &pair->control, &options);
    put_stats(call, result, "experimentMetadata", &pair->experiment, &options);
    cJSON *metadata = put_object(result, "resultMetadata");
    put_real(metadata, "ratio", found->deviation);
    if (!found->compared) return;
    put_real(metadata, "effect", found->effect);
    put_real(metadata, "low", found->low);
    put_real(metadata, "estimate", found->estimate);
    put_real(metadata, "high", found->high);
    put_real(metadata, "bound", found->bound);
}

static const char *const *groups_of(sl_call *call, const cJSON *metric) {
    const char **groups = sl_alloc(call, (GROUPS_MAX + 1) * sizeof *groups);
    const cJSON *group;
    size_t count = 0;
    cJSON_ArrayForEach(group, item_of(metric, "groups")) {
        if (cJSON_IsString(group) && count < GROUPS_MAX) groups[count++] = group->valuestring;
    }
    return groups;
}

static size_t weights_of(const cJSON *config, struct kayenta_weight *weights, size_t room) {
    const cJSON *weight;
    size_t count = 0;
    cJSON_ArrayForEach(weight, item_of(item_of(config, "classifier"), "groupWeights")) {
        if (count < room)
            weights[count++] = (struct kayenta_weight){weight->string, number(weight)};
    }
    return count;
}

static void put_score(cJSON *judged, const struct kayenta_score *score) {
    cJSON *groups = put_array(judged, "groupScores");
    for (size_t i = 0; i < score->group_count; i++) {
        cJSON *group = add_object(groups);
        put_text(group, "name", score->groups[i].name);
        put_number(group, "score", score->groups[i].score);
        put_text(group, "classification", "");
        put_text(group, "classificationReason", "");
    }
    cJSON *own = put_object(judged, "score");
    put_number(own, "score", score->score);
    put_text(own, "classification", kayenta_outcome_name(score->outcome));
    put_text(own, "classificationReason", score->reason);
}

static struct kayenta_thresholds thresholds_of(const cJSON *given, const cJSON *config) {
    const cJSON *own = item_of(item_of(config, "classifier"), "scoreThresholds");
    return (struct kayenta_thresholds){
        .pass = sl_get_number(given, "pass", sl_get_number(own, "pass", 95)),
        .marginal = sl_get_number(given, "marginal", sl_get_number(own, "marginal", 75))};
}

/* Fills `judged` with what Kayenta calls judgeResult. */
static int judge_pairs(sl_call *call, const cJSON *config, const cJSON *thresholds,
                       const struct pair *pairs, size_t count, cJSON *judged) {
    struct kayenta_scored *scored = sl_alloc(call, (count + 1) * sizeof *scored);
    struct kayenta_weight weights[64];
    put_text(judged, "judgeName", "NetflixACAJudge-v1.0");
    cJSON *results = put_array(judged, "results");
    for (size_t i = 0; i < count; i++) {
        const cJSON *metric = metric_named(config, pairs[i].name);
        if (!metric)
            return sl_fail(call, SL_INVALID, "the canary configuration has no metric '%s'",
                           pairs[i].name);
        const struct kayenta_metric given = {.name = pairs[i].name,
                                             .control = pairs[i].control.values,
                                             .control_count = pairs[i].control.count,
                                             .experiment = pairs[i].experiment.values,
                                             .experiment_count = pairs[i].experiment.count};
        const struct kayenta_options options = options_of(metric);
        struct kayenta_result *found = sl_alloc(call, sizeof *found);
        kayenta_classify(&given, &options, found);
        put_result(call, results, &pairs[i], metric, found);
        scored[i] = (struct kayenta_scored){.label = found->label,
                                            .critical = found->critical,
                                            .muted = is_muted(metric),
                                            .reason = found->reason,
                                            .groups = groups_of(call, metric)};
    }
    struct kayenta_score *score = sl_alloc(call, sizeof *score);
    size_t weight_count = weights_of(config, weights, 64);
    kayenta_score(scored, count, weights, weight_count, thresholds_of(thresholds, config), score);
    put_score(judged, score);
    return 0;
}

int canary_judge(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *list = item_of(in, "metricSetPairList"), *item;
    struct pair *pairs = sl_alloc(call, (size_t)(cJSON_GetArraySize(list) + 1) * sizeof *pairs);
    size_t count = 0;
    cJSON_ArrayForEach(item, list) {
        const cJSON *values = item_of(item, "values");
        pairs[count++] =
            (struct pair){.name = sl_get_text(item, "name", ""),
                          .id = text_of(item, "id"),
                          .tags = item_of(item, "tags"),
                          .control = series_of(call, item_of(values, "control")),
                          .experiment = series_of(call, item_of(values, "experiment"))};
    }
    return judge_pairs(call, item_of(in, "canaryConfig"), item_of(in, "scoreThresholds"), pairs,
                       count, out);
}

/* ---- GET /canaryConfig ---- */

static bool is_for(const cJSON *config, const char *application) {
    const cJSON *applications = item_of(config, "applications"), *one;
    if (!application || !cJSON_GetArraySize(applications)) return true;
    cJSON_ArrayForEach(one, applications) {
        if (cJSON_IsString(one) && strcmp(one->valuestring, application) == 0) return true;
    }
    return false;
}

int canary_configs(sl_call *call, const cJSON *in, cJSON *out) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *config;
    cJSON_ArrayForEach(config, configs(call)) {
        if (!is_for(config, text_of(in, "application"))) continue;
        cJSON *row = add_object(list);
        put_text(row, "id", sl_get_text(config, "id", ""));
        put_text(row, "name", sl_get_text(config, "name", sl_get_text(config, "id", "")));
    }
    put_item(out, "items", list);
    const char *text = sl_json_print(call, list);
    sl_reply_bytes(call, "application/json", text,
                   strlen(text)); /* Kayenta answers the list itself */
    return 0;
}

/* ---- POST /canary/{id} ---- */

static int64_t time_of(const char *text) {
    struct tm at = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &at) : NULL;
    if (!rest) return -1;
    if (*rest == '.') rest += 1 + strspn(rest + 1, "0123456789");
    if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0) return -1;
    return (int64_t)timegm(&at) * 1000;
}

struct scope {
    const char *scope, *location;
    int64_t start_ms, end_ms, step_ms;
};

static int read_scope(sl_call *call, const cJSON *from, const char *pointer, struct scope *scope) {
    *scope = (struct scope){.scope = sl_get_text(from, "scope", ""),
                            .location = sl_get_text(from, "location", ""),
                            .start_ms = time_of(text_of(from, "start")),
                            .end_ms = time_of(text_of(from, "end")),
                            .step_ms = sl_get_int(from, "step", 60) * 1000};
    if (scope->start_ms >= 0 && scope->end_ms > scope->start_ms && scope->step_ms > 0) return 0;
    sl_fault(call, pointer, NULL, "start and end must be times in UTC, start before end");
    return sl_fail(call, SL_INVALID,
                   "%s: start and end must be times as 2026-01-02T03:04:05Z, start before end, and "
                   "step a number of seconds",
                   pointer);
}

/* The scopes of the metric's scopeName, or the first ones. */
static int scopes_of(sl_call *call, const cJSON *request, const cJSON *metric,
                     struct scope *control, struct scope *experiment) {
    const cJSON *scopes = item_of(request, "scopes");
    const char *name = sl_get_text(metric, "scopeName", "default");
    const cJSON *both = item_of(scopes, name);
    if (!both) both = scopes ? scopes->child : NULL;
    int rc = read_scope(call, item_of(both, "controlScope"), "/scopes/controlScope", control);
    return rc ? rc
              : read_scope(call, item_of(both, "experimentScope"), "/scopes/experimentScope",
                           experiment);
}

static int check_config(sl_call *call, const char *id, const cJSON **config) {
    *config = config_named(call, id);
    if (*config) return 0;
    return sl_fail(call, SL_NOT_FOUND,
                   "there is no canary configuration '%s'; GET /canaryConfig lists those of "
                   "canary_configs",
                   id);
}

int canary_start(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *config;
    int rc = check_config(call, text_of(in, "id"), &config);
    if (rc) return rc;
    struct scope control, experiment;
    const cJSON *metrics = item_of(config, "metrics");
    rc = scopes_of(call, in, metrics ? metrics->child : NULL, &control, &experiment);
    if (rc) return rc;
    const char *id = sl_new_id(call);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO rollout_canary (tenant, id, created_at, request, result) "
                 "VALUES ($1, $2, $3, $4, '')",
                 SL_ARGS(sl_text(id), sl_int(sl_now_ms(call)), sl_text(sl_json_print(call, in))));
    put_text(out, "canaryExecutionId", id);
    return sl_commit(batch);
}

/* ---- GET /canary/{id} ---- */

/* PromQL with ${scope} and ${location} filled in; quotes in them would end the string they stand in. */
static int fill_query(sl_call *call, const char *template, const struct scope *scope,
                      const char **query) {
    const struct {
        const char *name, *value;
    } variables[] = {{"${scope}", scope->scope}, {"${location}", scope->location}};
    const char *text = strncmp(template, "PromQL:", 7) == 0 ? template + 7 : template;
    for (size_t i = 0; i < 2; i++) {
        if (strpbrk(variables[i].value, "\"\\'`{}\n"))
            return sl_fail(call, SL_INVALID, "'%s' cannot stand in a query", variables[i].value);
        const char *at;
        while ((at = strstr(text, variables[i].name)) != NULL)
            text = sl_printf(call, "%.*s%s%s", (int)(at - text), text, variables[i].value,
                             at + strlen(variables[i].name));
    }
    *query = text;
    return 0;
}

static const char *template_of(const cJSON *metric) {
    const cJSON *query = item_of(metric, "query");
    if (cJSON_IsString(query)) return query->valuestring;
    return sl_get_text(query, "customInlineTemplate", sl_get_text(query, "query", NULL));
}

/* All series of the answer, one after the other, as Kayenta pools them. */
static struct series pool(sl_call *call, const cJSON *answer) {
    const cJSON *one, *point;
    struct series series = {sl_alloc(call, POINTS_MAX * sizeof(double)), 0};
    cJSON_ArrayForEach(one, item_of(answer, "result")) {
        cJSON_ArrayForEach(point, item_of(one, "values")) {
            double value = number(cJSON_GetArrayItem(point, 1));
            if (series.count < POINTS_MAX)
                series.values[series.count++] = isinf(value) ? NAN : value;
        }
    }
    return series;
}

static int measure(sl_call *call, const cJSON *metric, const struct scope *scope,
                   struct series *series) {
    const char *template = template_of(metric), *query = NULL;
    if (!template)
        return sl_fail(call, SL_INVALID,
                       "metric '%s' has no query: give PromQL as query or "
                       "query.customInlineTemplate",
                       sl_get_text(metric, "name", ""));
    int rc = fill_query(call, template, scope, &query);
    if (rc) return rc;
    cJSON *in = cJSON_CreateObject(), *answer = NULL;
    put_text(in, "query", query);
    put_number(in, "start_ms", (double)scope->start_ms);
    put_number(in, "end_ms", (double)scope->end_ms);
    put_number(in, "step_ms", (double)scope->step_ms);
    rc = sl_invoke(call, "query.prometheus", in, &answer);
    if (!rc) *series = pool(call, answer);
    return rc;
}

static int judge_request(sl_call *call, const cJSON *request, cJSON *judged) {
    const cJSON *config, *metric;
    int rc = check_config(call, text_of(request, "id"), &config);
    if (rc) return rc;
    const cJSON *metrics = item_of(config, "metrics");
    struct pair *pairs = sl_alloc(call, (size_t)(cJSON_GetArraySize(metrics) + 1) * sizeof *pairs);
    size_t count = 0;
    cJSON_ArrayForEach(metric, metrics) {
        struct scope control, experiment;
        struct pair *pair = &pairs[count++];
        pair->name = sl_get_text(metric, "name", "");
        rc = scopes_of(call, request, metric, &control, &experiment);
        if (!rc) rc = measure(call, metric, &control, &pair->control);
        if (!rc) rc = measure(call, metric, &experiment, &pair->experiment);
        if (rc) return rc;
    }
    return judge_pairs(call, config, item_of(request, "thresholds"), pairs, count, judged);
}

/* The end of the last window: before it there is nothing to judge yet. */
static int64_t end_of(const cJSON *request) {
    int64_t end = 0;
    const cJSON *both, *one;
    cJSON_ArrayForEach(both, item_of(request, "scopes")) {
        cJSON_ArrayForEach(one, both) {
            int64_t own = time_of(text_of(one, "end"));
            if (own > end) end = own;
        }
    }
    return end;
}

static int keep(sl_call *call, const char *id, const cJSON *answer) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "UPDATE rollout_canary SET result = $3 WHERE tenant = $1 AND id = $2",
                 SL_ARGS(sl_text(id), sl_text(sl_json_print(call, answer))));
    return sl_commit(batch);
}

static int show_kept(sl_call *call, const sl_rows *rows, cJSON *out) {
    const cJSON *kept = sl_cell_json(call, rows, 0, "result"), *member;
    cJSON_ArrayForEach(member, kept) put_shared(out, member->string, member);
    return 0;
}

int canary_result(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = text_of(in, "id");
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT request, result FROM rollout_canary WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count) return sl_fail(call, SL_NOT_FOUND, "there is no canary analysis '%s'", id);
    const char *kept = sl_cell_text(&rows, 0, "result");
    if (kept && *kept) return show_kept(call, &rows, out);
    const cJSON *request = sl_cell_json(call, &rows, 0, "request");
    put_bool(out, "complete", sl_now_ms(call) >= end_of(request));
    put_text(out, "status", cJSON_IsTrue(item_of(out, "complete")) ? "succeeded" : "running");
    if (!cJSON_IsTrue(item_of(out, "complete"))) return 0;
    rc = judge_request(call, request, put_object(put_object(out, "result"), "judgeResult"));
    return rc ? rc : keep(call, id, out);
}
