/* asking.c - incident.evidence, impact, suspects; the log patterns and the service graph. */
#include "evidence.h"

#include <string.h>

enum { MINUTE = 60000 };

static cJSON *add(cJSON *list) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(list, item);
    return item;
}

static void put_text(cJSON *item, const char *name, const char *text) {
    if (text && *text) cJSON_AddStringToObject(item, name, text);
}

/* ---- impact ---- */

static void print_impact(const struct evidence *e, cJSON *out) {
    const struct impact *i = &e->impact;
    cJSON_AddBoolToObject(out, "known", i->known);
    if (i->known) {
        cJSON_AddNumberToObject(out, "requests", i->requests);
        cJSON_AddNumberToObject(out, "failed", i->failed);
        cJSON_AddNumberToObject(out, "failed_beyond_usual", i->excess);
        cJSON_AddNumberToObject(out, "share", i->share);
        cJSON_AddNumberToObject(out, "share_low", i->share_low);
        cJSON_AddNumberToObject(out, "share_high", i->share_high);
        cJSON_AddStringToObject(out, "counted", e->impact_from);
    }
    if (e->users >= 0)
        cJSON_AddNumberToObject(out, "users_at_least", e->users);
    else
        cJSON_AddNullToObject(out, "users_at_least");
    cJSON *doubts = cJSON_AddArrayToObject(out, "uncertainty");
    if (!i->known)
        cJSON_AddItemToArray(doubts,
                             cJSON_CreateString("no requests were counted: no spans of these "
                                                "services came in this time"));
    if (i->known && !i->usual_known)
        cJSON_AddItemToArray(doubts,
                             cJSON_CreateString("less than ten minutes before the onset were "
                                                "watched: all failures count, an upper bound"));
    if (e->users < 0)
        cJSON_AddItemToArray(doubts, cJSON_CreateString("no failed request names a user "
                                                        "(enduser.id)"));
    if (e->sampled)
        cJSON_AddItemToArray(doubts, cJSON_CreateString("in a flood of telemetry some was counted "
                                                        "without detail"));
}

static int load_evidence(sl_call *call, const cJSON *in, struct incident *incident,
                         struct evidence *e) {
    int rc = incident_load(call, sl_get_text(in, "id", ""), incident);
    return rc ? rc : evidence_collect(call, incident, e);
}

int incident_impact(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    struct evidence e;
    int rc = load_evidence(call, in, &incident, &e);
    if (rc) return rc;
    put_when(out, "from", e.from_ms);
    put_when(out, "until", e.until_ms);
    print_impact(&e, out);
    cJSON_AddItemToObject(out, "stated",
                          sl_get(incident.extra, "impact")
                              ? cJSON_Duplicate(sl_get(incident.extra, "impact"), true)
                              : cJSON_CreateObject());
    return 0;
}

/* ---- suspects ---- */

static void print_suspects(sl_call *call, const struct evidence *e, cJSON *out) {
    cJSON_AddBoolToObject(out, "named", !e->no_suspect);
    if (e->no_suspect) cJSON_AddStringToObject(out, "why_none", e->no_suspect);
    /* Those that were weighed and not named stand apart: nobody takes them for culprits. */
    cJSON *items = cJSON_AddArrayToObject(out, e->no_suspect ? "considered" : "items");
    if (e->no_suspect) cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < e->suspect_count && i < 10; i++) {
        const struct suspect *s = &e->suspects[i];
        cJSON *item = add(items);
        cJSON_AddStringToObject(item, "id", s->id);
        if (strncmp(s->id, "deployment/", 11) == 0)
            cJSON_AddStringToObject(item, "deployment_id", s->id + 11);
        cJSON_AddStringToObject(item, "words", s->words);
        put_text(item, "service", s->service);
        put_when(item, "at", s->at_ms);
        cJSON_AddNumberToObject(item, "score", s->score);
        cJSON *reasons = cJSON_AddArrayToObject(item, "reasons");
        char lasting[WHEN_TEXT];
        const struct {
            const char *name;
            double factor;
            const char *words;
        } all[] = {
            {"time", s->recency,
             sl_printf(call, "%s before the onset",
                       when_lasting(e->from_ms > s->at_ms ? e->from_ms - s->at_ms : 0, lasting))},
            {"path", s->nearness,
             s->hops < 0    ? "not on the call path of the alerting services"
             : s->hops == 0 ? "an alerting service itself"
                            : sl_printf(call, "%d calls away from an alerting service", s->hops)},
            {"words", s->words_factor,
             sl_printf(call, "%d new log patterns share its words%s", s->overlap,
                       s->first_error_service ? "; the first new error came from its service"
                                              : "")},
            {"kind", s->kind_factor, s->kind},
            {"risk", s->risk_factor,
             s->risk_level && *s->risk_level ? s->risk_level : "not scored"},
            {"versions", s->split_factor,
             s->new_error_ratio < 0 ? "error ratios by version are not known" : "error ratios"}};
        for (size_t r = 0; r < sizeof all / sizeof *all; r++) {
            cJSON *reason = add(reasons);
            cJSON_AddStringToObject(reason, "name", all[r].name);
            cJSON_AddNumberToObject(reason, "factor", all[r].factor);
            cJSON_AddStringToObject(reason, "words", all[r].words);
        }
    }
}

int incident_suspects(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    struct evidence e;
    int rc = load_evidence(call, in, &incident, &e);
    if (!rc) print_suspects(call, &e, out);
    return rc;
}

/* ---- everything ---- */

static void print_patterns(const struct evidence *e, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "patterns");
    for (size_t i = 0; i < e->pattern_count; i++) {
        const struct odd_pattern *p = &e->patterns[i];
        cJSON *item = add(list);
        cJSON_AddStringToObject(item, "service", p->service);
        cJSON_AddStringToObject(item, "template", p->text);
        cJSON_AddStringToObject(item, "id", p->id);
        cJSON_AddStringToObject(item, "odd", anomaly_name(p->anomaly));
        cJSON_AddNumberToObject(item, "lines", (double)p->lines);
        cJSON_AddNumberToObject(item, "usual_per_minute", p->before_rate);
        cJSON_AddNumberToObject(item, "score", p->score);
        put_when(item, "first_at", p->first_ms);
        put_text(item, "example", p->example);
        put_text(item, "trace", p->trace);
    }
}

static void print_spots(const struct evidence *e, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "hot_spots");
    for (size_t i = 0; i < e->spot_count; i++) {
        const struct hot_spot *s = &e->spots[i];
        cJSON *item = add(list);
        cJSON_AddStringToObject(item, "service", s->service);
        cJSON_AddStringToObject(item, "operation", s->operation);
        cJSON_AddNumberToObject(item, "spans", s->spans);
        cJSON_AddNumberToObject(item, "errors", s->errors);
        cJSON_AddNumberToObject(item, "usual_error_share", s->usual_errors);
        cJSON_AddNumberToObject(item, "mean_ms", s->mean_ms);
        cJSON_AddNumberToObject(item, "usual_ms", s->usual_ms);
        put_text(item, "said", s->said);
        put_text(item, "trace", s->trace);
    }
}

static void print_causes(const struct evidence *e, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "root_causes");
    for (size_t i = 0; i < e->cause_count; i++) {
        cJSON *item = add(list);
        cJSON_AddStringToObject(item, "service", e->causes[i].service);
        cJSON_AddNumberToObject(item, "score", e->causes[i].score);
        cJSON_AddStringToObject(item, "words", e->causes[i].words);
    }
    if (!e->cause_count) cJSON_AddStringToObject(out, "no_root_cause", e->no_cause);
}

int incident_evidence(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    struct evidence e;
    int rc = load_evidence(call, in, &incident, &e);
    if (rc) return rc;
    put_when(out, "from", e.from_ms);
    put_when(out, "until", e.until_ms);
    print_causes(&e, out);
    print_patterns(&e, out);
    print_spots(&e, out);
    print_impact(&e, cJSON_AddObjectToObject(out, "impact"));
    print_suspects(call, &e, cJSON_AddObjectToObject(out, "suspects"));
    cJSON *intake = cJSON_AddObjectToObject(out, "intake");
    cJSON_AddNumberToObject(intake, "received", (double)e.received);
    cJSON_AddNumberToObject(intake, "only_counted", (double)e.sampled);
    cJSON_AddNumberToObject(intake, "late", (double)e.late);
    return 0;
}

/* ---- patterns and graph of the last while ---- */

int incident_patterns(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    const int64_t since = sl_now_ms(call) / MINUTE - sl_get_int(in, "minutes", 60);
    int rc =
        sl_query(call, &rows,
                 "SELECT t.service AS service, t.id AS id, t.body AS body, t.example AS example, "
                 "t.severity AS severity, t.first_ms AS first_ms, SUM(m.lines) AS lines, "
                 "SUM(m.errors) AS errors FROM incident_log_minute m JOIN incident_template t ON "
                 "t.tenant = m.tenant AND t.service = m.service AND t.id = m.id WHERE m.tenant = "
                 "$1 AND t.tenant = $1 AND m.minute >= $2 AND ($3 = '' OR m.service = $3) GROUP BY "
                 "t.service, t.id, t.body, t.example, t.severity, t.first_ms ORDER BY errors "
                 "DESC, lines DESC LIMIT $4",
                 SL_ARGS(sl_int(since), sl_text(sl_get_text(in, "service", "")),
                         sl_int(sl_get_int(in, "limit", 50))));
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t r = 0; r < rows.count; r++) {
        cJSON *item = add(items);
        cJSON_AddStringToObject(item, "service", sl_cell_text(&rows, r, "service"));
        cJSON_AddStringToObject(item, "template", sl_cell_text(&rows, r, "body"));
        cJSON_AddStringToObject(item, "id", sl_cell_text(&rows, r, "id"));
        cJSON_AddNumberToObject(item, "lines", (double)sl_cell_int(&rows, r, "lines"));
        cJSON_AddNumberToObject(item, "errors", (double)sl_cell_int(&rows, r, "errors"));
        put_when(item, "first_at", sl_cell_int(&rows, r, "first_ms"));
        put_text(item, "example", sl_cell_text(&rows, r, "example"));
    }
    return 0;
}

static int print_services(sl_call *call, int64_t since, cJSON *out) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT service, SUM(spans) AS spans, SUM(errors) AS errors, SUM(total_ms) AS ms, "
                 "MAX(longest_ms) AS longest FROM incident_span_minute WHERE tenant = $1 AND "
                 "entry = 1 AND minute >= $2 GROUP BY service ORDER BY service LIMIT 500",
                 SL_ARGS(sl_int(since)));
    cJSON *list = cJSON_AddArrayToObject(out, "services");
    for (size_t r = 0; !rc && r < rows.count; r++) {
        const double spans = sl_cell_real(&rows, r, "spans");
        cJSON *item = add(list);
        cJSON_AddStringToObject(item, "service", sl_cell_text(&rows, r, "service"));
        cJSON_AddNumberToObject(item, "requests", spans);
        cJSON_AddNumberToObject(item, "errors", sl_cell_real(&rows, r, "errors"));
        cJSON_AddNumberToObject(item, "mean_ms",
                                spans > 0 ? sl_cell_real(&rows, r, "ms") / spans : 0);
        cJSON_AddNumberToObject(item, "longest_ms", sl_cell_real(&rows, r, "longest"));
    }
    return rc;
}

int incident_graph(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    const int64_t since = sl_now_ms(call) / MINUTE - sl_get_int(in, "minutes", 60);
    int rc = print_services(call, since, out);
    if (!rc)
        rc = sl_query(
            call, &rows,
            "SELECT caller, callee, SUM(calls) AS calls, SUM(errors) AS errors FROM "
            "incident_edge_minute WHERE tenant = $1 AND minute >= $2 GROUP BY caller, callee "
            "ORDER BY caller, callee LIMIT 5000",
            SL_ARGS(sl_int(since)));
    if (rc) return rc;
    cJSON *list = cJSON_AddArrayToObject(out, "calls");
    for (size_t r = 0; r < rows.count; r++) {
        cJSON *item = add(list);
        cJSON_AddStringToObject(item, "caller", sl_cell_text(&rows, r, "caller"));
        cJSON_AddStringToObject(item, "callee", sl_cell_text(&rows, r, "callee"));
        cJSON_AddNumberToObject(item, "calls", (double)sl_cell_int(&rows, r, "calls"));
        cJSON_AddNumberToObject(item, "errors", (double)sl_cell_int(&rows, r, "errors"));
    }
    return 0;
}
