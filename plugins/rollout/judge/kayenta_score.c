/* The score of a canary from the labels of its metrics: kayenta.h. */
#include "kayenta.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kayenta_outcome_name(enum kayenta_outcome outcome) {
    return outcome == KAYENTA_PASSED ? "Pass" : outcome == KAYENTA_MARGINAL ? "Marginal" : "Fail";
}

enum kayenta_outcome kayenta_outcome_of(double score, struct kayenta_thresholds thresholds) {
    if (score >= thresholds.pass) return KAYENTA_PASSED;
    return score >= thresholds.marginal ? KAYENTA_MARGINAL : KAYENTA_FAIL;
}

/* Half up on the decimal digits, as Java's BigDecimal rounds: the shortest text that reads back as
 * the same number, not its binary value, decides whether a half is one. */
static double round_to_cents(double score) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, score);
        if (strtod(text, NULL) == score) break;
    }
    const char *point = strchr(text, '.');
    if (!point || strchr(text, 'e') || strlen(point) <= 3) return score;
    char whole[40];
    (void)snprintf(whole, sizeof whole, "%.*s%.2s", (int)(point - text), text, point + 1);
    double cents = fabs(strtod(whole, NULL)) + (point[3] >= '5' ? 1 : 0);
    return copysign(cents / 100, score);
}

/* ---- groups ---- */

struct tally {
    const char *name;
    size_t passed, judged;
};

static bool is_judged(enum kayenta_label label) {
    return label != KAYENTA_NODATA && label != KAYENTA_ERROR;
}

static size_t count_pairs(const struct kayenta_scored *metrics, size_t count) {
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        for (const char *const *group = metrics[i].groups; !metrics[i].muted && group && *group;
             group++)
            pairs++;
    }
    return pairs;
}

static struct tally *find_tally(struct tally *tallies, size_t *count, const char *name) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(tallies[i].name, name) == 0) return &tallies[i];
    }
    tallies[*count] = (struct tally){.name = name};
    return &tallies[(*count)++];
}

static size_t tally_groups(const struct kayenta_scored *metrics, size_t count,
                           struct tally *tallies) {
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        if (metrics[i].muted || !metrics[i].groups) continue;
        for (const char *const *group = metrics[i].groups; *group; group++) {
            struct tally *tally = find_tally(tallies, &groups, *group);
            tally->judged += is_judged(metrics[i].label);
            tally->passed += metrics[i].label == KAYENTA_PASS;
        }
    }
    return groups;
}

static double group_score(const struct tally *tally) {
    return tally->judged ? (double)tally->passed / (double)tally->judged * 100 : 0;
}

static const double *weight_of(const char *group, const struct kayenta_weight *weights,
                               size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(weights[i].group, group) == 0) return &weights[i].percent;
    }
    return NULL;
}

/* Groups without a weight share what the weights leave of 100, equally. */
static double weighted_sum(const struct tally *tallies, size_t count,
                           const struct kayenta_weight *weights, size_t weight_count) {
    double given = 0, sum = 0;
    size_t without = 0;
    for (size_t i = 0; i < weight_count; i++) given += weights[i].percent;
    for (size_t i = 0; i < count; i++)
        without += !weight_of(tallies[i].name, weights, weight_count);
    double share = without ? (100 - given) / (double)without : 0;
    for (size_t i = 0; i < count; i++) {
        const double *weight = weight_of(tallies[i].name, weights, weight_count);
        double counts = tallies[i].judged ? group_score(&tallies[i]) : 100;
        sum += counts * ((weight ? *weight : share) / 100);
    }
    return round_to_cents(sum);
}

static void list_groups(const struct tally *tallies, size_t count, struct kayenta_score *score) {
    size_t room = sizeof score->groups / sizeof *score->groups;
    score->group_count = count < room ? count : room;
    for (size_t i = 0; i < score->group_count; i++)
        score->groups[i] = (struct kayenta_group){.name = tallies[i].name,
                                                  .score = group_score(&tallies[i]),
                                                  .no_data = !tallies[i].judged,
                                                  .passed = tallies[i].passed,
                                                  .judged = tallies[i].judged};
}

/* ---- what makes it 0 whatever the sum ---- */

static bool fails_at_once(const struct kayenta_scored *metrics, size_t count,
                          struct kayenta_score *score) {
    size_t all = 0, without_data = 0;
    for (size_t i = 0; i < count; i++) {
        if (metrics[i].muted) continue;
        all++;
        without_data += metrics[i].label == KAYENTA_NODATA;
        if (!metrics[i].critical || metrics[i].label == KAYENTA_PASS) continue;
        (void)snprintf(score->reason, sizeof score->reason, "Canary Failed: %s",
                       metrics[i].reason ? metrics[i].reason : "");
        return true;
    }
    if (!all || without_data * 2 < all) return false;
    (void)snprintf(score->reason, sizeof score->reason,
                   "Canary Failed: 50%% or more metrics returned NODATA");
    return true;
}

void kayenta_score(const struct kayenta_scored *metrics, size_t count,
                   const struct kayenta_weight *weights, size_t weight_count,
                   struct kayenta_thresholds thresholds, struct kayenta_score *score) {
    *score = (struct kayenta_score){0};
    size_t pairs = count_pairs(metrics, count);
    struct tally *tallies = calloc(pairs ? pairs : 1, sizeof *tallies);
    if (!tallies) {
        (void)snprintf(score->reason, sizeof score->reason, "no memory to sum the score");
        return;
    }
    size_t groups = tally_groups(metrics, count, tallies);
    list_groups(tallies, groups, score);
    if (!fails_at_once(metrics, count, score))
        score->score = weighted_sum(tallies, groups, weights, weight_count);
    score->outcome = kayenta_outcome_of(score->score, thresholds);
    free(tallies);
}
