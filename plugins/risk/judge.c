#include "judge.h"

#include <math.h>
#include <string.h>

/* Without a model the bands of the diff model are used: they are the same in all files. */
static const double low_band = -0.6, high_band = 1.0;

/* The doubt about an answer that rests on no model at all. */
static const double no_model_spread = 0.5;

static enum risk_level band(const struct judge_input *in, double r) {
    const double low = in->model ? in->model->low : low_band;
    const double high = in->model ? in->model->high : high_band;
    if (r < low) return LEVEL_LOW;
    return r >= high ? LEVEL_HIGH : LEVEL_MED;
}

static enum risk_level higher(enum risk_level a, enum risk_level b) {
    return a > b ? a : b;
}

int judge_floor(enum risk_level level) {
    static const int floors[] = {0, 35, 73, 95};
    return floors[level];
}

static int score_of(double r, enum risk_level level) {
    const int plain = (int)lround(100 * sigmoid(r));
    const int capped = plain > 99 ? 99 : plain;
    return capped > judge_floor(level) ? capped : judge_floor(level);
}

/* Half the width of the band around the log-odds, 95 %. */
static double doubt(const struct judge_input *in) {
    const struct base_rate *base = &in->base;
    const double start_spread = in->model ? in->model->start_spread : no_model_spread;
    if (!base->outcomes) return 1.96 * start_spread;
    const double n = base->outcomes;
    const double local = 1 / sqrt(n * base->rate * (1 - base->rate) + 0.5);
    return 1.96 * fmin(start_spread, local) + 0.1;
}

void judge(const struct judge_input *in, struct judgement *out) {
    memset(out, 0, sizeof *out);
    out->model = in->model;
    if (in->model) model_score(in->model, in->values, &out->learned);
    if (in->model) out->learned.against_base += in->base.shift;
    context_judge(in->context, in->weights, &out->context);
    out->against_base = out->learned.against_base + out->context.sum;
    const double z = logit(in->base.rate) + out->against_base;
    out->probability = sigmoid(z);
    out->low = sigmoid(z - doubt(in));
    out->high = sigmoid(z + doubt(in));
    out->by_signals = in->by_signals;
    out->by_model = band(in, out->against_base);
    out->level = higher(out->by_model, higher(out->context.at_least, in->by_signals));
    out->score = score_of(out->against_base, out->level);
}
