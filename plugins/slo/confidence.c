#include "confidence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

const char *const part_names[PARTS] = {"budget", "burn", "incidents", "changes", "change_rate"};
/* What users meet (budget, burn, incidents) counts for 70 %, what may come for 30 %. */
const double part_weights[PARTS] = {0.30, 0.20, 0.20, 0.20, 0.10};

static double clamp(double value) {
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* 1 now, a half after `half_ms`. A time in the future counts as now. */
static double decay(int64_t age_ms, int64_t half_ms) {
    return age_ms <= 0 ? 1 : exp2(-(double)age_ms / (double)half_ms);
}

/* ---- the parts ---- */

double value_of_budget(double left) {
    return isnan(left) ? (double)NAN : clamp(left);
}

double value_of_burn(double burn) {
    if (isnan(burn)) return (double)NAN;
    /* 14.4 is the quickest page of the SRE workbook: 2 % of 30 days within an hour. */
    return burn <= 1 ? 1 : clamp(1 - log(burn) / log(14.4));
}

static double harm_of_severity(int severity) {
    static const double harm[] = {1, 1, 0.7, 0.4, 0.2, 0.1};
    return severity < 1 || severity > 5 ? 0.4 : harm[severity];
}

double value_of_incidents(const struct incident_fact *incidents, size_t count, int64_t now_ms) {
    double value = 1;
    for (size_t i = 0; i < count; i++) {
        const int64_t closed_ms = incidents[i].closed_ms;
        /* Trust comes back slowly: half of it within 12 hours. */
        const double left = closed_ms ? decay(now_ms - closed_ms, 12 * HOUR_MS) : 1;
        value *= 1 - harm_of_severity(incidents[i].severity) * left;
    }
    return value;
}

/* A change that went out may still turn bad, the riskier the likelier, most of all on its first
 * day; one that ended badly is remembered for days. */
static double harm_of_change(const struct change *change, int64_t now_ms) {
    static const double risks[] = {0.02, 0.06, 0.15, 0.30};
    static const double endings[] = {0, 0, 0.20, 0.60, 1.00};
    const double risk = change->risk < 0 || change->risk > 3 ? 0.06 : risks[change->risk];
    const double fresh = risk * decay(now_ms - change->at_ms, DAY_MS);
    const int64_t ended_ms = change->ended_ms ? change->ended_ms : change->at_ms;
    const double ended = endings[change->outcome] * decay(now_ms - ended_ms, 3 * DAY_MS);
    if (change->outcome == CHANGE_RUNNING) return 1.5 * fresh;
    return change->outcome == CHANGE_PROMOTED ? fresh : fmax(fresh * 1.5, ended);
}

double value_of_changes(const struct change *changes, size_t count, int64_t now_ms) {
    double harm = 0;
    for (size_t i = 0; i < count; i++) harm += harm_of_change(&changes[i], now_ms);
    return exp(-harm);
}

double value_of_rate(size_t recent, size_t before, double days) {
    /* The chance of so many or more in a day: Poisson with a rate that is itself uncertain (gamma
     * with one change in two days before anything was seen), which is a negative binomial. */
    const double shape = (double)before + 0.5, rate = (days > 0 ? days : 0) + 1;
    const double p = rate / (rate + 1);
    double below = 0;
    for (size_t k = 0; k < recent && k < 10000; k++)
        below += exp(lgamma((double)k + shape) - lgamma(shape) - lgamma((double)k + 1) +
                     shape * log(p) + (double)k * log1p(-p));
    const double chance = fmax(1 - below, 1e-12);
    /* 1 from a chance of 10 % up, 0 from one in 100,000 down. */
    return clamp(1 - (-1 - log10(chance)) / 4);
}

/* ---- in words ---- */

static void say_budget(char words[160], double left) {
    if (isnan(left))
        (void)snprintf(words, 160, "no objective is measured");
    else if (left <= 0)
        (void)snprintf(words, 160, "the error budget is used up");
    else
        (void)snprintf(words, 160, "%.0f %% of the error budget is left", 100 * clamp(left));
}

static void say_burn(char words[160], double burn) {
    if (isnan(burn))
        (void)snprintf(words, 160, "there is no traffic to judge just now");
    else if (burn <= 1)
        (void)snprintf(words, 160, "errors stay within the budget's pace (burn rate %.2g)", burn);
    else
        (void)snprintf(words, 160, "the budget burns %.3g times too fast", burn);
}

static size_t count_open(const struct confidence_input *input, int *worst) {
    size_t open = 0;
    *worst = 9;
    for (size_t i = 0; i < input->incident_count; i++) {
        if (input->incidents[i].closed_ms) continue;
        open++;
        if (input->incidents[i].severity < *worst) *worst = input->incidents[i].severity;
    }
    return open;
}

static void say_incidents(char words[160], const struct confidence_input *input) {
    int worst;
    const size_t open = count_open(input, &worst);
    if (open)
        (void)snprintf(words, 160, "%zu open incident%s, the worst of severity %d", open,
                       open == 1 ? "" : "s", worst);
    else if (input->incident_count)
        (void)snprintf(words, 160, "%zu incident%s closed lately", input->incident_count,
                       input->incident_count == 1 ? "" : "s");
    else
        (void)snprintf(words, 160, "no incident is open");
}

static void say_changes(char words[160], const struct confidence_input *input) {
    size_t bad = 0, running = 0;
    for (size_t i = 0; i < input->change_count; i++) {
        bad += input->changes[i].outcome >= CHANGE_ABORTED;
        running += input->changes[i].outcome == CHANGE_RUNNING;
    }
    (void)snprintf(words, 160, "%zu change%s in %d days, %zu ended badly, %zu under way",
                   input->change_count, input->change_count == 1 ? "" : "s", HISTORY_DAYS, bad,
                   running);
}

/* ---- the score ---- */

static void judge_rate(const struct confidence_input *input, struct confidence *c) {
    size_t recent = 0;
    for (size_t i = 0; i < input->change_count; i++)
        recent += input->now_ms - input->changes[i].at_ms < DAY_MS;
    const size_t before = input->change_count - recent;
    double days = (double)(input->now_ms - input->known_since_ms) / (double)DAY_MS - 1;
    days = !input->known_since_ms || days < 0 ? 0 : fmin(days, HISTORY_DAYS - 1);
    c->values[PART_RATE] = value_of_rate(recent, before, days);
    if (days > 0)
        (void)snprintf(c->words[PART_RATE], sizeof c->words[PART_RATE],
                       "%zu changes in a day; usual are %.2g", recent, (double)before / days);
    else
        (void)snprintf(c->words[PART_RATE], sizeof c->words[PART_RATE],
                       "%zu changes in a day; there is no history yet", recent);
}

static void cap_at(struct confidence *c, double cap, const char *words) {
    if (cap >= c->cap) return;
    c->cap = cap;
    (void)snprintf(c->cap_words, sizeof c->cap_words, "%s", words);
}

static void judge_caps(const struct confidence_input *input, struct confidence *c) {
    int worst;
    c->cap = 100;
    if (count_open(input, &worst) && worst <= 2)
        cap_at(c, worst <= 1 ? 25 : 55,
               worst <= 1 ? "an incident of severity 1 is open"
                          : "an incident of severity 2 is open");
    if (input->paging) cap_at(c, 40, "an alert that pages fires");
    if (input->budget_left <= 0) cap_at(c, 45, "the error budget is used up");
}

/* What is not known counts half: no evidence is no reason to trust, nor to fear the worst. */
static double counted(double value) {
    return isnan(value) ? 0.5 : value;
}

static void judge_score(struct confidence *c) {
    double sum = 0;
    for (int i = 0; i < PARTS; i++) {
        if (!isnan(c->values[i])) c->coverage += part_weights[i];
        sum += part_weights[i] * counted(c->values[i]);
    }
    c->score = fmin(100 * sum, c->cap);
}

void confidence_judge(const struct confidence_input *input, struct confidence *c) {
    *c = (struct confidence){.cap = 100};
    c->values[PART_BUDGET] = value_of_budget(input->budget_left);
    /* Without traffic just now nothing burns; where nothing was ever measured it is not known. */
    const bool silent = isnan(input->burn) && !isnan(input->budget_left);
    c->values[PART_BURN] = silent ? 1 : value_of_burn(input->burn);
    c->values[PART_INCIDENTS] =
        value_of_incidents(input->incidents, input->incident_count, input->now_ms);
    c->values[PART_CHANGES] = value_of_changes(input->changes, input->change_count, input->now_ms);
    say_budget(c->words[PART_BUDGET], input->budget_left);
    say_burn(c->words[PART_BURN], input->burn);
    say_incidents(c->words[PART_INCIDENTS], input);
    say_changes(c->words[PART_CHANGES], input);
    judge_rate(input, c);
    judge_caps(input, c);
    judge_score(c);
}

/* ---- levels ---- */

static const char *const level_names[] = {"unknown", "low", "medium", "high"};
static const double lower_bounds[] = {0, 0, 50, 80};
enum { HELD_BY = 3 };

enum confidence_level confidence_level(double score, enum confidence_level held) {
    if (isnan(score)) return LEVEL_UNKNOWN;
    enum confidence_level level = LEVEL_LOW;
    while (level < LEVEL_HIGH) {
        /* The bound of a held level lies lower, of one above it higher. */
        const double moved = held == LEVEL_UNKNOWN ? 0 : level + 1 <= held ? -HELD_BY : HELD_BY;
        if (score < lower_bounds[level + 1] + moved) break;
        level++;
    }
    return level;
}

const char *level_name(enum confidence_level level) {
    return level_names[level];
}

enum confidence_level level_named(const char *name) {
    for (int i = LEVEL_LOW; name && i <= LEVEL_HIGH; i++)
        if (strcmp(level_names[i], name) == 0) return (enum confidence_level)i;
    return LEVEL_UNKNOWN;
}

static double to_hundredth(double value) {
    return round(value * 100) / 100;
}

void confidence_write(cJSON *out, const struct confidence *c, enum confidence_level level) {
    if (isnan(c->score))
        cJSON_AddNullToObject(out, "score");
    else
        cJSON_AddNumberToObject(out, "score", round(c->score * 10) / 10);
    cJSON_AddStringToObject(out, "level", level_name(level));
    cJSON_AddNumberToObject(out, "coverage", to_hundredth(c->coverage));
    if (c->cap < 100) {
        cJSON *cap = cJSON_AddObjectToObject(out, "cap");
        cJSON_AddNumberToObject(cap, "at", c->cap);
        cJSON_AddStringToObject(cap, "words", c->cap_words);
    }
    cJSON *parts = cJSON_AddArrayToObject(out, "parts");
    for (int i = 0; i < PARTS; i++) {
        cJSON *part = cJSON_CreateObject();
        const bool known = !isnan(c->values[i]);
        cJSON_AddStringToObject(part, "name", part_names[i]);
        cJSON_AddItemToObject(part, "value",
                              known ? cJSON_CreateNumber(c->values[i]) : cJSON_CreateNull());
        cJSON_AddNumberToObject(part, "weight", part_weights[i]);
        cJSON_AddNumberToObject(part, "points",
                                to_hundredth(100 * part_weights[i] * counted(c->values[i])));
        cJSON_AddStringToObject(part, "words", c->words[i]);
        cJSON_AddItemToArray(parts, part);
    }
}
