/* How changes ended: by POST /risk/outcomes and by events; the recalibration that follows; similar
 * changes of the past. */
#include "answer.h"
#include "risk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where nothing has ended yet, the store is asked again after a second: others may have told it. */
enum { SIMILAR_LOOKED_AT = 300, SIMILAR_TOLD = 3, EMPTY_MS = 1000 };

/* ---- writing ---- */

struct ending {
    const char *change, *app, *outcome;
    int bad;     /* -1: not known yet */
    bool scored; /* learned and the sizes are known */
    double learned, la, ctl, nd;
    const char *level;
    int64_t at_ms;
};

static sl_value real_or_null(bool known, double value) {
    return known ? sl_real(value) : sl_text(NULL);
}

/* A score and an ending may come in either order; neither wipes out the other. */
static void keep(sl_batch *batch, const struct ending *e) {
    sl_batch_add(batch,
                 "INSERT INTO risk_outcome (tenant, change_id, app, learned, la, ctl, nd, level, "
                 "outcome, bad, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                 "ON CONFLICT (tenant, change_id) DO UPDATE SET "
                 "app = COALESCE(excluded.app, risk_outcome.app), "
                 "learned = COALESCE(excluded.learned, risk_outcome.learned), "
                 "la = COALESCE(excluded.la, risk_outcome.la), "
                 "ctl = COALESCE(excluded.ctl, risk_outcome.ctl), "
                 "nd = COALESCE(excluded.nd, risk_outcome.nd), "
                 "level = COALESCE(excluded.level, risk_outcome.level), "
                 "outcome = COALESCE(excluded.outcome, risk_outcome.outcome), "
                 "bad = COALESCE(excluded.bad, risk_outcome.bad), at_ms = excluded.at_ms",
                 SL_ARGS(sl_text(e->change), sl_text(e->app), real_or_null(e->scored, e->learned),
                         real_or_null(e->scored, e->la),
                         real_or_null(e->scored && !isnan(e->ctl), e->ctl),
                         real_or_null(e->scored, e->nd), sl_text(e->level), sl_text(e->outcome),
                         e->bad < 0 ? sl_text(NULL) : sl_int(e->bad), sl_int(e->at_ms)));
}

/* Commits, and what was empty is so no longer. */
static int record(sl_call *call, sl_batch *batch) {
    const int rc = sl_commit(batch);
    struct risk_tenant *tenant = risk_tenant_of(call, sl_state(call));
    tenant->empty_ms = 0;
    tenant->endings++;
    return rc;
}

/* ---- recalibration ---- */

int risk_load_labelled(sl_call *call, struct labelled **rows, size_t *count) {
    sl_rows found;
    int rc = sl_query(call, &found,
                      "SELECT learned, bad FROM risk_outcome WHERE tenant = $1 AND bad IS NOT NULL "
                      "AND learned IS NOT NULL ORDER BY at_ms DESC, change_id DESC LIMIT 2000",
                      SL_NO_ARGS);
    if (rc) return rc;
    *count = found.count;
    *rows = sl_alloc(call, (found.count + 1) * sizeof **rows);
    for (size_t i = 0; i < found.count; i++) /* oldest first */
        (*rows)[found.count - 1 - i] = (struct labelled){sl_cell_real(&found, i, "learned"),
                                                         sl_cell_int(&found, i, "bad") != 0};
    return 0;
}

static int64_t now_number(sl_call *call) {
    sl_rows rows;
    if (sl_query(call, &rows,
                 "SELECT COALESCE(MAX(number), 0) AS number FROM risk_calibration "
                 "WHERE tenant = $1",
                 SL_NO_ARGS))
        return -1;
    return sl_cell_int(&rows, 0, "number");
}

/* Each calibration is kept; the newest active one counts. */
static int recalibrate(sl_call *call) {
    struct risk *risk = sl_state(call);
    struct risk_tenant *tenant = risk_tenant_of(call, risk);
    struct labelled *rows;
    size_t count;
    struct base_rate base;
    int rc = risk_load_labelled(call, &rows, &count);
    if (rc) return rc;
    learn_base_rate(rows, count, risk->base_rate, &base);
    const bool same =
        fabs(base.rate - tenant->base.rate) < 0.002 && fabs(base.shift - tenant->base.shift) < 0.02;
    if (!base.outcomes || same) return 0;
    struct learn_figures figures;
    learn_measure(rows, count, &base, &figures);
    const int64_t number = now_number(call) + 1;
    if (number < 1) return SL_UNAVAILABLE;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(
        batch, 1, "another worker has recalibrated at this moment",
        "INSERT INTO risk_calibration (tenant, number, base_rate, shift, outcomes, auc, "
        "brier, calibration_error, active, at_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT DO NOTHING",
        SL_ARGS(sl_int(number), sl_real(base.rate), sl_real(base.shift), sl_int(base.outcomes),
                sl_real(figures.auc), sl_real(figures.brier), sl_real(figures.calibration_error),
                sl_int(sl_now_ms(call))));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "base_rate", base.rate);
    cJSON_AddNumberToObject(data, "base_rate_before", tenant->base.rate);
    cJSON_AddNumberToObject(data, "outcomes", base.outcomes);
    sl_batch_emit(batch, "risk.recalibrated", "risk/calibration", data);
    rc = sl_commit(batch);
    if (!rc) tenant->loaded_ms = 0;
    return rc;
}

/* ---- POST /risk/outcomes ---- */

static const struct {
    const char *word;
    int bad;
} endings[] = {{"good", 0},        {"promoted", 0}, {"defect", 1},
               {"rolled_back", 1}, {"incident", 1}, {"hotfixed", 1}};

static int bad_of(const char *outcome) {
    for (size_t i = 0; outcome && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(endings[i].word, outcome) == 0) return endings[i].bad;
    return -1;
}

static void take_score(const struct score *score, struct ending *ending) {
    ending->scored = true;
    ending->learned = score->judged.learned.against_base - score->base.shift;
    ending->la = score->values[feature_find("la")];
    ending->ctl = score->values[feature_find("ctl")];
    ending->nd = score->values[feature_find("nd")];
    ending->level = level_name(score->judged.level);
}

/* Scores the change that came with the outcome, when one did. */
static int score_outcome(sl_call *call, const cJSON *item, struct ending *ending) {
    struct risk *risk = sl_state(call);
    const char *diff = sl_get_text(item, "diff", ""), *numstat = sl_get_text(item, "numstat", "");
    const char *message = sl_get_text(item, "message", "");
    const cJSON *learned = sl_get(item, "log_odds");
    if (cJSON_IsNumber(learned)) {
        ending->scored = true;
        ending->learned = learned->valuedouble;
        ending->la = ending->nd = ending->ctl = NAN;
        return 0;
    }
    if (!*diff && !*numstat) return 0;
    const struct risk_tenant *tenant = risk_tenant_of(call, risk);
    struct risk_work *work = sl_alloc(call, sizeof *work);
    work->scorer = risk_scorer_of(risk, tenant);
    work->in = (struct score_input){.diff = {diff, strlen(diff)},
                                    .numstat = {numstat, strlen(numstat)},
                                    .message = {message, strlen(message)},
                                    .replicas = -1,
                                    .context = context_unknown(),
                                    .base = tenant->base};
    int rc = risk_run(call, work);
    if (rc) return rc;
    if (work->score.judged.model) take_score(&work->score, ending);
    score_fini(&work->score);
    return 0;
}

int risk_outcomes(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *list = sl_get(in, "outcomes"), *item = NULL;
    sl_batch *batch = sl_batch_new(call);
    int taken = 0;
    cJSON_ArrayForEach(item, list) {
        struct ending ending = {.change = sl_get_text(item, "change", ""),
                                .app = sl_get_text(item, "app", NULL),
                                .outcome = sl_get_text(item, "outcome", NULL),
                                .at_ms = sl_get_int(item, "at_ms", sl_now_ms(call) + taken)};
        ending.bad = bad_of(ending.outcome);
        int rc = score_outcome(call, item, &ending);
        if (rc) return rc;
        keep(batch, &ending);
        taken++;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "count", taken);
    sl_batch_emit(batch, "risk.outcomes_recorded", "risk/outcomes", data);
    cJSON_AddNumberToObject(out, "taken", taken);
    int rc = record(call, batch);
    if (!rc && recalibrate(call))
        sl_log(call, SL_WARN,
               "the outcomes are kept, the recalibration comes with the next ones: %s",
               sl_failure(call));
    return rc;
}

/* ---- events ---- */

static bool ends_with(const char *text, const char *tail) {
    const size_t a = strlen(text), b = strlen(tail);
    return a >= b && strcmp(text + a - b, tail) == 0;
}

static const char *outcome_of(const sl_event *event) {
    static const struct {
        const char *tail, *outcome;
    } tails[] = {{".promoted", "promoted"},       {".completed", "promoted"},
                 {".succeeded", "promoted"},      {".finished", "promoted"},
                 {".rolled_back", "rolled_back"}, {".aborted", "rolled_back"},
                 {".failed", "rolled_back"}};
    if (strncmp(event->type, "incident.", 9) == 0)
        return ends_with(event->type, ".linked") || ends_with(event->type, ".suspected")
                   ? "incident"
                   : NULL;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (ends_with(event->type, tails[i].tail)) return tails[i].outcome;
    return NULL;
}

/* "deployment/42" in the subject, or the member `deployment` (or `deployment_id`) of the data. */
static const char *change_of(const sl_event *event) {
    if (event->subject && strncmp(event->subject, "deployment/", 11) == 0) return event->subject;
    const char *id = sl_get_text(event->data, "deployment", NULL);
    return id ? id : sl_get_text(event->data, "deployment_id", NULL);
}

static double contribution(const cJSON *risk, const char *feature) {
    const cJSON *item = NULL;
    cJSON_ArrayForEach(
        item,
        sl_get(risk, "contributions")) if (strcmp(sl_get_text(item, "feature", ""), feature) ==
                                           0) return sl_get_number(item, "value", NAN);
    return NAN;
}

/* The score that the deployment was decided by stands in its record. */
static void recall_score(sl_call *call, const char *id, struct ending *ending) {
    cJSON *question = cJSON_CreateObject(), *answer = NULL;
    cJSON_AddStringToObject(question, "id", id);
    if (!sl_has_op(call, "deploy.get") || sl_invoke(call, "deploy.get", question, &answer)) return;
    const cJSON *risk = sl_get(answer, "risk"), *sum = sl_get(risk, "log_odds");
    ending->app = sl_get_text(answer, "app_name", ending->app);
    ending->level = sl_get_text(risk, "level", NULL);
    if (!sum || !sl_get(risk, "model")) return;
    ending->scored = true;
    ending->learned = sl_get_number(sum, "start", 0) + sl_get_number(sum, "learned", 0);
    ending->la = contribution(risk, "la");
    ending->ctl = contribution(risk, "ctl");
    ending->nd = contribution(risk, "nd");
}

int risk_hear(sl_call *call, const sl_event *event) {
    const char *change = change_of(event), *outcome = outcome_of(event);
    if (!change || !outcome) return 0; /* until it has ended there is nothing to learn */
    const char *id = strncmp(change, "deployment/", 11) == 0 ? change + 11 : change;
    struct ending ending = {.change = sl_printf(call, "deployment/%s", id),
                            .app = sl_get_text(event->data, "app_name", NULL),
                            .outcome = outcome,
                            .bad = bad_of(outcome),
                            .at_ms = event->at_ms};
    recall_score(call, id, &ending);
    sl_batch *batch = sl_batch_new(call);
    keep(batch, &ending);
    int rc = record(call, batch);
    if (!rc) (void)recalibrate(call);
    return rc;
}

/* ---- similar changes ---- */

static double apart(double a, double b) {
    return isnan(a) || isnan(b) ? 0 : fabs(log1p(fmax(a, 0)) - log1p(fmax(b, 0)));
}

struct near {
    size_t row;
    double distance;
};

static size_t find_near(const struct ending *now, const sl_rows *rows, struct near *best) {
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const char *app = sl_cell_text(rows, i, "app");
        struct near here = {i, fabs(now->learned - sl_cell_real(rows, i, "learned"))};
        here.distance += apart(now->la, sl_cell_real(rows, i, "la"));
        here.distance += apart(now->nd, sl_cell_real(rows, i, "nd"));
        here.distance += now->app && app && strcmp(now->app, app) == 0 ? 0 : 0.5;
        size_t at = count < SIMILAR_TOLD ? count++ : SIMILAR_TOLD;
        for (; at > 0 && best[at - 1].distance > here.distance; at--)
            if (at < SIMILAR_TOLD) best[at] = best[at - 1];
        if (at < SIMILAR_TOLD) best[at] = here;
    }
    return count;
}

/* The newest changes whose ending is known. Most tenants of a young installation have none, and are
 * not asked about at every score. */
static int load_ended(sl_call *call, sl_rows *rows) {
    struct risk_tenant *tenant = risk_tenant_of(call, sl_state(call));
    const int64_t now_ms = sl_now_ms(call), age_ms = now_ms - tenant->empty_ms;
    const uint32_t before = tenant->endings;
    *rows = (sl_rows){0};
    if (tenant->empty_ms && age_ms >= 0 && age_ms < EMPTY_MS) return 0;
    int rc = sl_query(call, rows,
                      "SELECT change_id, app, learned, la, nd, level, outcome FROM risk_outcome "
                      "WHERE tenant = $1 AND bad IS NOT NULL AND learned IS NOT NULL "
                      "AND la IS NOT NULL ORDER BY at_ms DESC LIMIT $2",
                      SL_ARGS(sl_int(SIMILAR_LOOKED_AT)));
    if (rc) return rc;
    /* What was recorded while the store was asked may not be in its answer. */
    tenant->empty_ms = !rows->count && before == tenant->endings ? now_ms : 0;
    return 0;
}

int risk_add_similar(sl_call *call, const struct score *score, const char *app, cJSON *out) {
    sl_rows rows;
    int rc = load_ended(call, &rows);
    if (rc) return rc;
    cJSON *list = cJSON_AddArrayToObject(out, "similar");
    if (!rows.count) return 0;
    struct ending now = {.app = app};
    take_score(score, &now);
    struct near best[SIMILAR_TOLD];
    const size_t count = find_near(&now, &rows, best);
    for (size_t i = 0; i < count; i++) {
        const size_t row = best[i].row;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "change", sl_cell_text(&rows, row, "change_id"));
        if (sl_cell_text(&rows, row, "app"))
            cJSON_AddStringToObject(item, "app", sl_cell_text(&rows, row, "app"));
        cJSON_AddStringToObject(item, "ended", sl_cell_text(&rows, row, "outcome"));
        cJSON_AddNumberToObject(item, "lines_added", sl_cell_real(&rows, row, "la"));
        cJSON_AddNumberToObject(item, "distance", round(best[i].distance * 100) / 100);
        cJSON_AddItemToArray(list, item);
    }
    return 0;
}
