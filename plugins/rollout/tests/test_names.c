#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fitting_names(void **state) {
    (void)state;
    assert_true(app_name_fits("shop"));
    assert_true(app_name_fits("payments-service"));
    assert_true(app_name_fits("a"));
    assert_true(app_name_fits("v2-api"));
    char longest[APP_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[APP_NAME_MAX] = 0;
    assert_true(app_name_fits(longest));
}

static void names_that_do_not_fit(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "Shop", "2shop", "-shop",       "shop-",
                                      "a_b", "a.b",  "a b",   "sh\xc3\xb6p", "a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(app_name_fits(bad[i]));
    char too_long[APP_NAME_MAX + 2];
    memset(too_long, 'a', sizeof too_long);
    too_long[APP_NAME_MAX + 1] = 0;
    assert_false(app_name_fits(too_long));
}

static void mended_names_fit(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {{"Shop_API", "shop-api"}, {"2shop", "shop"}, {"--", "a"}, {"", "a"},
                {"a..b--", "a-b"},        {"\xc3\xb6", "a"}};
    char mended[APP_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        app_name_mend(rows[i].from, mended);
        assert_string_equal(mended, rows[i].to);
        assert_true(app_name_fits(mended));
    }
    char huge[300];
    memset(huge, 'Z', sizeof huge);
    huge[299] = 0;
    app_name_mend(huge, mended);
    assert_true(app_name_fits(mended));
}

static void joining(void **state) {
    (void)state;
    char name[KUBE_NAME_MAX + 1];
    kube_name(name, NULL, "shop", "prod");
    assert_string_equal(name, "shop-prod");
    kube_name(name, "acme", "shop", "prod");
    assert_string_equal(name, "acme-shop-prod");
    kube_name(name, "shop", NULL, NULL);
    assert_string_equal(name, "shop");
}

static void long_names_stay_apart(void **state) {
    (void)state;
    char part[61];
    memset(part, 'a', sizeof part);
    part[60] = 0;
    char one[KUBE_NAME_MAX + 1], two[KUBE_NAME_MAX + 1], exact[KUBE_NAME_MAX + 1];
    kube_name(exact, part, "bc", NULL); /* 63: fits to the byte */
    assert_int_equal(strlen(exact), 63);
    assert_string_equal(exact + 60, "-bc");
    kube_name(one, part, "prod", NULL);
    kube_name(two, part, "proc", NULL);
    assert_int_equal(strlen(one), 63);
    assert_int_equal(strlen(two), 63);
    assert_string_not_equal(one, two);
    assert_memory_equal(one, part, 54);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitting_names),         cmocka_unit_test(names_that_do_not_fit),
        cmocka_unit_test(mended_names_fit),      cmocka_unit_test(joining),
        cmocka_unit_test(long_names_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
