#include "answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST = 1000, HOT_FILES = 5 };

/* Names and fixed words are referred to, not copied: an answer has a hundred of them. */
static void put(cJSON *object, const char *name, cJSON *item) {
    cJSON_AddItemToObjectCS(object, name, item);
}

static void put_fixed(cJSON *object, const char *name, const char *fixed) {
    put(object, name, cJSON_CreateStringReference(fixed));
}

static void put_words(cJSON *object, const char *name, const char *words) {
    put(object, name, cJSON_CreateString(words));
}

static void put_count(cJSON *object, const char *name, double count) {
    put(object, name, cJSON_CreateNumber(count));
}

static cJSON *put_object(cJSON *object, const char *name) {
    cJSON *item = cJSON_CreateObject();
    put(object, name, item);
    return item;
}

static cJSON *put_list(cJSON *object, const char *name) {
    cJSON *item = cJSON_CreateArray();
    put(object, name, item);
    return item;
}

/* The length of the UTF-8 sequence at `at`, 0 when there is none. */
static size_t sequence(const unsigned char *at, size_t left) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t len = at[0] < 0x80                     ? 1
                       : at[0] >= 0xC2 && at[0] <= 0xDF ? 2
                       : at[0] >= 0xE0 && at[0] <= 0xEF ? 3
                       : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
                                                        : 0;
    if (!len || len > left) return 0;
    if (len == 1) return at[0] >= 0x20 ? 1 : 0;
    uint32_t code = at[0] & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (at[i] & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code >= least[len] && code <= 0x10FFFF && !surrogate ? len : 0;
}

void answer_text(cJSON *object, const char *name, struct diff_text text) {
    char clean[TEXT_MOST + 1];
    size_t out = 0;
    for (size_t i = 0; i < text.len && out + 4 < TEXT_MOST;) {
        const size_t len = sequence((const unsigned char *)text.at + i, text.len - i);
        if (len)
            memcpy(clean + out, text.at + i, len);
        else
            clean[out] = '?';
        out += len ? len : 1;
        i += len ? len : 1;
    }
    clean[out] = '\0';
    put_words(object, name, clean);
}

static double rounded(double value, double steps) {
    return round(value * steps) / steps;
}

static void add_number(cJSON *object, const char *name, double value) {
    put_count(object, name, rounded(value, 1e4));
}

static cJSON *add_object(cJSON *list) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(list, item);
    return item;
}

static void add_contributions(const struct score *score, cJSON *out) {
    cJSON *list = put_list(out, "contributions");
    const struct judgement *judged = &score->judged;
    /* Heaviest first, whichever way it pulls. */
    uint32_t told = 0;
    for (uint32_t n = 0; n < judged->learned.count; n++) {
        int best = -1;
        for (uint32_t i = 0; i < judged->learned.count; i++)
            if (!(told & (1U << i)) && (best < 0 || fabs(judged->learned.effects[i]) >
                                                        fabs(judged->learned.effects[best])))
                best = (int)i;
        told |= 1U << best;
        const struct model_term *term = &judged->model->terms[best];
        /* "It is not a fix: no effect" tells nobody anything. */
        if (!features[term->feature].plural && judged->learned.effects[best] == 0) continue;
        char words[EXPLAIN_WORDS];
        explain_term(score, (uint32_t)best, words);
        cJSON *item = add_object(list);
        put_fixed(item, "feature", features[term->feature].id);
        put_fixed(item, "name", features[term->feature].name);
        add_number(item, "value", judged->learned.values[best]);
        add_number(item, "typical", term->typical);
        put_fixed(item, "unit", features[term->feature].unit);
        add_number(item, "effect", judged->learned.effects[best]);
        put_words(item, "words", words);
    }
}

static void add_context(const struct score *score, cJSON *out) {
    cJSON *list = put_list(out, "context");
    const struct context_effects *context = &score->judged.context;
    for (uint32_t i = 0; i < context->count; i++) {
        const struct context_rule *rule = &context_rules[context->rules[i]];
        cJSON *item = add_object(list);
        put_fixed(item, "rule", rule->id);
        add_number(item, "effect", context->effects[i]);
        if (rule->at_least > LEVEL_LOW) put_fixed(item, "at_least", level_name(rule->at_least));
        put_fixed(item, "words", rule->words);
    }
}

static void add_signals(const struct score *score, cJSON *out) {
    cJSON *list = put_list(out, "signals");
    for (uint32_t i = 0; i < score->findings.count; i++) {
        const struct finding *finding = &score->findings.items[i];
        cJSON *item = add_object(list);
        put_fixed(item, "id", finding->id);
        put_fixed(item, "family", finding->family);
        put_fixed(item, "severity", severity_name(finding->severity));
        if (finding->file >= 0)
            answer_text(item, "file", change_path(&score->change, (uint32_t)finding->file));
        if (finding->line) put_count(item, finding->deleted ? "old_line" : "line", finding->line);
        if (finding->count > 1) put_count(item, "count", finding->count);
        put_fixed(item, "means", finding->means);
        put_fixed(item, "fix", finding->fix);
    }
    if (score->findings.dropped) put_count(out, "signals_left_out", score->findings.dropped);
}

static void add_hotspots(const struct score *score, cJSON *out) {
    cJSON *list = put_list(out, "hotspots");
    const struct change *change = &score->change;
    for (uint32_t i = 0; i < change->hot_count && i < HOT_FILES; i++) {
        const struct change_hunk *hunk = &change->hot[i];
        cJSON *item = add_object(list);
        answer_text(item, "file", change_path(change, hunk->file));
        put_fixed(item, "kind", kind_name(change->files[hunk->file].kind));
        put_count(item, "line", hunk->start);
        put_count(item, "added", hunk->added);
        put_count(item, "deleted", hunk->deleted);
        put_count(item, "branches", hunk->branches);
    }
}

static void add_ways(const struct score *score, cJSON *out) {
    struct way ways[EXPLAIN_WAYS];
    const uint32_t count = explain_ways(score, ways);
    cJSON *list = put_list(out, "what_would_lower_it");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *item = add_object(list);
        put_fixed(item, "kind", ways[i].kind);
        put_words(item, "words", ways[i].words);
        put_fixed(item, "level", level_name(ways[i].then.level));
        put_count(item, "score", ways[i].then.score);
        add_number(item, "probability", ways[i].then.probability);
        put(item, "verified", cJSON_CreateTrue());
    }
}

static void add_change(const struct score *score, cJSON *out) {
    const struct change *change = &score->change;
    cJSON *item = put_object(out, "change");
    put_count(item, "files", change->file_count);
    put_count(item, "added", (double)change->added);
    put_count(item, "deleted", (double)change->deleted);
    put_count(item, "directories", change->folders);
    add_number(item, "entropy", change->entropy);
    cJSON *kinds = put_object(item, "kinds");
    for (int k = 0; k < KIND_COUNT; k++)
        if (change->files_by[k])
            put_count(kinds, kind_name((enum file_kind)k), change->files_by[k]);
    if (!score->report.note_count) return;
    cJSON *notes = put_list(item, "skipped");
    for (uint32_t i = 0; i < score->report.note_count && i < DIFF_NOTES; i++) {
        cJSON *note = add_object(notes);
        put_count(note, "line", score->report.notes[i].line);
        put_words(note, "what", score->report.notes[i].text);
    }
}

static void add_used_model(const struct score *score, cJSON *out) {
    const struct model *model = score->judged.model;
    if (!model) {
        put(out, "model", cJSON_CreateNull());
        return;
    }
    cJSON *item = put_object(out, "model");
    put_words(item, "id", model->id);
    put_count(item, "version", model->version);
    put_fixed(item, "input", feature_source_name(model->needs));
    add_number(item, "auc", model->auc);
    add_number(item, "calibration_error", model->ece);
    put_count(item, "trained_on_projects", model->projects);
    put_count(item, "trained_on_changes", model->changes);
    put_words(item, "predicts", model->predicts);
}

/* Each part of the sum, so that a reader can add it up. */
static void add_sum(const struct score *score, cJSON *out) {
    const struct judgement *judged = &score->judged;
    cJSON *item = put_object(out, "log_odds");
    add_number(item, "base", logit(score->base.rate));
    add_number(item, "start", judged->model ? judged->model->start : 0);
    add_number(item, "local", judged->model ? score->base.shift : 0);
    double effects = 0;
    for (uint32_t i = 0; i < judged->learned.count; i++) effects += judged->learned.effects[i];
    add_number(item, "learned", effects);
    add_number(item, "context", judged->context.sum);
    add_number(item, "against_base", judged->against_base);
    add_number(item, "total", logit(score->base.rate) + judged->against_base);
}

static void add_verdict(const struct score *score, cJSON *out) {
    const struct judgement *judged = &score->judged;
    char reason[700];
    explain_reason(score, reason, sizeof reason);
    put_fixed(out, "level", level_name(judged->level));
    put_count(out, "score", judged->score);
    add_number(out, "probability", judged->probability);
    add_number(out, "base_rate", score->base.rate);
    put_words(out, "reason", reason);
    put_fixed(out, "method",
              !judged->model          ? "context"
              : score->findings.count ? "model+signals"
                                      : "model");
}

void answer_score(const struct score *score, bool brief, cJSON *out) {
    const struct judgement *judged = &score->judged;
    add_verdict(score, out);
    if (brief) return;
    cJSON *band = put_object(out, "band");
    put_fixed(band, "by_model", level_name(judged->by_model));
    put_fixed(band, "by_signals", level_name(judged->by_signals));
    put_fixed(band, "by_context", level_name(judged->context.at_least));
    add_number(band, "probability_low", judged->low);
    add_number(band, "probability_high", judged->high);
    put_count(band, "local_outcomes", score->base.outcomes);
    put_fixed(band, "basis",
              score->base.outcomes ? "the tenant's own outcomes"
                                   : "the default base rate, no local outcomes yet");
    add_sum(score, out);
    add_contributions(score, out);
    add_context(score, out);
    add_signals(score, out);
    add_hotspots(score, out);
    add_ways(score, out);
    if (score->change.file_count) add_change(score, out);
    add_used_model(score, out);
}

cJSON *answer_model(const struct model *model) {
    cJSON *out = cJSON_CreateObject();
    put_words(out, "id", model->id);
    put_count(out, "version", model->version);
    put_fixed(out, "input", feature_source_name(model->needs));
    put_words(out, "predicts", model->predicts);
    add_number(out, "auc", model->auc);
    add_number(out, "calibration_error", model->ece);
    put_count(out, "trained_on_projects", model->projects);
    put_count(out, "trained_on_changes", model->changes);
    add_number(out, "start", model->start);
    cJSON *terms = put_list(out, "terms");
    for (uint32_t i = 0; i < model->term_count; i++) {
        const struct model_term *term = &model->terms[i];
        cJSON *item = add_object(terms);
        put_fixed(item, "feature", features[term->feature].id);
        put_fixed(item, "definition", features[term->feature].definition);
        put_fixed(item, "source", feature_source_name(features[term->feature].source));
        add_number(item, "typical", term->typical);
        put(item, "weights", cJSON_CreateDoubleArray(term->weights, (int)term->knot_count + 1));
        put(item, "only_rises", cJSON_CreateBool(term->rising));
    }
    return out;
}
