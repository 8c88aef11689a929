/* haproxy_talk.h - commands to HAProxy's runtime API, over its Unix or TCP socket. Blocks: for
 * sl_offload. */
#ifndef ROLLOUT_HAPROXY_TALK_H
#define ROLLOUT_HAPROXY_TALK_H

#include <stddef.h>
#include <stdint.h>

enum { HAPROXY_COMMANDS = 4, HAPROXY_ANSWER_MAX = 4 << 20 };

struct haproxy_talk {
    const char *address;                    /* "/run/haproxy/admin.sock", or "host:port" */
    int64_t timeout_ms;                     /* for all commands together */
    const char *commands[HAPROXY_COMMANDS]; /* one line each, without its end; NULL ends them */
    struct {
        char *text; /* owned; NUL after the last byte */
        size_t size;
    } answers[HAPROXY_COMMANDS];
    char fault[240]; /* why it did not work */
};

/* 0, or SL_UNAVAILABLE or SL_TIMEOUT with a fault. One connection a command, as HAProxy closes after
 * each. `arg` is a struct haproxy_talk. Free the answers in any case. */
int haproxy_talk(void *arg);
void haproxy_talk_free(struct haproxy_talk *talk);

#endif
