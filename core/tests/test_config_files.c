/* test_config_files.c - included files, and values out of files. */
#include "config_fixture.h"

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

int main(void) {
    unsetenv("SLUICE_STATE");
    unsetenv("SLUICE_PORT");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_included_files),
        cmocka_unit_test(tells_faults_in_the_file_that_has_them),
        cmocka_unit_test(refuses_files_that_include_themselves),
        cmocka_unit_test(refuses_chains_without_end),
        cmocka_unit_test(hides_what_came_from_files),
        cmocka_unit_test(tells_of_a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
