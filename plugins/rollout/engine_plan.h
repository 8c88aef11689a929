/* engine_plan.h - the plan of a rollout: what is fixed when it begins. */
#ifndef ROLLOUT_ENGINE_PLAN_H
#define ROLLOUT_ENGINE_PLAN_H

#include "engine_run.h"

/* From the deployment that was approved: fills run->plan, and the author. Suspends. */
int plan_of_deployment(sl_call *call, struct run *run);

/* Completes a plan that has spec and templates: gates, hold, hash, steps where there are none. */
void plan_complete(sl_call *call, const struct run *run, cJSON *plan);

#endif
