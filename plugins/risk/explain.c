#include "explain.h"

#include "decimal.h"

#include <math.h>
#include <string.h>

/* Words that grow at their end; what has no room is cut. */
struct sentence {
    char *at;
    size_t len, room; /* room for the closing zero included */
};

static void say_bytes(struct sentence *s, const char *text, size_t len) {
    const size_t left = s->room - s->len - 1;
    if (len > left) len = left;
    memcpy(s->at + s->len, text, len);
    s->len += len;
    s->at[s->len] = '\0';
}

static void say(struct sentence *s, const char *text) {
    say_bytes(s, text, strlen(text));
}

static size_t write_number(double value, char words[32]) {
    if (fabs(value - round(value)) > 0.005) return decimal_write(value, 2, words);
    char digits[DECIMAL_BYTES];
    const size_t len = decimal_write(fmin(fabs(value), 1e15), 0, digits);
    size_t out = 0;
    if (value < 0) words[out++] = '-';
    for (size_t i = 0; i < len && out < 30; i++) {
        if (i && (len - i) % 3 == 0) words[out++] = ',';
        words[out++] = digits[i];
    }
    words[out] = '\0';
    return out;
}

void explain_number(double value, char words[32]) {
    (void)write_number(value, words);
}

static void say_number(struct sentence *s, double value) {
    char words[32];
    say_bytes(s, words, write_number(value, words));
}

/* "odds x 1.8" or "odds / 1.8". */
static void say_odds(struct sentence *s, double effect) {
    const double factor = exp(fabs(effect));
    if (factor < 1.005) {
        say(s, "no effect");
        return;
    }
    char number[DECIMAL_BYTES];
    const size_t len = decimal_write(factor, 1, number);
    say(s, effect > 0 ? "odds × " : "odds ÷ ");
    say_bytes(s, number, len);
}

static void say_value(struct sentence *s, const struct feature *feature, double value) {
    if (!feature->plural) {
        if (!(value >= 0.5)) say(s, "not: ");
        say(s, feature->definition);
        return;
    }
    say_number(s, value);
    say(s, " ");
    say(s, value == 1 ? feature->singular : feature->plural);
}

void explain_term(const struct score *score, uint32_t at, char words[EXPLAIN_WORDS]) {
    const struct model_term *term = &score->judged.model->terms[at];
    const struct feature *feature = &features[term->feature];
    struct sentence s = {words, 0, EXPLAIN_WORDS};
    if (isnan(score->values[term->feature])) {
        say(&s, feature->name);
        say(&s, ": not known, counted as usual");
        return;
    }
    say_value(&s, feature, score->judged.learned.values[at]);
    if (feature->plural) {
        say(&s, ", ");
        say_number(&s, term->typical > 3 ? round(term->typical) : term->typical);
        say(&s, " is usual");
    }
    say(&s, ": ");
    say_odds(&s, score->judged.learned.effects[at]);
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

static void tell_model(const struct score *score, struct sentence *s) {
    uint32_t told = 0, count = 0;
    for (int at; count < 3 && (at = next_reason(score, told)) >= 0; count++) {
        const int feature = score->judged.model->terms[at].feature;
        if (count) say(s, ", ");
        say_value(s, &features[feature], score->judged.learned.values[at]);
        told |= 1U << at;
    }
    if (!count) say(s, "a change no larger than usual");
}

/* What is only worth knowing is listed, not announced. */
static void tell_findings(const struct findings *findings, struct sentence *s) {
    if (!findings->count || findings->items[0].severity == SEVERITY_INFO) return;
    const uint32_t count = findings->count + findings->dropped;
    const struct finding *first = &findings->items[0];
    char number[DECIMAL_BYTES];
    const size_t len = decimal_write(count, 0, number);
    say(s, "; ");
    say_bytes(s, number, len);
    say(s, count == 1 ? " danger signal, the gravest: " : " danger signals, the gravest: ");
    say(s, first->id);
    say(s, " (");
    say(s, severity_name(first->severity));
    say(s, ")");
}

void explain_reason(const struct score *score, char *words, size_t room) {
    const struct judgement *judged = &score->judged;
    struct sentence s = {words, 0, room};
    words[0] = '\0';
    if (judged->model)
        tell_model(score, &s);
    else
        say(&s, "no change was shown, so only context and signals were judged");
    for (uint32_t i = 0; i < judged->context.count; i++) {
        say(&s, "; ");
        say(&s, context_rules[judged->context.rules[i]].words);
    }
    tell_findings(&score->findings, &s);
}
