#include "burn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double budget_ratio(double objective_percent) {
    /* 100 - 99.9 is 0.0999999999999943: twelve decimals are finer than any objective. */
    return round((100 - objective_percent) / 100 * 1e12) / 1e12;
}

double budget_minutes(double objective_percent, int64_t period_ms) {
    return (double)period_ms / (double)MINUTE_MS * budget_ratio(objective_percent);
}

double error_ratio(struct tally events) {
    return events.total > 0 ? events.errors / events.total : (double)NAN;
}

double burn_rate(double ratio, double budget) {
    if (budget > 0) return ratio / budget;
    return ratio > 0 ? (double)INFINITY : ratio;
}

double budget_left(struct tally events, double budget) {
    return 1 - burn_rate(error_ratio(events), budget);
}

double errors_allowed(struct tally events, double budget) {
    return events.total * budget;
}

double burn_factor(double percent, int64_t period_ms, int64_t window_ms) {
    const double period_hours = (double)period_ms / (double)HOUR_MS;
    return percent * period_hours / 100 / ((double)window_ms / (double)HOUR_MS);
}

/* ---- which windows ---- */

struct named_windows {
    const char *name, *severity;
    int64_t long_ms, short_ms;
};

static struct alert_pair make_pair(const struct named_windows *from, double factor) {
    struct alert_pair pair = {
        .long_ms = from->long_ms, .short_ms = from->short_ms, .factor = factor};
    (void)snprintf(pair.name, sizeof pair.name, "%s", from->name);
    (void)snprintf(pair.severity, sizeof pair.severity, "%s", from->severity);
    return pair;
}

bool alert_catalogue(int64_t period_ms, struct alert_pair pairs[4]) {
    static const struct named_windows windows[4] = {
        {"page_quick", "page", HOUR_MS, 5 * MINUTE_MS},
        {"page_slow", "page", 6 * HOUR_MS, 30 * MINUTE_MS},
        {"ticket_quick", "ticket", DAY_MS, 2 * HOUR_MS},
        {"ticket_slow", "ticket", 3 * DAY_MS, 6 * HOUR_MS},
    };
    /* Percent of the budget that each may spend: Sloth's window catalogue. */
    static const struct {
        int64_t period_ms;
        double percent[4];
    } periods[] = {{30 * DAY_MS, {2, 5, 10, 10}},
                   {28 * DAY_MS, {2, 5, 10, 10}},
                   {7 * DAY_MS, {8, 12.5, 20, 42}}};
    for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) {
        if (periods[p].period_ms != period_ms) continue;
        for (size_t i = 0; i < 4; i++)
            pairs[i] = make_pair(&windows[i],
                                 burn_factor(periods[p].percent[i], period_ms, windows[i].long_ms));
        return true;
    }
    return false;
}

/* Half a minute rounds up, as Go's Duration.Round. */
static int64_t to_minute(double ms) {
    return (int64_t)floor(ms / (double)MINUTE_MS + 0.5) * MINUTE_MS;
}

void alert_scaled(int64_t period_ms, struct alert_pair pairs[4]) {
    /* Pyrra's windows for 28 days. */
    static const struct {
        struct named_windows windows;
        int64_t for_ms;
        double factor;
    } at_28_days[4] = {
        {{"page_quick", "page", HOUR_MS, 5 * MINUTE_MS}, 2 * MINUTE_MS, 14},
        {{"page_slow", "page", 6 * HOUR_MS, 30 * MINUTE_MS}, 15 * MINUTE_MS, 7},
        {{"ticket_quick", "ticket", DAY_MS, 2 * HOUR_MS}, HOUR_MS, 2},
        {{"ticket_slow", "ticket", 4 * DAY_MS, 6 * HOUR_MS}, 3 * HOUR_MS, 1},
    };
    const double scale = (double)period_ms / (double)(28 * DAY_MS);
    for (size_t i = 0; i < 4; i++) {
        pairs[i] = make_pair(&at_28_days[i].windows, at_28_days[i].factor);
        pairs[i].long_ms = to_minute((double)pairs[i].long_ms * scale);
        pairs[i].short_ms = to_minute((double)pairs[i].short_ms * scale);
        pairs[i].for_ms = to_minute((double)at_28_days[i].for_ms * scale);
    }
}

/* ---- firing ---- */

double alert_threshold(const struct alert_pair *pair, double budget) {
    return pair->factor * budget;
}

bool alert_reachable(const struct alert_pair *pair, double budget) {
    return alert_threshold(pair, budget) < 1;
}

bool alert_breaches(const struct alert_pair *pair, double budget, double long_ratio,
                    double short_ratio) {
    const double threshold = alert_threshold(pair, budget);
    /* Comparisons with NaN are false: no traffic never fires. */
    return long_ratio > threshold && (!pair->short_ms || short_ratio > threshold);
}

struct detection alert_detection(const struct alert_pair *pair, double budget, double ratio,
                                 int64_t period_ms) {
    const double threshold = alert_threshold(pair, budget);
    if (!(ratio > threshold)) return (struct detection){.fires = false};
    const double share = threshold / ratio;
    return (struct detection){
        .fires = true,
        .fire_ms = share * (double)pair->long_ms,
        .short_crosses_ms = share * (double)pair->short_ms,
        .reset_ms = (double)pair->short_ms * (1 - share),
        .spent_percent = 100 * pair->factor * (double)pair->long_ms / (double)period_ms,
    };
}

double exhaustion_ms(double burn, int64_t period_ms) {
    return burn > 0 ? (double)period_ms / burn : (double)INFINITY;
}

int64_t absence_for_ms(double target, const struct alert_pair *quickest) {
    const double seconds =
        floor(quickest->factor * (1 - target) * ((double)quickest->long_ms / 1000));
    return to_minute(seconds * 1000 + (double)quickest->for_ms);
}

void duration_text(int64_t ms, char *text, size_t size) {
    static const struct {
        int64_t ms;
        const char *unit;
        bool whole; /* only where nothing is left over */
    } units[] = {{365 * DAY_MS, "y", true}, {7 * DAY_MS, "w", true}, {DAY_MS, "d", false},
                 {HOUR_MS, "h", false},     {MINUTE_MS, "m", false}, {1000, "s", false},
                 {1, "ms", false}};
    size_t used = 0;
    if (size) *text = 0;
    if (ms <= 0) (void)snprintf(text, size, "0s");
    for (size_t i = 0; ms > 0 && i < sizeof units / sizeof *units; i++) {
        if (ms < units[i].ms || (units[i].whole && ms % units[i].ms)) continue;
        const int wrote = snprintf(text + used, size - used, "%lld%s",
                                   (long long)(ms / units[i].ms), units[i].unit);
        if (wrote < 0 || (size_t)wrote >= size - used) return;
        used += (size_t)wrote;
        ms %= units[i].ms;
    }
}
