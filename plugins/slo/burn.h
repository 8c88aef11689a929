/* burn.h - error budgets, burn rates and the windows that alert on them. Pure.
 *
 * Words: an objective of 99.9 % leaves a budget of 0.001 of all events. The error ratio of a window
 * divided by the budget is its burn rate: at 1 the budget lasts exactly the period. A pair of
 * windows fires when both ratios are above factor * budget (strictly): the long one says that it
 * matters, the short one that it is still going on. (The SRE workbook, "Alerting on SLOs".) */
#ifndef SLO_BURN_H
#define SLO_BURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)

enum { ALERT_PAIRS_MAX = 8, ALERT_NAME_BYTES = 64 };

/* Events of a window: never a ratio, so that windows can be summed. */
struct tally {
    double errors, total;
};

struct alert_pair {
    char name[ALERT_NAME_BYTES]; /* "page_quick" */
    char severity[16];           /* "page" or "ticket" */
    int64_t long_ms, short_ms;   /* short_ms 0: the long one alone */
    int64_t for_ms;              /* how long it must hold before it fires */
    double factor;
};

/* The share of events that may fail: 0.001 for 99.9. Cleaned of the binary rest that 100 - 99.9
 * leaves, so that 0.1 % is 0.1 %. */
double budget_ratio(double objective_percent);
double budget_minutes(double objective_percent, int64_t period_ms);

/* NaN without events: no traffic is neither good nor bad. */
double error_ratio(struct tally events);
double burn_rate(double ratio, double budget);
/* The share of the budget that is left: 1 untouched, 0 spent, below 0 overspent; NaN without
 * events. */
double budget_left(struct tally events, double budget);
/* How many errors the budget allows for these events. */
double errors_allowed(struct tally events, double budget);

/* The burn rate that spends `percent` of the period's budget within `window`. */
double burn_factor(double percent, int64_t period_ms, int64_t window_ms);

/* Sloth's catalogue for 30, 28 and 7 days: page_quick, page_slow, ticket_quick, ticket_slow. False:
 * no such period is in it. */
bool alert_catalogue(int64_t period_ms, struct alert_pair pairs[4]);
/* Pyrra's windows, scaled from 28 days to any period, each rounded to the minute. */
void alert_scaled(int64_t period_ms, struct alert_pair pairs[4]);

/* The ratio above which a pair fires; a pair with a threshold of 1 or more never can. */
double alert_threshold(const struct alert_pair *pair, double budget);
bool alert_reachable(const struct alert_pair *pair, double budget);
/* Ratios may be NaN (no traffic): then it does not fire. */
bool alert_breaches(const struct alert_pair *pair, double budget, double long_ratio,
                    double short_ratio);

/* What a constant error ratio does to a pair, from a clean state. */
struct detection {
    bool fires;
    double fire_ms, short_crosses_ms, reset_ms; /* reset: after the errors stopped */
    double spent_percent;                       /* of the budget, when it fires */
};
struct detection alert_detection(const struct alert_pair *pair, double budget, double ratio,
                                 int64_t period_ms);

/* How long a whole budget lasts; INFINITY at 0. */
double exhaustion_ms(double burn, int64_t period_ms);
/* Pyrra's wait before the absence of data alerts. */
int64_t absence_for_ms(double target, const struct alert_pair *quickest);

/* As Prometheus writes durations: "4w", "2d", "1h30m". */
void duration_text(int64_t ms, char *text, size_t size);

#endif
