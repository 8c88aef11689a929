/* measure.h - what was measured of an objective, its alerts, and what is said of both. Pure. */
#ifndef SLO_MEASURE_H
#define SLO_MEASURE_H

#include "objective.h"
#include "rules.h"

enum alert_phase { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

struct window_measure {
    int64_t ms;    /* length of the window */
    int64_t at_ms; /* when it was measured; 0: never */
    struct tally events;
};

struct alert_state {
    char name[ALERT_NAME_BYTES];
    enum alert_phase phase;
    int64_t since_ms;
};

struct measure {
    int64_t at_ms; /* of the newest measurement; 0: none */
    struct window_measure windows[WINDOWS_MAX], period;
    size_t window_count;
    struct alert_state alerts[ALERT_PAIRS_MAX];
    size_t alert_count;
    int64_t slices_until_ms; /* slices before this are judged */
    char trouble[256];       /* why the last try failed, or "" */
    int64_t trouble_ms;
};

/* From and to what the store keeps. Windows and alerts that the objective no longer has are
 * dropped, new ones begin empty. `kept` may be NULL. */
void measure_read(const cJSON *kept, const struct objective *objective, struct measure *measure);
cJSON *measure_write(const struct measure *measure);

const struct window_measure *measure_window(const struct measure *measure, int64_t window_ms);
/* NaN when it was never measured, or holds no events. */
double measure_ratio(const struct measure *measure, int64_t window_ms);

/* Lets the alerts see the windows as they stand now. Sets `changed` bits of alerts that began or
 * ended to fire. */
void measure_alerts(const struct objective *objective, struct measure *measure, int64_t now_ms,
                    unsigned *fired, unsigned *resolved);

/* One item of slo.status. */
cJSON *status_of(const struct objective *objective, const struct measure *measure, int64_t now_ms);

/* How fast the budget burns in fact: the worst of the long windows of an hour and of six, each held
 * against its short one, as the page alerts are. NaN without data. */
double measure_burn(const struct objective *objective, const struct measure *measure);
double measure_budget_left(const struct objective *objective, const struct measure *measure);
bool measure_pages(const struct objective *objective, const struct measure *measure);

#endif
