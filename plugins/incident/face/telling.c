/* telling.c - a story out of what is stored. */
#include "telling.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { INTERNAL_WORDS = 400, NEXT_UPDATE_MINUTES = 60 };

static void fill(const char **list, const char *item) {
    for (size_t i = 0; i + 1 < STORY_LIST; i++) {
        if (list[i]) continue;
        list[i] = item;
        return;
    }
}

/* ---- what customers may not read ---- */

struct collecting {
    const char **words;
    size_t count;
    const cJSON *public_names; /* components: names that customers know */
};

static bool is_public(const struct collecting *c, const char *word) {
    const cJSON *name;
    cJSON_ArrayForEach(name, c->public_names) {
        if (cJSON_IsString(name) && strcasecmp(name->valuestring, word) == 0) return true;
    }
    return false;
}

static void add_word(struct collecting *c, const char *word) {
    if (word && *word && c->count < INTERNAL_WORDS && !is_public(c, word))
        c->words[c->count++] = word;
}

/* "user:ada" and "Ada Lovelace" are known by each of their parts. */
static void add_person(sl_call *call, struct collecting *c, const char *name) {
    enum { PART_LEAST = 3 };
    add_word(c, name);
    for (const char *p = name; p && *p;) {
        const size_t n = strcspn(p, " :@.");
        if (n >= PART_LEAST && strncmp(p, "user", n) != 0 && strncmp(p, "token", n) != 0 &&
            strncmp(p, "plugin", n) != 0 && strncmp(p, "sluice", n) != 0)
            add_word(c, sl_strndup(call, p, n));
        p += n + (p[n] != 0);
    }
}

static int add_column(sl_call *call, struct collecting *c, const char *sql, const char *id,
                      bool people) {
    sl_rows rows;
    int rc = id ? sl_query(call, &rows, sql, SL_ARGS(sl_text(id)))
                : sl_query(call, &rows, sql, SL_NO_ARGS);
    for (size_t r = 0; !rc && r < rows.count; r++) {
        const char *word = sl_cell_text(&rows, r, "word");
        if (people)
            add_person(call, c, word);
        else
            add_word(c, word);
    }
    return rc;
}

static int collect_internal(sl_call *call, const struct incident *i, struct internal_words *out) {
    struct collecting c = {.words = sl_alloc(call, INTERNAL_WORDS * sizeof *c.words),
                           .public_names = sl_get(i->extra, "components")};
    const cJSON *item;
    add_word(&c, i->id);
    add_word(&c, i->app);
    cJSON_ArrayForEach(item, i->services) {
        if (cJSON_IsString(item)) add_word(&c, item->valuestring);
    }
    cJSON_ArrayForEach(item, i->roles) {
        if (cJSON_IsString(item)) add_person(call, &c, item->valuestring);
    }
    int rc = add_column(call, &c,
                        "SELECT DISTINCT name AS word FROM incident_alert WHERE tenant = $1 AND "
                        "incident_id = $2 LIMIT 50",
                        i->id, false);
    if (!rc)
        rc =
            add_column(call, &c,
                       "SELECT DISTINCT caller AS word FROM incident_edge_minute WHERE tenant = $1 "
                       "UNION SELECT DISTINCT callee FROM incident_edge_minute WHERE tenant = $1 "
                       "LIMIT 200",
                       NULL, false);
    if (!rc)
        rc = add_column(call, &c,
                        "SELECT DISTINCT actor AS word FROM incident_line WHERE tenant = $1 AND "
                        "incident_id = $2 LIMIT 50",
                        i->id, true);
    *out = (struct internal_words){.words = c.words, .count = c.count};
    return rc;
}

/* ---- lists ---- */

static void list_texts(const cJSON *array, const char **out) {
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        if (cJSON_IsString(item)) fill(out, item->valuestring);
    }
}

static int list_alerts(sl_call *call, const struct incident *i, struct story *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT name, COUNT(*) AS n FROM incident_alert WHERE tenant = $1 AND "
                      "incident_id = $2 GROUP BY name ORDER BY n DESC, name LIMIT 10",
                      SL_ARGS(sl_text(i->id)));
    for (size_t r = 0; !rc && r < rows.count; r++)
        fill(out->alert_names, sl_cell_text(&rows, r, "name"));
    return rc;
}

static int list_actions(sl_call *call, const struct incident *i, struct story *out) {
    struct line *lines;
    size_t n, shown = 0;
    int rc = timeline_collect(call, i, &lines, &n);
    for (size_t l = n; !rc && l-- > 0 && shown < STORY_LIST - 1;) {
        const bool done =
            strcmp(lines[l].kind, "note") == 0 || strcmp(lines[l].kind, "change") == 0;
        if (!done || lines[l].hidden || lines[l].at_ms < i->onset_ms) continue;
        char at[WHEN_TEXT];
        out->actions[shown++] =
            sl_printf(call, "%s %s%s%s%s", when_clock(lines[l].at_ms, at), lines[l].text,
                      lines[l].actor ? " (" : "", lines[l].actor ? lines[l].actor : "",
                      lines[l].actor ? ")" : "");
    }
    for (size_t a = 0; shown && a < shown / 2; a++) { /* oldest first */
        const char *swap = out->actions[a];
        out->actions[a] = out->actions[shown - 1 - a];
        out->actions[shown - 1 - a] = swap;
    }
    return rc;
}

static void list_evidence(sl_call *call, const struct evidence *e, struct story *out) {
    for (size_t i = 0; i < e->pattern_count && i < 8; i++) {
        const struct odd_pattern *p = &e->patterns[i];
        fill(out->patterns, sl_printf(call, "%s, %s, %lld lines: %s", p->service,
                                      anomaly_name(p->anomaly), (long long)p->lines, p->text));
    }
    for (size_t i = 0; i < e->spot_count && i < 6; i++) {
        const struct hot_spot *s = &e->spots[i];
        fill(out->spots,
             sl_printf(call, "%s %s: %.0f of %.0f failed, %.0f ms on average%s%s%s%s", s->service,
                       s->operation, s->errors, s->spans, s->mean_ms,
                       s->usual_ms > 0 ? sl_printf(call, " (usually %.0f ms)", s->usual_ms) : "",
                       *s->said ? sl_printf(call, ", \"%s\"", s->said) : "",
                       *s->trace ? ", trace " : "", s->trace));
    }
    for (size_t i = 0; i < e->cause_count && i < 3; i++)
        fill(out->causes, sl_printf(call, "%s (score %.2f): %s", e->causes[i].service,
                                    e->causes[i].score, e->causes[i].words));
    for (size_t i = 0; !e->no_suspect && i < e->suspect_count && i < 3; i++) {
        char at[WHEN_TEXT];
        fill(out->suspects, sl_printf(call, "%s at %s (%s, score %.2f)", e->suspects[i].words,
                                      when_clock(e->suspects[i].at_ms, at), e->suspects[i].id,
                                      e->suspects[i].score));
    }
    out->no_cause = e->cause_count ? NULL : e->no_cause;
    out->no_suspect = e->no_suspect;
    if (e->sampled || e->late)
        out->sampled =
            sl_printf(call,
                      "Of %lld log records and spans %lld were only counted and %lld came "
                      "more than a day late",
                      (long long)e->received, (long long)e->sampled, (long long)e->late);
}

/* ---- error budget, where slo is there ---- */

static double budget_left(sl_call *call, const struct incident *i) {
    const cJSON *service = i->services->child;
    if (!service || !sl_has_op(call, "slo.status")) return NAN;
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    cJSON_AddStringToObject(in, "service", service->valuestring);
    if (sl_invoke(call, "slo.status", in, &out)) return NAN;
    const cJSON *first = sl_get(out, "items") ? sl_get(out, "items")->child : NULL;
    return sl_get_number(first, "budget_left", NAN);
}

static void tell_impact(sl_call *call, const struct incident *i, const struct evidence *e,
                        struct story *out) {
    const cJSON *stated = sl_get(i->extra, "impact");
    out->impact_text = sl_get_text(stated, "text", NULL);
    out->regions = sl_get_text(stated, "regions", NULL);
    out->users = e->users;
    if (e->impact.known) {
        out->requests = e->impact.requests;
        out->failed = e->impact.excess;
        out->share = e->impact.share;
        out->share_low = e->impact.share_low;
        out->share_high = e->impact.share_high;
        out->impact_source = sl_printf(call, "spans of %s", e->impact_from);
    }
    if (out->users < 0 && sl_get(stated, "users")) out->users = sl_get_number(stated, "users", -1);
}

int story_of_incident(sl_call *call, const struct incident *i, struct story *out) {
    struct evidence e;
    int rc = evidence_collect(call, i, &e);
    if (rc) return rc;
    const int64_t now = sl_now_ms(call);
    *out = (struct story){.id = i->id,
                          .title = i->title,
                          .severity = i->severity,
                          .status = i->status,
                          .environment = i->environment,
                          .commander = sl_get_text(i->roles, "commander", NULL),
                          .public_title = sl_get_text(i->extra, "public_title", NULL),
                          .public_text = sl_get_text(i->extra, "public_text", NULL),
                          .workaround = sl_get_text(i->extra, "workaround", NULL),
                          .cause = sl_get_text(i->extra, "cause", NULL),
                          .trigger = sl_get_text(i->extra, "trigger", NULL),
                          .resolution = sl_get_text(i->extra, "resolution", NULL),
                          .onset_ms = i->onset_ms,
                          .detected_ms = i->detected_ms,
                          .acknowledged_ms = i->acknowledged_ms,
                          .mitigated_ms = i->mitigated_ms,
                          .resolved_ms = i->resolved_ms,
                          .now_ms = now,
                          .alerts = (int)i->alerts,
                          .firing = (int)i->firing,
                          .budget_left = budget_left(call, i)};
    const int64_t minutes = sl_get_int(i->extra, "next_update_minutes", NEXT_UPDATE_MINUTES);
    if (!i->resolved_ms) out->next_ms = now + minutes * 60000;
    list_texts(i->services, out->services);
    list_texts(sl_get(i->extra, "components"), out->components);
    tell_impact(call, i, &e, out);
    list_evidence(call, &e, out);
    rc = collect_internal(call, i, &out->internal);
    if (!rc) rc = list_alerts(call, i, out);
    if (!rc) rc = list_actions(call, i, out);
    return rc;
}

int story_for_customers(sl_call *call, const struct incident *incident, const char **text) {
    enum { TEXT = 8192 };
    struct story story;
    int rc = story_of_incident(call, incident, &story);
    if (rc) return rc;
    struct told *told = sl_alloc(call, sizeof *told);
    story_tell(&story, told);
    char *out = sl_alloc(call, TEXT);
    story_text(&told->texts[AUDIENCE_CUSTOMER], " ", out, TEXT);
    *text = out;
    return 0;
}
