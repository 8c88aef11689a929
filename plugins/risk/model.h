/*
 * An additive logistic model, read from a versioned JSON file (train/train.py writes it).
 *
 *   log-odds = logit(base rate) + start + sum of effects
 *   effect   = f(x) - f(typical x),  f(x) = w0 * t + sum of w_k * max(0, t - knot_k)
 *
 * so the contributions add up exactly to the answer, and a feature at its typical value adds
 * nothing. Pure; read-only after model_parse.
 */
#ifndef RISK_MODEL_H
#define RISK_MODEL_H

#include "feature.h"

#include <cjson/cJSON.h>

enum { MODEL_TERMS = 24, MODEL_KNOTS = 6, MODEL_LIMIT_BYTES = 256 * 1024 };

struct model_term {
    int feature; /* index in features[] */
    bool log1p;
    bool rising; /* claimed and trained: more is never less risk */
    double typical;
    double quantiles[4]; /* 10, 50, 90, 99 % of the training data */
    uint32_t knot_count;
    double knots[MODEL_KNOTS];
    double weights[MODEL_KNOTS + 1];
};

struct model {
    char id[48];
    int version;
    enum feature_source needs; /* FROM_NUMSTAT, FROM_DIFF or FROM_HISTORY */
    double base_rate;
    double start;
    double start_spread; /* of the training projects' starts: the doubt before local outcomes */
    double low, high;    /* bands, in log-odds against the base rate */
    char predicts[160];
    uint32_t term_count;
    struct model_term terms[MODEL_TERMS];
    double auc, ece; /* as measured on projects that the model never saw */
    double projects, changes;
};

struct model_effects {
    uint32_t count;
    double values[MODEL_TERMS];  /* the feature's value */
    double effects[MODEL_TERMS]; /* in log-odds, in the order of the terms */
    double against_base;         /* start plus all effects */
};

/* Reads the JSON text. 0, or -1 with a sentence in `why` that names the place. */
int model_parse(struct model *model, const char *json, size_t len, char why[160]);

/* True when all features that the model needs are known. */
bool model_fits(const struct model *model, const double *values);

void model_score(const struct model *model, const double *values, struct model_effects *out);

double model_effect(const struct model_term *term, double value);
double logit(double p);
double sigmoid(double z);

#endif
