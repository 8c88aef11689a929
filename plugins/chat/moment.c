#include "moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

static int64_t midnight(int64_t now_ms) {
    return now_ms - now_ms % DAY_MS;
}

/* Phrases of fixed words, longest first; both ends relative to midnight of today (UTC), in hours;
 * NOW for an end that is now. */
enum { NOW = 10000 };

static const struct phrase {
    const char *words;
    int from_h, to_h;
} phrases[] = {{"day before yesterday", -48, -24},
               {"yesterday evening", -7, 0},
               {"yesterday morning", -20, -12},
               {"yesterday afternoon", -12, -6},
               {"yesterday night", -6, 6},
               {"last night", -6, 6},
               {"last evening", -7, 0},
               {"this morning", 4, 12},
               {"this afternoon", 12, 18},
               {"this evening", 17, 24},
               {"over night", -6, 6},
               {"overnight", -6, 6},
               {"tonight", 17, 30},
               {"yesterday", -24, 0},
               {"today", 0, NOW}};

/* The words of a phrase from place `at` on; 0: others stand there. */
static size_t stands_at(const struct words *words, size_t at, const char *phrase) {
    size_t used = 0;
    while (*phrase) {
        const size_t size = strcspn(phrase, " ");
        if (at + used == words->count) return 0;
        const char *text = words->at[at + used].text;
        if (strlen(text) != size || memcmp(text, phrase, size) != 0) return 0;
        used++;
        phrase += size;
        while (*phrase == ' ') phrase++;
    }
    return used;
}

static void take(struct words *words, size_t at, size_t count) {
    for (size_t i = at; i < at + count && i < words->count; i++) words->at[i].taken = true;
}

static bool fixed_phrase(struct words *words, int64_t now_ms, struct moment *out) {
    for (size_t p = 0; p < sizeof phrases / sizeof *phrases; p++)
        for (size_t i = 0; i < words->count; i++) {
            const size_t used = stands_at(words, i, phrases[p].words);
            if (!used) continue;
            take(words, i, used);
            const int64_t base = midnight(now_ms);
            out->from_ms = base + phrases[p].from_h * HOUR_MS;
            out->to_ms = phrases[p].to_h == NOW ? now_ms : base + phrases[p].to_h * HOUR_MS;
            if (out->to_ms > now_ms) out->to_ms = now_ms;
            /* Before four in the morning "this morning" is the day before's. */
            if (out->from_ms >= out->to_ms) out->from_ms -= DAY_MS, out->to_ms -= DAY_MS;
            out->words = phrases[p].words;
            return true;
        }
    return false;
}

static int64_t unit_ms(const char *text) {
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = {{"minute", MINUTE_MS}, {"min", MINUTE_MS},   {"hour", HOUR_MS},
                 {"day", DAY_MS},       {"week", 7 * DAY_MS}, {"month", 30 * DAY_MS}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t size = strlen(units[i].word);
        if (strncmp(text, units[i].word, size) == 0 &&
            (!text[size] || strcmp(text + size, "s") == 0))
            return units[i].ms;
    }
    return 0;
}

/* "last 3 hours", "past week", "30 minutes ago", "this week", "24h". */
static bool span(struct words *words, int64_t now_ms, struct moment *out) {
    for (size_t i = 0; i < words->count; i++) {
        const char *text = words->at[i].text;
        char *rest = NULL;
        long number = strtol(text, &rest, 10);
        int64_t ms = 0;
        size_t used = 1;
        if (rest != text && number > 0 && number < 10000) {
            if (*rest && !rest[1])
                ms = strchr("hmd", *rest) ? (*rest == 'h'   ? HOUR_MS
                                             : *rest == 'm' ? MINUTE_MS
                                                            : DAY_MS)
                                          : 0;
            if (!*rest && i + 1 < words->count) ms = unit_ms(words->at[i + 1].text), used = 2;
        } else if (i && (ms = unit_ms(text)) != 0) {
            const char *before = words->at[i - 1].text;
            number = strcmp(before, "last") == 0 || strcmp(before, "past") == 0 ||
                     strcmp(before, "this") == 0 || strcmp(before, "an") == 0;
        }
        if (!ms || number <= 0) continue;
        take(words, i, used);
        if (i && (strcmp(words->at[i - 1].text, "last") == 0 ||
                  strcmp(words->at[i - 1].text, "past") == 0))
            take(words, i - 1, 1);
        *out = (struct moment){now_ms - number * ms, now_ms, "that time"};
        return true;
    }
    return false;
}

static const char *const week[] = {"thursday", "friday",  "saturday", "sunday",
                                   "monday",   "tuesday", "wednesday"}; /* 1970 began so */

/* The time that began at `from`: "since" goes on until now, else it is that day. */
static void whole_day(struct moment *out, int64_t from_ms, bool since, int64_t now_ms) {
    out->from_ms = from_ms;
    out->to_ms = since || from_ms + DAY_MS > now_ms ? now_ms : from_ms + DAY_MS;
    out->words = since ? "since then" : "that day";
}

static bool day_or_clock(struct words *words, int64_t now_ms, struct moment *out) {
    for (size_t i = 0; i < words->count; i++) {
        const char *text = words->at[i].text;
        const bool since = i && (strcmp(words->at[i - 1].text, "since") == 0);
        int hour = 0, minute = 0, used = 0;
        if (sscanf(text, "%2d:%2d%n", &hour, &minute, &used) == 2 && !text[used] && hour < 24 &&
            minute < 60 && hour >= 0 && minute >= 0) {
            int64_t at = midnight(now_ms) + hour * HOUR_MS + minute * MINUTE_MS;
            if (at > now_ms) at -= DAY_MS;
            *out = (struct moment){since ? at : at - 30 * MINUTE_MS,
                                   since ? now_ms : at + 30 * MINUTE_MS, "around that time"};
            if (out->to_ms > now_ms) out->to_ms = now_ms;
            take(words, i, 1);
            return true;
        }
        for (int64_t back = 1; back <= 7; back++) {
            const int64_t day = now_ms / DAY_MS - back;
            if (strcmp(text, week[day % 7]) != 0) continue;
            whole_day(out, day * DAY_MS, since, now_ms);
            take(words, i, 1);
            return true;
        }
    }
    return false;
}

struct moment moment_read(struct words *words, int64_t now_ms) {
    struct moment out = {0};
    if (fixed_phrase(words, now_ms, &out)) {
        const int since = words_find(words, "since");
        if (since >= 0 && (size_t)since + 1 < words->count && words->at[since + 1].taken)
            out.to_ms = now_ms;
        return out;
    }
    if (span(words, now_ms, &out) || day_or_clock(words, now_ms, &out)) return out;
    return (struct moment){0};
}
