/*
 * The features: one table of rows, each with its unit, definition, source and words. A feature that
 * the input does not tell is NaN. The model's files name features by these ids. Pure.
 */
#ifndef RISK_FEATURE_H
#define RISK_FEATURE_H

#include "change.h"

enum feature_source { FROM_NUMSTAT, FROM_DIFF, FROM_MESSAGE, FROM_TIME, FROM_HISTORY };

/* What a git repository tells about the touched files and the author; NaN where it is not known. */
struct history_facts {
    bool known;
    double age_days, developers, changes, fixes, fixes_most;
    double author_changes, author_recent, author_subsystem;
};

struct feature_input {
    const struct change *change;
    const struct history_facts *history; /* NULL: none */
    int64_t authored_s;                  /* 0: unknown; seconds since 1970 */
    int32_t zone_minutes;
};

struct feature {
    const char *id;
    const char *name;
    const char *unit;
    const char *definition;
    enum feature_source source;
    const char *singular, *plural; /* "1 line added", "12 lines added"; NULL: a yes/no feature */
    double (*value)(const struct feature_input *in);
};

extern const struct feature features[];
extern const size_t feature_count;

enum { FEATURES_MOST = 64 };

/* -1 when there is none of that id. */
int feature_find(const char *id);

/* Fills values[feature_count]. */
void features_measure(const struct feature_input *in, double *values);

const char *feature_source_name(enum feature_source source);

#endif
