/*
 * Learning from outcomes: where the base rate of this tenant lies, and how good the scores were.
 * Only the intercept is fitted: with a few hundred outcomes more would be noise. Pure.
 */
#ifndef RISK_LEARN_H
#define RISK_LEARN_H

#include "judge.h"

enum {
    LEARN_FLOOR = 50,   /* fewer outcomes change nothing */
    LEARN_WINDOW = 500, /* the newest ones count */
    LEARN_BINS = 10
};

/* A change that was scored and how it ended. */
struct labelled {
    double learned; /* log-odds against the base rate: the model's start and effects */
    bool bad;
};

/* The base rate that the outcomes speak for, with the default as a prior of 20 examples. Below the
 * floor *out is the default. */
void learn_base_rate(const struct labelled *rows, size_t count, double default_rate,
                     struct base_rate *out);

struct learn_bin {
    uint32_t count;
    double predicted, observed; /* means; 0 when count is 0 */
};

struct learn_figures {
    size_t count, bad;
    double auc; /* .5 without both kinds */
    double brier, calibration_error;
    struct learn_bin bins[LEARN_BINS]; /* of probability, equal width */
    double rate_before, rate_now;      /* of the older and the newer half */
    double drift; /* their difference in standard errors; beyond +-3 the base rate has moved */
};

/* `rows` oldest first. */
void learn_measure(const struct labelled *rows, size_t count, const struct base_rate *base,
                   struct learn_figures *out);

#endif
