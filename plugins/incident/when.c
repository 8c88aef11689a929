#include "when.h"

#include <stdio.h>

enum { DAY = 86400 };

/* Days since 1970 of a date in the Gregorian calendar (Howard Hinnant, days_from_civil). */
static int64_t days_from(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date {
    int64_t year, month, day, second; /* second of the day */
};

static struct date date_of(int64_t seconds) {
    const int64_t z = (seconds >= 0 ? seconds : seconds - DAY + 1) / DAY + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t of_era = z - era * 146097;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    const int64_t m = (5 * of_year + 2) / 153;
    const int64_t month = m < 10 ? m + 3 : m - 9;
    return (struct date){.year = year + era * 400 + (month <= 2),
                         .month = month,
                         .day = of_year - (153 * m + 2) / 5 + 1,
                         .second = ((seconds % DAY) + DAY) % DAY};
}

/* Reads `digits` digits at *p. */
static bool number(const char **p, const char *end, int digits, int64_t *out) {
    *out = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9') return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool mark(const char **p, const char *end, const char *any) {
    if (*p >= end || !**p || !strchr(any, **p)) return false;
    (*p)++;
    return true;
}

static bool zone(const char **p, const char *end, int64_t *seconds) {
    *seconds = 0;
    if (mark(p, end, "Zz")) return true;
    if (*p >= end || (**p != '+' && **p != '-')) return false;
    const int64_t sign = *(*p)++ == '-' ? -1 : 1;
    int64_t h, m;
    if (!number(p, end, 2, &h) || !mark(p, end, ":") || !number(p, end, 2, &m)) return false;
    if (h > 23 || m > 59) return false;
    *seconds = sign * (h * 3600 + m * 60);
    return true;
}

bool when_parse(struct text text, int64_t *ms) {
    const char *p = text.at, *end = text.size ? p + text.size : p;
    int64_t y, mo, d, h, mi, s, offset, milli = 0, scale = 100;
    if (!p || !number(&p, end, 4, &y) || !mark(&p, end, "-") || !number(&p, end, 2, &mo) ||
        !mark(&p, end, "-") || !number(&p, end, 2, &d) || !mark(&p, end, "Tt ") ||
        !number(&p, end, 2, &h) || !mark(&p, end, ":") || !number(&p, end, 2, &mi) ||
        !mark(&p, end, ":") || !number(&p, end, 2, &s))
        return false;
    if (mark(&p, end, ".,")) {
        const char *from = p;
        for (; p < end && *p >= '0' && *p <= '9'; p++, scale /= 10) milli += (*p - '0') * scale;
        if (p == from) return false;
    }
    if (!zone(&p, end, &offset) || p != end) return false;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 60) return false;
    const int64_t seconds = days_from(y, mo, d) * DAY + h * 3600 + mi * 60 + s - offset;
    *ms = seconds < 0 ? 0 : seconds * 1000 + milli;
    return true;
}

const char *when_print(int64_t ms, char out[WHEN_TEXT]) {
    const struct date d = date_of(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    const int64_t milli = ((ms % 1000) + 1000) % 1000;
    int n = snprintf(out, WHEN_TEXT, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld",
                     (long long)(d.year % 10000), (long long)d.month, (long long)d.day,
                     (long long)(d.second / 3600), (long long)(d.second / 60 % 60),
                     (long long)(d.second % 60));
    if (milli) n += snprintf(out + n, WHEN_TEXT - (size_t)n, ".%03lld", (long long)milli);
    (void)snprintf(out + n, WHEN_TEXT - (size_t)n, "Z");
    return out;
}

const char *when_clock(int64_t ms, char out[WHEN_TEXT]) {
    const struct date d = date_of(ms / 1000);
    (void)snprintf(out, WHEN_TEXT, "%02lld:%02lld UTC", (long long)(d.second / 3600),
                   (long long)(d.second / 60 % 60));
    return out;
}

const char *when_day(int64_t ms, char out[WHEN_TEXT]) {
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    const struct date d = date_of(ms / 1000);
    (void)snprintf(out, WHEN_TEXT, "%lld %s %lld, %02lld:%02lld UTC", (long long)d.day,
                   months[(d.month - 1) % 12], (long long)(d.year % 10000),
                   (long long)(d.second / 3600), (long long)(d.second / 60 % 60));
    return out;
}

static int part(char *out, size_t room, int64_t n, const char *word) {
    return snprintf(out, room, "%lld %s%s", (long long)n, word, n == 1 ? "" : "s");
}

const char *when_lasting(int64_t ms, char out[WHEN_TEXT]) {
    const int64_t s = ms < 0 ? 0 : (ms + 500) / 1000;
    const int64_t units[][2] = {{s / DAY, s / 3600 % 24}, {s / 3600, s / 60 % 60}};
    static const char *const words[][2] = {{"day", "hour"}, {"hour", "minute"}};
    for (int i = 0; i < 2; i++) {
        if (!units[i][0]) continue;
        const int n = part(out, WHEN_TEXT, units[i][0], words[i][0]);
        if (units[i][1]) {
            out[n] = ' ';
            part(out + n + 1, WHEN_TEXT - (size_t)n - 1, units[i][1], words[i][1]);
        }
        return out;
    }
    if (s >= 60)
        part(out, WHEN_TEXT, s / 60, "minute");
    else
        part(out, WHEN_TEXT, s, "second");
    return out;
}
