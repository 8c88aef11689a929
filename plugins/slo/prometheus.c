#include "prometheus.h"

#include "prometheus_answer.h"
#include "slo.h"

#include <string.h>

enum { ANSWER_BYTES_MAX = 16 << 20, GET_BYTES_MAX = 1800, RETRIES = 1 };

struct question {
    const char *path;       /* "query" or "query_range" */
    const char *parameters; /* as a form */
};

static const char *escaped(sl_call *call, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *out = sl_alloc(call, strlen(text) * 3 + 1), *at = out;
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (strchr(plain, byte)) {
            *at++ = (char)byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    return out;
}

static const char *base_url(sl_call *call, const cJSON *options) {
    const char *url = sl_get_text(options, "url", "");
    size_t size = strlen(url);
    while (size && url[size - 1] == '/') size--;
    return sl_strndup(call, url, size);
}

static void set_headers(sl_call *call, const cJSON *options, const char *headers[4]) {
    const char *token = sl_get_text(options, "token", NULL);
    const char *header = sl_get_text(options, "tenant_header", NULL);
    size_t count = 0;
    headers[count++] = "Content-Type: application/x-www-form-urlencoded";
    if (token) headers[count++] = sl_printf(call, "Authorization: Bearer %s", token);
    if (header) headers[count++] = sl_printf(call, "%s: %s", header, sl_tenant(call));
    headers[count] = NULL;
}

static int fetch(sl_call *call, const cJSON *options, const struct question *question,
                 sl_response *response) {
    const char *headers[4];
    set_headers(call, options, headers);
    const size_t size = strlen(question->parameters);
    const bool get = size <= GET_BYTES_MAX;
    const char *url = sl_printf(call, "%s/api/v1/%s%s%s", base_url(call, options), question->path,
                                get ? "?" : "", get ? question->parameters : "");
    return sl_fetch(call,
                    &(sl_request){.method = get ? "GET" : "POST",
                                  .url = url,
                                  .headers = headers,
                                  .body = get ? NULL : question->parameters,
                                  .body_size = get ? 0 : size,
                                  .timeout_ms = sl_get_int(options, "timeout", 10000),
                                  .max_bytes = ANSWER_BYTES_MAX,
                                  .retries = RETRIES,
                                  .ca_file = sl_get_text(options, "ca_file", NULL),
                                  .breaker = "prometheus"},
                    response);
}

static int not_an_answer(sl_call *call, const sl_response *response) {
    if (response->status == 401 || response->status == 403)
        return sl_fail(call, SL_UNAVAILABLE,
                       "Prometheus answers %d: set plugins.slo.prometheus.token to a token that it "
                       "accepts",
                       response->status);
    return sl_fail(call, SL_UNAVAILABLE,
                   "Prometheus answers %d with something that is not its API: check "
                   "plugins.slo.prometheus.url",
                   response->status);
}

static int ask(sl_call *call, const struct question *question, cJSON **result, cJSON **warnings) {
    const struct slo *slo = sl_state(call);
    const cJSON *options = sl_get(slo->config, "prometheus");
    if (!*sl_get_text(options, "url", ""))
        return sl_fail(call, SL_UNAVAILABLE,
                       "no Prometheus is configured: set plugins.slo.prometheus.url");
    sl_response response;
    int rc = fetch(call, options, question, &response);
    sl_count(call, "slo_prometheus_queries_total", 1, rc ? "failed" : "answered");
    if (rc) return rc;
    cJSON *answer;
    if (sl_json_parse(call, "the answer", response.body, response.body_size, &answer))
        return not_an_answer(call, &response);
    char why[PROMETHEUS_WHY_BYTES];
    switch (prometheus_read(answer, result, warnings, why)) {
    case PROMETHEUS_GOOD:
        return 0;
    case PROMETHEUS_REFUSED:
        return sl_fail(call, SL_INVALID, "%s", why);
    case PROMETHEUS_TROUBLE:
        return sl_fail(call, SL_UNAVAILABLE, "%s", why);
    default:
        return not_an_answer(call, &response);
    }
}

int prometheus_ask(sl_call *call, const char *query, int64_t at_ms, cJSON **result) {
    const char *time =
        at_ms ? sl_printf(call, "&time=%lld.%03d", (long long)at_ms / 1000, (int)(at_ms % 1000))
              : "";
    cJSON *warnings;
    return ask(
        call,
        &(struct question){"query", sl_printf(call, "query=%s%s", escaped(call, query), time)},
        result, &warnings);
}

/* ---- query.prometheus ---- */

static const char *seconds(sl_call *call, const char *name, int64_t ms) {
    return sl_printf(call, "&%s=%lld.%03d", name, (long long)ms / 1000, (int)(ms % 1000));
}

static int range_of(sl_call *call, const cJSON *in, struct question *question) {
    const int64_t start_ms = sl_get_int(in, "start_ms", 0);
    const int64_t end_ms = sl_get_int(in, "end_ms", sl_now_ms(call));
    int64_t step_ms = sl_get_int(in, "step_ms", 0);
    if (start_ms >= end_ms) {
        sl_fault(call, "/start_ms", "a time before end_ms", "the range is empty");
        return sl_fail(call, SL_INVALID, "start_ms must be before end_ms");
    }
    /* Prometheus refuses more than 11,000 points a series. */
    const int64_t least_ms = (end_ms - start_ms) / 11000 + 1;
    if (!step_ms) step_ms = least_ms > 15000 ? least_ms : 15000;
    if (step_ms < least_ms) {
        sl_fault(call, "/step_ms", sl_printf(call, "%lld or more", (long long)least_ms),
                 "more than 11,000 points");
        return sl_fail(call, SL_INVALID, "step_ms %lld gives more than 11,000 points in the range",
                       (long long)step_ms);
    }
    question->path = "query_range";
    question->parameters =
        sl_printf(call, "%s%s%s%s", question->parameters, seconds(call, "start", start_ms),
                  seconds(call, "end", end_ms), seconds(call, "step", step_ms));
    return 0;
}

int query_prometheus(sl_call *call, const cJSON *in, cJSON *out) {
    struct question question = {
        "query", sl_printf(call, "query=%s", escaped(call, sl_get_text(in, "query", "")))};
    int rc = 0;
    if (sl_get(in, "start_ms"))
        rc = range_of(call, in, &question);
    else if (sl_get(in, "at_ms"))
        question.parameters = sl_printf(call, "%s%s", question.parameters,
                                        seconds(call, "time", sl_get_int(in, "at_ms", 0)));
    cJSON *result = NULL, *warnings = NULL;
    if (!rc) rc = ask(call, &question, &result, &warnings);
    if (rc) return rc;
    cJSON_AddItemToObject(out, "result", result);
    cJSON_AddItemToObject(out, "warnings", warnings);
    return 0;
}
