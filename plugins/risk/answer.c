#include "answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST = 1000, HOT_FILES = 5 };

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
    cJSON_AddStringToObject(object, name, clean);
}

static double rounded(double value, double steps) {
    return round(value * steps) / steps;
}

static void add_number(cJSON *object, const char *name, double value) {
    cJSON_AddNumberToObject(object, name, rounded(value, 1e4));
}

static cJSON *add_object(cJSON *list) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(list, item);
    return item;
}

static void add_contributions(const struct score *score, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "contributions");
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
        char words[EXPLAIN_WORDS];
        explain_term(score, (uint32_t)best, words);
        cJSON *item = add_object(list);
        cJSON_AddStringToObject(item, "feature", features[term->feature].id);
        cJSON_AddStringToObject(item, "name", features[term->feature].name);
        add_number(item, "value", judged->learned.values[best]);
        add_number(item, "typical", term->typical);
        cJSON_AddStringToObject(item, "unit", features[term->feature].unit);
        add_number(item, "effect", judged->learned.effects[best]);
        cJSON_AddStringToObject(item, "words", words);
    }
}

static void add_context(const struct score *score, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "context");
    const struct context_effects *context = &score->judged.context;
    for (uint32_t i = 0; i < context->count; i++) {
        const struct context_rule *rule = &context_rules[context->rules[i]];
        cJSON *item = add_object(list);
        cJSON_AddStringToObject(item, "rule", rule->id);
        add_number(item, "effect", context->effects[i]);
        if (rule->at_least > LEVEL_LOW)
            cJSON_AddStringToObject(item, "at_least", level_name(rule->at_least));
        cJSON_AddStringToObject(item, "words", rule->words);
    }
}

static void add_signals(const struct score *score, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "signals");
    for (uint32_t i = 0; i < score->findings.count; i++) {
        const struct finding *finding = &score->findings.items[i];
        cJSON *item = add_object(list);
        cJSON_AddStringToObject(item, "id", finding->id);
        cJSON_AddStringToObject(item, "family", finding->family);
        cJSON_AddStringToObject(item, "severity", severity_name(finding->severity));
        if (finding->file >= 0)
            answer_text(item, "file", change_path(&score->change, (uint32_t)finding->file));
        if (finding->line)
            cJSON_AddNumberToObject(item, finding->deleted ? "old_line" : "line", finding->line);
        if (finding->count > 1) cJSON_AddNumberToObject(item, "count", finding->count);
        cJSON_AddStringToObject(item, "means", finding->means);
        cJSON_AddStringToObject(item, "fix", finding->fix);
    }
    if (score->findings.dropped)
        cJSON_AddNumberToObject(out, "signals_left_out", score->findings.dropped);
}

static void add_hotspots(const struct score *score, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "hotspots");
    const struct change *change = &score->change;
    for (uint32_t i = 0; i < change->hot_count && i < HOT_FILES; i++) {
        const struct change_hunk *hunk = &change->hot[i];
        cJSON *item = add_object(list);
        answer_text(item, "file", change_path(change, hunk->file));
        cJSON_AddStringToObject(item, "kind", kind_name(change->files[hunk->file].kind));
        cJSON_AddNumberToObject(item, "line", hunk->start);
        cJSON_AddNumberToObject(item, "added", hunk->added);
        cJSON_AddNumberToObject(item, "deleted", hunk->deleted);
        cJSON_AddNumberToObject(item, "branches", hunk->branches);
    }
}

static void add_ways(const struct score *score, cJSON *out) {
    struct way ways[EXPLAIN_WAYS];
    const uint32_t count = explain_ways(score, ways);
    cJSON *list = cJSON_AddArrayToObject(out, "what_would_lower_it");
    for (uint32_t i = 0; i < count; i++) {
        cJSON *item = add_object(list);
        cJSON_AddStringToObject(item, "kind", ways[i].kind);
        cJSON_AddStringToObject(item, "words", ways[i].words);
        cJSON_AddStringToObject(item, "level", level_name(ways[i].then.level));
        cJSON_AddNumberToObject(item, "score", ways[i].then.score);
        add_number(item, "probability", ways[i].then.probability);
        cJSON_AddTrueToObject(item, "verified");
    }
}

static void add_change(const struct score *score, cJSON *out) {
    const struct change *change = &score->change;
    cJSON *item = cJSON_AddObjectToObject(out, "change");
    cJSON_AddNumberToObject(item, "files", change->file_count);
    cJSON_AddNumberToObject(item, "added", (double)change->added);
    cJSON_AddNumberToObject(item, "deleted", (double)change->deleted);
    cJSON_AddNumberToObject(item, "directories", change->folders);
    add_number(item, "entropy", change->entropy);
    cJSON *kinds = cJSON_AddObjectToObject(item, "kinds");
    for (int k = 0; k < KIND_COUNT; k++)
        if (change->files_by[k])
            cJSON_AddNumberToObject(kinds, kind_name((enum file_kind)k), change->files_by[k]);
    if (!score->report.note_count) return;
    cJSON *notes = cJSON_AddArrayToObject(item, "skipped");
    for (uint32_t i = 0; i < score->report.note_count && i < DIFF_NOTES; i++) {
        cJSON *note = add_object(notes);
        cJSON_AddNumberToObject(note, "line", score->report.notes[i].line);
        cJSON_AddStringToObject(note, "what", score->report.notes[i].text);
    }
}

static void add_used_model(const struct score *score, cJSON *out) {
    const struct model *model = score->judged.model;
    if (!model) {
        cJSON_AddNullToObject(out, "model");
        return;
    }
    cJSON *item = cJSON_AddObjectToObject(out, "model");
    cJSON_AddStringToObject(item, "id", model->id);
    cJSON_AddNumberToObject(item, "version", model->version);
    cJSON_AddStringToObject(item, "input", feature_source_name(model->needs));
    add_number(item, "auc", model->auc);
    add_number(item, "calibration_error", model->ece);
    cJSON_AddNumberToObject(item, "trained_on_projects", model->projects);
    cJSON_AddNumberToObject(item, "trained_on_changes", model->changes);
    cJSON_AddStringToObject(item, "predicts", model->predicts);
}

/* Each part of the sum, so that a reader can add it up. */
static void add_sum(const struct score *score, cJSON *out) {
    const struct judgement *judged = &score->judged;
    cJSON *item = cJSON_AddObjectToObject(out, "log_odds");
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
    cJSON_AddStringToObject(out, "level", level_name(judged->level));
    cJSON_AddNumberToObject(out, "score", judged->score);
    add_number(out, "probability", judged->probability);
    add_number(out, "base_rate", score->base.rate);
    cJSON_AddStringToObject(out, "reason", reason);
    cJSON_AddStringToObject(out, "method",
                            !judged->model          ? "context"
                            : score->findings.count ? "model+signals"
                                                    : "model");
}

void answer_score(const struct score *score, bool brief, cJSON *out) {
    const struct judgement *judged = &score->judged;
    add_verdict(score, out);
    if (brief) return;
    cJSON *band = cJSON_AddObjectToObject(out, "band");
    cJSON_AddStringToObject(band, "by_model", level_name(judged->by_model));
    cJSON_AddStringToObject(band, "by_signals", level_name(judged->by_signals));
    cJSON_AddStringToObject(band, "by_context", level_name(judged->context.at_least));
    add_number(band, "probability_low", judged->low);
    add_number(band, "probability_high", judged->high);
    cJSON_AddNumberToObject(band, "local_outcomes", score->base.outcomes);
    cJSON_AddStringToObject(band, "basis",
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
    cJSON_AddStringToObject(out, "id", model->id);
    cJSON_AddNumberToObject(out, "version", model->version);
    cJSON_AddStringToObject(out, "input", feature_source_name(model->needs));
    cJSON_AddStringToObject(out, "predicts", model->predicts);
    add_number(out, "auc", model->auc);
    add_number(out, "calibration_error", model->ece);
    cJSON_AddNumberToObject(out, "trained_on_projects", model->projects);
    cJSON_AddNumberToObject(out, "trained_on_changes", model->changes);
    add_number(out, "start", model->start);
    cJSON *terms = cJSON_AddArrayToObject(out, "terms");
    for (uint32_t i = 0; i < model->term_count; i++) {
        const struct model_term *term = &model->terms[i];
        cJSON *item = add_object(terms);
        cJSON_AddStringToObject(item, "feature", features[term->feature].id);
        cJSON_AddStringToObject(item, "definition", features[term->feature].definition);
        cJSON_AddStringToObject(item, "source",
                                feature_source_name(features[term->feature].source));
        add_number(item, "typical", term->typical);
        cJSON_AddItemToObject(item, "weights",
                              cJSON_CreateDoubleArray(term->weights, (int)term->knot_count + 1));
        cJSON_AddBoolToObject(item, "only_rises", term->rising);
    }
    return out;
}
