/* plan.h - the plan of one rollout, as it was fixed when it began: read into what the machine takes.
 * Pure. Policies, gates and templates that are edited later do not change it.
 *
 *   app, environment, image, commit, author, risk_level, tenant    of the deployment
 *   driver      "plan", "haproxy", "argo"
 *   kind        "release", or "rollback": that may pass a freeze and a spent budget
 *   spec        replicas, progressDeadlineSeconds, strategy: as in an Argo Rollout
 *   templates   name -> {metrics, args}: AnalysisTemplates
 *   gates       as configured; policy_hash over them
 *   hold        {max_ms, on_expiry: abort|stay}
 *   simulate    what the plan driver makes up */
#ifndef ROLLOUT_PLAN_H
#define ROLLOUT_PLAN_H

#include "machine.h"

/* Gives zeroed memory that lasts as long as the spec is used. */
typedef void *(*plan_alloc)(void *arg, size_t size);

/* `spec` borrows from `plan`. What is wrong is told; count 0: it can be run. */
void plan_read(const cJSON *plan, struct machine_spec *spec, plan_alloc alloc, void *arg,
               struct strategy_faults *faults);

/* The spec of an Argo Rollout without its pods, for a plan: replicas, deadlines, strategy. Shares. */
cJSON *plan_spec_of(const cJSON *rollout_spec);

/* {{args.name}} in `text` by the analysis' args and the template's defaults, `fallback` for what is
 * known only to a cluster. By cJSON's allocator; NULL: `missing` names an arg without a value. */
char *plan_fill_args(const char *text, const cJSON *args, const cJSON *defaults,
                     const char *fallback, const char **missing);

/* Has it a step that lets traffic in? */
bool plan_shifts(const struct strategy *strategy);

#endif
