/* status.c - the public status page: what was published, and nothing else. HTML without scripts, a
 * feed, and JSON in the shape of Statuspage's public API. */
#include "face.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 262144, UPDATES = 200, SHOWN_MS = 1209600000 /* two weeks */ };

struct page {
    char *text;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(p->text + p->used, PAGE - p->used, format, args);
    va_end(args);
    if (n > 0) p->used += (size_t)n < PAGE - p->used ? (size_t)n : PAGE - p->used - 1;
}

/* Text for HTML and XML. */
static const char *escaped(sl_call *call, const char *text) {
    char *out = sl_alloc(call, strlen(text) * 6 + 1), *to = out;
    for (; *text; text++) {
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                         : *text == '"' ? "&quot;"
                                        : NULL;
        if (!as) {
            *to++ = *text;
            continue;
        }
        const size_t n = strlen(as);
        memcpy(to, as, n);
        to += n;
    }
    return out;
}

/* ---- what is public ---- */

/* Newest incident first, newest update first within it. */
static int load(sl_call *call, sl_rows *rows) {
    return sl_query(
        call, rows,
        "SELECT u.incident_id AS incident_id, u.number AS number, u.status AS status, "
        "u.body AS body, u.published_ms AS published_ms, i.severity AS severity, i.extra AS "
        "extra, i.onset_ms AS onset_ms, i.resolved_ms AS resolved_ms FROM incident_update u "
        "JOIN incident_incident i ON i.tenant = u.tenant AND i.id = u.incident_id WHERE "
        "u.tenant = $1 AND i.tenant = $1 AND u.state = 'published' AND u.published_ms > $2 "
        "ORDER BY i.onset_ms DESC, u.incident_id, u.number DESC LIMIT $3",
        SL_ARGS(sl_int(sl_now_ms(call) - SHOWN_MS), sl_int(UPDATES)));
}

static bool first_of(const sl_rows *rows, size_t r) {
    return !r || strcmp(sl_cell_text(rows, r, "incident_id"),
                        sl_cell_text(rows, r - 1, "incident_id")) != 0;
}

static const char *public_title(sl_call *call, const sl_rows *rows, size_t r) {
    return sl_get_text(sl_cell_json(call, rows, r, "extra"), "public_title",
                       "A problem with our service");
}

static bool is_open(const sl_rows *rows, size_t r) {
    return strcmp(sl_cell_text(rows, r, "status"), "resolved") != 0;
}

/* none, minor, major, critical: the worst of what is open. */
static const char *indicator(const sl_rows *rows) {
    int worst = 4;
    for (size_t r = 0; r < rows->count; r++) {
        if (!first_of(rows, r) || !is_open(rows, r)) continue;
        const int severity = severity_from(sl_cell_text(rows, r, "severity"));
        if (severity < worst) worst = severity;
        if (worst == 4) worst = 3; /* published, so at least minor */
    }
    return severity_impact(worst);
}

static const char *description(const char *level) {
    if (strcmp(level, "none") == 0) return "All systems operational";
    if (strcmp(level, "minor") == 0) return "Minor disruption";
    if (strcmp(level, "major") == 0) return "Partial outage";
    return "Major outage";
}

static const char *page_name(sl_call *call) {
    const struct incident_state *state = sl_state(call);
    return sl_get_text(state->config, "status_title", "Service status");
}

/* ---- HTML ---- */

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:"
    "#1b1f24;background:#fff}h1{font-size:1.5rem}.now{padding:1rem;border-radius:.5rem;color:#fff;"
    "background:#1a7f37}.now.minor{background:#8a6100}.now.major{background:#bc4c00}.now.critical{"
    "background:#b42318}article{border-top:1px solid #d0d7de;padding:1rem 0}h2{font-size:1.1rem;margin:"
    "0 0 .5rem}dt{font-weight:600}dd{margin:0 0 .75rem}time{color:#57606a;font-size:.9rem}@media "
    "(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}time{color:#9198a1}}";

static void put_updates(sl_call *call, struct page *p, const sl_rows *rows) {
    char at[WHEN_TEXT], day[WHEN_TEXT];
    for (size_t r = 0; r < rows->count; r++) {
        if (first_of(rows, r)) {
            put(p, "%s<article><h2>%s</h2><dl>\n", r ? "</dl></article>\n" : "",
                escaped(call, public_title(call, rows, r)));
        }
        const int64_t ms = sl_cell_int(rows, r, "published_ms");
        char status[32];
        (void)snprintf(status, sizeof status, "%s", sl_cell_text(rows, r, "status"));
        status[0] = (char)(status[0] - 'a' + 'A');
        put(p, "<dt>%s</dt><dd>%s<br><time datetime=\"%s\">%s</time></dd>\n", status,
            escaped(call, sl_cell_text(rows, r, "body")), when_print(ms, at), when_day(ms, day));
    }
    if (rows->count) put(p, "</dl></article>\n");
}

int incident_status_page(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    char day[WHEN_TEXT];
    (void)in, (void)out;
    int rc = load(call, &rows);
    if (rc) return rc;
    const char *level = indicator(&rows), *name = escaped(call, page_name(call));
    struct page p = {.text = sl_alloc(call, PAGE)};
    put(&p,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"60\"><title>%s</title>"
        "<link rel=\"alternate\" type=\"application/rss+xml\" href=\"/status.rss\"><style>%s</style>"
        "</head><body><main><h1>%s</h1>\n<p class=\"now %s\" role=\"status\">%s</p>\n",
        name, style, name, level, description(level));
    put_updates(call, &p, &rows);
    if (!rows.count) put(&p, "<p>Nothing was reported in the last two weeks.</p>\n");
    put(&p,
        "<p><time>As of %s</time> · <a href=\"/status.rss\">RSS</a> · <a href=\"/api/v2/summary.json\">"
        "JSON</a></p></main></body></html>\n",
        when_day(sl_now_ms(call), day));
    sl_reply_header(call, "Cache-Control", "public, max-age=15");
    sl_reply_header(
        call, "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'");
    sl_reply_bytes(call, "text/html; charset=utf-8", p.text, p.used);
    return 0;
}

/* ---- RSS 2.0 ---- */

static const char *rss_date(int64_t ms, char out[48]) {
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char at[WHEN_TEXT];
    when_print(ms / 1000 * 1000, at); /* 2026-05-04T08:20:00Z */
    const int month = (at[5] - '0') * 10 + at[6] - '0';
    (void)snprintf(out, 48, "%s, %.2s %s %.4s %.8s +0000", days[ms / 86400000 % 7], at + 8,
                   months[(month + 11) % 12], at, at + 11);
    return out;
}

int incident_status_feed(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    (void)in, (void)out;
    int rc = load(call, &rows);
    if (rc) return rc;
    struct page p = {.text = sl_alloc(call, PAGE)};
    put(&p,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>%s</title>"
        "<link>/status</link><description>Incidents and their updates</description>\n",
        escaped(call, page_name(call)));
    for (size_t r = 0; r < rows.count; r++) {
        char date[48];
        put(&p,
            "<item><title>%s: %s</title><description>%s</description><pubDate>%s</pubDate><guid "
            "isPermaLink=\"false\">%s-%lld</guid></item>\n",
            escaped(call, public_title(call, &rows, r)), sl_cell_text(&rows, r, "status"),
            escaped(call, sl_cell_text(&rows, r, "body")),
            rss_date(sl_cell_int(&rows, r, "published_ms"), date),
            sl_cell_text(&rows, r, "incident_id"), (long long)sl_cell_int(&rows, r, "number"));
    }
    put(&p, "</channel></rss>\n");
    sl_reply_header(call, "Cache-Control", "public, max-age=15");
    sl_reply_bytes(call, "application/rss+xml; charset=utf-8", p.text, p.used);
    return 0;
}

/* ---- JSON in Statuspage's shape ---- */

static void put_page(sl_call *call, cJSON *out) {
    cJSON *page = cJSON_AddObjectToObject(out, "page");
    cJSON_AddStringToObject(page, "id", "sluice");
    cJSON_AddStringToObject(page, "name", page_name(call));
    cJSON_AddStringToObject(page, "url", "/status");
    cJSON_AddStringToObject(page, "time_zone", "Etc/UTC");
    put_when(page, "updated_at", sl_now_ms(call));
}

static void put_status(const sl_rows *rows, cJSON *out) {
    const char *level = indicator(rows);
    cJSON *status = cJSON_AddObjectToObject(out, "status");
    cJSON_AddStringToObject(status, "indicator", level);
    cJSON_AddStringToObject(status, "description", description(level));
}

static cJSON *put_one_incident(sl_call *call, const sl_rows *rows, size_t r, cJSON *list) {
    cJSON *incident = cJSON_CreateObject();
    cJSON_AddItemToArray(list, incident);
    cJSON_AddStringToObject(incident, "id", sl_cell_text(rows, r, "incident_id"));
    cJSON_AddStringToObject(incident, "name", public_title(call, rows, r));
    cJSON_AddStringToObject(incident, "status", sl_cell_text(rows, r, "status"));
    cJSON_AddStringToObject(incident, "impact",
                            severity_impact(severity_from(sl_cell_text(rows, r, "severity"))));
    put_when(incident, "started_at", sl_cell_int(rows, r, "onset_ms"));
    put_when(incident, "created_at", sl_cell_int(rows, r, "onset_ms"));
    put_when(incident, "updated_at", sl_cell_int(rows, r, "published_ms"));
    put_when(incident, "resolved_at", is_open(rows, r) ? 0 : sl_cell_int(rows, r, "published_ms"));
    return cJSON_AddArrayToObject(incident, "incident_updates");
}

static void put_incidents(sl_call *call, const sl_rows *rows, bool open_only, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "incidents"), *updates = NULL;
    bool shown = false;
    for (size_t r = 0; r < rows->count; r++) {
        if (first_of(rows, r)) {
            shown = !open_only || is_open(rows, r);
            if (shown) updates = put_one_incident(call, rows, r, list);
        }
        if (!shown) continue;
        cJSON *update = cJSON_CreateObject();
        cJSON_AddItemToArray(updates, update);
        cJSON_AddStringToObject(update, "id",
                                sl_printf(call, "%s-%lld", sl_cell_text(rows, r, "incident_id"),
                                          (long long)sl_cell_int(rows, r, "number")));
        cJSON_AddStringToObject(update, "status", sl_cell_text(rows, r, "status"));
        cJSON_AddStringToObject(update, "body", sl_cell_text(rows, r, "body"));
        put_when(update, "created_at", sl_cell_int(rows, r, "published_ms"));
        put_when(update, "display_at", sl_cell_int(rows, r, "published_ms"));
    }
}

/* A component is operational unless an open incident names it. */
static void put_components(sl_call *call, const sl_rows *rows, cJSON *out) {
    const struct incident_state *state = sl_state(call);
    cJSON *list = cJSON_AddArrayToObject(out, "components");
    const cJSON *name, *hit;
    cJSON_ArrayForEach(name, sl_get(state->config, "components")) {
        const char *status = "operational";
        for (size_t r = 0; r < rows->count; r++) {
            if (!first_of(rows, r) || !is_open(rows, r)) continue;
            cJSON_ArrayForEach(hit, sl_get(sl_cell_json(call, rows, r, "extra"), "components")) {
                if (cJSON_IsString(hit) && strcmp(hit->valuestring, name->valuestring) == 0)
                    status = severity_from(sl_cell_text(rows, r, "severity")) == 1 ? "major_outage"
                             : severity_from(sl_cell_text(rows, r, "severity")) == 2
                                 ? "partial_outage"
                                 : "degraded_performance";
            }
        }
        cJSON *component = cJSON_CreateObject();
        cJSON_AddItemToArray(list, component);
        cJSON_AddStringToObject(component, "id", name->valuestring);
        cJSON_AddStringToObject(component, "name", name->valuestring);
        cJSON_AddStringToObject(component, "status", status);
    }
}

static int answer(sl_call *call, cJSON *out, bool components, int incidents) {
    sl_rows rows;
    int rc = load(call, &rows);
    if (rc) return rc;
    put_page(call, out);
    put_status(&rows, out);
    if (components) put_components(call, &rows, out);
    if (incidents) put_incidents(call, &rows, incidents == 1, out);
    if (components) cJSON_AddArrayToObject(out, "scheduled_maintenances");
    sl_reply_header(call, "Cache-Control", "public, max-age=15");
    sl_reply_header(call, "Access-Control-Allow-Origin", "*");
    return 0;
}

int incident_status_json(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    return answer(call, out, false, 0);
}

int incident_status_summary(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    return answer(call, out, true, 1);
}

int incident_status_incidents(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    return answer(call, out, false, 2);
}
