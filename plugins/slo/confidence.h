/* confidence.h - the confidence meter: one number from 0 to 100 for a service, from parts that are
 * shown. Pure. The formula is documented in docs/slo.md.
 *
 * Each part has a value from 0 to 1 and a weight; a part of which nothing is known counts half.
 * Caps hold the score down whatever the other parts say. The score never
 * rises when anything gets worse. */
#ifndef SLO_CONFIDENCE_H
#define SLO_CONFIDENCE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum change_outcome {
    CHANGE_RUNNING,
    CHANGE_PROMOTED,
    CHANGE_ABORTED,     /* stopped by a gate, before all traffic met it */
    CHANGE_ROLLED_BACK, /* taken back after it was out */
    CHANGE_INCIDENT     /* linked to an incident */
};

struct change {
    int64_t at_ms, ended_ms; /* ended_ms 0: not yet */
    int risk;                /* 0 LOW .. 3 CRITICAL; -1 not known */
    enum change_outcome outcome;
};

struct incident_fact {
    int severity;      /* 1 the worst .. 5 */
    int64_t closed_ms; /* 0: open */
};

enum { CONFIDENCE_CHANGES_MAX = 2000, CONFIDENCE_INCIDENTS_MAX = 200, HISTORY_DAYS = 28 };

struct confidence_input {
    int64_t now_ms;
    double budget_left;           /* the worst of the service's objectives; NaN: not known */
    double burn;                  /* the fastest; NaN: not known */
    bool paging;                  /* a page alert fires */
    const struct change *changes; /* of the last HISTORY_DAYS days */
    size_t change_count;
    int64_t known_since_ms;                /* of the first change ever seen; 0: none */
    const struct incident_fact *incidents; /* open ones, and those closed within two days */
    size_t incident_count;
};

enum confidence_part { PART_BUDGET, PART_BURN, PART_INCIDENTS, PART_CHANGES, PART_RATE, PARTS };

struct confidence {
    double values[PARTS]; /* NaN: not known */
    char words[PARTS][160];
    double cap; /* 100: none */
    char cap_words[96];
    double score;
    double coverage; /* share of the weights that is known */
};

extern const char *const part_names[PARTS];
extern const double part_weights[PARTS]; /* sum 1 */

void confidence_judge(const struct confidence_input *input, struct confidence *confidence);

/* The values of single parts. */
double value_of_budget(double left);
double value_of_burn(double burn);
double value_of_incidents(const struct incident_fact *incidents, size_t count, int64_t now_ms);
double value_of_changes(const struct change *changes, size_t count, int64_t now_ms);
/* How unusual `recent` changes a day are after `before` of them in `days` days. */
double value_of_rate(size_t recent, size_t before, double days);

enum confidence_level { LEVEL_UNKNOWN, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH };
/* The level of a score; a level that is held is left only when the score is 3 beyond its bound, so
 * that it does not flap. */
enum confidence_level confidence_level(double score, enum confidence_level held);
const char *level_name(enum confidence_level level);
enum confidence_level level_named(const char *name);

/* { score, level, parts: [{name, value, weight, points, words}], cap?, coverage } */
void confidence_write(cJSON *out, const struct confidence *confidence, enum confidence_level level);

#endif
