/* context.c - a story out of what a caller states: any object, also with logs, spans and alerts. */
#include "miner.h"
#include "telling.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void fill(const char **list, const char *item) {
    for (size_t i = 0; item && i + 1 < STORY_LIST; i++) {
        if (list[i]) continue;
        list[i] = item;
        return;
    }
}

static const char *text_by(const cJSON *object, const char *const *names) {
    for (; *names; names++) {
        const char *text = sl_get_text(object, *names, NULL);
        if (text && *text) return text;
    }
    return NULL;
}

static int64_t time_by(const cJSON *object, const char *const *names) {
    int64_t ms;
    for (; *names; names++) {
        const char *text = sl_get_text(object, *names, NULL);
        if (text && when_parse(text_from(text), &ms)) return ms;
    }
    return 0;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- log lines ---- */

struct counted {
    uint64_t form;
    const char *text;
    size_t lines, errors;
};

struct mining {
    const cJSON *logs;
    struct miner *miner;
    struct counted *list;
    size_t count, lines;
    int failed;
};

enum { PATTERNS_MOST = 2048, SHOWN = 8 };

static const char *line_of(const cJSON *item, bool *error) {
    *error = false;
    if (cJSON_IsString(item)) {
        const char *text = item->valuestring;
        *error = strstr(text, "ERROR") || strstr(text, "error") || strstr(text, "FATAL");
        return text;
    }
    const char *text = text_by(item, NAMES("message", "body", "msg", "line", "text"));
    const char *level = text_by(item, NAMES("level", "severity", "severityText"));
    *error = level && (strncasecmp(level, "err", 3) == 0 || strncasecmp(level, "fatal", 5) == 0 ||
                       strncasecmp(level, "crit", 4) == 0);
    return text;
}

static int by_form(const void *a, const void *b) {
    const struct counted *x = a, *y = b;
    return (x->form > y->form) - (x->form < y->form);
}

static int by_weight(const void *a, const void *b) {
    const struct counted *x = a, *y = b;
    if (x->errors != y->errors) return x->errors < y->errors ? 1 : -1;
    if (x->lines != y->lines) return x->lines < y->lines ? 1 : -1;
    return strcmp(x->text, y->text);
}

static size_t join_equal(struct counted *list, size_t n) {
    size_t kept = 0;
    if (n) qsort(list, n, sizeof *list, by_form);
    for (size_t i = 0; i < n; i++) {
        if (kept && list[kept - 1].form == list[i].form) {
            list[kept - 1].lines += list[i].lines;
            list[kept - 1].errors += list[i].errors;
        } else {
            list[kept++] = list[i];
        }
    }
    return kept;
}

/* Runs on the pool: reads the tree, allocates with malloc. */
static int mine(void *arg) {
    struct mining *m = arg;
    const size_t total = (size_t)cJSON_GetArraySize(m->logs);
    m->miner = miner_new(NULL);
    m->list = calloc(total + 1, sizeof *m->list);
    if (!m->miner || !m->list) return m->failed = 1;
    const cJSON *item;
    cJSON_ArrayForEach(item, m->logs) {
        bool error;
        const char *line = line_of(item, &error);
        const uint64_t form = line ? miner_add(m->miner, line, strlen(line)) : 0;
        if (!form) continue;
        m->list[m->count++] = (struct counted){.form = form, .lines = 1, .errors = error};
        m->lines++;
    }
    m->count = join_equal(m->list, m->count);
    for (size_t i = 0; i < m->count; i++) {
        const struct miner_template *t = miner_template(m->miner, m->list[i].form);
        m->list[i].form = t ? t->id : m->list[i].form;
    }
    m->count = join_equal(m->list, m->count);
    return 0;
}

/* The texts are asked for last: sorting out families moves them. */
static void name_patterns(struct mining *m) {
    const cJSON *item;
    size_t left = m->count;
    cJSON_ArrayForEach(item, m->logs) {
        bool error;
        if (!left) break;
        const char *line = line_of(item, &error);
        const uint64_t form = line ? miner_add(m->miner, line, strlen(line)) : 0;
        const struct miner_template *t = form ? miner_template(m->miner, form) : NULL;
        if (!t) continue;
        const struct counted key = {.form = t->id};
        struct counted *c = bsearch(&key, m->list, m->count, sizeof *m->list, by_form);
        if (c && !c->text) c->text = t->text, left--;
    }
    for (size_t i = 0; i < m->count; i++)
        if (!m->list[i].text) m->list[i].text = "(dropped)";
}

static int mine_and_name(void *arg) {
    struct mining *m = arg;
    if (mine(m)) return 1;
    name_patterns(m);
    if (m->count) qsort(m->list, m->count, sizeof *m->list, by_weight);
    return 0;
}

static int tell_logs(sl_call *call, const cJSON *logs, struct story *out) {
    if (!cJSON_IsArray(logs) || !logs->child) return 0;
    struct mining m = {.logs = logs};
    int rc = sl_offload(call, mine_and_name, &m);
    for (size_t i = 0; !rc && i < m.count && i < SHOWN; i++)
        fill(out->patterns, sl_printf(call, "%zu lines, %zu errors: %s", m.list[i].lines,
                                      m.list[i].errors, m.list[i].text));
    if (!rc) fill(out->stated, sl_printf(call, "%zu log lines in %zu patterns", m.lines, m.count));
    free(m.list);
    miner_free(m.miner);
    return rc ? sl_fail(call, SL_UNAVAILABLE, "the log lines could not be read: no memory") : 0;
}

/* ---- spans ---- */

struct spot {
    const char *service, *operation;
    double spans, errors, ms;
};

static int by_errors(const void *a, const void *b) {
    const struct spot *x = a, *y = b;
    if (x->errors != y->errors) return x->errors < y->errors ? 1 : -1;
    if (x->ms != y->ms) return x->ms < y->ms ? 1 : -1;
    return strcmp(x->service, y->service);
}

static bool span_failed(const cJSON *span) {
    const cJSON *error = sl_get(span, "error"), *code = sl_get(span, "status_code");
    const char *status = sl_get_text(span, "status", "");
    return cJSON_IsTrue(error) || cJSON_IsString(error) || strcasecmp(status, "error") == 0 ||
           (cJSON_IsNumber(code) && code->valuedouble >= 500);
}

static void tell_spans(sl_call *call, const cJSON *spans, struct story *out) {
    enum { SPOTS = 256 };
    struct spot *list = sl_alloc(call, SPOTS * sizeof *list);
    size_t n = 0;
    double all = 0, failed = 0;
    const cJSON *span;
    cJSON_ArrayForEach(span, spans) {
        const char *service = text_by(span, NAMES("service", "service_name", "serviceName"));
        const char *operation = text_by(span, NAMES("operation", "name", "operationName"));
        if (!service) service = "(unnamed)";
        if (!operation) operation = "(unnamed)";
        size_t i = 0;
        while (i < n &&
               (strcmp(list[i].service, service) != 0 || strcmp(list[i].operation, operation) != 0))
            i++;
        if (i == SPOTS) continue;
        if (i == n) list[n++] = (struct spot){.service = service, .operation = operation};
        list[i].spans++;
        list[i].ms += sl_get_number(span, "duration_ms", 0);
        list[i].errors += span_failed(span);
        all++;
        failed += span_failed(span);
    }
    if (n) qsort(list, n, sizeof *list, by_errors);
    for (size_t i = 0; i < n && i < 6; i++)
        fill(out->spots, sl_printf(call, "%s %s: %.0f of %.0f spans failed, %.0f ms on average",
                                   list[i].service, list[i].operation, list[i].errors,
                                   list[i].spans, list[i].ms / list[i].spans));
    if (all > 0) fill(out->stated, sl_printf(call, "%.0f of %.0f spans failed", failed, all));
}

/* ---- alerts ---- */

static void tell_alerts(const cJSON *alerts, struct story *out) {
    const cJSON *alert;
    cJSON_ArrayForEach(alert, alerts) {
        const cJSON *labels = sl_get(alert, "labels");
        const char *name = sl_get_text(
            labels, "alertname", text_by(alert, NAMES("name", "alertname", "title", "summary")));
        if (cJSON_IsString(alert)) name = alert->valuestring;
        out->alerts++;
        if (strcmp(sl_get_text(alert, "status", "firing"), "resolved") != 0) out->firing++;
        size_t i = 0;
        while (i < STORY_LIST && out->alert_names[i] && name &&
               strcmp(out->alert_names[i], name) != 0)
            i++;
        if (name && i < STORY_LIST && !out->alert_names[i]) fill(out->alert_names, name);
        const char *service = sl_get_text(labels, "service", NULL);
        for (i = 0; service && i < STORY_LIST && out->services[i]; i++)
            if (strcmp(out->services[i], service) == 0) service = NULL;
        fill(out->services, service);
    }
}

/* ---- the rest ---- */

static const char *const known[] = {
    "title",       "incident", "name",        "summary",      "service",     "app",
    "app_name",    "services", "environment", "env",          "severity",    "status",
    "started_at",  "start",    "onset",       "since",        "detected_at", "mitigated_at",
    "resolved_at", "ended_at", "impact",      "cause",        "root_cause",  "trigger",
    "resolution",  "fix",      "workaround",  "components",   "actions",     "mitigations",
    "alerts",      "logs",     "spans",       "public_title", "public_text", "regions",
    "region",      "commander"};

static bool is_known(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0) return true;
    return false;
}

static void tell_rest(sl_call *call, const cJSON *context, struct story *out) {
    const cJSON *item;
    cJSON_ArrayForEach(item, context) {
        if (is_known(item->string)) continue;
        const char *value = cJSON_IsString(item) ? item->valuestring : sl_json_print(call, item);
        fill(out->stated, sl_printf(call, "%s: %.300s", item->string, value));
    }
}

static void tell_impact(const cJSON *context, struct story *out) {
    const cJSON *impact = sl_get(context, "impact");
    out->users = -1;
    out->budget_left = NAN;
    if (cJSON_IsString(impact)) out->impact_text = impact->valuestring;
    if (!cJSON_IsObject(impact)) return;
    out->impact_text = sl_get_text(impact, "text", NULL);
    out->users = sl_get_number(impact, "users", -1);
    out->requests = sl_get_number(impact, "requests", 0);
    out->failed = sl_get_number(impact, "failed", 0);
    out->impact_source = "the context";
    if (out->requests <= 0 || out->failed < 0 || out->failed > out->requests) {
        out->requests = 0;
        return;
    }
    const struct impact_counts counts = {.requests = out->requests, .failed = out->failed};
    struct impact computed;
    impact_compute(&counts, NULL, &computed);
    out->share = computed.share;
    out->share_low = computed.share_low;
    out->share_high = computed.share_high;
}

/* Every string of the context is internal, but what is meant for customers. */
static void collect_words(sl_call *call, const struct story *s, struct internal_words *out) {
    const char **words = sl_alloc(call, (4 + 2 * STORY_LIST) * sizeof *words);
    size_t n = 0;
    if (s->commander) words[n++] = s->commander;
    for (size_t i = 0; i < STORY_LIST && s->services[i]; i++) {
        bool is_public = false;
        for (size_t c = 0; c < STORY_LIST && s->components[c]; c++)
            is_public |= strcasecmp(s->components[c], s->services[i]) == 0;
        if (!is_public) words[n++] = s->services[i];
    }
    for (size_t i = 0; i < STORY_LIST && s->alert_names[i]; i++) words[n++] = s->alert_names[i];
    *out = (struct internal_words){.words = words, .count = n};
}

static void list_texts(const cJSON *array, const char **out) {
    const cJSON *item;
    if (cJSON_IsString(array)) fill(out, array->valuestring);
    cJSON_ArrayForEach(item, array) {
        if (cJSON_IsString(item)) fill(out, item->valuestring);
    }
}

int story_of_context(sl_call *call, const cJSON *c, struct story *out) {
    const char *severity = text_by(c, NAMES("severity"));
    *out = (struct story){.title = text_by(c, NAMES("title", "incident", "name", "summary")),
                          .severity = severity ? severity_name(severity_from(severity)) : NULL,
                          .status = text_by(c, NAMES("status")),
                          .environment = text_by(c, NAMES("environment", "env")),
                          .commander = text_by(c, NAMES("commander")),
                          .public_title = text_by(c, NAMES("public_title")),
                          .public_text = text_by(c, NAMES("public_text")),
                          .workaround = text_by(c, NAMES("workaround")),
                          .cause = text_by(c, NAMES("cause", "root_cause")),
                          .trigger = text_by(c, NAMES("trigger")),
                          .resolution = text_by(c, NAMES("resolution", "fix")),
                          .regions = text_by(c, NAMES("regions", "region")),
                          .onset_ms = time_by(c, NAMES("onset", "started_at", "start", "since")),
                          .detected_ms = time_by(c, NAMES("detected_at")),
                          .mitigated_ms = time_by(c, NAMES("mitigated_at")),
                          .resolved_ms = time_by(c, NAMES("resolved_at", "ended_at")),
                          .now_ms = sl_now_ms(call)};
    list_texts(sl_get(c, "services"), out->services);
    fill(out->services, text_by(c, NAMES("service", "app", "app_name")));
    list_texts(sl_get(c, "components"), out->components);
    list_texts(sl_get(c, "actions"), out->actions);
    list_texts(sl_get(c, "mitigations"), out->actions);
    tell_impact(c, out);
    tell_alerts(sl_get(c, "alerts"), out);
    int rc = tell_logs(call, sl_get(c, "logs"), out);
    tell_spans(call, sl_get(c, "spans"), out);
    tell_rest(call, c, out);
    collect_words(call, out, &out->internal);
    if (!out->resolved_ms) out->next_ms = out->now_ms + 3600000;
    return rc;
}
