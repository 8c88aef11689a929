#include "model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

double logit(double p) {
    return log(p / (1 - p));
}

double sigmoid(double z) {
    return 1 / (1 + exp(-z));
}

static double curve(const struct model_term *term, double value) {
    const double t = term->log1p ? log1p(fmax(value, 0)) : value;
    double sum = term->weights[0] * t;
    for (uint32_t k = 0; k < term->knot_count; k++)
        sum += term->weights[k + 1] * fmax(0, t - term->knots[k]);
    return sum;
}

double model_effect(const struct model_term *term, double value) {
    return curve(term, value) - curve(term, term->typical);
}

bool model_fits(const struct model *model, const double *values) {
    for (uint32_t i = 0; i < model->term_count; i++) {
        const struct model_term *term = &model->terms[i];
        /* Without a message nothing is known of its words: they then add nothing. */
        if (isnan(values[term->feature]) && features[term->feature].source != FROM_MESSAGE)
            return false;
    }
    return true;
}

void model_score(const struct model *model, const double *values, struct model_effects *out) {
    out->count = model->term_count;
    out->against_base = model->start;
    for (uint32_t i = 0; i < model->term_count; i++) {
        const struct model_term *term = &model->terms[i];
        const double value = values[term->feature];
        out->values[i] = isnan(value) ? term->typical : value;
        out->effects[i] = model_effect(term, out->values[i]);
        out->against_base += out->effects[i];
    }
}

static int wrong(char why[160], const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char why[160], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, 160, format, args);
    va_end(args);
    return -1;
}

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool take_number(const cJSON *object, const char *name, double *out) {
    const cJSON *item = member(object, name);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return false;
    *out = item->valuedouble;
    return true;
}

/* Returns the number of items, or -1. */
static int take_list(const cJSON *object, const char *name, double *out, int most) {
    const cJSON *list = member(object, name), *item = NULL;
    int count = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > most) return -1;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return -1;
        out[count++] = item->valuedouble;
    }
    return count;
}

static int parse_term(const cJSON *json, struct model_term *term, char why[160]) {
    const char *id = cJSON_GetStringValue(member(json, "feature"));
    term->feature = id ? feature_find(id) : -1;
    if (term->feature < 0)
        return wrong(why, "the model names the unknown feature \"%.40s\"", id ? id : "");
    const char *transform = cJSON_GetStringValue(member(json, "transform"));
    term->log1p = transform && strcmp(transform, "log1p") == 0;
    if (!term->log1p && (!transform || strcmp(transform, "plain") != 0))
        return wrong(why, "transform of %s must be \"log1p\" or \"plain\"", id);
    term->rising = cJSON_IsTrue(member(json, "rising"));
    if (!take_number(json, "typical", &term->typical))
        return wrong(why, "%s has no number \"typical\"", id);
    const int knots = take_list(json, "knots", term->knots, MODEL_KNOTS);
    if (knots < 0) return wrong(why, "knots of %s must be at most %d numbers", id, MODEL_KNOTS);
    term->knot_count = (uint32_t)knots;
    if (take_list(json, "weights", term->weights, MODEL_KNOTS + 1) != knots + 1)
        return wrong(why, "%s needs one weight more than knots", id);
    (void)take_list(json, "quantiles", term->quantiles, 4);
    return 0;
}

/* The claim is checked here too, so a hand-made file cannot break it. */
static int check_rising(const struct model_term *term, char why[160]) {
    double slope = 0;
    for (uint32_t k = 0; term->rising && k <= term->knot_count; k++) {
        slope += term->weights[k];
        if (slope < -1e-5)
            return wrong(why, "%s is claimed to rise, but falls in segment %u",
                         features[term->feature].id, k);
    }
    return 0;
}

static int parse_terms(const cJSON *json, struct model *model, char why[160]) {
    const cJSON *list = member(json, "terms"), *item = NULL;
    if (!cJSON_IsArray(list) || !list->child) return wrong(why, "the model has no terms");
    cJSON_ArrayForEach(item, list) {
        if (model->term_count == MODEL_TERMS)
            return wrong(why, "the model has more than %d terms", MODEL_TERMS);
        struct model_term *term = &model->terms[model->term_count++];
        if (parse_term(item, term, why) || check_rising(term, why)) return -1;
    }
    return 0;
}

static int parse_needs(const cJSON *json, struct model *model, char why[160]) {
    const char *needs = cJSON_GetStringValue(member(json, "needs"));
    if (needs && strcmp(needs, "numstat") == 0)
        model->needs = FROM_NUMSTAT;
    else if (needs && strcmp(needs, "diff") == 0)
        model->needs = FROM_DIFF;
    else if (needs && strcmp(needs, "history") == 0)
        model->needs = FROM_HISTORY;
    else
        return wrong(why, "\"needs\" must be numstat, diff or history");
    return 0;
}

static int parse_head(const cJSON *json, struct model *model, char why[160]) {
    double format = 0, version = 0;
    if (!take_number(json, "format", &format) || format != 1)
        return wrong(why, "the model file's \"format\" must be 1");
    const char *id = cJSON_GetStringValue(member(json, "id"));
    if (!id || !*id || strlen(id) >= sizeof model->id)
        return wrong(why, "the model needs an \"id\" of at most %zu bytes", sizeof model->id - 1);
    snprintf(model->id, sizeof model->id, "%s", id);
    if (!take_number(json, "version", &version) || version < 1 || version > 1e6)
        return wrong(why, "the model needs a \"version\" from 1");
    model->version = (int)version;
    model->start_spread = 0.35;
    (void)take_number(json, "start_spread", &model->start_spread);
    const cJSON *bands = member(json, "bands");
    if (!take_number(json, "base_rate", &model->base_rate) || model->base_rate <= 0 ||
        model->base_rate >= 1)
        return wrong(why, "\"base_rate\" must lie between 0 and 1");
    if (!take_number(json, "start", &model->start))
        return wrong(why, "the model has no number \"start\"");
    if (!take_number(bands, "low", &model->low) || !take_number(bands, "high", &model->high) ||
        model->low >= model->high)
        return wrong(why, "\"bands\" needs low < high");
    const char *predicts = cJSON_GetStringValue(member(json, "predicts"));
    snprintf(model->predicts, sizeof model->predicts, "%s", predicts ? predicts : "");
    const cJSON *measured = member(json, "measured"), *data = member(json, "data");
    (void)take_number(measured, "auc", &model->auc);
    (void)take_number(measured, "ece_refit", &model->ece);
    (void)take_number(data, "projects", &model->projects);
    (void)take_number(data, "changes", &model->changes);
    return 0;
}

int model_parse(struct model *model, const char *text, size_t len, char why[160]) {
    memset(model, 0, sizeof *model);
    if (len > MODEL_LIMIT_BYTES)
        return wrong(why, "a model file has at most %d bytes", MODEL_LIMIT_BYTES);
    cJSON *json = cJSON_ParseWithLength(text, len);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return wrong(why, "the model file is not a JSON object");
    }
    int rc = parse_head(json, model, why);
    if (!rc) rc = parse_needs(json, model, why);
    if (!rc) rc = parse_terms(json, model, why);
    cJSON_Delete(json);
    return rc;
}
