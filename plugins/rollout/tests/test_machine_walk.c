/* The state machine on random walks: plans, sights, measurements, gates, commands, crashes and clock
 * jumps by chance, in a world that is simulated here and judged by its own ledger. */
#include "machine.h"
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- chance ---- */

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides) { /* splitmix64 */
    uint64_t z = (dice->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

/* What the world does at a time depends on the seed and the look's number alone, so that a walk
 * with crashes sees the same as one without. */
static struct dice dice_of(uint64_t seed, uint64_t look, uint64_t purpose) {
    struct dice dice = {.state = seed * 1000003 + look * 1009 + purpose};
    (void)roll(&dice, 2);
    return dice;
}

/* ---- plans ---- */

static const char *const plans[] = {
    "{\"strategy\":{\"canary\":{\"steps\":[{\"setWeight\":10},{\"pause\":{\"duration\":60}},{"
    "\"analysis\":{}},{\"setWeight\":50},{\"analysis\":{}},{\"setWeight\":100}]}}}",
    "{\"strategy\":{\"canary\":{\"steps\":[{\"setWeight\":25},{\"pause\":{}},{\"setWeight\":50},"
    "{\"setWeight\":20},{\"setCanaryScale\":{\"weight\":50}},{\"setWeight\":80}]}}}",
    "{\"strategy\":{\"canary\":{\"trafficRouting\":{\"maxTrafficWeight\":1000},\"analysis\":{"
    "\"startingStep\":1},\"steps\":[{\"setWeight\":100},{\"pause\":{\"duration\":\"2m\"}},{"
    "\"setWeight\":500},{\"setHeaderRoute\":{\"name\":\"x\"}},{\"pause\":{\"duration\":10}}]}}}",
    "{\"progressDeadlineAbort\":true,\"progressDeadlineSeconds\":120,\"strategy\":{\"canary\":{"
    "\"steps\":[{\"analysis\":{}},{\"setWeight\":5},{\"analysis\":{}}]}}}",
    "{\"strategy\":{\"canary\":{}}}",
    "{\"strategy\":{\"blueGreen\":{\"activeService\":\"a\",\"autoPromotionEnabled\":false,"
    "\"prePromotionAnalysis\":{},\"postPromotionAnalysis\":{}}}}",
    "{\"strategy\":{\"blueGreen\":{\"activeService\":\"a\",\"autoPromotionSeconds\":30}}}"};
enum { PLANS = sizeof plans / sizeof *plans };

static struct machine_spec specs[PLANS];
static cJSON *plan_trees[PLANS];
static struct analysis_spec analysis;

static void prepare(void) {
    analysis = (struct analysis_spec){.count = 2};
    analysis.metrics[0] = (struct metric){
        .name = "errors", .interval_ms = 10000, .count = 3, .failure_limit = 1, .error_limit = 2};
    analysis.metrics[1] = (struct metric){.name = "latency",
                                          .interval_ms = 20000,
                                          .count = 1,
                                          .inconclusive_limit = 1,
                                          .error_limit = 2,
                                          .failure_limit = 0};
    for (int p = 0; p < PLANS; p++) {
        struct strategy_faults faults = {0};
        plan_trees[p] = cJSON_Parse(plans[p]);
        assert_non_null(plan_trees[p]);
        strategy_read(plan_trees[p], &specs[p].strategy, &faults);
        assert_int_equal(faults.count, 0);
        specs[p].max_hold_ms = 900000;
        specs[p].look_ms = 10000;
        specs[p].min_samples = 1;
        for (int i = 0; i < specs[p].strategy.step_count; i++)
            if (specs[p].strategy.steps[i].kind == STEP_ANALYSIS)
                specs[p].step_analysis[i] = &analysis;
        if (specs[p].strategy.background) specs[p].background = &analysis;
        if (specs[p].strategy.pre) specs[p].pre = &analysis;
        if (specs[p].strategy.post) specs[p].post = &analysis;
    }
}

/* ---- the world, and a ledger of its own ---- */

struct world {
    uint64_t seed;
    int plan, temper; /* 0: all is well; 1: mixed; 2: harm; 3: silence */
    int64_t now_ms;
    int weight; /* in force, truly */
    bool promoted, rolled_back;
    int64_t generation; /* of the last wish that came through */
    /* ledger */
    uint64_t good_at;    /* look in which something good was measured and handed over */
    uint64_t shifted_at; /* look after which the wish for a weight changed */
    int wished_weight;
    bool vouched; /* a person gave a reason */
};

static void apply(struct world *world, const struct machine_state *state, uint64_t look) {
    struct dice dice = dice_of(world->seed, look, 1);
    const struct machine_wish wish = machine_wish(&specs[world->plan], state);
    if (wish.weight != world->wished_weight || wish.goal == WISH_ROLL_BACK) {
        if (wish.weight != world->wished_weight) world->shifted_at = look;
        world->wished_weight = wish.weight;
    }
    if (world->temper == 1 && roll(&dice, 6) == 0) return; /* it did not get through */
    if (state->generation < world->generation) return;     /* fenced */
    world->generation = state->generation;
    world->weight = wish.weight;
    world->promoted = wish.goal == WISH_PROMOTE;
    world->rolled_back = wish.goal == WISH_ROLL_BACK;
}

static struct machine_sight see(const struct world *world, const struct machine_state *state,
                                uint64_t look) {
    struct dice dice = dice_of(world->seed, look, 2);
    struct machine_sight sight = {.seen = true};
    const struct machine_wish wish = machine_wish(&specs[world->plan], state);
    if (world->temper == 1 && roll(&dice, 8) == 0)
        return (struct machine_sight){.trouble = "no route to the driver", .weight = -1};
    if (world->temper == 1 && roll(&dice, 60) == 0) sight.foreign = "somebody";
    sight.weight = world->weight;
    sight.ready = world->temper != 1 || roll(&dice, 4) != 0;
    sight.verified = world->weight == wish.weight;
    sight.promoted = world->promoted && sight.ready;
    sight.rolled_back = world->rolled_back && sight.ready;
    return sight;
}

static struct measurement measure(const struct world *world, uint64_t look, int which) {
    struct dice dice = dice_of(world->seed, look, 10 + (uint64_t)which);
    static const enum analysis_phase mixed[] = {
        ANALYSIS_SUCCESSFUL, ANALYSIS_SUCCESSFUL,   ANALYSIS_SUCCESSFUL, ANALYSIS_SUCCESSFUL,
        ANALYSIS_ERROR,      ANALYSIS_INCONCLUSIVE, ANALYSIS_SUCCESSFUL, ANALYSIS_FAILED};
    struct measurement measured = {.phase = ANALYSIS_SUCCESSFUL, .value = "1"};
    if (world->temper == 1) measured.phase = mixed[roll(&dice, 8)];
    if (world->temper == 2) measured.phase = roll(&dice, 3) ? ANALYSIS_FAILED : ANALYSIS_SUCCESSFUL;
    if (world->temper == 3) measured.phase = ANALYSIS_ERROR;
    return measured;
}

static struct machine_gate guard(const struct world *world, uint64_t look) {
    struct dice dice = dice_of(world->seed, look, 3);
    struct machine_gate gate = {.answer = GATE_HOLD, .name = "Judge", .why = "too few requests"};
    const uint32_t face = roll(&dice, 12);
    if (world->temper == 3) return gate;
    if (world->temper == 0 || (world->temper == 1 && face < 4))
        return (struct machine_gate){.answer = GATE_PASS, .samples = 200, .why = "no worse"};
    if (world->temper == 2 && face < 3)
        return (struct machine_gate){
            .answer = GATE_FAIL, .aborts = true, .name = "Judge", .why = "more errors"};
    return gate;
}

static struct machine_gate gate(const struct world *world, uint64_t look) {
    struct dice dice = dice_of(world->seed, look, 4);
    const uint32_t face = roll(&dice, 10);
    if (world->temper != 1 || face < 6) return (struct machine_gate){.answer = GATE_PASS};
    if (face < 8)
        return (struct machine_gate){
            .answer = GATE_HOLD, .name = "Freeze", .why = "a freeze", .stays = face == 6};
    return (struct machine_gate){
        .answer = GATE_FAIL, .name = "Budget", .why = "none is left", .aborts = face == 9};
}

/* ---- one look ---- */

struct seen {
    struct machine_look look;
    struct machine_measured measured[2 * METRICS_MAX];
};

static void gather(struct world *world, const struct machine_state *state, uint64_t number,
                   struct seen *seen) {
    const struct machine_spec *spec = &specs[world->plan];
    seen->look = (struct machine_look){
        .now_ms = world->now_ms, .sight = see(world, state, number), .measured = seen->measured};
    seen->look.measured_count = machine_due_metrics(spec, state, world->now_ms, seen->measured);
    bool good = false;
    for (int i = 0; i < seen->look.measured_count; i++) {
        seen->measured[i].measured = measure(world, number, i);
        good = good || seen->measured[i].measured.phase == ANALYSIS_SUCCESSFUL;
    }
    if (machine_guarded(state)) seen->look.guards = guard(world, number);
    if (good || seen->look.guards.answer == GATE_PASS) world->good_at = number;
    if (machine_brink(spec, state, &seen->look)) seen->look.gates = gate(world, number);
}

static void fail_walk(const struct world *world, const struct machine_state *state,
                      const char *what) {
    char *text = cJSON_PrintUnformatted(machine_save(state));
    print_error("seed %llu plan %d temper %d: %s: %s\n", (unsigned long long)world->seed,
                world->plan, world->temper, what, text);
    free(text);
    fail();
}

/* ---- what must always hold ---- */

static void check_step(struct world *world, const struct machine_state *before,
                       const struct machine_state *after) {
    const bool raised = after->phase <= MACHINE_HELD && after->weight > before->weight;
    const bool promoting = after->phase == MACHINE_PROMOTING && before->phase != MACHINE_PROMOTING;
    const bool exposed = before->weight > 0 || promoting;
    const bool vouched = before->override_by[0] || after->override_by[0] || after->full;
    if ((raised || promoting) && exposed && !vouched) {
        if (world->good_at <= world->shifted_at)
            fail_walk(world, after, "more traffic without anything good since the last shift");
        if (before->settled_ms == 0) fail_walk(world, after, "more traffic before it was in force");
    }
    if (vouched && !world->vouched) fail_walk(world, after, "an override that nobody gave");
    if (after->generation < before->generation) fail_walk(world, after, "generation fell");
    if (after->phase == MACHINE_HELD &&
        (!after->code[0] || !after->message[0] || !after->next[0] || !after->hold_until_ms))
        fail_walk(world, after, "a hold without code, words, next action or deadline");
}

static void check_end(struct world *world, const struct machine_state *state) {
    const int wanted =
        state->phase == MACHINE_PROMOTED ? specs[world->plan].strategy.max_weight : 0;
    if (world->weight != wanted) fail_walk(world, state, "traffic is split after the end");
    if (!state->code[0] || !state->message[0] || !state->next[0] || !state->ended_ms)
        fail_walk(world, state, "an end without code, message, next action or time");
    if (state->phase == MACHINE_PROMOTED && !state->evidence[0])
        fail_walk(world, state, "promoted without evidence in words");
}

/* ---- commands ---- */

static void command(struct world *world, struct machine_state *state, uint64_t number) {
    struct dice dice = dice_of(world->seed, number, 5);
    struct machine_told told;
    char why[WHY_LONG];
    if (roll(&dice, 12)) return;
    const uint32_t verb = roll(&dice, VERB_RESUME + 1);
    const bool reason = roll(&dice, 2);
    const struct machine_command given = {
        .verb = (enum machine_verb)verb,
        .generation = roll(&dice, 3) ? 0 : state->generation - roll(&dice, 2),
        .actor = "user:ada",
        .reason = reason ? "I looked" : NULL};
    if (reason && (verb == VERB_PROMOTE || verb == VERB_PROMOTE_FULL)) world->vouched = true;
    const struct machine_state before = *state;
    const enum machine_reply reply =
        machine_do(&specs[world->plan], state, &given, world->now_ms, &told, why);
    if (reply == REPLY_STALE &&
        (given.generation == before.generation || state->generation != before.generation))
        fail_walk(world, state, "stale, or changed by a stale command");
    if (reply == REPLY_REFUSED && !why[0]) fail_walk(world, state, "refused without a reason");
    if (reply == REPLY_DONE && state->generation <= before.generation)
        fail_walk(world, state, "a command without a new generation");
    if (verb == VERB_ABORT && reply == REPLY_REFUSED && before.phase != MACHINE_PROMOTED)
        fail_walk(world, state, "abort was refused");
    if (reply != REPLY_DONE) return;
    if (verb == VERB_RETRY) world->vouched = false;
    check_step(world, &before, state);
}

/* ---- walks ---- */

enum { LOOKS = 120 };

static void reload(struct world *world, struct machine_state *state) {
    cJSON *kept = machine_save(state);
    char *text = cJSON_PrintUnformatted(kept);
    cJSON *again = cJSON_Parse(text);
    if (!machine_load(again, &specs[world->plan], state))
        fail_walk(world, state, "what was kept cannot be read");
    cJSON *twice = machine_save(state);
    char *same = cJSON_PrintUnformatted(twice);
    if (strcmp(text, same) != 0) fail_walk(world, state, "kept and read is not the same");
    cJSON_free(same);
    cJSON_free(text);
    cJSON_Delete(twice);
    cJSON_Delete(again);
    cJSON_Delete(kept);
}

struct options {
    uint32_t crashes; /* one of so many looks meets each kind of death; 0: none */
    bool jumps, commands;
};

/* Where the process may die: before the write, after it, after the driver was told. */
static void one_look(struct world *world, struct machine_state *state, uint64_t number,
                     const struct options *options) {
    static struct seen seen;
    struct dice dice = dice_of(world->seed, number, 6);
    const struct machine_state before = *state;
    struct machine_told told;
    const bool was_ended = machine_ended(state);
    if (options->commands) command(world, state, number);
    const uint32_t death = options->crashes ? roll(&dice, options->crashes) : 99;
    const struct machine_state kept = *state;
    gather(world, state, number, &seen);
    const struct world then = *world;
    (void)machine_next(&specs[world->plan], state, &seen.look, &told);
    if (death == 0) { /* died before the write: the look is made again */
        *state = kept;
        *world = then;
        reload(world, state);
        gather(world, state, number, &seen);
        (void)machine_next(&specs[world->plan], state, &seen.look, &told);
    }
    check_step(world, &kept, state);
    if (death == 1) reload(world, state); /* after the write: the wish is said from what was kept */
    apply(world, state, number);
    if (death == 2) { /* after the driver was told: it is told once more */
        reload(world, state);
        apply(world, state, number);
    }
    if (was_ended && state->attempt == before.attempt && state->phase != before.phase)
        fail_walk(world, state, "it left its end");
    if (machine_ended(state)) check_end(world, state);
}

static void move_clock(struct world *world, const struct machine_state *state, uint64_t number,
                       const struct options *options) {
    struct dice dice = dice_of(world->seed, number, 7);
    const int64_t due = machine_due_ms(&specs[world->plan], state);
    world->now_ms = due == INT64_MAX || due > world->now_ms + 600000 ? world->now_ms + 600000
                    : due > world->now_ms                            ? due
                                                                     : world->now_ms + 1;
    if (!options->jumps || roll(&dice, 15)) return;
    world->now_ms += roll(&dice, 2) ? 86400000 : -7200000;
}

static struct machine_state walk(uint64_t seed, const struct options *options, struct world *out) {
    struct dice dice = dice_of(seed, 0, 0);
    struct world world = {.seed = seed,
                          .plan = (int)roll(&dice, PLANS),
                          .temper = (int)roll(&dice, 4),
                          .now_ms = 1700000000000};
    struct machine_state state;
    memset(&state, 0, sizeof state);
    machine_begin(&specs[world.plan], &state, world.now_ms);
    int after = 0; /* looks since it ended: some, for commands and for what must not change */
    for (uint64_t number = 1; number <= LOOKS && after < 4; number++) {
        one_look(&world, &state, number, options);
        after = machine_ended(&state) ? after + 1 : 0;
        move_clock(&world, &state, number, options);
    }
    if (out) *out = world;
    return state;
}

static int walks(void) {
    const char *wanted = getenv("SLUICE_WALKS");
    if (wanted) return (int)strtol(wanted, NULL, 10);
#ifdef __SANITIZE_ADDRESS__
    return 4000; /* the same walks, the first of them */
#else
    return 100000;
#endif
}

static void nothing_bad_on_random_walks(void **unused) {
    (void)unused;
    int ends[MACHINE_ABORTED + 1] = {0};
    const struct options options = {64, true, true};
    for (int i = 0; i < walks(); i++) {
        const struct machine_state state = walk((uint64_t)i + 1, &options, NULL);
        ends[state.phase]++;
    }
    /* The walks must go everywhere, or they prove nothing. */
    for (int p = 0; p <= MACHINE_ABORTED; p++) {
        print_message("%s: %d\n", machine_phase_name((enum machine_phase)p), ends[p]);
        assert_true(p == MACHINE_PROMOTING || p == MACHINE_ABORTING || ends[p] > walks() / 1000);
    }
}

static void crashes_change_no_outcome(void **unused) {
    (void)unused;
    const struct options calm = {0, false, true}, crashing = {12, false, true};
    int promoted = 0;
    for (int i = 0; i < walks() / 10; i++) {
        struct world a, b;
        const struct machine_state one = walk((uint64_t)i + 7, &calm, &a);
        const struct machine_state two = walk((uint64_t)i + 7, &crashing, &b);
        cJSON *first = machine_save(&one), *second = machine_save(&two);
        char *left = cJSON_PrintUnformatted(first), *right = cJSON_PrintUnformatted(second);
        if (strcmp(left, right) != 0 || a.weight != b.weight) {
            print_error("seed %d:\n%s\n%s\n", i + 7, left, right);
            fail();
        }
        promoted += one.phase == MACHINE_PROMOTED;
        cJSON_free(left);
        cJSON_free(right);
        cJSON_Delete(first);
        cJSON_Delete(second);
    }
    assert_true(promoted > walks() / 200);
}

/* Good versions are promoted, bad ones never, silent ones never, by the machine alone. */
static void the_outcome_fits_the_version(void **unused) {
    (void)unused;
    const struct options calm = {0, false, false};
    int seen[4] = {0};
    for (int i = 0; i < 4000; i++) {
        struct world world;
        const struct machine_state state = walk((uint64_t)i + 99, &calm, &world);
        seen[world.temper]++;
        const bool forever = world.plan == 1 || world.plan == 5; /* they wait for a person */
        if (world.temper == 0 && !forever && world.plan != 4)
            assert_int_equal(state.phase, MACHINE_PROMOTED);
        if (world.temper == 3) assert_int_not_equal(state.phase, MACHINE_PROMOTED);
        if (world.temper == 2 && world.plan == 0) assert_int_equal(state.phase, MACHINE_ABORTED);
    }
    for (int t = 0; t < 4; t++) assert_true(seen[t] > 500);
}

int main(void) {
    prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_bad_on_random_walks),
        cmocka_unit_test(crashes_change_no_outcome),
        cmocka_unit_test(the_outcome_fits_the_version),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (int p = 0; p < PLANS; p++) cJSON_Delete(plan_trees[p]);
    return failed;
}
