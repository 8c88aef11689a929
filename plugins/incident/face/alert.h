/* alert.h - one alert, whoever sent it, on its way in. */
#ifndef INCIDENT_ALERT_H
#define INCIDENT_ALERT_H

#include "face.h"

struct alert {
    const char *source;      /* "alertmanager", "pagerduty"... */
    const char *fingerprint; /* the same for the same alert */
    const char *group;       /* what the sender groups it by */
    const char *name, *summary, *service, *app, *environment, *runbook, *url;
    int severity;
    int64_t starts_ms, ends_ms; /* ends_ms 0: firing */
    int64_t expires_ms;         /* it has ended when it was not told again by then; 0: never */
    const cJSON *labels, *annotations;
};

struct alerts {
    struct alert *items;
    size_t count, room, damaged;
};

struct intake {
    size_t taken, opened, joined, unattached;
    const char *incidents[16]; /* touched, the first few */
    size_t incident_count;
};

struct alert *alert_new(sl_call *call, struct alerts *alerts);
/* Fills what labels and annotations tell: name, severity, service, environment, runbook. */
void alert_read_labels(sl_call *call, struct alert *alert);
/* Commits all of them, then counts their incidents anew. SL_UNAVAILABLE: to be sent again. */
int alerts_take(sl_call *call, const struct alerts *alerts, struct intake *intake);
void intake_print(const struct intake *intake, const struct alerts *alerts, cJSON *out);

#endif
