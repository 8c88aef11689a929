/*
 * From what was measured to a level: learned effects, context, signals. The one place where a level
 * is decided, so that every counterfactual is judged by exactly the same rules. Pure.
 */
#ifndef RISK_JUDGE_H
#define RISK_JUDGE_H

#include "context.h"
#include "model.h"

/* Where the probabilities stand: the base rate of defects of this tenant, and how sure it is. */
struct base_rate {
    double rate;       /* 0..1 */
    double shift;      /* added to the model's start by local outcomes; 0 without them */
    uint32_t outcomes; /* local ones it rests on; 0: the documented default */
};

struct judgement {
    const struct model *model; /* NULL: no change was shown, only context and signals count */
    struct model_effects learned;
    struct context_effects context;
    double against_base;           /* log-odds over the base rate: learned and context */
    double probability, low, high; /* with its band of uncertainty */
    enum risk_level by_model, by_signals, level;
    int score; /* 0..100: 50 is an ordinary change; lifted to the level's floor */
};

struct judge_input {
    const struct model *model; /* NULL: none */
    const double *values;      /* of the features; NULL without a model */
    const struct context *context;
    const double *weights; /* of the context rules */
    struct base_rate base;
    enum risk_level by_signals;
};

void judge(const struct judge_input *in, struct judgement *out);

/* The lowest score of a level: where its band begins on the scale of scores. */
int judge_floor(enum risk_level level);

#endif
