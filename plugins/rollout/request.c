/* deploy.request: check, ask, decide, draw up, keep and tell, answer. */
#include "answer.h"
#include "ask.h"
#include "manifests.h"
#include "names.h"
#include "rollout.h"
#include "steps.h"
#include "tree.h"

#include <string.h>

static int check_name(sl_call *call, const char *app) {
    if (app_name_fits(app)) return 0;
    char mended[APP_NAME_MAX + 1];
    app_name_mend(app, mended);
    sl_fault(call, "/app_name", sl_printf(call, "did you mean '%s'?", mended),
             "'%s' is no name that Kubernetes takes", app);
    return sl_fail(call, SL_INVALID,
                   "app_name '%s' must be a-z, 0-9 and '-', begin with a letter, and have at most "
                   "%d characters; did you mean '%s'?",
                   app, APP_NAME_MAX, mended);
}

static int check_steps(sl_call *call, const cJSON *in) {
    int index = 0;
    const char *fault = steps_fault(item_of(in, "steps"), &index);
    if (!fault) return 0;
    sl_fault(call, sl_printf(call, "/steps/%d", index), NULL, "%s", fault);
    return sl_fail(call, SL_INVALID, "step %d: %s", index + 1, fault);
}

static int check_request(sl_call *call, const cJSON *in) {
    int rc = check_name(call, text_of(in, "app_name"));
    return rc ? rc : check_steps(call, in);
}

/* Over HTTP the manifests are sent as the text that they are; another operation gets a tree. */
static int show_manifests(sl_call *call, char *text, const cJSON **manifests) {
    if (!sl_header(call, "host")) {
        cJSON *tree = NULL;
        int rc = sl_json_parse(call, "the manifests", text, strlen(text), &tree);
        *manifests = tree;
        return rc;
    }
    cJSON *raw = cJSON_CreateStringReference(text);
    raw->type = cJSON_Raw | cJSON_IsReference;
    *manifests = raw;
    return 0;
}

static int draw_up(sl_call *call, struct case_file *file) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *in = file->in;
    const struct plan plan = {.tenant = sl_tenant(call),
                              .app = text_of(in, "app_name"),
                              .environment = text_of(in, "environment"),
                              .data_classification = text_of(in, "data_classification"),
                              .exposure = text_of(in, "exposure"),
                              .strategy = text_of(in, "strategy"),
                              .risk_level = risk_level(file->judgement->risk),
                              .id = file->id,
                              .config = item_of(in, "config"),
                              .steps = item_of(in, "steps")};
    return show_manifests(call, manifests_write(&plan, &rollout->manifests), &file->manifests);
}

static int keep(sl_call *call, const struct case_file *file, const char *answer) {
    static const char insert[] =
        "INSERT INTO rollout_deployment (tenant, id, app, environment, status, risk_level, "
        "risk_score, image, actor, version, created_at, request, answer) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12)";
    const cJSON *in = file->in;
    const char *level = risk_level(file->judgement->risk);
    const char *subject = sl_printf(call, "deployment/%s", file->id);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, insert,
                 SL_ARGS(sl_text(file->id), sl_text(text_of(in, "app_name")),
                         sl_text(text_of(in, "environment")),
                         sl_text(outcome_name(file->decision->outcome)),
                         sl_text(level ? level : "UNKNOWN"),
                         sl_real(number_of(file->judgement->risk, "score")),
                         sl_text(text_of(item_of(in, "config"), "image")), sl_text(sl_actor(call)),
                         sl_int(file->now_ms), sl_text(sl_json_print(call, request_kept(file))),
                         sl_text(answer)));
    sl_batch_emit(batch, "deployment.requested", subject, requested_event(file));
    sl_batch_emit(batch, decided_event_type(file->decision->outcome), subject, decided_event(file));
    return sl_commit(batch);
}

static void count_decision(sl_call *call, const struct case_file *file) {
    sl_count(call, "deployments_requested_total", 1,
             sl_printf(call, "%s|%s", text_of(file->in, "environment"),
                       outcome_name(file->decision->outcome)));
}

/* Decided and drawn up: answer, and unless it is a dry run keep it first. */
static int conclude(sl_call *call, struct case_file *file, cJSON *out) {
    int rc = draw_up(call, file);
    if (rc) return rc;
    answer_fill(out, file);
    if (!file->id) return 0;
    const char *answer = sl_json_print(call, out);
    rc = keep(call, file, answer);
    if (rc) return rc;
    count_decision(call, file);
    sl_reply_bytes(call, "application/json", answer, strlen(answer));
    return 0;
}

int deploy_request(sl_call *call, const cJSON *in, cJSON *out) {
    const struct rollout *rollout = sl_state(call);
    int rc = check_request(call, in);
    if (rc) return rc;
    struct change change;
    rc = change_of(call, in, &change);
    if (rc) return rc;
    struct judgement judgement = {.environment = text_of(in, "environment"),
                                  .approval_from = rollout->approval_from};
    judgement.risk = ask_risk(call, in, &judgement.risk_failure);
    judgement.policy = ask_policy(call, in, judgement.risk, &change, &judgement.policy_failure);
    rc = sl_cancelled(call); /* a client that left, or time that ran out, is no verdict */
    if (rc) return sl_fail(call, rc, "the request ended before it was decided");
    struct decision decision;
    decide(&judgement, &decision);
    bool dry_run = cJSON_IsTrue(item_of(in, "dry_run"));
    struct case_file file = {.in = in,
                             .id = dry_run ? NULL : sl_new_id(call),
                             .now_ms = sl_now_ms(call),
                             .judgement = &judgement,
                             .decision = &decision,
                             .diff_bytes = change.diff_bytes,
                             .diff_sha256 = change.diff_sha256};
    return conclude(call, &file, out);
}
