/* The answer of risk.score as JSON. Pure but for cJSON, whose memory is the caller's. */
#ifndef RISK_ANSWER_H
#define RISK_ANSWER_H

#include "explain.h"

#include <cjson/cJSON.h>

/* Fills `out`. `brief` leaves out everything but the verdict. */
void answer_score(const struct score *score, bool brief, cJSON *out);

/* A model's card: id, data, figures, terms. */
cJSON *answer_model(const struct model *model);

/* Adds text that may hold any bytes; what is not UTF-8 becomes '?'. Cut at 1,000 bytes. */
void answer_text(cJSON *object, const char *name, struct diff_text text);

#endif
