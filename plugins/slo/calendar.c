#include "calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, WEEK_S = 7 * DAY_S };

/* ---- dates: Howard Hinnant's days_from_civil and civil_from_days ---- */

int64_t civil_days(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_date(int64_t days, int64_t *year, unsigned *month, unsigned *day) {
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t of_era = days - era * 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

bool local_time_parse(const char *text, int64_t *local_s) {
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    char between = ' ';
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10) return false;
    const char *rest = text + used;
    if (*rest) {
        used = 0;
        const int read =
            sscanf(rest, "%c%2d:%2d%n:%2d%n", &between, &hour, &minute, &used, &second, &used);
        if (read < 3 || (between != ' ' && between != 'T') || !used) return false;
        if (rest[used] && strcmp(rest + used, "Z") != 0) return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *local_s = civil_days(year, (unsigned)month, (unsigned)day) * DAY_S + hour * 3600 +
               minute * 60 + second;
    return true;
}

/* ---- zones ---- */

int32_t zone_offset_s(const struct zone *zone, int64_t utc_s) {
    size_t low = 0, high = zone->count; /* the first change after utc_s */
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (zone->at_s[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? zone->offset_s[low - 1] : zone->first_offset_s;
}

int64_t zone_to_utc_s(const struct zone *zone, int64_t local_s) {
    /* Offsets on both sides of the moment; the larger one gives the earlier moment. */
    const int32_t before = zone_offset_s(zone, local_s - DAY_S);
    const int32_t after = zone_offset_s(zone, local_s + DAY_S);
    const int64_t early = local_s - (before > after ? before : after);
    if (early + zone_offset_s(zone, early) == local_s) return early;
    return local_s - (before > after ? after : before);
}

static int64_t big_endian(const unsigned char *at, size_t size) {
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | at[i];
    return (int64_t)value;
}

/* The six counts of a header, in their order in the file. */
struct zone_counts {
    int64_t utc, standard, leap, changes, types, letters;
};

static bool read_header(const unsigned char *bytes, size_t size, struct zone_counts *counts) {
    if (size < 44 || memcmp(bytes, "TZif", 4) != 0) return false;
    int64_t *const into[] = {&counts->utc,     &counts->standard, &counts->leap,
                             &counts->changes, &counts->types,    &counts->letters};
    for (size_t i = 0; i < 6; i++) {
        *into[i] = big_endian(bytes + 20 + 4 * i, 4);
        if (*into[i] < 0 || *into[i] > ZONE_FILE_BYTES_MAX) return false;
    }
    return counts->types > 0;
}

static size_t body_bytes(const struct zone_counts *counts, int64_t time_bytes) {
    return (size_t)(counts->changes * (time_bytes + 1) + counts->types * 6 + counts->letters +
                    counts->leap * (time_bytes + 4) + counts->standard + counts->utc);
}

bool zone_parse(const unsigned char *bytes, size_t size, struct zone *zone) {
    struct zone_counts counts;
    if (!read_header(bytes, size, &counts) || bytes[4] < '2') return false;
    const size_t first = 44 + body_bytes(&counts, 4); /* the 32-bit half is passed over */
    if (first > size || !read_header(bytes + first, size - first, &counts)) return false;
    const unsigned char *times = bytes + first + 44;
    if (body_bytes(&counts, 8) > size - first - 44) return false;
    const unsigned char *kinds = times + counts.changes * 8, *types = kinds + counts.changes;
    *zone = (struct zone){.first_offset_s = (int32_t)big_endian(types, 4)};
    /* The newest ones, when there are more than are kept. */
    int64_t i = counts.changes > ZONE_CHANGES_MAX ? counts.changes - ZONE_CHANGES_MAX : 0;
    for (; i < counts.changes; i++) {
        if (kinds[i] >= counts.types) return false;
        const int64_t offset = big_endian(types + 6 * kinds[i], 4);
        if (offset < -DAY_S || offset > DAY_S) return false;
        zone->at_s[zone->count] = big_endian(times + 8 * i, 8);
        if (zone->count && zone->at_s[zone->count] <= zone->at_s[zone->count - 1]) return false;
        zone->offset_s[zone->count++] = (int32_t)offset;
    }
    return true;
}

static bool fixed_offset(const char *name, struct zone *zone) {
    int hours, minutes, used = 0;
    char sign;
    if (sscanf(name, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || used != 6) return false;
    if (name[used] || (sign != '+' && sign != '-') || hours > 14 || minutes > 59) return false;
    *zone = (struct zone){.first_offset_s = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60)};
    return true;
}

static bool is_zone_name(const char *name) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    const size_t size = strlen(name);
    return size && size < 64 && strspn(name, letters) == size && name[0] != '/';
}

bool zone_load(const char *name, struct zone *zone) {
    *zone = (struct zone){.count = 0};
    if (!*name || strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0) return true;
    if (fixed_offset(name, zone)) return true;
    if (!is_zone_name(name)) return false;
    char path[128];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = file ? malloc(ZONE_FILE_BYTES_MAX) : NULL;
    const size_t size = bytes ? fread(bytes, 1, ZONE_FILE_BYTES_MAX, file) : 0;
    const bool good = size && zone_parse(bytes, size, zone);
    free(bytes);
    if (file) (void)fclose(file);
    return good;
}

/* ---- windows ---- */

static int64_t add_months(int64_t local_s, int64_t months) {
    int64_t year;
    unsigned month, day;
    const int64_t days = floor_div(local_s, DAY_S);
    civil_date(days, &year, &month, &day);
    const int64_t total = year * 12 + month - 1 + months;
    const int64_t to_year = floor_div(total, 12);
    const unsigned to_month = (unsigned)(total - to_year * 12) + 1;
    /* The 31st of a short month is its last day. */
    const int64_t first = civil_days(to_year, to_month, 1);
    const int64_t next = civil_days(to_month == 12 ? to_year + 1 : to_year, to_month % 12 + 1, 1);
    const int64_t wanted = first + day - 1;
    return (wanted < next ? wanted : next - 1) * DAY_S + (local_s - days * DAY_S);
}

static int64_t months_between(int64_t from_local, int64_t to_local) {
    int64_t from_year, to_year;
    unsigned from_month, to_month, day;
    civil_date(floor_div(from_local, DAY_S), &from_year, &from_month, &day);
    civil_date(floor_div(to_local, DAY_S), &to_year, &to_month, &day);
    return (to_year - from_year) * 12 + (int64_t)to_month - (int64_t)from_month;
}

static void local_bounds(const struct calendar *calendar, int64_t now, int64_t *from,
                         int64_t *until) {
    static const int months[] = {
        [CALENDAR_MONTH] = 1, [CALENDAR_QUARTER] = 3, [CALENDAR_YEAR] = 12};
    const int count = calendar->count > 0 ? calendar->count : 1;
    const int64_t start = calendar->start_local;
    if (calendar->unit <= CALENDAR_WEEK) {
        const int64_t length = (int64_t)count * (calendar->unit == CALENDAR_DAY ? DAY_S : WEEK_S);
        *from = start + floor_div(now - start, length) * length;
        *until = *from + length;
        return;
    }
    const int64_t step = (int64_t)count * months[calendar->unit];
    int64_t n = floor_div(months_between(start, now), step);
    while (add_months(start, n * step) > now) n--;
    while (add_months(start, (n + 1) * step) <= now) n++;
    *from = add_months(start, n * step);
    *until = add_months(start, (n + 1) * step);
}

struct span calendar_span(const struct calendar *calendar, const struct zone *zone,
                          int64_t now_ms) {
    const int64_t now_s = floor_div(now_ms, 1000);
    int64_t from, until;
    local_bounds(calendar, now_s + zone_offset_s(zone, now_s), &from, &until);
    return (struct span){zone_to_utc_s(zone, from) * 1000, zone_to_utc_s(zone, until) * 1000};
}
