/* report.h - one window's report as slo-generator makes it, for those who come from there. Pure. */
#ifndef SLO_REPORT_H
#define SLO_REPORT_H

#include <stdbool.h>

enum { REPORT_NO_DATA = -1, REPORT_EVENTS_LEAST = 1 };

struct report_input {
    double good, bad; /* events; REPORT_NO_DATA: this side is not known */
    double goal;      /* 0.999 */
    double window_s;
    double threshold; /* of the burn rate, above which it alerts */
};

struct report {
    bool valid;
    const char *why; /* not valid */
    double sli, gap; /* sli: six decimals */
    double burn;     /* one decimal */
    double remaining_minutes, budget_minutes, error_minutes, consumed_percent;
    bool alert;
};

struct report report_of(const struct report_input *input);

/* slo-generator's default error budget policy: 1 h, 12 h, 7 d, 28 d. */
struct report_step {
    double window_s, threshold;
    const char *name, *consequence;
};
extern const struct report_step report_steps[4];

#endif
