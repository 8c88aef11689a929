/* evidence.h - what the telemetry says about an incident. In the call's arena. */
#ifndef INCIDENT_EVIDENCE_H
#define INCIDENT_EVIDENCE_H

#include "anomaly.h"
#include "face.h"
#include "impact.h"
#include "suspects.h"

struct odd_pattern {
    const char *service, *id, *text, *example, *trace;
    enum anomaly anomaly;
    double score, before_rate; /* lines a minute */
    int64_t lines, first_ms;
    int severity;
};

struct hot_spot {
    const char *service, *operation, *trace, *said;
    double errors, spans, mean_ms, usual_ms, usual_errors;
};

struct cause {
    const char *service, *words;
    double score;
};

struct evidence {
    int64_t from_ms, until_ms;
    struct odd_pattern *patterns;
    size_t pattern_count;
    struct hot_spot *spots;
    size_t spot_count;
    struct cause causes[5];
    size_t cause_count;
    const char *no_cause; /* why there is none */
    struct impact impact;
    double users;            /* negative: not known */
    const char *impact_from; /* which service's requests were counted */
    struct suspect *suspects;
    size_t suspect_count;
    const char *no_suspect;
    int64_t received, sampled, late; /* records, within the window */
};

int evidence_collect(sl_call *call, const struct incident *incident, struct evidence *out);
bool incident_names(const struct incident *incident, const char *service);

#endif
