/* gates_kinds.h - what a gate is asked and what it finds: shared by the kinds of gates. */
#ifndef ROLLOUT_GATES_KINDS_H
#define ROLLOUT_GATES_KINDS_H

#include "engine_run.h"

struct gate_question {
    const struct run *run;
    const cJSON *gate; /* its settings */
    int64_t timeout_ms;
};

/* Strings in the call's arena. */
struct gate_finding {
    enum gate_answer answer;
    const char *why, *fix, *would_pass_if;
    cJSON *inputs; /* what it saw */
    int64_t data_age_ms;
    bool stays, is_error;
};

/* 0, or what sl_fail returned: the gate's on_error then decides. Suspends. */
typedef int (*gate_ask)(sl_call *call, struct gate_question *question, struct gate_finding *found);
struct gate_kind {
    const char *name;
    gate_ask ask;
};

int gate_freeze(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_risk(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_budget(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_approvals(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_lua(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_opa(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_argocd(sl_call *call, struct gate_question *question, struct gate_finding *found);
int gate_webhook(sl_call *call, struct gate_question *question, struct gate_finding *found);

/* Approvals of a rollout that count now: by others than the author, not yet expired. approve.c */
int approvals_count(sl_call *call, const char *run, const char *author, int64_t *count);

/* The budget of the run's service, as slo.status gives it; NULL: nothing is known. */
struct budget {
    bool known, page, ticket;
    double left;
    int64_t age_ms;
    const char *service;
};
int budget_of(sl_call *call, const struct run *run, struct budget *budget);
/* Remembers how the budget stood before the version got traffic. */
void burn_begin(sl_call *call, struct run *run);
/* Harm that only the service as a whole shows: a page on its burn rate which did not fire before.
 * Replaces `guards` then. */
void gate_burn(sl_call *call, const struct run *run, struct machine_gate *guards, cJSON *verdicts);

#endif
