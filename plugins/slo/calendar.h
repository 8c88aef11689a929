/* calendar.h - calendar windows: days, weeks, months and quarters in a time zone. Pure but for
 * zone_load, which reads the system's zone files. */
#ifndef SLO_CALENDAR_H
#define SLO_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZONE_CHANGES_MAX = 400, ZONE_FILE_BYTES_MAX = 65536 };

/* Offsets from UTC over time. Zeroed it is UTC. */
struct zone {
    size_t count;
    int64_t at_s[ZONE_CHANGES_MAX]; /* from here on, rising */
    int32_t offset_s[ZONE_CHANGES_MAX];
    int32_t first_offset_s; /* before the first change */
};

/* "UTC", "+05:30", or a name as "Europe/Berlin". False: no such zone. */
bool zone_load(const char *name, struct zone *zone);
/* Reads a zone file (RFC 8536). False: it is none. */
bool zone_parse(const unsigned char *bytes, size_t size, struct zone *zone);
int32_t zone_offset_s(const struct zone *zone, int64_t utc_s);
/* UTC of a local time; one that occurs twice is the earlier, one that is skipped moves on. */
int64_t zone_to_utc_s(const struct zone *zone, int64_t local_s);

enum calendar_unit { CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER, CALENDAR_YEAR };

struct calendar {
    enum calendar_unit unit;
    int count; /* of units, 1 or more */
    int64_t
        start_local; /* seconds since 1970 on the local clock: where one of the windows begins */
};

struct span {
    int64_t from_ms, until_ms;
};

/* The window that holds this moment. */
struct span calendar_span(const struct calendar *calendar, const struct zone *zone, int64_t now_ms);

/* "2022-01-01", "2022-01-01 12:00", "2022-01-01 12:00:00", also with a 'T'. False: none of these. */
bool local_time_parse(const char *text, int64_t *local_s);
int64_t civil_days(int64_t year, unsigned month, unsigned day); /* since 1970-01-01 */

#endif
