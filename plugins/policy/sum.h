/* sum.h - many verdicts, one decision. Pure. */
#ifndef SLUICE_POLICY_SUM_H
#define SLUICE_POLICY_SUM_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum decision { DECISION_ALLOW, DECISION_WARN, DECISION_NEEDS_APPROVAL, DECISION_DENY };

/* "allow", "warn", "needs_approval", "deny" */
const char *decision_name(enum decision decision);

/* The strictest of the verdicts; without any: allow. A word that is not known denies. */
enum decision sum_verdicts(const cJSON *verdicts);

/* Adds to each verdict what older clients read: rule, ok, message. */
void sum_add_results(cJSON *verdicts);

#endif
