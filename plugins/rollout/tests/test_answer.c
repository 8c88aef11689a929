#include "answer.h"
#include "explain.h"

#include "text.h"
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A case, decided; everything it borrows from lives beside it. */
struct story {
    cJSON *in, *risk, *policy, *manifests, *out;
    struct judgement judgement;
    struct decision decision;
    struct case_file file;
};

static const char request_text[] =
    "{\"app_name\":\"shop\",\"environment\":\"prod\",\"strategy\":\"canary\","
    "\"config\":{\"image\":\"shop:latest\",\"replicas\":2},\"diff\":\"+secret\","
    "\"commit\":\"abc\",\"message\":\"m\"}";

static void tell(struct story *story, const char *risk, const char *policy, const char *id) {
    *story = (struct story){.in = cJSON_Parse(request_text),
                            .risk = risk ? cJSON_Parse(risk) : NULL,
                            .policy = policy ? cJSON_Parse(policy) : NULL,
                            .manifests = cJSON_Parse("{\"namespace\":{\"kind\":\"Namespace\"}}"),
                            .out = cJSON_CreateObject()};
    assert_non_null(story->in);
    story->judgement = (struct judgement){.environment = "prod",
                                          .approval_from = "CRITICAL",
                                          .risk = story->risk,
                                          .risk_failure = "risk is down",
                                          .policy = story->policy,
                                          .policy_failure = "policy is down"};
    decide(&story->judgement, &story->decision);
    story->file = (struct case_file){.in = story->in,
                                     .id = id,
                                     .now_ms = 1767225600123,
                                     .judgement = &story->judgement,
                                     .decision = &story->decision,
                                     .diff_bytes = 7,
                                     .diff_sha256 = "feed"};
    answer_begin(story->out, &story->file);
    answer_end(story->out, &story->file, story->manifests);
}

static void end(struct story *story) {
    cJSON_Delete(story->out);
    cJSON_Delete(story->decision.reasons);
    cJSON_Delete(story->manifests);
    cJSON_Delete(story->policy);
    cJSON_Delete(story->risk);
    cJSON_Delete(story->in);
}

#define RISK                                                                                       \
    "{\"level\":\"MED\",\"score\":44,\"reason\":\"a wide change\",\"method\":\"model\","           \
    "\"contributions\":[{\"words\":\"12 files\"},{\"words\":\"no tests\"}],"                       \
    "\"what_would_lower_it\":[{\"words\":\"add tests\"}]}"
#define DENIED_BY                                                                                  \
    "{\"decision\":\"deny\",\"allowed\":false,\"policy_hash\":\"h1\",\"results\":[{\"rule\":"      \
    "\"no-latest\",\"outcome\":\"deny\",\"reason\":\"the tag is latest\",\"fix\":\"pin a "         \
    "tag\",\"file\":\"scripts/no-latest.lua\",\"line\":4}]}"
#define ALLOWED_BY                                                                                 \
    "{\"decision\":\"allow\",\"allowed\":true,\"results\":[{\"rule\":\"a\",\"outcome\":"           \
    "\"allow\"},{\"rule\":\"b\",\"outcome\":\"allow\"}]}"

static void a_denial_is_whole(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, DENIED_BY, "01A");
    assert_string_equal(text_of(story.out, "id"), "01A");
    assert_string_equal(text_of(story.out, "status"), "DENIED");
    assert_string_equal(text_of(story.out, "summary"),
                        "shop must not go to prod: the tag is latest");
    assert_string_equal(text_of(story.out, "fix"), "pin a tag");
    assert_string_equal(text_of(story.out, "next_action"), "pin a tag and send the request again");
    assert_string_equal(text_of(story.out, "created_at"), "2026-01-01T00:00:00.123Z");
    assert_true(cJSON_IsFalse(item_of(item_of(story.out, "policy"), "allowed")));
    assert_string_equal(text_of(item_of(story.out, "risk"), "level"), "MED");
    assert_null(item_of(story.out, "dry_run"));
    const cJSON *evidence = item_of(story.out, "evidence");
    assert_int_equal(cJSON_GetArraySize(evidence), 3);
    assert_string_equal(text_of(cJSON_GetArrayItem(evidence, 0), "sha256"), "feed");
    assert_string_equal(text_of(cJSON_GetArrayItem(evidence, 2), "policy_hash"), "h1");
    end(&story);
}

static void an_approval_says_how_to_go_on(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, ALLOWED_BY, "01A");
    assert_string_equal(text_of(story.out, "status"), "APPROVED");
    assert_string_equal(text_of(story.out, "next_action"),
                        "sluice deploy manifests 01A -o yaml | kubectl apply -f -");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(story.out, "fix")));
    end(&story);
}

static void a_dry_run_has_no_id(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, ALLOWED_BY, NULL);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(story.out, "id")));
    assert_true(cJSON_IsTrue(item_of(story.out, "dry_run")));
    end(&story);
}

/* The predecessor's keys are there even when nobody could be asked. */
static void silence_keeps_the_shape(void **state) {
    (void)state;
    struct story story;
    tell(&story, NULL, NULL, "01A");
    assert_string_equal(text_of(story.out, "status"), "DENIED");
    const cJSON *policy = item_of(story.out, "policy"), *risk = item_of(story.out, "risk");
    assert_true(cJSON_IsFalse(item_of(policy, "allowed")));
    assert_true(cJSON_IsArray(item_of(policy, "results")));
    assert_string_equal(text_of(policy, "error"), "policy is down");
    assert_string_equal(text_of(risk, "level"), "UNKNOWN");
    assert_string_equal(text_of(risk, "reason"), "risk is down");
    end(&story);
}

static void the_diff_is_not_kept(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, ALLOWED_BY, "01A");
    cJSON *kept = request_kept(&story.file);
    char *text = cJSON_PrintUnformatted(kept);
    assert_null(strstr(text, "+secret"));
    assert_non_null(strstr(text, "\"diff\":{\"bytes\":7,\"sha256\":\"feed\"}"));
    assert_non_null(strstr(text, "\"commit\":\"abc\""));
    cJSON_free(text);
    cJSON_Delete(kept);
    cJSON *told = requested_event(&story.file);
    text = cJSON_PrintUnformatted(told);
    assert_null(strstr(text, "+secret"));
    assert_string_equal(text_of(told, "image"), "shop:latest");
    assert_string_equal(text_of(told, "deployment_id"), "01A");
    assert_string_equal(text_of(told, "risk_level"), "MED");
    cJSON_free(text);
    cJSON_Delete(told);
    end(&story);
}

static void events_name_the_decision(void **state) {
    (void)state;
    assert_string_equal(decided_event_type(APPROVED), "deployment.approved");
    assert_string_equal(decided_event_type(NEEDS_APPROVAL), "deployment.needs_approval");
    assert_string_equal(decided_event_type(DENIED), "deployment.denied");
    struct story story;
    tell(&story, RISK, DENIED_BY, "01A");
    cJSON *told = decided_event(&story.file);
    assert_string_equal(text_of(told, "status"), "DENIED");
    assert_string_equal(text_of(told, "risk_level"), "MED");
    assert_string_equal(text_of(told, "deployment_id"), "01A");
    assert_string_equal(text_of(told, "image"), "shop:latest");
    assert_string_equal(text_of(told, "commit"), "abc");
    assert_string_equal(text_of(told, "policy_hash"), "h1");
    const cJSON *reason = cJSON_GetArrayItem(item_of(told, "reasons"), 0);
    assert_string_equal(text_of(reason, "rule"), "no-latest");
    cJSON_Delete(told);
    end(&story);
}

static void times_are_written(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {1795386483943, "2026-11-22T22:28:03.943Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"},
                 {INT64_MAX, "9999-12-31T23:59:59.999Z"},
                 {-5, "1970-01-01T00:00:00.000Z"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[TIME_TEXT];
        time_text(times[i].ms, text);
        assert_string_equal(text, times[i].text);
    }
}

static void sentences_are_cut_where_they_end(void **state) {
    (void)state;
    char text[8];
    assert_int_equal(text_join(text, sizeof text, (const char *const[]){"ab", "cd", NULL}), 4);
    assert_string_equal(text, "abcd");
    assert_int_equal(text_join(text, sizeof text, (const char *const[]){"abcd", "efgh", "i", NULL}),
                     7);
    assert_string_equal(text, "abcdefg");
    char digits[24];
    text_digits(digits, 0);
    assert_string_equal(digits, "0");
    text_digits(digits, 120);
    assert_string_equal(digits, "120");
}

/* The text that is put together is what the tree says. */
static void the_tail_is_as_the_tree_has_it(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, ALLOWED_BY, "01A");
    char tail[ANSWER_TAIL_BYTES], *text = cJSON_PrintUnformatted(story.out);
    size_t size = answer_tail(&story.file, tail), all = strlen(text);
    assert_true(size < sizeof tail && size == strlen(tail));
    assert_string_equal(text + all - size, tail);
    assert_non_null(
        strstr(text, ANSWER_MANIFESTS "{\"namespace\":{\"kind\":\"Namespace\"}},\"version\""));
    cJSON_free(text);
    end(&story);
}

static void explained_in_words(void **state) {
    (void)state;
    struct story story;
    tell(&story, RISK, DENIED_BY, "01A");
    char text[2048];
    explain(story.out, text, sizeof text);
    assert_string_equal(text, "DENIED of shop to prod: 2026-01-01T00:00:00.123Z\n"
                              "1. policy no-latest (no-latest.lua:4) says deny: the tag is latest\n"
                              "   fix: pin a tag\n"
                              "Risk: MED, 44 of 100: a wide change\n"
                              "What weighs most: 12 files; no tests\n"
                              "What would lower it: add tests\n"
                              "Next: pin a tag and send the request again\n");
    char small[40];
    explain(story.out, small, sizeof small);
    assert_int_equal(strlen(small), 39);
    assert_memory_equal(small, text, 39);
    end(&story);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_denial_is_whole),
        cmocka_unit_test(an_approval_says_how_to_go_on),
        cmocka_unit_test(a_dry_run_has_no_id),
        cmocka_unit_test(silence_keeps_the_shape),
        cmocka_unit_test(the_diff_is_not_kept),
        cmocka_unit_test(events_name_the_decision),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(sentences_are_cut_where_they_end),
        cmocka_unit_test(the_tail_is_as_the_tree_has_it),
        cmocka_unit_test(explained_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
