/* Decimals are the bytes that printf writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decimal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void same_as_printf(double value) {
    for (unsigned places = 0; places <= 3; places++) {
        char wanted[512], got[DECIMAL_BYTES];
        snprintf(wanted, sizeof wanted, "%.*f", (int)places, value);
        wanted[DECIMAL_BYTES - 1] = '\0';
        assert_int_equal(decimal_write(value, places, got), strlen(wanted));
        assert_string_equal(got, wanted);
    }
}

static void edges(void **state) {
    (void)state;
    static const double values[] = {0,
                                    0.5,
                                    1.5,
                                    2.5,
                                    0.25,
                                    0.125,
                                    0.375,
                                    0.005,
                                    0.015,
                                    1.005,
                                    2.675,
                                    0.995,
                                    9.995,
                                    99.95,
                                    999.5,
                                    0.05,
                                    1e-300,
                                    5e-324,
                                    1e15,
                                    1e16,
                                    1e22,
                                    1e300,
                                    0.49999999999999994,
                                    4503599627370495.5,
                                    4503599627370496.0,
                                    45035996273704.955};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        same_as_printf(values[i]);
        same_as_printf(-values[i]);
    }
    same_as_printf(INFINITY);
    same_as_printf(-INFINITY);
    same_as_printf((double)NAN);
}

/* Halves and their neighbours, small shares, and any bits at all. */
static void many(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252ULL;
    for (int i = 0; i < 60000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double any;
        memcpy(&any, &bits, sizeof any);
        const double half = (double)(int64_t)(bits % 2000001) / 200 - 5000;
        same_as_printf(any);
        same_as_printf(half);
        same_as_printf(nextafter(half, 1e9));
        same_as_printf(ldexp((double)(bits >> 11), -(int)(bits % 90)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(edges), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
