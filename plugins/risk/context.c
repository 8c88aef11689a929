#include "context.h"

#include <math.h>

struct context context_unknown(void) {
    return (struct context){.tier = -1,
                            .freeze = -1,
                            .business_hours = -1,
                            .on_call = -1,
                            .rollback_ready = -1,
                            .emergency = -1,
                            .budget_left = -1,
                            .deploys_hour = -1,
                            .bad_share = -1};
}

const char *level_name(enum risk_level level) {
    static const char *const names[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    return names[level];
}

#define RULE(name, condition)                                                                      \
    static bool name(const struct context *c) {                                                    \
        return condition;                                                                          \
    }
#define MEND(name, change)                                                                         \
    static void name(struct context *c) {                                                          \
        change;                                                                                    \
    }

RULE(in_prod, c->environment == ENVIRONMENT_PROD)
RULE(in_dev, c->environment == ENVIRONMENT_DEV)
RULE(top_tier, c->tier == 0)
RULE(low_tier, c->tier >= 3)
RULE(external, c->exposure == EXPOSURE_EXTERNAL && c->environment == ENVIRONMENT_PROD)
RULE(personal_data, c->data_class == DATA_PII)
RULE(personal_outside, c->data_class == DATA_PII && c->exposure == EXPOSURE_EXTERNAL)
RULE(frozen, c->freeze == 1)
RULE(no_budget, c->budget_left >= 0 && c->budget_left <= 0)
RULE(low_budget, c->budget_left > 0 && c->budget_left < 0.25)
RULE(no_rollback, c->rollback_ready == 0)
RULE(busy, c->deploys_hour >= 3)
RULE(nobody_on_call, c->on_call == 0)
RULE(out_of_hours, c->business_hours == 0 && c->on_call != 1)
RULE(bad_past, c->bad_share >= 0.3)
RULE(emergency, c->emergency == 1)

MEND(to_stage, c->environment = ENVIRONMENT_STAGE)
MEND(thaw, c->freeze = 0)
MEND(budget_back, c->budget_left = 1)
MEND(prepare_rollback, c->rollback_ready = 1)
MEND(wait_an_hour, c->deploys_hour = 0)
MEND(staff, c->on_call = 1)
MEND(in_hours, c->business_hours = 1)

/* Weights: suggested values of published change calculators and SRE practice, see README. */
const struct context_rule context_rules[] = {
    {"environment-prod", 0.3, LEVEL_LOW, in_prod, "it goes to production",
     "roll it out to stage first", to_stage},
    {"environment-dev", -0.7, LEVEL_LOW, in_dev, "it goes to a development environment", NULL,
     NULL},
    {"tier-0", 0.5, LEVEL_LOW, top_tier, "the service is in the most critical tier", NULL, NULL},
    {"tier-low", -0.3, LEVEL_LOW, low_tier, "the service is in a low tier", NULL, NULL},
    {"exposure-external", 0.3, LEVEL_LOW, external, "the service is open to the outside", NULL,
     NULL},
    {"data-pii", 0.3, LEVEL_LOW, personal_data, "it handles personal data", NULL, NULL},
    {"pii-external", 0.4, LEVEL_MED, personal_outside, "personal data is open to the outside", NULL,
     NULL},
    {"freeze", 1.0, LEVEL_HIGH, frozen, "a freeze window is open", "wait until the freeze ends",
     thaw},
    {"budget-exhausted", 1.0, LEVEL_HIGH, no_budget, "the error budget is used up",
     "wait until the budget recovers, or ask for an exception", budget_back},
    {"budget-low", 0.5, LEVEL_LOW, low_budget, "less than a quarter of the error budget is left",
     "wait until the budget recovers", budget_back},
    {"no-rollback", 0.5, LEVEL_LOW, no_rollback, "no rollback is prepared",
     "prepare and test the rollback", prepare_rollback},
    {"busy-hour", 0.3, LEVEL_LOW, busy, "the service was deployed three times within the hour",
     "wait until the earlier deployments have settled", wait_an_hour},
    {"nobody-on-call", 0.3, LEVEL_LOW, nobody_on_call, "nobody is on call",
     "deploy when someone is on call", staff},
    {"out-of-hours", 0.3, LEVEL_LOW, out_of_hours, "it is out of business hours",
     "deploy in business hours", in_hours},
    {"bad-history", 0.5, LEVEL_LOW, bad_past,
     "three or more in ten of the service's last changes ended badly", NULL, NULL},
    {"emergency", 0.2, LEVEL_LOW, emergency, "it is an emergency change", NULL, NULL},
};

const size_t context_rule_count = sizeof context_rules / sizeof *context_rules;

_Static_assert(sizeof context_rules / sizeof *context_rules <= CONTEXT_RULES_MOST,
               "struct context_effects holds them all");

void context_judge(const struct context *context, const double *weights,
                   struct context_effects *out) {
    out->count = 0;
    out->sum = 0;
    out->at_least = LEVEL_LOW;
    for (uint32_t i = 0; i < context_rule_count; i++) {
        if (!context_rules[i].applies(context)) continue;
        out->rules[out->count] = i;
        out->effects[out->count++] = weights[i];
        out->sum += weights[i];
        if (context_rules[i].at_least > out->at_least) out->at_least = context_rules[i].at_least;
    }
    if (fabs(out->sum) <= CONTEXT_CAP) return;
    /* Scaled, so that the listed effects still add up to what was used. */
    const double scale = CONTEXT_CAP / fabs(out->sum);
    for (uint32_t i = 0; i < out->count; i++) out->effects[i] *= scale;
    out->sum *= scale;
}
