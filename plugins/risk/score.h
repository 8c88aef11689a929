/*
 * One change scored: reads the diff or numstat, measures, finds signals, picks the best model that
 * the input allows, judges. Pure and thread-safe: a scorer is read-only once made, so scoring may
 * run beside the loop.
 */
#ifndef RISK_SCORE_H
#define RISK_SCORE_H

#include "finding.h"
#include "judge.h"

struct signals; /* signals.h */

enum { SCORER_MODELS = 3 };

struct scorer {
    struct lexicon lexicon;
    struct model models[SCORER_MODELS]; /* best first: history, diff, numstat */
    uint32_t model_count;
    double weights[CONTEXT_RULES_MOST]; /* of the context rules */
    const struct signals *signals;      /* NULL: none are looked for */
};

struct score_input {
    struct diff_text diff, numstat, message; /* empty: not given; borrowed while scoring */
    struct diff_text image;                  /* of the deployment; empty: unknown */
    int replicas;                            /* -1: unknown */
    const struct history_facts *history;     /* may be NULL */
    int64_t authored_s;
    int32_t zone_minutes;
    struct context context;
    struct base_rate base;
};

struct score {
    struct diff_report report; /* how the reading of the diff went */
    uint32_t numstat_fault;    /* line that could not be read, 0: none */
    struct change change;
    double values[FEATURES_MOST];
    struct findings findings;
    struct judgement judged;
    struct context context; /* as judged */
    struct base_rate base;
    const struct scorer *scorer;
};

/* Sets the weights of the context to their defaults and the word table; models come by
 * scorer_add_model, best first. */
void scorer_init(struct scorer *scorer);
int scorer_add_model(struct scorer *scorer, const char *json, size_t len, char why[160]);

/* 0, or -1 when the diff or numstat cannot be read (report.error, numstat_fault). score_fini is due
 * in both cases. */
int score_change(const struct scorer *scorer, const struct score_input *in, struct score *out);
void score_fini(struct score *score);

/* The same judgement over changed assumptions, for counterfactuals. */
void score_rejudge(const struct score *score, const double *values, const struct context *context,
                   enum risk_level by_signals, struct judgement *out);

#endif
