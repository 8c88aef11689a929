/* freeze.c - freeze windows: by the calendar, and derived from a spent budget or an open incident. */
#include "answer.h"
#include "engine_ops.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

static void put_time(cJSON *json, const char *name, int64_t ms) {
    char text[TIME_TEXT];
    if (!ms) return;
    time_text(ms, text);
    put_text(json, name, text);
}

static const char freezes[] =
    "SELECT id, name, reason, environment, app, starts_at, ends_at, actor, lifted_at, lifted_by, "
    "lift_reason FROM rollout_freeze WHERE tenant = $1 AND (lifted_at = 0 OR $2 = 1) "
    "AND (ends_at = 0 OR ends_at > $3) ORDER BY id DESC LIMIT 500";

static void add_freeze(cJSON *items, const sl_rows *rows, size_t i, int64_t now_ms) {
    static const char *const texts[] = {"id",  "name",  "reason",    "environment",
                                        "app", "actor", "lifted_by", "lift_reason"};
    cJSON *item = add_object(items);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        const char *text = sl_cell_text(rows, i, texts[t]);
        if (text && *text) put_text(item, texts[t], text);
    }
    const int64_t from_ms = sl_cell_int(rows, i, "starts_at");
    put_time(item, "starts_at", from_ms);
    put_time(item, "ends_at", sl_cell_int(rows, i, "ends_at"));
    put_time(item, "lifted_at", sl_cell_int(rows, i, "lifted_at"));
    put_bool(item, "active", from_ms <= now_ms && !sl_cell_int(rows, i, "lifted_at"));
}

int rollout_freezes(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t now_ms = sl_now_ms(call);
    const int all = sl_get_bool(in, "all", 0);
    sl_rows rows;
    int rc = sl_query(call, &rows, freezes, SL_ARGS(sl_int(all), sl_int(all ? 0 : now_ms)));
    if (rc) return rc;
    cJSON *items = put_array(out, "items");
    for (size_t i = 0; i < rows.count; i++) add_freeze(items, &rows, i, now_ms);
    return 0;
}

int rollout_freeze(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t now_ms = sl_now_ms(call), from_ms = sl_get_int(in, "from_ms", now_ms);
    const int64_t lasts_ms = sl_get_int(in, "for", 0);
    const int64_t until_ms = sl_get_int(in, "until_ms", lasts_ms ? from_ms + lasts_ms : 0);
    if (until_ms && until_ms <= from_ms)
        return sl_fail(call, SL_INVALID, "the freeze would end before it begins");
    const char *id = sl_new_id(call), *reason = sl_get_text(in, "reason", "");
    const char *name = sl_get_text(in, "name", reason);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO rollout_freeze (tenant, id, name, reason, environment, app, "
                 "starts_at, ends_at, actor, created_at, lifted_at, lifted_by, lift_reason) VALUES "
                 "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', '')",
                 SL_ARGS(sl_text(id), sl_text(name), sl_text(reason),
                         sl_text(sl_get_text(in, "environment", "")),
                         sl_text(sl_get_text(in, "app_name", "")), sl_int(from_ms),
                         sl_int(until_ms), sl_text(sl_actor(call)), sl_int(now_ms)));
    cJSON *data = cJSON_CreateObject();
    put_text(data, "reason", reason);
    put_text(data, "environment", sl_get_text(in, "environment", ""));
    put_text(data, "app_name", sl_get_text(in, "app_name", ""));
    put_time(data, "starts_at", from_ms);
    put_time(data, "ends_at", until_ms);
    sl_batch_emit(batch, "freeze.opened", sl_printf(call, "freeze/%s", id), data);
    put_text(out, "id", id);
    put_text(out, "name", name);
    put_time(out, "starts_at", from_ms);
    put_time(out, "ends_at", until_ms);
    return sl_commit(batch);
}

int rollout_unfreeze(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", ""), *reason = sl_get_text(in, "reason", "");
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(
        batch, 1, "there is no such freeze, or it was lifted already",
        "UPDATE rollout_freeze SET lifted_at = $2, lifted_by = $3, lift_reason = $4 "
        "WHERE tenant = $1 AND id = $5 AND lifted_at = 0",
        SL_ARGS(sl_int(sl_now_ms(call)), sl_text(sl_actor(call)), sl_text(reason), sl_text(id)));
    cJSON *data = cJSON_CreateObject();
    put_text(data, "reason", reason);
    sl_batch_emit(batch, "freeze.lifted", sl_printf(call, "freeze/%s", id), data);
    run_wake(call, batch, sl_now_ms(call));
    put_text(out, "id", id);
    put_bool(out, "lifted", true);
    return sl_commit(batch);
}

/* ---- the gate ---- */

static bool names(const char *wanted, const char *own) {
    return !wanted || !*wanted || strcmp(wanted, own) == 0;
}

static int by_calendar(sl_call *call, const struct run *run, struct gate_finding *found) {
    const int64_t now_ms = sl_now_ms(call);
    sl_rows rows;
    int rc = sl_query(call, &rows, freezes, SL_ARGS(sl_int(0), sl_int(now_ms)));
    for (size_t i = 0; !rc && i < rows.count; i++) {
        if (sl_cell_int(&rows, i, "starts_at") > now_ms) continue;
        if (!names(sl_cell_text(&rows, i, "environment"), run->environment)) continue;
        if (!names(sl_cell_text(&rows, i, "app"), run->app)) continue;
        const char *id = sl_cell_text(&rows, i, "id");
        found->answer = GATE_HOLD;
        found->stays = true;
        found->why = sl_printf(call, "frozen: %s", sl_cell_text(&rows, i, "reason"));
        found->fix = sl_printf(call,
                               "wait, or sluice rollout unfreeze %s --reason ..., or promote with "
                               "a reason",
                               id);
        found->would_pass_if = "the freeze ends or is lifted";
        put_text(found->inputs, "freeze", id);
        return 0;
    }
    return rc;
}

/* An open incident of this service, of the two worst severities. */
static int by_incident(sl_call *call, const struct run *run, struct gate_finding *found) {
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    if (!sl_has_op(call, "incident.list")) return 0;
    put_text(in, "status", "active");
    put_text(in, "service", run->app);
    int rc = sl_invoke(call, "incident.list", in, &out);
    if (rc == SL_INVALID) return 0; /* it knows no such filter: then it is no source of freezes */
    if (rc) return rc;
    const cJSON *incident, *service;
    cJSON_ArrayForEach(incident, item_of(out, "items")) {
        const char *severity = text_of(incident, "severity"), *app = text_of(incident, "app_name");
        const bool bad =
            severity && (strcmp(severity, "SEV1") == 0 || strcmp(severity, "SEV2") == 0);
        bool ours = app && strcmp(app, run->app) == 0;
        cJSON_ArrayForEach(service, item_of(incident, "services")) {
            ours = ours || (cJSON_IsString(service) && strcmp(service->valuestring, run->app) == 0);
        }
        if (!bad || !ours) continue;
        const char *id = sl_get_text(incident, "id", "");
        found->answer = GATE_HOLD;
        found->stays = true;
        found->why = sl_printf(call, "incident %s (%s) of %s is open", id, severity, run->app);
        found->fix = "resolve the incident; a rollback passes; or promote with a reason";
        found->would_pass_if = "the incident is resolved";
        put_text(found->inputs, "incident", id);
        return 0;
    }
    return 0;
}

int gate_freeze(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    const char *kind = text_of(question->run->plan, "kind");
    found->inputs = cJSON_CreateObject();
    found->answer = GATE_PASS;
    found->why = "no freeze";
    int rc = by_calendar(call, question->run, found);
    if (rc || found->answer == GATE_HOLD) return rc;
    if (kind && strcmp(kind, "release") != 0) return 0; /* mending is what an incident waits for */
    return by_incident(call, question->run, found);
}
