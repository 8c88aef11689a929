#include "prometheus_answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *item(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text(const cJSON *object, const char *name, const char *otherwise) {
    const char *found = cJSON_GetStringValue(item(object, name));
    return found ? found : otherwise;
}

/* Without control bytes: it goes into one line of an error. */
static void say(char why[PROMETHEUS_WHY_BYTES], const char *before, const char *words) {
    (void)snprintf(why, PROMETHEUS_WHY_BYTES, "%s%s", before, words);
    for (char *at = why; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = ' ';
}

/* A sample value: text in Prometheus' answers. NULL: neither. */
static cJSON *number_of(const cJSON *value) {
    const char *written = cJSON_GetStringValue(value);
    if (!written) return cJSON_IsNumber(value) ? cJSON_CreateNumber(value->valuedouble) : NULL;
    char *end;
    const double number = strtod(written, &end);
    if (end == written || *end) return NULL;
    if (isnan(number)) return cJSON_CreateString("NaN");
    if (isinf(number)) return cJSON_CreateString(number > 0 ? "+Inf" : "-Inf");
    return cJSON_CreateNumber(number);
}

/* [seconds, "text"] to [milliseconds, number] */
static cJSON *sample_of(const cJSON *pair) {
    const cJSON *at = cJSON_GetArrayItem(pair, 0);
    if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 || !cJSON_IsNumber(at)) return NULL;
    if (!(fabs(at->valuedouble) < 1e12)) return NULL;
    cJSON *number = number_of(at->next);
    if (!number) return NULL;
    cJSON *sample = cJSON_CreateArray();
    cJSON_AddItemToArray(sample, cJSON_CreateNumber(round(at->valuedouble * 1000)));
    cJSON_AddItemToArray(sample, number);
    return sample;
}

static cJSON *samples_of(const cJSON *pairs) {
    if (!cJSON_IsArray(pairs)) return NULL;
    cJSON *samples = cJSON_CreateArray();
    const cJSON *pair;
    cJSON_ArrayForEach(pair, pairs) {
        cJSON *sample = sample_of(pair);
        if (!sample) {
            cJSON_Delete(samples);
            return NULL;
        }
        cJSON_AddItemToArray(samples, sample);
    }
    return samples;
}

static cJSON *series_of(const cJSON *given, bool matrix) {
    const char *name = matrix ? "values" : "value";
    const cJSON *metric = item(given, "metric"), *points = item(given, name);
    if (metric && !cJSON_IsObject(metric)) return NULL;
    cJSON *read = matrix ? samples_of(points) : sample_of(points);
    if (!read) return NULL;
    cJSON *series = cJSON_CreateObject();
    cJSON_AddItemToObject(series, "metric",
                          metric ? cJSON_Duplicate(metric, true) : cJSON_CreateObject());
    cJSON_AddItemToObject(series, name, read);
    return series;
}

static cJSON *scalar_result(const cJSON *pair) {
    cJSON *sample = sample_of(pair);
    if (!sample) return NULL;
    cJSON *series = cJSON_CreateObject(), *result = cJSON_CreateArray();
    cJSON_AddItemToObject(series, "metric", cJSON_CreateObject());
    cJSON_AddItemToObject(series, "value", sample);
    cJSON_AddItemToArray(result, series);
    return result;
}

static cJSON *list_result(const cJSON *list, bool matrix) {
    if (!cJSON_IsArray(list)) return NULL;
    cJSON *result = cJSON_CreateArray();
    const cJSON *given;
    int count = 0;
    cJSON_ArrayForEach(given, list) {
        cJSON *series = ++count <= PROMETHEUS_SERIES_MAX ? series_of(given, matrix) : NULL;
        if (!series) {
            cJSON_Delete(result);
            return NULL;
        }
        cJSON_AddItemToArray(result, series);
    }
    return result;
}

static cJSON *result_of(const cJSON *data) {
    const char *type = text(data, "resultType", "");
    const cJSON *result = item(data, "result");
    if (strcmp(type, "vector") == 0) return list_result(result, false);
    if (strcmp(type, "matrix") == 0) return list_result(result, true);
    if (strcmp(type, "scalar") == 0) return scalar_result(result);
    return NULL;
}

static cJSON *texts_of(const cJSON *list) {
    cJSON *texts = cJSON_CreateArray();
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (cJSON_IsString(one)) cJSON_AddItemToArray(texts, cJSON_Duplicate(one, true));
    }
    return texts;
}

/* Of the API's error types these say that the question is wrong; the others may pass. */
static enum prometheus_fault fault_of(const cJSON *answer, char why[PROMETHEUS_WHY_BYTES]) {
    const char *type = text(answer, "errorType", "");
    const bool wrong = strcmp(type, "bad_data") == 0 || strcmp(type, "execution") == 0 ||
                       strcmp(type, "not_acceptable") == 0;
    say(why, wrong ? "Prometheus refuses the query: " : "Prometheus cannot answer: ",
        text(answer, "error", *type ? type : "no reason given"));
    return wrong ? PROMETHEUS_REFUSED : PROMETHEUS_TROUBLE;
}

enum prometheus_fault prometheus_read(const cJSON *answer, cJSON **result, cJSON **warnings,
                                      char why[PROMETHEUS_WHY_BYTES]) {
    *result = *warnings = NULL;
    const char *status = text(answer, "status", "");
    if (strcmp(status, "error") == 0) return fault_of(answer, why);
    if (strcmp(status, "success") == 0) *result = result_of(item(answer, "data"));
    if (!*result) {
        say(why, "the answer is not what Prometheus' HTTP API gives: ",
            *status ? "no vector, matrix or scalar that can be read" : "it has no status");
        return PROMETHEUS_NONSENSE;
    }
    *warnings = texts_of(item(answer, "warnings"));
    return PROMETHEUS_GOOD;
}

bool prometheus_number(const cJSON *result, double *number) {
    if (cJSON_GetArraySize(result) != 1) return false;
    const cJSON *value = cJSON_GetArrayItem(item(result->child, "value"), 1);
    if (!cJSON_IsNumber(value)) return false;
    *number = value->valuedouble;
    return true;
}

void prometheus_duration(long long ms, char out[32]) {
    static const struct {
        long long ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (i < 4 && (ms < units[i].ms || ms % units[i].ms)) i++;
    (void)snprintf(out, 32, "%lld%s", ms / units[i].ms, units[i].unit);
}
