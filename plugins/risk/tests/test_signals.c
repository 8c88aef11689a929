/* Danger signals: for each a true and a false case; secrets of every family; nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "answer.h"
#include "dangers.h"
#include "pattern.h"
#include "secrets.h"
#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scorer scorer;
static struct signals *signals;
static struct score score;

static int set_up(void **state) {
    (void)state;
    char why[160] = "";
    scorer_init(&scorer);
    signals = signals_new(why);
    scorer.signals = signals;
    return signals ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    signals_free(signals);
    return 0;
}

/* Each line of `text` becomes a line of the diff with this mark. */
static char *as_diff(const char *path, const char *text, char mark) {
    char *diff = malloc(2 * strlen(text) + 4 * strlen(path) + 200), *at = diff;
    unsigned lines = 1;
    for (const char *p = text; *p; p++) lines += *p == '\n';
    at += sprintf(at, "diff --git a/%s b/%s\n", path, path);
    if (mark == '+') at += sprintf(at, "new file mode 100644\n--- /dev/null\n+++ b/%s\n", path);
    if (mark == '-') at += sprintf(at, "--- a/%s\n+++ b/%s\n", path, path);
    at += mark == '+' ? sprintf(at, "@@ -0,0 +1,%u @@\n", lines)
                      : sprintf(at, "@@ -1,%u +0,0 @@\n", lines);
    *at++ = mark;
    for (const char *p = text; *p; p++) {
        *at++ = *p;
        if (*p == '\n') *at++ = mark;
    }
    strcpy(at, "\n");
    return diff;
}

static void look(const char *diff) {
    const struct score_input in = {.diff = {diff, strlen(diff)},
                                   .replicas = -1,
                                   .context = context_unknown(),
                                   .base = {.rate = 0.1}};
    assert_int_equal(score_change(&scorer, &in, &score), 0);
}

static const struct finding *found(const char *id) {
    for (uint32_t i = 0; i < score.findings.count; i++)
        if (strcmp(score.findings.items[i].id, id) == 0) return &score.findings.items[i];
    return NULL;
}

struct example {
    const char *id, *path;
    char mark;
    const char *yes, *no;
};

static const struct example examples[] = {
    {"k8s-privileged", "k8s/a.yaml", '+', "  privileged: true", "  privileged: false"},
    {"k8s-host-path", "k8s/a.yaml", '+', "  hostPath:\n    path: /", "  # hostPathless"},
    {"k8s-host-namespace", "k8s/a.yaml", '+', "hostNetwork: true", "hostNetwork: false"},
    {"k8s-run-as-root", "k8s/a.yaml", '+', "runAsUser: 0", "runAsUser: 1000"},
    {"k8s-privilege-escalation", "k8s/a.yaml", '+', "allowPrivilegeEscalation: true",
     "allowPrivilegeEscalation: false"},
    {"k8s-capability", "k8s/a.yaml", '+', "add: [\"SYS_ADMIN\"]", "drop: [\"SYS_ADMIN\"]"},
    {"k8s-cluster-admin", "k8s/a.yaml", '+', "  name: cluster-admin",
     "  name: cluster-administrators"},
    {"rbac-wildcard", "k8s/a.yaml", '+', "verbs: [\"*\"]", "verbs: [\"get\", \"list\"]"},
    {"rbac-wildcard", "k8s/b.yaml", '+', "resources:\n  - \"*\"", "resources:\n  - \"pods\""},
    {"image-tag-latest", "k8s/a.yaml", '+', "image: r.io/a/b:latest", "image: r.io/a/b:1.2"},
    {"image-tag-latest", "Dockerfile", '+', "FROM debian:latest", "FROM debian:12"},
    {"k8s-scaled-to-zero", "k8s/a.yaml", '+', "  replicas: 0\n  a: b", "  replicas: 10"},
    {"k8s-probe-removed", "k8s/a.yaml", '-', "  livenessProbe:", "  lifecycle:"},
    {"k8s-limits-removed", "k8s/a.yaml", '-', "  limits:", "  requests:"},
    {"k8s-no-limits", "k8s/a.yaml", '+', "containers:\n- image: a:1",
     "containers:\n- image: a:1\n  resources:\n    limits:\n      cpu: 1"},
    {"docker-socket", "k8s/a.yaml", '+', "- /var/run/docker.sock:/x", "- /var/run/docker"},
    {"docker-root", "Dockerfile", '+', "USER root", "USER app"},
    {"docker-add-url", "Dockerfile", '+', "ADD https://x/y /z", "ADD y /z"},
    {"pipe-to-shell", "install.sh", '+', "curl -s https://x | sudo bash",
     "curl -s https://x | jq ."},
    {"chmod-777", "run.sh", '+', "chmod -R 777 /srv", "chmod 755 /srv"},
    {"download-unverified", "get.sh", '+', "curl -sk https://x", "curl -s https://x"},
    {"iam-wildcard-action", "iam/p.json", '+', "\"Action\": \"*\"", "\"Action\": \"s3:GetObject\""},
    {"iam-wildcard-action", "iam/q.json", '+', "\"Action\": [\"s3:*\"]", "\"NotAction\": \"*\""},
    {"iam-wildcard-resource", "iam/p.json", '+', "\"Resource\": \"*\"", "\"Resource\": \"arn:x\""},
    {"iam-admin", "main.tf", '+', "arn:aws:iam::aws:policy/AdministratorAccess", "role = viewer"},
    {"public-principal", "b.json", '+', "\"Principal\": \"*\"", "\"Principal\": {\"AWS\": \"1\"}"},
    {"open-to-the-world", "main.tf", '+', "cidr_blocks = [\"0.0.0.0/0\"]", "cidr = \"10.0.0.0/0\""},
    {"tls-not-verified", "a.go", '+', "InsecureSkipVerify: true,", "InsecureSkipVerify: false,"},
    {"tls-not-verified", "a.py", '+', "get(u, verify=False)", "get(u, verify=path)"},
    {"cors-any-origin", "a.py", '+', "h['Access-Control-Allow-Origin'] = '*'",
     "h['Access-Control-Allow-Origin'] = 'https://a'"},
    {"debug-on", "settings.py", '+', "DEBUG = True", "DEBUG = False"},
    {"sql-drop", "db/1.sql", '+', "ALTER TABLE a DROP COLUMN b;", "ALTER TABLE a ADD b int;"},
    {"sql-drop", "db/2.sql", '+', "drop table a;", "-- drop table a;"},
    {"migration-drop", "db/migrate/1.rb", '+', "remove_column :a, :b", "add_column :a, :b, :int"},
    {"sql-truncate", "db/1.sql", '+', "TRUNCATE TABLE a;", "SELECT truncate(1.5);"},
    {"sql-delete-all", "db/1.sql", '+', "DELETE FROM a;", "DELETE FROM a WHERE b = 1;"},
    {"sql-delete-all", "db/2.sql", '+', "UPDATE a SET b = 1;", "UPDATE a SET b = 1 WHERE c = 2;"},
    {"sql-required-column", "db/1.sql", '+', "ALTER TABLE a ADD COLUMN b int NOT NULL;",
     "ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0;"},
    {"sql-type-change", "db/1.sql", '+', "ALTER TABLE a ALTER COLUMN b TYPE bigint;",
     "ALTER TABLE a ALTER COLUMN b SET DEFAULT 1;"},
    {"sql-rename", "db/1.sql", '+', "ALTER TABLE a RENAME COLUMN b TO c;", "-- renamed"},
    {"sql-index-locks", "db/1.sql", '+', "CREATE INDEX i ON a (b);",
     "CREATE INDEX CONCURRENTLY i ON a (b);"},
    {"sql-grant-all", "db/1.sql", '+', "GRANT ALL ON a TO b;", "GRANT SELECT ON a TO b;"},
    {"test-disabled", "src/test/XTest.java", '+', "@Ignore", "@Test"},
    {"test-disabled", "a.test.js", '+', "it.skip('x', f)", "it('skips x', f)"},
    {"test-focused", "a.test.js", '+', "describe.only('x', f)", "describe('only x', f)"},
    {"check-disabled", ".github/workflows/a.yml", '+', "continue-on-error: true",
     "continue-on-error: false"},
    {"lint-silenced", "a.py", '+', "x = 1  # noqa", "x = 1  # nothing"},
    {"assertions-removed", "src/test/XTest.java", '-',
     "assertTrue(a);\nassertTrue(b);\nassertTrue(c);\nassertTrue(d);\nassertTrue(e);",
     "assertTrue(a);"},
    {"alert-removed", "rules.yaml", '-', "- alert: ServiceDown", "- record: a:b"},
    {"objective-removed", "slo.yaml", '-', "  objective: 99.9", "  title: x"},
    {"feature-flag-removed", "a.go", '-', "if features.IsEnabled(\"x\") {", "if enabled {"},
    {"todo-in-error-path", "a.java", '+', "} catch (E e) {\n  // TODO",
     "} catch (E e) {\n  log(e);"},
    {"error-swallowed", "a.java", '+', "catch (E e) {}", "catch (E e) { log(e); }"},
    {"weak-crypto", "a.java", '+', "MessageDigest.getInstance(\"MD5\")",
     "MessageDigest.getInstance(\"SHA-256\")"},
    {"shell-injection", "a.py", '+', "run(c, shell=True)", "run(c, shell=False)"},
    {"merge-conflict", "a.c", '+', "<<<<<<< HEAD", "a <<<<<<<< b"},
    {"ci-untrusted-trigger", ".github/workflows/a.yml", '+',
     "on:\n  pull_request_target:", "on:\n  pull_request:"},
    {"ci-unpinned-action", ".github/workflows/a.yml", '+', "- uses: a/b@main", "- uses: a/b@v4"},
    {"ci-all-permissions", ".github/workflows/a.yml", '+', "permissions: write-all",
     "permissions: read-all"},
    {"dependency-unpinned", "package.json", '+', "\"a\": \"*\"", "\"a\": \"1.2.3\""},
    {"dependency-not-from-registry", "package.json", '+', "\"a\": \"git+https://x\"",
     "\"a\": \"1.0.0\""},
    {"pipeline-changed", ".github/workflows/a.yml", '+', "a: b", NULL},
    {"auth-code-touched", "src/auth/token.go", '+', "x", NULL},
    {"crypto-code-touched", "src/tls/a.c", '+', "x", NULL},
    {"key-file-added", "conf/server.pem", '+', "x", NULL},
    {"lock-without-manifest", "package-lock.json", '+', "x", NULL},
};

static void each_signal_has_a_true_and_a_false_case(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        char *diff = as_diff(e->path, e->yes, e->mark);
        look(diff);
        const struct finding *finding = found(e->id);
        if (!finding) fail_msg("%s did not fire on %s", e->id, e->yes);
        assert_true(finding->means && finding->fix && finding->family);
        score_fini(&score);
        free(diff);
        if (!e->no) continue;
        diff = as_diff(e->path, e->no, e->mark);
        look(diff);
        if (found(e->id)) fail_msg("%s fired on %s", e->id, e->no);
        score_fini(&score);
        free(diff);
    }
}

static void every_row_of_the_table_is_tested(void **state) {
    (void)state;
    for (size_t d = 0; d < danger_count; d++) {
        bool tested = dangers[d].tally != TALLY_NONE;
        for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
            tested |= !tested && strcmp(examples[i].id, dangers[d].id) == 0;
        if (!tested) fail_msg("%s has no example", dangers[d].id);
    }
}

static void every_expression_compiles(void **state) {
    (void)state;
    char why[160];
    for (size_t i = 0; i < secret_rule_count; i++) {
        char *expression = secret_expression(i);
        if (!pattern_compiles(expression, why)) fail_msg("%s %s", secret_rules[i].id, why);
        free(expression);
        if (secret_rules[i].allow) assert_true(pattern_compiles(secret_rules[i].allow, why));
        if (secret_rules[i].path) assert_true(pattern_compiles(secret_rules[i].path, why));
    }
    for (size_t i = 0; i < danger_count; i++) {
        if (dangers[i].pattern && !pattern_compiles(dangers[i].pattern, why))
            fail_msg("%s %s", dangers[i].id, why);
        if (dangers[i].unless && !pattern_compiles(dangers[i].unless, why))
            fail_msg("%s unless %s", dangers[i].id, why);
    }
    assert_true(pattern_compiles(secret_free_paths, why));
    assert_true(pattern_compiles(secret_placeholders, why));
    assert_true(pattern_compiles(secret_free_names, why));
    assert_true(pattern_compiles(secret_free_lines, why));
}

static void reverse(char *text) {
    for (size_t i = 0, n = strlen(text); i < n / 2; i++) {
        const char c = text[i];
        text[i] = text[n - 1 - i];
        text[n - 1 - i] = c;
    }
    for (char *p = text; *p; p++)
        if (*p == 0x1f) *p = '\n';
}

/* The samples stand backwards in their file, so that no scanner takes them for real ones. */
static void secrets_of_every_family(void **state) {
    (void)state;
    FILE *file = fopen(SLUICE_SOURCE_DIR "/plugins/risk/tests/secrets.samples", "r");
    assert_non_null(file);
    char *line = NULL;
    size_t room = 0;
    unsigned positives = 0, caught = 0, negatives = 0, silent = 0;
    for (ssize_t len; (len = getline(&line, &room, file)) > 0;) {
        line[len - 1] = '\0';
        char *path = strchr(line, '\t'), *text = path ? strchr(path + 1, '\t') : NULL;
        assert_non_null(text);
        *path++ = '\0';
        *text++ = '\0';
        reverse(text);
        char *diff = as_diff(*path ? path : "app.conf", text, '+');
        look(diff);
        const bool own = found(line + 1) != NULL;
        positives += *line == '+';
        caught += *line == '+' && own;
        negatives += *line == '-';
        silent += *line == '-' && !own;
        score_fini(&score);
        free(diff);
    }
    free(line);
    fclose(file);
    assert_true(positives > 800);
    assert_true(negatives > 150);
    assert_true(caught >= positives - positives / 100);
    assert_true(silent >= negatives - 2);
}

static void the_value_is_never_told(void **state) {
    (void)state;
    char diff[400];
    /* Put together here, so that it does not stand in the source. */
    snprintf(diff, sizeof diff, "--- a/x.conf\n+++ b/x.conf\n@@ -7 +7 @@\n-a\n+token = \"%s_%s\"\n",
             "ghp", "9xK2mQ7vL4pR8sT1uW5yZ3aB6cD0eF2gH4jN");
    look(diff);
    const struct finding *finding = found("github-pat");
    assert_non_null(finding);
    assert_int_equal(finding->line, 7);
    assert_int_equal(score.judged.level, LEVEL_CRITICAL);
    cJSON *out = cJSON_CreateObject();
    answer_score(&score, false, out);
    char *json = cJSON_PrintUnformatted(out);
    assert_null(strstr(json, "9xK2mQ7v"));
    free(json);
    cJSON_Delete(out);
    score_fini(&score);
}

static void a_way_down_is_free(void **state) {
    (void)state;
    char *diff = as_diff(
        "migrations/1.py",
        "def upgrade():\n    op.add_column('a')\ndef downgrade():\n    op.drop_column('a')", '+');
    look(diff);
    assert_null(found("migration-drop"));
    score_fini(&score);
    free(diff);
}

static void dependency_jumps(void **state) {
    (void)state;
    look("--- a/package.json\n+++ b/package.json\n@@ -1,2 +1,2 @@\n-  \"left\": \"^1.2.3\",\n-  "
         "\"right\": \"^1.2.3\",\n+  \"left\": \"^3.0.0\",\n+  \"right\": \"^1.9.0\",\n");
    const struct finding *finding = found("dependency-jump");
    assert_non_null(finding);
    assert_int_equal(finding->line, 1);
    assert_int_equal(finding->count, 1);
    score_fini(&score);
    look(
        "--- a/go.mod\n+++ b/go.mod\n@@ -1 +1 @@\n-\tgithub.com/a/b v4.2.0\n+\tgithub.com/a/b v3.1.0\n");
    assert_non_null(found("dependency-went-back"));
    score_fini(&score);
}

static void hostile_lines_end_soon(void **state) {
    (void)state;
    /* Long runs that make careless expressions backtrack for ever. */
    const size_t len = 400000;
    char *text = malloc(len + 1);
    for (size_t i = 0; i < len; i++) text[i] = "password key = token:aaaa"[i % 25];
    text[len] = '\0';
    char *diff = as_diff("x.conf", text, '+');
    look(diff);
    score_fini(&score);
    free(diff);
    free(text);
}

/* Each keyword of a rule that spreads over lines looks far ahead: all of them together must not cost
 * the square of the text (minutes; the test's time limit would tell). */
static void many_block_keywords_end_soon(void **state) {
    (void)state;
    const size_t lines = 20000, size = lines * 40;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < lines; i++)
        memcpy(text + i * 40,
               i % 2 ? "kind: Secret data: a: a: a: a: a: a: a:\n"
                     : "curl -u -----BEGIN PRIVATE KEY----- zxl\n",
               40);
    text[size - 1] = '\0';
    char *diff = as_diff("x.yaml", text, '+');
    look(diff);
    score_fini(&score);
    free(diff);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_has_a_true_and_a_false_case),
        cmocka_unit_test(every_row_of_the_table_is_tested),
        cmocka_unit_test(every_expression_compiles),
        cmocka_unit_test(secrets_of_every_family),
        cmocka_unit_test(the_value_is_never_told),
        cmocka_unit_test(a_way_down_is_free),
        cmocka_unit_test(dependency_jumps),
        cmocka_unit_test(hostile_lines_end_soon),
        cmocka_unit_test(many_block_keywords_end_soon),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
