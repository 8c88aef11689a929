/* The confidence meter: what is known of a service, judged, kept, and shown. */
#include "confidence.h"
#include "page.h"
#include "slo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINT_EVERY_MS = 3600000, POINTS_KEPT_DAYS = 100 };

bool meter_counts(const struct slo *slo, const char *environment) {
    const cJSON *one, *list = sl_get(slo->config, "confidence_environments");
    if (!environment || !*environment) return true;
    if (!cJSON_GetArraySize(list)) return strcmp(environment, "prod") == 0;
    cJSON_ArrayForEach(one, list) {
        if (strcmp(one->valuestring, environment) == 0) return true;
    }
    return false;
}

/* ---- what is known ---- */

static int gather_objectives(sl_call *call, const char *service, struct confidence_input *input,
                             size_t *count) {
    const struct slo *slo = sl_state(call);
    struct objective_set set;
    int rc = objectives_load(call, service, NULL, &set);
    input->budget_left = input->burn = (double)NAN;
    *count = set.count;
    for (size_t i = 0; i < set.count && !rc; i++) {
        const struct objective *o = &set.items[i];
        struct measure *m = sl_alloc(call, sizeof *m);
        int64_t version;
        rc = measure_load(call, o, m, &version);
        if (rc || !meter_counts(slo, o->environment)) continue;
        input->budget_left = fmin(input->budget_left, measure_budget_left(o, m));
        input->burn = fmax(input->burn, measure_burn(o, m));
        input->paging |= measure_pages(o, m);
    }
    return rc;
}

static int gather_changes(sl_call *call, const char *service, struct confidence_input *input) {
    const struct slo *slo = sl_state(call);
    sl_rows rows, first;
    int rc = sl_query(call, &rows,
                      "SELECT at, ended, risk, outcome, environment FROM slo_change "
                      "WHERE tenant = $1 AND service = $2 AND at > $3 ORDER BY at DESC LIMIT 2000",
                      SL_ARGS(sl_text(service), sl_int(input->now_ms - HISTORY_DAYS * DAY_MS)));
    if (!rc)
        rc = sl_query(call, &first,
                      "SELECT MIN(at) AS at FROM slo_change WHERE tenant = $1 AND service = $2",
                      SL_ARGS(sl_text(service)));
    if (rc) return rc;
    struct change *changes = sl_alloc(call, (rows.count + 1) * sizeof *changes);
    for (size_t i = 0; i < rows.count; i++) {
        if (!meter_counts(slo, sl_cell_text(&rows, i, "environment"))) continue;
        changes[input->change_count++] =
            (struct change){.at_ms = sl_cell_int(&rows, i, "at"),
                            .ended_ms = sl_cell_int(&rows, i, "ended"),
                            .risk = (int)sl_cell_int(&rows, i, "risk"),
                            .outcome = (enum change_outcome)sl_cell_int(&rows, i, "outcome")};
    }
    input->changes = changes;
    input->known_since_ms = sl_cell_int(&first, 0, "at");
    return 0;
}

static int gather_incidents(sl_call *call, const char *service, struct confidence_input *input) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT severity, closed FROM slo_incident WHERE tenant = $1 AND service = $2 "
                 "AND (closed = 0 OR closed > $3) ORDER BY opened DESC LIMIT 200",
                 SL_ARGS(sl_text(service), sl_int(input->now_ms - 2 * DAY_MS)));
    if (rc) return rc;
    struct incident_fact *facts = sl_alloc(call, (rows.count + 1) * sizeof *facts);
    for (size_t i = 0; i < rows.count; i++)
        facts[i] = (struct incident_fact){.severity = (int)sl_cell_int(&rows, i, "severity"),
                                          .closed_ms = sl_cell_int(&rows, i, "closed")};
    input->incidents = facts;
    input->incident_count = rows.count;
    return 0;
}

/* SL_NOT_FOUND: nothing is known of such a service. */
static int judge(sl_call *call, const char *service, struct confidence *confidence) {
    struct confidence_input input = {.now_ms = sl_now_ms(call)};
    size_t objectives;
    int rc = gather_objectives(call, service, &input, &objectives);
    if (!rc) rc = gather_changes(call, service, &input);
    if (!rc) rc = gather_incidents(call, service, &input);
    if (rc) return rc;
    if (!objectives && !input.known_since_ms && !input.incident_count)
        return sl_fail(call, SL_NOT_FOUND,
                       "nothing is known of a service '%s': it has no objective, no change and no "
                       "incident",
                       service);
    confidence_judge(&input, confidence);
    return 0;
}

/* ---- what is kept ---- */

struct kept {
    bool known;
    int64_t point_ms;
    double score;
    enum confidence_level level;
};

static int load_kept(sl_call *call, const char *service, struct kept *kept) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT at, score, level FROM slo_confidence WHERE tenant = $1 AND service = $2",
                 SL_ARGS(sl_text(service)));
    *kept = (struct kept){.score = (double)NAN};
    if (rc || !rows.count) return rc;
    *kept = (struct kept){.known = true,
                          .point_ms = sl_cell_int(&rows, 0, "at"),
                          .score = sl_cell_real(&rows, 0, "score"),
                          .level = level_named(sl_cell_text(&rows, 0, "level"))};
    return 0;
}

static void tell_change(sl_call *call, sl_batch *batch, const char *service,
                        const struct kept *before, const struct confidence *now,
                        enum confidence_level level) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "service", service);
    cJSON_AddStringToObject(data, "app_name", service);
    cJSON_AddStringToObject(data, "from", level_name(before->level));
    cJSON_AddStringToObject(data, "level", level_name(level));
    if (!isnan(now->score)) cJSON_AddNumberToObject(data, "score", round(now->score * 10) / 10);
    sl_batch_emit(batch, "slo.confidence_changed", sl_printf(call, "confidence/%s", service), data);
}

static void save(sl_batch *batch, const char *service, int64_t now_ms, double score,
                 const char *level) {
    sl_batch_add(batch,
                 "INSERT INTO slo_confidence (tenant, service, at, score, level) "
                 "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, service) DO UPDATE SET "
                 "at = excluded.at, score = excluded.score, level = excluded.level",
                 SL_ARGS(sl_text(service), sl_int(now_ms), sl_real(score), sl_text(level)));
    sl_batch_add(batch,
                 "INSERT INTO slo_point (tenant, service, at, score) VALUES ($1, $2, $3, $4) "
                 "ON CONFLICT (tenant, service, at) DO UPDATE SET score = excluded.score",
                 SL_ARGS(sl_text(service), sl_int(now_ms), sl_real(score)));
    sl_batch_add(batch, "DELETE FROM slo_point WHERE tenant = $1 AND service = $2 AND at < $3",
                 SL_ARGS(sl_text(service), sl_int(now_ms - POINTS_KEPT_DAYS * DAY_MS)));
}

int meter_refresh(sl_call *call, const char *service) {
    struct confidence *confidence = sl_alloc(call, sizeof *confidence);
    struct kept kept;
    int rc = judge(call, service, confidence);
    if (!rc) rc = load_kept(call, service, &kept);
    if (rc || isnan(confidence->score)) return rc;
    const int64_t now_ms = sl_now_ms(call);
    const enum confidence_level level = confidence_level(confidence->score, kept.level);
    const bool moved = !kept.known || fabs(kept.score - confidence->score) >= 1;
    const bool due = now_ms - kept.point_ms >= POINT_EVERY_MS || now_ms < kept.point_ms;
    sl_gauge(call, "confidence_score", confidence->score, service);
    if (!moved && !due && level == kept.level) return 0;
    sl_batch *batch = sl_batch_new(call);
    save(batch, service, now_ms, confidence->score, level_name(level));
    if (level != kept.level) tell_change(call, batch, service, &kept, confidence, level);
    return sl_commit(batch);
}

/* ---- slo.confidence ---- */

static void add_name(const char **names, size_t *count, const char *name) {
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0) return;
    names[(*count)++] = name;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Services with an objective, or whose confidence was judged before. */
static int all_services(sl_call *call, const char ***names, size_t *count) {
    struct objective_set set;
    sl_rows rows;
    int rc = objectives_load(call, NULL, NULL, &set);
    if (!rc)
        rc = sl_query(
            call, &rows,
            "SELECT service FROM slo_confidence WHERE tenant = $1 ORDER BY service LIMIT 5000",
            SL_NO_ARGS);
    if (rc) return rc;
    *names = sl_alloc(call, (set.count + rows.count + 1) * sizeof(char *));
    *count = 0;
    for (size_t i = 0; i < rows.count; i++)
        (*names)[(*count)++] = sl_cell_text(&rows, i, "service");
    for (size_t i = 0; i < set.count; i++) add_name(*names, count, set.items[i].service);
    qsort(*names, *count, sizeof **names, by_name);
    return 0;
}

static int add_item(sl_call *call, cJSON *items, const char *service) {
    struct confidence *confidence = sl_alloc(call, sizeof *confidence);
    struct kept kept;
    int rc = judge(call, service, confidence);
    if (!rc) rc = load_kept(call, service, &kept);
    if (rc) return rc;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(items, item);
    cJSON_AddStringToObject(item, "service", service);
    confidence_write(item, confidence, confidence_level(confidence->score, kept.level));
    return 0;
}

int slo_confidence(sl_call *call, const cJSON *in, cJSON *out) {
    const char *service = sl_get_text(in, "service", NULL), **names = NULL;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    if (service) return add_item(call, items, service);
    size_t count = 0;
    int rc = all_services(call, &names, &count);
    for (size_t i = 0; i < count && !rc; i++) {
        rc = add_item(call, items, names[i]);
        if (rc == SL_NOT_FOUND) rc = 0; /* its last objective is gone */
    }
    return rc;
}

int slo_history(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t since_ms = sl_get_int(in, "since_ms", sl_now_ms(call) - 90 * DAY_MS);
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT at, score FROM slo_point WHERE tenant = $1 AND service = $2 AND at >= $3 "
                 "ORDER BY at DESC LIMIT $4",
                 SL_ARGS(sl_text(sl_get_text(in, "service", "")), sl_int(since_ms),
                         sl_int(sl_get_int(in, "limit", 1000))));
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = rows.count; i-- > 0;) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "at_ms", (double)sl_cell_int(&rows, i, "at"));
        cJSON_AddNumberToObject(item, "score", round(sl_cell_real(&rows, i, "score") * 10) / 10);
        cJSON_AddItemToArray(items, item);
    }
    return 0;
}

/* ---- for customers ---- */

static int fill_days(sl_call *call, const char *service, struct page_item *item) {
    const int64_t today = sl_now_ms(call) / DAY_MS;
    sl_rows rows;
    for (int i = 0; i < PAGE_DAYS; i++) item->days[i] = (double)NAN;
    item->week_ago = (double)NAN;
    int rc = sl_query(call, &rows,
                      "SELECT at / 86400000 AS day, MIN(score) AS score FROM slo_point "
                      "WHERE tenant = $1 AND service = $2 AND at >= $3 GROUP BY at / 86400000",
                      SL_ARGS(sl_text(service), sl_int((today - PAGE_DAYS + 1) * DAY_MS)));
    for (size_t i = 0; i < rows.count && !rc; i++) {
        const int64_t day = sl_cell_int(&rows, i, "day") - (today - PAGE_DAYS + 1);
        if (day < 0 || day >= PAGE_DAYS) continue;
        item->days[day] = sl_cell_real(&rows, i, "score");
        if (day == PAGE_DAYS - 8) item->week_ago = item->days[day];
    }
    return rc;
}

static int fill_item(sl_call *call, const char *service, const char *title, bool with_days,
                     struct page_item *item) {
    struct confidence *confidence = sl_alloc(call, sizeof *confidence);
    struct kept kept;
    *item = (struct page_item){.title = title, .score = (double)NAN};
    int rc = judge(call, service, confidence);
    if (!rc) rc = load_kept(call, service, &kept);
    if (!rc) {
        item->score = confidence->score;
        item->level = confidence_level(confidence->score, kept.level);
    }
    if (rc == SL_NOT_FOUND) rc = 0; /* published before anything is known */
    return rc || !with_days ? rc : fill_days(call, service, item);
}

/* The services that the operator shows to customers, with their titles. */
static const cJSON *published(const struct slo *slo) {
    return sl_get(sl_get(slo->config, "customers"), "services");
}

int slo_page(sl_call *call, const cJSON *in, cJSON *out) {
    const struct slo *slo = sl_state(call);
    struct text text = {.at = NULL};
    const cJSON *one;
    (void)in;
    (void)out;
    int rc = 0;
    page_begin(&text, sl_get_text(sl_get(slo->config, "customers"), "title", "Confidence"));
    cJSON_ArrayForEach(one, published(slo)) {
        struct page_item *item = sl_alloc(call, sizeof *item);
        if (!rc) rc = fill_item(call, one->string, one->valuestring, true, item);
        if (!rc) page_add(&text, item);
    }
    if (!published(slo)) text_add(&text, "<p>No service is published here yet.</p>\n");
    page_end(&text, sl_now_ms(call));
    if (!rc) {
        sl_reply_header(call, "Cache-Control", "public, max-age=30");
        sl_reply_header(call, "Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *");
        sl_reply_bytes(call, "text/html; charset=utf-8", text.at, text.size);
    }
    text_free(&text);
    return rc;
}

int slo_badge(sl_call *call, const cJSON *in, cJSON *out) {
    const struct slo *slo = sl_state(call);
    const char *service = sl_get_text(in, "service", "");
    const char *title = sl_get_text(published(slo), service, NULL);
    (void)out;
    /* Whoever may read everything may also embed what is not published. */
    if (!title && !sl_can(call, "slo:read"))
        return sl_fail(call, SL_NOT_FOUND, "no such badge is published");
    struct page_item *item = sl_alloc(call, sizeof *item);
    int rc = fill_item(call, service, title ? title : service, false, item);
    if (rc) return rc;
    struct text text = {.at = NULL};
    badge_write(&text, item->title, item->score, item->level);
    sl_reply_header(call, "Cache-Control", "public, max-age=30");
    sl_reply_bytes(call, "image/svg+xml", text.at, text.size);
    text_free(&text);
    return 0;
}
