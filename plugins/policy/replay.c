/* Today's policies over requests of the past: one of them explained, or many counted. The requests
 * are those that deploy.stored gives. */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

/* What policies saw then: the request with its risk, its time and who sent it. The settings are
 * today's. */
static cJSON *context_then(sl_call *call, const cJSON *stored) {
    cJSON *in = cJSON_Duplicate(sl_get(stored, "request"), true);
    if (!in) in = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(in, "dry_run");
    const cJSON *risk = sl_get(stored, "risk");
    if (sl_get(risk, "level") && strcmp(sl_get_text(risk, "level", ""), "UNKNOWN") != 0)
        cJSON_AddItemToObject(in, "risk", cJSON_Duplicate(risk, true));
    cJSON_AddNumberToObject(in, "now", sl_get_number(stored, "at_ms", 0));
    cJSON_AddStringToObject(in, "actor", sl_get_text(stored, "actor", ""));
    cJSON_AddStringToObject(in, "tenant", sl_tenant(call));
    return policy_context(call, in);
}

static int judge_again(sl_call *call, const cJSON *stored, cJSON **verdicts,
                       enum decision *decision) {
    *verdicts = cJSON_CreateArray();
    int rc = policy_judge(call, context_then(call, stored), *verdicts);
    if (rc) return rc;
    *decision = sum_verdicts(*verdicts);
    sum_add_results(*verdicts);
    return 0;
}

static const char *decision_then(const cJSON *stored) {
    return sl_get_text(sl_get(stored, "policy"), "decision", "deny");
}

static int ask_stored(sl_call *call, const cJSON *question, cJSON **answer) {
    if (!sl_has_op(call, "deploy.stored"))
        return sl_fail(call, SL_UNAVAILABLE,
                       "requests of the past are kept by the plugin rollout, which is not loaded");
    return sl_invoke(call, "deploy.stored", question, answer);
}

/* ---- what has changed ---- */

static const cJSON *verdict_of(const cJSON *verdicts, const char *name) {
    const cJSON *one;
    cJSON_ArrayForEach(one, verdicts) {
        if (strcmp(sl_get_text(one, "rule", sl_get_text(one, "name", "")), name) == 0) return one;
    }
    return NULL;
}

static void add_change(cJSON *changes, const char *rule, const char *then, const cJSON *now) {
    cJSON *change = cJSON_CreateObject();
    cJSON_AddStringToObject(change, "rule", rule);
    cJSON_AddStringToObject(change, "then", then);
    cJSON_AddStringToObject(change, "now", now ? sl_get_text(now, "outcome", "deny") : "none");
    if (now && sl_get_text(now, "reason", NULL))
        cJSON_AddStringToObject(change, "reason", sl_get_text(now, "reason", ""));
    cJSON_AddItemToArray(changes, change);
}

/* Rules whose outcome differs, appeared or went. */
static void add_changes(cJSON *changes, const cJSON *then, const cJSON *now) {
    const cJSON *one;
    cJSON_ArrayForEach(one, now) {
        const char *rule = sl_get_text(one, "rule", "");
        const cJSON *before = verdict_of(then, rule);
        const char *outcome = before ? sl_get_text(before, "outcome", "") : "none";
        if (strcmp(outcome, sl_get_text(one, "outcome", "")) != 0)
            add_change(changes, rule, outcome, one);
    }
    cJSON_ArrayForEach(one, then) {
        const char *rule = sl_get_text(one, "rule", sl_get_text(one, "name", ""));
        if (!verdict_of(now, rule))
            add_change(changes, rule, sl_get_text(one, "outcome", ""), NULL);
    }
}

/* ---- policy.explain ---- */

static const char *place_of(sl_call *call, const cJSON *verdict) {
    const char *file = sl_get_text(verdict, "file", NULL);
    const int64_t line = sl_get_int(verdict, "line", 0);
    if (!file) return "";
    return line > 0 ? sl_printf(call, " (%s:%lld)", file, (long long)line)
                    : sl_printf(call, " (%s)", file);
}

static const char *text_of(sl_call *call, const cJSON *stored, const cJSON *now,
                           const cJSON *changes) {
    const cJSON *one, *then = sl_get(sl_get(stored, "policy"), "results");
    const char *text = sl_printf(call, "The policies said %s when %s asked.\n",
                                 decision_then(stored), sl_get_text(stored, "actor", "somebody"));
    cJSON_ArrayForEach(one, then) {
        const char *reason = sl_get_text(one, "reason", NULL), *fix = sl_get_text(one, "fix", NULL);
        text = sl_printf(call, "%s  %-8s %s%s%s%s\n", text, sl_get_text(one, "outcome", "?"),
                         sl_get_text(one, "rule", sl_get_text(one, "name", "?")),
                         reason ? ": " : "", reason ? reason : "", place_of(call, one));
        if (fix) text = sl_printf(call, "%s           fix: %s\n", text, fix);
    }
    if (!cJSON_GetArraySize(changes))
        return sl_printf(call, "%sToday's policies say the same, rule by rule.\n", text);
    text = sl_printf(call, "%sToday's policies say %s:\n", text, decision_name(sum_verdicts(now)));
    cJSON_ArrayForEach(one, changes) {
        const char *reason = sl_get_text(one, "reason", NULL);
        text = sl_printf(call, "%s  %s: %s, was %s%s%s\n", text, sl_get_text(one, "rule", ""),
                         sl_get_text(one, "now", ""), sl_get_text(one, "then", ""),
                         reason ? ": " : "", reason ? reason : "");
    }
    return text;
}

int policy_explain(sl_call *call, const cJSON *in, cJSON *out) {
    const struct policy_state *state = sl_state(call);
    cJSON *question = cJSON_CreateObject(), *answer = NULL, *now = NULL;
    enum decision decision = DECISION_DENY;
    cJSON_AddStringToObject(question, "id", sl_get_text(in, "id", ""));
    int rc = ask_stored(call, question, &answer);
    if (rc) return rc;
    const cJSON *stored = cJSON_GetArrayItem(sl_get(answer, "items"), 0);
    if (!stored)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no deployment '%s'; deploy.list shows those "
                       "that are",
                       sl_get_text(in, "id", ""));
    rc = judge_again(call, stored, &now, &decision);
    if (rc) return rc;
    const cJSON *then = sl_get(stored, "policy");
    cJSON *changes = cJSON_CreateArray();
    add_changes(changes, sl_get(then, "results"), now);
    cJSON_AddStringToObject(out, "id", sl_get_text(stored, "id", ""));
    cJSON *before = cJSON_AddObjectToObject(out, "then");
    cJSON_AddStringToObject(before, "decision", decision_then(stored));
    if (sl_get(then, "policy_hash"))
        cJSON_AddStringToObject(before, "policy_hash", sl_get_text(then, "policy_hash", ""));
    cJSON_AddItemToObject(before, "results", cJSON_Duplicate(sl_get(then, "results"), true));
    cJSON *today = cJSON_AddObjectToObject(out, "now");
    cJSON_AddStringToObject(today, "decision", decision_name(decision));
    cJSON_AddStringToObject(today, "policy_hash", sl_scripts_hash(call, state->scripts));
    cJSON_AddStringToObject(out, "text", text_of(call, stored, now, changes));
    cJSON_AddItemToObject(today, "results", now);
    cJSON_AddItemToObject(out, "changed", changes);
    return 0;
}

/* ---- policy.replay ---- */

enum { PAGE = 200, SHOWN_MAX = 200 };

struct tally {
    int64_t judged, same, stricter, looser;
    int64_t then[4], now[4];
    cJSON *changed;
};

static enum decision decision_from(const char *word) {
    for (int i = DECISION_ALLOW; i < DECISION_DENY; i++)
        if (strcmp(decision_name((enum decision)i), word) == 0) return (enum decision)i;
    return DECISION_DENY;
}

static void add_example(struct tally *tally, const cJSON *stored, enum decision now,
                        const cJSON *verdicts) {
    if (cJSON_GetArraySize(tally->changed) >= SHOWN_MAX) return;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "id", sl_get_text(stored, "id", ""));
    cJSON_AddNumberToObject(one, "at_ms", sl_get_number(stored, "at_ms", 0));
    const cJSON *request = sl_get(stored, "request");
    cJSON_AddStringToObject(one, "app_name", sl_get_text(request, "app_name", ""));
    cJSON_AddStringToObject(one, "environment", sl_get_text(request, "environment", ""));
    cJSON_AddStringToObject(one, "then", decision_then(stored));
    cJSON_AddStringToObject(one, "now", decision_name(now));
    cJSON *rules = cJSON_AddArrayToObject(one, "rules");
    add_changes(rules, sl_get(sl_get(stored, "policy"), "results"), verdicts);
    cJSON_AddItemToArray(tally->changed, one);
}

static int replay_one(sl_call *call, const cJSON *stored, struct tally *tally) {
    cJSON *verdicts = NULL;
    enum decision now = DECISION_DENY;
    int rc = judge_again(call, stored, &verdicts, &now);
    if (rc) return rc;
    const enum decision then = decision_from(decision_then(stored));
    tally->judged++;
    tally->then[then]++;
    tally->now[now]++;
    tally->same += now == then;
    tally->stricter += now > then;
    tally->looser += now < then;
    if (now != then) add_example(tally, stored, now, verdicts);
    return 0;
}

/* One page of the past; `*cursor` NULL after the last. */
static int replay_page(sl_call *call, const cJSON *in, int64_t most, const char **cursor,
                       struct tally *tally) {
    static const char *const same[] = {"app_name", "environment", "since_ms", "until_ms", NULL};
    cJSON *question = cJSON_CreateObject(), *answer = NULL;
    for (size_t i = 0; same[i]; i++)
        if (sl_get(in, same[i]))
            cJSON_AddItemToObject(question, same[i], cJSON_Duplicate(sl_get(in, same[i]), true));
    if (*cursor) cJSON_AddStringToObject(question, "cursor", *cursor);
    cJSON_AddNumberToObject(question, "limit", (double)(most < PAGE ? most : PAGE));
    int rc = ask_stored(call, question, &answer);
    if (rc) return rc;
    const cJSON *stored;
    cJSON_ArrayForEach(stored, sl_get(answer, "items")) {
        rc = sl_cancelled(call);
        if (!rc) rc = replay_one(call, stored, tally);
        if (rc) return rc;
    }
    *cursor = sl_get_text(answer, "next_cursor", NULL);
    return 0;
}

static void add_counts(cJSON *out, const char *name, const int64_t counts[4]) {
    cJSON *object = cJSON_AddObjectToObject(out, name);
    for (int i = 0; i < 4; i++)
        cJSON_AddNumberToObject(object, decision_name((enum decision)i), (double)counts[i]);
}

int policy_replay(sl_call *call, const cJSON *in, cJSON *out) {
    const struct policy_state *state = sl_state(call);
    struct tally tally = {.changed = cJSON_CreateArray()};
    const int64_t most = sl_get_int(in, "limit", 1000);
    const char *cursor = sl_get_text(in, "cursor", NULL);
    do {
        int rc = replay_page(call, in, most - tally.judged, &cursor, &tally);
        if (rc) return rc;
    } while (cursor && tally.judged < most);
    cJSON_AddNumberToObject(out, "judged", (double)tally.judged);
    cJSON_AddNumberToObject(out, "same", (double)tally.same);
    cJSON_AddNumberToObject(out, "stricter", (double)tally.stricter);
    cJSON_AddNumberToObject(out, "looser", (double)tally.looser);
    add_counts(out, "then", tally.then);
    add_counts(out, "now", tally.now);
    cJSON_AddItemToObject(out, "changed", tally.changed);
    cJSON_AddStringToObject(out, "policy_hash", sl_scripts_hash(call, state->scripts));
    cJSON_AddItemToObject(out, "next_cursor",
                          cursor ? cJSON_CreateString(cursor) : cJSON_CreateNull());
    return 0;
}
