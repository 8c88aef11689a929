/* gates_kinds.c - gates that ask the platform: risk, error budget, approvals, Lua. */
#include "gates_kinds.h"
#include "decide.h"
#include "tree.h"

#include <string.h>

static bool is_rollback(const struct run *run) {
    const char *kind = text_of(run->plan, "kind");
    return kind && strcmp(kind, "release") != 0;
}

/* ---- risk ---- */

int gate_risk(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    const struct run *run = question->run;
    const char *most = sl_get_text(question->gate, "max_level", "HIGH");
    const int64_t wanted = sl_get_int(question->gate, "approvals", 1);
    found->inputs = cJSON_CreateObject();
    put_text(found->inputs, "risk_level", run->risk_level);
    put_text(found->inputs, "max_level", most);
    found->answer = GATE_PASS;
    found->why = sl_printf(call, "the risk is %s", run->risk_level);
    const int rank = risk_rank(run->risk_level);
    if (rank >= 0 && rank <= risk_rank(most)) return 0;
    int64_t given = 0;
    int rc = approvals_count(call, run->id, run->author, &given);
    if (rc) return rc;
    put_number(found->inputs, "approvals", (double)given);
    if (given >= wanted) return 0;
    found->answer = GATE_HOLD;
    found->why = sl_printf(call, "the risk is %s, above %s", run->risk_level, most);
    found->fix = sl_printf(call, "sluice rollout approve %s --reason ...", run->id);
    found->would_pass_if = sl_printf(call, "%lld more approval(s)", (long long)(wanted - given));
    return 0;
}

/* ---- error budget ---- */

static void read_alerts(const cJSON *alerts, struct budget *budget) {
    const cJSON *alert;
    cJSON_ArrayForEach(alert, alerts) {
        const char *severity = text_of(alert, "severity");
        const char *state = text_of(alert, "state");
        if (state && strcmp(state, "firing") != 0) continue; /* pending is not yet harm */
        budget->page = budget->page || (severity && strcmp(severity, "page") == 0);
        budget->ticket = budget->ticket || (severity && strcmp(severity, "ticket") == 0);
    }
}

int budget_of(sl_call *call, const struct run *run, struct budget *budget) {
    *budget = (struct budget){.left = 1, .service = run->app};
    if (!sl_has_op(call, "slo.status")) return 0;
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    put_borrowed(in, "service", run->app);
    put_borrowed(in, "environment", run->environment);
    int rc = sl_invoke(call, "slo.status", in, &out);
    if (rc == SL_NOT_FOUND) return 0;
    if (rc) return rc;
    const cJSON *item;
    cJSON_ArrayForEach(item, item_of(out, "items")) {
        const cJSON *left = item_of(item, "budget_left");
        read_alerts(item_of(item, "alerts"), budget);
        if (!cJSON_IsNumber(left)) continue;
        if (!budget->known || left->valuedouble < budget->left) budget->left = left->valuedouble;
        budget->known = true;
        budget->age_ms = (int64_t)number_of(item, "data_age_ms");
    }
    return 0;
}

static const char *left_text(sl_call *call, const struct budget *budget) {
    return sl_printf(call, "%.1f %% of the error budget of %s is left", budget->left * 100,
                     budget->service);
}

/* The table of docs/rollout.md: used up, nearly used up or paging, and what may pass all the same. */
static void judge_budget(sl_call *call, const struct run *run, const struct budget *budget,
                         struct gate_finding *found) {
    const bool low_risk = strcmp(run->risk_level, "LOW") == 0;
    found->answer = GATE_PASS;
    found->why = left_text(call, budget);
    if (budget->left <= 0 && !is_rollback(run)) {
        found->answer = GATE_HOLD;
        found->why = sl_printf(call, "the error budget of %s is used up", budget->service);
        found->would_pass_if = "some of the budget is left, or it is a rollback";
    } else if ((budget->left < 0.1 || budget->page) && !low_risk && !is_rollback(run)) {
        found->answer = GATE_HOLD;
        found->why = sl_printf(call, "%s%s", left_text(call, budget),
                               budget->page ? ", and a page alert on its burn rate fires" : "");
        found->would_pass_if = "10 % is left and no page fires, or the risk is LOW";
    }
    if (found->answer == GATE_HOLD)
        found->fix = "mend what burns it, wait for the window to roll, or promote with a reason";
}

int gate_budget(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    struct budget budget;
    int rc = budget_of(call, question->run, &budget);
    if (rc) return rc;
    found->inputs = cJSON_CreateObject();
    put_bool(found->inputs, "known", budget.known);
    found->data_age_ms = budget.age_ms;
    if (!budget.known) {
        found->answer = GATE_PASS;
        found->why = sl_printf(call, "%s has no objective, so no budget to spend", budget.service);
        return 0;
    }
    put_number(found->inputs, "budget_left", budget.left);
    put_bool(found->inputs, "page", budget.page);
    put_bool(found->inputs, "ticket", budget.ticket);
    judge_budget(call, question->run, &budget, found);
    return 0;
}

void burn_begin(sl_call *call, struct run *run) {
    struct budget budget;
    if (budget_of(call, run, &budget)) return;
    cJSON_DeleteItemFromObjectCaseSensitive(run->seen, "page_before");
    put_bool(run->seen, "page_before", budget.page);
}

void gate_burn(sl_call *call, const struct run *run, struct machine_gate *guards, cJSON *verdicts) {
    struct budget budget;
    const cJSON *before = item_of(run->seen, "page_before");
    if (!cJSON_IsFalse(before) || budget_of(call, run, &budget) || !budget.page) return;
    if (guards->answer == GATE_FAIL && guards->aborts) return;
    const char *why = sl_printf(call,
                                "a page on the burn rate of %s fires since the new version gets "
                                "traffic; %s",
                                budget.service, left_text(call, &budget));
    *guards = (struct machine_gate){
        .answer = GATE_FAIL, .aborts = true, .name = "ErrorBudgetBurn", .why = why};
    cJSON *verdict = gate_verdict(call, run, "burn-rate", "budget", "fail", why);
    put_number(put_object(verdict, "inputs"), "budget_left", budget.left);
    put_number(verdict, "data_age_ms", (double)budget.age_ms);
    cJSON_AddItemToArray(verdicts, verdict);
}

/* ---- approvals ---- */

int gate_approvals(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    const struct run *run = question->run;
    const int64_t wanted = sl_get_int(question->gate, "quorum", 1);
    int64_t given = 0;
    int rc = approvals_count(call, run->id, run->author, &given);
    if (rc) return rc;
    found->inputs = cJSON_CreateObject();
    put_number(found->inputs, "approvals", (double)given);
    put_number(found->inputs, "quorum", (double)wanted);
    found->answer = given >= wanted ? GATE_PASS : GATE_HOLD;
    found->why = sl_printf(call, "%lld of %lld approval(s) by others than the author",
                           (long long)given, (long long)wanted);
    if (found->answer == GATE_PASS) return 0;
    found->fix = sl_printf(call, "sluice rollout approve %s --reason ...", run->id);
    found->would_pass_if = sl_printf(call, "%lld more approval(s)", (long long)(wanted - given));
    return 0;
}

/* ---- Lua ---- */

/* Who answers for it now: the scripts count those who are not its author. */
static int put_people(sl_call *call, const struct run *run, cJSON *context) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT approver FROM rollout_approval WHERE tenant = $1 AND run = $2 AND "
                      "expires_at > $3",
                      SL_ARGS(sl_text(run->id), sl_int(sl_now_ms(call))));
    if (rc) return rc;
    cJSON *list = cJSON_AddArrayToObject(context, "approvals");
    for (size_t i = 0; i < rows.count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(sl_cell_text(&rows, i, "approver")));
    put_text(context, "author", run->author);
    return 0;
}

static cJSON *context_of(sl_call *call, const struct run *run, const struct budget *budget) {
    const struct rollout *rollout = sl_state(call);
    cJSON *context = cJSON_CreateObject();
    put_text(context, "app_name", run->app);
    put_text(context, "environment", run->environment);
    put_text(context, "image", run->image);
    put_text(put_object(context, "risk"), "level", run->risk_level);
    put_number(context, "step", run->state.step);
    put_number(context, "weight", run->state.weight);
    put_bool(context, "rollback", is_rollback(run));
    put_number(context, "now", (double)sl_now_ms(call));
    cJSON *slo = put_object(context, "slo");
    put_bool(slo, "known", budget->known);
    put_number(slo, "budget_left", budget->left);
    put_bool(slo, "page", budget->page);
    const cJSON *settings = sl_get(rollout->config, "gate_settings");
    put_item(context, "settings",
             settings ? cJSON_Duplicate(settings, true) : cJSON_CreateObject());
    return context;
}

static void take_worst(sl_call *call, const cJSON *verdicts, struct gate_finding *found) {
    static const struct {
        const char *outcome;
        enum gate_answer answer;
    } words[] = {{"allow", GATE_PASS},
                 {"warn", GATE_PASS},
                 {"wait", GATE_HOLD},
                 {"approval", GATE_HOLD},
                 {"deny", GATE_FAIL}};
    const cJSON *verdict;
    found->answer = GATE_PASS;
    found->why = sl_printf(call, "%d script(s) let it pass", cJSON_GetArraySize(verdicts));
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *outcome = sl_get_text(verdict, "outcome", "deny");
        enum gate_answer answer = GATE_FAIL; /* a word that is not known denies */
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcmp(words[i].outcome, outcome) == 0) answer = words[i].answer;
        if (answer <= found->answer) continue;
        found->answer = answer;
        found->why = sl_printf(call, "%s: %s", sl_get_text(verdict, "name", "a script"),
                               sl_get_text(verdict, "reason", "it gave no reason"));
        found->fix = sl_get_text(verdict, "fix", NULL);
    }
}

int gate_lua(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    const struct rollout *rollout = sl_state(call);
    struct budget budget;
    if (!rollout->gates) {
        found->answer = GATE_PASS;
        found->why = "no folder of gate scripts is configured";
        return 0;
    }
    int rc = budget_of(call, question->run, &budget);
    if (rc) return rc;
    cJSON *verdicts = cJSON_CreateArray();
    cJSON *context = context_of(call, question->run, &budget);
    rc = put_people(call, question->run, context);
    if (!rc) rc = sl_scripts_judge(call, rollout->gates, context, verdicts);
    if (rc) return rc;
    take_worst(call, verdicts, found);
    found->inputs = cJSON_CreateObject();
    put_item(found->inputs, "scripts", verdicts);
    put_text(found->inputs, "scripts_hash", sl_scripts_hash(call, rollout->gates));
    return 0;
}

int gates_start(sl_call *call, struct rollout *rollout) {
    const char *folder = sl_get_text(rollout->config, "gate_scripts", NULL);
    return folder ? sl_scripts_open(call, folder, "gate", &rollout->gates) : 0;
}
