/* A language model's second opinion on a score. It adds words and may raise the level with a reason,
 * never lower it: what it reads was written by the one who wants the change to go through. */
#ifndef RISK_OPINION_H
#define RISK_OPINION_H

#include "risk.h"

/* Asks operation llm.complete about the score in `out` and adds `opinion` to `out`; level, score and method of
 * `out` and *level follow when it raises. What fails is told in the opinion, and the score stands.
 * Suspends for as long as the model takes, within the call's deadline. */
void risk_second_opinion(sl_call *call, struct diff_text diff, enum risk_level *level, cJSON *out);

#endif
