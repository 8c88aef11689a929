/* risk.score: from a request to an answer. */
#include "answer.h"
#include "opinion.h"
#include "risk.h"

#include <math.h>
#include <string.h>

/* A diff of this size takes about a millisecond: larger ones are scored beside the loop. */
enum { OFFLOAD_BYTES = 256 * 1024 };

/* A request, and the two members inside which its own may stand. */
struct question {
    const cJSON *in, *payload, *config;
};

static struct question question_of(const cJSON *in) {
    const cJSON *payload = sl_get(in, "payload");
    return (struct question){in, payload, payload ? sl_get(payload, "config") : NULL};
}

static const cJSON *find(const struct question *q, const char *name, const char *other) {
    const cJSON *found = sl_get(q->in, name);
    if (!found && other) found = sl_get(q->in, other);
    if (!found && q->payload) found = sl_get(q->payload, name);
    if (!found && q->payload && other) found = sl_get(q->payload, other);
    if (!found && q->config) found = sl_get(q->config, name);
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
        for (const char *at = words[i];;) {
            size_t len = strcspn(at, "|");
            if (strlen(text) == len && memcmp(text, at, len) == 0) return i + 1;
            if (!at[len]) break;
            at += len + 1;
        }
    }
    return 0;
}

static struct context read_context(const struct question *q) {
    static const char *const environments[] = {"dev|development|test", "stage|staging|preprod",
                                               "prod|production|live", NULL};
    static const char *const exposures[] = {"internal", "partner", "external|public", NULL};
    static const char *const classes[] = {"public", "internal", "confidential|restricted", "pii",
                                          NULL};
    struct context c = context_unknown();
    const cJSON *given = sl_get(q->in, "context");
    const cJSON *exposure = sl_get(given, "exposure"), *data = sl_get(given, "data_class");
    c.environment = choice_of(find(q, "environment", "env"), environments);
    c.exposure = choice_of(exposure ? exposure : find(q, "exposure", NULL), exposures);
    c.data_class = choice_of(data ? data : find(q, "data_classification", "data_class"), classes);
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

static double fact(const cJSON *given, const char *name) {
    return sl_get_number(given, name, NAN);
}

/* NULL when nothing was told. */
static const struct history_facts *read_history(sl_call *call, const cJSON *in) {
    const cJSON *given = sl_get(in, "history");
    if (!given) return NULL;
    struct history_facts *facts = sl_alloc(call, sizeof *facts);
    *facts = (struct history_facts){.known = true,
                                    .age_days = fact(given, "age_days"),
                                    .developers = fact(given, "developers"),
                                    .changes = fact(given, "changes"),
                                    .fixes = fact(given, "fixes"),
                                    .fixes_most = fact(given, "fixes_most"),
                                    .author_changes = NAN,
                                    .author_recent = NAN,
                                    .author_subsystem = NAN};
    return facts;
}

static int do_work(void *arg) {
    struct risk_work *work = arg;
    return score_change(work->scorer, &work->in, &work->score);
}

static int refuse(sl_call *call, const struct risk_work *work) {
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

int risk_run(sl_call *call, struct risk_work *work) {
    if (work->in.diff.len > DIFF_LIMIT_BYTES)
        return sl_fail(call, SL_TOO_LARGE, "the diff has more than 8 MiB: send a numstat instead");
    const bool large = work->in.diff.len > OFFLOAD_BYTES;
    int rc = large ? sl_offload(call, do_work, work) : do_work(work);
    if (!rc) return 0;
    rc = rc == SL_LIMIT ? sl_fail(call, rc, "too many large diffs are being scored: try again")
                        : refuse(call, work);
    score_fini(&work->score);
    return rc;
}

static void add_threshold(const cJSON *in, enum risk_level level, cJSON *out) {
    const char *threshold = sl_get_text(in, "threshold", NULL);
    for (int l = LEVEL_LOW; threshold && l <= LEVEL_CRITICAL; l++)
        if (strcmp(level_name((enum risk_level)l), threshold) == 0)
            cJSON_AddBoolToObject(out, "reaches_threshold", (int)level >= l);
}

/* A range of commits stands in for the diff, the message and the history. */
static int take_range(sl_call *call, const cJSON *in, struct score_input *out,
                      struct repo_told **told) {
    const char *repository = sl_get_text(in, "repository", NULL);
    if (!repository) return 0;
    if (out->diff.len || out->numstat.len)
        return sl_fail(call, SL_INVALID,
                       "send a diff, a numstat or a repository with a range, not two of them");
    int rc = risk_read_range(call, repository, sl_get_text(in, "range", "HEAD"), told);
    if (rc) return rc;
    const struct repo_told *found = *told;
    out->diff = (struct diff_text){found->diff, found->diff_len};
    if (!out->message.len)
        out->message = (struct diff_text){found->message, strlen(found->message)};
    out->history = &found->facts;
    out->authored_s = found->authored_s;
    out->zone_minutes = found->zone_minutes;
    return 0;
}

static int answer_work(sl_call *call, const cJSON *in, struct risk_work *work, cJSON *out) {
    struct risk *risk = sl_state(call);
    const bool brief = strcmp(sl_get_text(in, "detail", "full"), "brief") == 0;
    struct repo_told *told = NULL;
    int rc = take_range(call, in, &work->in, &told);
    if (!rc) rc = risk_run(call, work);
    if (rc) {
        if (told) risk->repo_drop(told);
        return rc;
    }
    answer_score(&work->score, brief, out);
    enum risk_level level = work->score.judged.level;
    const cJSON *wanted = sl_get(in, "language_model");
    if (wanted ? cJSON_IsTrue(wanted) : risk->language_model)
        risk_second_opinion(call, work->in.diff, &level, out);
    if (told) risk->repo_drop(told);
    add_threshold(in, level, out);
    const struct question q = question_of(in);
    const char *app = cJSON_GetStringValue(find(&q, "app", "service"));
    if (!app) app = cJSON_GetStringValue(find(&q, "app_name", NULL));
    if (!brief && work->score.judged.model) rc = risk_add_similar(call, &work->score, app, out);
    sl_count(call, "risk_scores_total", 1, level_name(level));
    score_fini(&work->score);
    return rc;
}

/* What the members say; the diff is added by the caller. */
static struct risk_work *new_work(sl_call *call, const cJSON *in) {
    struct risk *risk = sl_state(call);
    const struct risk_tenant *tenant = risk_tenant_of(call, risk);
    struct risk_work *work = sl_alloc(call, sizeof *work);
    const struct question q = question_of(in);
    const cJSON *replicas = find(&q, "replicas", NULL);
    work->scorer = risk_scorer_of(risk, tenant);
    work->in = (struct score_input){.diff = text_of(find(&q, "diff", NULL)),
                                    .numstat = text_of(find(&q, "numstat", NULL)),
                                    .message = text_of(find(&q, "message", "commit_message")),
                                    .image = text_of(find(&q, "image", NULL)),
                                    .replicas = cJSON_IsNumber(replicas) ? replicas->valueint : -1,
                                    .history = read_history(call, in),
                                    .authored_s = sl_get_int(in, "authored_at", 0),
                                    .context = read_context(&q),
                                    .base = tenant->base};
    return work;
}

int risk_score(sl_call *call, const cJSON *in, cJSON *out) {
    return answer_work(call, in, new_work(call, in), out);
}

/* The body is the diff itself: no JSON has to be written around it, nor read. */
int risk_diff(sl_call *call, const cJSON *in, cJSON *out) {
    struct risk_work *work = new_work(call, in);
    size_t size = 0;
    const char *body = sl_body(call, &size);
    if (!body || !size)
        return sl_fail(call, SL_INVALID, "the body is empty: send the output of `git diff`");
    work->in.diff = (struct diff_text){body, size};
    return answer_work(call, in, work, out);
}
