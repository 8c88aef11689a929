/* approve.c - a person answers for a deployment: by name, with a reason, for a time, not their own. */
#include "answer.h"
#include "engine_ops.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

int approvals_count(sl_call *call, const char *run, const char *author, int64_t *count) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT count(*) AS given FROM rollout_approval WHERE tenant = $1 AND run = "
                      "$2 AND expires_at > $3 AND approver <> $4",
                      SL_ARGS(sl_text(run), sl_int(sl_now_ms(call)), sl_text(author)));
    *count = rc || !rows.count ? 0 : sl_cell_int(&rows, 0, "given");
    return rc;
}

struct approval {
    const char *id, *status, *author, *actor;
    int64_t version;
    int64_t given, quorum; /* with this one */
};

static int read_deployment(sl_call *call, struct approval *approval) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT status, actor, version, request FROM rollout_deployment WHERE tenant "
                      "= $1 AND id = $2",
                      SL_ARGS(sl_text(approval->id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no deployment '%s'; deploy.list shows those that are",
                       approval->id);
    const char *author = text_of(sl_cell_json(call, &rows, 0, "request"), "author");
    approval->status = sl_cell_text(&rows, 0, "status");
    approval->author = author ? author : "";
    approval->actor = sl_cell_text(&rows, 0, "actor");
    approval->version = sl_cell_int(&rows, 0, "version");
    return 0;
}

/* "user:ada" and "ada" are one person. */
static bool same_person(const char *actor, const char *name) {
    const char *colon = strchr(actor, ':');
    return *name && (strcmp(actor, name) == 0 || (colon && strcmp(colon + 1, name) == 0));
}

static int check_person(sl_call *call, const struct approval *approval) {
    const struct rollout *rollout = sl_state(call);
    const char *actor = sl_actor(call);
    const bool own = same_person(actor, approval->author) || strcmp(actor, approval->actor) == 0;
    if (strcmp(approval->status, "DENIED") == 0)
        return sl_fail(call, SL_CONFLICT,
                       "deployment %s is DENIED: an approval does not undo a denial, mend what its "
                       "reasons name and send it again",
                       approval->id);
    if (!own || sl_get_bool(rollout->config, "own_approval", 0)) return 0;
    return sl_fail(call, SL_DENIED,
                   "%s asked for this deployment or wrote the change, and cannot approve it: "
                   "somebody else must",
                   actor);
}

static void add_approval(sl_call *call, sl_batch *batch, const cJSON *in,
                         const struct approval *approval) {
    const struct rollout *rollout = sl_state(call);
    const int64_t now_ms = sl_now_ms(call);
    const int64_t lasts_ms = sl_get_int(rollout->config, "approval_lasts", 86400000);
    sl_batch_add(
        batch,
        "INSERT INTO rollout_approval (tenant, run, approver, reason, at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, run, approver) DO UPDATE SET "
        "reason = excluded.reason, at = excluded.at, expires_at = excluded.expires_at",
        SL_ARGS(sl_text(approval->id), sl_text(sl_actor(call)),
                sl_text(sl_get_text(in, "reason", "")), sl_int(now_ms), sl_int(now_ms + lasts_ms)));
    cJSON *data = cJSON_CreateObject();
    put_text(data, "deployment_id", approval->id);
    put_text(data, "approver", sl_actor(call));
    put_text(data, "reason", sl_get_text(in, "reason", ""));
    put_number(data, "approvals", (double)approval->given);
    put_number(data, "quorum", (double)approval->quorum);
    sl_batch_emit(batch, "deployment.approval_given",
                  sl_printf(call, "deployment/%s", approval->id), data);
}

/* The last approval that was missing: what was held becomes approved, and its rollout begins by the
 * event, as for any other. */
static int approve_deployment(sl_call *call, sl_batch *batch, const struct approval *approval) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT app, environment, image, risk_level, answer FROM rollout_deployment "
                      "WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(approval->id)));
    if (rc) return rc;
    cJSON *answer = sl_cell_json(call, &rows, 0, "answer");
    if (!answer) return sl_fail(call, SL_INTERNAL, "deployment %s is damaged", approval->id);
    cJSON_ReplaceItemInObjectCaseSensitive(answer, "status", cJSON_CreateString("APPROVED"));
    cJSON_ReplaceItemInObjectCaseSensitive(
        answer, "next_action",
        cJSON_CreateString(sl_printf(call, "sluice rollout get %s", approval->id)));
    sl_batch_demand(batch, 1, "the deployment has changed in the meantime: look again",
                    "UPDATE rollout_deployment SET status = 'APPROVED', version = version + 1, "
                    "answer = $2 WHERE tenant = $1 AND id = $3 AND version = $4",
                    SL_ARGS(sl_text(sl_json_print(call, answer)), sl_text(approval->id),
                            sl_int(approval->version)));
    cJSON *data = cJSON_CreateObject();
    put_text(data, "app_name", sl_cell_text(&rows, 0, "app"));
    put_text(data, "environment", sl_cell_text(&rows, 0, "environment"));
    put_text(data, "status", "APPROVED");
    put_text(data, "risk_level", sl_cell_text(&rows, 0, "risk_level"));
    put_text(data, "image", sl_cell_text(&rows, 0, "image"));
    put_text(data, "approved_by", sl_actor(call));
    sl_batch_emit(batch, "deployment.approved", sl_printf(call, "deployment/%s", approval->id),
                  data);
    return 0;
}

int rollout_approve(sl_call *call, const cJSON *in, cJSON *out) {
    const struct rollout *rollout = sl_state(call);
    struct approval approval = {.id = sl_get_text(in, "id", "")};
    int rc = read_deployment(call, &approval);
    if (!rc) rc = check_person(call, &approval);
    if (rc) return rc;
    sl_rows rows;
    rc = sl_query(
        call, &rows,
        "SELECT count(*) AS given FROM rollout_approval WHERE tenant = $1 AND run = $2 AND "
        "expires_at > $3 AND approver <> $4",
        SL_ARGS(sl_text(approval.id), sl_int(sl_now_ms(call)), sl_text(sl_actor(call))));
    if (rc) return rc;
    approval.given = sl_cell_int(&rows, 0, "given") + 1;
    approval.quorum = sl_get_int(rollout->config, "quorum", 1);
    const bool held = strcmp(approval.status, "NEEDS_APPROVAL") == 0;
    sl_batch *batch = sl_batch_new(call);
    add_approval(call, batch, in, &approval);
    if (held && approval.given >= approval.quorum) rc = approve_deployment(call, batch, &approval);
    if (rc) return rc;
    run_wake(call, batch, sl_now_ms(call));
    put_text(out, "id", approval.id);
    put_number(out, "approvals", (double)approval.given);
    put_number(out, "quorum", (double)approval.quorum);
    put_text(out, "status",
             held && approval.given < approval.quorum ? "NEEDS_APPROVAL" : "APPROVED");
    return sl_commit(batch);
}
