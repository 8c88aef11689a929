/* telling.h - the story of an incident, from what is stored or from what a caller states. */
#ifndef INCIDENT_TELLING_H
#define INCIDENT_TELLING_H

#include "evidence.h"
#include "story.h"

int story_of_incident(sl_call *call, const struct incident *incident, struct story *out);
/* `context`: any object; what is not known by name is told as stated. */
int story_of_context(sl_call *call, const cJSON *context, struct story *out);
/* What customers may read of an incident, as sentences. Withheld ones are left out. */
int story_for_customers(sl_call *call, const struct incident *incident, const char **text);

#endif
