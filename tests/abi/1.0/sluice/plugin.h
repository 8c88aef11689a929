/* plugin.h - what a plugin declares: operations, listeners, jobs, tables, configuration.
 *
 *     static const sl_op ops[] = {
 *         { .name = "risk.score", .route = "POST /ai/risk-score",
 *           .summary = "Score the deployment risk of a change", .in = score_in, .out = score_out,
 *           .needs = "risk:read", .effect = SL_READS, .run = risk_score },
 *         SL_END };
 *     SL_PLUGIN(.name = "risk", .version = "1.0.0", .ops = ops);
 *
 * Life of a plugin
 * 1. The host checks the descriptor and the configuration; no code of the plugin has run.
 * 2. `check` runs, if there is one, also when a configuration is only being validated: no effects.
 * 3. Migrations are applied, each number once, in one transaction.
 * 4. `start` runs in a fiber, after the plugins that this one requires. If it fails the plugin's
 *    operations answer 503 with the reason, and the rest of the platform serves.
 * 5. Operations, listeners and jobs run, each in its own fiber, never two at the same instant.
 * 6. On a drain new work stops, running work ends, then `stop` runs. The code is never unloaded.
 */
#ifndef SLUICE_PLUGIN_H
#define SLUICE_PLUGIN_H

#include <sluice/abi.h>
#include <sluice/base.h>
#include <sluice/event.h>
#include <sluice/field.h>

enum sl_effect { SL_READS = 1, SL_WRITES = 2 };

enum sl_op_flag {
    SL_OP_OPEN = 1,      /* members that no field names are passed on, not refused */
    SL_OP_RAW = 2,       /* the body is not JSON: read it by sl_body(); `in` holds path and query */
    SL_OP_STREAMS = 4,   /* may answer as text/event-stream (sl_stream_open) */
    SL_OP_HIDDEN = 8,    /* not in /docs, the CLI's list or the tools of a language model */
    SL_OP_IF_MATCH = 16, /* needs If-Match over HTTP: 428 without it */
    SL_OP_LONG = 32      /* no deadline: ends with the client or a drain */
};

/* Handles one call in a fiber: fills `out` (an empty object) and returns 0, or returns sl_fail().
 */
typedef int (*sl_run_fn)(sl_call *call, const cJSON *in, cJSON *out);

typedef struct sl_op {
    const char *name;    /* "noun.verb"; the CLI verb is `sluice noun verb` */
    const char *route;   /* "POST /deployments/{id}/approve"; NULL: no HTTP route */
    const char *also;    /* a second route for the same operation, or NULL */
    const char *summary; /* one line, starts with a verb */
    const char *help;    /* Markdown for /docs, or NULL */
    const sl_field *in;  /* members of body, query and path; NULL: none */
    const sl_field *out;
    const char *needs;   /* permission "risk:read", "any" (any valid token) or "public" */
    const char *example; /* a request body as JSON, shown in docs and tested */
    sl_run_fn run;
    uint32_t effect; /* SL_READS or SL_WRITES; none is refused */
    uint32_t flags;
    uint32_t timeout_ms;     /* 0: 30,000 */
    uint32_t max_body;       /* bytes; 0: 1 MiB, answered with 413 before it is read */
    const void *reserved[4]; /* zero */
} sl_op;

/* Hears events of one type, or of many ("deployment.*", "*"), in order, at least once. The call is
 * bound to the event's tenant. Returning a failure retries with backoff (1 s doubling to 5 min,
 * with jitter); after `max_attempts` the event goes to the dead letters and the next one is
 * delivered. The first sl_commit of the handler also saves the listener's place: put all effects of
 * one event in one batch, and a crash neither loses nor repeats them. */
typedef int (*sl_hear_fn)(sl_call *call, const sl_event *event);
typedef struct sl_listen {
    const char *name; /* unique in the plugin; names the saved cursor, so keep it */
    const char *type;
    sl_hear_fn run;
    uint32_t max_attempts; /* 0: 8 */
    uint32_t timeout_ms;   /* 0: 30,000 */
    const void *reserved[2];
} sl_listen;

/* Work in the background. Durable by default: queued by sl_batch_job, or run every `every_ms`, by
 * one worker at a time, again after a crash, with the backoff and dead letters of listeners. With
 * SL_JOB_LOCAL it is a plain timer of each worker, without memory. */
enum sl_job_flag { SL_JOB_LOCAL = 1 };
typedef int (*sl_job_fn)(sl_call *call, const cJSON *in);
typedef struct sl_job {
    const char *name;
    sl_job_fn run;
    int64_t every_ms; /* 0: only when queued */
    uint32_t timeout_ms, max_attempts, flags, reserved_number;
    const void *reserved[2];
} sl_job;

/* A step of the plugin's tables, in the common dialect of SQLite 3.40 and PostgreSQL 13. Tables are
 * named PLUGIN_NOUN and have a column `tenant`; the host refuses a migration that makes one
 * without. */
typedef struct sl_migration {
    int32_t number; /* 1, 2, 3... never reused */
    int32_t reserved_number;
    const char *name;
    const char *sql;
    const void *reserved[1];
} sl_migration;

enum sl_metric_type { SL_COUNTER = 1, SL_GAUGE = 2, SL_HISTOGRAM = 3 };
typedef struct sl_metric {
    const char *name; /* without prefix: "risk_scores_total" is shown as sluice_risk_scores_total */
    const char *help;
    const char *labels;    /* "level,method", or NULL */
    const double *buckets; /* SL_HISTOGRAM: upper bounds, rising, ended by 0; NULL: 1 ms .. 10 s */
    uint32_t type, reserved_number;
    const void *reserved[1];
} sl_metric;

typedef struct sl_plugin {
    uint32_t magic, abi_major, abi_minor, size;
    uint32_t op_size, field_size, listen_size, job_size, migration_size, metric_size;
    const char *name;    /* [a-z][a-z0-9-]{0,31} */
    const char *version; /* semantic version */
    const char *summary;
    const char *license;          /* SPDX id */
    const char *requires_plugins; /* names, split by spaces; cycles are refused */
    const sl_field *config;
    const sl_op *ops;
    const sl_listen *on;
    const sl_job *jobs;
    const sl_migration *schema;
    const sl_metric *metrics;
    int (*check)(sl_call *call, const cJSON *config);
    int (*start)(sl_call *call, const cJSON *config);
    void (*stop)(sl_call *call);
    const void *reserved[8];
} sl_plugin;

/* Makes the one symbol that a plugin exports. */
#define SL_PLUGIN(...)                                                                             \
    SL_API extern const sl_plugin sluice_plugin;                                                   \
    const sl_plugin sluice_plugin = {.magic = SL_ABI_MAGIC,                                        \
                                     .abi_major = SL_ABI_MAJOR,                                    \
                                     .abi_minor = SL_ABI_MINOR,                                    \
                                     .size = sizeof(sl_plugin),                                    \
                                     .op_size = sizeof(sl_op),                                     \
                                     .field_size = sizeof(sl_field),                               \
                                     .listen_size = sizeof(sl_listen),                             \
                                     .job_size = sizeof(sl_job),                                   \
                                     .migration_size = sizeof(sl_migration),                       \
                                     .metric_size = sizeof(sl_metric),                             \
                                     __VA_ARGS__}

#endif
