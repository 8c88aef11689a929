#include "steps.h"

#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CALL "{\"templates\":[]}"

static char *steps_text(const char *level, const char *wanted) {
    cJSON *request = wanted ? cJSON_Parse(wanted) : NULL;
    assert_true(!wanted || request);
    struct text steps;
    text_begin(&steps, 1);
    canary_steps(&steps, pace_of(level), request, CALL);
    char *text = text_end(&steps);
    cJSON_Delete(request);
    return text;
}

#define ANALYSIS "{\"analysis\":" CALL "}"

static void low_risk_is_quick(void **state) {
    (void)state;
    char *text = steps_text("LOW", NULL);
    assert_string_equal(text, "[{\"setWeight\":25},{\"pause\":{\"duration\":\"120s\"}}," ANALYSIS
                              ",{\"setWeight\":50},{\"pause\":{\"duration\":\"120s\"}}," ANALYSIS
                              ",{\"setWeight\":100}]");
    cJSON_free(text);
}

/* The riskier, the lower the first weight, the more the steps, the longer the pauses. */
static void the_pace_falls_with_the_risk(void **state) {
    (void)state;
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    for (int i = 1; i < 4; i++) {
        const struct pace *calm = pace_of(levels[i - 1]), *risky = pace_of(levels[i]);
        assert_string_equal(risky->level, levels[i]);
        assert_true(risky->weights[0] <= calm->weights[0]);
        assert_true(risky->pause_s > calm->pause_s);
        assert_true(risky->keep_old_s > calm->keep_old_s);
        assert_false(risky->promote_automatically);
    }
}

static void every_pace_ends_at_all_traffic(void **state) {
    (void)state;
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    for (int i = 0; i < 4; i++) {
        int before = 0;
        const int *weight = pace_of(levels[i])->weights;
        for (; *weight; weight++) {
            assert_true(*weight > before);
            before = *weight;
        }
        assert_int_equal(before, 100);
    }
}

static void an_unknown_level_is_taken_for_high(void **state) {
    (void)state;
    assert_string_equal(pace_of(NULL)->level, "HIGH");
    assert_string_equal(pace_of("whatever")->level, "HIGH");
    assert_string_equal(pace_of("MEDIUM")->level, "MED");
}

static void wanted_steps_replace_the_pace(void **state) {
    (void)state;
    char *text = steps_text("HIGH", "[{\"weight\":20,\"pause\":90000},"
                                    "{\"weight\":60,\"analysis\":false},{\"weight\":100}]");
    assert_string_equal(text, "[{\"setWeight\":20},{\"pause\":{\"duration\":\"90s\"}}," ANALYSIS
                              ",{\"setWeight\":60},{\"setWeight\":100}]");
    cJSON_free(text);
    text = steps_text("LOW", "[]");
    assert_non_null(strstr(text, "\"setWeight\":25"));
    cJSON_free(text);
}

static void wrong_steps_are_told(void **state) {
    (void)state;
    static const struct {
        const char *steps;
        int index;
        const char *says;
    } rows[] = {{"[{\"weight\":10},{\"weight\":10}]", 1, "more weight"},
                {"[{\"weight\":50},{\"weight\":10}]", 1, "more weight"},
                {"[{\"weight\":0}]", 0, "more weight"},
                {"[{\"weight\":10,\"pause\":5}]", 0, "one second"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON *steps = cJSON_Parse(rows[i].steps);
        int index = -1;
        const char *fault = steps_fault(steps, &index);
        assert_non_null(fault);
        assert_non_null(strstr(fault, rows[i].says));
        assert_int_equal(index, rows[i].index);
        cJSON_Delete(steps);
    }
    int index = 0;
    cJSON *good = cJSON_Parse("[{\"weight\":10,\"pause\":1000},{\"weight\":100}]");
    assert_null(steps_fault(good, &index));
    assert_null(steps_fault(NULL, &index));
    cJSON_Delete(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(low_risk_is_quick),
        cmocka_unit_test(the_pace_falls_with_the_risk),
        cmocka_unit_test(every_pace_ends_at_all_traffic),
        cmocka_unit_test(an_unknown_level_is_taken_for_high),
        cmocka_unit_test(wanted_steps_replace_the_pace),
        cmocka_unit_test(wrong_steps_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
