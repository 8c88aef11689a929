/* test_config_show.c - configurations shown, hashed, explained and documented. */
#include "config_fixture.h"

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
        cmocka_unit_test(shows_origins),
        cmocka_unit_test(reads_back_what_it_shows),
        cmocka_unit_test(hashes_what_it_means),
        cmocka_unit_test(explains_keys_and_codes),
        cmocka_unit_test(describes_itself_as_a_schema),
        cmocka_unit_test(carries_the_default_configuration),
        cmocka_unit_test(documents_every_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
