/* haproxy_split.h - how traffic is split among HAProxy's servers, and who split it. Pure.
 *
 * Two pools of servers of one backend run two versions. HAProxy shares requests out by weights of 0
 * to 256; a pool's servers get equal ones.
 */
#ifndef ROLLOUT_HAPROXY_SPLIT_H
#define ROLLOUT_HAPROXY_SPLIT_H

#include "haproxy_stat.h"

#include <stdint.h>

enum { HAPROXY_NOTE = 160 };

/* The servers' places in haproxy_servers, by pool. */
struct haproxy_pools {
    size_t stable[HAPROXY_SERVERS], canary[HAPROXY_SERVERS];
    size_t stable_count, canary_count;
};

/* The version that has the traffic becomes the stable one: when the canary pool alone has weight,
 * the pools change places (the last rollout ended there). False: both have weight, so which is old
 * cannot be told. */
bool haproxy_follow_traffic(const struct haproxy_servers *servers, struct haproxy_pools *pools);
void haproxy_swap(struct haproxy_pools *pools);

struct haproxy_weights {
    int stable, canary; /* of each server of the pool */
};

/* The weights that come nearest to `weight` of `max_weight` for the canary pool. Never 0 for a pool
 * that is to have traffic, nor above 0 for one that is to have none. */
struct haproxy_weights haproxy_weights_for(int weight, int max_weight, size_t stable_count,
                                           size_t canary_count);

/* How much goes to the canary pool by the weights in force: 0 to `max_weight`; -1: all are 0. */
int haproxy_weight_in_force(const struct haproxy_servers *servers,
                            const struct haproxy_pools *pools, int max_weight);
bool haproxy_has_weights(const struct haproxy_servers *servers, const struct haproxy_pools *pools,
                         struct haproxy_weights weights);

/* The note that is left in a variable of the HAProxy process: for whom, on which decision, with
 * which pool as the new one, and the weights that were set. Gone when HAProxy is restarted, and so
 * are the weights. */
struct haproxy_note {
    char deployment[64];
    int64_t generation;
    bool swapped; /* the pools have changed places against the configuration */
    struct haproxy_weights weights;
};
void haproxy_note_write(const struct haproxy_note *note, char text[HAPROXY_NOTE]);
/* False: not a note of ours. */
bool haproxy_note_read(const char *text, struct haproxy_note *note);

/* The server whose weight is not the one in the note, so that somebody else has set it; NULL. */
const struct haproxy_server *haproxy_foreign(const struct haproxy_servers *servers,
                                             const struct haproxy_pools *pools,
                                             const struct haproxy_note *note);

#endif
