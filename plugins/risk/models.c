/* risk.model, risk.install, risk.rollback: which models answer, how good they are here, and how to
 * replace them and go back. */
#include "answer.h"
#include "risk.h"

#include <math.h>
#include <string.h>

static double rounded(double value) {
    return round(value * 1e4) / 1e4;
}

static void add_features(cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "features");
    for (size_t i = 0; i < feature_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", features[i].id);
        cJSON_AddStringToObject(item, "unit", features[i].unit);
        cJSON_AddStringToObject(item, "definition", features[i].definition);
        cJSON_AddStringToObject(item, "source", feature_source_name(features[i].source));
        cJSON_AddItemToArray(list, item);
    }
}

static void add_rules(const struct scorer *scorer, cJSON *out) {
    cJSON *rules = cJSON_AddArrayToObject(out, "context_rules");
    for (size_t i = 0; i < context_rule_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", context_rules[i].id);
        cJSON_AddNumberToObject(item, "weight", scorer->weights[i]);
        cJSON_AddStringToObject(item, "words", context_rules[i].words);
        cJSON_AddItemToArray(rules, item);
    }
}

static void add_figures(const struct learn_figures *figures, cJSON *local) {
    cJSON_AddNumberToObject(local, "outcomes", (double)figures->count);
    cJSON_AddNumberToObject(local, "bad", (double)figures->bad);
    cJSON_AddNumberToObject(local, "auc", rounded(figures->auc));
    cJSON_AddNumberToObject(local, "brier", rounded(figures->brier));
    cJSON_AddNumberToObject(local, "calibration_error", rounded(figures->calibration_error));
    cJSON *table = cJSON_AddArrayToObject(local, "reliability");
    for (int b = 0; b < LEARN_BINS; b++) {
        if (!figures->bins[b].count) continue;
        cJSON *bin = cJSON_CreateObject();
        cJSON_AddNumberToObject(bin, "count", figures->bins[b].count);
        cJSON_AddNumberToObject(bin, "predicted", rounded(figures->bins[b].predicted));
        cJSON_AddNumberToObject(bin, "observed", rounded(figures->bins[b].observed));
        cJSON_AddItemToArray(table, bin);
    }
    cJSON *drift = cJSON_AddObjectToObject(local, "drift");
    cJSON_AddNumberToObject(drift, "rate_before", rounded(figures->rate_before));
    cJSON_AddNumberToObject(drift, "rate_now", rounded(figures->rate_now));
    cJSON_AddNumberToObject(drift, "standard_errors", rounded(figures->drift));
    cJSON_AddBoolToObject(drift, "moved", fabs(figures->drift) > 3);
}

static int add_local(sl_call *call, const struct risk_tenant *tenant, cJSON *out) {
    struct labelled *rows;
    size_t count;
    int rc = risk_load_labelled(call, &rows, &count);
    if (rc) return rc;
    struct learn_figures figures;
    learn_measure(rows, count, &tenant->base, &figures);
    cJSON *local = cJSON_AddObjectToObject(out, "local");
    add_figures(&figures, local);
    cJSON_AddNumberToObject(local, "floor", LEARN_FLOOR);
    return 0;
}

static int add_calibrations(sl_call *call, cJSON *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT number, base_rate, shift, outcomes, auc, brier, calibration_error, "
                      "active, at_ms FROM risk_calibration WHERE tenant = $1 "
                      "ORDER BY number DESC LIMIT 20",
                      SL_NO_ARGS);
    if (rc) return rc;
    cJSON *list = cJSON_AddArrayToObject(out, "calibrations");
    static const char *const columns[] = {"number", "base_rate",         "shift", "outcomes", "auc",
                                          "brier",  "calibration_error", "at_ms"};
    for (size_t i = 0; i < rows.count; i++) {
        cJSON *item = cJSON_CreateObject();
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            const double real = sl_cell_real(&rows, i, columns[c]);
            const int64_t integer = sl_cell_int(&rows, i, columns[c]);
            cJSON_AddNumberToObject(item, columns[c],
                                    fabs(real) > 1e9 || integer ? fmax(real, (double)integer)
                                                                : rounded(real));
        }
        cJSON_AddBoolToObject(item, "active", sl_cell_int(&rows, i, "active") != 0);
        cJSON_AddItemToArray(list, item);
    }
    return 0;
}

int risk_model(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    struct risk *risk = sl_state(call);
    const struct risk_tenant *tenant = risk_tenant_of(call, risk);
    const struct scorer *scorer = risk_scorer_of(risk, tenant);
    cJSON *models = cJSON_AddArrayToObject(out, "models");
    for (uint32_t i = 0; i < scorer->model_count; i++)
        cJSON_AddItemToArray(models, answer_model(&scorer->models[i]));
    cJSON_AddNumberToObject(out, "base_rate", tenant->base.rate);
    cJSON_AddNumberToObject(out, "shift", tenant->base.shift);
    int rc = add_local(call, tenant, out);
    if (!rc) rc = add_calibrations(call, out);
    add_features(out);
    add_rules(scorer, out);
    cJSON_AddStringToObject(out, "not_predicted",
                            "reverts and incidents: on real reverts of nine projects models of "
                            "this kind have no skill (AUC .48)");
    return rc;
}

static const char *slot_of(enum feature_source needs) {
    return feature_source_name(needs);
}

int risk_install(sl_call *call, const cJSON *in, cJSON *out) {
    struct risk *risk = sl_state(call);
    struct risk_tenant *tenant = risk_tenant_of(call, risk);
    const char *json = sl_json_print(call, sl_get(in, "model"));
    struct model model;
    char why[160];
    if (model_parse(&model, json, strlen(json), why)) {
        sl_fault(call, "/model", "send a file that plugins/risk/train/train.py wrote", "%s", why);
        return sl_fail(call, SL_INVALID, "the model cannot be used: %s", why);
    }
    const char *slot = slot_of(model.needs);
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT COALESCE(MAX(number), 0) AS number FROM risk_model_file "
                      "WHERE tenant = $1 AND slot = $2",
                      SL_ARGS(sl_text(slot)));
    if (rc) return rc;
    const int64_t number = sl_cell_int(&rows, 0, "number") + 1;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "UPDATE risk_model_file SET active = 0 WHERE tenant = $1 AND slot = $2",
                 SL_ARGS(sl_text(slot)));
    sl_batch_demand(
        batch, 1, "another model was installed at this moment",
        "INSERT INTO risk_model_file (tenant, slot, number, json, active, actor, at_ms) "
        "VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT DO NOTHING",
        SL_ARGS(sl_text(slot), sl_int(number), sl_text(json), sl_text(sl_actor(call)),
                sl_int(sl_now_ms(call))));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "model", model.id);
    cJSON_AddNumberToObject(data, "version", model.version);
    cJSON_AddStringToObject(data, "input", slot);
    sl_batch_emit(batch, "risk.model_installed", "risk/model", data);
    cJSON_AddStringToObject(out, "model", model.id);
    cJSON_AddStringToObject(out, "input", slot);
    cJSON_AddNumberToObject(out, "number", (double)number);
    rc = sl_commit(batch);
    if (!rc) tenant->loaded_ms = 0;
    return rc;
}

/* Switches the newest active row off; the one before it, or the built-in state, counts again. */
static int roll_back_model(sl_call *call, const char *slot, cJSON *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT number, active FROM risk_model_file WHERE tenant = $1 AND slot = $2 "
                      "ORDER BY number DESC",
                      SL_ARGS(sl_text(slot)));
    if (rc) return rc;
    size_t at = 0;
    while (at < rows.count && !sl_cell_int(&rows, at, "active")) at++;
    if (at == rows.count)
        return sl_fail(call, SL_NOT_FOUND, "the built-in %s model answers already", slot);
    const int64_t before = at + 1 < rows.count ? sl_cell_int(&rows, at + 1, "number") : 0;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(batch, 1, "the model has changed at this moment",
                    "UPDATE risk_model_file SET active = 0 WHERE tenant = $1 AND slot = $2 AND "
                    "number = $3 AND active = 1",
                    SL_ARGS(sl_text(slot), sl_int(sl_cell_int(&rows, at, "number"))));
    if (before)
        sl_batch_add(batch,
                     "UPDATE risk_model_file SET active = 1 WHERE tenant = $1 AND slot = $2 AND "
                     "number = $3",
                     SL_ARGS(sl_text(slot), sl_int(before)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "input", slot);
    sl_batch_emit(batch, "risk.model_rolled_back", "risk/model", data);
    cJSON_AddNumberToObject(out, "number", (double)before);
    return sl_commit(batch);
}

static int roll_back_calibration(sl_call *call, cJSON *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT number FROM risk_calibration WHERE tenant = $1 AND active = 1 "
                      "ORDER BY number DESC LIMIT 2",
                      SL_NO_ARGS);
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND, "nothing was learned yet: the default base rate counts");
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(batch, 1, "the calibration has changed at this moment",
                    "UPDATE risk_calibration SET active = 0 WHERE tenant = $1 AND number = $2 AND "
                    "active = 1",
                    SL_ARGS(sl_int(sl_cell_int(&rows, 0, "number"))));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "number", (double)sl_cell_int(&rows, 0, "number"));
    sl_batch_emit(batch, "risk.calibration_rolled_back", "risk/calibration", data);
    cJSON_AddNumberToObject(out, "number",
                            rows.count > 1 ? (double)sl_cell_int(&rows, 1, "number") : 0);
    return sl_commit(batch);
}

int risk_rollback(sl_call *call, const cJSON *in, cJSON *out) {
    struct risk *risk = sl_state(call);
    struct risk_tenant *tenant = risk_tenant_of(call, risk);
    const char *what = sl_get_text(in, "what", "calibration");
    cJSON_AddStringToObject(out, "what", what);
    const int rc = strcmp(what, "calibration") == 0 ? roll_back_calibration(call, out)
                                                    : roll_back_model(call, what, out);
    if (!rc) tenant->loaded_ms = 0;
    return rc;
}
