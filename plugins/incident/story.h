/* story.h - an incident as facts, and the facts in words for customers, management and engineers.
 *
 * Pure. Every sentence names the facts that it rests on, and every number, id and time in a sentence
 * stands in one of them. The three texts come from the same facts, so their numbers agree. Customers
 * read only sentences that safe.h lets pass. */
#ifndef INCIDENT_STORY_H
#define INCIDENT_STORY_H

#include "safe.h"
#include "when.h"

#include <stdint.h>

enum { STORY_FACTS = 96, STORY_SENTENCES = 48, STORY_LIST = 12 };

struct fact {
    char id[8];         /* "F1" */
    const char *kind;   /* what it tells: title, onset, impact... */
    char text[512];     /* the fact in words */
    const char *source; /* who says so */
};

struct sentence {
    char text[640];
    int facts[8]; /* indexes; ended by -1 */
};

struct text_of_audience {
    struct sentence items[STORY_SENTENCES];
    size_t count;
    size_t withheld; /* sentences that customers may not read */
};

enum audience { AUDIENCE_CUSTOMER, AUDIENCE_EXEC, AUDIENCE_ENGINEER };

/* What is known. NULL, 0 and negative numbers: not known. All borrowed. */
struct story {
    const char *id, *title, *severity, *status, *environment, *commander;
    const char *services[STORY_LIST]; /* ended by NULL, as all lists */
    const char *public_title, *public_text, *workaround, *components[STORY_LIST];
    const char *cause, *trigger, *resolution, *impact_text, *regions; /* said by people */
    int64_t onset_ms, detected_ms, acknowledged_ms, mitigated_ms, resolved_ms, now_ms, next_ms;
    double requests, failed, share, share_low, share_high, users; /* share of requests, 0..1 */
    const char *impact_source;
    double budget_left; /* share of the error budget; NaN: not known */
    int alerts, firing;
    const char *alert_names[STORY_LIST];
    const char *patterns[STORY_LIST], *spots[STORY_LIST], *causes[STORY_LIST],
        *suspects[STORY_LIST];
    const char *no_cause, *no_suspect;
    const char *actions[STORY_LIST]; /* what was done, newest last */
    const char *stated[STORY_LIST];  /* other things that the caller stated */
    const char *sampled;             /* what was left out, in words */
    struct internal_words internal;
};

struct told {
    struct fact facts[STORY_FACTS];
    size_t fact_count;
    struct text_of_audience texts[3];
};

void story_tell(const struct story *story, struct told *out);
/* The sentences joined by blanks; engineers' by line breaks. Returns its size. */
size_t story_text(const struct text_of_audience *text, const char *between, char *out, size_t room);
/* "investigating", "identified", "monitoring", "resolved": the wording of status pages. */
const char *story_public_status(const struct story *story);

/* May `text`, written by somebody else about sentence `s`, stand in its place: does every number in
 * it stand in the facts of the sentence? `why` (120 bytes). */
bool story_supports(const struct told *told, const struct sentence *s, const char *text,
                    char why[120]);

#endif
