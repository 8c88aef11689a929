/* pull.c - evidence that is asked for: Prometheus through the platform's one client, Loki directly.
 * What comes back is a line of the timeline; asking again changes nothing but its newest numbers. */
#include "evidence.h"
#include "miner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE_MS = 3600000, POINTS = 120, LOKI_LINES = 2000, LOKI_BYTES = 8 << 20 };

/* "{service}" and "{environment}" in a query become those of the incident. */
static const char *with_names(sl_call *call, const char *query, const struct incident *i) {
    const char *service = i->services->child ? i->services->child->valuestring : "";
    const struct {
        const char *mark, *value;
    } marks[] = {{"{service}", service}, {"{environment}", i->environment ? i->environment : ""}};
    for (size_t m = 0; m < 2; m++)
        for (const char *at; (at = strstr(query, marks[m].mark)) != NULL;) {
            /* Quotes and backslashes of a name must not end the string of the query. */
            if (strpbrk(marks[m].value, "\"\\`\n") || strstr(marks[m].value, marks[m].mark))
                return NULL;
            query = sl_printf(call, "%.*s%s%s", (int)(at - query), query, marks[m].value,
                              at + strlen(marks[m].mark));
        }
    return query;
}

static const char *line_id(sl_call *call, const char *source, const char *query) {
    char hex[65];
    sl_sha256(query, strlen(query), hex);
    return sl_printf(call, "%s/%.16s", source, hex);
}

static int keep_line(sl_call *call, const struct incident *i, const char *source, const char *query,
                     int64_t at_ms, const char *text) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "DELETE FROM incident_line WHERE tenant = $1 AND incident_id = $2 AND id = $3",
                 SL_ARGS(sl_text(i->id), sl_text(line_id(call, source, query))));
    line_add(call, batch,
             &(struct new_line){.incident = i->id,
                                .id = line_id(call, source, query),
                                .source = source,
                                .kind = "symptom",
                                .text = text,
                                .ref = query,
                                .at_ms = at_ms,
                                .inferred = true});
    return sl_commit(batch);
}

/* ---- Prometheus ---- */

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
    if (!n) return NAN;
    qsort(values, n, sizeof *values, rising);
    return values[n / 2];
}

/* Samples before and since the onset, of all series together. */
static void part_samples(const cJSON *result, int64_t onset_ms, double *before, size_t *n_before,
                         double *since, size_t *n_since, size_t room) {
    const cJSON *series, *point;
    cJSON_ArrayForEach(series, result) {
        cJSON_ArrayForEach(point, sl_get(series, "values")) {
            const cJSON *at = cJSON_GetArrayItem(point, 0), *value = cJSON_GetArrayItem(point, 1);
            if (!cJSON_IsNumber(at) || !cJSON_IsNumber(value))
                continue; /* NaN and +Inf are texts */
            if (at->valuedouble < (double)onset_ms) {
                if (*n_before < room) before[(*n_before)++] = value->valuedouble;
            } else if (*n_since < room) {
                since[(*n_since)++] = value->valuedouble;
            }
        }
    }
}

static int pull_prometheus(sl_call *call, const struct incident *i, const cJSON *asked,
                           cJSON *out) {
    const char *name = sl_get_text(asked, "name", "query");
    const char *query = with_names(call, sl_get_text(asked, "query", ""), i);
    if (!query)
        return sl_fail(call, SL_INVALID, "%s: the service's name cannot stand in a query", name);
    if (!sl_has_op(call, "query.prometheus"))
        return sl_fail(call, SL_UNAVAILABLE,
                       "no Prometheus can be asked: the plugin slo is not loaded");
    const int64_t now = sl_now_ms(call), end = i->resolved_ms ? i->resolved_ms : now;
    cJSON *in = cJSON_CreateObject(), *answer = NULL;
    cJSON_AddStringToObject(in, "query", query);
    cJSON_AddNumberToObject(in, "start_ms", (double)(i->onset_ms - BEFORE_MS));
    cJSON_AddNumberToObject(in, "end_ms", (double)end);
    const int64_t step = (end - i->onset_ms + BEFORE_MS) / POINTS;
    cJSON_AddNumberToObject(in, "step_ms", (double)(step < 15000 ? 15000 : step));
    int rc = sl_invoke(call, "query.prometheus", in, &answer);
    if (rc) return rc;
    enum { ROOM = 20000 };
    double *before = sl_alloc(call, ROOM * sizeof *before),
           *since = sl_alloc(call, ROOM * sizeof *since);
    size_t n_before = 0, n_since = 0;
    part_samples(sl_get(answer, "result"), i->onset_ms, before, &n_before, since, &n_since, ROOM);
    const double was = median(before, n_before), is = median(since, n_since);
    cJSON_AddStringToObject(out, "name", name);
    cJSON_AddStringToObject(out, "query", query);
    if (n_before) cJSON_AddNumberToObject(out, "before", was);
    if (n_since) cJSON_AddNumberToObject(out, "since", is);
    const char *text =
        !n_since ? sl_printf(call, "%s: no data since the onset", name)
        : !n_before
            ? sl_printf(call, "%s: %.4g since the onset, no data before", name, is)
            : sl_printf(call, "%s: %.4g since the onset, %.4g before (median)", name, is, was);
    cJSON_AddStringToObject(out, "text", text);
    return keep_line(call, i, "prometheus", query, i->onset_ms, text);
}

/* ---- Loki ---- */

static const char *encoded(sl_call *call, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = sl_alloc(call, strlen(text) * 3 + 1), *to = out;
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '_' || c == '.')
            *to++ = (char)c;
        else
            *to++ = '%', *to++ = digits[c >> 4], *to++ = digits[c & 15];
    }
    return out;
}

static int ask_loki(sl_call *call, const struct incident *i, const char *query, cJSON **out) {
    const struct incident_state *state = sl_state(call);
    const cJSON *loki = sl_get(state->config, "loki");
    const char *url = sl_get_text(loki, "url", NULL), *token = sl_get_text(loki, "token", NULL);
    const char *tenant = sl_get_text(loki, "tenant", NULL);
    if (!url)
        return sl_fail(call, SL_UNAVAILABLE,
                       "no Loki is configured: set plugins.incident.loki.url");
    const int64_t end = i->resolved_ms ? i->resolved_ms : sl_now_ms(call);
    const char *headers[3] = {NULL};
    size_t n = 0;
    if (token) headers[n++] = sl_printf(call, "Authorization: Bearer %s", token);
    if (tenant) headers[n++] = sl_printf(call, "X-Scope-OrgID: %s", tenant);
    const sl_request request = {
        .url = sl_printf(call,
                         "%s/loki/api/v1/query_range?query=%s&start=%lld000000&end=%lld000000&"
                         "limit=%d&direction=forward",
                         url, encoded(call, query), (long long)i->onset_ms, (long long)end,
                         (int)LOKI_LINES),
        .headers = n ? headers : NULL,
        .max_bytes = LOKI_BYTES,
        .breaker = "loki",
        .retries = 1};
    sl_response response;
    int rc = sl_fetch(call, &request, &response);
    if (rc) return rc;
    if (response.status != 200)
        return sl_fail(call, SL_UNAVAILABLE, "Loki answered %d: %.200s", (int)response.status,
                       response.body ? response.body : "");
    return sl_json_parse(call, "Loki's answer", response.body, response.body_size, out);
}

struct heaviest {
    uint64_t form;
    size_t lines;
};

/* The pattern that most of the lines follow. */
static const char *heaviest_pattern(sl_call *call, const cJSON *streams, size_t *lines) {
    enum { FORMS = 512 };
    struct miner *miner = miner_new(NULL);
    struct heaviest *forms = sl_alloc(call, FORMS * sizeof *forms);
    size_t n = 0, best = 0;
    const cJSON *stream, *entry;
    *lines = 0;
    cJSON_ArrayForEach(stream, streams) {
        cJSON_ArrayForEach(entry, sl_get(stream, "values")) {
            const cJSON *line = cJSON_GetArrayItem(entry, 1);
            if (!cJSON_IsString(line) || !miner) continue;
            const uint64_t form = miner_add(miner, line->valuestring, strlen(line->valuestring));
            size_t f = 0;
            while (f < n && forms[f].form != form) f++;
            if (f == FORMS) continue;
            if (f == n) forms[n++].form = form;
            if (++forms[f].lines > forms[best].lines) best = f;
            ++*lines;
        }
    }
    const struct miner_template *t = n ? miner_template(miner, forms[best].form) : NULL;
    char clean[400];
    text_clean(text_from(t ? t->text : ""), clean, sizeof clean);
    const char *text =
        t ? sl_printf(call, "%zu of them like \"%s\"", forms[best].lines, clean) : NULL;
    miner_free(miner);
    return text;
}

static int pull_loki(sl_call *call, const struct incident *i, const cJSON *asked, cJSON *out) {
    const char *name = sl_get_text(asked, "name", "logs");
    const char *query = with_names(call, sl_get_text(asked, "query", ""), i);
    cJSON *answer;
    if (!query)
        return sl_fail(call, SL_INVALID, "%s: the service's name cannot stand in a query", name);
    int rc = ask_loki(call, i, query, &answer);
    if (rc) return rc;
    size_t lines;
    const char *most = heaviest_pattern(call, sl_get(sl_get(answer, "data"), "result"), &lines);
    const char *text =
        sl_printf(call, "%s: %zu%s log lines since the onset%s%s", name, lines,
                  lines >= LOKI_LINES ? " or more" : "", most ? ", " : "", most ? most : "");
    cJSON_AddStringToObject(out, "name", name);
    cJSON_AddStringToObject(out, "query", query);
    cJSON_AddNumberToObject(out, "lines", (double)lines);
    cJSON_AddStringToObject(out, "text", text);
    return keep_line(call, i, "loki", query, i->onset_ms, text);
}

/* ---- the operation ---- */

typedef int (*pull_fn)(sl_call *call, const struct incident *i, const cJSON *asked, cJSON *out);

/* One query that fails is told; the others go on. */
static void pull_all(sl_call *call, const struct incident *i, const cJSON *list, const char *source,
                     pull_fn pull, cJSON *items) {
    const cJSON *asked;
    cJSON_ArrayForEach(asked, list) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(items, item);
        cJSON_AddStringToObject(item, "source", source);
        if (pull(call, i, asked, item) == 0) continue;
        cJSON_DeleteItemFromObjectCaseSensitive(item, "text");
        cJSON_AddStringToObject(item, "error", sl_failure(call));
    }
}

int incident_pull(sl_call *call, const cJSON *in, cJSON *out) {
    const struct incident_state *state = sl_state(call);
    struct incident i;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (rc) return rc;
    const cJSON *configured = sl_get(state->config, "evidence");
    const cJSON *prometheus = sl_get(in, "prometheus"), *loki = sl_get(in, "loki");
    const bool asked = prometheus || loki;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    pull_all(call, &i, asked ? prometheus : sl_get(configured, "prometheus"), "prometheus",
             pull_prometheus, items);
    pull_all(call, &i, asked ? loki : sl_get(configured, "loki"), "loki", pull_loki, items);
    return 0;
}
