#include "calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int64_t local(const char *text) {
    int64_t seconds;
    if (!local_time_parse(text, &seconds)) fail_msg("'%s' is refused", text);
    return seconds;
}

static int64_t utc_ms(const char *text) {
    return local(text) * 1000;
}

static void span_is(enum calendar_unit unit, int count, const char *start, const char *zone_name,
                    const char *now, const char *from, const char *until) {
    struct zone zone;
    if (!zone_load(zone_name, &zone)) fail_msg("no zone %s", zone_name);
    const struct calendar calendar = {unit, count, local(start)};
    const struct span span = calendar_span(&calendar, &zone, utc_ms(now));
    if (span.from_ms != utc_ms(from))
        fail_msg("%s: from %lld", now, (long long)span.from_ms / 1000);
    if (span.until_ms != utc_ms(until))
        fail_msg("%s: until %lld", now, (long long)span.until_ms / 1000);
}

static void reads_local_times(void **state) {
    (void)state;
    assert_int_equal(local("1970-01-01"), 0);
    assert_int_equal(local("2026-01-01 12:30"), 1767270600);
    assert_int_equal(local("2026-01-01T12:30:15"), 1767270615);
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2026-01-32",
                                      "26-01-01",
                                      "2026-01-01 25:00",
                                      "2026-01-01 12",
                                      "2026-01-01x",
                                      "1969-01-01",
                                      "2026-01-01 12:30:15+01:00",
                                      "2026-01-01 12:30:61"};
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (local_time_parse(bad[i], &seconds)) fail_msg("'%s' is taken", bad[i]);
}

static void windows_of_the_calendar(void **state) {
    (void)state;
    span_is(CALENDAR_DAY, 1, "1970-01-01", "UTC", "2026-11-22 13:00", "2026-11-22", "2026-11-23");
    span_is(CALENDAR_WEEK, 1, "1970-01-05", "UTC", "2026-11-22 23:59", "2026-11-16", "2026-11-23");
    span_is(CALENDAR_WEEK, 1, "1970-01-05", "UTC", "2026-11-23 00:00", "2026-11-23", "2026-11-30");
    span_is(CALENDAR_MONTH, 1, "1970-01-01", "UTC", "2028-02-29 10:00", "2028-02-01", "2028-03-01");
    span_is(CALENDAR_QUARTER, 1, "1970-01-01", "UTC", "2026-11-22", "2026-10-01", "2027-01-01");
    span_is(CALENDAR_YEAR, 1, "1970-01-01", "UTC", "2026-11-22", "2026-01-01", "2027-01-01");
    /* Own beginnings, and more than one unit. */
    span_is(CALENDAR_WEEK, 2, "2026-01-05 12:00", "UTC", "2026-01-19 11:59", "2026-01-05 12:00",
            "2026-01-19 12:00");
    span_is(CALENDAR_MONTH, 1, "2026-01-31", "UTC", "2026-02-28 10:00", "2026-02-28", "2026-03-31");
    /* Before the start counts back. */
    span_is(CALENDAR_MONTH, 1, "2030-01-15", "UTC", "2026-11-22", "2026-11-15", "2026-12-15");
}

static void offsets_move_the_bounds(void **state) {
    (void)state;
    span_is(CALENDAR_DAY, 1, "1970-01-01", "+05:30", "2026-11-22 18:29", "2026-11-21 18:30",
            "2026-11-22 18:30");
    span_is(CALENDAR_MONTH, 1, "1970-01-01", "-08:00", "2026-12-01 07:59", "2026-11-01 08:00",
            "2026-12-01 08:00");
}

static void summer_time_makes_days_of_23_and_25_hours(void **state) {
    (void)state;
    struct zone zone;
    if (!zone_load("Europe/Berlin", &zone)) skip(); /* a machine without tzdata */
    span_is(CALENDAR_DAY, 1, "1970-01-01", "Europe/Berlin", "2026-03-29 12:00", "2026-03-28 23:00",
            "2026-03-29 22:00");
    span_is(CALENDAR_DAY, 1, "1970-01-01", "Europe/Berlin", "2026-10-25 12:00", "2026-10-24 22:00",
            "2026-10-25 23:00");
    span_is(CALENDAR_MONTH, 1, "1970-01-01", "America/New_York", "2026-11-22", "2026-11-01 04:00",
            "2026-12-01 05:00");
}

/* The C library knows the zones too. */
static void agrees_with_the_c_library(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                        "Australia/Lord_Howe", "America/Sao_Paulo"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct zone zone;
        if (!zone_load(names[n], &zone)) skip();
        assert_int_equal(setenv("TZ", names[n], 1), 0);
        tzset();
        for (int64_t at = 946684800; at < 2051222400; at += 86400 * 3 + 3607) { /* 2000 to 2035 */
            const time_t seconds = (time_t)at;
            struct tm parts;
            localtime_r(&seconds, &parts);
            if (zone_offset_s(&zone, at) != parts.tm_gmtoff)
                fail_msg("%s at %lld: %d", names[n], (long long)at, zone_offset_s(&zone, at));
        }
    }
    unsetenv("TZ");
}

static void every_moment_lies_in_its_window(void **state) {
    (void)state;
    struct zone zone;
    if (!zone_load("America/New_York", &zone)) skip();
    for (int unit = CALENDAR_DAY; unit <= CALENDAR_YEAR; unit++) {
        const struct calendar calendar = {(enum calendar_unit)unit, 1, local("2026-01-05 02:30")};
        for (int64_t at = utc_ms("2024-01-01"); at < utc_ms("2027-01-01");
             at += 5 * 3600000 + 977) {
            const struct span span = calendar_span(&calendar, &zone, at);
            if (at < span.from_ms || at >= span.until_ms)
                fail_msg("unit %d: %lld lies outside", unit, (long long)at);
            const struct span next = calendar_span(&calendar, &zone, span.until_ms);
            assert_int_equal(next.from_ms, span.until_ms);
        }
    }
}

static void refuses_what_is_no_zone(void **state) {
    (void)state;
    struct zone zone;
    static const char *const bad[] = {"Mars/Base", "../../etc/passwd", "/etc/localtime", "+5:30",
                                      "+25:00",    "Europe",           "Europe/Berlin x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (zone_load(bad[i], &zone)) fail_msg("'%s' is taken", bad[i]);
    assert_false(zone_parse((const unsigned char *)"TZif2", 5, &zone));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_local_times),
        cmocka_unit_test(windows_of_the_calendar),
        cmocka_unit_test(offsets_move_the_bounds),
        cmocka_unit_test(summer_time_makes_days_of_23_and_25_hours),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(every_moment_lies_in_its_window),
        cmocka_unit_test(refuses_what_is_no_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
