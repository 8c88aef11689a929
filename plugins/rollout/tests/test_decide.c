#include "decide.h"

#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOW    "{\"level\":\"LOW\",\"score\":12}"
#define HIGH   "{\"level\":\"HIGH\",\"score\":81,\"reason\":\"40 files\"}"
#define CLEAR  "{\"decision\":\"allow\",\"allowed\":true,\"results\":[" ALLOWS "]}"
#define ALLOWS "{\"policy\":\"no-latest\",\"outcome\":\"allow\",\"reason\":\"pinned\"}"
#define DENIES                                                                                     \
    "{\"policy\":\"pii\",\"outcome\":\"deny\",\"reason\":\"pii is exposed\",\"fix\":\"make it "    \
    "internal\",\"file\":\"pii.lua\",\"line\":7,\"evidence\":{\"exposure\":\"external\"}}"
#define ASKS                                                                                       \
    "{\"policy\":\"risk\",\"outcome\":\"approval\",\"reason\":\"HIGH in prod\",\"fix\":\"ask\"}"
#define WARNS "{\"policy\":\"tag\",\"outcome\":\"warn\",\"reason\":\"old tag\",\"fix\":\"retag\"}"

/* One judgement from JSON text, and its decision. */
struct run {
    cJSON *risk, *policy;
    struct decision decision;
};

static struct run judge(const char *environment, const char *risk, const char *policy) {
    struct run run = {.risk = risk ? cJSON_Parse(risk) : NULL,
                      .policy = policy ? cJSON_Parse(policy) : NULL};
    assert_true(!risk || run.risk);
    assert_true(!policy || run.policy);
    const struct judgement judgement = {.environment = environment,
                                        .approval_from = "CRITICAL",
                                        .risk = run.risk,
                                        .risk_failure = "the plugin risk is down",
                                        .policy = run.policy,
                                        .policy_failure = "the plugin policy is down"};
    decide(&judgement, &run.decision);
    assert_true(cJSON_GetArraySize(run.decision.reasons) > 0);
    return run;
}

static void end(struct run *run) {
    cJSON_Delete(run->decision.reasons);
    cJSON_Delete(run->risk);
    cJSON_Delete(run->policy);
}

static const char *first(const struct run *run, const char *name) {
    return text_of(cJSON_GetArrayItem(run->decision.reasons, 0), name);
}

static void expect(const char *environment, const char *risk, const char *policy,
                   enum outcome outcome) {
    struct run run = judge(environment, risk, policy);
    if (run.decision.outcome != outcome)
        print_error("%s, risk %s, policy %s\n", environment, risk ? risk : "-",
                    policy ? policy : "-");
    assert_string_equal(outcome_name(run.decision.outcome), outcome_name(outcome));
    end(&run);
}

static void all_clear_approves(void **state) {
    (void)state;
    struct run run = judge("prod", LOW, CLEAR);
    assert_int_equal(run.decision.outcome, APPROVED);
    assert_string_equal(first(&run, "rule"), "all-clear");
    assert_string_equal(first(&run, "message"),
                        "1 policy allows it and the risk is LOW (12 of 100)");
    assert_null(run.decision.fix);
    end(&run);
}

static void a_denial_denies_and_tells_where(void **state) {
    (void)state;
    struct run run =
        judge("prod", LOW, "{\"decision\":\"deny\",\"results\":[" ALLOWS "," WARNS "," DENIES "]}");
    assert_int_equal(run.decision.outcome, DENIED);
    assert_string_equal(first(&run, "source"), "policy");
    assert_string_equal(first(&run, "rule"), "pii");
    assert_string_equal(first(&run, "message"), "pii is exposed");
    assert_string_equal(first(&run, "file"), "pii.lua");
    const cJSON *reason = cJSON_GetArrayItem(run.decision.reasons, 0);
    assert_int_equal((int)number_of(reason, "line"), 7);
    assert_string_equal(text_of(item_of(reason, "evidence"), "exposure"), "external");
    assert_string_equal(run.decision.fix, "make it internal");
    /* the warning follows, the plain allow is not a reason */
    assert_int_equal(cJSON_GetArraySize(run.decision.reasons), 2);
    assert_string_equal(text_of(cJSON_GetArrayItem(run.decision.reasons, 1), "outcome"), "warn");
    end(&run);
}

static void worst_reason_comes_first(void **state) {
    (void)state;
    struct run run =
        judge("prod", LOW, "{\"decision\":\"deny\",\"results\":[" WARNS "," ASKS "," DENIES "]}");
    static const char *const order[] = {"deny", "approval", "warn"};
    for (int i = 0; i < 3; i++)
        assert_string_equal(text_of(cJSON_GetArrayItem(run.decision.reasons, i), "outcome"),
                            order[i]);
    end(&run);
}

static void approval_is_asked_for(void **state) {
    (void)state;
    struct run run =
        judge("prod", HIGH, "{\"decision\":\"needs_approval\",\"results\":[" ALLOWS "," ASKS "]}");
    assert_int_equal(run.decision.outcome, NEEDS_APPROVAL);
    assert_string_equal(run.decision.fix, "ask");
    end(&run);
    expect("dev", "{\"level\":\"CRITICAL\",\"score\":99}", CLEAR, NEEDS_APPROVAL);
    expect("dev", HIGH, CLEAR, APPROVED); /* below approval_from: the policies' matter */
}

static void warnings_do_not_block(void **state) {
    (void)state;
    struct run run =
        judge("prod", LOW, "{\"decision\":\"warn\",\"results\":[" ALLOWS "," WARNS "]}");
    assert_int_equal(run.decision.outcome, APPROVED);
    assert_string_equal(first(&run, "outcome"), "warn");
    assert_null(run.decision.fix);
    end(&run);
}

static void no_policies_deny(void **state) {
    (void)state;
    struct run run = judge("dev", LOW, NULL);
    assert_int_equal(run.decision.outcome, DENIED);
    assert_non_null(strstr(first(&run, "message"), "the plugin policy is down"));
    assert_non_null(run.decision.fix);
    end(&run);
}

static void nonsense_from_policies_denies(void **state) {
    (void)state;
    static const char *const nonsense[] = {
        "{}",
        "[]",
        "true",
        "{\"results\":[]}",
        "{\"decision\":\"allow\"}",
        "{\"decision\":\"allow\",\"results\":{}}",
        "{\"decision\":\"yes\",\"results\":[]}",
        "{\"decision\":true,\"results\":[" ALLOWS "]}",
        "{\"decision\":\"deny\",\"results\":[" ALLOWS "]}", /* denies, but nothing says why */
        "{\"decision\":\"allow\",\"results\":[1]}",
        "{\"decision\":\"allow\",\"results\":[{}]}",
        "{\"decision\":\"allow\",\"results\":[{\"outcome\":\"ALLOW\"}]}",
        "{\"decision\":\"allow\",\"results\":[{\"outcome\":null}]}",
        "{\"decision\":\"allow\",\"results\":[" ALLOWS ",{\"outcome\":\"wait\"}]}",
        "{\"decision\":\"allow\",\"results\":[" DENIES "]}",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        expect("dev", LOW, nonsense[i], DENIED);
    expect("dev", LOW, "{\"decision\":\"needs_approval\",\"results\":[]}", NEEDS_APPROVAL);
}

static void prod_without_a_judging_policy_waits(void **state) {
    (void)state;
    expect("prod", LOW, "{\"decision\":\"allow\",\"results\":[]}", NEEDS_APPROVAL);
    expect("dev", LOW, "{\"decision\":\"allow\",\"results\":[]}", APPROVED);
}

static void no_risk_is_no_approval(void **state) {
    (void)state;
    static const char *const bad[] = {NULL, "{}", "{\"level\":7}", "{\"level\":\"low\"}", "[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect("dev", bad[i], CLEAR, NEEDS_APPROVAL);
        expect("stage", bad[i], CLEAR, NEEDS_APPROVAL);
        expect("prod", bad[i], CLEAR, DENIED);
    }
    struct run run = judge("prod", NULL, CLEAR);
    assert_non_null(strstr(first(&run, "message"), "the plugin risk is down"));
    end(&run);
}

static void the_floor_is_configured(void **state) {
    (void)state;
    cJSON *risk = cJSON_Parse(HIGH), *policy = cJSON_Parse(CLEAR);
    static const struct {
        const char *from;
        enum outcome outcome;
    } rows[] = {{"LOW", NEEDS_APPROVAL},
                {"HIGH", NEEDS_APPROVAL},
                {"CRITICAL", APPROVED},
                {"never", APPROVED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision decision;
        decide(&(struct judgement){.environment = "dev",
                                   .approval_from = rows[i].from,
                                   .risk = risk,
                                   .policy = policy},
               &decision);
        assert_int_equal(decision.outcome, rows[i].outcome);
        cJSON_Delete(decision.reasons);
    }
    cJSON_Delete(risk);
    cJSON_Delete(policy);
}

static void long_messages_are_cut_not_overrun(void **state) {
    (void)state;
    char policy[9000], reason[8000];
    memset(reason, 'x', sizeof reason);
    reason[sizeof reason - 1] = 0;
    (void)snprintf(policy, sizeof policy,
                   "{\"decision\":\"deny\",\"results\":[{\"policy\":\"p\",\"outcome\":\"deny\","
                   "\"reason\":\"%s\"}]}",
                   reason);
    struct run run = judge("dev", LOW, policy);
    assert_int_equal(run.decision.outcome, DENIED);
    assert_in_range(strlen(first(&run, "message")), 500, 1024);
    end(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_clear_approves),
        cmocka_unit_test(a_denial_denies_and_tells_where),
        cmocka_unit_test(worst_reason_comes_first),
        cmocka_unit_test(approval_is_asked_for),
        cmocka_unit_test(warnings_do_not_block),
        cmocka_unit_test(no_policies_deny),
        cmocka_unit_test(nonsense_from_policies_denies),
        cmocka_unit_test(prod_without_a_judging_policy_waits),
        cmocka_unit_test(no_risk_is_no_approval),
        cmocka_unit_test(the_floor_is_configured),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
