/* answer_explain.c - why a deployment failed, was blocked or waits; which policy or gate it was. */
#include "chat.h"

#include <string.h>

static const char *id_of(const cJSON *deployment) {
    return sl_get_text(deployment, "id", "");
}

static const char *who_is(struct inquiry *inquiry, const cJSON *deployment) {
    return sl_printf(inquiry->call, "%s to %s", sl_get_text(deployment, "app_name", "?"),
                     sl_get_text(deployment, "environment", "?"));
}

/* ---- a rollout that went wrong ---- */

static const char *event_ref(struct inquiry *inquiry, const cJSON *event, const char *quote) {
    return cite(inquiry, "event",
                sl_printf(inquiry->call, "event/%lld", (long long)sl_get_int(event, "seq", 0)),
                quote, iso_text(inquiry->call, sl_get_int(event, "at_ms", 0)));
}

static void suggest_after_trouble(struct inquiry *inquiry, const char *type, const char *id) {
    if (strcmp(type, "rollout.paused") == 0)
        suggest(inquiry, "rollout.resume", object1("id", id), "let it go on");
    else if (strcmp(type, "rollout.held") == 0)
        suggest(inquiry, "rollout.explain", object1("id", id), "see what it is held by");
    else
        suggest(inquiry, "rollout.retry", object1("id", id), "try again, once the cause is mended");
    suggest(inquiry, "deploy.explain", object1("id", id), "see the decision line by line");
}

static void tell_trouble(struct inquiry *inquiry, const cJSON *deployment, const cJSON *event) {
    const cJSON *data = sl_get(event, "data");
    const char *type = sl_get_text(event, "type", "");
    const char *gate = sl_get_text(data, "gate", NULL);
    const char *reason =
        sl_get_text(data, "reason", sl_get_text(data, "message", "no reason was told"));
    const char *verb = strchr(type, '.') ? strchr(type, '.') + 1 : type;
    if (strcmp(type, "rollout.gate_judged") == 0)
        inquiry->root_cause = sl_printf(inquiry->call, "gate %s said %s: %s", gate ? gate : "?",
                                        sl_get_text(data, "outcome", "no"), reason);
    else
        inquiry->root_cause =
            sl_printf(inquiry->call, "the rollout was %s: %s",
                      strcmp(verb, "rolled_back") == 0 ? "rolled back" : verb, reason);
    const int64_t at_ms = sl_get_int(event, "at_ms", 0);
    say(inquiry, "The rollout of %s (%s) %s %s: %s %s.", who_is(inquiry, deployment),
        id_of(deployment), trouble_is_planned(event) ? "waits as planned since" : "stopped at",
        time_text(inquiry->call, at_ms), inquiry->root_cause, event_ref(inquiry, event, reason));
    inquiry->fix = sl_get_text(data, "fix", "");
    if (*inquiry->fix) say(inquiry, "Fix: %s.", inquiry->fix);
    suggest_after_trouble(inquiry, type, id_of(deployment));
}

/* ---- a decision that said no, or not yet ---- */

static const char *verdict_ref(struct inquiry *inquiry, const cJSON *deployment,
                               const cJSON *reason) {
    return cite(inquiry, "verdict",
                sl_printf(inquiry->call, "deployment/%s#%s", id_of(deployment),
                          sl_get_text(reason, "rule", "?")),
                sl_get_text(reason, "message", ""), sl_get_text(deployment, "created_at", NULL));
}

static const char *place_of(struct inquiry *inquiry, const cJSON *reason) {
    const char *file = sl_get_text(reason, "file", NULL);
    if (!file) return "";
    return sl_printf(inquiry->call, " (%s:%lld)", file, (long long)sl_get_int(reason, "line", 0));
}

static bool stands_in_the_way(const cJSON *reason) {
    const char *outcome = sl_get_text(reason, "outcome", "");
    return strcmp(outcome, "deny") == 0 || strcmp(outcome, "approval") == 0 ||
           strcmp(outcome, "wait") == 0;
}

static void suggest_after_decision(struct inquiry *inquiry, const cJSON *deployment) {
    const char *id = id_of(deployment);
    if (strcmp(sl_get_text(deployment, "status", ""), "DENIED") != 0) {
        suggest(inquiry, "rollout.approve", object1("id", id), "approve it, if you may and agree");
        suggest(inquiry, "deploy.explain", object1("id", id),
                "read the decision before you approve");
        return;
    }
    suggest(inquiry, "deploy.explain", object1("id", id),
            "see every reason; then mend the request and send it again");
}

/* Only what a named policy has said, when the question names one. */
static bool is_asked_for(const struct inquiry *inquiry, const cJSON *reason) {
    return !inquiry->slots.policy ||
           strcmp(inquiry->slots.policy, sl_get_text(reason, "rule", "")) == 0;
}

static void tell_reasons(struct inquiry *inquiry, const cJSON *deployment) {
    const cJSON *reason;
    int told = 0;
    cJSON_ArrayForEach(reason, sl_get(deployment, "reasons")) {
        if (!stands_in_the_way(reason) || !is_asked_for(inquiry, reason)) continue;
        const char *rule = sl_get_text(reason, "rule", "?");
        const char *message = sl_get_text(reason, "message", "");
        const bool deny = strcmp(sl_get_text(reason, "outcome", ""), "deny") == 0;
        if (!told++) {
            inquiry->root_cause = sl_printf(inquiry->call, "%s %s: %s",
                                            sl_get_text(reason, "source", "policy"), rule, message);
            inquiry->fix = sl_get_text(reason, "fix", sl_get_text(deployment, "fix", ""));
            say(inquiry, "%s %s%s %s: %s %s.",
                strcmp(sl_get_text(reason, "source", ""), "risk") == 0 ? "The risk" : "Policy",
                rule, place_of(inquiry, reason), deny ? "denies it" : "asks for an approval",
                message, verdict_ref(inquiry, deployment, reason));
        } else {
            say(inquiry, "%s also %s: %s %s.", rule, deny ? "denies" : "asks for an approval",
                message, verdict_ref(inquiry, deployment, reason));
        }
    }
    if (!told && inquiry->slots.policy)
        say(inquiry, "Policy %s did not stand in its way.", inquiry->slots.policy);
    if (*inquiry->fix) say(inquiry, "Fix: %s.", inquiry->fix);
}

static void tell_decision(struct inquiry *inquiry, const cJSON *deployment) {
    const char *status = sl_get_text(deployment, "status", "?");
    const char *ref = deployment_ref(inquiry, deployment);
    const char *at = short_time(inquiry->call, sl_get_text(deployment, "created_at", ""));
    const bool denied = strcmp(status, "DENIED") == 0;
    if (denied || status_waits(status)) {
        say(inquiry, "The deployment of %s (%s, %s) %s %s.", who_is(inquiry, deployment),
            id_of(deployment), at, denied ? "was denied" : "waits for an approval", ref);
        tell_reasons(inquiry, deployment);
        suggest_after_decision(inquiry, deployment);
        return;
    }
    inquiry->confidence = 0.75;
    say(inquiry,
        "The deployment of %s (%s, %s) is %s, and nothing is recorded that stands in its way %s.",
        who_is(inquiry, deployment), id_of(deployment), at, status, ref);
    suggest(inquiry, "deploy.explain", object1("id", id_of(deployment)), "see how it was decided");
}

static enum wanted wanted_by(enum intent intent) {
    if (intent == INTENT_FAILURE) return WANT_FAILED;
    if (intent == INTENT_WAIT) return WANT_WAITING;
    return WANT_BLOCKED;
}

void answer_explain(struct inquiry *inquiry) {
    const cJSON *deployment = pick_deployment(inquiry, wanted_by(inquiry->guess.intent));
    if (!deployment) return;
    const cJSON *events = deployment_events(inquiry, id_of(deployment));
    const cJSON *trouble = last_trouble(events);
    /* A pause that its steps ask for is no answer to why it failed or was blocked. */
    const bool planned = trouble && trouble_is_planned(trouble);
    if (trouble && (!planned || inquiry->guess.intent == INTENT_WAIT))
        tell_trouble(inquiry, deployment, trouble);
    else
        tell_decision(inquiry, deployment);
}

/* ---- who ---- */

static const struct deed {
    const char *type, *words;
} deeds[] = {{"deployment.requested", "requested"},
             {"deployment.approved", "was approved by the policies, on a request of"},
             {"deployment.denied", "was denied by the policies, on a request of"},
             {"deployment.needs_approval", "was found to need an approval, on a request of"},
             {"deployment.approval_given", "was approved by"},
             {"rollout.started", "was started by"},
             {"rollout.promoted", "was promoted by"},
             {"rollout.paused", "was paused by"},
             {"rollout.resumed", "was resumed by"},
             {"rollout.aborted", "was aborted by"},
             {"rollout.rolled_back", "was rolled back by"}};

static const char *deed_words(const char *type) {
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(deeds[i].type, type) == 0) return deeds[i].words;
    return NULL;
}

static void tell_deed(struct inquiry *inquiry, const cJSON *event) {
    const char *type = sl_get_text(event, "type", ""), *actor = sl_get_text(event, "actor", "?");
    const char *words = deed_words(type);
    const char *by = sl_get_text(sl_get(event, "data"), "by", actor);
    if (!words) return;
    const char *ref = event_ref(inquiry, event, sl_printf(inquiry->call, "%s by %s", type, by));
    const char *at = time_text(inquiry->call, sl_get_int(event, "at_ms", 0));
    if (strcmp(words, "requested") == 0)
        say(inquiry, "%s requested it at %s %s.", by, at, ref);
    else
        say(inquiry, "It %s %s at %s %s.", words, by, at, ref);
}

void answer_who(struct inquiry *inquiry) {
    const cJSON *deployment = pick_deployment(inquiry, WANT_ANY);
    if (!deployment) return;
    const cJSON *events = deployment_events(inquiry, id_of(deployment)), *event;
    bool given = false;
    say(inquiry, "The deployment of %s is %s, %s %s.", who_is(inquiry, deployment),
        id_of(deployment), sl_get_text(deployment, "status", "?"),
        deployment_ref(inquiry, deployment));
    cJSON_ArrayForEach(event, events) {
        tell_deed(inquiry, event);
        given |= strcmp(sl_get_text(event, "type", ""), "deployment.approval_given") == 0;
    }
    if (!events->child)
        say(inquiry, "Its events cannot be read: %s.",
            inquiry->trouble ? inquiry->trouble : "there are none");
    if (words_about(&inquiry->words, "approve") && !given)
        say(inquiry, "No person has approved it.");
    if (status_waits(sl_get_text(deployment, "status", "")) && !given)
        suggest_after_decision(inquiry, deployment);
    suggest(inquiry, "events.list",
            object1("subject", sl_printf(inquiry->call, "deployment/%s", id_of(deployment))),
            "see all that is recorded of it");
}

/* ---- risk ---- */

static void tell_risk_parts(struct inquiry *inquiry, const cJSON *risk, const char *ref) {
    const cJSON *part;
    int told = 0;
    cJSON_ArrayForEach(part, sl_get(risk, "contributions")) {
        if (sl_get_number(part, "effect", 0) > 0 && told++ < 3)
            say(inquiry, "It is raised by this: %s %s.", sl_get_text(part, "words", "?"), ref);
    }
    cJSON_ArrayForEach(part, sl_get(risk, "signals")) {
        if (told++ < 5)
            say(inquiry, "A danger signal: %s %s.",
                sl_get_text(part, "means", sl_get_text(part, "id", "?")), ref);
    }
    const cJSON *lower = sl_get(risk, "what_would_lower_it");
    inquiry->fix = sl_get_text(cJSON_GetArrayItem(lower, 0), "words", "");
    if (*inquiry->fix) say(inquiry, "What would lower it: %s.", inquiry->fix);
}

void answer_risk(struct inquiry *inquiry) {
    const cJSON *deployment = pick_deployment(inquiry, WANT_ANY);
    const cJSON *risk = sl_get(deployment, "risk");
    if (!deployment) return;
    if (!risk) {
        inquiry->answerable = false;
        say(inquiry, "No risk was scored for deployment %s.", id_of(deployment));
        return;
    }
    const char *reason = sl_get_text(risk, "reason", "");
    const char *ref =
        cite(inquiry, "risk", sl_printf(inquiry->call, "deployment/%s#risk", id_of(deployment)),
             sl_printf(inquiry->call, "%s, %g of 100: %s", sl_get_text(risk, "level", "?"),
                       sl_get_number(risk, "score", 0), reason),
             sl_get_text(deployment, "created_at", NULL));
    inquiry->root_cause = reason;
    say(inquiry, "The risk of %s (%s) is %s, %g of 100 %s: %s.", who_is(inquiry, deployment),
        id_of(deployment), sl_get_text(risk, "level", "?"), sl_get_number(risk, "score", 0), ref,
        reason);
    tell_risk_parts(inquiry, risk, ref);
    suggest(inquiry, "deploy.explain", object1("id", id_of(deployment)),
            "see how the risk counted");
}
