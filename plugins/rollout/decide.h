/* decide.h - from the risk and the verdicts of the policies to one decision. Pure: no host, no
 * clock; the same judgement gives the same decision.
 *
 * Only an explicit yes approves. Whatever is missing, broken or not understood blocks:
 *
 *   policies could not be asked, or answered nonsense      DENIED
 *   a policy denies, fails or overruns                     DENIED
 *   no risk score                                          NEEDS_APPROVAL, in prod DENIED
 *   a policy wants a person, or the level is approval_from NEEDS_APPROVAL
 *   prod and not one policy judged                         NEEDS_APPROVAL
 *   everything else                                        APPROVED
 */
#ifndef ROLLOUT_DECIDE_H
#define ROLLOUT_DECIDE_H

#include <cjson/cJSON.h>

/* Rising: the worst reason is the decision. */
enum outcome { APPROVED = 0, NEEDS_APPROVAL = 1, DENIED = 2 };

/* What is known when the decision is taken. All borrowed. */
struct judgement {
    const char *environment;
    const char *approval_from;  /* level from which a person must agree, "never": policies alone */
    const cJSON *risk;          /* answer of risk.score, or NULL */
    const char *risk_failure;   /* why there is none */
    const cJSON *policy;        /* answer of policy.evaluate, or NULL */
    const char *policy_failure; /* why there is none */
};

struct decision {
    enum outcome outcome;
    cJSON *reasons;  /* array, worst first, never empty: source, rule, outcome, message, and where
                        known fix, evidence, file, line. Owned by the caller; borrows strings and
                        trees of the judgement. */
    const char *fix; /* of the worst reason; NULL: none is known. Borrowed from `reasons` */
};

void decide(const struct judgement *judgement, struct decision *decision);

const char *outcome_name(enum outcome outcome); /* "APPROVED" "NEEDS_APPROVAL" "DENIED" */

/* LOW 0, MED or MEDIUM 1, HIGH 2, CRITICAL 3; -1 for any other word or NULL. */
int risk_rank(const char *level);
const char *risk_level(const cJSON *risk); /* the word in an answer of risk.score, or NULL */

#endif
