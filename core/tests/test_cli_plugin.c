/* `sluice plugin new`: what it writes, and what it refuses. */
#include "cli_capture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/sluice-plugin-XXXXXX";

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static int enter(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int leave(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *path_in(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static char *content(const char *name) {
    FILE *file = fopen(path_in(name), "r");
    assert_non_null(file);
    static char text[16384];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static struct said plugin_new(const char *arguments) {
    char line[512];
    snprintf(line, sizeof line, "sluice plugin new %s", arguments);
    return run(line);
}

static void writes_a_plugin_in_c_under_its_name(void **state) {
    (void)state;
    char arguments[300];
    snprintf(arguments, sizeof arguments, "shop-cart --dir %s/c", folder);
    struct said said = plugin_new(arguments);
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(said.out, "/c/plugin.c\n"));
    assert_non_null(strstr(said.out, "/c/tests/test_plugin.c\n"));
    assert_non_null(strstr(said.err, "next: cd "));
    assert_non_null(strstr(content("c/plugin.c"), "\"shop-cart.greet\""));
    assert_null(strstr(content("c/plugin.c"), "@NAME@"));
    assert_non_null(strstr(content("c/CMakeLists.txt"), "sluice_add_plugin(shop-cart"));
    assert_int_equal(access(path_in("c/.clang-format"), R_OK), 0);
    forget(&said);
}

static void writes_a_plugin_in_lua(void **state) {
    (void)state;
    char arguments[300];
    snprintf(arguments, sizeof arguments, "hello --lang lua --dir %s/deep/er/lua", folder);
    struct said said = plugin_new(arguments);
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(content("deep/er/lua/hello.lua"), "name = \"hello\""));
    forget(&said);
}

static void overwrites_nothing(void **state) {
    (void)state;
    char arguments[300];
    assert_int_equal(mkdir(path_in("taken"), 0700), 0);
    FILE *file = fopen(path_in("taken/mine"), "w");
    fclose(file);
    snprintf(arguments, sizeof arguments, "hello --dir %s/taken", folder);
    struct said said = plugin_new(arguments);
    assert_int_equal(said.code, CLI_CONFLICT);
    assert_string_equal(said.out, "");
    assert_non_null(strstr(said.err, "nothing is overwritten"));
    assert_int_not_equal(access(path_in("taken/plugin.c"), F_OK), 0);
    forget(&said);
}

static void refuses_names_that_are_none(void **state) {
    (void)state;
    const char *const lines[] = {"Hello",
                                 "9lives",
                                 "a/b",
                                 "../up",
                                 "x_y",
                                 "abcdefghijklmnopqrstuvwxyz0123456",
                                 "hello --lang rust"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct said said = plugin_new(lines[i]);
        assert_int_equal(said.code, CLI_USAGE);
        forget(&said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_plugin_in_c_under_its_name),
        cmocka_unit_test(writes_a_plugin_in_lua),
        cmocka_unit_test(overwrites_nothing),
        cmocka_unit_test(refuses_names_that_are_none),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
