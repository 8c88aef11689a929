/* suspects.h - which change may be to blame, with its reasons, or none. Pure.
 *
 * score = exp(-(onset - t) / 40 min) x nearness x words x same service x kind x risk. The constants
 * are start values, not fitted to real incidents. Changes after the onset are no suspects, and
 * below the floor, or when something else explains it, nobody is named. */
#ifndef INCIDENT_SUSPECTS_H
#define INCIDENT_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct suspect {
    const char *id, *kind, *service, *words, *risk_level; /* borrowed */
    int64_t at_ms;
    int hops;    /* from the alerting service along its dependencies; -1: not on the path */
    int overlap; /* its words in log patterns that are new */
    bool first_error_service; /* the first new error came from the service that it changed */
    double new_error_ratio, old_error_ratio; /* of the versions; negative: not known */
    /* set by suspects_rank */
    double score, recency, nearness, words_factor, kind_factor, risk_factor, split_factor;
};

struct elsewhere {
    bool certificate, rate_limit, upstream; /* new patterns that speak of it */
    double traffic_ratio;                   /* now against before; 0: not known */
};

/* Best first; returns how many remain. `why_none` is set, else NULL, when nobody is to be named. */
size_t suspects_rank(struct suspect *suspects, size_t n, int64_t onset_ms,
                     const struct elsewhere *elsewhere, const char **why_none);

/* How many words of `text` (four letters or more) stand in `pattern`. */
int words_shared(const char *text, const char *pattern);

#endif
