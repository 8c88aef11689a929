/* test_variables.c - references in texts: the grammar, the sources, the failures.
 *
 * The cases of the first table are those of the OpenTelemetry specification's configuration data
 * model (Apache-2.0, copyright The OpenTelemetry Authors), where this project takes the same view.
 */
#include "../arena.h"
#include "../variables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
    struct arena arena;
    struct variables variables;
    unsigned count;
    enum variable_fault fault;
    char reference[200], why[200];
};

static const char *env(void *arg, const char *name) {
    static const char *const pairs[][2] = {{"STRING_VALUE", "value"},
                                           {"INT_VALUE", "1"},
                                           {"FLOAT_VALUE", "1.1"},
                                           {"INVALID_MAP_VALUE", "value\\nkey:value"},
                                           {"DO_NOT_REPLACE_ME", "Never use this value"},
                                           {"REPLACE_ME", "${DO_NOT_REPLACE_ME}"},
                                           {"VALUE_WITH_ESCAPE", "value$$"},
                                           {"EMPTY", ""},
                                           {"BROKEN", "\xff\xfe"},
                                           {"_under", "score"}};
    (void)arg;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], name) == 0) return pairs[i][1];
    return NULL;
}

static void hear(void *arg, enum variable_fault fault, const char *reference, const char *why) {
    struct heard *heard = arg;
    heard->count++;
    heard->fault = fault;
    snprintf(heard->reference, sizeof heard->reference, "%s", reference);
    snprintf(heard->why, sizeof heard->why, "%s", why);
}

static int set_up(void **state) {
    struct heard *heard = calloc(1, sizeof *heard);
    arena_init(&heard->arena);
    heard->variables = (struct variables){
        .arena = &heard->arena, .env = env, .fault = hear, .folder = ".", .arg = heard};
    *state = heard;
    return 0;
}

static int tear_down(void **state) {
    struct heard *heard = *state;
    arena_fini(&heard->arena);
    free(heard);
    return 0;
}

static struct expansion expand(struct heard *heard, const char *text) {
    heard->count = 0;
    return variables_expand(&heard->variables, text, strlen(text));
}

static void follows_opentelemetry(void **state) {
    static const char *const cases[][2] = {
        {"${STRING_VALUE}", "value"},
        {"${env:STRING_VALUE}", "value"},
        {"${INVALID_MAP_VALUE}", "value\\nkey:value"},
        {"foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"},
        {"${UNDEFINED_KEY:-fallback}", "fallback"},
        {"${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"},
        {"${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"},
        {"$${STRING_VALUE}", "${STRING_VALUE}"},
        {"$$${STRING_VALUE}", "$value"},
        {"$$$${STRING_VALUE}", "$${STRING_VALUE}"},
        {"$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"},
        {"$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"},
        {"${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"},
        {"${VALUE_WITH_ESCAPE}", "value$$"},
        {"a $$ b", "a $ b"},
        {"a $ b", "a $ b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expansion got = expand(*state, cases[i][0]);
        assert_string_equal(got.text, cases[i][1]);
        assert_int_equal(got.size, strlen(cases[i][1]));
        assert_false(got.failed);
        assert_int_equal(((struct heard *)*state)->count, 0);
    }
}

static void takes_defaults(void **state) {
    static const char *const cases[][2] = {{"${EMPTY:-x}", "x"},
                                           {"${EMPTY}", ""},
                                           {"${NONE:-}", ""},
                                           {"${env:NONE:-a:b}", "a:b"},
                                           {"${_under}", "score"},
                                           {"${file:/nowhere/at/all:-none}", "none"},
                                           {"$", "$"},
                                           {"a$", "a$"},
                                           {"$NAME", "$NAME"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expansion got = expand(*state, cases[i][0]);
        assert_string_equal(got.text, cases[i][1]);
        assert_false(got.failed);
        assert_int_equal(((struct heard *)*state)->count, 0);
    }
    assert_null(expand(*state, "nothing to do").text);
}

static void refuses_what_is_no_reference(void **state) {
    static const char *const cases[][2] = {
        {"${STRING_VALUE:?error}", "':-'"}, {"${1API_KEY}", "begins with no digit"},
        {"${API_$KEY}", "expected '}'"},    {"${}", "expected a name"},
        {"${vault:path#key}", "sources"},   {"${STRING_VALUE", "has no '}'"},
        {"${env:}", "expected a name"},     {"${file:}", "expected a path"},
        {"${A-b}", "expected '}'"},         {"${ A}", "expected a name"}};
    struct heard *heard = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(expand(heard, cases[i][0]).failed);
        assert_int_equal(heard->count, 1);
        assert_int_equal(heard->fault, VARIABLE_MALFORMED);
        assert_non_null(strstr(heard->why, cases[i][1]));
    }
}

static void warns_of_what_is_not_set(void **state) {
    struct heard *heard = *state;
    struct expansion got = expand(heard, "x${NONE}y");
    assert_string_equal(got.text, "xy");
    assert_false(got.failed);
    assert_int_equal(heard->fault, VARIABLE_UNDEFINED);
    assert_string_equal(heard->reference, "${NONE}");
}

static void names_the_origin(void **state) {
    assert_string_equal(expand(*state, "${NONE:-a}${INT_VALUE}").origin, "env:INT_VALUE");
    assert_null(expand(*state, "${NONE:-a}").origin);
}

static void refuses_bytes_that_are_no_text(void **state) {
    struct heard *heard = *state;
    assert_true(expand(heard, "${BROKEN}").failed);
    assert_int_equal(heard->fault, VARIABLE_UNUSABLE);
}

static void refuses_results_without_end(void **state) {
    struct heard *heard = *state;
    size_t size = VARIABLES_RESULT_MAX + 1;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[0] = '$';
    text[size] = '\0';
    assert_true(expand(heard, text).failed);
    assert_int_equal(heard->count, 1);
    assert_int_equal(heard->fault, VARIABLE_UNUSABLE);
    free(text);
}

/* ---- files ---- */

struct folder {
    char path[64];
};

static void make_folder(struct folder *folder) {
    snprintf(folder->path, sizeof folder->path, "/tmp/sluice-variables-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static void write_file(const struct folder *folder, const char *name, const char *text,
                       mode_t mode) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void remove_file(const struct folder *folder, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    unlink(path);
}

static void reads_files_beside_the_configuration(void **state) {
    struct heard *heard = *state;
    struct folder folder;
    make_folder(&folder);
    heard->variables.folder = folder.path;
    write_file(&folder, "secret", "s3cr3t\r\n\n", 0600);
    struct expansion got = expand(heard, "<${file:secret}>");
    assert_string_equal(got.text, "<s3cr3t>");
    assert_string_equal(got.origin, "file:secret");
    assert_true(got.from_file);
    assert_int_equal(heard->count, 0);

    write_file(&folder, "secret", "s3cr3t", 0644);
    got = expand(heard, "${file:secret}");
    assert_string_equal(got.text, "s3cr3t");
    assert_int_equal(heard->fault, VARIABLE_EXPOSED);
    assert_null(strstr(heard->why, "s3cr3t"));
    remove_file(&folder, "secret");
    rmdir(folder.path);
}

static void never_waits_for_a_file(void **state) {
    struct heard *heard = *state;
    struct folder folder;
    make_folder(&folder);
    heard->variables.folder = folder.path;
    char path[128];
    snprintf(path, sizeof path, "%s/fifo", folder.path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(expand(heard, "${file:fifo}").failed);
    assert_string_equal(heard->why, "it is not a regular file");
    assert_true(expand(heard, "${file:.}").failed);
    assert_string_equal(heard->why, "it is a folder");
    assert_true(expand(heard, "${file:none}").failed);
    assert_int_equal(heard->fault, VARIABLE_UNREADABLE);
    assert_true(expand(heard, "${file:/dev/zero}").failed);
    remove_file(&folder, "fifo");
    rmdir(folder.path);
}

static void refuses_large_files(void **state) {
    struct heard *heard = *state;
    struct folder folder;
    make_folder(&folder);
    heard->variables.folder = folder.path;
    char *text = calloc(1, VARIABLES_FILE_MAX + 2);
    memset(text, 'x', VARIABLES_FILE_MAX);
    write_file(&folder, "file", text, 0600);
    assert_int_equal(expand(heard, "${file:file}").size, VARIABLES_FILE_MAX);
    text[VARIABLES_FILE_MAX] = 'x';
    write_file(&folder, "file", text, 0600);
    assert_true(expand(heard, "${file:file}").failed);
    assert_string_equal(heard->why, "it is larger than 64 KiB");
    free(text);
    remove_file(&folder, "file");
    rmdir(folder.path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(follows_opentelemetry),
        TEST(takes_defaults),
        TEST(refuses_what_is_no_reference),
        TEST(warns_of_what_is_not_set),
        TEST(names_the_origin),
        TEST(refuses_bytes_that_are_no_text),
        TEST(refuses_results_without_end),
        TEST(reads_files_beside_the_configuration),
        TEST(never_waits_for_a_file),
        TEST(refuses_large_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
