#include "sum.h"

#include <string.h>

const char *decision_name(enum decision decision) {
    static const char *const names[] = {"allow", "warn", "needs_approval", "deny"};
    return names[decision];
}

static const char *text_of(const cJSON *verdict, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdict, name));
}

static enum decision decision_of(const cJSON *verdict) {
    static const struct {
        const char *outcome;
        enum decision decision;
    } words[] = {
        {"allow", DECISION_ALLOW}, {"warn", DECISION_WARN}, {"approval", DECISION_NEEDS_APPROVAL}};
    const char *outcome = text_of(verdict, "outcome");
    for (size_t i = 0; outcome && i < sizeof words / sizeof *words; i++)
        if (strcmp(outcome, words[i].outcome) == 0) return words[i].decision;
    return DECISION_DENY;
}

enum decision sum_verdicts(const cJSON *verdicts) {
    enum decision strictest = DECISION_ALLOW;
    const cJSON *verdict;
    cJSON_ArrayForEach(verdict, verdicts) {
        enum decision decision = decision_of(verdict);
        if (decision > strictest) strictest = decision;
    }
    return strictest;
}

/* A literal, or a text of the same verdict: it lives as long. */
static void add_shared(cJSON *verdict, const char *name, const char *text) {
    cJSON_AddItemToObjectCS(verdict, name, cJSON_CreateStringReference(text));
}

void sum_add_results(cJSON *verdicts) {
    cJSON *verdict;
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *name = text_of(verdict, "name"), *reason = text_of(verdict, "reason");
        bool ok = decision_of(verdict) <= DECISION_WARN;
        add_shared(verdict, "rule", name ? name : "unnamed");
        cJSON_AddItemToObjectCS(verdict, "ok", cJSON_CreateBool(ok));
        add_shared(verdict, "message", reason ? reason : ok ? "OK" : "denied");
    }
}
