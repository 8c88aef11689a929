/* pull_loki.c - log lines since the onset: how many, the pattern of most, the first of each pattern. */
#include "loki.h"
#include "miner.h"
#include "pull.h"

#include <string.h>

enum {
    LINES_MOST = 2000, /* Loki's own bound is 5,000 (limits_config.max_entries_limit_per_query) */
    BYTES_MOST = 8 << 20,
    FORMS_MOST = 512,
    KEPT_MOST = 12, /* of twenty queries in a postmortem: still one that can be read */
    SHOWN_BYTES = 400,
    NS_A_MS = 1000000
};

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

static const char *shown(sl_call *call, const char *text, size_t room) {
    char *out = sl_alloc(call, room);
    text_clean(text_from(text), out, room);
    return out;
}

/* ---- asking ---- */

static int refused(sl_call *call, const sl_response *response) {
    const int status = (int)response->status;
    const char *said = shown(call, response->body, SHOWN_BYTES);
    if (status == 400) return sl_fail(call, SL_INVALID, "Loki does not take the query: %s", said);
    if (status == 401 || status == 403)
        return sl_fail(call, SL_UNAVAILABLE,
                       "Loki answers %d: set plugins.incident.loki.token, and tenant, to what it "
                       "accepts",
                       status);
    if (status == 404)
        return sl_fail(call, SL_UNAVAILABLE,
                       "Loki answers 404: check plugins.incident.loki.url (without /loki/api)");
    return sl_fail(call, SL_UNAVAILABLE, "Loki answers %d: %s", status, said);
}

static const char *address(sl_call *call, const char *url, const char *query,
                           const struct loki_lines *asked) {
    size_t size = strlen(url);
    while (size && url[size - 1] == '/') size--;
    return sl_printf(call,
                     "%.*s/loki/api/v1/query_range?query=%s&start=%lld&end=%lld&limit=%zu&"
                     "direction=forward",
                     (int)size, url, encoded(call, query), (long long)asked->from_ns,
                     (long long)asked->until_ns, asked->room);
}

static int ask(sl_call *call, const char *query, struct loki_lines *lines) {
    const struct incident_state *state = sl_state(call);
    const cJSON *loki = sl_get(state->config, "loki");
    const char *url = sl_get_text(loki, "url", NULL), *token = sl_get_text(loki, "token", NULL);
    const char *tenant = sl_get_text(loki, "tenant", NULL);
    if (!url)
        return sl_fail(call, SL_UNAVAILABLE,
                       "no Loki is configured: set plugins.incident.loki.url");
    const char *headers[3] = {NULL};
    size_t n = 0;
    if (token) headers[n++] = sl_printf(call, "Authorization: Bearer %s", token);
    if (tenant) headers[n++] = sl_printf(call, "X-Scope-OrgID: %s", tenant);
    sl_response response;
    int rc = sl_fetch(call,
                      &(sl_request){.url = address(call, url, query, lines),
                                    .headers = n ? headers : NULL,
                                    .timeout_ms = sl_get_int(loki, "timeout", 10000),
                                    .max_bytes = BYTES_MOST,
                                    .breaker = "loki",
                                    .retries = 1},
                      &response);
    if (rc == SL_TOO_LARGE)
        return sl_fail(call, rc, "Loki's answer is above 8 MiB: narrow the query down");
    if (rc == SL_TIMEOUT)
        return sl_fail(call, rc,
                       "Loki did not answer in time: narrow the query down, or raise "
                       "plugins.incident.loki.timeout");
    if (rc) return rc;
    if (response.status != 200) return refused(call, &response);
    cJSON *answer = NULL;
    const char *why = NULL;
    rc = sl_json_parse(call, "Loki's answer", response.body, response.body_size, &answer);
    if (!rc && !loki_read(answer, lines, &why))
        rc = sl_fail(call, SL_UNAVAILABLE, "Loki's answer %s", why);
    return rc;
}

/* ---- telling ---- */

struct form {
    uint64_t id;
    const struct loki_line *first;
    size_t lines;
};

struct forms {
    struct miner *miner;
    struct form *list; /* in order of their first lines */
    size_t count, most;
};

static void sort_out(const struct loki_lines *lines, struct forms *out) {
    for (size_t i = 0; out->miner && i < lines->count; i++) {
        const char *text = lines->list[i].text;
        const uint64_t id = miner_add(out->miner, text, strlen(text));
        size_t f = 0;
        while (f < out->count && out->list[f].id != id) f++;
        if (!id || f == FORMS_MOST) continue;
        if (f == out->count) out->list[out->count++] = (struct form){id, &lines->list[i], 0};
        if (++out->list[f].lines > out->list[out->most].lines) out->most = f;
    }
}

static const char *in_words(sl_call *call, const struct pull *pull, const struct loki_lines *lines,
                            const struct forms *forms) {
    const struct miner_template *t =
        forms->count ? miner_template(forms->miner, forms->list[forms->most].id) : NULL;
    const char *more = lines->count + lines->outside >= LINES_MOST ? " or more" : "";
    if (!t)
        return sl_printf(call, "%s: %zu%s log lines since the onset", pull->name, lines->count,
                         more);
    return sl_printf(call, "%s: %zu%s log lines since the onset, %zu of them like \"%s\"",
                     pull->name, lines->count, more, forms->list[forms->most].lines,
                     shown(call, t->text, SHOWN_BYTES));
}

/* The id is made from time and text: a person's edit stays with its line when it is pulled again. */
static void keep_line(sl_call *call, sl_batch *batch, const struct pull *pull,
                      const struct form *form, cJSON *items) {
    char hex[65];
    const struct loki_line *line = form->first;
    const char *text = shown(call, line->text, SHOWN_BYTES);
    const int64_t at_ms = line->at_ns / NS_A_MS;
    sl_sha256(line->text, strlen(line->text), hex);
    line_add(call, batch,
             &(struct new_line){
                 .incident = pull->incident->id,
                 .id = sl_printf(call, "%s/%019lld-%.8s", pull->id, (long long)line->at_ns, hex),
                 .source = pull->source,
                 .kind = "symptom",
                 .text = text,
                 .ref = pull->query,
                 .at_ms = at_ms});
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(items, item);
    put_when(item, "at", at_ms);
    cJSON_AddStringToObject(item, "text", text);
    cJSON_AddNumberToObject(item, "alike", (double)form->lines);
}

int pull_loki(sl_call *call, const struct pull *pull, cJSON *out) {
    struct loki_lines lines = {.room = LINES_MOST,
                               .from_ns = pull->onset_ms * NS_A_MS,
                               .until_ns = pull->until_ms * NS_A_MS};
    lines.list = sl_alloc(call, LINES_MOST * sizeof *lines.list);
    int rc = ask(call, pull->query, &lines);
    if (rc) return rc;
    struct forms forms = {.miner = miner_new(NULL),
                          .list = sl_alloc(call, FORMS_MOST * sizeof *forms.list)};
    sort_out(&lines, &forms);
    const char *text = in_words(call, pull, &lines, &forms);
    miner_free(forms.miner);
    sl_batch *batch = pull_batch(call, pull, text, !lines.count);
    cJSON_AddNumberToObject(out, "lines", (double)lines.count);
    if (lines.outside) cJSON_AddNumberToObject(out, "outside", (double)lines.outside);
    cJSON *items = cJSON_AddArrayToObject(out, "log_lines");
    for (size_t f = 0; f < forms.count && f < KEPT_MOST; f++)
        keep_line(call, batch, pull, &forms.list[f], items);
    cJSON_AddStringToObject(out, "text", text);
    return sl_commit(batch);
}
