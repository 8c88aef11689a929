#include "decide.h"

#include "text.h"
#include "tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

static const char *const outcome_names[] = {"APPROVED", "NEEDS_APPROVAL", "DENIED"};
static const char *const reason_words[] = {"allow", "approval", "deny"};

/* One reason on its way into the decision. */
struct reason {
    enum outcome outcome;
    const char *source, *rule;
    const char *word; /* NULL: by the outcome; "warn" allows, but is worth a line */
    const char *message;
    const char *fix;
    const cJSON *verdict; /* where evidence, file and line are taken from, or NULL */
};

const char *outcome_name(enum outcome outcome) {
    return outcome_names[outcome];
}

int risk_rank(const char *level) {
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    if (!level) return -1;
    for (int i = 0; i < 4; i++)
        if (strcmp(level, levels[i]) == 0) return i;
    return strcmp(level, "MEDIUM") == 0 ? 1 : -1;
}

const char *risk_level(const cJSON *risk) {
    return text_of(risk, "level");
}

static void add(struct decision *decision, const struct reason *reason) {
    cJSON *row = cJSON_CreateObject();
    put_borrowed(row, "source", reason->source);
    put_borrowed(row, "rule", reason->rule);
    put_borrowed(row, "outcome", reason->word ? reason->word : reason_words[reason->outcome]);
    put_text(row, "message", reason->message);
    if (reason->fix) put_borrowed(row, "fix", reason->fix);
    static const char *const carried[] = {"evidence", "file", "line", "class"};
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++) {
        cJSON *value = cJSON_GetObjectItemCaseSensitive(reason->verdict, carried[i]);
        if (value && !cJSON_IsNull(value)) cJSON_AddItemReferenceToObject(row, carried[i], value);
    }
    cJSON_AddItemToArray(decision->reasons, row);
    if (reason->outcome > decision->outcome) decision->outcome = reason->outcome;
}

static void deny_unjudged(struct decision *decision, const char *why) {
    char message[MESSAGE_BYTES];
    (void)snprintf(message, sizeof message,
                   "the policies could not be asked: %s; what no policy has judged is denied", why);
    add(decision, &(struct reason){.outcome = DENIED,
                                   .source = "platform",
                                   .rule = "policies-must-answer",
                                   .message = message,
                                   .fix = "load and repair the policy plugin, then send the "
                                          "request again"});
}

/* ---- the policies ---- */

/* The outcome that a verdict's word stands for; false when it is no word we know. */
static bool verdict_outcome(const char *word, enum outcome *outcome) {
    static const struct {
        const char *word;
        enum outcome outcome;
    } words[] = {{"allow", APPROVED},
                 {"warn", APPROVED},
                 {"approval", NEEDS_APPROVAL},
                 {"needs_approval", NEEDS_APPROVAL},
                 {"deny", DENIED}};
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) != 0) continue;
        *outcome = words[i].outcome;
        return true;
    }
    return false;
}

static const char *verdict_rule(const cJSON *verdict) {
    const char *rule = text_of(verdict, "policy");
    if (!rule) rule = text_of(verdict, "rule");
    if (!rule) rule = text_of(verdict, "name");
    return rule ? rule : "unnamed";
}

static void weigh_verdict(struct decision *decision, const cJSON *verdict, enum outcome wanted) {
    const char *word = text_of(verdict, "outcome");
    enum outcome outcome = DENIED;
    bool known = verdict_outcome(word, &outcome);
    bool worth_a_line = outcome != APPROVED || strcmp(word, "warn") == 0;
    if (outcome != wanted || !worth_a_line) return;
    char message[MESSAGE_BYTES];
    const char *said = text_of(verdict, "reason");
    if (!said) said = text_of(verdict, "message");
    if (!known)
        (void)snprintf(message, sizeof message, "answered '%s', which is no verdict",
                       word ? word : "nothing");
    else
        (void)snprintf(message, sizeof message, "%s", said ? said : "gave no reason");
    add(decision, &(struct reason){.outcome = outcome,
                                   .source = "policy",
                                   .rule = verdict_rule(verdict),
                                   .word = known && outcome == APPROVED ? "warn" : NULL,
                                   .message = message,
                                   .fix = text_of(verdict, "fix"),
                                   .verdict = verdict});
}

/* The policy plugin's own sum must agree: a denial in it that no verdict explains still denies. */
static void weigh_sum(struct decision *decision, const cJSON *policy) {
    const char *word = text_of(policy, "decision");
    enum outcome outcome = DENIED;
    bool known = verdict_outcome(word, &outcome);
    if (known && outcome <= decision->outcome) return;
    char message[MESSAGE_BYTES];
    (void)snprintf(message, sizeof message, "the policies together answered '%s'%s",
                   word ? word : "nothing",
                   known ? ", and none of them says why" : ", which is no decision");
    add(decision, &(struct reason){.outcome = outcome,
                                   .source = "platform",
                                   .rule = "policies-must-answer",
                                   .message = message});
}

/* ---- the risk ---- */

static bool is_prod(const struct judgement *judgement) {
    return judgement->environment && strcmp(judgement->environment, "prod") == 0;
}

static void weigh_missing_risk(struct decision *decision, const struct judgement *judgement) {
    char message[MESSAGE_BYTES];
    const char *why = judgement->risk_failure;
    if (judgement->risk) why = "its answer has no level that is known";
    bool prod = is_prod(judgement);
    (void)snprintf(message, sizeof message, "the risk could not be scored: %s; %s",
                   why ? why : "no reason given",
                   prod ? "nothing goes to prod without a score" : "a person must judge it");
    add(decision, &(struct reason){.outcome = prod ? DENIED : NEEDS_APPROVAL,
                                   .source = "platform",
                                   .rule = "risk-must-be-scored",
                                   .message = message,
                                   .fix = "load and repair the risk plugin, then send the request "
                                          "again"});
}

/* The change that would lower the risk most, in the risk plugin's words. */
static const char *what_lowers(const cJSON *risk) {
    const cJSON *first =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(risk, "what_would_lower_it"), 0);
    if (cJSON_IsString(first)) return first->valuestring;
    static const char *const names[] = {"change", "words", "what", "action", "text"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_of(first, names[i])) return text_of(first, names[i]);
    return "make the change smaller, or split it";
}

static void weigh_risk(struct decision *decision, const struct judgement *judgement) {
    const char *level = risk_level(judgement->risk);
    int rank = risk_rank(level);
    if (rank < 0) {
        weigh_missing_risk(decision, judgement);
        return;
    }
    int floor = risk_rank(judgement->approval_from);
    if (floor < 0 || rank < floor) return;
    char message[MESSAGE_BYTES];
    const char *reason = text_of(judgement->risk, "reason");
    (void)snprintf(message, sizeof message, "the risk is %s%s%s; from %s on a person must agree",
                   level, reason ? ": " : "", reason ? reason : "", judgement->approval_from);
    add(decision, &(struct reason){.outcome = NEEDS_APPROVAL,
                                   .source = "risk",
                                   .rule = "risk-floor",
                                   .message = message,
                                   .fix = what_lowers(judgement->risk)});
}

/* ---- together ---- */

static void write_whole(char text[24], double number) {
    if (number >= 0 && number < 1000 && number == (int)number)
        text_digits(text, (unsigned)number); /* as nearly always */
    else
        (void)snprintf(text, 24, "%.0f", number);
}

static void tell_approval(struct decision *decision, const struct judgement *judgement, int count) {
    char message[MESSAGE_BYTES], policies[24], score[24];
    const char *level = risk_level(judgement->risk);
    text_digits(policies, (unsigned)count);
    write_whole(score, number_of(judgement->risk, "score"));
    text_join(message, sizeof message,
              (const char *const[]){count ? policies : "no",
                                    count == 0   ? " policy applies"
                                    : count == 1 ? " policy allows it"
                                                 : " policies allow it",
                                    " and the risk is ", level ? level : "", " (", score,
                                    " of 100)", NULL});
    add(decision,
        &(struct reason){
            .outcome = APPROVED, .source = "platform", .rule = "all-clear", .message = message});
}

static void weigh_policies(struct decision *decision, const struct judgement *judgement,
                           enum outcome wanted) {
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(judgement->policy, "results");
    const cJSON *verdict;
    cJSON_ArrayForEach(verdict, results) weigh_verdict(decision, verdict, wanted);
}

static void weigh_silence(struct decision *decision, const struct judgement *judgement) {
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(judgement->policy, "results");
    if (!judgement->policy)
        deny_unjudged(decision,
                      judgement->policy_failure ? judgement->policy_failure : "no reason given");
    else if (!cJSON_IsArray(results))
        deny_unjudged(decision, "the answer has no results");
    else if (is_prod(judgement) && cJSON_GetArraySize(results) == 0)
        add(decision, &(struct reason){.outcome = NEEDS_APPROVAL,
                                       .source = "platform",
                                       .rule = "prod-needs-a-policy",
                                       .message = "not one policy judged this request for prod",
                                       .fix = "put policies that apply to prod into the folder of "
                                              "the policy plugin"});
}

static cJSON *worst_first(cJSON *reasons) {
    cJSON *sorted = cJSON_CreateArray();
    static const char *const order[] = {"deny", "approval", "warn", "allow"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        cJSON *row = reasons->child;
        while (row) {
            cJSON *next = row->next;
            if (strcmp(text_of(row, "outcome"), order[i]) == 0)
                cJSON_AddItemToArray(sorted, cJSON_DetachItemViaPointer(reasons, row));
            row = next;
        }
    }
    cJSON_Delete(reasons);
    return sorted;
}

void decide(const struct judgement *judgement, struct decision *decision) {
    *decision = (struct decision){.outcome = APPROVED, .reasons = cJSON_CreateArray()};
    weigh_silence(decision, judgement);
    weigh_policies(decision, judgement, DENIED);
    weigh_risk(decision, judgement);
    weigh_policies(decision, judgement, NEEDS_APPROVAL);
    if (judgement->policy) weigh_sum(decision, judgement->policy);
    weigh_policies(decision, judgement, APPROVED);
    if (decision->outcome == APPROVED)
        tell_approval(
            decision, judgement,
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(judgement->policy, "results")));
    decision->reasons = worst_first(decision->reasons);
    const cJSON *row;
    cJSON_ArrayForEach(row, decision->reasons) {
        if (decision->outcome == APPROVED) break;
        decision->fix = text_of(row, "fix");
        if (decision->fix) break;
    }
}
