/* Ranges and history of a small repository made on the spot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "git/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64] = "/tmp/risk-repo-XXXXXX";

static const char script[] =
    "cd %s && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null HOME=%s && "
    "git init -q -b main . && git config user.name A && git config user.email a@x && "
    "echo 1 > a.c && echo 1 > b.c && git add . && git commit -qm 'First' && "
    "echo 2 > a.c && git commit -qam 'Fix a crash' && "
    "echo 3 > a.c && git -c user.email=b@x commit -qam 'Fix the bug again' && "
    "echo 2 > b.c && git commit -qam 'Add a feature' && git tag base && "
    "printf '3\\nif (x)\\n' > a.c && git commit -qam 'Rework a' && "
    "git mv b.c c.c && git commit -qm 'Move b'";

static int set_up(void **state) {
    (void)state;
    char command[2000];
    if (!mkdtemp(folder)) return -1;
    snprintf(command, sizeof command, script, folder, folder);
    return system(command); /* NOLINT: a fixed script in a folder of our own */
}

static int tear_down(void **state) {
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT */
}

static struct repo_ask asking(const char *range) {
    return (struct repo_ask){folder, range, 1000, 10000, NULL, NULL};
}

static void a_range_with_its_history(void **state) {
    (void)state;
    const struct repo_ask ask = asking("base..main");
    struct repo_told told;
    if (risk_repo_read(&ask, &told)) fail_msg("%s", told.error);
    assert_non_null(strstr(told.diff, "+if (x)"));
    assert_non_null(strstr(told.diff, "rename to c.c"));
    assert_non_null(strstr(told.message, "Move b"));
    assert_non_null(strstr(told.message, "Rework a"));
    assert_null(strstr(told.message, "Fix a crash"));
    assert_int_equal(told.walked, 4);
    assert_false(told.cut);
    assert_true(told.facts.known);
    assert_true(told.facts.fixes_most == 2);
    assert_true(told.facts.changes == 4);
    assert_true(told.facts.developers == 2);
    assert_true(told.facts.author_changes == 3);
    assert_true(told.authored_s > 0);
    risk_repo_drop(&told);
}

static void one_commit_and_the_first_one(void **state) {
    (void)state;
    struct repo_ask ask = asking("main~1");
    struct repo_told told;
    assert_int_equal(risk_repo_read(&ask, &told), 0);
    assert_non_null(strstr(told.diff, "a.c"));
    assert_null(strstr(told.diff, "c.c"));
    risk_repo_drop(&told);
    ask.range = "main~5";
    assert_int_equal(risk_repo_read(&ask, &told), 0);
    assert_non_null(strstr(told.diff, "new file"));
    assert_int_equal(told.walked, 0);
    risk_repo_drop(&told);
    ask.range = "base...main";
    assert_int_equal(risk_repo_read(&ask, &told), 0);
    risk_repo_drop(&told);
}

static void the_walk_is_bounded(void **state) {
    (void)state;
    struct repo_ask ask = asking("base..main");
    ask.most_commits = 2;
    struct repo_told told;
    assert_int_equal(risk_repo_read(&ask, &told), 0);
    assert_int_equal(told.walked, 2);
    assert_true(told.cut);
    risk_repo_drop(&told);
}

static bool recall(void *of, const char *key, struct history_facts *facts) {
    assert_int_equal(strlen(key), 81);
    *facts = (struct history_facts){.known = true, .fixes_most = 77};
    ++*(int *)of;
    return true;
}

static void known_facts_spare_the_walk(void **state) {
    (void)state;
    int asked = 0;
    struct repo_ask ask = asking("base..main");
    ask.recall = recall;
    ask.of = &asked;
    struct repo_told told;
    assert_int_equal(risk_repo_read(&ask, &told), 0);
    assert_int_equal(asked, 1);
    assert_int_equal(told.walked, 0);
    assert_true(told.facts.fixes_most == 77);
    risk_repo_drop(&told);
}

static void what_is_wrong_is_told(void **state) {
    (void)state;
    struct repo_ask ask = asking("nowhere..main");
    struct repo_told told;
    assert_int_equal(risk_repo_read(&ask, &told), -1);
    assert_non_null(strstr(told.error, "nowhere"));
    risk_repo_drop(&told);
    ask.path = "/nonexistent";
    assert_int_equal(risk_repo_read(&ask, &told), -1);
    assert_non_null(strstr(told.error, "repository"));
    risk_repo_drop(&told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_with_its_history), cmocka_unit_test(one_commit_and_the_first_one),
        cmocka_unit_test(the_walk_is_bounded),      cmocka_unit_test(known_facts_spare_the_walk),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
