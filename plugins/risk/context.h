/*
 * What is known of the deployment, not of the change: a documented prior in log-odds that the
 * operator can change. Nothing here was learned from data (there is no public data), and it is
 * listed apart from what was. Pure.
 */
#ifndef RISK_CONTEXT_H
#define RISK_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum risk_level { LEVEL_LOW, LEVEL_MED, LEVEL_HIGH, LEVEL_CRITICAL };

const char *level_name(enum risk_level level);

enum { ENVIRONMENT_UNKNOWN, ENVIRONMENT_DEV, ENVIRONMENT_STAGE, ENVIRONMENT_PROD };
enum { EXPOSURE_UNKNOWN, EXPOSURE_INTERNAL, EXPOSURE_PARTNER, EXPOSURE_EXTERNAL };
enum { DATA_UNKNOWN, DATA_PUBLIC, DATA_INTERNAL, DATA_CONFIDENTIAL, DATA_PII };

/* -1 means unknown for the numbers and flags. */
struct context {
    int environment, exposure, data_class;
    int tier;            /* 0 is the most critical */
    int freeze;          /* inside a freeze window */
    int business_hours;  /* people who can help are at work */
    int on_call;         /* someone is on call */
    int rollback_ready;  /* the version before can be put back at once */
    int emergency;       /* declared as an emergency change */
    double budget_left;  /* share of the error budget, 0..1 */
    double deploys_hour; /* of this service in the last hour */
    double bad_share;    /* share of the service's last changes that ended badly, 0..1 */
};

struct context context_unknown(void);

struct context_rule {
    const char *id;
    double weight;            /* in log-odds; the operator's configuration may replace it */
    enum risk_level at_least; /* the level is not below this one when the rule applies */
    bool (*applies)(const struct context *context);
    const char *words;
    const char *remedy;                    /* NULL: nothing a person could do */
    void (*mend)(struct context *context); /* what the remedy changes; NULL without one */
};

extern const struct context_rule context_rules[];
extern const size_t context_rule_count;

enum { CONTEXT_RULES_MOST = 24 };

struct context_effects {
    uint32_t count;
    uint32_t rules[CONTEXT_RULES_MOST]; /* indexes of the rules that apply */
    double effects[CONTEXT_RULES_MOST];
    double sum;
    enum risk_level at_least;
};

/* The sum never exceeds this either way: policy must not drown what was measured. */
#define CONTEXT_CAP 2.5

/* `weights` has context_rule_count entries. */
void context_judge(const struct context *context, const double *weights,
                   struct context_effects *out);

#endif
