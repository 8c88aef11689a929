#include "ask.h"

#include "tree.h"

#include <string.h>

enum { HASH_INLINE_BYTES = 65536 }; /* about 0.2 ms; more goes to the thread pool */

struct hashing {
    const char *text;
    struct change *change;
};

static int hash_diff(void *arg) {
    struct hashing *hashing = arg;
    struct change *change = hashing->change;
    sl_sha256(hashing->text, change->diff_bytes, change->diff_sha256);
    return 0;
}

int change_of(sl_call *call, const cJSON *in, struct change *change) {
    *change = (struct change){0};
    const char *diff = text_of(in, "diff");
    if (!diff || !*diff) return 0;
    change->diff_bytes = strlen(diff);
    struct hashing hashing = {.text = diff, .change = change};
    if (change->diff_bytes > HASH_INLINE_BYTES) return sl_offload(call, hash_diff, &hashing);
    return hash_diff(&hashing);
}

/* Shows members of `in` under the same names. */
static void show(cJSON *object, const cJSON *in, const char *const *names) {
    for (; *names; names++) {
        const cJSON *item = item_of(in, *names);
        if (item) put_shared(object, *names, item);
    }
}

static const cJSON *ask(sl_call *call, const char *op, const cJSON *question,
                        const char **failure) {
    cJSON *answer = NULL;
    *failure = NULL;
    if (sl_invoke(call, op, question, &answer) == 0) return answer;
    *failure = sl_strdup(call, sl_failure(call));
    sl_log(call, SL_WARN, "%s gave no answer: %s", op, *failure);
    return NULL;
}

/* The members of `context` that risk.score takes; the rest of it is for policies. */
static const char *const risk_context[] = {"freeze",         "business_hours", "on_call",
                                           "rollback_ready", "emergency",      "budget_left",
                                           "deploys_hour",   "bad_share",      NULL};

const cJSON *ask_risk(sl_call *call, const cJSON *in, const char **failure) {
    static const char *const same[] = {"environment", "diff", "message", NULL};
    static const char *const of_config[] = {"image", "replicas", NULL};
    static const char *const of_request[] = {"exposure", "data_classification", NULL};
    static const char *const of_service[] = {"tier", NULL};
    cJSON *question = cJSON_CreateObject();
    show(question, in, same);
    put_borrowed(question, "app", text_of(in, "app_name"));
    show(question, item_of(in, "config"), of_config);
    cJSON *context = put_object(question, "context");
    show(context, in, of_service);
    show(context, item_of(in, "context"), risk_context);
    show(put_object(question, "payload"), in, of_request);
    return ask(call, "risk.score", question, failure);
}

const cJSON *ask_policy(sl_call *call, const cJSON *in, const cJSON *risk,
                        const struct change *change, const char **failure) {
    static const char *const same[] = {"app_name", "environment", "data_classification",
                                       "exposure", "config",      "strategy",
                                       "steps",    "message",     "commit",
                                       "author",   "reason",      "tier",
                                       "context",  NULL};
    cJSON *question = cJSON_CreateObject();
    show(question, in, same);
    if (risk) put_shared(question, "risk", risk);
    put_number(question, "now", (double)sl_now_ms(call));
    put_borrowed(question, "actor", sl_actor(call));
    put_borrowed(question, "tenant", sl_tenant(call));
    put_number(put_object(question, "diff"), "bytes", (double)change->diff_bytes);
    return ask(call, "policy.evaluate", question, failure);
}
