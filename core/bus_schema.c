/* bus_schema.c - tables and metrics of the bus. */
#include "bus.h"

/* clang-format off */
const sl_migration bus_schema[] = {
    {.number = 1, .name = "cursors, dead letters, jobs", .sql =
        "CREATE TABLE sluice_cursor ("
        " listener TEXT PRIMARY KEY, tenant TEXT NOT NULL, seq BIGINT NOT NULL,"
        " attempts INTEGER NOT NULL, next_ms BIGINT NOT NULL, error TEXT);"
        "CREATE TABLE sluice_dead_letter ("
        " id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
        " seq BIGINT NOT NULL, type TEXT NOT NULL, subject TEXT, input TEXT,"
        " attempts INTEGER NOT NULL, error TEXT, at_ms BIGINT NOT NULL,"
        " retrying INTEGER NOT NULL);"
        "CREATE TABLE sluice_job ("
        " id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, key TEXT,"
        " at_ms BIGINT NOT NULL, every_ms BIGINT NOT NULL, input TEXT,"
        " attempts INTEGER NOT NULL, error TEXT, actor TEXT NOT NULL, request_id TEXT,"
        " made_ms BIGINT NOT NULL, UNIQUE (tenant, name, key));"
        "CREATE INDEX sluice_job_due ON sluice_job(at_ms);"},
    SL_END};
/* clang-format on */

const sl_metric bus_metrics[] = {
    {.name = "events_delivered_total",
     .type = SL_COUNTER,
     .labels = "listener,result",
     .help = "events handed to listeners"},
    {.name = "listener_lag_events",
     .type = SL_GAUGE,
     .labels = "listener",
     .help = "events of the log that the listener has not passed"},
    {.name = "dead_letters_total",
     .type = SL_COUNTER,
     .labels = "name",
     .help = "events and jobs that were given up"},
    {.name = "job_runs_total",
     .type = SL_COUNTER,
     .labels = "job,result",
     .help = "runs of durable jobs and local timers"},
    {.name = "bus_leader",
     .type = SL_GAUGE,
     .help = "1 in the worker that runs listeners and jobs"},
    {.name = "log_newest_seq", .type = SL_GAUGE, .help = "number of the newest event"},
    {.name = "live_feeds", .type = SL_GAUGE, .help = "open streams of GET /events"},
    {.name = "store_writable", .type = SL_GAUGE, .help = "0 while writes fail (disk full, lock)"},
    SL_END};
