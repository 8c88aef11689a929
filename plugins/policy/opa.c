#include "opa.h"

#include "sum.h"

#include <stdio.h>
#include <string.h>

static const cJSON *item(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text(const cJSON *object, const char *name) {
    const char *found = cJSON_GetStringValue(item(object, name));
    return found && *found ? found : NULL;
}

struct told {
    const char *path, *decision_id;
    cJSON *verdicts;
    size_t count;
    enum decision strictest;
};

static const char *outcome_of(enum decision decision) {
    static const char *const outcomes[] = {"allow", "warn", "approval", "deny"};
    return outcomes[decision];
}

static cJSON *add(struct told *told, enum decision decision, const char *rule, const char *reason) {
    cJSON *verdict = cJSON_CreateObject();
    char name[160];
    (void)snprintf(name, sizeof name, "opa%s%.150s", rule ? "/" : "", rule ? rule : "");
    cJSON_AddStringToObject(verdict, "name", name);
    cJSON_AddStringToObject(verdict, "outcome", outcome_of(decision));
    if (reason) cJSON_AddStringToObject(verdict, "reason", reason);
    cJSON *evidence = cJSON_AddObjectToObject(verdict, "evidence");
    cJSON_AddStringToObject(evidence, "path", told->path);
    if (told->decision_id) cJSON_AddStringToObject(evidence, "decision_id", told->decision_id);
    cJSON_AddStringToObject(verdict, "file", told->path);
    cJSON_AddNumberToObject(verdict, "line", 0);
    cJSON_AddStringToObject(verdict, "class", "decision");
    cJSON_AddItemToArray(told->verdicts, verdict);
    told->count++;
    if (decision > told->strictest) told->strictest = decision;
    return verdict;
}

static void add_one(struct told *told, enum decision decision, const cJSON *one) {
    if (cJSON_IsString(one)) {
        (void)add(told, decision, NULL, one->valuestring);
        return;
    }
    const char *message = text(one, "message"), *fix = text(one, "fix");
    if (!message) message = text(one, "msg");
    cJSON *verdict =
        add(told, decision, text(one, "rule"), message ? message : "OPA gave no reason");
    if (fix) cJSON_AddStringToObject(verdict, "fix", fix);
}

/* A set of Rego is a list in JSON; rules that make an object are taken by their values. */
static void add_set(struct told *told, enum decision decision, const cJSON *set) {
    const cJSON *one;
    if (cJSON_IsTrue(set) || cJSON_IsNumber(set))
        (void)add(told, decision, NULL, "OPA gave no reason");
    if (cJSON_IsString(set)) add_one(told, decision, set);
    if (!cJSON_IsArray(set) && !cJSON_IsObject(set)) return;
    cJSON_ArrayForEach(one, set) add_one(told, decision, one);
}

/* False: it is none of the words. */
static bool decision_named(const char *word, enum decision *decision) {
    static const struct {
        const char *word;
        enum decision decision;
    } words[] = {{"allow", DECISION_ALLOW},
                 {"warn", DECISION_WARN},
                 {"needs_approval", DECISION_NEEDS_APPROVAL},
                 {"approval", DECISION_NEEDS_APPROVAL},
                 {"deny", DECISION_DENY}};
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0) {
            *decision = words[i].decision;
            return true;
        }
    return false;
}

static void add_decision(struct told *told, enum decision decision) {
    if (told->count && decision <= told->strictest) return; /* the sets have said it with reasons */
    (void)add(told, decision, NULL,
              decision == DECISION_ALLOW ? NULL : "OPA decided so, without a reason");
}

/* Only an explicit word or boolean allows; a set that is empty says nothing. */
static void read_object(struct told *told, const cJSON *result) {
    const cJSON *word = item(result, "decision");
    const cJSON *allow = item(result, "allow") ? item(result, "allow") : item(result, "allowed");
    enum decision decision;
    add_set(told, DECISION_DENY, item(result, "deny"));
    add_set(told, DECISION_NEEDS_APPROVAL, item(result, "approval"));
    add_set(told, DECISION_WARN, item(result, "warn"));
    bool known = false;
    if (word && decision_named(cJSON_GetStringValue(word), &decision)) {
        add_decision(told, decision);
        known = true;
    } else if (word) {
        (void)add(told, DECISION_DENY, NULL, "OPA's decision is a word that is not known");
    }
    if (cJSON_IsBool(allow)) {
        add_decision(told, cJSON_IsTrue(allow) ? DECISION_ALLOW : DECISION_DENY);
        known = true;
    }
    if (!known && told->strictest < DECISION_NEEDS_APPROVAL)
        (void)add(told, DECISION_DENY, NULL,
                  "OPA's result holds neither decision nor allow: what is not allowed is denied");
}

void opa_read(const cJSON *answer, const char *path, cJSON *verdicts) {
    struct told told = {
        .path = path, .decision_id = text(answer, "decision_id"), .verdicts = verdicts};
    const cJSON *result = item(answer, "result");
    enum decision decision;
    if (!result)
        (void)add(&told, DECISION_DENY, NULL,
                  "the document is undefined in OPA: what no rule decides is denied");
    else if (cJSON_IsBool(result))
        add_decision(&told, cJSON_IsTrue(result) ? DECISION_ALLOW : DECISION_DENY);
    else if (decision_named(cJSON_GetStringValue(result), &decision))
        add_decision(&told, decision);
    else if (cJSON_IsObject(result))
        read_object(&told, result);
    else
        (void)add(&told, DECISION_DENY, NULL, "OPA's result is no decision");
}

void opa_failed(const char *why, const char *path, cJSON *verdicts) {
    struct told told = {.path = path, .verdicts = verdicts};
    char reason[400];
    (void)snprintf(reason, sizeof reason, "OPA could not be asked: %.300s", why);
    cJSON *verdict = add(&told, DECISION_DENY, NULL, reason);
    cJSON_ReplaceItemInObjectCaseSensitive(verdict, "class", cJSON_CreateString("error"));
    cJSON_AddStringToObject(verdict, "fix", "see that OPA answers at plugins.policy.opa.url");
}
