/* slots.h - which things a question is about: environments, applications, deployments, incidents,
 * policies, alerts, versions. Names come from what the platform knows. Pure. */
#ifndef CHAT_SLOTS_H
#define CHAT_SLOTS_H

#include "moment.h"
#include "words.h"

enum { SLOT_NAMES = 2000, SLOT_TWO = 2 };

/* Names that are known; each borrowed. */
struct known {
    const char *const *names;
    size_t count;
};

struct slots {
    const char *environments[SLOT_TWO]; /* "dev", "stage", "prod" */
    size_t environment_count;
    const char *apps[SLOT_TWO]; /* of the known names */
    size_t app_count;
    const char *policy;
    char versions[SLOT_TWO][WORD_BYTES];
    size_t version_count;
    char deployment[WORD_BYTES], incident[WORD_BYTES], alert[WORD_BYTES];
    char unknown[WORD_BYTES];     /* the first word that says something and is not known */
    char assumed[2 * WORD_BYTES]; /* "paymets" was read as "payments" */
    struct moment time;
};

/* Reads ids, environments, times, versions and alerts (words such as HighErrorRate). */
void slots_read(struct slots *slots, struct words *words, int64_t now_ms);
/* Then names that are known. Marks what it took. */
void slots_names(struct slots *slots, struct words *words, struct known apps, struct known policies,
                 struct known alerts);

#endif
