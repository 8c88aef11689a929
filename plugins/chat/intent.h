/* intent.h - what a question wants to know, by scored rules over its words. Pure. */
#ifndef CHAT_INTENT_H
#define CHAT_INTENT_H

#include "words.h"

enum intent {
    INTENT_DOCUMENTS, /* none of the others: what do the documents say? */
    INTENT_FAILURE,
    INTENT_BLOCK,
    INTENT_WAIT,
    INTENT_WHICH_POLICY,
    INTENT_CHANGED,
    INTENT_DEPLOYED,
    INTENT_SAFE,
    INTENT_FIX,
    INTENT_WHO,
    INTENT_BUDGET,
    INTENT_HAPPENED,
    INTENT_INCIDENTS,
    INTENT_RISK,
    INTENT_POLICIES,
    INTENT_DEPLOYMENTS,
    INTENT_FREEZE,
    INTENT_ACT,
    INTENT_NEXT,
    INTENT_HELP,
    INTENT_COUNT
};

/* What was recognised beside the words; it speaks for or against some intents. */
struct intent_facts {
    bool app, environment, deployment, alert, time, incident;
};

struct intent_guess {
    enum intent intent;
    double score;
    double margin; /* over the next best */
};

struct intent_guess intent_guess(const struct words *words, struct intent_facts facts);
const char *intent_name(enum intent intent); /* "explain_failure" */

#endif
