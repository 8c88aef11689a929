/* machine_walk.h - one look in progress: shared by the files of the state machine. */
#ifndef ROLLOUT_MACHINE_WALK_H
#define ROLLOUT_MACHINE_WALK_H

#include "machine.h"

struct walk {
    const struct machine_spec *spec;
    struct machine_state *state;
    const struct machine_look *look;
    struct machine_told *told;
    int64_t now_ms;
    bool wants_gates; /* it would go on if they let it */
};

void walk_tell(struct walk *w, enum machine_tell what);
void walk_next_step(struct walk *w);
void walk_pause(struct walk *w, const char *code, const char *message);
/* A hold with the same code keeps its time; `max_hold_ms` 0: the spec's. */
void walk_hold(struct walk *w, const char *code, const char *message, const char *next,
               const struct machine_gate *gate);
void walk_release(struct walk *w);
void walk_abort(struct walk *w, const char *code, const char *message);
void walk_promote(struct walk *w);
void walk_shift(struct walk *w, int weight);
/* Gates and evidence let more traffic, or the promotion (final), go on. Holds where they do not. */
bool walk_may_raise(struct walk *w, bool final);
bool walk_settled(const struct walk *w);
/* Starts the run once; true when it has ended Successful. Holds or aborts where it ended badly. */
bool walk_analysis(struct walk *w, enum run_kind kind, const struct analysis_spec *spec);
void walk_blue_green(struct walk *w);

#endif
