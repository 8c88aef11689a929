/* test_config.c - configurations read, checked and told about. */
#include "config_fixture.h"

/* ---- what is read ---- */

static void completes_what_is_not_set(void **state) {
    (void)state;
    struct config *config = configure("plugins:\n  demo:\n");
    assert_ok(config);
    assert_string_equal(text_at(config, "/server/listen/0"), "127.0.0.1:8000");
    assert_int_equal(number_at(config, "/server/drain_timeout"), 30000);
    assert_int_equal(number_at(config, "/server/limits/head"), 16384);
    assert_string_equal(text_at(config, "/state"), "./var");
    assert_true(cJSON_IsTrue(config_at(config, "/plugins/demo/enabled")));
    assert_int_equal(number_at(config, "/plugins/demo/canary/pause"), 300000);
    assert_null(config_at(config, "/plugins/demo/target")); /* it has a required member */
    config_free(config);
}

static void is_whole_without_any_text(void **state) {
    (void)state;
    struct config *config = configure("");
    assert_ok(config);
    assert_int_equal(number_at(config, "/server/workers"), 1);
    config_free(config);
}

static void takes_texts_as_they_are_written(void **state) {
    (void)state;
    struct config *config = configure("plugins:\n"
                                      "  demo:\n"
                                      "    version: 1.10\n"
                                      "    token: 0123456\n"
                                      "    tags: [1.0, true, x]\n"
                                      "    labels: {a: 010, b: no}\n"
                                      "    extra: {n: 1.10}\n");
    assert_ok(config);
    assert_string_equal(text_at(config, "/plugins/demo/version"), "1.10");
    assert_string_equal(text_at(config, "/plugins/demo/token"), "0123456");
    assert_string_equal(text_at(config, "/plugins/demo/tags/0"), "1.0");
    assert_string_equal(text_at(config, "/plugins/demo/tags/1"), "true");
    assert_string_equal(text_at(config, "/plugins/demo/labels/a"), "010");
    assert_string_equal(text_at(config, "/plugins/demo/labels/b"), "no");
    assert_true(cJSON_IsNumber(config_at(config, "/plugins/demo/extra/n")));
    config_free(config);
}

static void takes_one_value_for_a_list_and_nothing_for_a_default(void **state) {
    (void)state;
    struct config *config = configure("server: {listen: \":1\", workers: }\n"
                                      "log:\n"
                                      "plugins:\n"
                                      "  demo: {waits: 5m, canary: , threshold: ~}\n");
    assert_ok(config);
    assert_string_equal(text_at(config, "/server/listen/0"), ":1");
    assert_int_equal(number_at(config, "/server/workers"), 1);
    assert_string_equal(text_at(config, "/log/level"), "info");
    assert_int_equal(number_at(config, "/plugins/demo/waits/0"), 300000);
    assert_true(number_at(config, "/plugins/demo/threshold") == 0.7);
    config_free(config);
}

/* ---- variables ---- */

static void types_what_variables_give(void **state) {
    (void)state;
    setenv("CONFIG_TEST_NUMBER", "3", 1);
    setenv("CONFIG_TEST_TREE", "{a: 1}\nworkers: 9", 1);
    struct config *config = configure("server:\n"
                                      "  workers: ${CONFIG_TEST_NUMBER}\n"
                                      "  listen: \"127.0.0.1:${CONFIG_TEST_NONE:-8000}\"\n"
                                      "state: ${CONFIG_TEST_TREE}\n"
                                      "plugins: {demo: {version: \"${CONFIG_TEST_NUMBER}\"}}\n");
    assert_ok(config);
    assert_int_equal(number_at(config, "/server/workers"), 3);
    assert_string_equal(text_at(config, "/server/listen/0"), "127.0.0.1:8000");
    assert_string_equal(text_at(config, "/state"), "{a: 1}\nworkers: 9");
    assert_string_equal(text_at(config, "/plugins/demo/version"), "3");
    config_free(config);
    config = configure("server: {workers: \"${CONFIG_TEST_NUMBER}\"}\n");
    assert_false(config_ok(config));
    config_free(config);
}

static void warns_of_variables_that_are_not_set(void **state) {
    (void)state;
    unsetenv("CONFIG_TEST_NONE");
    struct config *config = configure("state: ${CONFIG_TEST_NONE}\n");
    const struct config_note *notes;
    assert_ok(config);
    assert_int_equal(config_notes(config, &notes), 1);
    assert_true(notes[0].warning);
    assert_string_equal(notes[0].code, "C0302");
    assert_int_equal(notes[0].column, 8);
    assert_string_equal(text_at(config, "/state"), "./var");
    config_free(config);
}

/* ---- mistakes ---- */

struct mistake {
    const char *text, *where, *code, *message, *suggestion;
};

static const struct mistake mistakes[] = {
    {"serve: {}\n", "sluice.yaml:1:1:", "C0203", "unknown key 'serve'", "did you mean 'server'?"},
    {"server:\n  lisen: x\n", "sluice.yaml:2:3:", "C0203", "unknown key 'lisen' in server",
     "did you mean 'listen'?"},
    {"server:\n  drain-timeout: 3s\n", "sluice.yaml:2:3:", "C0203", "'drain-timeout'",
     "did you mean 'drain_timeout'?"},
    {"level: debug\n", "sluice.yaml:1:1:", "C0203", "unknown key 'level'",
     "did you mean to put it under log?"},
    {"server:\n  state: x\n", "sluice.yaml:2:3:", "C0203", "unknown key 'state' in server",
     "did you mean to put it at the top?"},
    {"server:\n  zzzzzzzz: x\n", "sluice.yaml:2:3:", "C0203", "unknown key 'zzzzzzzz'",
     "known here: listen, workers"},
    {"plugins:\n  demo:\n    pause: 3m\n", "sluice.yaml:3:5:", "C0203", "in plugins.demo",
     "did you mean to put it under plugins.demo.canary?"},
    {"plugins:\n  demo:\n    tresholt: 1\n", "sluice.yaml:3:5:", "C0203", "'tresholt'",
     "did you mean 'threshold'?"},
    {"server:\n  workers: many\n", "sluice.yaml:2:12:", "C0201",
     "server.workers: expected a whole number from 1 to 64, found \"many\"", NULL},
    {"server: {workers: 65}\n", "sluice.yaml:1:19:", "C0201", "found 65", NULL},
    {"server: {workers: \"2\"}\n", "sluice.yaml:1:19:", "C0201", "whole number",
     "without the quotes"},
    {"server:\n  drain_timeout: 5x\n", "sluice.yaml:2:18:", "C0201", "expected a duration", NULL},
    {"log: {level: debgu}\n", "sluice.yaml:1:14:", "C0201", "one of: debug, info", "'debug'"},
    {"server: 5\n", "sluice.yaml:1:9:", "C0201", "server: expected an object", NULL},
    {"server: {listen: \"8000\"}\n", "sluice.yaml:1:18:", "C0201", "expected HOST:PORT", NULL},
    {"server: {listen: [\":1\", \"::1:80\"]}\n", "sluice.yaml:1:25:", "C0201", "[brackets]", NULL},
    {"server:\n  listen:\n    - a:1\n    - a:1\n", "sluice.yaml:4:7:", "C0201", "twice", NULL},
    {"server: {listen: \"a:99999\"}\n", "sluice.yaml:1:18:", "C0201", "0 to 65535", NULL},
    {"server: {listen: \"unix:\"}\n", "sluice.yaml:1:18:", "C0201", "expected a path", NULL},
    {"plugins: [demo]\n", "sluice.yaml:1:10:", "C0201", "plugins: expected an object", NULL},
    {"plugins: {demo: 5}\n", "sluice.yaml:1:17:", "C0201", "plugins.demo", NULL},
    {"plugins:\n  demo:\n    target: {password: x}\n", "sluice.yaml:3:5:", "C0202",
     "missing key 'url' in plugins.demo.target", NULL},
    {"plugins:\n  demo:\n    targets:\n      - url: a\n      - password: b\n",
     "sluice.yaml:3:5:", "C0202", "missing key 'url' in plugins.demo.targets[1]", NULL},
    {"plugins:\n  demo:\n    tags: [a, {b: c}]\n", "sluice.yaml:3:15:", "C0201",
     "plugins.demo.tags[1]: expected a string", NULL},
    {"plugins: {other: {enabled: maybe, a: 1}}\n", "sluice.yaml:1:28:", "C0201",
     "expected true or false", NULL},
    {"log: {level: info}\nlog: {}\n", "sluice.yaml:2:1:", "C0108", "'log' stands here twice",
     "the first one is in line 1"},
    {"server:\n\tworkers: 1\n", "sluice.yaml:2:1:", "C0104", "a tab", "blanks"},
    {"server: [\n", "sluice.yaml:2:1:", "C0105", "", NULL},
    {"- a\n", "sluice.yaml:1:1:", "C0112", "expected 'key: value' lines", NULL},
    {"state: ${1X}\n", "sluice.yaml:1:8:", "C0301", "malformed reference", "$$ is a single '$'"},
    {"state: ${X\n", "sluice.yaml:1:8:", "C0301", "has no '}'", NULL},
    {"state: ${file:/nowhere/at/all}\n", "sluice.yaml:1:8:", "C0303", "No such file", NULL},
    {"include: {a: b}\n", "sluice.yaml:1:10:", "C0121", "path of a file", NULL},
    {"include: /nowhere/at/all.yaml\n", "sluice.yaml:1:10:", "C0101", "No such file", NULL},
};

static void tells_each_mistake_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *mistake = &mistakes[i];
        struct config *config = configure(mistake->text);
        char *report = config_report(config, false);
        char head[64];
        snprintf(head, sizeof head, "%s error[%s]:", mistake->where, mistake->code);
        bool good = strstr(report, head) && strstr(report, mistake->message) &&
                    (!mistake->suggestion || strstr(report, mistake->suggestion));
        if (!good) fail_msg("%s\nwanted %s\n%s", mistake->text, head, report);
        assert_false(config_ok(config));
        assert_non_null(strstr(report, "1 error\n"));
        free(report);
        config_free(config);
    }
}

static void has_one_form_for_every_message(void **state) {
    (void)state;
    struct config *config = configure("# demo\nplugins:\n  demo:\n    canary:\n      stpes: 4\n");
    char *report = config_report(config, false);
    assert_string_equal(
        report, "sluice.yaml:5:7: error[C0203]: unknown key 'stpes' in plugins.demo.canary\n"
                "  5 |       stpes: ...\n"
                "    |       ^^^^^ did you mean 'steps'?\n"
                "  help: sluice config explain plugins.demo.canary.steps\n"
                "\n"
                "1 error\n");
    free(report);
    report = config_report(config, true);
    assert_non_null(strstr(report, "\33[31m"));
    free(report);
    config_free(config);
}

static void counts_characters_not_bytes(void **state) {
    (void)state;
    struct config *config = configure("log: {\"l\xc3\xa4vel\": x, level: \xc3\xa4\xc3\xa4}\n");
    assert_true(reports(config, "sluice.yaml:1:26: error[C0201]"));
    assert_true(reports(config, "    |                          ^^\n"));
    config_free(config);
}

static void tells_all_mistakes_at_once_in_order(void **state) {
    (void)state;
    struct config *config = configure("zzz: 1\n"
                                      "plugins: {demo: {threshold: 7, mode: x}}\n"
                                      "server:\n"
                                      "  workers: 0\n"
                                      "  workers: ${1}\n"
                                      "lgo: 1\n");
    const struct config_note *notes;
    size_t count = config_notes(config, &notes);
    assert_int_equal(count, 7);
    for (size_t i = 1; i < count; i++)
        assert_true(notes[i - 1].line < notes[i].line ||
                    (notes[i - 1].line == notes[i].line && notes[i - 1].column <= notes[i].column));
    config_free(config);
}

static void shows_fifty_of_many(void **state) {
    (void)state;
    char text[2000] = "";
    for (int i = 0; i < 60; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "zzzzzz%02d: 1\n", i);
    }
    struct config *config = configure(text);
    assert_int_equal(config_notes(config, NULL), 50);
    assert_true(reports(config, "60 errors (the first 50 are shown)"));
    config_free(config);
}

static void takes_faults_of_the_host(void **state) {
    (void)state;
    struct config *config = configure("plugins:\n  demo:\n    mode: fast\n");
    config_fault(config, "/plugins/demo", true, "C0401", "did you mean 'memo'?", "no plugin %s",
                 "demo");
    config_warn(config, "/plugins/demo/mode", "C0402", "just %s", "so");
    assert_true(reports(config, "sluice.yaml:2:3: error[C0401]: no plugin demo\n"));
    assert_true(reports(config, "sluice.yaml:3:5: warning[C0402]: just so\n"));
    assert_true(reports(config, "1 error, 1 warning"));
    assert_false(config_ok(config));
    config_free(config);
}

/* ---- secrets ---- */

static void never_tells_a_secret(void **state) {
    (void)state;
    static const char *const texts[] = {
        "plugins: {demo: {token: hunter2}}\n",
        "plugins: {demo: {token: abcd, token: hunter2, mode: 3}}\n",
        "plugins: {demo: {token: \"${CONFIG_TEST_SECRET:-hunter2}\", mode: 3}}\n",
        "plugins: {demo: {extra: {my_token: hunter2}, mode: 3}}\n",
        "plugins: {other: {what: hunter2, enabled: 3}}\n",
        "zzz: {what: hunter2}\n",
        "plugins: {demo: {token: hunter2, bogus: 1}}\n",
        "plugins: {demo: {bogus: 1, token: hunter2}}\n",
        "plugins: {demo: {token: [hunter2]}}\n",
        "plugins: {demo: {token: {a: hunter2}}}\n",
        "plugins: {demo: {token: \"hunter2-and-much-more-than-forty-bytes-of-it-all\"}}\n",
        "plugins: {demo: {tokn: hunter2}}\n",
        "plugins: {demo: {tokn: hunter2, mode: 3}}\n",
        "plugins: {demo: {token: !hunter2 x}}\n",
        "plugins: {demo: {token: *hunter2}}\n",
        "plugins: {demo: {token: \"hunter2}}\n",
        "plugins: {demo: {token: hunter2]}}\n",
        "plugins: {demo: {token: \"${hunter2\"}}\n",
        "plugins: {demo: {token: \"${X:?hunter2}\"}}\n",
        "plugins:\n  demo:\n    token: |\n      a\n      hunter2\n     hunter2: b: c\n",
        "plugins:\n  demo:\n    token: >\n      hunter2\n    bogus: 1\n",
        "plugins:\n  demo:\n    token: a\n    token: hunter2\n",
        "plugins:\n  demo:\n    target:\n      password: hunter2\n",
        "plugins:\n  demo:\n    targets: [{password: hunter2}]\n",
        "plugins:\n  demo:\n    target: {url: x, password: hunter2, url: y}\n",
        "plugins:\n  demo:\n    extra: {api_key: hunter2}\n",
        "plugins:\n  other:\n    token: hunter2\n    enabled: 7\n",
        "plugins:\n  demo:\n    token: ${CONFIG_TEST_SECRET}\n",
        "plugins:\n  demo:\n    token: abc\n    mode: ${CONFIG_TEST_SECRET:-x}\n    tokens: hunter2\n",
        "token: hunter2\n",
        "token: hunter2: x\n",
        "hunter\n",
        "- token: hunter2\n",
    };
    setenv("CONFIG_TEST_SECRET", "not-that-one", 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config *config = configure(texts[i]);
        assert_unsaid(config, texts[i], "hunter2");
        config_free(config);
    }
    setenv("CONFIG_TEST_SECRET", "s3", 1); /* too short for the field */
    const char *text = "plugins:\n  demo:\n    token: ${CONFIG_TEST_SECRET}\n";
    struct config *config = configure(text);
    assert_false(config_ok(config));
    assert_unsaid(config, text, "s3");
    config_free(config);
}

int main(void) {
    unsetenv("SLUICE_STATE");
    unsetenv("SLUICE_PORT");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completes_what_is_not_set),
        cmocka_unit_test(is_whole_without_any_text),
        cmocka_unit_test(takes_texts_as_they_are_written),
        cmocka_unit_test(takes_one_value_for_a_list_and_nothing_for_a_default),
        cmocka_unit_test(types_what_variables_give),
        cmocka_unit_test(warns_of_variables_that_are_not_set),
        cmocka_unit_test(tells_each_mistake_with_its_place),
        cmocka_unit_test(has_one_form_for_every_message),
        cmocka_unit_test(counts_characters_not_bytes),
        cmocka_unit_test(tells_all_mistakes_at_once_in_order),
        cmocka_unit_test(shows_fifty_of_many),
        cmocka_unit_test(takes_faults_of_the_host),
        cmocka_unit_test(never_tells_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
