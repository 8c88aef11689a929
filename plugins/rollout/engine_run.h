/* engine_run.h - one rollout as it is kept and worked on: a row of rollout_run. */
#ifndef ROLLOUT_ENGINE_RUN_H
#define ROLLOUT_ENGINE_RUN_H

#include "driver.h"
#include "plan.h"
#include "rollout.h"

/* All in the call's arena. */
struct run {
    const char *id, *app, *environment, *image, *driver, *risk_level, *author;
    bool queued;    /* no plan and no state yet */
    bool overtaken; /* and never will have: a newer version came before it began */
    int64_t version, created_ms, updated_ms;
    cJSON *plan;
    cJSON *seen; /* {"counts": where counting began, "gates": last outcomes, "view": last seen} */
    struct machine_spec spec;
    struct machine_state state;
};

/* ---- engine_store.c ---- */
/* SL_NOT_FOUND with a sentence; SL_INTERNAL: damaged. Suspends. */
int run_load(sl_call *call, const char *id, struct run **out);
int run_of_row(sl_call *call, const sl_rows *rows, size_t i, struct run **out);
#define RUN_COLUMNS                                                                                \
    "id, app, environment, image, driver, risk_level, author, phase, version, created_at, "        \
    "updated_at, plan, state, seen"
/* A batch that saves the run if nobody else has in the meantime, and wakes the clock. */
sl_batch *run_save(sl_call *call, struct run *run);
/* Adds the events of a transition. `actor_note` is a person's reason, or NULL. */
void run_tell(sl_call *call, sl_batch *batch, const struct run *run,
              const struct machine_told *told);
void run_emit(sl_call *call, sl_batch *batch, const struct run *run, const char *type, cJSON *more);
/* Adds a new row, waiting to begin. `plan` may be NULL: made from the deployment when it begins. */
void run_add(sl_call *call, sl_batch *batch, const char *id, const struct run *run);
void run_wake(sl_call *call, sl_batch *batch, int64_t at_ms);
void run_count_end(sl_call *call, const struct run *run);

/* ---- engine_look.c ---- */
/* Looks, and lets it go on as far as it goes now. Suspends. */
int run_look(sl_call *call, struct run *run);
void run_wish(sl_call *call, const struct run *run, struct driver_wish *wish);

/* ---- engine_measure.c ---- */
struct measurement run_measure(sl_call *call, const struct run *run, const struct metric *metric,
                               const struct driver_view *view);
/* The judge over the driver's counters since the weight settled; and what watches for harm. */
struct machine_gate run_guard(sl_call *call, struct run *run, const struct driver_view *view,
                              cJSON *verdicts);

/* ---- engine_start.c ---- */
int run_begin(sl_call *call, struct run *run);
/* Reads run->plan; SL_INVALID with the first fault. */
int run_read_plan(sl_call *call, struct run *run);
int engine_hear_approved(sl_call *call, const sl_event *event);
int engine_hear_job(sl_call *call, const cJSON *in);
int engine_tick(sl_call *call, const cJSON *in);
int engine_look_job(sl_call *call, const cJSON *in);

/* ---- gates_run.c ---- */
/* Asks the plan's gates; verdicts (an array) gets one object each. Suspends. */
struct machine_gate gates_ask(sl_call *call, const struct run *run, cJSON *verdicts);
cJSON *gate_verdict(sl_call *call, const struct run *run, const char *gate, const char *kind,
                    const char *outcome, const char *reason);
int gates_start(sl_call *call, struct rollout *rollout);

#endif
