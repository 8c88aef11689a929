#include "intent.h"

#include <stdio.h>
#include <string.h>

static const char *const names[INTENT_COUNT] = {[INTENT_DOCUMENTS] = "search_documents",
                                                [INTENT_FAILURE] = "explain_failure",
                                                [INTENT_BLOCK] = "explain_block",
                                                [INTENT_WAIT] = "explain_wait",
                                                [INTENT_WHICH_POLICY] = "which_policy",
                                                [INTENT_CHANGED] = "what_changed",
                                                [INTENT_DEPLOYED] = "what_is_deployed",
                                                [INTENT_SAFE] = "safe_to_deploy",
                                                [INTENT_FIX] = "fix_alert",
                                                [INTENT_WHO] = "who_approved",
                                                [INTENT_BUDGET] = "error_budget",
                                                [INTENT_HAPPENED] = "what_happened",
                                                [INTENT_INCIDENTS] = "incidents",
                                                [INTENT_RISK] = "explain_risk",
                                                [INTENT_POLICIES] = "list_policies",
                                                [INTENT_DEPLOYMENTS] = "list_deployments",
                                                [INTENT_FREEZE] = "freezes",
                                                [INTENT_ACT] = "act",
                                                [INTENT_NEXT] = "next_step",
                                                [INTENT_HELP] = "help"};

const char *intent_name(enum intent intent) {
    return names[intent];
}

/* All of the words' subjects must be in the question; '+' facts too: "+alert". */
static const struct rule {
    enum intent intent;
    double weight;
    const char *needs;
} rules[] = {
    {INTENT_FAILURE, 7, "why fail"},
    {INTENT_FAILURE, 7, "why rollback"},
    {INTENT_FAILURE, 5, "what fail"},
    {INTENT_FAILURE, 4, "fail +app"},
    {INTENT_FAILURE, 4, "fail +deployment"},
    {INTENT_FAILURE, 4, "fail +environment"},
    {INTENT_FAILURE, 4, "fail deploy"},
    {INTENT_FAILURE, 4.5, "what happen +deployment"},
    {INTENT_BLOCK, 7, "why block"},
    {INTENT_BLOCK, 5, "what block"},
    {INTENT_BLOCK, 4, "block"},
    {INTENT_BLOCK, 6.5, "why not deploy"},
    {INTENT_BLOCK, 6.5, "why not deployed"},
    {INTENT_BLOCK, 6.5, "why not allow"},
    {INTENT_BLOCK, 6.5, "why not +app"},
    {INTENT_BLOCK, 4, "not allow"},
    {INTENT_BLOCK, 4.5, "not deploy"},
    {INTENT_WAIT, 7, "why wait"},
    {INTENT_WAIT, 6, "what wait"},
    {INTENT_WAIT, 4.5, "wait"},
    {INTENT_WAIT, 7.5, "why need approve"},
    {INTENT_WAIT, 6.5, "need approve"},
    {INTENT_WHICH_POLICY, 8, "which policy block"},
    {INTENT_WHICH_POLICY, 8, "what policy block"},
    {INTENT_WHICH_POLICY, 7.2, "policy block"},
    {INTENT_WHICH_POLICY, 7.2, "policy fail"},
    {INTENT_WHICH_POLICY, 7.2, "policy wait"},
    {INTENT_WHICH_POLICY, 8, "which policy not allow"},
    {INTENT_WHICH_POLICY, 6.8, "who block"},
    {INTENT_CHANGED, 7, "what change"},
    {INTENT_CHANGED, 5, "change"},
    {INTENT_CHANGED, 6, "which change"},
    {INTENT_CHANGED, 6, "change between"},
    {INTENT_CHANGED, 6, "how change"},
    {INTENT_DEPLOYED, 6, "what deployed"},
    {INTENT_DEPLOYED, 7, "which version deployed"},
    {INTENT_DEPLOYED, 6.2, "what version"},
    {INTENT_DEPLOYED, 6.2, "which version"},
    {INTENT_DEPLOYED, 6, "where deployed"},
    {INTENT_DEPLOYED, 6, "where +app"},
    {INTENT_DEPLOYED, 4, "deployed +app"},
    {INTENT_DEPLOYED, 4, "deployed +environment"},
    {INTENT_DEPLOYED, 4, "version +app"},
    {INTENT_DEPLOYED, 3, "version +environment"},
    {INTENT_SAFE, 7.5, "safe deploy"},
    {INTENT_SAFE, 6.5, "safe +app"},
    {INTENT_SAFE, 6.5, "safe +environment"},
    {INTENT_SAFE, 6.4, "can deploy"},
    {INTENT_SAFE, 7, "can deploy now"},
    {INTENT_SAFE, 4, "safe"},
    {INTENT_SAFE, 6.4, "can rollback +never"},
    {INTENT_SAFE, 6.2, "can go +app"},
    {INTENT_FIX, 8, "fix +alert"},
    {INTENT_FIX, 7, "how +alert"},
    {INTENT_FIX, 7, "what do +alert"},
    {INTENT_FIX, 6.6, "why +alert"},
    {INTENT_FIX, 5, "+alert"},
    {INTENT_NEXT, 6.5, "fix deploy"},
    {INTENT_NEXT, 6.5, "fix +deployment"},
    {INTENT_NEXT, 6.5, "fix block"},
    {INTENT_NEXT, 6, "how fix +app"},
    {INTENT_NEXT, 6.5, "what do next"},
    {INTENT_NEXT, 6.5, "how approve"},
    {INTENT_NEXT, 6.5, "next do"},
    {INTENT_NEXT, 6.2, "what next"},
    {INTENT_WHO, 8, "who approve"},
    {INTENT_WHO, 7, "who deploy"},
    {INTENT_WHO, 7, "who deployed"},
    {INTENT_WHO, 7, "who request"},
    {INTENT_WHO, 7, "who allow"},
    {INTENT_WHO, 7, "who fail"},
    {INTENT_WHO, 7, "who rollback"},
    {INTENT_WHO, 7, "who promote"},
    {INTENT_WHO, 4, "who +app"},
    {INTENT_WHO, 4, "who"},
    {INTENT_WHO, 5.5, "when approve"},
    {INTENT_BUDGET, 7.8, "budget"},
    {INTENT_BUDGET, 6.5, "confidence"},
    {INTENT_HAPPENED, 6, "what happen"},
    {INTENT_HAPPENED, 4.6, "happen"},
    {INTENT_HAPPENED, 7, "happen +time"},
    {INTENT_HAPPENED, 4.2, "what +time"},
    {INTENT_HAPPENED, 6.5, "fail +time"},
    {INTENT_INCIDENTS, 6.4, "incident"},
    {INTENT_INCIDENTS, 5, "list alert"},
    {INTENT_INCIDENTS, 5.5, "which alert"},
    {INTENT_INCIDENTS, 5.5, "what alert"},
    {INTENT_RISK, 7.4, "why risk"},
    {INTENT_RISK, 7, "how risk"},
    {INTENT_RISK, 6, "what risk"},
    {INTENT_RISK, 5, "risk"},
    {INTENT_POLICIES, 5.6, "which policy"},
    {INTENT_POLICIES, 5.6, "what policy"},
    {INTENT_POLICIES, 6.5, "list policy"},
    {INTENT_POLICIES, 7, "policy apply"},
    {INTENT_POLICIES, 3, "policy"},
    {INTENT_DEPLOYMENTS, 6.3, "list deploy"},
    {INTENT_DEPLOYMENTS, 7.5, "many deploy"},
    {INTENT_DEPLOYMENTS, 7.5, "many deployed"},
    {INTENT_DEPLOYMENTS, 5.4, "last deploy"},
    {INTENT_DEPLOYMENTS, 4.5, "which deploy"},
    {INTENT_DEPLOYMENTS, 5.6, "what deploy +time"},
    {INTENT_DEPLOYMENTS, 6.4, "what deployed +time"},
    {INTENT_DEPLOYMENTS, 7.6, "which deploy block"},
    {INTENT_DEPLOYMENTS, 7.6, "which deploy fail"},
    {INTENT_DEPLOYMENTS, 7.6, "which deploy wait"},
    {INTENT_DEPLOYMENTS, 7.6, "list deploy block"},
    {INTENT_DEPLOYMENTS, 7.6, "many deploy block"},
    {INTENT_DEPLOYMENTS, 6.4, "when deployed"},
    {INTENT_DEPLOYMENTS, 6.4, "when deploy"},
    {INTENT_DEPLOYMENTS, 6.6, "what need approve"},
    {INTENT_FREEZE, 7.9, "freeze"},
    {INTENT_HELP, 7, "what can you do"},
    {INTENT_HELP, 6, "how help you"},
    {INTENT_HELP, 3, "help"},
};

static bool fact_holds(const char *fact, size_t size, struct intent_facts facts) {
    const struct {
        const char *name;
        bool holds;
    } rows[] = {{"app", facts.app},     {"environment", facts.environment},
                {"alert", facts.alert}, {"deployment", facts.deployment},
                {"time", facts.time},   {"incident", facts.incident}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, fact, size) == 0)
            return rows[i].holds;
    return false;
}

static bool rule_holds(const char *needs, const struct words *words, struct intent_facts facts) {
    while (*needs) {
        const size_t size = strcspn(needs, " ");
        char about[32];
        (void)snprintf(about, sizeof about, "%.*s", (int)size, needs);
        const bool holds =
            *about == '+' ? fact_holds(about + 1, size - 1, facts) : words_about(words, about);
        if (!holds) return false;
        needs += size;
        while (*needs == ' ') needs++;
    }
    return true;
}

/* "roll back shop", "please approve 01H...": the first word that says something is a command. */
static bool is_command(const struct words *words) {
    static const char *const verbs[] = {"rollback", "promote", "pause", "resume", "approve"};
    for (size_t i = 0; i < words->count; i++) {
        const struct word *word = &words->at[i];
        if (word->small || (word->about && strcmp(word->about, "can") == 0) ||
            (word->about && strcmp(word->about, "you") == 0))
            continue;
        if (!word->about) return false;
        if (strcmp(word->text, "deploy") == 0 || strcmp(word->text, "abort") == 0 ||
            strcmp(word->text, "freeze") == 0 || strcmp(word->text, "undo") == 0)
            return true;
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
            if (strcmp(word->about, verbs[v]) == 0) return true;
        return false;
    }
    return false;
}

struct intent_guess intent_guess(const struct words *words, struct intent_facts facts) {
    double scores[INTENT_COUNT] = {0};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        if (rule->weight > scores[rule->intent] && rule_holds(rule->needs, words, facts))
            scores[rule->intent] = rule->weight;
    }
    /* "Can I ..." and "is there ..." ask; "can you roll back" and "roll back" tell. */
    static const char openers[] =
        " is are was were does did do has have any when what which where how ";
    char first[WORD_BYTES + 2] = " ";
    if (words->count) (void)snprintf(first, sizeof first, " %s ", words->at[0].text);
    const bool asks = words_find(words, "i") >= 0 || words_find(words, "we") >= 0 ||
                      words_about(words, "why") || words_about(words, "who") ||
                      (words->count && strstr(openers, first));
    if (is_command(words) && !asks) scores[INTENT_ACT] = 9;
    struct intent_guess guess = {INTENT_DOCUMENTS, 0, 0};
    double second = 0;
    for (int i = 1; i < INTENT_COUNT; i++) {
        if (scores[i] > guess.score) {
            second = guess.score;
            guess.score = scores[i];
            guess.intent = (enum intent)i;
        } else if (scores[i] > second) {
            second = scores[i];
        }
    }
    guess.margin = guess.score - second;
    return guess;
}
