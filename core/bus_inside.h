/* bus_inside.h - the bus's own parts, shared by bus*.c and jobs*.c. All on the loop's thread. */
#ifndef SLUICE_CORE_BUS_INSIDE_H
#define SLUICE_CORE_BUS_INSIDE_H

#include "arena.h"
#include "bus.h"
#include "bus_claim.h"
#include "chain.h"
#include "metrics.h"

/* ---- bus_tail.c: the newest part of the log in memory, read once for all who follow it ---- */

/* What a follower wants; NULL: any. */
struct event_filter {
    const char *type;             /* exact, "noun.*" or "*" */
    const char *tenant, *subject; /* a subject needs a tenant */
};

/* An event in memory: one block, the strings behind the struct. */
struct logged {
    sl_event event; /* data NULL */
    const char *data;
    size_t bytes;
};

/* Someone who follows the log: a listener or a live feed. */
struct follower {
    struct follower *next, *before;
    struct event_filter filter;
    int64_t at_seq;                      /* all up to here is passed */
    void (*wake)(struct follower *self); /* something that it wants may be there */
    /* Ephemeral events, borrowed during the call; NULL: not wanted. */
    void (*ephemeral)(struct follower *self, const sl_event *event);
};

enum { TAIL_EVENTS = 1024, TAIL_BYTES = 8 * 1024 * 1024 };

struct tail {
    struct logged *ring[TAIL_EVENTS]; /* seq % TAIL_EVENTS */
    int64_t first_seq, last_seq;      /* what the ring holds; empty when first > last */
    int64_t newest_seq;               /* of the log, as far as is known */
    size_t bytes;
    int64_t untold_seq; /* the first one appended since tail_told; 0: none */
    bool reading;
    struct follower *followers;
};

bool filter_matches(const struct event_filter *filter, const sl_event *event);
void tail_follow(struct bus *bus, struct follower *follower);
void tail_leave(struct bus *bus, struct follower *follower);
/* An event of this process: taken into memory as it is, if it is the next one. */
void tail_append(struct bus *bus, const struct chain_entry *entry);
void tail_told(struct bus *bus, int64_t newest_seq); /* the log has grown */
void tail_free(struct tail *tail);
/* The next event that the follower wants, in the call's arena; it is not yet passed. 1: here it is;
 * 0: none for now (at_seq moved over what it does not want); -1: failed, told. May suspend. */
int tail_next(struct sl_call *call, struct follower *follower, sl_event *event);

/* ---- bus_page.c: reading the log from the store ---- */
struct page_query {
    struct event_filter filter;
    int64_t after_seq, upto_seq; /* (after, upto] */
    int64_t limit;
    bool newest; /* the last ones of the range, still in rising order */
};
int page_read(struct sl_call *call, const struct page_query *query, sl_rows *rows);
/* What page_read asks the store, of seven arguments. */
const char *page_sql(const struct page_query *query);
/* Without parsing data; its text is the cell "data". */
sl_event page_event(const sl_rows *rows, size_t row);

/* ---- listeners: bus_listen.c ---- */
struct listener {
    struct follower follower; /* first member */
    struct listener *next;
    struct bus *bus;
    struct plugin *plugin; /* NULL: the core */
    sl_listen row;
    char *name;        /* "plugin.name" */
    int64_t saved_seq; /* in sluice_cursor */
    int64_t next_ms;   /* not before; 0: now */
    int attempts;      /* failed deliveries of the event after at_seq */
    bool running;
    struct metric_series *delivered, *failed, *lag;
};
void listener_wake(struct listener *listener);
int listener_run_event(struct listener *listener, struct sl_call *call, const sl_event *event);
int listeners_load(struct bus *bus); /* by the new leader; cursors from the store */
int listeners_save(struct bus *bus); /* lazy cursors, in one batch; suspends */
int64_t backoff_ms(int attempts);    /* 1 s doubling to 5 min, with jitter */

/* ---- jobs: jobs.c, jobs_run.c ---- */
struct job_kind {
    struct job_kind *next;
    struct bus *bus;
    struct plugin *plugin;
    sl_job row;
    char *name;      /* "plugin.name" */
    int64_t next_ms; /* of a local timer */
    bool running;    /* of a local timer */
    struct metric_series *done, *failed;
};
struct running_job {
    struct running_job *next;
    char id[27];
    const struct job_kind *kind;
    char *tenant, *key; /* key NULL: none */
};
enum { JOBS_AT_ONCE = 32 };

/* Adds the row of a job to a batch. NULL, or why it is refused. */
const char *jobs_queue(sl_batch *batch, const char *job, const char *key, int64_t at_ms,
                       const cJSON *in);
void batch_queued_job(sl_batch *batch); /* the batch holds a row of sluice_job */
int jobs_load(struct bus *bus);         /* rows of periodic jobs */
void jobs_wake(struct bus *bus);        /* looks for due rows, in a fiber of its own */
void jobs_run_timers(struct bus *bus);  /* local timers that are due */
struct job_kind *job_find(struct bus *bus, const char *name);

/* ---- bus_feed.c ---- */
cJSON *event_json(const sl_event *event, const cJSON *data); /* as clients see it */
/* Streams events to the caller until it leaves. */
int feed_run(struct sl_call *call, const struct event_filter *filter, int64_t after_seq);

/* ---- bus_ephemeral.c ---- */
void listener_hear_ephemeral(struct follower *follower, const sl_event *event);

/* ---- bus_redeliver.c ---- */
int redeliver(struct sl_call *call, const cJSON *in); /* the core's job "redeliver" */

struct bus {
    struct host *host;
    struct tail tail;
    struct listener *listeners;
    struct job_kind *kinds;
    struct running_job *jobs_running;
    unsigned jobs_count;
    int64_t jobs_due_ms; /* the next row of sluice_job that is not due yet; INT64_MAX: none */
    bool jobs_looking, jobs_look_again;
    unsigned active; /* fibers of the bus that run */
    int64_t opened_at_seq;
    int64_t save_due_ms; /* lazy cursors; INT64_MAX: none */
    bool started, leads, becoming, draining;
    int lock_file;
    char *lock_path;
    uv_timer_t *due, *lock_timer;
    struct wait *drained; /* bus_drain waits here for active == 0 */
    struct metric_series *leader, *newest, *feeds, *writable;
};

/* One fiber of the bus: counted, with an arena. */
struct bus_fiber {
    struct bus *bus;
    struct arena arena;
    struct sl_call call;
    struct arena *before;
};
void bus_fiber_begin(struct bus_fiber *fiber, struct bus *bus, struct plugin *plugin);
void bus_fiber_end(struct bus_fiber *fiber);
/* Call it after each event of a long run: lets the loop serve its sockets now and then. */
void bus_breathe(struct bus *bus, unsigned *events);
void bus_run_due(struct bus *bus); /* starts all that is due and sets the timer for the rest */
struct metric_series *bus_series(struct bus *bus, const char *metric, const char *labels);
void bus_count(struct metric_series *series);

#endif
