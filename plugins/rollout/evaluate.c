/* evaluate.c - rollout.evaluate: what the gates say of a rollout now, without moving anything. */
#include "engine_ops.h"
#include "engine_run.h"
#include "tree.h"

int rollout_evaluate(sl_call *call, const cJSON *in, cJSON *out) {
    static const char *const decisions[] = {"hold", "pass", "hold", "fail"};
    struct run *run;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc;
    if (run->queued)
        return sl_fail(call, SL_UNAVAILABLE, "rollout %s waits to begin: ask again in a moment",
                       run->id);
    cJSON *verdicts = put_array(out, "verdicts");
    const struct machine_gate sum = gates_ask(call, run, verdicts);
    put_text(out, "id", run->id);
    put_text(out, "decision", decisions[sum.answer]);
    put_text(out, "reason", sum.why ? sum.why : "");
    if (sum.fix) put_text(out, "fix", sum.fix);
    put_bool(out, "evidence",
             run->state.settled_ms && run->state.evidence_ms >= run->state.settled_ms);
    return 0;
}
