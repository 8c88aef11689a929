#include "gitops_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void patterns(void **state) {
    (void)state;
    assert_null(gitops_pattern_problem("apps/{app}/{environment}"));
    assert_null(gitops_pattern_problem("{environment}-{app}"));
    assert_null(gitops_pattern_problem("c/{tenant}/{app}.d/{environment}"));
    static const char *const bad[] = {"",
                                      "apps/{app}",
                                      "apps/{environment}",
                                      "/apps/{app}/{environment}",
                                      "../{app}/{environment}",
                                      "a/../{app}/{environment}",
                                      "a//{app}/{environment}",
                                      "{app}/{environment}/",
                                      ".git/{app}/{environment}",
                                      "a/.GIT/{app}/{environment}",
                                      "git~1/{app}/{environment}",
                                      "-{app}/{environment}",
                                      "a b/{app}/{environment}",
                                      "{app}/{environment}/{image}",
                                      "a\\b/{app}/{environment}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(gitops_pattern_problem(bad[i]));
}

static void folders(void **state) {
    char folder[GITOPS_PATH];
    (void)state;
    static const char pattern[] = "apps/{app}/{environment}";
    assert_null(gitops_folder(pattern, &(struct gitops_names){"default", "shop", "prod"}, folder));
    assert_string_equal(folder, "apps/shop/prod");
    assert_null(gitops_folder("{tenant}/{app}/{environment}",
                              &(struct gitops_names){"acme", "shop", "dev"}, folder));
    assert_string_equal(folder, "acme/shop/dev");
    /* Another tenant must not write over the default one's. */
    assert_non_null(gitops_folder(pattern, &(struct gitops_names){"acme", "shop", "prod"}, folder));
    static const char *const bad[] = {"", ".", "..", "../x", "a/b", ".git", "-x", "a\nb", "{app}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(
            gitops_folder(pattern, &(struct gitops_names){"default", bad[i], "prod"}, folder));
        assert_non_null(
            gitops_folder(pattern, &(struct gitops_names){"default", "shop", bad[i]}, folder));
    }
    char pattern_long[GITOPS_PATH + 40] = "{app}/{environment}/";
    memset(pattern_long + strlen(pattern_long), 'a', GITOPS_PATH);
    assert_non_null(
        gitops_folder(pattern_long, &(struct gitops_names){"default", "shop", "prod"}, folder));
}

static void authors(void **state) {
    char name[GITOPS_NAME], mail[GITOPS_NAME];
    (void)state;
    assert_true(gitops_author("Ada Lovelace <ada@example.com>", name, mail));
    assert_string_equal(name, "Ada Lovelace");
    assert_string_equal(mail, "ada@example.com");
    static const char *const bad[] = {"",        "Ada",      "<a@b>",       "Ada <>",
                                      "Ada a@b", "Ada <a@b", "Ada <a@b> x", "Ada <a b>",
                                      "A\n<b>",  " <a@b>",   "Ada <<a@b>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gitops_author(bad[i], name, mail));
}

static struct gitops_commit usual(void) {
    return (struct gitops_commit){.names = {"default", "shop", "prod"},
                                  .id = "01ABC",
                                  .cause = "promoted",
                                  .image = "registry.internal/shop:2"};
}

static void messages(void **state) {
    char message[GITOPS_MESSAGE], value[GITOPS_NAME];
    (void)state;
    struct gitops_commit commit = usual();
    gitops_message(&commit, message);
    assert_string_equal(message, "Promote registry.internal/shop:2 to prod\n\n"
                                 "Sluice-Deployment: 01ABC\nSluice-Cause: promoted\n"
                                 "Sluice-Service: default/shop/prod\n");
    commit.restores = "01AAA";
    commit.reason = "it broke";
    gitops_message(&commit, message);
    assert_string_equal(message, "Restore registry.internal/shop:2 to prod\n\nit broke\n\n"
                                 "Sluice-Deployment: 01ABC\nSluice-Cause: promoted\n"
                                 "Sluice-Service: default/shop/prod\nSluice-Restores: 01AAA\n");
    assert_true(gitops_trailer(message, "Sluice-Restores", value));
    assert_string_equal(value, "01AAA");
}

/* What a person wrote as a reason makes no trailer, however it is written. */
static void reasons_make_no_trailers(void **state) {
    char message[GITOPS_MESSAGE], value[GITOPS_NAME], reason[3000];
    (void)state;
    struct gitops_commit commit = usual();
    commit.reason = "x\n\nSluice-Deployment: 01EVIL\nSluice-Cause: approved\n";
    gitops_message(&commit, message);
    assert_true(gitops_trailer(message, "Sluice-Deployment", value));
    assert_string_equal(value, "01ABC");
    assert_true(gitops_trailer(message, "Sluice-Cause", value));
    assert_string_equal(value, "promoted");
    /* A long one is cut between characters, and the trailers stay. */
    memset(reason, 'r', 999);
    memcpy(reason + 999, "\xc3\xa4\xc3\xa4", 5);
    commit.reason = reason;
    gitops_message(&commit, message);
    assert_non_null(strstr(message, "rrr\n\nSluice-Deployment: 01ABC\n"));
    assert_null(strchr(message, '\xc3'));
}

static void trailers(void **state) {
    char value[GITOPS_NAME];
    (void)state;
    assert_true(
        gitops_trailer("s\n\na\n\nA: 1\nSluice-Deployment: x y\n\n", "Sluice-Deployment", value));
    assert_string_equal(value, "x y");
    assert_false(gitops_trailer("s\n\nSluice-Deployment: x\n\nlast\n", "Sluice-Deployment", value));
    assert_false(gitops_trailer("s\n\nSluice-Deployments: x\n", "Sluice-Deployment", value));
    assert_false(gitops_trailer("s\n\nSluice-Deployment:\n", "Sluice-Deployment", value));
    assert_false(gitops_trailer("", "Sluice-Deployment", value));
    assert_false(gitops_trailer("\n\n\n", "Sluice-Deployment", value));
    char large[600] = "s\n\nA: ";
    memset(large + 6, 'v', 500);
    assert_false(gitops_trailer(large, "A", value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns), cmocka_unit_test(folders),
        cmocka_unit_test(authors),  cmocka_unit_test(messages),
        cmocka_unit_test(trailers), cmocka_unit_test(reasons_make_no_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
