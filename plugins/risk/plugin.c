/* The face of the plugin: every operation, field and option on one screen or two. */
#include "answer.h"
#include "embedded_models.h"
#include "signals.h"

#include <sluice/sluice.h>
#include <stdlib.h>
#include <string.h>

/* A diff of this size takes about a millisecond: larger ones are scored beside the loop. */
enum { OFFLOAD_BYTES = 96 * 1024 };

struct risk {
    struct scorer scorer;
    struct signals *signals;
    double base_rate;
};

static const sl_field context_in[] = {
    SL_INT("tier", .help = "criticality of the service, 0 is the highest", .min = 0, .max = 9),
    SL_ENUM("exposure", "internal|partner|external", .help = "who can reach the service"),
    SL_ENUM("data_class", "public|internal|confidential|pii", .help = "what data it handles"),
    SL_BOOL("freeze", .help = "a freeze window is open"),
    SL_BOOL("business_hours", .help = "it is within business hours"),
    SL_BOOL("on_call", .help = "someone is on call"),
    SL_BOOL("rollback_ready", .help = "the version before can be put back at once"),
    SL_BOOL("emergency", .help = "a declared emergency change"),
    SL_NUMBER("budget_left", .help = "share of the error budget that is left, 0..1", .min = -100,
              .max = 1),
    SL_NUMBER("deploys_hour", .help = "deployments of this service in the last hour", .min = 0,
              .max = 1e6),
    SL_NUMBER("bad_share", .help = "share of the service's last changes that ended badly, 0..1",
              .min = 0, .max = 1),
    SL_END};

static const sl_field score_in[] = {
    SL_STRING("diff", .help = "unified diff of the change (git, svn or diff -u)", .max = SL_MIB(8),
              .flags = SL_FILE),
    SL_STRING("numstat", .help = "`git diff --numstat`, where the diff is not at hand",
              .max = SL_MIB(1), .flags = SL_FILE),
    SL_STRING("message", .help = "commit message or title and text of the change",
              .max = SL_KIB(64)),
    SL_STRING("environment", .help = "dev, stage or prod", .max = 64),
    SL_STRING("app", .help = "name of the application", .max = 200),
    SL_STRING("service", .help = "the same, under its other name", .max = 200),
    SL_STRING("image", .help = "container image that will run", .max = 1024),
    SL_INT("replicas", .help = "pods wanted", .min = 0, .max = 100000),
    SL_INT("authored_at", .help = "when the change was written, seconds since 1970", .min = 0),
    SL_OBJECT("context", context_in, .help = "what is known of the deployment"),
    SL_OBJECT("payload", NULL,
              .help = "a whole deployment request: its members stand in for "
                      "those that are absent here",
              .flags = SL_OPEN),
    SL_ENUM("detail", "full|brief", .def = "full", .help = "brief: the verdict only"),
    SL_END};

static const sl_field score_out[] = {
    SL_ENUM("level", "LOW|MED|HIGH|CRITICAL", .help = "relative to the base rate of defects"),
    SL_INT("score", .help = "0..100; 50 is an ordinary change", .min = 0, .max = 100),
    SL_NUMBER("probability", .help = "that the change introduces a defect"),
    SL_NUMBER("base_rate", .help = "share of changes that do"),
    SL_STRING("reason", .help = "the sentence to read first"),
    SL_STRING("method", .help = "model, model+signals or context"),
    SL_OBJECT("band", NULL, .help = "which part asked for which level; bounds of the probability",
              .flags = SL_OPEN),
    SL_OBJECT("log_odds", NULL, .help = "the sum: base, start, learned, context", .flags = SL_OPEN),
    SL_LIST("contributions", SL_T_ANY, .help = "learned effects, heaviest first; they add up"),
    SL_LIST("context", SL_T_ANY, .help = "the operator's prior, apart from what was learned"),
    SL_LIST("signals", SL_T_ANY, .help = "danger signals with file, line, meaning and fix"),
    SL_LIST("hotspots", SL_T_ANY, .help = "the heaviest hunks"),
    SL_LIST("what_would_lower_it", SL_T_ANY, .help = "each judged again by the same rules"),
    SL_OBJECT("change", NULL, .help = "what was read, and what was skipped", .flags = SL_OPEN),
    SL_ANY("model", .help = "which model answered, and how good it is"),
    SL_END};

static const sl_field model_out[] = {
    SL_LIST("models", SL_T_ANY, .help = "the models, best first"),
    SL_LIST("features", SL_T_ANY, .help = "all features that are measured"),
    SL_LIST("context_rules", SL_T_ANY, .help = "the prior on the circumstances"),
    SL_NUMBER("base_rate", .help = "share of changes that introduce a defect"),
    SL_STRING("not_predicted", .help = "what the figures do not mean"),
    SL_END};

static const sl_field options[] = {
    SL_NUMBER("base_rate", .def = "0.10", .min = 0.001, .max = 0.9,
              .help = "share of changes that introduce a defect, until local outcomes are known"),
    SL_MAP("context", SL_T_NUMBER, .help = "weights of the context rules in log-odds, by rule id"),
    SL_END};

static const cJSON *find(const cJSON *in, const char *name, const char *other) {
    const cJSON *payload = sl_get(in, "payload");
    const cJSON *found = sl_get(in, name);
    if (!found && other) found = sl_get(in, other);
    if (!found) found = sl_get(payload, name);
    if (!found && other) found = sl_get(payload, other);
    if (!found) found = sl_get(sl_get(payload, "config"), name);
    return found;
}

static struct diff_text text_of(const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);
    return (struct diff_text){text ? text : "", text ? strlen(text) : 0};
}

static int flag_of(const cJSON *item) {
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : -1;
}

static double number_of(const cJSON *item) {
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

/* The place of a word in a list of alternatives, from 1; 0 when it is none of them. */
static int choice_of(const cJSON *item, const char *const *words) {
    const char *text = cJSON_GetStringValue(item);
    for (int i = 0; text && words[i]; i++) {
        size_t len = strcspn(words[i], "|");
        for (const char *at = words[i];; at += len + 1) {
            len = strcspn(at, "|");
            if (strlen(text) == len && memcmp(text, at, len) == 0) return i + 1;
            if (!at[len]) break;
        }
    }
    return 0;
}

static struct context read_context(const cJSON *in) {
    static const char *const environments[] = {"dev|development|test", "stage|staging|preprod",
                                               "prod|production|live", NULL};
    static const char *const exposures[] = {"internal", "partner", "external|public", NULL};
    static const char *const classes[] = {"public", "internal", "confidential|restricted", "pii",
                                          NULL};
    struct context c = context_unknown();
    const cJSON *given = sl_get(in, "context");
    const cJSON *exposure = sl_get(given, "exposure"), *data = sl_get(given, "data_class");
    c.environment = choice_of(find(in, "environment", "env"), environments);
    c.exposure = choice_of(exposure ? exposure : find(in, "exposure", NULL), exposures);
    c.data_class = choice_of(data ? data : find(in, "data_classification", "data_class"), classes);
    if (!given) return c;
    c.tier = (int)number_of(sl_get(given, "tier"));
    c.freeze = flag_of(sl_get(given, "freeze"));
    c.business_hours = flag_of(sl_get(given, "business_hours"));
    c.on_call = flag_of(sl_get(given, "on_call"));
    c.rollback_ready = flag_of(sl_get(given, "rollback_ready"));
    c.emergency = flag_of(sl_get(given, "emergency"));
    const cJSON *budget = sl_get(given, "budget_left");
    if (cJSON_IsNumber(budget)) c.budget_left = budget->valuedouble < 0 ? 0 : budget->valuedouble;
    c.deploys_hour = number_of(sl_get(given, "deploys_hour"));
    c.bad_share = number_of(sl_get(given, "bad_share"));
    return c;
}

struct work {
    const struct scorer *scorer;
    struct score_input in;
    struct score score;
};

static int do_work(void *arg) {
    struct work *work = arg;
    return score_change(work->scorer, &work->in, &work->score);
}

static int refuse(sl_call *call, const struct work *work) {
    if (work->score.numstat_fault) {
        sl_fault(call, "/numstat", "send the output of `git diff --numstat`",
                 "line %u is not \"added<TAB>deleted<TAB>path\"", work->score.numstat_fault);
        return sl_fail(call, SL_INVALID, "the numstat cannot be read at line %u",
                       work->score.numstat_fault);
    }
    sl_fault(call, "/diff", "send the output of `git diff`", "line %u: %s",
             work->score.report.error_line, work->score.report.error);
    return sl_fail(call, SL_INVALID, "the diff cannot be read at line %u: %s",
                   work->score.report.error_line, work->score.report.error);
}

static int risk_score(sl_call *call, const cJSON *in, cJSON *out) {
    struct risk *risk = sl_state(call);
    struct work *work = sl_alloc(call, sizeof *work);
    const cJSON *replicas = find(in, "replicas", NULL);
    work->scorer = &risk->scorer;
    work->in = (struct score_input){.diff = text_of(find(in, "diff", NULL)),
                                    .numstat = text_of(find(in, "numstat", NULL)),
                                    .message = text_of(find(in, "message", "commit_message")),
                                    .image = text_of(find(in, "image", NULL)),
                                    .replicas = cJSON_IsNumber(replicas) ? replicas->valueint : -1,
                                    .authored_s = sl_get_int(in, "authored_at", 0),
                                    .context = read_context(in),
                                    .base = {.rate = risk->base_rate}};
    if (work->in.diff.len > DIFF_LIMIT_BYTES)
        return sl_fail(call, SL_TOO_LARGE, "the diff in the payload has more than 8 MiB");
    int rc = work->in.diff.len > OFFLOAD_BYTES ? sl_offload(call, do_work, work) : do_work(work);
    if (rc == SL_LIMIT)
        rc = sl_fail(call, SL_LIMIT, "too many large diffs are being scored: try again");
    else if (rc)
        rc = refuse(call, work);
    else
        answer_score(&work->score, strcmp(sl_get_text(in, "detail", "full"), "brief") == 0, out);
    if (!rc) sl_count(call, "risk_scores_total", 1, level_name(work->score.judged.level));
    score_fini(&work->score);
    return rc;
}

static int risk_model(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    const struct risk *risk = sl_state(call);
    cJSON *models = cJSON_AddArrayToObject(out, "models");
    for (uint32_t i = 0; i < risk->scorer.model_count; i++)
        cJSON_AddItemToArray(models, answer_model(&risk->scorer.models[i]));
    cJSON *list = cJSON_AddArrayToObject(out, "features");
    for (size_t i = 0; i < feature_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", features[i].id);
        cJSON_AddStringToObject(item, "unit", features[i].unit);
        cJSON_AddStringToObject(item, "definition", features[i].definition);
        cJSON_AddStringToObject(item, "source", feature_source_name(features[i].source));
        cJSON_AddItemToArray(list, item);
    }
    cJSON *rules = cJSON_AddArrayToObject(out, "context_rules");
    for (size_t i = 0; i < context_rule_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", context_rules[i].id);
        cJSON_AddNumberToObject(item, "weight", risk->scorer.weights[i]);
        cJSON_AddStringToObject(item, "words", context_rules[i].words);
        cJSON_AddItemToArray(rules, item);
    }
    cJSON_AddNumberToObject(out, "base_rate", risk->base_rate);
    cJSON_AddStringToObject(out, "not_predicted",
                            "reverts and incidents: on real reverts of nine projects models of "
                            "this kind have no skill (AUC .48)");
    return 0;
}

static int set_weights(sl_call *call, const cJSON *config, double *weights) {
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, sl_get(config, "context")) {
        size_t i = 0;
        while (i < context_rule_count && strcmp(context_rules[i].id, item->string) != 0) i++;
        if (i == context_rule_count)
            return sl_fail(call, SL_INVALID,
                           "plugins.risk.context: there is no rule \"%s\"; GET /risk/model lists "
                           "them",
                           item->string);
        if (item->valuedouble < -5 || item->valuedouble > 5)
            return sl_fail(call, SL_INVALID,
                           "plugins.risk.context.%s: a weight lies between -5 and 5", item->string);
        weights[i] = item->valuedouble;
    }
    return 0;
}

static int risk_check(sl_call *call, const cJSON *config) {
    double weights[CONTEXT_RULES_MOST];
    return set_weights(call, config, weights);
}

static int risk_start(sl_call *call, const cJSON *config) {
    char why[160] = "";
    struct risk *risk = calloc(1, sizeof *risk);
    if (!risk) return sl_fail(call, SL_UNAVAILABLE, "memory is out");
    sl_set_state(call, risk);
    scorer_init(&risk->scorer);
    risk->base_rate = sl_get_number(config, "base_rate", 0.10);
    int rc = set_weights(call, config, risk->scorer.weights);
    for (const struct embedded_model *m = embedded_models; !rc && m->json; m++)
        if (scorer_add_model(&risk->scorer, m->json, m->len, why))
            rc = sl_fail(call, SL_INTERNAL, "a built-in model is damaged: %s", why);
    if (rc) return rc;
    risk->signals = signals_new(why);
    risk->scorer.signals = risk->signals;
    return 0;
}

static void risk_stop(sl_call *call) {
    struct risk *risk = sl_state(call);
    if (!risk) return;
    signals_free(risk->signals);
    free(risk);
    sl_set_state(call, NULL);
}

static const sl_op ops[] = {
    {.name = "risk.score",
     .route = "POST /ai/risk-score",
     .also = "POST /risk/score",
     .summary = "Score the deployment risk of a change",
     .in = score_in,
     .out = score_out,
     .needs = "risk:read",
     .example = "{\"numstat\":\"120\\t4\\tsrc/pay.c\",\"message\":\"Fix rounding\","
                "\"environment\":\"prod\"}",
     .run = risk_score,
     .effect = SL_READS,
     .max_body = 20U * 1024 * 1024},
    {.name = "risk.model",
     .route = "GET /risk/model",
     .summary = "Show the risk models, their data and how good they are",
     .out = model_out,
     .needs = "risk:read",
     .run = risk_model,
     .effect = SL_READS},
    SL_END};

static const sl_metric metrics[] = {
    {.name = "risk_scores_total", .help = "Changes scored", .labels = "level", .type = SL_COUNTER},
    SL_END};

SL_PLUGIN(.name = "risk", .version = "1.0.0",
          .summary = "Scores how risky a change is, says why, and what would lower it",
          .license = "Apache-2.0", .config = options, .ops = ops, .metrics = metrics,
          .check = risk_check, .start = risk_start, .stop = risk_stop);
