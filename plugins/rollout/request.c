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

/* A request on its way to its answer. */
struct asked {
    const cJSON *in;
    cJSON *out; /* of the operation; filled where the answer is wanted as a tree */
    const char *id;
    int64_t now_ms;
    struct change change;
    sl_batch *batch; /* NULL: a dry run */
    struct skeleton *skeleton;
    enum outcome outcome;
    struct told *told; /* NULL: the answer is wanted as a tree */
};

/* ---- the answer as text ----
 * It is printed once, and kept with the values of the manifests in its middle. To the client it goes
 * with the objects there, which are written where they are sent from. */

struct told {
    const char *kept;
    size_t head_size; /* of `kept`, up to the manifests */
    size_t tail_size; /* behind them */
    size_t kept_size, size;
    const struct template *template;
    struct filling fillings[MANIFEST_PLACES]; /* all in `kept` */
};

static char *put(char *to, const char *bytes, size_t size) {
    return (char *)memcpy(to, bytes, size) + size;
}

static void write_told(void *arg, char *to) {
    const struct told *told = arg;
    to = put(to, told->kept, told->head_size);
    to = template_write(told->template, told->fillings, to);
    (void)put(to, told->kept + told->kept_size - told->tail_size, told->tail_size);
}

static void fill_from_kept(struct told *told, const struct manifest_values *values) {
    const char *kept = told->kept + told->head_size;
    for (int i = 0; i < MANIFEST_PLACES; i++) {
        const struct filling *filling = &values->fillings[i];
        told->fillings[i] =
            (struct filling){filling->bytes ? kept + values->kept_at[i] : NULL, filling->size};
    }
}

/* `head`: the answer without its last members. All in memory that lasts as long as the call. */
static struct told *write_kept(sl_call *call, const struct case_file *file,
                               const struct skeleton *skeleton, struct manifest_values *values,
                               const char *head) {
    char tail[ANSWER_TAIL_BYTES];
    struct text middle;
    text_begin(&middle, 1024);
    manifests_keep(&middle, skeleton->name, values);
    struct told *told = sl_alloc_lasting(call, sizeof *told);
    size_t head_size = strlen(head) - 1; /* not its '}' */
    *told = (struct told){.head_size = head_size + sizeof ANSWER_MANIFESTS - 1,
                          .tail_size = answer_tail(file, tail),
                          .template = skeleton->template};
    told->kept_size = told->head_size + middle.size + told->tail_size;
    char *text = sl_alloc_lasting(call, told->kept_size + 1), *to = put(text, head, head_size);
    to = put(to, ANSWER_MANIFESTS, sizeof ANSWER_MANIFESTS - 1);
    to = put(to, middle.bytes, middle.size);
    *put(to, tail, told->tail_size) = '\0';
    cJSON_free(middle.bytes);
    told->kept = text;
    fill_from_kept(told, values);
    told->size = told->head_size + template_size(told->template, told->fillings) + told->tail_size;
    return told;
}

/* ---- keeping ---- */

static void add_row(sl_call *call, sl_batch *batch, const struct case_file *file,
                    const struct told *told) {
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
                         sl_text_lasting(told->kept, told->kept_size)));
}

static void add_all(sl_call *call, const struct asked *asked, const struct case_file *file,
                    const struct told *told) {
    const char *subject = sl_printf(call, "deployment/%s", file->id);
    enum outcome outcome = file->decision->outcome;
    add_row(call, asked->batch, file, told);
    skeleton_keep(call, asked->batch, asked->skeleton);
    sl_batch_emit(asked->batch, "deployment.requested", subject, requested_event(file));
    sl_batch_emit(asked->batch, decided_event_type(outcome), subject, decided_event(file));
}

static int commit(sl_call *call, const struct asked *asked) {
    int rc = sl_commit(asked->batch);
    if (rc) return rc;
    skeleton_is_kept(call, asked->skeleton);
    sl_count(
        call, "deployments_requested_total", 1,
        sl_printf(call, "%s|%s", text_of(asked->in, "environment"), outcome_name(asked->outcome)));
    return 0;
}

/* ---- the whole ---- */

/* For another operation, and for a dry run: the objects as a tree. */
static int end_as_tree(sl_call *call, const struct case_file *file, const struct asked *asked,
                       const struct manifest_values *values) {
    const struct template *template = asked->skeleton->template;
    size_t size = template_size(template, values->fillings);
    char *text = sl_alloc_raw(call, size + 1);
    *template_write(template, values->fillings, text) = '\0';
    cJSON *objects = NULL;
    int rc = sl_json_parse(call, "the manifests", text, size, &objects);
    if (!rc) answer_end(asked->out, file, objects);
    return rc;
}

/* Decided: draw up the manifests and the answer, and what is to be kept and told. */
static int conclude(sl_call *call, struct asked *asked, const struct case_file *file,
                    bool as_tree) {
    struct rollout *rollout = sl_state(call);
    const struct plan plan = plan_of(call, file);
    struct manifest_values values;
    asked->skeleton = skeleton_of(rollout->skeletons, &plan, &rollout->manifests);
    if (!asked->skeleton) return sl_fail(call, SL_UNAVAILABLE, "no memory for the manifests");
    manifest_values_begin(&values, &plan, &rollout->manifests);
    cJSON *answer = as_tree ? asked->out : cJSON_CreateObject();
    answer_begin(answer, file);
    if (asked->batch) {
        struct told *told =
            write_kept(call, file, asked->skeleton, &values, sl_json_print(call, answer));
        add_all(call, asked, file, told);
        if (!as_tree) asked->told = told;
    }
    return as_tree ? end_as_tree(call, file, asked, &values) : 0;
}

static int judge(sl_call *call, struct asked *asked, bool as_tree) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *in = asked->in;
    struct judgement judgement = {.environment = text_of(in, "environment"),
                                  .approval_from = rollout->approval_from};
    judgement.risk = ask_risk(call, in, &judgement.risk_failure);
    judgement.policy =
        ask_policy(call, in, judgement.risk, &asked->change, &judgement.policy_failure);
    int rc = sl_cancelled(call); /* a client that left, or time that ran out, is no verdict */
    if (rc) return sl_fail(call, rc, "the request ended before it was decided");
    struct decision decision;
    decide(&judgement, &decision);
    asked->outcome = decision.outcome;
    const struct case_file file = {.in = in,
                                   .id = asked->id,
                                   .now_ms = asked->now_ms,
                                   .judgement = &judgement,
                                   .decision = &decision,
                                   .diff_bytes = asked->change.diff_bytes,
                                   .diff_sha256 = asked->change.diff_sha256};
    return conclude(call, asked, &file, as_tree);
}

/* Over HTTP: the trees of the judgement go before the wait for the disk. */
static int judge_for_client(sl_call *call, void *arg) {
    return judge(call, arg, false);
}

int deploy_request(sl_call *call, const cJSON *in, cJSON *out) {
    int rc = check_request(call, in);
    if (rc) return rc;
    struct asked asked = {.in = in, .out = out, .now_ms = sl_now_ms(call)};
    rc = change_of(call, in, &asked.change);
    if (rc) return rc;
    if (cJSON_IsTrue(item_of(in, "dry_run"))) return judge(call, &asked, true);
    asked.id = sl_new_id(call);
    asked.batch = sl_batch_new(call);
    if (sl_header(call, "host"))
        rc = sl_scratch(call, judge_for_client, &asked);
    else
        rc = judge(call, &asked, true);
    if (rc) return rc;
    if (asked.told)
        sl_reply_writer(call, "application/json", asked.told->size, write_told, asked.told);
    return commit(call, &asked);
}
