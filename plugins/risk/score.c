#include "score.h"

#include "numstat.h"
#include "signals.h"

#include <string.h>

void scorer_init(struct scorer *scorer) {
    memset(scorer, 0, sizeof *scorer);
    lexicon_init(&scorer->lexicon);
    for (size_t i = 0; i < context_rule_count; i++) scorer->weights[i] = context_rules[i].weight;
}

int scorer_add_model(struct scorer *scorer, const char *json, size_t len, char why[160]) {
    if (scorer->model_count == SCORER_MODELS) return -1;
    if (model_parse(&scorer->models[scorer->model_count], json, len, why)) return -1;
    scorer->model_count++;
    return 0;
}

/* Both the counting and the signals hear the reader. */
struct ears {
    struct change *change;
    struct signals_run *signals;
};

static void on_file(void *of, const struct diff_file *file) {
    struct ears *ears = of;
    change_on_file(ears->change, file);
    if (ears->signals) signals_on_file(ears->signals, file, ears->change);
}

static void on_hunk(void *of, const struct diff_hunk *hunk) {
    struct ears *ears = of;
    change_on_hunk(ears->change, hunk);
    if (ears->signals) signals_on_hunk(ears->signals, hunk);
}

static void on_line(void *of, const struct diff_line *line) {
    struct ears *ears = of;
    change_on_line(ears->change, line);
    if (ears->signals) signals_on_line(ears->signals, line);
}

static void on_file_end(void *of, const struct diff_file *file) {
    struct ears *ears = of;
    change_on_file_end(ears->change, file);
    if (ears->signals) signals_on_file_end(ears->signals, file);
}

static int read_change(const struct scorer *scorer, const struct score_input *in,
                       struct score *out) {
    if (in->diff.len) {
        struct signals_run run;
        struct ears ears = {.change = &out->change};
        if (scorer->signals) {
            signals_begin(&run, scorer->signals, &out->findings);
            ears.signals = &run;
        }
        const struct diff_sink sink = {.of = &ears,
                                       .changes_only = true,
                                       .file = on_file,
                                       .hunk = on_hunk,
                                       .line = on_line,
                                       .file_end = on_file_end};
        const int rc = diff_read(in->diff, &sink, &out->report);
        if (scorer->signals) signals_end(&run, &out->change);
        return rc;
    }
    if (in->numstat.len) out->numstat_fault = numstat_read(in->numstat, &out->change);
    return out->numstat_fault ? -1 : 0;
}

static const struct model *best_model(const struct scorer *scorer, const double *values) {
    for (uint32_t i = 0; i < scorer->model_count; i++)
        if (model_fits(&scorer->models[i], values)) return &scorer->models[i];
    return NULL;
}

void score_rejudge(const struct score *score, const double *values, const struct context *context,
                   enum risk_level by_signals, struct judgement *out) {
    const struct judge_input in = {.model = score->judged.model,
                                   .values = values,
                                   .context = context,
                                   .weights = score->scorer->weights,
                                   .base = score->base,
                                   .by_signals = by_signals};
    judge(&in, out);
}

int score_change(const struct scorer *scorer, const struct score_input *in, struct score *out) {
    memset(out, 0, offsetof(struct score, findings));
    out->findings.count = out->findings.dropped = 0;
    out->scorer = scorer;
    out->context = in->context;
    out->base = in->base;
    change_init(&out->change, &scorer->lexicon);
    const int rc = read_change(scorer, in, out);
    if (rc) return rc;
    out->change.message = message_read(in->message);
    change_close(&out->change);
    signals_on_request(in, &out->findings);
    findings_sort(&out->findings);
    out->judged.model = NULL;
    if (out->change.file_count) {
        features_measure(&(struct feature_input){.change = &out->change,
                                                 .history = in->history,
                                                 .authored_s = in->authored_s,
                                                 .zone_minutes = in->zone_minutes},
                         out->values);
        out->judged.model = best_model(scorer, out->values);
    }
    struct judgement judged;
    score_rejudge(out, out->values, &out->context, findings_level(&out->findings), &judged);
    out->judged = judged;
    return 0;
}

void score_fini(struct score *score) {
    change_fini(&score->change);
}
