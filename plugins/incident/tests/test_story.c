/* The three texts: customers read nothing internal, every number stands in a fact, the texts agree. */
#include "story.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 3000, TEXT = 32768 };

/* ---- what may be shown ---- */

static void internal_shapes_are_found(void **state) {
    (void)state;
    static const char *const bad[] = {"The host db-7.prod.internal is down",
                                      "10.2.3.4 does not answer",
                                      "see https://wiki/runbook",
                                      "write to ada@example.com",
                                      "we track this as OPS-1234",
                                      "build 1.4.2 is bad",
                                      "the file /etc/passwd is gone",
                                      "id 5b8efff798038103d269b633813fc60c",
                                      "pod shop-7d9f8b6c5d-x2x4z restarted",
                                      "NullPointerException in Checkout",
                                      "java.io.IOException: refused",
                                      "fe80::1ff:fe23:4567:890a is unreachable",
                                      "ts_order_service fails",
                                      "the OrderService fails",
                                      "commit 3f2a1bc broke it",
                                      "Caused by: refused",
                                      "the shop is slow",
                                      "error at main.go:12",
                                      "ticket #4711",
                                      "01M82SNEPGEJNV046X81Z4BQVX",
                                      "C:\\temp\\x.dll",
                                      "deadbeefdeadbeef"};
    static const char *const good[] = {
        "Payments by card fail. It began on 22 November 2026, 20:00 UTC.",
        "Some of the requests fail; we are working on it.",
        "About 12.5 % of the orders are late.",
        "Since 08:20 UTC on 2026-05-04 pages load slowly.",
        "Please try again later, or call us.",
        "Sending e-mails is delayed by up to 30 minutes."};
    static const char *const words[] = {"shop", "ada"};
    const struct internal_words internal = {words, 2};
    char why[120];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool safe = safe_for_customers(bad[i], &internal, why);
        if (safe) print_error("passed: %s\n", bad[i]);
        assert_false(safe);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const bool safe = safe_for_customers(good[i], &internal, why);
        if (!safe) print_error("%s: %s\n", good[i], why);
        assert_true(safe);
    }
    assert_true(safe_for_customers("workshops are fine", &internal, why)); /* no word of its own */
}

/* ---- generated incidents ---- */

struct secret {
    char service[3][32], host[40], address[24], person[24], ticket[16], trace[64], alert[64],
        path[80], version[48];
};

static const char *pick(const char *const *list, size_t n, unsigned *seed) {
    return list[(size_t)rand_r(seed) % n];
}

static void make_secret(struct secret *s, unsigned *seed) {
    static const char *const names[] = {"orderd",  "cartsvc", "paymentcore", "ledger",
                                        "mailgun", "vaultx",  "sessiond",    "quotad"};
    static const char *const people[] = {"Ada Lovelace", "Grace Hopper", "Linus", "Margaret"};
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(s->service[i], sizeof s->service[i], "%s%s", pick(names, 8, seed),
                       rand_r(seed) % 2 ? "-api" : "");
    (void)snprintf(s->host, sizeof s->host, "%s-%d.dc%d.internal", pick(names, 8, seed),
                   rand_r(seed) % 90, rand_r(seed) % 9);
    (void)snprintf(s->address, sizeof s->address, "10.%d.%d.%d:%d", rand_r(seed) % 256,
                   rand_r(seed) % 256, rand_r(seed) % 256, 1000 + rand_r(seed) % 9000);
    (void)snprintf(s->person, sizeof s->person, "%s", pick(people, 4, seed));
    (void)snprintf(s->ticket, sizeof s->ticket, "OPS-%d", 100 + rand_r(seed) % 9000);
    (void)snprintf(s->trace, sizeof s->trace, "java.lang.NullPointerException at x.Y.z(Y.java:%d)",
                   rand_r(seed) % 900);
    (void)snprintf(s->alert, sizeof s->alert, "High%sErrors", s->service[0]);
    (void)snprintf(s->path, sizeof s->path, "/srv/%s/conf.d/%d.yaml", s->service[1],
                   rand_r(seed) % 99);
    (void)snprintf(s->version, sizeof s->version, "v%d.%d.%d", rand_r(seed) % 9, rand_r(seed) % 9,
                   rand_r(seed) % 9);
}

/* A sentence that somebody wrote without thinking of customers, or did. */
static const char *careless(const struct secret *s, unsigned *seed, char *out, size_t room) {
    const char *const secrets[] = {s->service[0], s->host,  s->address, s->person, s->ticket,
                                   s->trace,      s->alert, s->path,    s->version};
    if (rand_r(seed) % 3 == 0) return "Orders by card may fail";
    (void)snprintf(out, room, "Trouble with %s since the change", pick(secrets, 9, seed));
    return out;
}

static bool chance(unsigned *seed) {
    return rand_r(seed) % 2;
}

struct texts {
    char own[12][160];
};

static struct story make_story(const struct secret *s, struct texts *t, unsigned *seed) {
    const int64_t onset = 1777882800000 + rand_r(seed) % 100000000;
    struct story story = {.id = "01M82SNEPGEJNV046X81Z4BQVX",
                          .severity = chance(seed) ? "SEV1" : "SEV3",
                          .status = "open",
                          .environment = "prod",
                          .commander = s->person,
                          .onset_ms = onset,
                          .detected_ms = onset + rand_r(seed) % 600000,
                          .now_ms = onset + 7200000,
                          .users = chance(seed) ? rand_r(seed) % 5000 : -1,
                          .budget_left = chance(seed) ? NAN : 0.4,
                          .alerts = rand_r(seed) % 50};
    story.title = careless(s, seed, t->own[0], sizeof t->own[0]);
    if (chance(seed)) story.public_title = careless(s, seed, t->own[1], sizeof t->own[1]);
    if (chance(seed)) story.public_text = careless(s, seed, t->own[2], sizeof t->own[2]);
    if (chance(seed)) story.workaround = careless(s, seed, t->own[3], sizeof t->own[3]);
    if (chance(seed)) story.cause = careless(s, seed, t->own[4], sizeof t->own[4]);
    if (chance(seed)) story.components[0] = chance(seed) ? "Card payments" : s->service[0];
    if (chance(seed)) story.mitigated_ms = onset + 3600000;
    if (story.mitigated_ms && chance(seed)) story.resolved_ms = onset + 5400000;
    if (chance(seed)) story.next_ms = story.now_ms + 3600000;
    if (chance(seed)) {
        story.requests = 1000 + rand_r(seed) % 100000;
        story.failed = story.requests * (rand_r(seed) % 100) / 100;
        story.share = story.failed / story.requests;
        story.share_low = story.share * 0.9, story.share_high = story.share * 1.1;
    }
    story.alert_names[0] = s->alert;
    story.patterns[0] = s->trace;
    story.spots[0] = s->path;
    story.causes[0] = s->service[2];
    story.suspects[0] = s->version;
    story.actions[0] = s->host;
    for (size_t i = 0; i < 3; i++) story.services[i] = s->service[i];
    return story;
}

/* Whether `word` stands in `text` as a word of its own. */
static bool names(const char *text, const char *word) {
    const size_t n = strlen(word);
    for (const char *p = text; (p = strcasestr(p, word)) != NULL; p++)
        if ((p == text || !isalnum((unsigned char)p[-1])) && !isalnum((unsigned char)p[n]))
            return true;
    return false;
}

/* No internal string reaches customers, whatever people wrote into the fields. */
static void customers_read_nothing_internal(void **state) {
    (void)state;
    static struct told told;
    static char text[TEXT];
    unsigned seed = 5;
    size_t withheld = 0, kept = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct secret s;
        struct texts t;
        make_secret(&s, &seed);
        struct story story = make_story(&s, &t, &seed);
        const char *const words[] = {s.service[0], s.service[1], s.service[2], s.person, s.alert};
        story.internal = (struct internal_words){words, 5};
        story_tell(&story, &told);
        story_text(&told.texts[AUDIENCE_CUSTOMER], " ", text, sizeof text);
        const char *const secrets[] = {s.service[0], s.service[1], s.service[2], s.host,
                                       s.address,    s.person,     s.ticket,     s.trace,
                                       s.alert,      s.path,       s.version,    story.id};
        for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
            if (names(text, secrets[i])) print_error("%s in: %s\n", secrets[i], text);
            assert_false(names(text, secrets[i]));
        }
        assert_true(told.texts[AUDIENCE_CUSTOMER].count >= 3);
        assert_non_null(strstr(text, "It began on"));
        withheld += told.texts[AUDIENCE_CUSTOMER].withheld;
        kept += strstr(text, "Orders by card may fail") != NULL;
    }
    assert_true(withheld > ROUNDS / 4); /* the check had work to do, and lets good text pass */
    assert_true(kept > ROUNDS / 10);
}

/* Numbers, times and ids of all three texts stand in the facts that the sentence names. */
static void every_number_stands_in_a_fact(void **state) {
    (void)state;
    static struct told told;
    unsigned seed = 6;
    for (int round = 0; round < ROUNDS / 3; round++) {
        struct secret s;
        struct texts t;
        make_secret(&s, &seed);
        const struct story story = make_story(&s, &t, &seed);
        story_tell(&story, &told);
        for (int a = 0; a < 3; a++) {
            for (size_t i = 0; i < told.texts[a].count; i++) {
                struct sentence alone = told.texts[a].items[i]; /* its own words do not count */
                char text[sizeof alone.text], why[120];
                memcpy(text, alone.text, sizeof text);
                alone.text[0] = 0;
                /* The severity's digit is written with its word. */
                const bool supported = story_supports(&told, &alone, text, why);
                if (!supported) print_error("%s: %s\n", text, why);
                assert_true(supported);
                assert_true(alone.facts[0] >= 0);
            }
        }
    }
}

static void a_model_may_not_invent_numbers(void **state) {
    (void)state;
    static struct told told;
    const struct story story = {.title = "T",
                                .severity = "SEV2",
                                .onset_ms = 1777882800000,
                                .now_ms = 1777890000000,
                                .users = -1,
                                .budget_left = NAN,
                                .requests = 60000,
                                .failed = 3000,
                                .share = 0.05,
                                .share_low = 0.048,
                                .share_high = 0.052};
    char why[120];
    story_tell(&story, &told);
    const struct sentence *impact = NULL;
    for (size_t i = 0; i < told.texts[AUDIENCE_EXEC].count; i++)
        if (strncmp(told.texts[AUDIENCE_EXEC].items[i].text, "Impact", 6) == 0)
            impact = &told.texts[AUDIENCE_EXEC].items[i];
    assert_non_null(impact);
    assert_true(story_supports(&told, impact, "Of 60000 requests, 3000 failed: 5.0 %.", why));
    assert_false(story_supports(&told, impact, "Of 60000 requests, 4000 failed.", why));
    assert_non_null(strstr(why, "4000"));
    assert_false(story_supports(&told, impact, "It began at 09:12.", why));
    assert_false(story_supports(&told, impact, "See incident INC-77.", why));
    assert_true(story_supports(&told, impact, "Some requests failed.", why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(internal_shapes_are_found),
        cmocka_unit_test(customers_read_nothing_internal),
        cmocka_unit_test(every_number_stands_in_a_fact),
        cmocka_unit_test(a_model_may_not_invent_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
