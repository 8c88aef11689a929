/* The timeline: the same whatever the order, the repeats, the delays and the clocks of its sources. */
#include "timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS = 40, ROUNDS = 300, SOURCES = 4, STEP_MS = 30000 };

struct world {
    char ids[EVENTS][24], texts[EVENTS][24];
    int64_t at_ms[EVENTS];
    int source[EVENTS];
};

static const char *const sources[SOURCES] = {"alertmanager", "rollout", "person", "kubernetes"};
static const char *const kinds[SOURCES] = {"alert", "change", "note", "alert"};

static struct world make_world(unsigned *seed) {
    struct world w;
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(w.ids[i], sizeof w.ids[i], "e%d", i);
        (void)snprintf(w.texts[i], sizeof w.texts[i], "event %d", i);
        w.at_ms[i] = 1777882800000 + (int64_t)i * STEP_MS + rand_r(seed) % 1000;
        w.source[i] = rand_r(seed) % SOURCES;
    }
    return w;
}

/* Every event once or more, late by up to `late_ms`, in random order; `ahead_ms` by source. */
static size_t deliver(const struct world *w, unsigned *seed, int64_t late_ms,
                      const int64_t ahead_ms[SOURCES], struct line *out) {
    size_t n = 0;
    for (int i = 0; i < EVENTS; i++) {
        const int copies = 1 + rand_r(seed) % 3;
        for (int c = 0; c < copies; c++) {
            const int s = w->source[i];
            /* The first event of a source comes at once: that tells how far its clock is ahead. */
            bool first = !c;
            for (int j = 0; j < i && first; j++) first = w->source[j] != s;
            const int64_t late = first ? 0 : (int64_t)(rand_r(seed) % (int)(late_ms + 1));
            out[n++] = (struct line){.id = w->ids[i],
                                     .source = sources[s],
                                     .kind = kinds[s],
                                     .text = w->texts[i],
                                     .at_ms = w->at_ms[i] + ahead_ms[s],
                                     .arrived_ms = w->at_ms[i] + late};
        }
    }
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)rand_r(seed) % i;
        const struct line swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
    return timeline_arrange(out, n);
}

static void same_whatever_the_delivery(void **state) {
    (void)state;
    static struct line lines[EVENTS * 3];
    unsigned seed = 11;
    for (int round = 0; round < ROUNDS; round++) {
        const struct world w = make_world(&seed);
        int64_t ahead[SOURCES];
        for (int s = 0; s < SOURCES; s++) /* up to an hour ahead, or right */
            ahead[s] = rand_r(&seed) % 2 ? (int64_t)(rand_r(&seed) % 3600000) : 0;
        const size_t n = deliver(&w, &seed, 600000, ahead, lines);
        assert_int_equal(n, EVENTS);
        for (int i = 0; i < EVENTS; i++) {
            assert_string_equal(lines[i].text, w.texts[i]);
            const bool skewed = ahead[w.source[i]] >= 2000;
            if (skewed || ahead[w.source[i]] == 0) assert_true(lines[i].at_ms == w.at_ms[i]);
            assert_true(lines[i].moved == skewed);
        }
    }
}

static void repeats_collapse_only_when_nothing_is_between(void **state) {
    (void)state;
    struct line lines[] = {
        {.id = "a1", .source = "s", .kind = "alert", .text = "A", .at_ms = 1000},
        {.id = "a2", .source = "s", .kind = "alert", .text = "A", .at_ms = 2000},
        {.id = "b", .source = "s", .kind = "note", .text = "B", .at_ms = 3000},
        {.id = "a3", .source = "s", .kind = "alert", .text = "A", .at_ms = 4000},
        {.id = "a4", .source = "s", .kind = "alert", .text = "A", .at_ms = 4000 + 700000},
    };
    assert_int_equal(timeline_arrange(lines, 5), 4);
    assert_int_equal(lines[0].count, 2);
    assert_int_equal(lines[0].last_ms, 2000);
    assert_int_equal(lines[2].count, 1);
}

static void causes_stand_before_effects_at_one_instant(void **state) {
    (void)state;
    struct line lines[] = {
        {.id = "n", .source = "person", .kind = "note", .text = "n", .at_ms = 5},
        {.id = "a", .source = "am", .kind = "alert", .text = "a", .at_ms = 5},
        {.id = "c", .source = "rollout", .kind = "change", .text = "c", .at_ms = 5},
    };
    assert_int_equal(timeline_arrange(lines, 3), 3);
    assert_string_equal(lines[0].text, "c");
    assert_string_equal(lines[1].text, "a");
    assert_int_equal(timeline_arrange(lines, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_whatever_the_delivery),
        cmocka_unit_test(repeats_collapse_only_when_nothing_is_between),
        cmocka_unit_test(causes_stand_before_effects_at_one_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
