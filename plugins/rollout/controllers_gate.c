/* What other controllers ask of the gates: controllers.h. */
#include "controllers.h"
#include "engine_plan.h"
#include "engine_run.h"
#include "tree.h"

#include <string.h>

enum { ONE_GATE_MS = 1500 }; /* Argo's web metric waits 10 s by default, for all gates together */

/* clang-format off */
const sl_field gate_in[] = {
    SL_STRING("service", .help = "name of the application", .flags = SL_REQUIRED, .min = 1, .max = 200),
    SL_STRING("environment", .help = "only there; default: wherever its newest version goes", .max = 64),
    SL_END};
const sl_field gate_out[] = {
    SL_ENUM("decision", "pass|hold|fail"),
    SL_NUMBER("score", .help = "1 pass, 0.5 hold, 0 fail"),
    SL_STRING("service"),
    SL_STRING("environment", .help = "of the version that was judged"),
    SL_STRING("image", .help = "of the version that was judged"),
    SL_STRING("risk", .help = "its risk level"),
    SL_STRING("deployment_id"),
    SL_LIST("reasons", SL_T_STRING, .help = "worst first"),
    SL_STRING("decision_id", .help = "the same as long as nothing changes"),
    SL_END};
const sl_field opa_in[] = {
    SL_STRING("path", .flags = SL_REQUIRED, .max = 1000),
    SL_ANY("input", .help = "what the decision is about"),
    SL_END};
const sl_field flagger_in[] = {
    SL_STRING("hook", .help = "kind of the webhook", .flags = SL_REQUIRED, .max = 64),
    SL_STRING("name", .help = "of the Canary", .flags = SL_REQUIRED, .min = 1, .max = 253),
    SL_STRING("namespace", .help = "of the Canary", .max = 63),
    SL_STRING("phase", .help = "Initialized, Progressing...", .max = 64),
    SL_STRING("checksum", .max = 128),
    SL_MAP("metadata", SL_T_STRING, .help = "of the webhook: service, environment and more", .max = 100),
    SL_END};
/* clang-format on */

const char *gate_decision_name(enum gate_decision decision) {
    static const char *const names[] = {"pass", "hold", "fail"};
    return names[decision];
}

/* ---- what is judged ---- */

struct question {
    const char *service, *environment; /* environment "": any */
    enum gate_decision decision;
    cJSON *reasons;
    cJSON *out;
};

static void add_reason(struct question *question, enum gate_decision decision, const char *words) {
    cJSON *reason = cJSON_CreateString(words);
    if (decision > question->decision) {
        cJSON_InsertItemInArray(question->reasons, 0, reason);
        question->decision = decision;
    } else {
        cJSON_AddItemToArray(question->reasons, reason);
    }
}

static int newest_run(sl_call *call, const struct question *question, struct run **run) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT " RUN_COLUMNS " FROM rollout_run WHERE tenant = $1 AND app = $2 AND "
                      "($3 = '' OR environment = $3) ORDER BY id DESC LIMIT 1",
                      SL_ARGS(sl_text(question->service), sl_text(question->environment)));
    if (rc || !rows.count) return rc;
    rc = run_of_row(call, &rows, 0, run);
    return rc;
}

/* A deployment that was decided after the newest rollout, or that has none. */
static int newest_deployment(sl_call *call, struct question *question, struct run **run) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT id, app, environment, image, risk_level, actor, status FROM "
                      "rollout_deployment WHERE tenant = $1 AND app = $2 AND ($3 = '' OR "
                      "environment = $3) AND id > $4 ORDER BY id DESC LIMIT 1",
                      SL_ARGS(sl_text(question->service), sl_text(question->environment),
                              sl_text(*run ? (*run)->id : "")));
    if (rc || !rows.count) return rc;
    struct run *made = sl_alloc(call, sizeof *made);
    *made = (struct run){.id = sl_cell_text(&rows, 0, "id"),
                         .app = sl_cell_text(&rows, 0, "app"),
                         .environment = sl_cell_text(&rows, 0, "environment"),
                         .image = sl_cell_text(&rows, 0, "image"),
                         .risk_level = sl_cell_text(&rows, 0, "risk_level"),
                         .author = sl_cell_text(&rows, 0, "actor"),
                         .driver = "",
                         .seen = cJSON_CreateObject()};
    const char *status = sl_cell_text(&rows, 0, "status");
    if (strcmp(status, "DENIED") == 0)
        add_reason(question, DECIDE_FAIL,
                   sl_printf(call, "deployment %s was denied; deploy.explain says why", made->id));
    if (strcmp(status, "NEEDS_APPROVAL") == 0)
        add_reason(question, DECIDE_HOLD,
                   sl_printf(call, "deployment %s waits for an approval", made->id));
    *run = made;
    return 0;
}

static void judge_run(sl_call *call, struct question *question, const struct run *run) {
    if (!run->plan || run->queued) return;
    const char *phase = machine_phase_name(run->state.phase);
    if (strcmp(phase, "Aborted") == 0 || strcmp(phase, "RolledBack") == 0)
        add_reason(question, DECIDE_FAIL,
                   sl_printf(call, "rollout %s of %s was taken back; rollout.explain says why",
                             run->id, run->image));
}

/* The judge speaks of what the driver saw; a fail of it that was not acted on counts here too. */
static int judge_canary(sl_call *call, struct question *question, const struct run *run) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT outcome, verdict FROM rollout_verdict WHERE tenant = $1 AND run = $2 "
                      "AND gate = 'canary-judge' ORDER BY id DESC LIMIT 1",
                      SL_ARGS(sl_text(run->id)));
    if (rc || !rows.count || strcmp(sl_cell_text(&rows, 0, "outcome"), "fail") != 0) return rc;
    const cJSON *verdict = sl_cell_json(call, &rows, 0, "verdict");
    add_reason(question, DECIDE_FAIL, sl_get_text(verdict, "reason", "the canary judge fails it"));
    return 0;
}

/* Gates that ask others may not use up the time that the controller waits. */
static cJSON *hasty_plan(sl_call *call, const struct run *run) {
    cJSON *plan = run->plan ? cJSON_Duplicate(run->plan, 1) : cJSON_CreateObject();
    if (!run->plan) plan_complete(call, run, plan);
    cJSON *gate;
    cJSON_ArrayForEach(gate, cJSON_GetObjectItemCaseSensitive(plan, "gates")) {
        if (sl_get_int(gate, "timeout", 5000) <= ONE_GATE_MS) continue;
        cJSON_DeleteItemFromObjectCaseSensitive(gate, "timeout");
        put_number(gate, "timeout", ONE_GATE_MS);
    }
    return plan;
}

static void judge_gates(sl_call *call, struct question *question, const struct run *run) {
    struct run copy = *run;
    cJSON *verdicts = cJSON_CreateArray(), *verdict;
    copy.plan = hasty_plan(call, run);
    (void)gates_ask(call, &copy, verdicts);
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *outcome = sl_get_text(verdict, "outcome", "hold");
        if (strcmp(outcome, "pass") == 0) continue;
        add_reason(question, strcmp(outcome, "fail") == 0 ? DECIDE_FAIL : DECIDE_HOLD,
                   sl_printf(call, "%s: %s", sl_get_text(verdict, "gate", "gate"),
                             sl_get_text(verdict, "reason", "")));
    }
    const char *hash = text_of(copy.plan, "policy_hash");
    if (hash) put_text(question->out, "policy_hash", hash);
}

static void conclude(sl_call *call, struct question *question, const struct run *run) {
    static const double scores[] = {1, 0.5, 0};
    cJSON *out = question->out;
    if (!cJSON_GetArraySize(question->reasons)) add_reason(question, DECIDE_PASS, "all gates pass");
    put_text(out, "decision", gate_decision_name(question->decision));
    put_number(out, "score", scores[question->decision]);
    put_text(out, "service", question->service);
    if (run) {
        put_text(out, "environment", run->environment);
        put_text(out, "image", run->image);
        put_text(out, "risk", run->risk_level);
        put_text(out, "deployment_id", run->id);
    }
    put_item(out, "reasons", question->reasons);
    const char *text = sl_json_print(call, out);
    char hash[65];
    sl_sha256(text, strlen(text), hash);
    put_text(out, "decision_id", sl_strndup(call, hash, 26));
}

int gate_decide(sl_call *call, const char *service, const char *environment,
                enum gate_decision *decision, cJSON *out) {
    struct question question = {.service = service,
                                .environment = environment ? environment : "",
                                .reasons = cJSON_CreateArray(),
                                .out = out};
    struct run *run = NULL;
    int rc = newest_run(call, &question, &run);
    const struct run *rolled = run;
    if (!rc) rc = newest_deployment(call, &question, &run);
    if (!rc && run && run == rolled) {
        judge_run(call, &question, run);
        rc = judge_canary(call, &question, run);
    }
    if (rc) return rc;
    if (run)
        judge_gates(call, &question, run);
    else
        add_reason(&question, DECIDE_HOLD,
                   sl_printf(call,
                             "nothing is known of service '%s'%s%s: no deployment was asked for",
                             service, environment ? " in " : "", environment ? environment : ""));
    conclude(call, &question, run);
    *decision = question.decision;
    return 0;
}

/* ---- Argo's web metric ---- */

int gates_evaluate(sl_call *call, const cJSON *in, cJSON *out) {
    enum gate_decision decision;
    return gate_decide(call, text_of(in, "service"), text_of(in, "environment"), &decision, out);
}

/* ---- OPA ---- */

static void put_denials(cJSON *result, const cJSON *policy) {
    cJSON *denials = put_array(result, "deny");
    const cJSON *verdict;
    cJSON_ArrayForEach(verdict, item_of(policy, "results")) {
        if (!cJSON_IsTrue(item_of(verdict, "ok")))
            cJSON_AddItemToArray(denials,
                                 cJSON_CreateString(sl_get_text(verdict, "message", "denied")));
    }
}

static int opa_deploy(sl_call *call, const cJSON *input, cJSON *result) {
    cJSON *policy = NULL;
    int rc = sl_invoke(call, "policy.evaluate", input, &policy);
    if (rc) return rc;
    put_bool(result, "allow", cJSON_IsTrue(item_of(policy, "allowed")));
    put_text(result, "decision", sl_get_text(policy, "decision", "deny"));
    put_denials(result, policy);
    put_text(result, "policy_hash", sl_get_text(policy, "policy_hash", ""));
    return 0;
}

static int opa_gate(sl_call *call, const cJSON *input, cJSON *result) {
    const char *service = sl_get_text(input, "service", sl_get_text(input, "app_name", NULL));
    enum gate_decision decision;
    if (!service) {
        sl_fault(call, "/input/service", NULL, "the gate needs the name of a service");
        return sl_fail(call, SL_INVALID, "input.service is missing");
    }
    int rc = gate_decide(call, service, text_of(input, "environment"), &decision, result);
    put_bool(result, "allow", !rc && decision == DECIDE_PASS);
    return rc;
}

int opa_data(sl_call *call, const cJSON *in, cJSON *out) {
    static const struct {
        const char *path;
        int (*answer)(sl_call *call, const cJSON *input, cJSON *result);
    } documents[] = {{"sluice/deploy", opa_deploy}, {"sluice/gate", opa_gate}};
    const char *path = text_of(in, "path");
    const cJSON *input = item_of(in, "input");
    cJSON *none = cJSON_CreateObject();
    put_text(out, "decision_id", sl_new_id(call));
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        size_t length = strlen(documents[i].path);
        if (strncmp(path, documents[i].path, length) != 0) continue;
        const char *rule = path + length;
        bool allow_alone = strcmp(rule, "/allow") == 0;
        if (*rule && !allow_alone) continue;
        if (input && !cJSON_IsObject(input))
            return sl_fail(call, SL_INVALID, "input must be an object");
        cJSON *result = cJSON_CreateObject();
        int rc = documents[i].answer(call, input ? input : none, result);
        if (rc) return rc;
        put_item(out, "result",
                 allow_alone ? cJSON_CreateBool(cJSON_IsTrue(item_of(result, "allow"))) : result);
        return 0;
    }
    return 0; /* undefined: no result */
}

/* ---- Flagger ---- */

static int note_event(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *metadata = item_of(in, "metadata");
    cJSON *data = cJSON_CreateObject();
    static const char *const names[] = {"hook", "name", "namespace", "phase", "checksum"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = text_of(in, names[i]);
        if (value) put_text(data, names[i], value);
    }
    if (metadata) put_item(data, "metadata", cJSON_Duplicate(metadata, 1));
    put_text(data, "controller", "flagger");
    const char *subject = sl_printf(call, "service/%s", text_of(in, "name"));
    sl_batch *batch = sl_batch_new(call);
    sl_batch_emit(batch, "controller.reported", subject, data);
    put_bool(out, "noted", true);
    return sl_commit(batch);
}

static int refuse(sl_call *call, enum gate_decision decision, const cJSON *answer) {
    const cJSON *first = cJSON_GetArrayItem(item_of(answer, "reasons"), 0);
    return sl_fail(call, decision == DECIDE_FAIL ? SL_DENIED : SL_CONFLICT, "%s: %s",
                   gate_decision_name(decision),
                   cJSON_IsString(first) ? first->valuestring : "no reason");
}

int flagger_hook(sl_call *call, const cJSON *in, cJSON *out) {
    static const char *const asking[] = {"confirm-rollout",   "pre-rollout",
                                         "rollout",           "confirm-traffic-increase",
                                         "confirm-promotion", "rollback"};
    const char *hook = text_of(in, "hook");
    const cJSON *metadata = item_of(in, "metadata");
    if (strcmp(hook, "post-rollout") == 0 || strcmp(hook, "event") == 0)
        return note_event(call, in, out);
    bool asks = false;
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
        asks |= strcmp(asking[i], hook) == 0;
    if (!asks)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no webhook '%s'; there are confirm-rollout, pre-rollout, rollout, "
                       "confirm-traffic-increase, confirm-promotion, post-rollout, rollback, event",
                       hook);
    enum gate_decision decision;
    int rc = gate_decide(call, sl_get_text(metadata, "service", text_of(in, "name")),
                         text_of(metadata, "environment"), &decision, out);
    if (rc) return rc;
    /* Of "rollback" a 200 is the wish to roll back. */
    bool go = strcmp(hook, "rollback") == 0 ? decision == DECIDE_FAIL : decision == DECIDE_PASS;
    return go ? 0 : refuse(call, decision, out);
}
