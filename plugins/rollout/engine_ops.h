/* engine_ops.h - the operations of rollouts; their fields and rows are in engine_rows.h. */
#ifndef ROLLOUT_ENGINE_OPS_H
#define ROLLOUT_ENGINE_OPS_H

#include <sluice/sluice.h>

/* engine_read.c */
int rollout_get(sl_call *call, const cJSON *in, cJSON *out);
int rollout_list(sl_call *call, const cJSON *in, cJSON *out);
int rollout_explain(sl_call *call, const cJSON *in, cJSON *out);
/* engine_verbs.c */
int rollout_promote(sl_call *call, const cJSON *in, cJSON *out);
int rollout_abort(sl_call *call, const cJSON *in, cJSON *out);
int rollout_retry(sl_call *call, const cJSON *in, cJSON *out);
int rollout_pause(sl_call *call, const cJSON *in, cJSON *out);
int rollout_resume(sl_call *call, const cJSON *in, cJSON *out);
int rollout_undo(sl_call *call, const cJSON *in, cJSON *out);
int rollout_set_image(sl_call *call, const cJSON *in, cJSON *out);
int rollout_restart(sl_call *call, const cJSON *in, cJSON *out);
/* approve.c, evaluate.c, freeze.c, import.c, replay.c */
int rollout_evaluate(sl_call *call, const cJSON *in, cJSON *out);
int rollout_approve(sl_call *call, const cJSON *in, cJSON *out);
int rollout_freeze(sl_call *call, const cJSON *in, cJSON *out);
int rollout_unfreeze(sl_call *call, const cJSON *in, cJSON *out);
int rollout_freezes(sl_call *call, const cJSON *in, cJSON *out);
int rollout_import(sl_call *call, const cJSON *in, cJSON *out);
int rollout_lint(sl_call *call, const cJSON *in, cJSON *out);
int rollout_replay(sl_call *call, const cJSON *in, cJSON *out);

struct run;
/* What rollout.get says of a run. engine_read.c */
void run_show(sl_call *call, const struct run *run, cJSON *out);

#endif
