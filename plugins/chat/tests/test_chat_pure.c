/* How questions are understood: words, mistakes, times, names. What they want to know is tested by
 * tests/integration/test_chat.py. */
#include "intent.h"
#include "moment.h"
#include "slack.h"
#include "slots.h"
#include "verify.h"
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sunday 2026-11-22 22:00:00 UTC */
static const int64_t now_ms = INT64_C(1795384800000);
#define HOUR INT64_C(3600000)

static void distances(void **state) {
    (void)state;
    assert_int_equal(words_distance("payments", "payments", 2), 0);
    assert_int_equal(words_distance("paymnets", "payments", 2), 1); /* two letters swapped */
    assert_int_equal(words_distance("paymnt", "payments", 2), 2);
    assert_int_equal(words_distance("abc", "xyz", 2), 3);
    assert_int_equal(words_distance("", "ab", 2), 2);
}

static void names_are_forgiven_mistakes(void **state) {
    (void)state;
    const char *const names[] = {"shop", "payments", "shop-api-1", "shop-api-2", "ledger"};
    bool exact;
    assert_int_equal(words_nearest("paymnets", names, 5, &exact), 1);
    assert_false(exact);
    assert_int_equal(words_nearest("ledger", names, 5, &exact), 4);
    assert_true(exact);
    assert_int_equal(words_nearest("ship", names, 5, &exact), -1);       /* too short to guess */
    assert_int_equal(words_nearest("shop-api-3", names, 5, &exact), -1); /* another number */
    assert_int_equal(words_nearest("leger", names, 5, &exact), 4);
}

static void window_is(const char *question, int64_t from_h, int64_t to_h) {
    struct words words;
    words_read(&words, question);
    const struct moment moment = moment_read(&words, now_ms);
    if ((moment.from_ms - now_ms) / HOUR != from_h || (moment.to_ms - now_ms) / HOUR != to_h)
        fail_msg("%s: %lld to %lld hours from now", question,
                 (long long)((moment.from_ms - now_ms) / HOUR),
                 (long long)((moment.to_ms - now_ms) / HOUR));
}

static void times_are_read(void **state) {
    (void)state;
    window_is("what happened last night?", -28, -16);
    window_is("yesterday", -46, -22);
    window_is("since yesterday", -46, 0);
    window_is("today", -22, 0);
    window_is("this morning", -18, -10);
    window_is("in the last 3 hours", -3, 0);
    window_is("the last hour", -1, 0);
    window_is("past week", -168, 0);
    window_is("in the last 24h", -24, 0);
    window_is("since 20:00", -2, 0);
    window_is("on friday", -70, -46);
    window_is("since monday", -166, 0);
    struct words words;
    words_read(&words, "why did prod fail");
    assert_int_equal(moment_read(&words, now_ms).to_ms, 0);
}

static void slots_are_found(void **state) {
    (void)state;
    static const char *const apps[] = {"shop", "payments"};
    static const char *const policies[] = {"no-latest"};
    const struct known known_apps = {apps, 2}, known_policies = {policies, 1}, none = {NULL, 0};
    struct words words;
    struct slots slots;
    words_read(&words, "Why was Paymnets 1.4.2 blocked in Production by no-latest, "
                       "deployment/01jdqx3k2m4n5p6q7r8s9tvwxy, HighErrorRate?");
    slots_read(&slots, &words, now_ms);
    slots_names(&slots, &words, known_apps, known_policies, none);
    assert_string_equal(slots.environments[0], "prod");
    assert_string_equal(slots.apps[0], "payments");
    assert_string_equal(slots.policy, "no-latest");
    assert_string_equal(slots.versions[0], "1.4.2");
    assert_string_equal(slots.deployment, "01JDQX3K2M4N5P6Q7R8S9TVWXY");
    assert_string_equal(slots.alert, "HighErrorRate");
    assert_non_null(strstr(slots.assumed, "payments"));
    assert_string_equal(slots.unknown, "");
    words_read(&words, "why did checkout fail");
    slots_read(&slots, &words, now_ms);
    slots_names(&slots, &words, known_apps, known_policies, none);
    assert_string_equal(slots.unknown, "checkout");
}

static void every_intent_has_a_name(void **state) {
    (void)state;
    for (int i = 0; i < INTENT_COUNT; i++) assert_non_null(intent_name((enum intent)i));
}

/* The example of Slack's own documentation. */
static void slacks_example_is_signed(void **state) {
    (void)state;
    static const char secret[] = "8f742231b10e8888abcd99yyyzzz85a5", at[] = "1531420618";
    static const char body[] =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"
        "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c";
    static const char good[] =
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const size_t size = sizeof body - 1;
    assert_true(slack_signed(secret, at, good, body, size, 1531420618));
    assert_true(slack_signed(secret, at, good, body, size, 1531420618 + SLACK_WINDOW_S));
    assert_false(slack_signed(secret, at, good, body, size, 1531420618 + SLACK_WINDOW_S + 1));
    assert_false(slack_signed(secret, at, good, body, size - 1, 1531420618));
    assert_false(slack_signed("", at, good, body, size, 1531420618));
    assert_false(slack_signed(secret, NULL, NULL, body, size, 1531420618));
    char *url = slack_form(body, size, "response_url");
    assert_string_equal(
        url, "https://hooks.slack.com/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN");
    free(url);
    assert_null(slack_form(body, size, "absent"));
}

static void messages_keep_slacks_limits(void **state) {
    (void)state;
    char text[20001];
    for (size_t i = 0; i < 20000; i += 4) memcpy(text + i, "\xc3\xa4& ", 4);
    text[20000] = 0;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "answer", text);
    cJSON_AddStringToObject(answer, "root_cause", text);
    cJSON *message = slack_message(answer, text), *block;
    cJSON *blocks = cJSON_GetObjectItemCaseSensitive(message, "blocks");
    assert_true(cJSON_GetArraySize(blocks) <= SLACK_BLOCKS);
    cJSON_ArrayForEach(block, blocks) {
        const cJSON *inner = cJSON_GetObjectItemCaseSensitive(block, "text");
        if (!inner) inner = cJSON_GetObjectItemCaseSensitive(block, "elements")->child;
        const char *shown = cJSON_GetObjectItemCaseSensitive(inner, "text")->valuestring;
        assert_true(strlen(shown) <= 3000);
        assert_int_not_equal((unsigned char)shown[strlen(shown) - 1], 0xc3); /* no half character */
    }
    cJSON_Delete(message);
    cJSON_Delete(answer);
    char *question = slack_question(" <@U1> why &lt;x&gt; &amp; <!here> y");
    assert_string_equal(question, "why <x> &  y");
    free(question);
}

static void sentence_is(const char *sentence, bool holds) {
    cJSON *evidence = cJSON_CreateObject();
    cJSON_AddStringToObject(evidence, "e1",
                            "payments:latest to prod was DENIED at 2026-11-22T22:38:56Z");
    cJSON_AddStringToObject(evidence, "e2", "policy no-latest: the image uses the tag latest");
    struct verified verified = verify(sentence, evidence, "Why was payments denied?");
    if ((verified.kept == 1 && !verified.cut) != holds)
        fail_msg("%s: kept %d, cut %d, %s", sentence, verified.kept, verified.cut,
                 verified.first_cut);
    free(verified.text);
    cJSON_Delete(evidence);
}

static void sentences_rest_on_evidence(void **state) {
    (void)state;
    sentence_is("Payments was denied in prod [e1].", true);
    sentence_is("Payments was denied at 22:38 [e1].", true);
    sentence_is("The policy no-latest denied the tag latest [e1, e2].", true);
    sentence_is("Payments was denied in prod. [e1]", true);
    sentence_is("Payments was denied in prod.", false);
    sentence_is("Payments was denied in prod [e3].", false);
    sentence_is("Payments was denied at 22:39 [e1].", false);
    sentence_is("Payments was denied at 2:38 [e1].", false);
    sentence_is("The policy no-fridays denied it [e2].", false);
    sentence_is("Payments was denied by Bartholomew [e1].", false);
    sentence_is("Payments 2.0 was denied [e1].", false);
    sentence_is("[e1] [e2]", false);
    sentence_is("Payments was denied in prod [e1][e9].", false);
    sentence_is("Payments was denied in prod [e1][e2].", true);
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

/* Ten thousand answers, mixed from what is true, what is made up, and marks that name something or
 * nothing: never is a made-up fact told, nor a mark that names nothing. */
static void made_up_facts_are_never_told(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "payments", "was denied", "to prod", "at 22:38", "the image", "uses the tag latest",
        "policy no-latest",
        /* made up */
        "4711", "at 22:39", "policy no-fridays", "Bartholomew", "2.7.1", "https://evil.example/x",
        "01ZZZZZZZZZZZZZZZZZZZZZZZZ", "[e7]", "![x](evil.example/?q=1)", "shop-api"};
    enum { PIECES = sizeof pieces / sizeof *pieces, TRUE_ONES = 7 };
    static const char *const ends[] = {" [e1]. ", " [e2]. ",   " [e1, e2]. ", ". ",   "! [e1] ",
                                       "\n",      " [e1]\n- ", " [e9]. ",     " [e1", "?[e2] "};
    cJSON *evidence = cJSON_CreateObject();
    cJSON_AddStringToObject(evidence, "e1",
                            "payments:latest to prod was DENIED at 2026-11-22T22:38:56Z");
    cJSON_AddStringToObject(evidence, "e2", "policy no-latest: the image uses the tag latest");
    uint32_t random = 7;
    int kept = 0, cut = 0;
    for (int round = 0; round < 10000; round++) {
        char answer[2000] = "";
        for (uint32_t i = next_random(&random) % 12; i < 14; i++) {
            const bool end = next_random(&random) % 4 == 0;
            const char *piece = end ? ends[next_random(&random) % (sizeof ends / sizeof *ends)]
                                    : pieces[next_random(&random) %
                                             (next_random(&random) % 3 ? TRUE_ONES : PIECES)];
            (void)snprintf(answer + strlen(answer), sizeof answer - strlen(answer), "%s%s", piece,
                           end ? "" : " ");
        }
        struct verified verified = verify(answer, evidence, "Why was payments denied?");
        for (size_t i = TRUE_ONES; i < PIECES; i++)
            if (strstr(verified.text, pieces[i]))
                fail_msg("'%s' was told: %s", pieces[i], verified.text);
        assert_null(strstr(verified.text, "[e9]"));
        kept += verified.kept;
        cut += verified.cut;
        free(verified.text);
    }
    cJSON_Delete(evidence);
    assert_true(kept > 2000 && cut > 2000); /* it is a test of both */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(distances),
                                       cmocka_unit_test(names_are_forgiven_mistakes),
                                       cmocka_unit_test(times_are_read),
                                       cmocka_unit_test(slots_are_found),
                                       cmocka_unit_test(every_intent_has_a_name),
                                       cmocka_unit_test(slacks_example_is_signed),
                                       cmocka_unit_test(messages_keep_slacks_limits),
                                       cmocka_unit_test(sentences_rest_on_evidence),
                                       cmocka_unit_test(made_up_facts_are_never_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
