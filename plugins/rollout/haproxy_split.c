#include "haproxy_split.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_MAX = 256, FULL = 100 };

static int sum(const struct haproxy_servers *servers, const size_t *places, size_t count) {
    int total = 0;
    for (size_t i = 0; i < count; i++) total += servers->items[places[i]].weight;
    return total;
}

void haproxy_swap(struct haproxy_pools *pools) {
    struct haproxy_pools was = *pools;
    memcpy(pools->stable, was.canary, sizeof was.canary);
    memcpy(pools->canary, was.stable, sizeof was.stable);
    pools->stable_count = was.canary_count;
    pools->canary_count = was.stable_count;
}

bool haproxy_follow_traffic(const struct haproxy_servers *servers, struct haproxy_pools *pools) {
    int stable = sum(servers, pools->stable, pools->stable_count);
    int canary = sum(servers, pools->canary, pools->canary_count);
    if (stable && canary) return false;
    if (canary) haproxy_swap(pools);
    return true;
}

static struct haproxy_weights nearest(double share, double ratio) {
    struct haproxy_weights best = {FULL, 1};
    double least = INFINITY;
    for (int stable = 1; stable <= WEIGHT_MAX; stable++) {
        /* canary * nc / (canary * nc + stable * ns) = share, with ratio = ns / nc */
        double wanted = share / (1 - share) * ratio * stable;
        int canary = (int)lround(fmin(fmax(wanted, 1), WEIGHT_MAX));
        double got = canary / (canary + ratio * stable);
        double error = fabs(got - share);
        if (error < least - 1e-12) {
            least = error;
            best = (struct haproxy_weights){stable, canary};
        }
    }
    return best;
}

/* Small weights that are exact are made larger: HAProxy's round robin is smoother with them, and
 * "set weight" by hand has room below. */
static struct haproxy_weights enlarge(struct haproxy_weights weights) {
    int larger = weights.stable > weights.canary ? weights.stable : weights.canary;
    int times = FULL / larger;
    if (times < 1) times = 1;
    return (struct haproxy_weights){weights.stable * times, weights.canary * times};
}

struct haproxy_weights haproxy_weights_for(int weight, int max_weight, size_t stable_count,
                                           size_t canary_count) {
    if (weight <= 0) return (struct haproxy_weights){FULL, 0};
    if (weight >= max_weight) return (struct haproxy_weights){0, FULL};
    return enlarge(
        nearest((double)weight / max_weight, (double)stable_count / (double)canary_count));
}

int haproxy_weight_in_force(const struct haproxy_servers *servers,
                            const struct haproxy_pools *pools, int max_weight) {
    int stable = sum(servers, pools->stable, pools->stable_count);
    int canary = sum(servers, pools->canary, pools->canary_count);
    if (stable + canary == 0) return -1;
    return (int)lround((double)canary * max_weight / (stable + canary));
}

static const struct haproxy_server *other_weight(const struct haproxy_servers *servers,
                                                 const struct haproxy_pools *pools,
                                                 struct haproxy_weights weights) {
    for (size_t i = 0; i < pools->stable_count; i++) {
        if (servers->items[pools->stable[i]].weight != weights.stable)
            return &servers->items[pools->stable[i]];
    }
    for (size_t i = 0; i < pools->canary_count; i++) {
        if (servers->items[pools->canary[i]].weight != weights.canary)
            return &servers->items[pools->canary[i]];
    }
    return NULL;
}

bool haproxy_has_weights(const struct haproxy_servers *servers, const struct haproxy_pools *pools,
                         struct haproxy_weights weights) {
    return !other_weight(servers, pools, weights);
}

const struct haproxy_server *haproxy_foreign(const struct haproxy_servers *servers,
                                             const struct haproxy_pools *pools,
                                             const struct haproxy_note *note) {
    return other_weight(servers, pools, note->weights);
}

/* ---- the note: sluice1.DEPLOYMENT.GENERATION.swapped.STABLE.CANARY ---- */

void haproxy_note_write(const struct haproxy_note *note, char text[HAPROXY_NOTE]) {
    (void)snprintf(text, HAPROXY_NOTE, "sluice1.%.63s.%" PRId64 ".%d.%d.%d", note->deployment,
                   note->generation, note->swapped, note->weights.stable, note->weights.canary);
}

static bool read_number(const char **at, int64_t most, int64_t *value) {
    char *end;
    if (**at != '.' || (*at)[1] < '0' || (*at)[1] > '9') return false;
    *value = strtoll(*at + 1, &end, 10);
    *at = end;
    return *value >= 0 && *value <= most;
}

bool haproxy_note_read(const char *text, struct haproxy_note *note) {
    static const char mark[] = "sluice1.";
    if (strncmp(text, mark, sizeof mark - 1) != 0) return false;
    const char *at = text + sizeof mark - 1;
    size_t length = strcspn(at, ".");
    if (!length || length >= sizeof note->deployment) return false;
    memcpy(note->deployment, at, length);
    note->deployment[length] = 0;
    at += length;
    int64_t swapped = 0, stable = 0, canary = 0;
    if (!read_number(&at, INT64_MAX, &note->generation) || !read_number(&at, 1, &swapped) ||
        !read_number(&at, WEIGHT_MAX, &stable) || !read_number(&at, WEIGHT_MAX, &canary) || *at)
        return false;
    note->swapped = swapped == 1;
    note->weights = (struct haproxy_weights){(int)stable, (int)canary};
    return true;
}
