/* pull.c - evidence that is asked for: Prometheus through the platform's one client, Loki directly.
 * What comes back is a line of the timeline; asking again changes nothing but its newest numbers. */
#include "pull.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE_MS = 3600000, POINTS = 120, STEP_MS = 15000 };

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

sl_batch *pull_batch(sl_call *call, const struct pull *pull, const char *text, bool empty) {
    const char *incident = pull->incident->id;
    sl_batch *batch = sl_batch_new(call);
    if (!empty)
        sl_batch_add(
            batch,
            "DELETE FROM incident_line WHERE tenant = $1 AND incident_id = $2 AND (id = $3 "
            "OR id LIKE $4)",
            SL_ARGS(sl_text(incident), sl_text(pull->id),
                    sl_text(sl_printf(call, "%s/%%", pull->id))));
    line_add(call, batch,
             &(struct new_line){.incident = incident,
                                .id = pull->id,
                                .source = pull->source,
                                .kind = "symptom",
                                .text = text,
                                .ref = pull->query,
                                .at_ms = pull->onset_ms,
                                .inferred = true});
    return batch;
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

static int ask_prometheus(sl_call *call, const struct pull *pull, cJSON **answer) {
    if (!sl_has_op(call, "query.prometheus"))
        return sl_fail(call, SL_UNAVAILABLE,
                       "no Prometheus can be asked: the plugin slo is not loaded");
    const int64_t from_ms = pull->onset_ms - BEFORE_MS;
    const int64_t step_ms = (pull->until_ms - from_ms) / POINTS;
    cJSON *in = cJSON_CreateObject();
    cJSON_AddStringToObject(in, "query", pull->query);
    cJSON_AddNumberToObject(in, "start_ms", (double)from_ms);
    cJSON_AddNumberToObject(in, "end_ms", (double)pull->until_ms);
    cJSON_AddNumberToObject(in, "step_ms", (double)(step_ms < STEP_MS ? STEP_MS : step_ms));
    return sl_invoke(call, "query.prometheus", in, answer);
}

int pull_prometheus(sl_call *call, const struct pull *pull, cJSON *out) {
    enum { ROOM = 20000 };
    cJSON *answer = NULL;
    int rc = ask_prometheus(call, pull, &answer);
    if (rc) return rc;
    double *before = sl_alloc(call, ROOM * sizeof *before),
           *since = sl_alloc(call, ROOM * sizeof *since);
    size_t n_before = 0, n_since = 0;
    part_samples(sl_get(answer, "result"), pull->onset_ms, before, &n_before, since, &n_since,
                 ROOM);
    const double was = median(before, n_before), is = median(since, n_since);
    if (n_before) cJSON_AddNumberToObject(out, "before", was);
    if (n_since) cJSON_AddNumberToObject(out, "since", is);
    if (cJSON_GetArraySize(sl_get(answer, "warnings")))
        cJSON_AddItemToObject(out, "warnings", cJSON_Duplicate(sl_get(answer, "warnings"), true));
    const char *text =
        !n_since    ? sl_printf(call, "%s: no data since the onset", pull->name)
        : !n_before ? sl_printf(call, "%s: %.4g since the onset, no data before", pull->name, is)
                    : sl_printf(call, "%s: %.4g since the onset, %.4g before (median)", pull->name,
                                is, was);
    cJSON_AddStringToObject(out, "text", text);
    return sl_commit(pull_batch(call, pull, text, !n_since));
}

/* ---- the operation ---- */

typedef int (*pull_fn)(sl_call *call, const struct pull *pull, cJSON *out);

static int pull_one(sl_call *call, const struct incident *i, const char *source, const cJSON *asked,
                    pull_fn ask, cJSON *out) {
    const char *name = sl_get_text(asked, "name", source);
    const char *query = sl_get_text(asked, "query", ""), *filled = with_names(call, query, i);
    cJSON_AddStringToObject(out, "source", source);
    cJSON_AddStringToObject(out, "name", name);
    cJSON_AddStringToObject(out, "query", filled ? filled : query);
    if (!filled)
        return sl_fail(call, SL_INVALID,
                       "the name of the service or environment cannot stand in a query: it holds a "
                       "quote, a backslash or a mark");
    char hex[65];
    sl_sha256(filled, strlen(filled), hex);
    const int64_t until_ms = i->resolved_ms ? i->resolved_ms : sl_now_ms(call);
    const struct pull pull = {
        .incident = i,
        .source = source,
        .name = name,
        .query = filled,
        .id = sl_printf(call, "%s/%.16s", source, hex),
        .onset_ms = i->onset_ms,
        /* An empty stretch is refused by both: an incident of this very millisecond has one. */
        .until_ms = until_ms > i->onset_ms ? until_ms : i->onset_ms + 1};
    put_when(out, "onset", pull.onset_ms);
    put_when(out, "until", pull.until_ms);
    return ask(call, &pull, out);
}

/* One query that fails is told; the others go on. */
static void pull_all(sl_call *call, const struct incident *i, const cJSON *list, const char *source,
                     pull_fn ask, cJSON *items) {
    const cJSON *asked;
    cJSON_ArrayForEach(asked, list) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(items, item);
        if (pull_one(call, i, source, asked, ask, item) == 0) continue;
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
