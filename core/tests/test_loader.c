/* The order of plugins, and files that are no plugins. */
#include "loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct plugin make(const char *name, const char *needs) {
    return (struct plugin){.name = name, .face = {.name = name, .requires_plugins = needs}};
}

static void requirements_come_first(void **state) {
    (void)state;
    struct plugin a = make("a", "c b"), b = make("b", "c"), c = make("c", NULL), d = make("d", "");
    struct plugin *list[] = {&a, &b, &c, &d};
    assert_null(loader_order(list, 4));
    assert_string_equal(list[0]->name, "c");
    assert_string_equal(list[1]->name, "b");
    assert_string_equal(list[2]->name, "a");
    assert_string_equal(list[3]->name, "d");
}

static void says(struct plugin **list, size_t count, const char *expected) {
    char *text = loader_order(list, count);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void circles_are_named(void **state) {
    (void)state;
    struct plugin a = make("a", "b"), b = make("b", "a"), c = make("c", NULL), s = make("s", "s");
    struct plugin *list[] = {&a, &b, &c};
    says(list, 3, "plugins require each other in a circle: a, b");
    struct plugin *self[] = {&s};
    says(self, 1, "plugins require each other in a circle: s");
}

static void a_missing_one_is_named(void **state) {
    (void)state;
    struct plugin a = make("a", " risk");
    struct plugin *list[] = {&a};
    says(list, 1, "plugin a requires plugin risk, which is not loaded: add it under 'plugins'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requirements_come_first),
        cmocka_unit_test(circles_are_named),
        cmocka_unit_test(a_missing_one_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
