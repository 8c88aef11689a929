/* policy.h - the plugin's state, and what its files with a host share. */
#ifndef SLUICE_POLICY_POLICY_H
#define SLUICE_POLICY_POLICY_H

#include "sum.h"

#include <sluice/sluice.h>

struct policy_state {
    sl_scripts *scripts;
    cJSON *settings; /* kept; what policies see as ctx.settings */
    cJSON *opa;      /* kept; NULL: no OPA is asked */
};

/* The context that policies see: the members of `in`, which are shared, with the platform's
 * settings and, where it has none, the time. */
cJSON *policy_context(sl_call *call, const cJSON *in);

/* Judges by all scripts, and by OPA where one is configured. Appends their verdicts. Suspends. */
int policy_judge(sl_call *call, const cJSON *context, cJSON *verdicts);

/* opa_ask.c: asks OPA and appends its verdicts; one that does not answer denies. */
void opa_judge(sl_call *call, const cJSON *options, const cJSON *context, cJSON *verdicts);

/* replay.c */
int policy_explain(sl_call *call, const cJSON *in, cJSON *out);
int policy_replay(sl_call *call, const cJSON *in, cJSON *out);

#endif
