/* machine.h - the rollout's state machine: what was known, what is seen, the clock, and what somebody
 * asks for, to what is so from now on and what is to be told. Pure: no I/O, no memory of its own, the
 * same look always gives the same next state.
 *
 * Who uses it writes the next state down first and acts on machine_wish() afterwards. The wish is a
 * function of the state alone and says everything, so a crash anywhere only repeats it.
 *
 * What it promises (tests/test_machine_walk.c holds it to it)
 *  - More traffic, and the promotion itself, need positive evidence gathered after the last change
 *    of weight, or a named person with a reason. Absence of evidence holds, with an owner, a deadline
 *    and what happens then. Evidence of harm aborts.
 *  - It ends only when the driver has seen that all traffic goes one way.
 *  - abort wins over promote until the new version is the stable one.
 *  - The clock may jump: time that runs backwards stands still, and time alone never promotes.
 *
 * Times are ms since 1970. */
#ifndef ROLLOUT_MACHINE_H
#define ROLLOUT_MACHINE_H

#include "analysis.h"

enum machine_phase {
    MACHINE_PROGRESSING,
    MACHINE_PAUSED,    /* a pause step, or somebody paused it */
    MACHINE_HELD,      /* a gate or evidence is missing */
    MACHINE_PROMOTING, /* decided; until the driver sees that it is the stable version */
    MACHINE_ABORTING,  /* decided; until the driver sees that nothing goes to it */
    MACHINE_PROMOTED,  /* ended */
    MACHINE_ABORTED    /* ended; retry begins again */
};

enum { CODE_BYTES = 32, WHY_LONG = 280, NAME_BYTES = 64, TOLD_MAX = 8 };

enum hold_action { HOLD_ABORTS, HOLD_STAYS }; /* when its time is up */

/* From the plan and the configuration. */
struct machine_spec {
    struct strategy strategy;
    /* borrowed; NULL: there is none */
    const struct analysis_spec *step_analysis[STEPS_MAX]; /* of STEP_ANALYSIS, by its place */
    const struct analysis_spec *background, *pre, *post;
    int64_t max_hold_ms;        /* of a hold without one of its own */
    enum hold_action on_expiry; /* of such a hold */
    int64_t look_ms;            /* how often guards look while traffic flows */
    int min_samples;            /* measurements or requests that count as evidence */
};

enum run_kind { RUN_NONE, RUN_STEP, RUN_PRE, RUN_POST };

struct machine_state {
    int64_t generation; /* rises with each change of the wish, and each command */
    enum machine_phase phase;
    int attempt, step, weight;
    int64_t clock_ms;    /* latest time seen */
    int64_t started_ms;  /* of this attempt */
    int64_t entered_ms;  /* this step */
    int64_t shifted_ms;  /* the weight was last wished for */
    int64_t settled_ms;  /* and seen to be in force; 0: not yet */
    int64_t evidence_ms; /* last positive evidence; 0: none since the weight changed */
    int64_t samples;     /* that it rests on */
    bool simulated;      /* some of it was made up by the plan driver */
    char evidence[WHY_LONG];
    int64_t paused_ms; /* the pause of this step began; 0: it has not */
    bool passed;       /* somebody promoted past the pause of this step */
    bool user_paused;
    bool switched;                  /* blue/green: the active service is the new version's */
    int64_t held_ms, hold_until_ms; /* 0: no hold; INT64_MAX: without an end */
    enum hold_action hold_action;
    char code[CODE_BYTES];        /* of the hold, the pause or the end */
    char message[WHY_LONG];       /* in words */
    char next[WHY_LONG];          /* what a person can do */
    char override_by[NAME_BYTES]; /* who vouched, with the reason; for one raise */
    char override_why[WHY_LONG];
    bool full;        /* promote --full */
    int64_t blind_ms; /* since when the driver tells nothing; 0: it does */
    int64_t ended_ms;
    enum run_kind run_kind;
    struct analysis_run run, background;
};

/* What the driver told; seen = false: it could not. */
struct machine_sight {
    bool seen, verified, ready, promoted, rolled_back, simulated;
    int weight;          /* -1: not known */
    const char *foreign; /* somebody else writes there */
    const char *trouble; /* why it could not be seen */
};

enum gate_answer { GATE_UNASKED, GATE_PASS, GATE_HOLD, GATE_FAIL };

/* The sum of some gates. */
struct machine_gate {
    enum gate_answer answer;
    bool aborts;                  /* a fail is evidence of harm */
    const char *name, *why, *fix; /* of the one that decided; may be NULL */
    int64_t max_hold_ms;          /* 0: the spec's */
    bool stays;                   /* a hold without an end: a freeze */
    int64_t samples;              /* of a pass: what it rests on; 0: it is no evidence */
    bool simulated;
};

struct machine_measured {
    bool background;
    int metric;
    struct measurement measured;
};

struct machine_look {
    int64_t now_ms;
    struct machine_sight sight;
    const struct machine_measured *measured;
    int measured_count;
    struct machine_gate guards; /* that look for harm, at any time */
    struct machine_gate gates;  /* that let it go on: asked where machine_brink says so */
};

enum machine_tell {
    TELL_STARTED,
    TELL_STEP,
    TELL_HELD,
    TELL_RELEASED,
    TELL_PAUSED,
    TELL_RESUMED,
    TELL_SHIFTED,
    TELL_PROMOTING,
    TELL_ABORTED,
    TELL_PROMOTED,
    TELL_ROLLED_BACK,
    TELL_RETRIED
};

struct machine_told {
    enum machine_tell what[TOLD_MAX];
    int count;
};

struct machine_wish {
    enum { WISH_SHIFT, WISH_PROMOTE, WISH_ROLL_BACK } goal;
    int weight, step, canary_replicas, canary_scale;
    bool paused;
};

enum machine_verb {
    VERB_PROMOTE,
    VERB_PROMOTE_FULL,
    VERB_ABORT,
    VERB_RETRY,
    VERB_PAUSE,
    VERB_RESUME,
    VERB_RESTART
};

struct machine_command {
    enum machine_verb verb;
    int64_t generation; /* that it was decided on; 0: whatever it is */
    const char *actor, *reason, *code;
};

enum machine_reply { REPLY_DONE, REPLY_SAME /* it is so already */, REPLY_STALE, REPLY_REFUSED };

void machine_begin(const struct machine_spec *spec, struct machine_state *state, int64_t now_ms);

/* What is to be measured in a look at `now_ms`: fills `out` (METRICS_MAX * 2) with run and place. */
int machine_due_metrics(const struct machine_spec *spec, const struct machine_state *state,
                        int64_t now_ms, struct machine_measured *out);
/* Do guards look now? */
bool machine_guarded(const struct machine_state *state);
/* Would it go on if the gates let it? Then ask them for this look. */
bool machine_brink(const struct machine_spec *spec, const struct machine_state *state,
                   const struct machine_look *look);

/* One transition. false: nothing is different, nothing needs to be written. */
bool machine_next(const struct machine_spec *spec, struct machine_state *state,
                  const struct machine_look *look, struct machine_told *told);

enum machine_reply machine_do(const struct machine_spec *spec, struct machine_state *state,
                              const struct machine_command *command, int64_t now_ms,
                              struct machine_told *told, char why[WHY_LONG]);

/* When to look again; INT64_MAX: it has ended. */
int64_t machine_due_ms(const struct machine_spec *spec, const struct machine_state *state);
struct machine_wish machine_wish(const struct machine_spec *spec,
                                 const struct machine_state *state);
bool machine_ended(const struct machine_state *state);
const char *machine_phase_name(enum machine_phase phase); /* "Progressing" "Held"... */
/* kubectl-argo-rollouts' word for it: Progressing, Paused, Degraded, Healthy. */
const char *machine_argo_phase(enum machine_phase phase);

/* The analysis that runs now, besides the background one; NULL: none. */
const struct analysis_spec *machine_analysis(const struct machine_spec *spec,
                                             const struct machine_state *state);

/* ---- machine_json.c: as it is kept, about 1 KB ---- */
cJSON *machine_save(const struct machine_state *state);
bool machine_load(const cJSON *json, const struct machine_spec *spec, struct machine_state *state);

#endif
