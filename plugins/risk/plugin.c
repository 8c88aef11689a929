/* The face of the plugin: every operation, field and option on one screen or two. */
#include "embedded_models.h"
#include "redact.h"
#include "risk.h"

#include <stdlib.h>
#include <string.h>

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

static const sl_field history_in[] = {
    SL_NUMBER("fixes_most", .help = "earlier fixes of the touched file that has most", .min = 0,
              .max = 1e6),
    SL_NUMBER("fixes", .help = "earlier fixes of the touched files", .min = 0, .max = 1e6),
    SL_NUMBER("changes", .help = "earlier changes of the touched files", .min = 0, .max = 1e6),
    SL_NUMBER("developers", .help = "people who changed the touched files", .min = 0, .max = 1e6),
    SL_NUMBER("age_days", .help = "mean days since the touched files changed", .min = 0,
              .max = 1e6),
    SL_END};

static const sl_field score_in[] = {
    SL_STRING("diff", .help = "unified diff of the change (git, svn or diff -u)", .max = SL_MIB(8),
              .flags = SL_FILE),
    SL_STRING("numstat", .help = "`git diff --numstat`, where the diff is not at hand",
              .max = SL_MIB(1), .flags = SL_FILE),
    SL_STRING("repository", .help = "a repository listed in the configuration, in place of a diff",
              .max = 200),
    SL_STRING("range", .help = "its commits: A..B, A...B or one; default HEAD", .max = 500),
    SL_STRING("message", .help = "commit message or title and text of the change",
              .max = SL_KIB(64)),
    SL_STRING("environment", .help = "dev, stage or prod", .max = 64),
    SL_STRING("app", .help = "name of the application", .max = 200),
    SL_STRING("service", .help = "the same, under its other name", .max = 200),
    SL_STRING("image", .help = "container image that will run", .max = 1024),
    SL_INT("replicas", .help = "pods wanted", .min = 0, .max = 100000),
    SL_INT("authored_at", .help = "when the change was written, seconds since 1970", .min = 0),
    SL_OBJECT("history", history_in,
              .help = "what the repository tells; fixes_most brings the model with history"),
    SL_OBJECT("context", context_in, .help = "what is known of the deployment"),
    SL_OBJECT("payload", NULL,
              .help = "a whole deployment request: its members stand in for "
                      "those that are absent here",
              .flags = SL_OPEN),
    SL_ENUM("threshold", "LOW|MED|HIGH|CRITICAL",
            .help = "a level to stop at: the command line then ends with 6"),
    SL_ENUM("detail", "full|brief", .def = "full", .help = "brief: the verdict only"),
    SL_BOOL("language_model", .help = "ask for a second opinion, which may raise the level, never "
                                      "lower it; default: as configured"),
    SL_END};

static const sl_field diff_in[] = {
    SL_STRING("message", .help = "commit message of the change", .max = SL_KIB(8)),
    SL_STRING("environment", .help = "dev, stage or prod", .max = 64),
    SL_STRING("app", .help = "name of the application", .max = 200),
    SL_ENUM("threshold", "LOW|MED|HIGH|CRITICAL", .help = "a level to stop at"),
    SL_ENUM("detail", "full|brief", .def = "full", .help = "brief: the verdict only"),
    SL_BOOL("language_model", .help = "ask for a second opinion; default: as configured"),
    SL_END};

static const sl_field opinion_out[] = {SL_BOOL("heard", .help = "the language model answered"),
                                       SL_STRING("why", .help = "why it was not heard"),
                                       SL_STRING("words", .help = "what to look at, in its words"),
                                       SL_BOOL("raised", .help = "it raised the level"),
                                       SL_STRING("from", .help = "the level before"),
                                       SL_STRING("reason", .help = "the danger that it names"),
                                       SL_STRING("by", .help = "llm:PROVIDER/MODEL"),
                                       SL_END};

static const sl_field score_out[] = {
    SL_ENUM("level", "LOW|MED|HIGH|CRITICAL", .help = "relative to the base rate of defects"),
    SL_INT("score", .help = "0..100; 50 is an ordinary change", .min = 0, .max = 100),
    SL_NUMBER("probability", .help = "that the change introduces a defect"),
    SL_NUMBER("base_rate", .help = "share of changes that do"),
    SL_BOOL("reaches_threshold", .help = "the level is at the asked threshold or above"),
    SL_STRING("reason", .help = "the sentence to read first"),
    SL_STRING("method", .help = "model, model+signals or context; +llm:… when it was heard"),
    SL_OBJECT("band", NULL, .help = "which part asked for which level; bounds of the probability",
              .flags = SL_OPEN),
    SL_OBJECT("log_odds", NULL, .help = "the sum: base, start, learned, context", .flags = SL_OPEN),
    SL_LIST("contributions", SL_T_ANY, .help = "learned effects, heaviest first; they add up"),
    SL_LIST("context", SL_T_ANY, .help = "the operator's prior, apart from what was learned"),
    SL_LIST("signals", SL_T_ANY, .help = "danger signals with file, line, meaning and fix"),
    SL_LIST("hotspots", SL_T_ANY, .help = "the heaviest hunks"),
    SL_LIST("what_would_lower_it", SL_T_ANY, .help = "each judged again by the same rules"),
    SL_LIST("similar", SL_T_ANY, .help = "the nearest changes of the past and how they ended"),
    SL_OBJECT("change", NULL, .help = "what was read, and what was skipped", .flags = SL_OPEN),
    SL_ANY("model", .help = "which model answered, and how good it is"),
    SL_OBJECT("opinion", opinion_out, .help = "of the language model, where it was asked"),
    SL_END};

static const sl_field model_out[] = {
    SL_LIST("models", SL_T_ANY, .help = "the models, best first"),
    SL_OBJECT("local", NULL,
              .help = "this tenant's outcomes: AUC, Brier, calibration error, reliability, drift",
              .flags = SL_OPEN),
    SL_LIST("calibrations", SL_T_ANY, .help = "what was learned when, newest first"),
    SL_NUMBER("shift", .help = "what local outcomes add to the models' log-odds"),
    SL_LIST("features", SL_T_ANY, .help = "all features that are measured"),
    SL_LIST("context_rules", SL_T_ANY, .help = "the prior on the circumstances"),
    SL_NUMBER("base_rate", .help = "share of changes that introduce a defect"),
    SL_STRING("not_predicted", .help = "what the figures do not mean"),
    SL_END};

static const sl_field outcome_in[] = {
    SL_STRING("change", .help = "the change: a deployment as \"deployment/ID\", or a commit",
              .min = 1, .max = 200, .flags = SL_REQUIRED),
    SL_ENUM("outcome", "good|promoted|defect|rolled_back|incident|hotfixed", .help = "how it ended",
            .flags = SL_REQUIRED),
    SL_STRING("app", .help = "name of the application", .max = 200),
    SL_NUMBER("log_odds", .help = "log_odds.start + log_odds.learned of its score, when known",
              .min = -50, .max = 50),
    SL_STRING("diff", .help = "its diff, when it was never scored", .max = SL_MIB(8)),
    SL_STRING("numstat", .help = "or its numstat", .max = SL_MIB(1)),
    SL_STRING("message", .help = "and its message", .max = SL_KIB(64)),
    SL_INT("at_ms", .help = "when it ended, milliseconds since 1970", .min = 0),
    SL_END};

static const sl_field outcomes_in[] = {SL_LIST_OF("outcomes", outcome_in,
                                                  .help = "how changes ended", .min = 1,
                                                  .max = 1000, .flags = SL_REQUIRED),
                                       SL_END};

static const sl_field outcomes_out[] = {SL_INT("taken", .help = "how many were kept"), SL_END};

static const sl_field install_in[] = {SL_OBJECT("model", NULL,
                                                .help = "a model file as train.py writes it",
                                                .flags = SL_OPEN | SL_REQUIRED),
                                      SL_END};

static const sl_field install_out[] = {
    SL_STRING("model", .help = "its id"), SL_STRING("input", .help = "the input it needs"),
    SL_INT("number", .help = "of this tenant's models for that input"), SL_END};

static const sl_field rollback_in[] = {
    SL_ENUM("what", "calibration|numstat|diff|history", .def = "calibration",
            .help = "the calibration, or the model for this input"),
    SL_END};

static const sl_field rollback_out[] = {
    SL_STRING("what", .help = "what was taken back"),
    SL_INT("number", .help = "the one that counts now; 0: the built-in state"), SL_END};

static const sl_field redact_in[] = {
    SL_LIST("texts", SL_T_ANY, .flags = SL_REQUIRED, .max = 5000, .help = "texts of any length"),
    SL_END};

static const sl_field redact_out[] = {SL_LIST("texts", SL_T_STRING, .help = "in their order"),
                                      SL_INT("found", .help = "secrets that were taken out"),
                                      SL_END};

static const sl_field options[] = {
    SL_NUMBER("base_rate", .def = "0.10", .min = 0.001, .max = 0.9,
              .help = "share of changes that introduce a defect, until local outcomes are known"),
    SL_MAP("repositories", SL_T_STRING,
           .help = "folders of git repositories, by name; every tenant may ask for them"),
    SL_BOOL("language_model", .def = "false",
            .help = "ask the language model for a second opinion on each score; a request then "
                    "takes as long as the model does"),
    SL_MAP("context", SL_T_NUMBER, .help = "weights of the context rules in log-odds, by rule id"),
    SL_END};

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
    pthread_mutex_init(&risk->pasts_lock, NULL);
    sl_set_state(call, risk);
    scorer_init(&risk->scorer);
    risk->base_rate = sl_get_number(config, "base_rate", 0.10);
    risk->language_model = sl_get_bool(config, "language_model", false);
    const cJSON *repositories = sl_get(config, "repositories");
    risk->repositories = repositories ? sl_json_keep(repositories) : NULL;
    int rc = set_weights(call, config, risk->scorer.weights);
    for (const struct embedded_model *m = embedded_models; !rc && m->json; m++)
        if (scorer_add_model(&risk->scorer, m->json, m->len, why))
            rc = sl_fail(call, SL_INTERNAL, "a built-in model is damaged: %s", why);
    if (rc) return rc;
    risk->signals = signals_new(why);
    if (!risk->signals) return sl_fail(call, SL_UNAVAILABLE, "%s", why);
    risk->scorer.signals = risk->signals;
    return 0;
}

static void risk_stop(sl_call *call) {
    struct risk *risk = sl_state(call);
    if (!risk) return;
    risk_forget_tenants(risk);
    sl_json_drop(risk->repositories);
    signals_free(risk->signals);
    redactor_free(risk->redactor);
    pthread_mutex_destroy(&risk->pasts_lock);
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
    {.name = "risk.diff",
     .route = "POST /risk/diff",
     .summary = "Score a diff that is the body itself, as curl --data-binary sends it",
     .in = diff_in,
     .out = score_out,
     .needs = "risk:read",
     .run = risk_diff,
     .effect = SL_READS,
     .flags = SL_OP_RAW,
     .max_body = 8U * 1024 * 1024},
    {.name = "risk.model",
     .route = "GET /risk/model",
     .summary = "Show the risk models, their data and how good they are",
     .out = model_out,
     .needs = "risk:read",
     .run = risk_model,
     .effect = SL_READS},
    {.name = "risk.outcomes",
     .route = "POST /risk/outcomes",
     .summary = "Record how changes ended, and learn from it",
     .in = outcomes_in,
     .out = outcomes_out,
     .needs = "risk:write",
     .example = "{\"outcomes\":[{\"change\":\"deployment/1\",\"outcome\":\"good\"}]}",
     .run = risk_outcomes,
     .effect = SL_WRITES,
     .max_body = 20U * 1024 * 1024},
    {.name = "risk.install",
     .route = "POST /risk/model",
     .summary = "Replace a risk model for this tenant",
     .in = install_in,
     .out = install_out,
     .needs = "risk:admin",
     .run = risk_install,
     .effect = SL_WRITES},
    {.name = "risk.rollback",
     .route = "POST /risk/model/rollback",
     .summary = "Go back to the calibration or model before",
     .in = rollback_in,
     .out = rollback_out,
     .needs = "risk:admin",
     .run = risk_rollback,
     .effect = SL_WRITES},
    {.name = "risk.redact",
     .summary = "Take secrets out of texts, by the rules that find them in diffs",
     .in = redact_in,
     .out = redact_out,
     .needs = "risk:read",
     .run = risk_redact,
     .effect = SL_READS,
     .flags = SL_OP_HIDDEN},
    SL_END};

/* Names keep the listeners' places in the log. */
static const sl_listen listens[] = {
    {.name = "deployments", .type = "deployment.*", .run = risk_hear},
    {.name = "rollouts", .type = "rollout.*", .run = risk_hear},
    {.name = "incidents", .type = "incident.*", .run = risk_hear},
    SL_END};

static const sl_migration migrations[] = {
    {.number = 1,
     .name = "outcomes and what was learned",
     .sql = "CREATE TABLE risk_outcome (tenant TEXT NOT NULL, change_id TEXT NOT NULL, app TEXT, "
            "learned DOUBLE PRECISION, la DOUBLE PRECISION, ctl DOUBLE PRECISION, "
            "nd DOUBLE PRECISION, level TEXT, outcome TEXT, bad INTEGER, at_ms BIGINT NOT NULL, "
            "PRIMARY KEY (tenant, change_id));"
            "CREATE INDEX risk_outcome_newest ON risk_outcome (tenant, at_ms);"
            "CREATE TABLE risk_calibration (tenant TEXT NOT NULL, number INTEGER NOT NULL, "
            "base_rate DOUBLE PRECISION NOT NULL, shift DOUBLE PRECISION NOT NULL, "
            "outcomes INTEGER NOT NULL, auc DOUBLE PRECISION NOT NULL, "
            "brier DOUBLE PRECISION NOT NULL, calibration_error DOUBLE PRECISION NOT NULL, "
            "active INTEGER NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, number));"
            "CREATE TABLE risk_model_file (tenant TEXT NOT NULL, slot TEXT NOT NULL, "
            "number INTEGER NOT NULL, json TEXT NOT NULL, active INTEGER NOT NULL, actor TEXT, "
            "at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, slot, number));"},
    SL_END};

static const sl_metric metrics[] = {
    {.name = "risk_scores_total", .help = "Changes scored", .labels = "level", .type = SL_COUNTER},
    {.name = "risk_opinions_total",
     .help = "Opinions of the language model",
     .labels = "result",
     .type = SL_COUNTER},
    SL_END};

SL_PLUGIN(.name = "risk", .version = "1.0.0",
          .summary = "Scores how risky a change is, says why, and what would lower it",
          .license = "Apache-2.0", .config = options, .ops = ops, .on = listens,
          .schema = migrations, .metrics = metrics, .check = risk_check, .start = risk_start,
          .stop = risk_stop);
