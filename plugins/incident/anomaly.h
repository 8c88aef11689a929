/* anomaly.h - log templates that are new or come at another rate than before. Pure. */
#ifndef INCIDENT_ANOMALY_H
#define INCIDENT_ANOMALY_H

#include <stddef.h>

struct pattern {
    double before_lines, before_minutes; /* in the quiet stretch */
    double now_lines, now_minutes;       /* since the onset */
    int severity;                        /* OTLP 1..24, 0: not said */
};

enum anomaly { ANOMALY_NONE, ANOMALY_NEW, ANOMALY_MORE, ANOMALY_GONE };

/* What is odd about it, and how much (0..; comparable between patterns). A pattern counts as new only
 * when ten minutes without it were watched. */
enum anomaly anomaly_judge(const struct pattern *pattern, double *score);
const char *anomaly_name(enum anomaly anomaly); /* "new", "more often", "gone" */

#endif
