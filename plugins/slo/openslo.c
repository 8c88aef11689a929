#include "openslo.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENTS_MAX = 2000 };

struct reading {
    const cJSON *documents[DOCUMENTS_MAX];
    size_t count;
    cJSON *forms, *notes;
    char *why;
    const char *slo; /* name of the SLO that is read */
};

static const cJSON *item(const cJSON *object, const char *name) {
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(found) ? NULL : found;
}

static const char *text(const cJSON *object, const char *name) {
    const char *found = cJSON_GetStringValue(item(object, name));
    return found ? found : "";
}

static const char *name_of(const cJSON *document) {
    return text(item(document, "metadata"), "name");
}

__attribute__((format(printf, 2, 3))) static bool bad(struct reading *reading, const char *format,
                                                      ...) {
    char words[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)snprintf(reading->why, OPENSLO_WHY_BYTES, "%s%s%s%s", reading->slo ? "SLO '" : "",
                   reading->slo ? reading->slo : "", reading->slo ? "': " : "", words);
    return false;
}

__attribute__((format(printf, 2, 3))) static void note(struct reading *reading, const char *format,
                                                       ...) {
    char words[256], line[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "SLO '%s': %s", reading->slo ? reading->slo : "", words);
    cJSON_AddItemToArray(reading->notes, cJSON_CreateString(line));
}

static const cJSON *find(const struct reading *reading, const char *kind, const char *name) {
    for (size_t i = 0; i < reading->count; i++)
        if (strcmp(text(reading->documents[i], "kind"), kind) == 0 &&
            strcmp(name_of(reading->documents[i]), name) == 0)
            return reading->documents[i];
    return NULL;
}

/* A text where it is one, else what it refers to is an object: "ref" beside "inline". */
static const cJSON *refer(struct reading *reading, const cJSON *object, const char *ref,
                          const char *inlined, const char *kind) {
    const char *name = text(object, ref);
    if (*name) return find(reading, kind, name);
    return item(object, inlined);
}

/* ---- metrics ---- */

/* The query of a metric; NULL when its source is no Prometheus. */
static const char *query_of(struct reading *reading, const cJSON *metric) {
    const cJSON *source = item(metric, "metricSource");
    const char *type = text(source, "type");
    if (!*type && *text(source, "metricSourceRef")) {
        const cJSON *data = find(reading, "DataSource", text(source, "metricSourceRef"));
        type = text(item(data, "spec"), "type");
    }
    if (*type && strcasecmp(type, "prometheus") != 0) {
        note(reading,
             "a metric source of type %.40s cannot be asked: its events are pushed to "
             "POST /slo/counters",
             type);
        return NULL;
    }
    const char *query = text(item(source, "spec"), "query");
    return *query ? query : text(item(source, "spec"), "promql");
}

/* A gauge of events a sample becomes a count by summing its samples. */
static void add_query(cJSON *form, const char *name, const char *query, bool counter) {
    if (counter || strstr(query, "window")) {
        cJSON_AddStringToObject(form, name, query);
        return;
    }
    const size_t size = strlen(query) + 64;
    char *summed = malloc(size);
    if (!summed) return;
    (void)snprintf(summed, size, "sum_over_time((%s)[$window:1m])", query);
    cJSON_AddStringToObject(form, name, summed);
    free(summed);
}

static bool read_ratio(struct reading *reading, const cJSON *ratio, cJSON *form) {
    const cJSON *good = item(ratio, "good"), *poor = item(ratio, "bad");
    const cJSON *total = item(ratio, "total"), *raw = item(ratio, "raw");
    if (raw) {
        const char *query = query_of(reading, raw);
        if (!query) return true;
        if (!*query) return bad(reading, "ratioMetric.raw has no query");
        const bool success = strcmp(text(ratio, "rawType"), "failure") != 0;
        const size_t size = strlen(query) + 16;
        char *failure = malloc(size);
        if (!failure) return bad(reading, "no memory");
        (void)snprintf(failure, size, success ? "1 - (%s)" : "%s", query);
        cJSON_AddStringToObject(form, "ratio", failure);
        free(failure);
        return true;
    }
    if (!total || (!good && !poor))
        return bad(reading, "ratioMetric needs total, and one of good and bad");
    const cJSON *counted = item(ratio, "counter");
    const bool counter = cJSON_IsTrue(counted);
    const char *side = query_of(reading, good ? good : poor), *all = query_of(reading, total);
    if (!side || !all) return true;
    if (!*side || !*all) return bad(reading, "a metric of its indicator has no query");
    if (good && poor) note(reading, "both good and bad are given: good counts");
    add_query(form, good ? "good" : "errors", side, counter);
    add_query(form, "total", all, counter);
    return true;
}

static bool read_indicator(struct reading *reading, const cJSON *spec, const cJSON *objective,
                           cJSON *form) {
    const cJSON *sli = refer(reading, spec, "indicatorRef", "indicator", "SLI");
    if (!sli) sli = refer(reading, objective, "indicatorRef", "indicator", "SLI");
    if (!sli && *text(spec, "indicatorRef")) {
        note(reading,
             "there is no SLI '%.60s' among the documents: its events are pushed to POST "
             "/slo/counters",
             text(spec, "indicatorRef"));
        return true;
    }
    const cJSON *ratio = item(item(sli, "spec"), "ratioMetric");
    const cJSON *threshold = item(item(sli, "spec"), "thresholdMetric");
    if (ratio) return read_ratio(reading, ratio, form);
    if (!threshold)
        return bad(reading, "it has no indicator with a ratioMetric or thresholdMetric");
    const char *query = query_of(reading, threshold), *op = text(objective, "op");
    if (!query) return true;
    const cJSON *value = item(objective, "value");
    if (!*query) return bad(reading, "thresholdMetric has no query");
    if (!*op || !cJSON_IsNumber(value))
        return bad(reading, "a thresholdMetric needs op and value in the objective");
    cJSON_AddStringToObject(form, "value", query);
    cJSON_AddStringToObject(form, "op", op);
    cJSON_AddNumberToObject(form, "threshold", value->valuedouble);
    return true;
}

/* ---- window and method ---- */

static bool read_calendar(struct reading *reading, const cJSON *window, cJSON *form) {
    static const struct {
        char letter;
        const char *unit;
    } units[] = {{'d', "day"}, {'w', "week"}, {'M', "month"}, {'Q', "quarter"}, {'Y', "year"}};
    const char *duration = text(window, "duration");
    char *letter;
    const long count = strtol(duration, &letter, 10);
    size_t i = 0;
    while (i < 5 && units[i].letter != *letter) i++;
    if (count < 1 || count > 100 || i == 5 || letter[1])
        return bad(reading, "'%.40s' is no calendar window: expected as 1d, 1w, 1M, 1Q or 1Y",
                   duration);
    const cJSON *calendar = item(window, "calendar");
    const char *start = text(calendar, "startTime"), *zone = text(calendar, "timeZone");
    cJSON_AddStringToObject(form, "calendar", units[i].unit);
    cJSON_AddNumberToObject(form, "calendar_count", (double)count);
    if (*start) cJSON_AddStringToObject(form, "calendar_start", start);
    if (*zone) cJSON_AddStringToObject(form, "time_zone", zone);
    return true;
}

/* Months and quarters of a rolling window are 30 and 90 days. */
static bool read_rolling(struct reading *reading, const char *duration, cJSON *form) {
    char *letter, days[32];
    const long count = strtol(duration, &letter, 10);
    if (!*duration || count < 1 || count > 1000 || !*letter)
        return bad(reading, "'%.40s' is no duration of a timeWindow: expected as 28d", duration);
    const int unit_days = *letter == 'M' ? 30 : *letter == 'Q' ? 90 : *letter == 'Y' ? 365 : 0;
    (void)snprintf(days, sizeof days, "%ldd", count * unit_days);
    cJSON_AddStringToObject(form, "window", unit_days ? days : duration);
    return true;
}

static bool read_window(struct reading *reading, const cJSON *spec, cJSON *form) {
    const cJSON *windows = item(spec, "timeWindow"), *window = cJSON_GetArrayItem(windows, 0);
    if (cJSON_GetArraySize(windows) > 1) return bad(reading, "it has more than one timeWindow");
    if (!window) return read_rolling(reading, "30d", form);
    const cJSON *rolling = item(window, "isRolling");
    if (item(window, "calendar") || cJSON_IsFalse(rolling))
        return read_calendar(reading, window, form);
    return read_rolling(reading, text(window, "duration"), form);
}

static bool read_method(struct reading *reading, const cJSON *spec, const cJSON *objective,
                        cJSON *form) {
    static const char *const methods[][2] = {{"Occurrences", "events"},
                                             {"Timeslices", "time_slices"},
                                             {"RatioTimeslices", "ratio_time_slices"}};
    const char *method = text(spec, "budgetingMethod"), *slice = text(objective, "timeSliceWindow");
    size_t i = 0;
    while (i < 3 && strcmp(methods[i][0], method) != 0) i++;
    if (i == 3 && *method)
        return bad(reading,
                   "budgetingMethod '%.40s' is not Occurrences, Timeslices or RatioTimeslices",
                   method);
    cJSON_AddStringToObject(form, "method", methods[i % 3][1]);
    if (*slice) cJSON_AddStringToObject(form, "slice", slice);
    const cJSON *target = item(objective, "timeSliceTarget");
    if (cJSON_IsNumber(target))
        cJSON_AddNumberToObject(form, "slice_target", target->valuedouble * 100);
    return true;
}

/* Decimal, so that 0.999 becomes 99.9 and not 99.90000000000001. */
static double percent_of(double ratio) {
    return round(ratio * 1e12) / 1e10;
}

static bool read_target(struct reading *reading, const cJSON *objective, cJSON *form) {
    const cJSON *target = item(objective, "target"), *percent = item(objective, "targetPercent");
    if (cJSON_IsNumber(target) == cJSON_IsNumber(percent))
        return bad(reading, "an objective needs one of target and targetPercent");
    if (target && !(target->valuedouble > 0 && target->valuedouble < 1))
        return bad(reading, "the target %g is not above 0 and below 1", target->valuedouble);
    cJSON_AddNumberToObject(form, "target",
                            target ? percent_of(target->valuedouble) : percent->valuedouble);
    return true;
}

/* ---- alerts ---- */

static bool add_condition(struct reading *reading, const cJSON *document, cJSON *pairs) {
    const cJSON *spec = item(document, "spec"), *condition = item(spec, "condition");
    const cJSON *threshold = item(condition, "threshold");
    const char *kind = text(condition, "kind"), *op = text(condition, "op");
    if (*kind && strcasecmp(kind, "burnrate") != 0)
        return bad(reading, "alert condition '%.60s' is of kind '%.40s', not burnrate",
                   name_of(document), kind);
    if (*op && strcmp(op, "gt") != 0 && strcmp(op, "gte") != 0)
        return bad(reading, "alert condition '%.60s' alerts when the burn rate is low (op: %.20s)",
                   name_of(document), op);
    if (!cJSON_IsNumber(threshold) || !*text(condition, "lookbackWindow"))
        return bad(reading, "alert condition '%.60s' needs threshold and lookbackWindow",
                   name_of(document));
    const char *severity = text(spec, "severity"), *after = text(condition, "alertAfter");
    cJSON *pair = cJSON_CreateObject();
    cJSON_AddStringToObject(pair, "name", name_of(document));
    cJSON_AddStringToObject(pair, "severity",
                            strcasecmp(severity, "page") == 0 ? "page" : "ticket");
    cJSON_AddStringToObject(pair, "long", text(condition, "lookbackWindow"));
    cJSON_AddNumberToObject(pair, "factor", threshold->valuedouble);
    if (*after && *after != '0') cJSON_AddStringToObject(pair, "for", after);
    cJSON_AddItemToArray(pairs, pair);
    return true;
}

static bool add_policy(struct reading *reading, const cJSON *policy, cJSON *pairs) {
    const cJSON *spec = item(policy, "spec"), *one;
    if (cJSON_IsFalse(item(spec, "alertWhenBreaching"))) return true;
    if (cJSON_IsTrue(item(spec, "alertWhenNoData")))
        note(reading,
             "alertWhenNoData of '%.60s': use the exported rule SluiceObjectiveWithoutData",
             name_of(policy));
    cJSON_ArrayForEach(one, item(spec, "conditions")) {
        const char *ref = text(one, "conditionRef");
        const cJSON *condition = *ref ? find(reading, "AlertCondition", ref) : one;
        if (!condition) return bad(reading, "there is no AlertCondition '%.60s'", ref);
        if (!add_condition(reading, condition, pairs)) return false;
    }
    return true;
}

static bool read_alerts(struct reading *reading, const cJSON *spec, cJSON *form) {
    const cJSON *policies = item(spec, "alertPolicies"), *one;
    if (!cJSON_GetArraySize(policies)) {
        /* Without own policies the windows are scaled to any period. */
        cJSON_AddStringToObject(form, "alerts", "scaled");
        return true;
    }
    cJSON *pairs = cJSON_AddArrayToObject(form, "alert_windows");
    cJSON_ArrayForEach(one, policies) {
        const char *ref = cJSON_IsString(one) ? one->valuestring : text(one, "alertPolicyRef");
        const cJSON *policy = *ref ? find(reading, "AlertPolicy", ref) : one;
        if (!policy) {
            note(reading, "there is no AlertPolicy '%.60s' among the documents", ref);
            continue;
        }
        if (!add_policy(reading, policy, pairs)) return false;
    }
    return true;
}

/* ---- one SLO ---- */

static void add_name(cJSON *form, const cJSON *document, const cJSON *objective, int index,
                     int count) {
    char name[128];
    const char *shown = text(objective, "displayName");
    if (count <= 1)
        (void)snprintf(name, sizeof name, "%s", name_of(document));
    else if (*shown)
        (void)snprintf(name, sizeof name, "%s-%s", name_of(document), shown);
    else
        (void)snprintf(name, sizeof name, "%s-%d", name_of(document), index + 1);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at)) *at = '-';
    cJSON_AddStringToObject(form, "name", name);
    const char *title = text(item(document, "metadata"), "displayName");
    if (*title) cJSON_AddStringToObject(form, "title", title);
}

/* The label `env` with one value is the environment. */
static void add_environment(cJSON *form, const cJSON *document) {
    const cJSON *env = item(item(item(document, "metadata"), "labels"), "env");
    if (cJSON_IsArray(env) && cJSON_GetArraySize(env) == 1) env = cJSON_GetArrayItem(env, 0);
    if (cJSON_IsString(env) && *env->valuestring)
        cJSON_AddStringToObject(form, "environment", env->valuestring);
}

static bool read_objective(struct reading *reading, const cJSON *document, const cJSON *objective,
                           cJSON *form) {
    const cJSON *spec = item(document, "spec");
    cJSON_AddStringToObject(form, "service", text(spec, "service"));
    add_environment(form, document);
    return read_target(reading, objective, form) && read_window(reading, spec, form) &&
           read_method(reading, spec, objective, form) &&
           read_indicator(reading, spec, objective, form) && read_alerts(reading, spec, form);
}

static bool read_slo(struct reading *reading, const cJSON *document) {
    const cJSON *spec = item(document, "spec"), *list = item(spec, "objectives"), *objective;
    reading->slo = name_of(document);
    if (!*reading->slo) return bad(reading, "an SLO has no metadata.name");
    if (!*text(spec, "service")) return bad(reading, "it has no service");
    const int count = cJSON_GetArraySize(list);
    if (!count) return bad(reading, "it has no objectives");
    int index = 0;
    cJSON_ArrayForEach(objective, list) {
        cJSON *form = cJSON_CreateObject();
        cJSON_AddItemToArray(reading->forms, form);
        add_name(form, document, objective, index++, count);
        if (!read_objective(reading, document, objective, form)) return false;
    }
    return true;
}

/* ---- all documents ---- */

static bool gather(struct reading *reading, const cJSON *documents) {
    const cJSON *one;
    cJSON_ArrayForEach(one, documents) {
        if (cJSON_IsArray(one)) {
            if (!gather(reading, one)) return false;
            continue;
        }
        if (!cJSON_IsObject(one)) return bad(reading, "a document is no object");
        if (!one->child) continue; /* an empty one between two lines of dashes */
        const char *version = text(one, "apiVersion");
        if (strcmp(version, "openslo/v1") != 0)
            return bad(reading, "apiVersion '%.40s' is not openslo/v1", version);
        if (reading->count == DOCUMENTS_MAX)
            return bad(reading, "more than %d documents", DOCUMENTS_MAX);
        reading->documents[reading->count++] = one;
    }
    return true;
}

bool openslo_read(const cJSON *documents, cJSON *forms, cJSON *notes, char why[OPENSLO_WHY_BYTES]) {
    static const char *const kinds[] = {"SLO",
                                        "SLI",
                                        "AlertPolicy",
                                        "AlertCondition",
                                        "DataSource",
                                        "Service",
                                        "AlertNotificationTarget"};
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) return false;
    reading->forms = forms;
    reading->notes = notes;
    reading->why = why;
    bool good = gather(reading, documents);
    for (size_t i = 0; good && i < reading->count; i++) {
        const char *kind = text(reading->documents[i], "kind");
        size_t k = 0;
        while (k < 7 && strcmp(kinds[k], kind) != 0) k++;
        reading->slo = NULL;
        if (k == 7)
            good = bad(reading, "'%.40s' is no kind of OpenSLO", kind);
        else if (k == 0)
            good = read_slo(reading, reading->documents[i]);
    }
    free(reading);
    return good;
}
