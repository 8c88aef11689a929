/* What would lower it: tries remedies, judges each again, keeps those that help. */
#include "explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const sizes[] = {"la", "ctl", "ld", "nf", "nd"};

/* A part of the change: every size shrunk by one factor, counts of places kept at one or more. */
static void shrink(const double *values, double factor, double *smaller) {
    memcpy(smaller, values, sizeof(double) * FEATURES_MOST);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int at = feature_find(sizes[i]);
        const double least = sizes[i][0] == 'n' ? 1 : 0;
        if (values[at] > least) smaller[at] = fmax(least, floor(values[at] * factor));
    }
    /* Fewer files, as many lines each: the spread falls no faster than the files. */
    const int ent = feature_find("ent"), nf = feature_find("nf");
    smaller[ent] = fmin(values[ent], log2(fmax(1, smaller[nf])));
}

static void describe_size(const struct score *score, const double *values, enum risk_level level,
                          struct way *way) {
    char lines[32], branches[32], folders[32];
    explain_number(values[feature_find("la")], lines);
    explain_number(values[feature_find("nd")], folders);
    way->kind = "size";
    const double ctl = values[feature_find("ctl")];
    if (score->change.from_diff && ctl > 0) {
        explain_number(ctl, branches);
        snprintf(
            way->words, sizeof way->words,
            "split it: with at most %s added lines and %s branches in %s director%s it would be %s",
            lines, branches, folders, values[feature_find("nd")] == 1 ? "y" : "ies",
            level_name(level));
    } else {
        snprintf(way->words, sizeof way->words,
                 "split it: with at most %s added lines in %s director%s it would be %s", lines,
                 folders, values[feature_find("nd")] == 1 ? "y" : "ies", level_name(level));
    }
}

/* The largest part of the change that stands one level lower. */
static bool try_size(const struct score *score, struct way *way) {
    const struct judgement *now = &score->judged;
    if (!now->model || now->by_model == LEVEL_LOW) return false;
    double smaller[FEATURES_MOST];
    bool found = false;
    double low = 0, high = 1;
    for (int i = 0; i < 12; i++) {
        const double factor = (low + high) / 2;
        struct judgement then;
        shrink(score->values, factor, smaller);
        score_rejudge(score, smaller, &score->context, now->by_signals, &then);
        if (then.by_model < now->by_model) {
            low = factor;
            found = true;
            describe_size(score, smaller, then.by_model, way);
            way->then = then;
        } else {
            high = factor;
        }
    }
    /* A part that holds nothing is no advice. */
    shrink(score->values, low, smaller);
    return found && smaller[feature_find("la")] >= 1 && way->then.level < now->level;
}

static bool try_signals(const struct score *score, struct way *way) {
    const uint32_t count = score->findings.count + score->findings.dropped;
    if (!count || score->judged.by_signals == LEVEL_LOW) return false;
    way->kind = "signals";
    score_rejudge(score, score->values, &score->context, LEVEL_LOW, &way->then);
    snprintf(way->words, sizeof way->words, "mend the danger signal%s (%s%s): then it would be %s",
             count == 1 ? "" : "s", score->findings.items[0].id, count == 1 ? "" : ", …",
             level_name(way->then.level));
    return way->then.level < score->judged.level;
}

static bool helps(const struct score *score, const struct judgement *then) {
    return then->level < score->judged.level ||
           (then->level == score->judged.level &&
            then->probability <= 0.9 * score->judged.probability);
}

static bool try_context(const struct score *score, uint32_t rule, struct way *way) {
    const struct context_rule *row = &context_rules[rule];
    if (!row->mend) return false;
    struct context mended = score->context;
    row->mend(&mended);
    way->kind = "context";
    score_rejudge(score, score->values, &mended, score->judged.by_signals, &way->then);
    snprintf(way->words, sizeof way->words, "%s: then it would be %s at %.1f %%", row->remedy,
             level_name(way->then.level), 100 * way->then.probability);
    return helps(score, &way->then);
}

/* Signals mended, context mended, and the smaller part, together. */
static bool try_all(const struct score *score, struct way *way) {
    struct context mended = score->context;
    for (uint32_t i = 0; i < score->judged.context.count; i++) {
        const struct context_rule *row = &context_rules[score->judged.context.rules[i]];
        if (row->mend) row->mend(&mended);
    }
    way->kind = "all";
    score_rejudge(score, score->values, &mended, LEVEL_LOW, &way->then);
    snprintf(way->words, sizeof way->words,
             "all of the signals and the circumstances mended: then it would be %s",
             level_name(way->then.level));
    return way->then.level < score->judged.level;
}

static int lowest_first(const void *a, const void *b) {
    const struct way *x = a, *y = b;
    if (x->then.level != y->then.level) return x->then.level < y->then.level ? -1 : 1;
    return (x->then.probability > y->then.probability) -
           (x->then.probability < y->then.probability);
}

uint32_t explain_ways(const struct score *score, struct way *ways) {
    uint32_t count = 0;
    count += try_size(score, &ways[count]);
    count += try_signals(score, &ways[count]);
    for (uint32_t i = 0; i < score->judged.context.count && count < EXPLAIN_WAYS - 1; i++)
        count += try_context(score, score->judged.context.rules[i], &ways[count]);
    bool lowered = false;
    for (uint32_t i = 0; i < count; i++) lowered |= ways[i].then.level < score->judged.level;
    /* Only when no single remedy suffices. */
    if (!lowered && count < EXPLAIN_WAYS && score->judged.level > LEVEL_LOW)
        count += try_all(score, &ways[count]);
    qsort(ways, count, sizeof *ways, lowest_first);
    return count;
}
