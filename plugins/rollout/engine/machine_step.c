/* machine_step.c - what a transition does: shift, hold, pause, abort, promote; and blue/green. */
#include "machine_walk.h"

#include <stdio.h>
#include <string.h>

enum { EVIDENCE_LOOKS = 3 };

static void copy(char *to, size_t size, const char *text) {
    (void)snprintf(to, size, "%s", text ? text : "");
}

#define COPY(TO, TEXT) copy(TO, sizeof(TO), TEXT)

void walk_tell(struct walk *w, enum machine_tell what) {
    if (w->told->count < TOLD_MAX) w->told->what[w->told->count++] = what;
}

static void no_hold(struct machine_state *state) {
    state->held_ms = state->hold_until_ms = 0;
    state->code[0] = state->message[0] = state->next[0] = 0;
}

void walk_next_step(struct walk *w) {
    struct machine_state *state = w->state;
    if (state->phase == MACHINE_PAUSED) walk_tell(w, TELL_RESUMED);
    walk_release(w);
    no_hold(state);
    state->phase = MACHINE_PROGRESSING;
    state->step++;
    state->generation++;
    state->entered_ms = w->now_ms;
    state->paused_ms = 0;
    state->passed = false;
    state->run_kind = RUN_NONE;
    walk_tell(w, TELL_STEP);
}

void walk_pause(struct walk *w, const char *code, const char *message) {
    struct machine_state *state = w->state;
    if (state->phase == MACHINE_PAUSED && strcmp(state->code, code) == 0) return;
    walk_release(w);
    state->phase = MACHINE_PAUSED;
    COPY(state->code, code);
    COPY(state->message, message);
    COPY(state->next, "sluice rollout promote, or abort");
    walk_tell(w, TELL_PAUSED);
}

void walk_hold(struct walk *w, const char *code, const char *message, const char *next,
               const struct machine_gate *gate) {
    struct machine_state *state = w->state;
    if (state->phase == MACHINE_HELD && strncmp(state->code, code, CODE_BYTES - 1) == 0) return;
    if (state->phase != MACHINE_HELD) state->held_ms = w->now_ms;
    const int64_t most_ms = gate && gate->max_hold_ms ? gate->max_hold_ms : w->spec->max_hold_ms;
    state->phase = MACHINE_HELD;
    state->hold_action = gate && gate->stays ? HOLD_STAYS : w->spec->on_expiry;
    state->hold_until_ms = state->hold_action == HOLD_STAYS ? INT64_MAX : state->held_ms + most_ms;
    COPY(state->code, code);
    COPY(state->message, message);
    COPY(state->next, next && *next ? next : "promote with a reason, or abort");
    walk_tell(w, TELL_HELD);
}

void walk_release(struct walk *w) {
    struct machine_state *state = w->state;
    if (state->phase != MACHINE_HELD) return;
    state->phase = MACHINE_PROGRESSING;
    no_hold(state);
    walk_tell(w, TELL_RELEASED);
}

void walk_abort(struct walk *w, const char *code, const char *message) {
    struct machine_state *state = w->state;
    char kept[CODE_BYTES];
    COPY(kept, code); /* may be the state's own */
    state->phase = MACHINE_ABORTING;
    state->held_ms = state->hold_until_ms = 0;
    state->generation++;
    state->weight = 0;
    state->shifted_ms = w->now_ms;
    state->settled_ms = 0;
    state->run_kind = RUN_NONE;
    state->user_paused = state->full = false;
    state->override_by[0] = state->override_why[0] = 0;
    COPY(state->code, kept);
    COPY(state->message, message);
    COPY(state->next, "mend the cause and send a new version; or sluice rollout retry");
    walk_tell(w, TELL_ABORTED);
}

void walk_promote(struct walk *w) {
    struct machine_state *state = w->state;
    state->phase = MACHINE_PROMOTING;
    state->generation++;
    state->held_ms = state->hold_until_ms = 0;
    COPY(state->code, "Promoted");
    COPY(state->message, state->evidence);
    COPY(state->next, "nothing; sluice rollout undo goes back to the version before");
    walk_tell(w, TELL_PROMOTING);
}

void walk_shift(struct walk *w, int weight) {
    struct machine_state *state = w->state;
    walk_release(w);
    state->weight = weight;
    state->generation++;
    state->shifted_ms = w->now_ms;
    state->settled_ms = state->evidence_ms = state->samples = 0;
    state->evidence[0] = 0;
    state->override_by[0] = state->override_why[0] = 0;
    walk_tell(w, TELL_SHIFTED);
}

/* ---- may it go on ---- */

/* Somebody vouched for it by name: that is the evidence. */
static bool vouched(struct walk *w) {
    struct machine_state *state = w->state;
    if (!state->override_by[0]) return false;
    char text[WHY_LONG];
    (void)snprintf(text, sizeof text, "%.63s vouched for it: %.190s", state->override_by,
                   state->override_why);
    COPY(state->evidence, text);
    return true;
}

static bool gates_let(struct walk *w) {
    const struct machine_gate *gates = &w->look->gates;
    const char *name = gates->name ? gates->name : "Gate";
    const char *why = gates->why ? gates->why : "it gave no reason";
    if (gates->answer == GATE_UNASKED) {
        w->wants_gates = true;
        return false;
    }
    if (gates->answer == GATE_PASS) return true;
    if (gates->answer == GATE_FAIL && gates->aborts)
        walk_abort(w, name, why);
    else
        walk_hold(w, name, why, gates->fix, gates);
    return false;
}

static bool has_evidence(const struct machine_state *state) {
    return state->settled_ms && state->evidence_ms >= state->settled_ms && state->samples > 0;
}

bool walk_may_raise(struct walk *w, bool final) {
    struct machine_state *state = w->state;
    if (vouched(w)) return true;
    const struct machine_gate *guards = &w->look->guards;
    if (guards->answer == GATE_FAIL) { /* one that does not abort */
        walk_hold(w, guards->name, guards->why, guards->fix, guards);
        return false;
    }
    if (!gates_let(w)) return false;
    if ((state->weight > 0 || final) && !has_evidence(state)) {
        /* Right after a shift there cannot be any: that is no hold yet. */
        if (w->now_ms - state->settled_ms < EVIDENCE_LOOKS * w->spec->look_ms) {
            walk_release(w);
            return false;
        }
        walk_hold(w, "NoEvidence",
                  guards->answer == GATE_HOLD && guards->why
                      ? guards->why
                      : "nothing good was measured since the weight was changed",
                  guards->fix
                      ? guards->fix
                      : "wait for traffic and measurements; promote with a reason; or abort",
                  NULL);
        return false;
    }
    return true;
}

/* ---- blue/green ---- */

enum { BG_PREVIEW, BG_PAUSE, BG_SWITCH, BG_AFTER, BG_END };

static void blue_green_pause(struct walk *w) {
    struct machine_state *state = w->state;
    const struct strategy *strategy = &w->spec->strategy;
    const bool waits = !strategy->auto_promotion || strategy->auto_promotion_s > 0;
    const int64_t wait_ms = (int64_t)strategy->auto_promotion_s * 1000;
    if (!waits || state->passed) {
        walk_next_step(w);
        return;
    }
    if (!state->paused_ms) state->paused_ms = w->now_ms;
    if (strategy->auto_promotion && w->now_ms - state->paused_ms >= wait_ms)
        walk_next_step(w);
    else
        walk_pause(w, "BlueGreenPause", "the preview is up and waits for its promotion");
}

void walk_blue_green(struct walk *w) {
    struct machine_state *state = w->state;
    if (!walk_settled(w)) return;
    switch (state->step) {
    case BG_PREVIEW:
        if (state->passed || walk_analysis(w, RUN_PRE, w->spec->pre)) walk_next_step(w);
        return;
    case BG_PAUSE:
        blue_green_pause(w);
        return;
    case BG_SWITCH:
        if (!walk_may_raise(w, false)) return;
        walk_shift(w, w->spec->strategy.max_weight);
        state->switched = true;
        walk_next_step(w);
        return;
    case BG_AFTER:
        if (state->passed || walk_analysis(w, RUN_POST, w->spec->post)) walk_next_step(w);
        return;
    default:
        if (walk_may_raise(w, true)) walk_promote(w);
    }
}
