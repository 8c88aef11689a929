/* The frame of the command line: what is found, what is refused, what goes where. */
#include "cli_capture.h"

#include "cli/flags.h"
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int clean_environment(void **state) {
    (void)state;
    const char *const names[] = {"SLUICE_ADDR", "SLUICE_TOKEN", "SLUICE_FORMAT",
                                 "SLUICE_PORT", "NO_COLOR",     "CLICOLOR_FORCE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
    return 0;
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

static void bare_call_prints_twelve_lines(void **state) {
    (void)state;
    struct said said = run("sluice");
    assert_int_equal(said.code, 0);
    assert_int_equal(count_lines(said.out), 12);
    assert_string_equal(said.err, "");
    forget(&said);
}

static void misspelt_command_is_answered_with_the_nearest(void **state) {
    (void)state;
    struct said said = run("sluice versoin");
    assert_int_equal(said.code, CLI_USAGE);
    assert_string_equal(said.out, "");
    assert_non_null(strstr(said.err, "did you mean 'version'?"));
    forget(&said);
}

static void misspelt_flag_is_answered_with_the_nearest(void **state) {
    (void)state;
    struct said said = run("sluice version --jsonn");
    assert_int_equal(said.code, CLI_USAGE);
    assert_non_null(strstr(said.err, "unknown flag --jsonn: did you mean --json?"));
    forget(&said);
}

static void every_command_has_help_with_an_example(void **state) {
    (void)state;
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(i)); i++) {
        char line[128];
        snprintf(line, sizeof line, "sluice %s --help", command->words);
        struct said said = run(line);
        assert_int_equal(said.code, 0);
        assert_non_null(strstr(said.out, "\nExample\n  "));
        assert_non_null(strstr(said.out, command->summary));
        assert_true(strstr(command->example, "sluice") != NULL);
        forget(&said);
    }
}

static void version_as_json_names_the_libraries(void **state) {
    (void)state;
    struct said said = run("sluice version --json");
    assert_int_equal(said.code, 0);
    cJSON *json = cJSON_Parse(said.out);
    assert_non_null(json);
    const cJSON *libraries = cJSON_GetObjectItem(json, "libraries");
    assert_non_null(cJSON_GetObjectItem(libraries, "libuv"));
    assert_non_null(cJSON_GetObjectItem(libraries, "sqlite"));
    cJSON_Delete(json);
    forget(&said);
}

static void version_as_yaml_quotes_what_looks_like_a_number(void **state) {
    (void)state;
    struct said said = run("sluice version -o yaml");
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(said.out, "\n  sqlite: '3."));
    assert_non_null(strstr(said.out, "\n  major: 1\n"));
    forget(&said);
}

static void global_flags_may_stand_anywhere(void **state) {
    (void)state;
    const char *const lines[] = {"sluice --json version", "sluice version -o json",
                                 "sluice -ojson version", "sluice version --output=json"};
    for (size_t i = 0; i < 4; i++) {
        struct said said = run(lines[i]);
        assert_int_equal(said.code, 0);
        assert_int_equal(said.out[0], '{');
        forget(&said);
    }
}

static void wrong_values_of_flags_are_told(void **state) {
    (void)state;
    const char *const lines[][2] = {
        {"sluice version -o xml", "expected table, json, yaml, md or jsonl"},
        {"sluice version -o", "--output needs a value"},
        {"sluice version --json=yes", "--json takes no value"},
        {"sluice version extra", "one argument too many"},
        {"sluice completion", "an argument is missing"},
        {"sluice completion tcsh", "expected bash, zsh or fish"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct said said = run(lines[i][0]);
        assert_int_equal(said.code, CLI_USAGE);
        assert_non_null(strstr(said.err, lines[i][1]));
        assert_non_null(strstr(said.err, "--help"));
        assert_string_equal(said.out, "");
        forget(&said);
    }
}

static void colours_are_asked_for_and_refused(void **state) {
    (void)state;
    struct said said = run("sluice help");
    assert_null(strchr(said.out, '\033'));
    forget(&said);
    setenv("CLICOLOR_FORCE", "1", 1);
    said = run("sluice versoin");
    assert_non_null(strchr(said.err, '\033'));
    forget(&said);
    said = run("sluice versoin --no-color");
    forget(&said);
    said = run("sluice --no-color versoin");
    assert_null(strchr(said.err, '\033'));
    forget(&said);
    setenv("NO_COLOR", "1", 1);
    said = run("sluice versoin");
    assert_null(strchr(said.err, '\033'));
    forget(&said);
}

static void text_from_elsewhere_loses_its_controls(void **state) {
    (void)state;
    struct cli cli = {0};
    arena_init(&cli.arena);
    assert_string_equal(cli_clean(&cli, "a\033[31mred\a\x7f", false), "a[31mred");
    assert_string_equal(cli_clean(&cli, "a\nb\tc\r", false), "a b c");
    assert_string_equal(cli_clean(&cli, "a\nb", true), "a\nb");
    assert_string_equal(cli_clean(&cli,
                                  "\xc2\x9b"
                                  "31m \xc3\xa9",
                                  true),
                        "31m \xc3\xa9");
    cli_fini(&cli);
}

static char *table_as(enum cli_format format) {
    char *text;
    size_t size;
    struct cli cli = {.out = open_memstream(&text, &size), .format = format};
    arena_init(&cli.arena);
    struct table *table = table_new(&cli, "ID|NAME");
    table_row(table);
    table_cell(table, CLI_RED, "7");
    table_cell(table, CLI_PLAIN,
               "stra\xc3\x9f"
               "e|x");
    table_row(table);
    table_cell(table, CLI_PLAIN, "long-id");
    table_print(table);
    cli_fini(&cli);
    fclose(cli.out);
    return text;
}

static void tables_align_by_characters_and_escape_for_markdown(void **state) {
    (void)state;
    char *text = table_as(CLI_TABLE);
    assert_string_equal(text, "ID       NAME\n7        stra\xc3\x9f"
                              "e|x\nlong-id  \n");
    free(text);
    text = table_as(CLI_MD);
    assert_string_equal(text, "| ID | NAME |\n| --- | --- |\n| 7 | stra\xc3\x9f"
                              "e\\|x |\n| long-id |  |\n");
    free(text);
}

static void completion_knows_the_commands(void **state) {
    (void)state;
    const char *const lines[] = {"sluice completion bash", "sluice completion zsh",
                                 "sluice completion fish"};
    for (size_t i = 0; i < 3; i++) {
        struct said said = run(lines[i]);
        assert_int_equal(said.code, 0);
        assert_non_null(strstr(said.out, "version"));
        assert_non_null(strstr(said.out, "token-file"));
        forget(&said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bare_call_prints_twelve_lines, clean_environment),
        cmocka_unit_test_setup(misspelt_command_is_answered_with_the_nearest, clean_environment),
        cmocka_unit_test_setup(misspelt_flag_is_answered_with_the_nearest, clean_environment),
        cmocka_unit_test_setup(every_command_has_help_with_an_example, clean_environment),
        cmocka_unit_test_setup(version_as_json_names_the_libraries, clean_environment),
        cmocka_unit_test_setup(version_as_yaml_quotes_what_looks_like_a_number, clean_environment),
        cmocka_unit_test_setup(global_flags_may_stand_anywhere, clean_environment),
        cmocka_unit_test_setup(wrong_values_of_flags_are_told, clean_environment),
        cmocka_unit_test_setup(colours_are_asked_for_and_refused, clean_environment),
        cmocka_unit_test_setup(text_from_elsewhere_loses_its_controls, clean_environment),
        cmocka_unit_test_setup(tables_align_by_characters_and_escape_for_markdown,
                               clean_environment),
        cmocka_unit_test_setup(completion_knows_the_commands, clean_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
