/* gates_run.c - the gates of a plan, one after the other: each asks somebody, and each says what
 * happens when that fails. A row of kinds[] a kind. */
#include "answer.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

static const struct gate_kind kinds[] = {
    {"freeze", gate_freeze},       {"risk", gate_risk},     {"budget", gate_budget},
    {"approvals", gate_approvals}, {"lua", gate_lua},       {"opa", gate_opa},
    {"webhook", gate_webhook},     {"argocd", gate_argocd}, {NULL, NULL}};

cJSON *gate_verdict(sl_call *call, const struct run *run, const char *gate, const char *kind,
                    const char *outcome, const char *reason) {
    cJSON *verdict = cJSON_CreateObject();
    char at[TIME_TEXT];
    put_text(verdict, "gate", gate);
    put_text(verdict, "kind", kind);
    put_text(verdict, "outcome", outcome);
    put_text(verdict, "reason", reason ? reason : "");
    put_number(verdict, "step", run->state.step);
    put_number(verdict, "weight", run->state.weight);
    const char *hash = text_of(run->plan, "policy_hash");
    if (hash) put_text(verdict, "policy_hash", hash);
    time_text(sl_now_ms(call), at);
    put_text(verdict, "at", at);
    return verdict;
}

/* What could not be answered becomes what the gate's on_error says; never a pass by itself. */
static void settle_error(sl_call *call, struct gate_question *question, struct gate_finding *found,
                         int rc) {
    const char *on_error = sl_get_text(question->gate, "on_error", "hold");
    if (!rc) return;
    *found = (struct gate_finding){.answer = GATE_HOLD, .is_error = true};
    found->why = sl_printf(call, "the gate could not be asked: %s", sl_failure(call));
    found->fix = "look at what the gate asks; its on_error says what happens meanwhile";
    if (strcmp(on_error, "allow") == 0) found->answer = GATE_PASS;
    if (strcmp(on_error, "deny") == 0) found->answer = GATE_FAIL;
}

static struct gate_finding ask(sl_call *call, struct gate_question *question) {
    const char *kind = sl_get_text(question->gate, "kind", "");
    struct gate_finding found = {.answer = GATE_HOLD};
    for (const struct gate_kind *row = kinds; row->name; row++) {
        if (strcmp(row->name, kind) != 0) continue;
        int rc = row->ask(call, question, &found);
        settle_error(call, question, &found, rc);
        return found;
    }
    found.why = sl_printf(call, "there is no kind of gate '%s'", kind);
    found.is_error = true;
    return found;
}

static bool applies(const struct run *run, const cJSON *gate) {
    const cJSON *environments = sl_get(gate, "environments"), *one;
    if (!cJSON_GetArraySize(environments)) return true;
    cJSON_ArrayForEach(one, environments) {
        if (cJSON_IsString(one) && strcmp(one->valuestring, run->environment) == 0) return true;
    }
    return false;
}

static void add_verdict(sl_call *call, const struct run *run, const cJSON *gate,
                        const struct gate_finding *found, cJSON *verdicts) {
    static const char *const outcomes[] = {"hold", "pass", "hold", "fail"};
    cJSON *verdict =
        gate_verdict(call, run, sl_get_text(gate, "name", sl_get_text(gate, "kind", "")),
                     sl_get_text(gate, "kind", ""), outcomes[found->answer], found->why);
    if (found->fix) put_text(verdict, "fix", found->fix);
    if (found->would_pass_if) put_text(verdict, "would_pass_if", found->would_pass_if);
    if (found->inputs) put_item(verdict, "inputs", found->inputs);
    if (found->is_error) put_bool(verdict, "error", true);
    if (found->data_age_ms) put_number(verdict, "data_age_ms", (double)found->data_age_ms);
    cJSON_AddItemToArray(verdicts, verdict);
}

/* A fail that aborts is the worst, then a fail, then a hold; among equals the first. */
static int badness(const struct machine_gate *gate) {
    static const int order[] = {
        [GATE_UNASKED] = 0, [GATE_PASS] = 1, [GATE_HOLD] = 2, [GATE_FAIL] = 3};
    return order[gate->answer] + (gate->answer == GATE_FAIL && gate->aborts ? 1 : 0);
}

struct machine_gate gates_ask(sl_call *call, const struct run *run, cJSON *verdicts) {
    struct machine_gate worst = {.answer = GATE_PASS, .name = "Gates", .why = "all gates pass"};
    const cJSON *gate;
    cJSON_ArrayForEach(gate, item_of(run->plan, "gates")) {
        if (!applies(run, gate)) continue;
        struct gate_question question = {.run = run, .gate = gate};
        question.timeout_ms = sl_get_int(gate, "timeout", 5000);
        const struct gate_finding found = ask(call, &question);
        add_verdict(call, run, gate, &found, verdicts);
        const struct machine_gate one = {
            .answer = found.answer,
            .aborts = strcmp(sl_get_text(gate, "on_fail", "hold"), "abort") == 0,
            .name = sl_get_text(gate, "name", sl_get_text(gate, "kind", "gate")),
            .why = found.why,
            .fix = found.fix,
            .stays = found.stays,
            .max_hold_ms = sl_get_int(gate, "max_hold", 0)};
        if (badness(&one) > badness(&worst)) worst = one;
    }
    return worst;
}
