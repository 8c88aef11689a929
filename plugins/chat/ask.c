/* ask.c - chat.ask: from a question to an answer. */
#include "chat.h"

#include <string.h>

static void (*const answers[INTENT_COUNT])(struct inquiry *) = {
    [INTENT_DOCUMENTS] = answer_documents,
    [INTENT_FAILURE] = answer_explain,
    [INTENT_BLOCK] = answer_explain,
    [INTENT_WAIT] = answer_explain,
    [INTENT_WHICH_POLICY] = answer_explain,
    [INTENT_NEXT] = answer_explain,
    [INTENT_CHANGED] = answer_changed,
    [INTENT_DEPLOYED] = answer_deployed,
    [INTENT_SAFE] = answer_safe,
    [INTENT_FIX] = answer_fix,
    [INTENT_WHO] = answer_who,
    [INTENT_BUDGET] = answer_budget,
    [INTENT_HAPPENED] = answer_happened,
    [INTENT_INCIDENTS] = answer_incidents,
    [INTENT_RISK] = answer_risk,
    [INTENT_POLICIES] = answer_policies,
    [INTENT_DEPLOYMENTS] = answer_deployments,
    [INTENT_FREEZE] = answer_freeze,
    [INTENT_ACT] = answer_act,
    [INTENT_HELP] = answer_help};

/* A question about something that no record knows may be one for the documents. */
static bool asks_documents_first(const struct inquiry *inquiry) {
    const struct slots *slots = &inquiry->slots;
    const bool named = slots->app_count || slots->environment_count || *slots->deployment ||
                       *slots->incident || slots->policy || slots->time.to_ms ||
                       slots->version_count || inquiry->context;
    const bool how = words_about(&inquiry->words, "how") && words_about(&inquiry->words, "fix");
    return !named && *slots->unknown && (inquiry->guess.score < 5 || how);
}

int answer_question(struct inquiry *inquiry, cJSON *out) {
    const int64_t began_ns = sl_clock_ns(inquiry->call);
    stream_begin(inquiry);
    int rc = inquiry_read(inquiry);
    if (rc) return rc;
    if (asks_documents_first(inquiry) && inquiry->guess.intent != INTENT_FIX)
        inquiry->guess.intent = INTENT_DOCUMENTS;
    /* What no rule is sure of is told with less confidence. */
    answers[inquiry->guess.intent](inquiry);
    if (inquiry->guess.margin < 0.5 && inquiry->guess.intent != INTENT_DOCUMENTS)
        inquiry->confidence *= 0.9;
    (void)answer_by_model(inquiry);
    rc = sl_cancelled(inquiry->call);
    if (rc) return rc;
    inquiry_tell(inquiry, out);
    sl_count(inquiry->call, "chat_questions_total", 1,
             sl_printf(inquiry->call, "%s|%s", intent_name(inquiry->guess.intent),
                       inquiry->answerable ? "yes" : "no"));
    sl_observe(inquiry->call, "chat_seconds", (double)(sl_clock_ns(inquiry->call) - began_ns) / 1e9,
               strncmp(inquiry->method, "llm:", 4) == 0 ? "model" : "intents");
    stream_end(inquiry, out, began_ns);
    return 0;
}

int chat_ask(sl_call *call, const cJSON *in, cJSON *out) {
    struct inquiry *inquiry = sl_alloc(call, sizeof *inquiry);
    inquiry_init(inquiry, call, sl_get_text(in, "question", ""), sl_get(in, "context"));
    return answer_question(inquiry, out);
}
