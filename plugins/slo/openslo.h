/* openslo.h - OpenSLO v1 documents to objectives. Pure.
 *
 * Read: SLO, SLI, AlertPolicy, AlertCondition, DataSource; Service and AlertNotificationTarget are
 * taken and not needed. References are looked up among the documents given together. */
#ifndef SLO_OPENSLO_H
#define SLO_OPENSLO_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* `documents`: a list of objects, or of such lists. Adds to `forms` one objective (objective.h) for
 * each objective of each SLO, and to `notes` a text for whatever was taken but has no effect here.
 * False: `why` tells what is wrong, in which document. */
enum { OPENSLO_WHY_BYTES = 400 };
bool openslo_read(const cJSON *documents, cJSON *forms, cJSON *notes, char why[OPENSLO_WHY_BYTES]);

#endif
