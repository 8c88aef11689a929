/* machine_face.c - what is wished for, when to look again, what to measure; and what people ask for. */
#include "machine_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_LOOK_MS = 5000, RESYNC_MS = 600000 };

static const struct step *step_at(const struct machine_spec *spec,
                                  const struct machine_state *state) {
    const struct strategy *strategy = &spec->strategy;
    return !strategy->blue_green && state->step < strategy->step_count
               ? &strategy->steps[state->step]
               : NULL;
}

const struct analysis_spec *machine_analysis(const struct machine_spec *spec,
                                             const struct machine_state *state) {
    switch (state->run_kind) {
    case RUN_STEP:
        return state->step < STEPS_MAX ? spec->step_analysis[state->step] : NULL;
    case RUN_PRE:
        return spec->pre;
    case RUN_POST:
        return spec->post;
    default:
        return NULL;
    }
}

bool machine_guarded(const struct machine_state *state) {
    return state->phase <= MACHINE_HELD && state->weight > 0 && state->settled_ms;
}

int machine_due_metrics(const struct machine_spec *spec, const struct machine_state *state,
                        int64_t now_ms, struct machine_measured *out) {
    const struct analysis_spec *specs[] = {machine_analysis(spec, state), spec->background};
    const struct analysis_run *runs[] = {&state->run, &state->background};
    int count = 0;
    if (state->phase > MACHINE_HELD) return 0;
    for (int r = 0; r < 2; r++) {
        if (!specs[r] || runs[r]->phase == ANALYSIS_NONE) continue;
        for (int i = 0; i < runs[r]->count; i++)
            if (analysis_due(specs[r], runs[r], i, now_ms))
                out[count++] = (struct machine_measured){.background = r == 1, .metric = i};
    }
    return count;
}

/* ---- when ---- */

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t pause_ends_ms(const struct machine_spec *spec, const struct machine_state *state) {
    const struct step *step = step_at(spec, state);
    if (!state->paused_ms) return INT64_MAX;
    if (step && step->kind == STEP_PAUSE)
        return step->pause_ms == PAUSE_FOREVER ? INT64_MAX : state->paused_ms + step->pause_ms;
    if (spec->strategy.blue_green && spec->strategy.auto_promotion)
        return state->paused_ms + (int64_t)spec->strategy.auto_promotion_s * 1000;
    return INT64_MAX;
}

int64_t machine_due_ms(const struct machine_spec *spec, const struct machine_state *state) {
    const int64_t now_ms = state->clock_ms;
    const struct analysis_spec *analysis = machine_analysis(spec, state);
    const int64_t retry_ms = sooner(spec->look_ms, RETRY_LOOK_MS);
    if (machine_ended(state)) return INT64_MAX;
    if (state->phase == MACHINE_ABORTING || state->phase == MACHINE_PROMOTING || state->blind_ms ||
        !state->settled_ms)
        return now_ms + retry_ms;
    int64_t due = sooner(pause_ends_ms(spec, state), now_ms + RESYNC_MS);
    if (machine_guarded(state)) due = sooner(due, now_ms + spec->look_ms);
    if (analysis) due = sooner(due, analysis_next_ms(analysis, &state->run, now_ms));
    if (state->background.phase == ANALYSIS_RUNNING)
        due = sooner(due, analysis_next_ms(spec->background, &state->background, now_ms));
    if (state->phase == MACHINE_HELD)
        due = sooner(due, sooner(now_ms + spec->look_ms, state->hold_until_ms));
    if (state->phase == MACHINE_PROGRESSING && !analysis) due = sooner(due, now_ms + retry_ms);
    return due > now_ms ? due : now_ms + 1;
}

/* ---- the wish ---- */

struct machine_wish machine_wish(const struct machine_spec *spec,
                                 const struct machine_state *state) {
    struct machine_wish wish = {.goal = WISH_SHIFT,
                                .weight = state->weight,
                                .step = state->step,
                                .canary_replicas = NOT_GIVEN,
                                .canary_scale = NOT_GIVEN};
    wish.paused = state->phase == MACHINE_PAUSED || state->phase == MACHINE_HELD;
    if (state->phase == MACHINE_PROMOTING || state->phase == MACHINE_PROMOTED) {
        wish.goal = WISH_PROMOTE;
        wish.weight = spec->strategy.max_weight;
        wish.step = spec->strategy.step_count;
    } else if (state->phase == MACHINE_ABORTING || state->phase == MACHINE_ABORTED) {
        wish.goal = WISH_ROLL_BACK;
        wish.weight = wish.step = 0;
    }
    if (spec->strategy.blue_green || wish.goal != WISH_SHIFT) return wish;
    for (int i = state->step < spec->strategy.step_count ? state->step : -1; i >= 0; i--) {
        const struct step *step = &spec->strategy.steps[i];
        if (step->kind != STEP_SCALE) continue;
        wish.canary_replicas = step->scale_replicas;
        wish.canary_scale = step->scale_weight;
        break;
    }
    return wish;
}

/* ---- what people ask for ---- */

static enum machine_reply __attribute__((format(printf, 2, 3)))
refuse(char why[WHY_LONG], const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, WHY_LONG, format, args);
    va_end(args);
    return REPLY_REFUSED;
}

static void vouch(struct machine_state *state, const struct machine_command *command) {
    (void)snprintf(state->override_by, sizeof state->override_by, "%s", command->actor);
    (void)snprintf(state->override_why, sizeof state->override_why, "%s", command->reason);
}

static bool has_reason(const struct machine_command *command) {
    return command->reason && *command->reason;
}

static void resume(struct walk *w) {
    w->state->user_paused = false;
    w->state->phase = MACHINE_PROGRESSING;
    w->state->code[0] = w->state->message[0] = w->state->next[0] = 0;
    walk_tell(w, TELL_RESUMED);
}

static enum machine_reply promote(struct walk *w, const struct machine_command *command,
                                  char why[WHY_LONG]) {
    struct machine_state *state = w->state;
    if (state->phase == MACHINE_HELD) {
        if (!has_reason(command))
            return refuse(why, "it is held: %.180s. To go on all the same, give a reason",
                          state->message);
        vouch(state, command);
        state->passed = state->passed || state->run_kind != RUN_NONE;
        return REPLY_DONE;
    }
    if (state->phase == MACHINE_PAUSED) {
        const bool by_user = state->user_paused;
        resume(w);
        state->passed = state->passed || !by_user || state->paused_ms != 0;
        return REPLY_DONE;
    }
    const struct step *step = step_at(w->spec, state);
    const bool waits = step && (step->kind == STEP_PAUSE || step->kind == STEP_ANALYSIS);
    if (!waits && !(w->spec->strategy.blue_green && state->run_kind != RUN_NONE))
        return refuse(why, "nothing waits at step %d: it goes on by itself", state->step);
    state->passed = true;
    return REPLY_DONE;
}

static enum machine_reply promote_full(struct walk *w, const struct machine_command *command,
                                       char why[WHY_LONG]) {
    struct machine_state *state = w->state;
    char text[WHY_LONG];
    if (!has_reason(command))
        return refuse(why, "promoting past all steps and gates needs a reason");
    vouch(state, command);
    (void)snprintf(text, sizeof text, "%.63s promoted it in full: %.180s", command->actor,
                   command->reason);
    (void)snprintf(state->evidence, sizeof state->evidence, "%s", text);
    state->full = true;
    state->user_paused = false;
    walk_promote(w);
    return REPLY_DONE;
}

static enum machine_reply abort_it(struct walk *w, const struct machine_command *command) {
    char text[WHY_LONG];
    (void)snprintf(text, sizeof text, "%.63s aborted it%s%.190s", command->actor,
                   has_reason(command) ? ": " : "", has_reason(command) ? command->reason : "");
    walk_abort(w, command->code ? command->code : "AbortedByPerson", text);
    return REPLY_DONE;
}

static enum machine_reply pause_it(struct walk *w, const struct machine_command *command) {
    char text[WHY_LONG];
    if (w->state->user_paused) return REPLY_SAME;
    w->state->user_paused = true;
    (void)snprintf(text, sizeof text, "%.63s paused it%s%.190s", command->actor,
                   has_reason(command) ? ": " : "", has_reason(command) ? command->reason : "");
    w->state->code[0] = 0;
    walk_pause(w, "PausedByPerson", text);
    (void)snprintf(w->state->next, sizeof w->state->next, "sluice rollout resume");
    return REPLY_DONE;
}

static enum machine_reply resume_it(struct walk *w, char why[WHY_LONG]) {
    if (w->state->user_paused) {
        resume(w);
        return REPLY_DONE;
    }
    return w->state->phase == MACHINE_PAUSED
               ? refuse(why, "it waits at a pause of its plan: promote goes on")
               : REPLY_SAME;
}

static enum machine_reply on_ended(struct walk *w, const struct machine_command *command,
                                   char why[WHY_LONG]) {
    struct machine_state *state = w->state;
    const bool promoted = state->phase == MACHINE_PROMOTED;
    switch (command->verb) {
    case VERB_RETRY:
        if (promoted) return refuse(why, "it is promoted: there is nothing to try again");
        machine_begin(w->spec, state, w->now_ms);
        walk_tell(w, TELL_RETRIED);
        return REPLY_DONE;
    case VERB_ABORT:
        return promoted
                   ? refuse(why, "it is promoted already; undo goes back to the version before")
                   : REPLY_SAME;
    case VERB_PROMOTE:
    case VERB_PROMOTE_FULL:
        return promoted ? REPLY_SAME : refuse(why, "it was aborted; retry begins it again");
    default:
        return refuse(why, "it has ended: %s", machine_phase_name(state->phase));
    }
}

static enum machine_reply on_its_way(struct walk *w, const struct machine_command *command,
                                     char why[WHY_LONG]) {
    const bool aborting = w->state->phase == MACHINE_ABORTING;
    if (command->verb == VERB_ABORT) return aborting ? REPLY_SAME : abort_it(w, command);
    if (!aborting && (command->verb == VERB_PROMOTE || command->verb == VERB_PROMOTE_FULL))
        return REPLY_SAME;
    return refuse(why, "it is on its way %s; wait until that is done",
                  aborting ? "back" : "to become the stable version");
}

static enum machine_reply obey(struct walk *w, const struct machine_command *command,
                               char why[WHY_LONG]) {
    if (machine_ended(w->state)) return on_ended(w, command, why);
    if (w->state->phase > MACHINE_HELD) return on_its_way(w, command, why);
    switch (command->verb) {
    case VERB_PROMOTE:
        return promote(w, command, why);
    case VERB_PROMOTE_FULL:
        return promote_full(w, command, why);
    case VERB_ABORT:
        return abort_it(w, command);
    case VERB_PAUSE:
        return pause_it(w, command);
    case VERB_RESUME:
        return resume_it(w, why);
    default:
        return refuse(why, "it has not ended: %s", machine_phase_name(w->state->phase));
    }
}

enum machine_reply machine_do(const struct machine_spec *spec, struct machine_state *state,
                              const struct machine_command *command, int64_t now_ms,
                              struct machine_told *told, char why[WHY_LONG]) {
    struct walk w = {.spec = spec, .state = state, .told = told};
    told->count = 0;
    why[0] = 0;
    if (command->generation && command->generation != state->generation) {
        (void)refuse(why, "it was decided on generation %lld, the rollout is at %lld: look again",
                     (long long)command->generation, (long long)state->generation);
        return REPLY_STALE;
    }
    if (now_ms > state->clock_ms) state->clock_ms = now_ms;
    w.now_ms = state->clock_ms;
    const int64_t generation = state->generation;
    const enum machine_reply reply = obey(&w, command, why);
    if (reply == REPLY_DONE && state->generation == generation) state->generation++;
    return reply;
}
