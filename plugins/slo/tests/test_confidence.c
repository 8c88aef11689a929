/* The meter: monotone in each part, capped, and steady. */
#include "confidence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define NOW_MS  INT64_C(1800000000000)

enum { WALKS = 20000, CHANGES = 12, INCIDENTS = 4 };

/* A world, with room to make it worse in one respect. */
struct world {
    struct confidence_input input;
    struct change changes[CHANGES];
    struct incident_fact incidents[INCIDENTS];
};

static uint32_t seed = 20261122;

static uint32_t random_below(uint32_t bound) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % bound; /* the low bits repeat */
}

static double random_unit(void) {
    return random_below(1000000) / 1e6;
}

static void make_world(struct world *w) {
    *w = (struct world){.input = {.now_ms = NOW_MS, .known_since_ms = NOW_MS - 40 * DAY_MS}};
    w->input.budget_left = random_below(8) ? 1.2 * random_unit() - 0.2 : (double)NAN;
    w->input.burn = random_below(8) ? 30 * random_unit() * random_unit() : (double)NAN;
    w->input.paging = random_below(6) == 0;
    w->input.change_count = random_below(CHANGES);
    for (size_t i = 0; i < CHANGES; i++)
        w->changes[i] =
            (struct change){.at_ms = NOW_MS - random_below(27 * 24) * HOUR_MS,
                            .ended_ms = random_below(3) ? NOW_MS - random_below(24) * HOUR_MS : 0,
                            .risk = (int)random_below(5) - 1,
                            .outcome = (enum change_outcome)random_below(5)};
    w->input.incident_count = random_below(INCIDENTS);
    for (size_t i = 0; i < INCIDENTS; i++)
        w->incidents[i] = (struct incident_fact){
            .severity = (int)(random_below(5) + 1),
            .closed_ms = random_below(2) ? NOW_MS - random_below(48) * HOUR_MS : 0};
}

static double score_of(struct world *w) {
    struct confidence confidence;
    w->input.changes = w->changes;
    w->input.incidents = w->incidents;
    confidence_judge(&w->input, &confidence);
    assert_true(confidence.score == confidence.score); /* a number */
    assert_true(confidence.score >= 0 && confidence.score <= 100);
    for (int i = 0; i < PARTS; i++) {
        assert_true(isnan(confidence.values[i]) ||
                    (confidence.values[i] >= 0 && confidence.values[i] <= 1));
        assert_true(confidence.words[i][0]);
    }
    return confidence.score;
}

/* Each makes one thing worse; false where there is nothing to make worse. */
static bool less_budget(struct world *w) {
    w->input.budget_left -= random_unit();
    return !isnan(w->input.budget_left);
}

static bool faster_burn(struct world *w) {
    w->input.burn += 10 * random_unit();
    return !isnan(w->input.burn);
}

static bool a_page(struct world *w) {
    w->input.paging = true;
    return true;
}

static bool one_more_incident(struct world *w) {
    return ++w->input.incident_count <= INCIDENTS;
}

static bool a_worse_incident(struct world *w) {
    if (!w->input.incident_count || w->incidents[0].severity == 1) return false;
    w->incidents[0].severity--;
    return true;
}

static bool an_incident_reopens(struct world *w) {
    if (!w->input.incident_count) return false;
    w->incidents[0].closed_ms = 0;
    return true;
}

static bool a_worse_ending(struct world *w) {
    struct change *change = &w->changes[0];
    if (!w->input.change_count || change->outcome < CHANGE_PROMOTED ||
        change->outcome == CHANGE_INCIDENT)
        return false;
    change->outcome = (enum change_outcome)(change->outcome + 1);
    return true;
}

static bool a_riskier_change(struct world *w) {
    struct change *change = &w->changes[0];
    if (!w->input.change_count || change->risk < 0 || change->risk == 3) return false;
    change->risk++;
    return true;
}

static bool a_later_bad_ending(struct world *w) {
    struct change *change = &w->changes[0];
    if (!w->input.change_count || change->outcome < CHANGE_ABORTED || !change->ended_ms)
        return false;
    change->ended_ms += HOUR_MS;
    return change->ended_ms <= NOW_MS;
}

static bool one_more_change_today(struct world *w) {
    if (w->input.change_count == CHANGES) return false;
    w->changes[w->input.change_count++] = (struct change){
        .at_ms = NOW_MS - HOUR_MS, .risk = (int)random_below(4), .outcome = CHANGE_PROMOTED};
    return true;
}

static void nothing_worse_raises_the_score(void **state) {
    (void)state;
    static bool (*const worse[])(struct world *) = {
        less_budget,        faster_burn,          a_page,         one_more_incident,
        a_worse_incident,   an_incident_reopens,  a_worse_ending, a_riskier_change,
        a_later_bad_ending, one_more_change_today};
    enum { WAYS = sizeof worse / sizeof *worse };
    size_t tried[WAYS] = {0};
    for (int walk = 0; walk < WALKS; walk++) {
        struct world w;
        make_world(&w);
        const double before = score_of(&w);
        const size_t way = random_below(WAYS);
        if (!worse[way](&w)) continue;
        tried[way]++;
        const double after = score_of(&w);
        if (after > before + 1e-9) fail_msg("way %zu: %.9g, then %.9g", way, before, after);
    }
    for (size_t way = 0; way < WAYS; way++) assert_true(tried[way] > 100);
}

static void time_heals(void **state) {
    (void)state;
    for (int walk = 0; walk < 2000; walk++) {
        struct world w;
        make_world(&w);
        w.input.change_count = 0;
        for (size_t i = 0; i < INCIDENTS; i++)
            if (!w.incidents[i].closed_ms) w.incidents[i].closed_ms = NOW_MS;
        const double before = score_of(&w);
        w.input.now_ms += 6 * HOUR_MS;
        assert_true(score_of(&w) >= before - 1e-9);
    }
}

static void weights_sum_to_one(void **state) {
    (void)state;
    double sum = 0;
    for (int i = 0; i < PARTS; i++) sum += part_weights[i];
    assert_true(fabs(sum - 1) < 1e-12);
}

static void parts_have_their_documented_ends(void **state) {
    (void)state;
    assert_true(value_of_budget(1) == 1 && value_of_budget(0) == 0 && value_of_budget(-3) == 0);
    assert_true(value_of_burn(1) == 1 && value_of_burn(14.4) < 1e-12 && value_of_burn(100) == 0);
    assert_true(isnan(value_of_budget((double)NAN)) && isnan(value_of_burn((double)NAN)));
    const struct incident_fact worst = {.severity = 1};
    assert_true(value_of_incidents(&worst, 1, NOW_MS) == 0);
    const struct incident_fact closed = {.severity = 1, .closed_ms = NOW_MS - 12 * HOUR_MS};
    assert_true(fabs(value_of_incidents(&closed, 1, NOW_MS) - 0.5) < 1e-12);
    assert_true(value_of_incidents(NULL, 0, NOW_MS) == 1);
    const struct change bad = {.at_ms = NOW_MS, .outcome = CHANGE_INCIDENT};
    assert_true(fabs(value_of_changes(&bad, 1, NOW_MS) - exp(-1)) < 1e-12);
}

/* Against its own history: five a day are usual for one, and alarming for another. */
static void the_rate_is_held_against_its_own_history(void **state) {
    (void)state;
    assert_true(value_of_rate(5, 135, 27) > 0.95);
    assert_true(value_of_rate(5, 5, 27) < 0.4);
    assert_true(value_of_rate(0, 0, 0) == 1 && value_of_rate(1, 0, 0) > 0.8);
    assert_true(value_of_rate(1000, 27, 27) == 0);
    for (size_t recent = 1; recent < 60; recent++)
        assert_true(value_of_rate(recent, 30, 27) <= value_of_rate(recent - 1, 30, 27));
}

static void caps_hold_whatever_else_is_good(void **state) {
    (void)state;
    const struct incident_fact second = {.severity = 2};
    struct confidence c;
    struct confidence_input input = {.now_ms = NOW_MS, .budget_left = 1, .burn = 0, .paging = true};
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 40) < 1e-9 && strstr(c.cap_words, "pages"));
    input.paging = false;
    input.incidents = &second;
    input.incident_count = 1;
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 55) < 1e-9);
    input.incident_count = 0;
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 100) < 1e-9 && c.cap == 100);
    input.budget_left = 0;
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 45) < 1e-9);
}

static void what_is_not_known_counts_half(void **state) {
    (void)state;
    struct confidence c;
    struct confidence_input input = {
        .now_ms = NOW_MS, .budget_left = (double)NAN, .burn = (double)NAN};
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 75) < 1e-9 && fabs(c.coverage - 0.5) < 1e-9);
    assert_int_equal(confidence_level(c.score, LEVEL_UNKNOWN), LEVEL_MEDIUM);
    input.budget_left = 1; /* measured before, silent now */
    confidence_judge(&input, &c);
    assert_true(fabs(c.score - 100) < 1e-9 && c.coverage > 0.999);
}

static void the_level_does_not_flap(void **state) {
    (void)state;
    assert_int_equal(confidence_level(80, LEVEL_UNKNOWN), LEVEL_HIGH);
    assert_int_equal(confidence_level(79.9, LEVEL_UNKNOWN), LEVEL_MEDIUM);
    assert_int_equal(confidence_level(49.9, LEVEL_UNKNOWN), LEVEL_LOW);
    assert_int_equal(confidence_level((double)NAN, LEVEL_HIGH), LEVEL_UNKNOWN);
    /* Around a bound nothing moves; three beyond it does. */
    enum confidence_level level = LEVEL_HIGH;
    for (int i = 0; i < 100; i++) {
        level = confidence_level(80 + (i % 2 ? 2.9 : -2.9), level);
        assert_int_equal(level, LEVEL_HIGH);
    }
    assert_int_equal(confidence_level(76.9, LEVEL_HIGH), LEVEL_MEDIUM);
    assert_int_equal(confidence_level(82.9, LEVEL_MEDIUM), LEVEL_MEDIUM);
    assert_int_equal(confidence_level(83, LEVEL_MEDIUM), LEVEL_HIGH);
    assert_int_equal(confidence_level(10, LEVEL_HIGH), LEVEL_LOW);
    assert_int_equal(confidence_level(100, LEVEL_LOW), LEVEL_HIGH);
    assert_int_equal(level_named("medium"), LEVEL_MEDIUM);
    assert_int_equal(level_named(NULL), LEVEL_UNKNOWN);
}

static void points_add_up_to_the_score(void **state) {
    (void)state;
    for (int walk = 0; walk < 500; walk++) {
        struct world w;
        struct confidence c;
        make_world(&w);
        (void)score_of(&w);
        confidence_judge(&w.input, &c);
        cJSON *out = cJSON_CreateObject();
        confidence_write(out, &c, LEVEL_LOW);
        double sum = 0;
        const cJSON *part;
        cJSON_ArrayForEach(part, cJSON_GetObjectItem(out, "parts")) {
            sum += cJSON_GetObjectItem(part, "points")->valuedouble;
        }
        const double shown = cJSON_GetObjectItem(out, "score")->valuedouble;
        assert_true(fabs(fmin(sum, c.cap) - shown) < 0.1);
        cJSON_Delete(out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_worse_raises_the_score),
        cmocka_unit_test(time_heals),
        cmocka_unit_test(weights_sum_to_one),
        cmocka_unit_test(parts_have_their_documented_ends),
        cmocka_unit_test(the_rate_is_held_against_its_own_history),
        cmocka_unit_test(caps_hold_whatever_else_is_good),
        cmocka_unit_test(what_is_not_known_counts_half),
        cmocka_unit_test(the_level_does_not_flap),
        cmocka_unit_test(points_add_up_to_the_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
