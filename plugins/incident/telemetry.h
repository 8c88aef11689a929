/* telemetry.h - a tenant's logs and spans, boiled down as they come: counts a minute by template,
 * operation and call, a few examples, and windows for the root-cause ranking. Pure; bounded.
 *
 * What one request brought is a delta of rows; the caller stores them and clears it. Beyond the
 * bounds of a delta the rest is counted under "(other)", never dropped unsaid. */
#ifndef INCIDENT_TELEMETRY_H
#define INCIDENT_TELEMETRY_H

#include "otlp.h"
#include "rca.h"

struct telemetry;

struct log_row {
    uint64_t template_id; /* 0: (other) */
    uint32_t service;     /* names */
    int64_t minute;
    size_t count, errors;
    int severity; /* worst */
    int64_t first_ms, last_ms;
    char *text;    /* the template */
    char *example; /* a line of it */
    char trace[33];
};

struct span_row {
    uint32_t service, operation;
    bool entry; /* a request that came in: server, consumer, or a root */
    int64_t minute;
    size_t count, errors;
    double total_ms, longest_ms;
    char slow_trace[33], error_trace[33];
    char *error_text;
};

struct edge_row {
    uint32_t caller, callee;
    int64_t minute;
    size_t count, errors;
};

struct user_row {
    uint32_t service;
    int64_t minute;
    uint64_t user; /* hash; the name is not kept */
};

struct delta {
    struct log_row *logs;
    size_t log_count;
    struct span_row *spans;
    size_t span_count;
    struct edge_row *edges;
    size_t edge_count;
    struct user_row *users;
    size_t user_count;
    size_t received_logs, received_spans, late, other_logs, other_spans, other_users;
};

struct telemetry *telemetry_new(void);
void telemetry_free(struct telemetry *telemetry);
/* Time of the requests that follow. Closes the window of the root-cause ranking every five minutes. */
void telemetry_at(struct telemetry *telemetry, int64_t now_ms);
void telemetry_log(struct telemetry *telemetry, const struct otlp_log *log);
void telemetry_span(struct telemetry *telemetry, const struct otlp_span *span);
/* A template that was kept before a restart. */
void telemetry_seed(struct telemetry *telemetry, const char *text);

/* Sorts out the templates of the log rows first. Borrowed. */
const struct delta *telemetry_delta(struct telemetry *telemetry);
void telemetry_clear(struct telemetry *telemetry);
const char *telemetry_name(const struct telemetry *telemetry, uint32_t name);
size_t telemetry_bytes(const struct telemetry *telemetry);

/* Ranks services by the window with the clearest verdict since `since_ms`, against those before. The
 * names belong to the telemetry. Returns how many; 0: no history, or nothing stands out. */
size_t telemetry_rank(struct telemetry *telemetry, int64_t since_ms, struct rca_verdict *verdicts,
                      size_t most);

#endif
