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

static struct plan plan_of(sl_call *call, const struct case_file *file) {
    const cJSON *in = file->in;
    return (struct plan){.tenant = sl_tenant(call),
                         .app = text_of(in, "app_name"),
                         .environment = text_of(in, "environment"),
                         .data_classification = text_of(in, "data_classification"),
                         .exposure = text_of(in, "exposure"),
                         .strategy = text_of(in, "strategy"),
                         .risk_level = risk_level(file->judgement->risk),
                         .id = file->id,
                         .config = item_of(in, "config"),
                         .steps = item_of(in, "steps")};
}

/* ---- the answer as text ----
 * It is written once. The row has it with the values of the manifests, the client with the objects:
 * the two differ in the middle only. */

struct drawing {
    struct skeleton *skeleton;
    struct manifest_values values;
    size_t size; /* of the objects as text */
};

struct joined {
    const char *text;
    size_t size;
};

/* The objects alone. */
static char *objects_text(sl_call *call, const struct drawing *drawing) {
    char *text = sl_alloc_raw(call, drawing->size + 1);
    *template_write(drawing->skeleton->template, drawing->values.fillings, text) = '\0';
    return text;
}

struct ends {
    struct joined head; /* all before the manifests, without the '}' that ended it */
    char tail[ANSWER_TAIL_BYTES];
    size_t tail_size;
};

static char *put(char *to, const char *bytes, size_t size) {
    return (char *)memcpy(to, bytes, size) + size;
}

static char *put_head(char *to, const struct ends *ends) {
    to = put(to, ends->head.text, ends->head.size);
    return put(to, ANSWER_MANIFESTS, sizeof ANSWER_MANIFESTS - 1);
}

static struct joined finish(char *text, char *to, const struct ends *ends) {
    to = put(to, ends->tail, ends->tail_size);
    *to = '\0';
    return (struct joined){text, (size_t)(to - text)};
}

static struct joined told_text(sl_call *call, const struct ends *ends,
                               const struct drawing *drawing) {
    char *text = sl_alloc_raw(call, ends->head.size + sizeof ANSWER_MANIFESTS + drawing->size +
                                        ends->tail_size);
    char *to = put_head(text, ends);
    to = template_write(drawing->skeleton->template, drawing->values.fillings, to);
    return finish(text, to, ends);
}

static struct joined kept_text(sl_call *call, const struct ends *ends,
                               const struct drawing *drawing) {
    struct text values;
    text_begin(&values, 1024);
    manifests_keep(&values, drawing->skeleton->name, &drawing->values);
    char *text = sl_alloc_raw(call, ends->head.size + sizeof ANSWER_MANIFESTS + values.size +
                                        ends->tail_size);
    char *to = put_head(text, ends);
    to = put(to, values.bytes, values.size);
    cJSON_free(values.bytes);
    return finish(text, to, ends);
}

/* ---- keeping ---- */

static void add_row(sl_call *call, sl_batch *batch, const struct case_file *file,
                    struct joined answer) {
    static const char insert[] =
        "INSERT INTO rollout_deployment (tenant, id, app, environment, status, risk_level, "
        "risk_score, image, actor, version, created_at, request, answer) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12)";
    const cJSON *in = file->in;
    const char *level = risk_level(file->judgement->risk);
    sl_batch_add(batch, insert,
                 SL_ARGS(sl_text(file->id), sl_text(text_of(in, "app_name")),
                         sl_text(text_of(in, "environment")),
                         sl_text(outcome_name(file->decision->outcome)),
                         sl_text(level ? level : "UNKNOWN"),
                         sl_real(number_of(file->judgement->risk, "score")),
                         sl_text(text_of(item_of(in, "config"), "image")), sl_text(sl_actor(call)),
                         sl_int(file->now_ms), sl_text(sl_json_print(call, request_kept(file))),
                         sl_text_lasting(answer.text, answer.size)));
}

static int keep(sl_call *call, const struct case_file *file, struct skeleton *skeleton,
                struct joined answer) {
    const char *subject = sl_printf(call, "deployment/%s", file->id);
    sl_batch *batch = sl_batch_new(call);
    add_row(call, batch, file, answer);
    skeleton_keep(call, batch, skeleton);
    sl_batch_emit(batch, "deployment.requested", subject, requested_event(file));
    sl_batch_emit(batch, decided_event_type(file->decision->outcome), subject, decided_event(file));
    int rc = sl_commit(batch);
    if (!rc) skeleton_is_kept(call, skeleton);
    return rc;
}

static void count_decision(sl_call *call, const struct case_file *file) {
    sl_count(call, "deployments_requested_total", 1,
             sl_printf(call, "%s|%s", text_of(file->in, "environment"),
                       outcome_name(file->decision->outcome)));
}

/* For another operation, and for a dry run: the objects as a tree. */
static int end_as_tree(sl_call *call, const struct case_file *file, const struct drawing *drawing,
                       cJSON *out) {
    cJSON *objects = NULL;
    const char *text = objects_text(call, drawing);
    int rc = sl_json_parse(call, "the manifests", text, drawing->size, &objects);
    if (!rc) answer_end(out, file, objects);
    return rc;
}

/* Decided: draw up the manifests, answer, and unless it is a dry run keep it first. */
static int conclude(sl_call *call, struct case_file *file, cJSON *out) {
    struct rollout *rollout = sl_state(call);
    const struct plan plan = plan_of(call, file);
    struct drawing drawing = {.skeleton =
                                  skeleton_of(rollout->skeletons, &plan, &rollout->manifests)};
    if (!drawing.skeleton) return sl_fail(call, SL_UNAVAILABLE, "no memory for the manifests");
    manifest_values_begin(&drawing.values, &plan, &rollout->manifests);
    drawing.size = template_size(drawing.skeleton->template, drawing.values.fillings);
    answer_begin(out, file);
    if (!file->id) return end_as_tree(call, file, &drawing, out);
    struct ends ends = {.head.text = sl_json_print(call, out)};
    ends.head.size = strlen(ends.head.text) - 1;
    ends.tail_size = answer_tail(file, ends.tail);
    if (sl_header(call, "host")) {
        struct joined told = told_text(call, &ends, &drawing);
        sl_reply_lasting(call, "application/json", told.text, told.size);
    } else {
        int rc = end_as_tree(call, file, &drawing, out);
        if (rc) return rc;
    }
    int rc = keep(call, file, drawing.skeleton, kept_text(call, &ends, &drawing));
    if (!rc) count_decision(call, file);
    return rc;
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
