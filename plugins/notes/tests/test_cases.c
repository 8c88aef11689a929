/* Published cases: the specification's, and the version tables of the tools that teams come from.
 * They stand beside a checkout (../shared/data/relnotes, or SLUICE_RELNOTES_DATA); without them only
 * the cases written here are run. */
#include "conventional.h"
#include "version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static cJSON *load(const char *name) {
    const char *folder = getenv("SLUICE_RELNOTES_DATA");
    char path[600];
    snprintf(path, sizeof path, "%s/%s",
             folder ? folder : SLUICE_SOURCE_DIR "/../shared/data/relnotes", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("no %s: its cases are left out\n", path);
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    free(text);
    return json;
}

struct message {
    char *text;
    struct cc_commit commit;
};

static struct message read_message(const char *raw) {
    const size_t len = strlen(raw);
    struct message message = {.text = malloc(len + 2)};
    const size_t clean = cc_clean(raw, len, message.text);
    cc_read((struct span){message.text, clean}, &message.commit);
    return message;
}

static void same(const cJSON *object, const char *name, struct span found, const char *id) {
    const char *wanted = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    if (!wanted && !found.at) return;
    if (!wanted || !found.at || strlen(wanted) != found.len ||
        memcmp(wanted, found.at, found.len) != 0)
        fail_msg("%s: %s is \"%.*s\", expected \"%s\"", id, name, (int)found.len,
                 found.at ? found.at : "", wanted ? wanted : "(none)");
}

static enum bump bump_of(const struct cc_commit *commit) {
    const struct version_options options = {.features_always_bump_minor = true,
                                            .breaking_always_bump_major = true};
    struct version_next next;
    assert_true(version_next("1.2.3", &commit, 1, &options, &next));
    return next.bump;
}

static void check_case(const cJSON *item) {
    const char *id = cJSON_GetObjectItem(item, "id")->valuestring;
    const cJSON *expected = cJSON_GetObjectItem(item, "expected"), *footer;
    struct message m = read_message(cJSON_GetObjectItem(item, "message")->valuestring);
    const struct cc_commit *c = &m.commit;
    if (c->conventional != cJSON_IsTrue(cJSON_GetObjectItem(item, "conventional")))
        fail_msg("%s: conventional is %d", id, c->conventional);
    if (c->conventional) {
        size_t i = 0;
        same(expected, "type", c->type, id);
        same(expected, "scope", c->scope, id);
        same(expected, "description", c->description, id);
        same(expected, "body", c->body, id);
        same(expected, "breaking_text", c->breaking_text, id);
        if (c->breaking != cJSON_IsTrue(cJSON_GetObjectItem(expected, "breaking")))
            fail_msg("%s: breaking is %d", id, c->breaking);
        cJSON_ArrayForEach(footer, cJSON_GetObjectItem(expected, "footers")) {
            if (i == c->footer_count) fail_msg("%s: %zu footers", id, i);
            same(footer, "token", c->footers[i].token, id);
            same(footer, "value", c->footers[i].value, id);
            const char *separator = cJSON_GetObjectItem(footer, "sep")->valuestring;
            assert_int_equal(c->footers[i++].separator, strchr(separator, '#') ? '#' : ':');
        }
        if (i != c->footer_count) fail_msg("%s: %zu footers too many", id, c->footer_count - i);
        const char *bump = bump_name(bump_of(c));
        const char *wanted = cJSON_GetStringValue(cJSON_GetObjectItem(expected, "bump"));
        if ((bump == NULL) != (wanted == NULL) || (bump && strcmp(bump, wanted) != 0))
            fail_msg("%s: bump %s, expected %s", id, bump ? bump : "none",
                     wanted ? wanted : "none");
    }
    free(m.text);
}

/* Two cases are marked as not to be gated on: there the lenient reading is the recommended one. */
static void reads_the_specification_s_cases(void **state) {
    cJSON *data = load("cc-spec-cases.json"), *item;
    (void)state;
    if (!data) skip();
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(data, "cases")) {
        if (cJSON_IsTrue(cJSON_GetObjectItem(item, "gate"))) check_case(item);
    }
    cJSON_Delete(data);
}

static bool flag(const cJSON *options, const char *name, bool otherwise) {
    const cJSON *item = cJSON_GetObjectItem(options, name);
    return item ? cJSON_IsTrue(item) : otherwise;
}

static const char *text(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

enum { COMMITS = 32 };

static size_t read_commits(const cJSON *list, struct message *messages,
                           const struct cc_commit **commits) {
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *raw = cJSON_IsString(item) ? item->valuestring : text(item, "message");
        assert_true(count < COMMITS);
        messages[count] = read_message(raw);
        commits[count] = &messages[count].commit;
        count++;
    }
    return count;
}

static void check_version(const cJSON *item, const struct version_options *options) {
    struct message messages[COMMITS];
    const struct cc_commit *commits[COMMITS];
    const size_t count = read_commits(cJSON_GetObjectItem(item, "commits"), messages, commits);
    struct version_next next;
    const char *from = text(item, "from");
    assert_true(version_next(from, commits, count, options, &next));
    if (strcmp(next.text, text(item, "next")) != 0) {
        char *printed = cJSON_PrintUnformatted(item);
        fail_msg("%s: %s", printed, next.text);
    }
    for (size_t i = 0; i < count; i++) free(messages[i].text);
}

static void counts_as_git_cliff(void **state) {
    cJSON *data = load("semver-bump.json"), *item;
    (void)state;
    if (!data) skip();
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(data, "git_cliff")) {
        const cJSON *given = cJSON_GetObjectItem(item, "options");
        const char *none = text(given, "no_increment_regex");
        regex_t pattern;
        if (none) assert_int_equal(regcomp(&pattern, none, REG_EXTENDED | REG_NOSUB), 0);
        check_version(
            item, &(struct version_options){
                      .versioning = VERSION_GIT_CLIFF,
                      .features_always_bump_minor = flag(given, "features_always_bump_minor", true),
                      .breaking_always_bump_major = flag(given, "breaking_always_bump_major", true),
                      .no_increment = none ? &pattern : NULL});
        if (none) regfree(&pattern);
    }
    cJSON_Delete(data);
}

static void counts_as_release_please(void **state) {
    static const struct {
        const char *name;
        enum versioning versioning;
    } strategies[] = {{"default", VERSION_RELEASE_PLEASE},
                      {"prerelease", VERSION_PRERELEASE},
                      {"always-bump-major", VERSION_ALWAYS_MAJOR},
                      {"always-bump-minor", VERSION_ALWAYS_MINOR},
                      {"always-bump-patch", VERSION_ALWAYS_PATCH}};
    cJSON *data = load("semver-bump.json"), *item;
    (void)state;
    if (!data) skip();
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(data, "release_please")) {
        const cJSON *given = cJSON_GetObjectItem(item, "options");
        size_t s = 0;
        while (strcmp(strategies[s].name, text(item, "strategy")) != 0) s++;
        check_version(item, &(struct version_options){
                                .versioning = strategies[s].versioning,
                                .bump_minor_pre_major = flag(given, "bumpMinorPreMajor", false),
                                .bump_patch_for_minor_pre_major =
                                    flag(given, "bumpPatchForMinorPreMajor", false),
                                .prerelease = flag(given, "prerelease", false),
                                .prerelease_type = text(given, "prereleaseType")});
    }
    cJSON_Delete(data);
}

static enum bump bump_named(const cJSON *item) {
    for (enum bump b = BUMP_PATCH; b <= BUMP_MAJOR; b++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, bump_name(b)) == 0) return b;
    return BUMP_NONE;
}

static void counts_as_semantic_release(void **state) {
    cJSON *data = load("semver-bump.json"), *item, *rule;
    (void)state;
    if (!data) skip();
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(data, "semantic_release")) {
        struct version_rule rules[8];
        size_t count = 0;
        cJSON_ArrayForEach(
            rule, cJSON_GetObjectItem(cJSON_GetObjectItem(item, "config"), "releaseRules")) {
            const cJSON *breaking = cJSON_GetObjectItem(rule, "breaking");
            rules[count++] =
                (struct version_rule){.type = text(rule, "type"),
                                      .scope = text(rule, "scope"),
                                      .breaking = breaking ? cJSON_IsTrue(breaking) : -1,
                                      .bump = bump_named(cJSON_GetObjectItem(rule, "release"))};
        }
        struct message messages[COMMITS];
        const struct cc_commit *commits[COMMITS];
        const size_t n = read_commits(cJSON_GetObjectItem(item, "commits"), messages, commits);
        struct version_next next;
        assert_true(version_next("1.0.0", commits, n,
                                 &(struct version_options){.versioning = VERSION_SEMANTIC_RELEASE,
                                                           .rules = rules,
                                                           .rule_count = count},
                                 &next));
        assert_int_equal(next.bump, bump_named(cJSON_GetObjectItem(item, "release")));
        for (size_t i = 0; i < n; i++) free(messages[i].text);
    }
    cJSON_Delete(data);
}

/* ---- cases of our own, for every checkout ---- */

static void reads_headers(void **state) {
    static const struct {
        const char *raw, *type, *scope, *description;
        bool conventional, breaking;
    } cases[] = {
        {"feat: x", "feat", NULL, "x", true, false},
        {"feat(a-b)!: x y", "feat", "a-b", "x y", true, true},
        {"feat!(a): x", NULL, NULL, NULL, false, false},
        {"feat:x", NULL, NULL, NULL, false, false},
        {"feat(): x", NULL, NULL, NULL, false, false},
        {"feat( ): x", NULL, NULL, NULL, false, false},
        {"fix(a: x", NULL, NULL, NULL, false, false},
        {"Merge branch 'x' into y", NULL, NULL, NULL, false, false},
        {"\r\n\r\nfix: a  \r\nx", "fix", NULL, "a", true, false},
        {"", NULL, NULL, NULL, false, false},
        {"!: x", NULL, NULL, NULL, false, false},
        {"3d: x", NULL, NULL, NULL, false, false},
        {"fix: a\n# not a comment: the message has no template", "fix", NULL, "a", true, false},
        {"fix: a\n\nbreaking-change: x", "fix", NULL, "a", true, false},
        {"fix: a\n\nwe said BREAKING CHANGE: no", "fix", NULL, "a", true, false},
        {"fix: a\n\nbody\nBREAKING CHANGE: b", "fix", NULL, "a", true, true},
        {"fix: a\n\nBREAKING CHANGE:b", "fix", NULL, "a", true, true},
        {"fix: a\n# ------------------------ >8 ------------------------\n\nBREAKING CHANGE: b",
         "fix", NULL, "a", true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = read_message(cases[i].raw);
        assert_int_equal(m.commit.conventional, cases[i].conventional);
        if (cases[i].conventional) {
            assert_true(span_is(m.commit.type, cases[i].type));
            assert_true(span_is(m.commit.description, cases[i].description));
            assert_int_equal(m.commit.scope.at != NULL, cases[i].scope != NULL);
            assert_int_equal(m.commit.breaking, cases[i].breaking);
        }
        free(m.text);
    }
}

static void both_marks_are_one_break_with_the_footer_s_text(void **state) {
    struct message m = read_message("feat!: a\n\nBREAKING CHANGE: b\n\nBREAKING-CHANGE: c");
    (void)state;
    assert_true(m.commit.breaking && span_is(m.commit.breaking_text, "b"));
    assert_int_equal(m.commit.footer_count, 2);
    free(m.text);
}

static void a_million_line_ends_are_read_at_once(void **state) {
    const size_t size = 2000000;
    char *raw = malloc(size + 1);
    (void)state;
    for (size_t i = 0; i < size; i += 2) memcpy(raw + i, "\r\n", 2);
    raw[size] = 0;
    memcpy(raw, "fix: a", 6);
    struct message m = read_message(raw);
    assert_true(m.commit.conventional && !m.commit.body.at);
    free(m.text);
    free(raw);
}

static void refuses_what_is_no_version(void **state) {
    static const char *const bad[] = {"1.2",    "v",      "1.2.x",  "01.2.3",
                                      "1.2.3-", "1.2.3+", "1.02.3", "99999999999999999999999.1.1"};
    struct version v;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(version_read(bad[i], &v));
    assert_true(version_read("svc-2/v10.0.7-rc.1+b5", &v));
    assert_string_equal(v.prefix, "svc-2/v");
    assert_string_equal(v.pre, "rc.1");
    assert_string_equal(v.build, "b5");
}

static void a_deed_without_meaning_bumps_nothing_by_the_specification(void **state) {
    struct message m = read_message("chore: x");
    const struct cc_commit *commit = &m.commit;
    struct version_next next;
    const struct version_options options = {.features_always_bump_minor = true,
                                            .breaking_always_bump_major = true};
    (void)state;
    assert_true(version_next("v1.2.3", &commit, 1, &options, &next));
    assert_string_equal(next.text, "v1.2.3");
    assert_int_equal(next.decided_by, -1);
    assert_false(version_next("nonsense", &commit, 1, &options, &next));
    free(m.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_specification_s_cases),
        cmocka_unit_test(counts_as_git_cliff),
        cmocka_unit_test(counts_as_release_please),
        cmocka_unit_test(counts_as_semantic_release),
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(both_marks_are_one_break_with_the_footer_s_text),
        cmocka_unit_test(a_million_line_ends_are_read_at_once),
        cmocka_unit_test(refuses_what_is_no_version),
        cmocka_unit_test(a_deed_without_meaning_bumps_nothing_by_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
