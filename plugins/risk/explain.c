#include "explain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void explain_number(double value, char words[32]) {
    if (fabs(value - round(value)) > 0.005) {
        snprintf(words, 32, "%.2f", value);
        return;
    }
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%.0f", fmin(fabs(value), 1e15));
    size_t out = 0;
    if (value < 0) words[out++] = '-';
    for (int i = 0; i < len && out < 30; i++) {
        if (i && (len - i) % 3 == 0) words[out++] = ',';
        words[out++] = digits[i];
    }
    words[out] = '\0';
}

/* "odds x 1.8" or "odds / 1.8". */
static void put_odds(double effect, char words[32]) {
    const double factor = exp(fabs(effect));
    if (factor < 1.005)
        snprintf(words, 32, "no effect");
    else
        snprintf(words, 32, "odds %s %.1f", effect > 0 ? "×" : "÷", factor);
}

static void put_value(const struct feature *feature, double value, char *words, size_t room) {
    char number[32];
    if (!feature->plural) {
        snprintf(words, room, "%s%s", value >= 0.5 ? "" : "not: ", feature->definition);
        return;
    }
    explain_number(value, number);
    snprintf(words, room, "%s %s", number, value == 1 ? feature->singular : feature->plural);
}

void explain_term(const struct score *score, uint32_t at, char words[EXPLAIN_WORDS]) {
    const struct model_term *term = &score->judged.model->terms[at];
    const struct feature *feature = &features[term->feature];
    char value[128], odds[32], usual[32];
    put_value(feature, score->judged.learned.values[at], value, sizeof value);
    put_odds(score->judged.learned.effects[at], odds);
    explain_number(term->typical > 3 ? round(term->typical) : term->typical, usual);
    if (isnan(score->values[term->feature]))
        snprintf(words, EXPLAIN_WORDS, "%s: not known, counted as usual", feature->name);
    else if (feature->plural)
        snprintf(words, EXPLAIN_WORDS, "%s, %s is usual: %s", value, usual, odds);
    else
        snprintf(words, EXPLAIN_WORDS, "%s: %s", value, odds);
}

/* The heaviest rising effect that was not told yet; -1 when none is left. */
static int next_reason(const struct score *score, uint32_t told) {
    int best = -1;
    const struct model_effects *learned = &score->judged.learned;
    for (uint32_t i = 0; i < learned->count; i++)
        if (!(told & (1U << i)) && learned->effects[i] > 0.05 &&
            (best < 0 || learned->effects[i] > learned->effects[best]))
            best = (int)i;
    return best;
}

static void append(char *words, size_t room, const char *text) {
    const size_t len = strlen(words);
    if (len < room) snprintf(words + len, room - len, "%s", text);
}

static void tell_model(const struct score *score, char *words, size_t room) {
    uint32_t told = 0, count = 0;
    for (int at; count < 3 && (at = next_reason(score, told)) >= 0; count++) {
        char value[128];
        const int feature = score->judged.model->terms[at].feature;
        put_value(&features[feature], score->judged.learned.values[at], value, sizeof value);
        append(words, room, count ? ", " : "");
        append(words, room, value);
        told |= 1U << at;
    }
    if (!count) append(words, room, "a change no larger than usual");
}

void explain_reason(const struct score *score, char *words, size_t room) {
    const struct judgement *judged = &score->judged;
    words[0] = '\0';
    if (judged->model)
        tell_model(score, words, room);
    else
        append(words, room, "no change was shown, so only context and signals were judged");
    for (uint32_t i = 0; i < judged->context.count; i++) {
        append(words, room, "; ");
        append(words, room, context_rules[judged->context.rules[i]].words);
    }
    /* What is only worth knowing is listed, not announced. */
    if (score->findings.count && score->findings.items[0].severity > SEVERITY_INFO) {
        char more[160];
        const struct finding *first = &score->findings.items[0];
        snprintf(more, sizeof more, "; %u danger signal%s, the gravest: %s (%s)",
                 score->findings.count + score->findings.dropped,
                 score->findings.count + score->findings.dropped == 1 ? "" : "s", first->id,
                 severity_name(first->severity));
        append(words, room, more);
    }
}
