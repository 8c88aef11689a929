/* haproxy_stat.h - what HAProxy's runtime API answers, read. Pure.
 *
 * "show stat" is CSV with a head that names its columns; new versions add some, so columns are found
 * by name. Only lines of servers of one backend are kept.
 */
#ifndef ROLLOUT_HAPROXY_STAT_H
#define ROLLOUT_HAPROXY_STAT_H

#include <stdbool.h>
#include <stddef.h>

enum { HAPROXY_NAME = 128, HAPROXY_SERVERS = 256 };

struct haproxy_server {
    char name[HAPROXY_NAME];
    int weight;              /* 0 to 256, as set; a server that is down keeps it */
    bool up;                 /* takes traffic: UP, or not checked */
    bool draining;           /* DRAIN: finishes what it has, gets nothing new */
    bool in_maintenance;     /* MAINT: an operator has taken it out */
    double requests, errors; /* since HAProxy began or the counters were cleared */
    double response_ms;      /* mean of the last 1024 requests; -1: none yet */
};

struct haproxy_servers {
    size_t count;
    struct haproxy_server items[HAPROXY_SERVERS];
    char fault[200]; /* why it could not be read */
};

/* Reads the servers of `backend` from the answer to "show stat". False with a fault: it is not such
 * an answer, or the backend is not in it, or has no servers or too many. */
bool haproxy_stat_read(const char *text, size_t size, const char *backend,
                       struct haproxy_servers *servers);

/* "Name: value" of "show info" as a number; -1 when it is not there. */
double haproxy_info(const char *text, size_t size, const char *name);

/* The value in an answer to "get var": copies it into `value`. False: the variable is not set. */
bool haproxy_var(const char *text, size_t size, char *value, size_t room);

/* What HAProxy says when it refuses a command: its first line, without the end. NULL: it obeyed,
 * which it does in silence. Points into `text`. */
const char *haproxy_refusal(const char *text, size_t size, size_t *length);

#endif
