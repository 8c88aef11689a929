/* Folding, customers' text, and Markdown: cases and properties over generated histories. */
#include "render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

struct history {
    struct note_commit commits[MOST];
    char texts[MOST][600];
    struct notes notes;
};

static void add(struct history *h, const char *id, const char *message, uint32_t parents) {
    const size_t at = h->notes.count++;
    h->commits[at] = (struct note_commit){
        .id = id, .author = "", .email = "", .risk_level = "", .url = "", .parents = parents};
    h->commits[at].message =
        (struct span){h->texts[at], cc_clean(message, strlen(message), h->texts[at])};
    h->notes.commits = h->commits;
}

static struct history *history(void) {
    return calloc(1, sizeof(struct history));
}

static void expect(const struct history *h, size_t at, enum fate fate, uint32_t into) {
    if (h->commits[at].fate != fate || h->commits[at].into != into)
        fail_msg("commit %zu (%s) is %s into %u", at, h->texts[at], fate_name(h->commits[at].fate),
                 h->commits[at].into);
}

static void folds_merges_squashes_and_fixups(void **state) {
    struct history *h = history();
    (void)state;
    add(h, "a000000000", "feat(api): add paging (#41)", 1);
    add(h, "b000000000", "Merge pull request #41 from x/y\n\nfeat(api): add paging", 2);
    add(h, "c000000000", "feat(API): add paging", 1);
    add(h, "d000000000", "fixup! feat(api): add paging", 1);
    add(h, "e000000000", "squash! amend! nothing like it", 1);
    add(h, "f000000000", "Merge branch 'main' into x", 2);
    add(h, "a100000000", "Merged PR 7: fix: azure", 1);
    add(h, "b100000000", "Merge branch 'y' into 'main'\n\nfix: gitlab\n\nSee merge request g/p!12",
        2);
    add(h, "c100000000", "feat(api): add paging (#99)", 1);
    assert_int_equal(fold(&h->notes), 0);
    expect(h, 0, FATE_LISTED, 0);
    expect(h, 1, FATE_MERGE, 0);
    expect(h, 2, FATE_DUPLICATE, 0);
    expect(h, 3, FATE_FIXUP, 0);
    expect(h, 4, FATE_FIXUP, 4);
    expect(h, 5, FATE_MERGE, 5);
    expect(h, 6, FATE_LISTED, 6);
    expect(h, 7, FATE_LISTED, 7);
    expect(h, 8, FATE_LISTED, 8); /* another pull request says another change */
    assert_int_equal(h->commits[6].pr, 7);
    assert_int_equal(h->commits[6].section, SECTION_FIXES);
    assert_int_equal(h->commits[7].pr, 12);
    assert_int_equal(h->commits[0].pr, 41);
    free(h);
}

static void pairs_of_change_and_revert_go(void **state) {
    struct history *h = history();
    (void)state;
    add(h, "a111111000", "feat: one", 1);
    add(h, "b111111000", "Revert \"feat: one\"\n\nThis reverts commit a111111000.", 1);
    add(h, "c111111000", "feat: two", 1);
    add(h, "d111111000", "revert: feat: two", 1);
    add(h, "e111111000", "Revert \"revert: feat: two\"\n\nThis reverts commit d111111.", 1);
    add(h, "f111111000", "revert: feat: gone long ago\n\nThis reverts commit 999999999.", 1);
    add(h, "a211111000", "fix: three\n\nRefs: #1", 1);
    add(h, "b211111000", "revert: three, in other words\n\nRefs: a211111", 1);
    assert_int_equal(fold(&h->notes), 0);
    expect(h, 0, FATE_REVERTED, 0);
    expect(h, 1, FATE_REVERT, 0);
    expect(h, 2, FATE_LISTED, 2); /* taken back, and the taking back taken back */
    expect(h, 3, FATE_REVERTED, 2);
    expect(h, 4, FATE_REVERT, 3);
    expect(h, 5, FATE_LISTED, 5);
    expect(h, 6, FATE_REVERTED, 6);
    expect(h, 7, FATE_REVERT, 6);
    assert_int_equal(h->commits[5].section, SECTION_REVERTS);
    free(h);
}

static void security_has_its_section_whatever_the_type(void **state) {
    static const char *const messages[] = {
        "security: x y", "chore(deps): bump z to fix CVE-2024-12345", "fix(security): x",
        "docs: GHSA-aaaa-bbbb-cccc", "fix: a\n\nSecurity: tokens were logged"};
    struct history *h = history();
    struct out customer = {0}, engineer = {0};
    const struct render_options options = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++) add(h, "", messages[i], 1);
    add(h, "", "feat: CVE-12-1 is no advisory", 1);
    assert_int_equal(fold(&h->notes), 0);
    assert_int_equal(h->notes.sections[SECTION_SECURITY], 5);
    render_customer(&h->notes, &options, &customer);
    render_engineer(&h->notes, &options, &engineer);
    assert_non_null(strstr(customer.at, "CVE-2024-12345"));
    assert_null(strstr(customer.at, "tokens were logged"));
    assert_null(strstr(customer.at, "bump"));
    assert_non_null(strstr(engineer.at, "bump z"));
    out_drop(&customer);
    out_drop(&engineer);
    free(h);
}

static void customers_read_nothing_of_the_inside(void **state) {
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"do not lose the last page", "Do not lose the last page"},
        {"stop promoting on stale data, see #12", "Stop promoting on stale data"},
        {"fix login for Ada on db-1.prod.internal", "Fix login"},
        {"retry 10.0.0.7:5432 when it is down", "Retry it is down"},
        {"handle JIRA-123 timeouts better", "Handle timeouts better"},
        {"keep UTF-8 names whole", "Keep UTF-8 names whole"},
        {"speed up parse_header() a lot", "Speed up a lot"},
        {"mail ops@acme.io about failures", "Mail about failures"},
        {"revert 1a2b3c4d5e", ""},
        {"src/pay/x.go", ""},
        {"use <script> tags", "Use script tags"},
        {"show **bold** words again", "Show bold words again"},
    };
    static const char *const names[] = {"Ada Lovelace", "kraken"};
    const struct safe_words inside = {names, 2};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[SAFE_MOST];
        (void)safe_text((struct span){cases[i].text, strlen(cases[i].text)}, &inside, text);
        assert_string_equal(text, cases[i].safe);
        assert_false(safe_leaks(text, &inside));
    }
    assert_true(safe_leaks("ask Kraken", &inside));
    assert_true(safe_leaks("see https://x.example/1", &inside));
    assert_true(safe_leaks("(db.internal)", &inside));
    assert_false(safe_leaks("Pages load twice as fast as before.", &inside));
}

/* ---- properties over generated histories ---- */

static uint32_t draw(uint32_t *seed, uint32_t below) {
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % below;
}

static const char *const secrets[] = {"10.1.2.3",
                                      "db7.prod.internal",
                                      "OPS-991",
                                      "#812",
                                      "Grace",
                                      "bob@corp.example",
                                      "9f8e7d6c5b4a",
                                      "kraken",
                                      "/var/lib/pay/x.db",
                                      "https://wiki.corp.example/x",
                                      "AKIAQYLPMN5HHHFPZAM2",
                                      "pay_core::run()"};
enum { SECRETS = sizeof secrets / sizeof *secrets };

static void make_message(uint32_t *seed, char *to, size_t room, const char *const *ids, size_t at) {
    static const char *const starts[] = {
        "feat",     "fix",    "feat(api)", "fix!", "chore", "perf(x)",
        "security", "remove", "Nonsense",  "FIX",  "docs",  "Merge branch 'a' into b"};
    static const char *const words[] = {"load", "pages", "for",   "the",  "list",  "twice",
                                        "on",   "when",  "users", "wait", "again", "by"};
    size_t len = (size_t)snprintf(to, room, "%s: ", starts[draw(seed, 12)]);
    const uint32_t count = 1 + draw(seed, 8);
    for (uint32_t i = 0; i < count; i++) {
        const char *word = draw(seed, 4) ? words[draw(seed, 12)] : secrets[draw(seed, SECRETS)];
        static const char *const around[] = {"%s ", "(%s) ", "`%s` ", "%s, ", "\"%s\" ", "%s. "};
        len += (size_t)snprintf(to + len, room - len, around[draw(seed, 6)], word);
    }
    if (!draw(seed, 3))
        len += (size_t)snprintf(to + len, room - len, "\n\nBREAKING CHANGE: ask %s at %s",
                                secrets[draw(seed, SECRETS)], words[draw(seed, 12)]);
    if (at && !draw(seed, 4))
        snprintf(to, room, "Revert \"x\"\n\nThis reverts commit %s.",
                 ids[draw(seed, (uint32_t)at)]);
}

static void every_commit_is_accounted_for_and_nothing_leaks(void **state) {
    static const char *const names[] = {"Grace Hopper", "kraken"};
    const struct safe_words inside = {names, 2};
    const struct render_options options = {.inside = &inside};
    static char id_texts[MOST][16];
    const char *ids[MOST];
    uint32_t seed = 7;
    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        snprintf(id_texts[i], sizeof id_texts[i], "%07zx%03zu", i * 7919 % 0xfffffff, i);
        ids[i] = id_texts[i];
    }
    for (int round = 0; round < 3000; round++) {
        struct history *h = history();
        const size_t count = draw(&seed, MOST);
        for (size_t i = 0; i < count; i++) {
            char message[560];
            make_message(&seed, message, sizeof message, ids, i);
            add(h, ids[i], message, 1 + draw(&seed, 8) / 7);
        }
        h->notes.commits = h->commits;
        assert_int_equal(fold(&h->notes), 0);
        size_t fates = 0, sections = 0, chained = 0;
        for (int f = 0; f < FATES; f++) fates += h->notes.fates[f];
        for (int s = 0; s < SECTIONS; s++) sections += h->notes.sections[s];
        for (size_t i = 0; i < count; i++)
            for (uint32_t next = h->commits[i].next; next; next = h->commits[next - 1].next)
                assert_true(++chained <= count * count);
        assert_int_equal(fates, count);
        assert_int_equal(sections, h->notes.fates[FATE_LISTED]);
        struct out text = {0};
        render_customer(&h->notes, &options, &text);
        for (size_t i = 0; i < SECRETS; i++)
            if (strstr(text.at, secrets[i])) fail_msg("%s in:\n%s", secrets[i], text.at);
        assert_null(strstr(text.at, "Grace"));
        assert_null(strchr(text.at, '<'));
        out_drop(&text);
        render_engineer(&h->notes, &options, &text);
        size_t lines = 0;
        for (const char *at = text.at; (at = strstr(at, "\n- ")); at++) lines++;
        assert_int_equal(lines, h->notes.fates[FATE_LISTED] + h->notes.breaking +
                                    h->notes.fates[FATE_REVERTED]);
        out_drop(&text);
        free(h);
    }
}

static void markdown_lets_no_html_through(void **state) {
    struct out out = {0};
    const char text[] = "a <b>\n c `<d>` e>\x01";
    (void)state;
    out_markdown(&out, (struct span){text, sizeof text - 1});
    assert_string_equal(out.at, "a &lt;b&gt; c `<d>` e&gt;");
    out_drop(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_merges_squashes_and_fixups),
        cmocka_unit_test(pairs_of_change_and_revert_go),
        cmocka_unit_test(security_has_its_section_whatever_the_type),
        cmocka_unit_test(customers_read_nothing_of_the_inside),
        cmocka_unit_test(every_commit_is_accounted_for_and_nothing_leaks),
        cmocka_unit_test(markdown_lets_no_html_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
