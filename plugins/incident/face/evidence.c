/* evidence.c - log patterns, hot spots, the root-cause service and the impact out of the minutes. */
#include "evidence.h"
#include "tenants.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60000, QUIET_MINUTES = 60, PATTERNS = 20, SPOTS = 10, ROWS = 5000 };

bool incident_names(const struct incident *incident, const char *service) {
    const cJSON *name;
    cJSON_ArrayForEach(name, incident->services) {
        if (strcmp(name->valuestring, service) == 0) return true;
    }
    return false;
}

struct stretch {
    int64_t before, onset,
        until; /* minutes: [before, onset) is quiet, [onset, until] the incident */
};

static struct stretch stretch_of(sl_call *call, const struct incident *i) {
    const int64_t end = i->mitigated_ms  ? i->mitigated_ms
                        : i->resolved_ms ? i->resolved_ms
                                         : sl_now_ms(call);
    const int64_t onset = i->onset_ms / MINUTE;
    return (struct stretch){onset - QUIET_MINUTES, onset, end / MINUTE};
}

/* ---- log patterns ---- */

static int worst_first(const void *a, const void *b) {
    const struct odd_pattern *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return strcmp(x->id, y->id);
}

/* Minutes before the onset in which any log came: watched. */
static int watched(sl_call *call, struct stretch s, double *minutes) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT COUNT(DISTINCT minute) AS n FROM incident_log_minute WHERE tenant = $1 "
                 "AND minute >= $2 AND minute < $3",
                 SL_ARGS(sl_int(s.before), sl_int(s.onset)));
    *minutes = rc ? 0 : (double)sl_cell_int(&rows, 0, "n");
    return rc;
}

static int collect_patterns(sl_call *call, struct stretch s, struct evidence *out) {
    sl_rows rows;
    double minutes;
    int rc = watched(call, s, &minutes);
    if (!rc)
        rc = sl_query(
            call, &rows,
            "SELECT t.service AS service, t.id AS id, t.body AS body, t.example AS example, "
            "t.trace AS trace, t.severity AS severity, t.first_ms AS first_ms, SUM(CASE "
            "WHEN m.minute < $3 THEN m.lines ELSE 0 END) AS before, SUM(CASE WHEN m.minute "
            ">= $3 THEN m.lines ELSE 0 END) AS now FROM incident_log_minute m JOIN "
            "incident_template t ON t.tenant = m.tenant AND t.service = m.service AND t.id "
            "= m.id WHERE m.tenant = $1 AND t.tenant = $1 AND m.minute >= $2 AND m.minute "
            "<= $4 GROUP BY t.service, t.id, t.body, t.example, t.trace, t.severity, "
            "t.first_ms LIMIT $5",
            SL_ARGS(sl_int(s.before), sl_int(s.onset), sl_int(s.until), sl_int(ROWS)));
    if (rc) return rc;
    out->patterns = sl_alloc(call, (rows.count + 1) * sizeof *out->patterns);
    for (size_t r = 0; r < rows.count; r++) {
        const struct pattern p = {.before_lines = (double)sl_cell_int(&rows, r, "before"),
                                  .before_minutes = minutes,
                                  .now_lines = (double)sl_cell_int(&rows, r, "now"),
                                  .now_minutes = (double)(s.until - s.onset + 1),
                                  .severity = (int)sl_cell_int(&rows, r, "severity")};
        double score;
        const enum anomaly anomaly = anomaly_judge(&p, &score);
        if (anomaly == ANOMALY_NONE) continue;
        out->patterns[out->pattern_count++] =
            (struct odd_pattern){.service = sl_cell_text(&rows, r, "service"),
                                 .id = sl_cell_text(&rows, r, "id"),
                                 .text = sl_cell_text(&rows, r, "body"),
                                 .example = sl_cell_text(&rows, r, "example"),
                                 .trace = sl_cell_text(&rows, r, "trace"),
                                 .anomaly = anomaly,
                                 .score = score,
                                 .before_rate = p.before_lines / minutes,
                                 .lines = (int64_t)p.now_lines,
                                 .first_ms = sl_cell_int(&rows, r, "first_ms"),
                                 .severity = p.severity};
    }
    if (out->pattern_count)
        qsort(out->patterns, out->pattern_count, sizeof *out->patterns, worst_first);
    if (out->pattern_count > PATTERNS) out->pattern_count = PATTERNS;
    return 0;
}

/* ---- hot spots ---- */

static double heat(const struct hot_spot *s) {
    const double errors = s->spans > 0 ? s->errors / s->spans : 0;
    const double slower = s->usual_ms > 0 ? s->mean_ms / s->usual_ms : 1;
    return errors * 10 - s->usual_errors * 10 + (slower > 2 ? slower / 4 : 0);
}

static int hottest_first(const void *a, const void *b) {
    const double x = heat(a), y = heat(b);
    if (x != y) return x < y ? 1 : -1;
    return strcmp(((const struct hot_spot *)a)->service, ((const struct hot_spot *)b)->service);
}

static int collect_spots(sl_call *call, struct stretch s, struct evidence *out) {
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT service, operation, MAX(CASE WHEN minute >= $3 THEN error_trace ELSE '' END) AS "
        "error_trace, MAX(CASE WHEN minute >= $3 THEN slow_trace ELSE '' END) AS slow_trace, MAX(CASE "
        "WHEN minute >= $3 THEN error_text ELSE '' END) AS said, SUM(CASE WHEN minute >= $3 THEN spans "
        "ELSE 0 END) AS spans, SUM(CASE WHEN minute >= $3 THEN errors ELSE 0 END) AS errors, SUM(CASE "
        "WHEN minute >= $3 THEN total_ms ELSE 0 END) AS ms, SUM(CASE WHEN minute < $3 THEN spans ELSE "
        "0 END) AS old_spans, SUM(CASE WHEN minute < $3 THEN errors ELSE 0 END) AS old_errors, "
        "SUM(CASE WHEN minute < $3 THEN total_ms ELSE 0 END) AS old_ms FROM incident_span_minute "
        "WHERE tenant = $1 AND minute >= $2 AND minute <= $4 GROUP BY service, operation LIMIT $5",
        SL_ARGS(sl_int(s.before), sl_int(s.onset), sl_int(s.until), sl_int(ROWS)));
    if (rc) return rc;
    out->spots = sl_alloc(call, (rows.count + 1) * sizeof *out->spots);
    for (size_t r = 0; r < rows.count; r++) {
        const double spans = sl_cell_real(&rows, r, "spans"),
                     old = sl_cell_real(&rows, r, "old_spans");
        if (spans <= 0) continue;
        struct hot_spot spot = {.service = sl_cell_text(&rows, r, "service"),
                                .operation = sl_cell_text(&rows, r, "operation"),
                                .said = sl_cell_text(&rows, r, "said"),
                                .spans = spans,
                                .errors = sl_cell_real(&rows, r, "errors"),
                                .mean_ms = sl_cell_real(&rows, r, "ms") / spans};
        spot.trace = sl_cell_text(&rows, r, spot.errors > 0 ? "error_trace" : "slow_trace");
        if (old > 0) {
            spot.usual_ms = sl_cell_real(&rows, r, "old_ms") / old;
            spot.usual_errors = sl_cell_real(&rows, r, "old_errors") / old;
        }
        if (heat(&spot) > 0.05) out->spots[out->spot_count++] = spot;
    }
    if (out->spot_count) qsort(out->spots, out->spot_count, sizeof *out->spots, hottest_first);
    if (out->spot_count > SPOTS) out->spot_count = SPOTS;
    return 0;
}

/* ---- root cause ---- */

static const char *cause_words(sl_call *call, const struct telemetry *t,
                               const struct rca_verdict *v) {
    const char *to = v->to ? telemetry_name(t, v->to) : "the end of the work";
    if (v->strongest == RCA_LOAD)
        return sl_printf(call, "%.0f %% of its limit is in use, usually %.0f %%", v->now * 100,
                         v->usual * 100);
    if (v->strongest == RCA_EDGES)
        return sl_printf(call, "%s waits %.0f ms beyond its work, usually %.0f ms (%zu calls)",
                         telemetry_name(t, v->from), v->now, v->usual, v->count);
    return sl_printf(call, "after \"%s\" comes \"%s\" in %.0f %% of %zu cases, usually in %.0f %%",
                     telemetry_name(t, v->from), to, v->now * 100, v->count, v->usual * 100);
}

static int collect_causes(sl_call *call, const struct incident *i, struct evidence *out) {
    struct incident_state *state = sl_state(call);
    out->no_cause =
        "no spans have come, or fewer than three windows of five minutes before the onset";
    if (!state->tenants) return 0;
    struct tenant_telemetry *tenant;
    int rc = tenant_lock(call, &tenant);
    if (rc) return rc;
    struct rca_verdict verdicts[5];
    telemetry_at(tenant->telemetry, sl_now_ms(call));
    const size_t n = telemetry_rank(tenant->telemetry, i->onset_ms, verdicts, 5);
    for (size_t v = 0; v < n; v++)
        out->causes[out->cause_count++] = (struct cause){
            .service = sl_strdup(call, telemetry_name(tenant->telemetry, verdicts[v].service)),
            .words = cause_words(call, tenant->telemetry, &verdicts[v]),
            .score = verdicts[v].score};
    tenant_unlock(tenant);
    /* A shift of less than a fifth is within what quiet windows show. */
    if (n && out->causes[0].score < 0.2) {
        out->no_cause = "no service stands out against its own past";
        out->cause_count = 0;
    }
    return 0;
}

/* ---- impact ---- */

static int users_hit(sl_call *call, const struct incident *i, struct stretch s, double *users) {
    sl_rows rows;
    const char *services = sl_json_print(call, i->services);
    int rc =
        sl_query(call, &rows,
                 "SELECT COUNT(DISTINCT person) AS n FROM incident_user_minute WHERE tenant = $1 "
                 "AND minute >= $2 AND minute <= $3 AND ($4 = '[]' OR $4 LIKE '%\"' || service "
                 "|| '\"%')",
                 SL_ARGS(sl_int(s.onset), sl_int(s.until), sl_text(services)));
    *users = rc || !sl_cell_int(&rows, 0, "n") ? -1 : (double)sl_cell_int(&rows, 0, "n");
    return rc;
}

static int collect_impact(sl_call *call, const struct incident *i, struct stretch s,
                          struct evidence *out) {
    sl_rows rows;
    const char *services = sl_json_print(call, i->services);
    int rc = sl_query(call, &rows,
                      "SELECT minute, SUM(spans) AS spans, SUM(errors) AS errors FROM "
                      "incident_span_minute WHERE tenant = $1 AND entry = 1 AND minute >= $2 AND "
                      "minute <= $3 AND ($4 = '[]' OR $4 LIKE '%\"' || service || '\"%') GROUP BY "
                      "minute ORDER BY minute",
                      SL_ARGS(sl_int(s.before), sl_int(s.until), sl_text(services)));
    if (rc) return rc;
    double *ratios = sl_alloc(call, (rows.count + 1) * sizeof *ratios);
    struct impact_counts c = {.usual_ratios = ratios};
    for (size_t r = 0; r < rows.count; r++) {
        const double spans = sl_cell_real(&rows, r, "spans"),
                     errors = sl_cell_real(&rows, r, "errors");
        if (sl_cell_int(&rows, r, "minute") < s.onset) {
            if (spans > 0) ratios[c.usual_count++] = errors / spans;
            continue;
        }
        c.requests += spans;
        c.failed += errors;
    }
    impact_compute(&c, ratios, &out->impact);
    out->impact_from =
        cJSON_GetArraySize(i->services) ? "the services of the incident" : "all services";
    return users_hit(call, i, s, &out->users);
}

/* ---- suspects ---- */

struct graph {
    sl_rows edges;
};

/* Hops from the services of the incident along their dependencies; -1: not reached. */
static int hops_to(const struct incident *i, const struct graph *g, const char *service) {
    enum { DEEP = 4, WIDE = 200 };
    const char *reached[WIDE];
    int depth[WIDE];
    size_t n = 0;
    const cJSON *name;
    cJSON_ArrayForEach(name, i->services) {
        if (n < WIDE) reached[n] = name->valuestring, depth[n++] = 0;
    }
    for (size_t at = 0; at < n; at++) {
        if (strcmp(reached[at], service) == 0) return depth[at];
        for (size_t e = 0; depth[at] < DEEP && e < g->edges.count && n < WIDE; e++) {
            if (strcmp(sl_cell_text(&g->edges, e, "caller"), reached[at]) != 0) continue;
            const char *callee = sl_cell_text(&g->edges, e, "callee");
            size_t known = 0;
            while (known < n && strcmp(reached[known], callee) != 0) known++;
            if (known == n) reached[n] = callee, depth[n++] = depth[at] + 1;
        }
    }
    return -1;
}

static struct elsewhere look_elsewhere(const struct evidence *e) {
    struct elsewhere found = {0};
    for (size_t i = 0; i < e->pattern_count; i++) {
        if (e->patterns[i].anomaly != ANOMALY_NEW) continue;
        const char *text = e->patterns[i].text;
        found.certificate |= strcasestr(text, "certificate") || strcasestr(text, "x509");
        found.rate_limit |= strcasestr(text, "rate limit") || strcasestr(text, "too many requests");
        found.upstream |= strcasestr(text, "third party") || strcasestr(text, "external provider");
    }
    return found;
}

static void fill_suspect(struct suspect *s, const struct evidence *e) {
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < e->pattern_count; i++) {
        const struct odd_pattern *p = &e->patterns[i];
        if (p->anomaly != ANOMALY_NEW) continue;
        s->overlap += words_shared(s->words, p->text) > 0;
        if (p->severity >= 17 && p->first_ms < first) {
            first = p->first_ms;
            s->first_error_service = s->service && strcmp(p->service, s->service) == 0;
        }
    }
}

static int collect_suspects(sl_call *call, const struct incident *i, struct stretch st,
                            struct evidence *out) {
    sl_rows rows;
    struct graph g;
    int rc =
        sl_query(call, &g.edges,
                 "SELECT DISTINCT caller, callee FROM incident_edge_minute WHERE tenant = $1 AND "
                 "minute >= $2 LIMIT 5000",
                 SL_ARGS(sl_int(st.before)));
    if (!rc)
        rc = sl_query(
            call, &rows,
            "SELECT id, ref, kind, service, app, environment, words, risk_level, at_ms FROM "
            "incident_change WHERE tenant = $1 AND at_ms <= $2 AND at_ms >= $3 AND kind NOT "
            "IN ('gate', 'request') ORDER BY at_ms DESC LIMIT 500",
            SL_ARGS(sl_int(i->onset_ms), sl_int(i->onset_ms - 6L * 3600000)));
    if (rc) return rc;
    out->suspects = sl_alloc(call, (rows.count + 1) * sizeof *out->suspects);
    size_t n = 0;
    for (size_t r = 0; r < rows.count; r++) {
        const char *environment = sl_cell_text(&rows, r, "environment");
        const char *ref = sl_cell_text(&rows, r, "ref"),
                   *service = sl_cell_text(&rows, r, "service");
        if (i->environment && *environment && strcmp(environment, i->environment) != 0) continue;
        size_t same = 0; /* several events of one deployment are one suspect: the newest */
        while (same < n && (!*ref || strcmp(out->suspects[same].id, ref) != 0)) same++;
        if (same < n) continue;
        struct suspect s = {.id = *ref ? ref : sl_cell_text(&rows, r, "id"),
                            .kind = sl_cell_text(&rows, r, "kind"),
                            .service = *service ? service : sl_cell_text(&rows, r, "app"),
                            .words = sl_cell_text(&rows, r, "words"),
                            .risk_level = sl_cell_text(&rows, r, "risk_level"),
                            .at_ms = sl_cell_int(&rows, r, "at_ms"),
                            .new_error_ratio = -1,
                            .old_error_ratio = -1};
        s.hops = hops_to(i, &g, s.service);
        if (s.hops < 0 && i->app && strcmp(i->app, s.service) == 0) s.hops = 0;
        fill_suspect(&s, out);
        out->suspects[n++] = s;
    }
    const struct elsewhere elsewhere = look_elsewhere(out);
    out->suspect_count = suspects_rank(out->suspects, n, i->onset_ms, &elsewhere, &out->no_suspect);
    return 0;
}

static int collect_intake(sl_call *call, struct stretch s, struct evidence *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT COALESCE(SUM(logs + spans), 0) AS n, COALESCE(SUM(sampled), 0) AS "
                      "sampled, COALESCE(SUM(late), 0) AS late FROM incident_intake_minute WHERE "
                      "tenant = $1 AND minute >= $2 AND minute <= $3",
                      SL_ARGS(sl_int(s.onset), sl_int(s.until + 5)));
    if (rc) return rc;
    out->received = sl_cell_int(&rows, 0, "n");
    out->sampled = sl_cell_int(&rows, 0, "sampled");
    out->late = sl_cell_int(&rows, 0, "late");
    return 0;
}

int evidence_collect(sl_call *call, const struct incident *incident, struct evidence *out) {
    *out = (struct evidence){.users = -1};
    const struct stretch s = stretch_of(call, incident);
    out->from_ms = s.onset * MINUTE;
    out->until_ms = (s.until + 1) * MINUTE;
    int rc = collect_patterns(call, s, out);
    if (!rc) rc = collect_spots(call, s, out);
    if (!rc) rc = collect_causes(call, incident, out);
    if (!rc) rc = collect_impact(call, incident, s, out);
    if (!rc) rc = collect_suspects(call, incident, s, out);
    if (!rc) rc = collect_intake(call, s, out);
    return rc;
}
