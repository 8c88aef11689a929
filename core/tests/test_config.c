/* test_config.c - configurations read, checked, told about and shown. */
#include "../config_codes.h"
#include "config_rows_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct config *configure(const char *text) {
    struct config *config = config_read_text("sluice.yaml", text, strlen(text));
    config_check(config, sample_sections, SAMPLE_SECTIONS);
    return config;
}

static void assert_ok(const struct config *config) {
    if (config_ok(config)) return;
    char *report = config_report(config, false);
    fail_msg("%s", report);
}

static bool reports(const struct config *config, const char *what) {
    char *report = config_report(config, false);
    bool found = strstr(report, what) != NULL;
    free(report);
    return found;
}

static const char *text_at(const struct config *config, const char *pointer) {
    return cJSON_GetStringValue(config_at(config, pointer));
}

static double number_at(const struct config *config, const char *pointer) {
    return cJSON_GetNumberValue(config_at(config, pointer));
}

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

static void assert_unsaid(const struct config *config, const char *text, const char *secret) {
    const struct config_note *notes;
    size_t count = config_notes(config, &notes);
    char *report = config_report(config, true);
    char *shown = config_show(config, sample_sections, SAMPLE_SECTIONS, true);
    cJSON *json = config_show_json(config, sample_sections, SAMPLE_SECTIONS, true);
    char *printed = cJSON_Print(json);
    if (strstr(report, secret)) fail_msg("%s\n%s", text, report);
    if (strstr(shown, secret)) fail_msg("%s\n%s", text, shown);
    if (strstr(printed, secret)) fail_msg("%s\n%s", text, printed);
    for (size_t i = 0; i < count; i++) assert_null(strstr(notes[i].message, secret));
    cJSON_free(printed);
    cJSON_Delete(json);
    free(shown);
    free(report);
}

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

/* ---- files ---- */

struct folder {
    char path[64];
};

static void make_folder(struct folder *folder) {
    snprintf(folder->path, sizeof folder->path, "/tmp/sluice-config-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static const char *in_folder(const struct folder *folder, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

static void write_file(const struct folder *folder, const char *name, const char *text) {
    FILE *file = fopen(in_folder(folder, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(in_folder(folder, name), 0600);
}

static void remove_folder(const struct folder *folder, const char *const *names) {
    for (; *names; names++) unlink(in_folder(folder, *names));
    rmdir(in_folder(folder, "more"));
    assert_int_equal(rmdir(folder->path), 0);
}

static struct config *configure_file(const struct folder *folder, const char *name) {
    struct config *config = config_read(in_folder(folder, name));
    config_check(config, sample_sections, SAMPLE_SECTIONS);
    return config;
}

static void merges_included_files(void **state) {
    (void)state;
    struct folder folder;
    make_folder(&folder);
    mkdir(in_folder(&folder, "more"), 0700);
    write_file(&folder, "main.yaml",
               "include: [base.yaml, more/site.yaml]\nserver: {workers: 4}\n"
               "plugins: {demo: {tags: [main]}}\n");
    write_file(&folder, "base.yaml",
               "server: {workers: 2, drain_timeout: 7s}\nlog: {level: debug}\n"
               "plugins: {demo: {tags: [a, b], scripts: base}}\n");
    write_file(&folder, "more/site.yaml",
               "log: {level: warn}\nplugin_dirs: own\nplugins: {demo: {scripts: site}}\n");
    struct config *config = configure_file(&folder, "main.yaml");
    assert_ok(config);
    assert_int_equal(number_at(config, "/server/workers"), 4);
    assert_int_equal(number_at(config, "/server/drain_timeout"), 7000);
    assert_string_equal(text_at(config, "/log/level"), "warn");
    assert_string_equal(text_at(config, "/plugins/demo/tags/0"), "main");
    assert_int_equal(cJSON_GetArraySize(config_at(config, "/plugins/demo/tags")), 1);
    /* Paths begin where they are written. */
    assert_string_equal(text_at(config, "/plugins/demo/scripts"), in_folder(&folder, "more/site"));
    assert_string_equal(text_at(config, "/plugin_dirs/0"), in_folder(&folder, "more/own"));
    config_free(config);
    remove_folder(&folder, (const char *const[]){"main.yaml", "base.yaml", "more/site.yaml", NULL});
}

static void tells_faults_in_the_file_that_has_them(void **state) {
    (void)state;
    struct folder folder;
    make_folder(&folder);
    write_file(&folder, "main.yaml", "include: base.yaml\nzzz: 1\n");
    write_file(&folder, "base.yaml", "\n\nserver: {workers: x}\n");
    struct config *config = configure_file(&folder, "main.yaml");
    assert_true(reports(config, "main.yaml:2:1: error[C0203]"));
    assert_true(reports(config, "base.yaml:3:19: error[C0201]"));
    config_free(config);
    remove_folder(&folder, (const char *const[]){"main.yaml", "base.yaml", NULL});
}

static void refuses_files_that_include_themselves(void **state) {
    (void)state;
    struct folder folder;
    make_folder(&folder);
    write_file(&folder, "main.yaml", "include: base.yaml\n");
    write_file(&folder, "base.yaml", "x: 1\ninclude: ./main.yaml\n");
    struct config *config = configure_file(&folder, "main.yaml");
    assert_true(reports(config, "base.yaml:2:10: error[C0122]"));
    config_free(config);
    remove_folder(&folder, (const char *const[]){"main.yaml", "base.yaml", NULL});
}

static void refuses_chains_without_end(void **state) {
    (void)state;
    struct folder folder;
    make_folder(&folder);
    const char *names[11] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
    for (int i = 0; i < 10; i++) {
        char text[32];
        snprintf(text, sizeof text, "include: \"%d\"\n", i + 1);
        write_file(&folder, names[i], text);
    }
    struct config *config = configure_file(&folder, "0");
    assert_true(reports(config, "/8:1:10: error[C0123]"));
    config_free(config);
    remove_folder(&folder, names);
}

static void hides_what_came_from_files(void **state) {
    (void)state;
    struct folder folder;
    make_folder(&folder);
    write_file(&folder, "main.yaml",
               "state: ${file:pass}\nlog: {level: \"${file:pass}\"}\nplugins: {demo: {token: "
               "\"${file:pass}\"}}\n");
    write_file(&folder, "pass", "hunter2\n");
    struct config *config = configure_file(&folder, "main.yaml");
    assert_string_equal(text_at(config, "/state"), "hunter2");
    assert_true(reports(config, "error[C0201]: log.level"));
    assert_unsaid(config, "a file", "hunter2");
    config_free(config);
    chmod(in_folder(&folder, "pass"), 0644);
    config = configure_file(&folder, "main.yaml");
    assert_true(reports(config, "main.yaml:1:8: warning[C0304]"));
    config_free(config);
    remove_folder(&folder, (const char *const[]){"main.yaml", "pass", NULL});
}

static void tells_of_a_file_that_is_not_there(void **state) {
    (void)state;
    struct config *config = config_read("/nowhere/at/all.yaml");
    assert_false(config_ok(config));
    assert_false(config_readable(config));
    assert_true(reports(config, "/nowhere/at/all.yaml: error[C0101]: cannot read "
                                "'/nowhere/at/all.yaml': No such file or directory\n"));
    assert_non_null(config_tree(config));
    config_free(config);
    config = config_read("/dev/null/x");
    assert_true(reports(config, "C0101"));
    config_free(config);
}

/* ---- showing ---- */

static void shows_origins(void **state) {
    (void)state;
    setenv("CONFIG_TEST_NUMBER", "3", 1);
    struct config *config =
        configure("server:\n  workers: ${CONFIG_TEST_NUMBER}\nlog: {level: ${NONE_:-warn}}\n");
    config_free(config);
    config = configure("server:\n  workers: ${CONFIG_TEST_NUMBER}\nstate: ${NONE_:-warn}\n");
    char *shown = config_show(config, sample_sections, SAMPLE_SECTIONS, true);
    assert_non_null(strstr(shown, "  workers: 3  # sluice.yaml:2 env:CONFIG_TEST_NUMBER\n"));
    assert_non_null(strstr(shown, "state: warn  # sluice.yaml:3\n"));
    assert_non_null(strstr(shown, "  drain_timeout: 30s  # default\n"));
    assert_non_null(strstr(shown, "    head: 16KiB  # default\n"));
    free(shown);
    shown = config_show(config, sample_sections, SAMPLE_SECTIONS, false);
    assert_string_equal(shown, "server:\n  workers: 3  # sluice.yaml:2 env:CONFIG_TEST_NUMBER\n"
                               "state: warn  # sluice.yaml:3\n");
    free(shown);
    config_free(config);
}

static void reads_back_what_it_shows(void **state) {
    (void)state;
    struct config *config =
        configure("server: {listen: [\"[::1]:1\", \":2\"], drain_timeout: 90s}\n"
                  "state: \"a: b # c\\\"\\\\ $$x $${y} \\u00e4\\n\\x01\"\n"
                  "plugins:\n"
                  "  demo:\n"
                  "    threshold: 0.1\n"
                  "    version: \"1.10\"\n"
                  "    waits: [1500ms, 0.25, 2d]\n"
                  "    room: 1023B\n"
                  "    labels: {\"a b\": \"no\", $$k: $$$$v, \"~\": \"null\", c: \"-\"}\n"
                  "    tags: [\"12\", \"0x1\", \"\", \" x\"]\n"
                  "    extra: {list: [], map: {}, deep: [[1e300, null], {k: true}]}\n");
    assert_ok(config);
    char *shown = config_show(config, sample_sections, SAMPLE_SECTIONS, true);
    struct config *again = configure(shown);
    assert_ok(again);
    if (strcmp(config_hash(config), config_hash(again)) != 0) fail_msg("%s", shown);
    free(shown);
    config_free(again);
    config_free(config);
}

static void hashes_what_it_means(void **state) {
    (void)state;
    struct config *one = configure("server: {workers: 2}\nlog: {level: info, format: json}\n");
    struct config *two = configure(
        "# other words\nlog:\n  format: json\nserver:\n  workers: 2\n  listen: 127.0.0.1:8000\n");
    struct config *other = configure("server: {workers: 3}\nlog: {format: json}\n");
    assert_string_equal(config_hash(one), config_hash(two));
    assert_string_not_equal(config_hash(one), config_hash(other));
    config_free(one);
    config_free(two);
    config_free(other);
}

static void explains_keys_and_codes(void **state) {
    (void)state;
    static const struct {
        const char *name, *has;
    } cases[] = {{"", "the configuration file"},
                 {"server", "drain_timeout"},
                 {"server.workers", "server.workers: a whole number from 1 to 64, default 1"},
                 {"server.limits.head", "a size"},
                 {"plugins", "object"},
                 {"plugins.demo", "threshold"},
                 {"plugins.demo.enabled", "true or false"},
                 {"plugins.demo.token", "a secret"},
                 {"plugins.demo.targets[1].url", "where it is"},
                 {"plugins.demo.targets.url", "where it is"},
                 {"plugins.demo.scripts", "relative to the file"},
                 {"plugins.unknown.file", ".so"},
                 {"c0203", "an unknown key"}};
    char *nearest;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = config_explain(sample_sections, SAMPLE_SECTIONS, cases[i].name, &nearest);
        if (!text || !strstr(text, cases[i].has)) fail_msg("%s: %s", cases[i].name, text);
        free(text);
    }
    assert_null(config_explain(sample_sections, SAMPLE_SECTIONS, "server.workrs", &nearest));
    assert_string_equal(nearest, "server.workers");
    free(nearest);
    assert_null(config_explain(sample_sections, SAMPLE_SECTIONS, "no.such.thing", &nearest));
    assert_null(nearest);
}

static void describes_itself_as_a_schema(void **state) {
    (void)state;
    cJSON *schema = config_schema(sample_sections, SAMPLE_SECTIONS);
    char *text = cJSON_PrintUnformatted(schema);
    assert_non_null(strstr(text, "2020-12"));
    assert_non_null(strstr(text, "\"demo\":{\"anyOf\":[{\"type\":\"object\""));
    assert_non_null(strstr(text, "probability"));
    cJSON_free(text);
    cJSON_Delete(schema);
}

static void carries_the_default_configuration(void **state) {
    (void)state;
    size_t size;
    const char *text = config_default_text(&size);
    FILE *file = fopen(SLUICE_SOURCE_DIR "/config/sluice.yaml", "r");
    assert_non_null(file);
    char there[8192];
    size_t there_size = fread(there, 1, sizeof there, file);
    fclose(file);
    assert_int_equal(size, there_size);
    assert_memory_equal(text, there, size);
    struct config *config = config_read_text("default", text, size);
    config_check(config, sample_sections, 1);
    assert_ok(config);
    assert_string_equal(text_at(config, "/state"), getenv("SLUICE_STATE") ?: "./var");
    config_free(config);
}

static size_t count_of(const char *text, const char *what) {
    size_t count = 0;
    for (; (text = strstr(text, what)); text++) count++;
    return count;
}

static void documents_every_code(void **state) {
    (void)state;
    FILE *file = fopen(SLUICE_SOURCE_DIR "/docs/config.md", "r");
    assert_non_null(file);
    static char text[65536];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    size_t count = 0;
    for (const struct config_code *code = config_codes; code->code; code++, count++) {
        char line[512];
        snprintf(line, sizeof line, "\n| %s | %s | %s |\n", code->code, code->title, code->help);
        if (!strstr(text, line)) fail_msg("docs/config.md lacks: %s", line);
    }
    assert_int_equal(count_of(text, "\n| C0"), count);
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
        cmocka_unit_test(merges_included_files),
        cmocka_unit_test(tells_faults_in_the_file_that_has_them),
        cmocka_unit_test(refuses_files_that_include_themselves),
        cmocka_unit_test(refuses_chains_without_end),
        cmocka_unit_test(hides_what_came_from_files),
        cmocka_unit_test(tells_of_a_file_that_is_not_there),
        cmocka_unit_test(shows_origins),
        cmocka_unit_test(reads_back_what_it_shows),
        cmocka_unit_test(hashes_what_it_means),
        cmocka_unit_test(explains_keys_and_codes),
        cmocka_unit_test(describes_itself_as_a_schema),
        cmocka_unit_test(documents_every_code),
        cmocka_unit_test(carries_the_default_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
