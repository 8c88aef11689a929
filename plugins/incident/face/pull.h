/* pull.h - one query that is asked for an incident, and what it leaves in the timeline. */
#ifndef INCIDENT_PULL_H
#define INCIDENT_PULL_H

#include "face.h"

struct pull {
    const struct incident *incident;
    const char *source;         /* "prometheus", "loki" */
    const char *name, *query;   /* the query with the incident's names in it */
    const char *id;             /* of its line; the lines that belong to it are "ID/..." */
    int64_t onset_ms, until_ms; /* until: the end of the incident, or now */
};

/* Puts what was said into `out`, with "text", and commits the lines. Suspends. The sentence of a
 * failure stands alone; the timeline then holds what an earlier pull left. */
int pull_prometheus(sl_call *call, const struct pull *pull, cJSON *out);
int pull_loki(sl_call *call, const struct pull *pull, cJSON *out);

/* A batch with the line that says `text`. What an earlier pull left goes, unless this answer is
 * `empty`: a server that has dropped its past takes no evidence along. */
sl_batch *pull_batch(sl_call *call, const struct pull *pull, const char *text, bool empty);

#endif
