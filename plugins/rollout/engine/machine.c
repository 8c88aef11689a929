#include "machine.h"

#include "machine_walk.h"

#include <stdio.h>
#include <string.h>

enum { BLIND_GRACE_MS = 60000 };

const char *machine_phase_name(enum machine_phase phase) {
    static const char *const names[] = {"Progressing", "Paused",   "Held",   "Promoting",
                                        "Aborting",    "Promoted", "Aborted"};
    return names[phase];
}

const char *machine_argo_phase(enum machine_phase phase) {
    static const char *const names[] = {"Progressing", "Paused",  "Paused",  "Progressing",
                                        "Degraded",    "Healthy", "Degraded"};
    return names[phase];
}

bool machine_ended(const struct machine_state *state) {
    return state->phase == MACHINE_PROMOTED || state->phase == MACHINE_ABORTED;
}

void machine_begin(const struct machine_spec *spec, struct machine_state *state, int64_t now_ms) {
    const int64_t generation = state->generation;
    const int attempt = state->attempt;
    (void)spec;
    *state = (struct machine_state){.generation = generation + 1,
                                    .attempt = attempt + 1,
                                    .clock_ms = now_ms,
                                    .started_ms = now_ms,
                                    .entered_ms = now_ms,
                                    .shifted_ms = now_ms};
}

/* ---- looking at what was seen ---- */

static void measure(struct walk *w) {
    struct machine_state *state = w->state;
    for (int i = 0; i < w->look->measured_count; i++) {
        const struct machine_measured *one = &w->look->measured[i];
        struct analysis_run *run = one->background ? &state->background : &state->run;
        if (one->metric < run->count) analysis_add(run, one->metric, &one->measured, w->now_ms);
    }
    if (state->background.phase != ANALYSIS_NONE)
        analysis_sum(w->spec->background, &state->background, w->now_ms);
    const struct analysis_spec *spec = machine_analysis(w->spec, state);
    if (spec) analysis_sum(spec, &state->run, w->now_ms);
}

/* true: nothing can be decided in this look. */
static bool in_trouble(struct walk *w) {
    struct machine_state *state = w->state;
    const struct machine_sight *sight = &w->look->sight;
    if (sight->seen) state->blind_ms = 0;
    if (sight->seen && !sight->foreign) {
        if (strcmp(state->code, "DriverUnreachable") == 0 ||
            strcmp(state->code, "ForeignWriter") == 0)
            walk_release(w);
        return false;
    }
    if (sight->seen) {
        char why[WHY_LONG];
        (void)snprintf(why, sizeof why, "%.200s also changes the traffic of this rollout",
                       sight->foreign);
        walk_hold(w, "ForeignWriter", why, "let one of the two control it", NULL);
        return true;
    }
    if (!state->blind_ms) state->blind_ms = w->now_ms;
    if (w->now_ms - state->blind_ms >= BLIND_GRACE_MS)
        walk_hold(w, "DriverUnreachable", sight->trouble ? sight->trouble : "the driver is silent",
                  "look at the driver; nothing moves until it answers", NULL);
    return true;
}

static void settle(struct walk *w) {
    struct machine_state *state = w->state;
    const struct machine_sight *sight = &w->look->sight;
    if (state->settled_ms || !sight->verified || !sight->ready || sight->weight != state->weight)
        return;
    state->settled_ms = w->now_ms;
    if (strcmp(state->code, "ProgressDeadlineExceeded") == 0) walk_release(w);
}

bool walk_settled(const struct walk *w) {
    const struct machine_sight *sight = &w->look->sight;
    return w->state->settled_ms && sight->verified && sight->ready;
}

/* ---- evidence ---- */

static void take_evidence(struct walk *w, int64_t samples, bool simulated, const char *text) {
    struct machine_state *state = w->state;
    if (!state->settled_ms || state->evidence_ms >= state->settled_ms || samples < 1) return;
    state->evidence_ms = w->now_ms;
    state->samples = samples;
    state->simulated = state->simulated || simulated;
    (void)snprintf(state->evidence, sizeof state->evidence, "%s", text);
    if (strncmp(state->code, "Analysis", 8) == 0) walk_release(w);
}

static void background_evidence(struct walk *w) {
    const struct machine_state *state = w->state;
    const struct analysis_spec *spec = w->spec->background;
    const struct analysis_run *run = &state->background;
    char text[WHY_LONG];
    int samples = 0;
    bool simulated = false;
    if (!state->settled_ms) return;
    for (int i = 0; i < run->count; i++) {
        const struct metric_result *result = &run->results[i];
        if (spec->metrics[i].dry_run) continue;
        if (result->last != ANALYSIS_SUCCESSFUL || result->at_ms < state->settled_ms) return;
        samples++;
        simulated = simulated || result->simulated;
    }
    (void)snprintf(text, sizeof text, "background analysis: %d metric%s good at this weight",
                   samples, samples == 1 ? "" : "s");
    take_evidence(w, samples, simulated, text);
}

static void guard_evidence(struct walk *w) {
    const struct machine_gate *guards = &w->look->guards;
    if (guards->answer != GATE_PASS || guards->samples < w->spec->min_samples) return;
    take_evidence(w, guards->samples, guards->simulated, guards->why ? guards->why : "guards pass");
}

static void run_evidence(struct walk *w, const struct analysis_spec *spec) {
    const struct analysis_run *run = &w->state->run;
    if (!analysis_is_evidence(spec, run) || run->started_ms < w->state->settled_ms) return;
    char text[WHY_LONG];
    bool simulated = false;
    for (int i = 0; i < run->count; i++) simulated = simulated || run->results[i].simulated;
    const int samples = analysis_samples(spec, run);
    (void)snprintf(text, sizeof text,
                   "analysis: %d measurement%s of %d metric%s good, last %s = %s", samples,
                   samples == 1 ? "" : "s", run->count, run->count == 1 ? "" : "s",
                   spec->metrics[0].name, run->results[0].value);
    take_evidence(w, samples, simulated, text);
}

/* ---- harm ---- */

static bool run_harm(struct walk *w, struct analysis_run *run, const char *kind) {
    char why[WHY_LONG];
    if (run->phase != ANALYSIS_FAILED) return false;
    (void)snprintf(why, sizeof why, "%s analysis failed: %.220s", kind, run->message);
    walk_abort(w, "AnalysisFailed", why);
    return true;
}

static bool guard_harm(struct walk *w) {
    const struct machine_gate *guards = &w->look->guards;
    if (guards->answer != GATE_FAIL || !guards->aborts) return false;
    walk_abort(w, guards->name ? guards->name : "Guard",
               guards->why ? guards->why : "it does harm");
    return true;
}

static bool harmed(struct walk *w) {
    struct machine_state *state = w->state;
    if (state->run_kind != RUN_NONE && run_harm(w, &state->run, "the")) return true;
    return run_harm(w, &state->background, "the background") || guard_harm(w);
}

/* Ended without a word: Error and Inconclusive say nothing about the version. Measured again, held
 * meanwhile. */
static bool undecided(struct walk *w, struct analysis_run *run, const struct analysis_spec *spec,
                      const char *kind) {
    char why[WHY_LONG];
    if (run->phase != ANALYSIS_ERROR && run->phase != ANALYSIS_INCONCLUSIVE) return false;
    const bool broken = run->phase == ANALYSIS_ERROR;
    (void)snprintf(why, sizeof why, "%s analysis is %s: %.200s", kind,
                   broken ? "broken" : "inconclusive", run->message);
    analysis_start(run, spec, w->now_ms);
    walk_hold(w, broken ? "AnalysisError" : "AnalysisInconclusive", why,
              "it is measured again by itself; promote with a reason, or abort", NULL);
    return true;
}

bool walk_analysis(struct walk *w, enum run_kind kind, const struct analysis_spec *spec) {
    struct machine_state *state = w->state;
    if (!spec || !spec->count) return true;
    if (state->run_kind != kind) {
        state->run_kind = kind;
        analysis_start(&state->run, spec, w->now_ms);
        return false;
    }
    if (undecided(w, &state->run, spec, "the") || state->run.phase != ANALYSIS_SUCCESSFUL)
        return false;
    run_evidence(w, spec);
    return true;
}

static void run_background(struct walk *w) {
    struct machine_state *state = w->state;
    const struct strategy *strategy = &w->spec->strategy;
    const struct analysis_spec *spec = w->spec->background;
    if (!spec || !spec->count || state->step < strategy->starting_step) return;
    if (state->background.phase == ANALYSIS_NONE)
        analysis_start(&state->background, spec, w->now_ms);
    if (undecided(w, &state->background, spec, "the background"))
        state->evidence_ms = state->samples = 0; /* what it said before does not count any more */
    background_evidence(w);
}

/* ---- steps ---- */

static void weight_step(struct walk *w, const struct step *step) {
    struct machine_state *state = w->state;
    if (step->weight == state->weight) {
        if (walk_settled(w)) walk_next_step(w);
    } else if (step->weight < state->weight) {
        walk_shift(w, step->weight);
    } else if ((state->settled_ms || state->weight == 0) && walk_may_raise(w, false)) {
        walk_shift(w, step->weight);
    }
}

static void pause_step(struct walk *w, const struct step *step) {
    struct machine_state *state = w->state;
    if (!state->paused_ms) state->paused_ms = w->now_ms;
    const bool over =
        step->pause_ms != PAUSE_FOREVER && w->now_ms - state->paused_ms >= step->pause_ms;
    if (state->passed || over)
        walk_next_step(w);
    else
        walk_pause(w, "CanaryPauseStep", "it waits at a pause step");
}

static void canary(struct walk *w) {
    const struct strategy *strategy = &w->spec->strategy;
    struct machine_state *state = w->state;
    if (state->step >= strategy->step_count) {
        if (walk_settled(w) && walk_may_raise(w, true)) walk_promote(w);
        return;
    }
    const struct step *step = &strategy->steps[state->step];
    switch (step->kind) {
    case STEP_WEIGHT:
        weight_step(w, step);
        return;
    case STEP_PAUSE:
        pause_step(w, step);
        return;
    case STEP_ANALYSIS:
        if (state->passed ||
            (walk_settled(w) && walk_analysis(w, RUN_STEP, w->spec->step_analysis[state->step])))
            walk_next_step(w);
        return;
    case STEP_SCALE:
        if (w->look->sight.ready && w->now_ms > state->entered_ms) walk_next_step(w);
        return;
    default: /* routes are in the wish, the rest is for other drivers */
        walk_next_step(w);
    }
}

static bool too_late(struct walk *w) {
    const struct machine_state *state = w->state;
    const int64_t limit_ms = (int64_t)w->spec->strategy.deadline_s * 1000;
    if (state->settled_ms || w->now_ms - state->shifted_ms < limit_ms) return false;
    const char *why = "the new version, or its weight, was not in place within "
                      "progressDeadlineSeconds";
    if (w->spec->strategy.deadline_abort)
        walk_abort(w, "ProgressDeadlineExceeded", why);
    else
        walk_hold(w, "ProgressDeadlineExceeded", why, "look at the pods of the new version", NULL);
    return true;
}

static void step_on(struct walk *w) {
    struct machine_state *state = w->state;
    const bool expired = state->phase == MACHINE_HELD && state->hold_action == HOLD_ABORTS &&
                         w->now_ms >= state->hold_until_ms;
    if (expired) {
        char why[WHY_LONG];
        (void)snprintf(why, sizeof why, "held too long: %.240s", state->message);
        walk_abort(w, state->code, why);
        return;
    }
    measure(w);
    if (harmed(w) || in_trouble(w)) return;
    settle(w);
    if (state->user_paused) return;
    run_background(w);
    guard_evidence(w);
    if (too_late(w)) return;
    if (w->spec->strategy.blue_green)
        walk_blue_green(w);
    else
        canary(w);
}

/* ---- ends ---- */

static void end(struct walk *w, enum machine_phase phase, enum machine_tell what) {
    w->state->phase = phase;
    w->state->ended_ms = w->now_ms;
    walk_tell(w, what);
}

static void finish(struct walk *w) {
    const struct machine_sight *sight = &w->look->sight;
    if (!sight->seen) return;
    if (w->state->phase == MACHINE_ABORTING && sight->rolled_back)
        end(w, MACHINE_ABORTED, TELL_ROLLED_BACK);
    if (w->state->phase == MACHINE_PROMOTING && sight->promoted)
        end(w, MACHINE_PROMOTED, TELL_PROMOTED);
}

/* ---- the face ---- */

static bool look_once(const struct machine_spec *spec, struct machine_state *state,
                      const struct machine_look *look, struct machine_told *told) {
    struct walk w = {.spec = spec, .state = state, .look = look, .told = told};
    told->count = 0;
    if (look->now_ms > state->clock_ms) state->clock_ms = look->now_ms;
    w.now_ms = state->clock_ms;
    if (state->phase == MACHINE_ABORTING || state->phase == MACHINE_PROMOTING)
        finish(&w);
    else if (!machine_ended(state))
        step_on(&w);
    return w.wants_gates;
}

bool machine_brink(const struct machine_spec *spec, const struct machine_state *state,
                   const struct machine_look *look) {
    struct machine_state trial = *state;
    struct machine_look without = *look;
    struct machine_told told;
    without.gates = (struct machine_gate){0};
    return look_once(spec, &trial, &without, &told);
}

bool machine_next(const struct machine_spec *spec, struct machine_state *state,
                  const struct machine_look *look, struct machine_told *told) {
    struct machine_state before = *state;
    (void)look_once(spec, state, look, told);
    before.clock_ms = state->clock_ms;
    /* Padding can only make them differ: then it is written once more, to no harm. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    return memcmp(&before, state, sizeof before) != 0;
}
