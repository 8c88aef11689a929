#include "words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *at;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(text->at, text->room, format, args);
    va_end(args);
    if (wrote < 0) return;
    size_t used = (size_t)wrote < text->room ? (size_t)wrote : text->room - 1;
    text->at += used;
    text->room -= used;
}

static void say_share(struct text *text, double share) {
    say(text, "%.3g %%", share * 100);
}

static void say_samples(struct text *text, const struct judge_metric *metric,
                        const struct judge_finding *finding) {
    if (metric->kind == JUDGE_RATE) {
        say_share(text, finding->experiment_typical);
        say(text, " of %.0f", finding->experiment_samples);
        if (finding->control_samples <= 0) return;
        say(text, " against ");
        say_share(text, finding->control_typical);
        say(text, " of %.0f", finding->control_samples);
    } else if (finding->control_samples > 0) {
        say(text, "median %.4g of %.0f samples against %.4g of %.0f", finding->experiment_typical,
            finding->experiment_samples, finding->control_typical, finding->control_samples);
        if (finding->experiment_effective < finding->experiment_samples)
            say(text, " (worth %.0f and %.0f, they follow one another)",
                finding->experiment_effective, finding->control_effective);
    } else {
        say_share(text, finding->experiment_typical);
        say(text, " of %.0f samples are beyond the limit %.4g", finding->experiment_samples,
            metric->limit);
    }
}

static void say_end(struct text *text, const char *scale, double end) {
    if (isinf(end))
        say(text, "without bound");
    else if (strcmp(scale, "share") == 0)
        say_share(text, end);
    else
        say(text, "%.3g%s", end, strcmp(scale, "ratio") == 0 ? " times" : "");
}

static void say_interval(struct text *text, const struct judge_finding *finding) {
    if (!finding->scale) return;
    say(text, ": between ");
    say_end(text, finding->scale, finding->low);
    say(text, " and ");
    say_end(text, finding->scale, finding->high);
    say(text, ", allowed ");
    say_end(text, finding->scale, finding->boundary);
}

static void say_missing(struct text *text, const struct judge_metric *metric,
                        const struct judge_finding *finding) {
    if (!isnan(finding->more_samples) && finding->more_samples > 0)
        say(text, "; about %.0f more %s of the new version would tell", finding->more_samples,
            metric->kind == JUDGE_RATE ? "events" : "samples");
}

void words_of_finding(const struct judge_metric *metric, struct judge_finding *finding) {
    static const char *const lead[] = {"not enough evidence yet", "no worse than allowed",
                                       "worse than allowed"};
    struct text text = {finding->words, sizeof finding->words};
    say(&text, "%s: %s", metric->name, lead[finding->answer]);
    if (!finding->scale) {
        say(&text, "; %.0f samples of the new version and %.0f of the old one",
            finding->experiment_samples, finding->control_samples);
    } else {
        say(&text, ", ");
        say_samples(&text, metric, finding);
        say_interval(&text, finding);
    }
    if (finding->answer == JUDGE_HOLD) say_missing(&text, metric, finding);
}

void words_of_verdict(const struct judge_metric *metrics, size_t count,
                      const struct judge_finding *findings, struct judge_verdict *verdict) {
    struct text text = {verdict->words, sizeof verdict->words};
    size_t judged = 0;
    for (size_t i = 0; i < count; i++) judged += !metrics[i].advisory;
    if (verdict->decided_by < count)
        say(&text, "%s", findings[verdict->decided_by].words);
    else if (!judged)
        say(&text, "no metric is judged, so nothing speaks for the new version");
    else
        say(&text, "%zu of %zu metrics are no worse than allowed", judged, judged);
}
