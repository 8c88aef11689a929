/*
 * Danger signals found in a change: what, how grave, where, and the fix. Facts beside the model,
 * never mixed into the probability. Pure.
 */
#ifndef RISK_FINDING_H
#define RISK_FINDING_H

#include "context.h"
#include "diff.h"

enum severity { SEVERITY_INFO, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

enum { FINDINGS_KEPT = 48 };

struct finding {
    const char *id;     /* borrowed from a static table */
    const char *means;  /* what it means, one sentence */
    const char *fix;    /* what to do */
    const char *family; /* "secret", "kubernetes", "database"… */
    enum severity severity;
    int32_t file;  /* index in change.files, -1: not in a file */
    uint32_t line; /* of the new file; of the old one when `deleted` */
    bool deleted;
    uint32_t count; /* how often in this file; line is the first */
};

struct findings {
    uint32_t count;   /* kept */
    uint32_t dropped; /* further ones, of which only the number is known */
    struct finding items[FINDINGS_KEPT];
};

/* Adds one, or raises the count of the same signal in the same file. Graver ones push out lighter
 * ones when the room is used up. */
void finding_add(struct findings *findings, const struct finding *finding);

/* The lowest level that the findings allow: critical stops, high is HIGH, medium is MED. */
enum risk_level findings_level(const struct findings *findings);

/* Gravest first, then in the order of the input. */
void findings_sort(struct findings *findings);

const char *severity_name(enum severity severity);

#endif
