/* rca.h - which service is the root cause: rules over three signals, none of which names a service.
 *
 * 1. Statements: within one span, which log statement follows which. A fault changes the order of
 *    its own service's statements (Nezha, FSE 2023). What moved to an early end of the span counts
 *    half: failures travel up to the callers that way.
 * 2. Edges: client time minus server time of a call; a service whose callers all wait longer for
 *    the same work is slow to reach.
 * 3. Saturation: CPU or memory above 70 % of its limit and twice its own level.
 * Each is held against the same service's own history (median and spread of other windows), and the
 * largest counts. No history, no verdict. */
#ifndef INCIDENT_RCA_H
#define INCIDENT_RCA_H

#include "names.h"

struct rca_window; /* what was seen in one stretch of time; raw until it is closed */

/* `most`: records of each kind that are kept; beyond it whole traces are left out, evenly, and
 * counted. NULL: no memory. */
struct rca_window *rca_window_new(size_t most);
void rca_window_free(struct rca_window *window);

struct rca_span {
    uint64_t trace, span, parent; /* hashes; parent 0: a root */
    uint32_t service, operation;  /* names */
    int64_t start_ns, end_ns;
};
struct rca_log {
    uint64_t trace, span;
    uint32_t service, statement; /* names */
    int64_t at_ns;
};
void rca_add_span(struct rca_window *window, const struct rca_span *span);
void rca_add_log(struct rca_window *window, const struct rca_log *log);
/* Share of the limit in use: the highest of the window, and the level that is usual. */
void rca_add_load(struct rca_window *window, uint32_t service, double highest, double usual);

/* Turns what was added into counts and medians, and lets go of the rest. False: no memory. */
bool rca_window_close(struct rca_window *window);
/* Spans of the window, and how many were left out. */
size_t rca_window_spans(const struct rca_window *window, size_t *left_out);

enum { RCA_STATEMENTS, RCA_EDGES, RCA_LOAD, RCA_SIGNALS };

struct rca_verdict {
    uint32_t service;
    double score; /* 0..1.2 */
    double signals[RCA_SIGNALS];
    /* What the strongest signal saw: from -> to (statements; 0: start or end of the span), or
     * caller (edges), with the value usual and now (share; milliseconds; share of the limit). */
    int strongest;
    uint32_t from, to;
    double usual, now;
    size_t count; /* observations */
};

/* Ranks the services of a closed window against closed windows of its past; at most `most`
 * verdicts, best first. 0 when fewer than three windows can be compared. */
size_t rca_rank(const struct rca_window *now, const struct rca_window *const *history,
                size_t windows, struct rca_verdict *verdicts, size_t most);

/* The place in the source that a log line names at its start ("Orders#31", "main.go:12"), or one of
 * size 0. It tells statements apart better than their text. */
struct text log_location(struct text line);

#endif
