/* steps.h - how fast a new version is let in: the riskier the change, the smaller and slower the
 * steps. Pure. */
#ifndef ROLLOUT_STEPS_H
#define ROLLOUT_STEPS_H

#include "text.h"

/* What the risk of the change means for its way into production. */
struct pace {
    const char *level;
    int weights[6];            /* percent of the traffic, rising, ended by 0 */
    int pause_s;               /* after each weight but the last, then the analysis */
    int keep_old_s;            /* blue/green: the old version stays up, for an instant way back */
    int promote_automatically; /* blue/green: the switch needs no person */
};

/* The pace of a level; of HIGH for a word that is not known or NULL. */
const struct pace *pace_of(const char *risk_level);

/* Writes spec.strategy.canary.steps of an Argo Rollout: setWeight, pause, analysis, and so on to
 * 100. `wanted` are the steps of the request ({weight, pause (ms), analysis}), or NULL for those of
 * the pace; `analysis` is what runs between them, as JSON. */
void canary_steps(struct text *text, const struct pace *pace, const cJSON *wanted,
                  const char *analysis);

/* NULL, or what is wrong with the steps of a request; `*index` is then the step's place. */
const char *steps_fault(const cJSON *wanted, int *index);

#endif
