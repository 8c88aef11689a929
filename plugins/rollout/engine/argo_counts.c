/* argo_counts.c - how many pods each version gets. Ported from utils/replicaset. */
#include "argo.h"

#include <math.h>

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static int resolve(struct amount amount, int replicas, bool up) {
    if (!amount.percent) return amount.value;
    const double exact = (double)amount.value * replicas / 100;
    return (int)(up ? ceil(exact) : floor(exact));
}

int argo_surge(const struct strategy *strategy) {
    return resolve(strategy->surge, strategy->replicas, true);
}

int argo_unavailable(const struct strategy *strategy) {
    if (strategy->replicas == 0) return 0;
    const int most = resolve(strategy->unavailable, strategy->replicas, false);
    if (most == 0 && argo_surge(strategy) == 0) return 1; /* else nothing could ever move */
    return smaller(most, strategy->replicas);
}

int argo_replicas_of_weight(int replicas, int weight, int max_weight) {
    return (int)ceil((double)weight * (double)replicas / (double)max_weight);
}

/* ---- the nearest whole number of pods ---- */

struct option {
    int canary, total;
};

static bool tied(int weight, int max_weight, int total) {
    double whole;
    return modf((double)total * ((double)weight / (double)max_weight), &whole) == 0.5;
}

static double off_by(struct option option, int weight, int max_weight) {
    return fabs((double)option.canary * max_weight / option.total - (double)weight);
}

struct argo_counts argo_approximate(int replicas, int weight, int max_weight, int surge) {
    struct option options[4];
    int count = 0;
    if (replicas == 0) return (struct argo_counts){0, 0};
    const double exact = (double)replicas * weight / max_weight;
    const int up = (int)ceil(exact), down = (int)floor(exact);
    const bool zero = weight == max_weight || weight == 0 || (replicas == 1 && surge == 0);
    if (up < replicas || zero) options[count++] = (struct option){up, replicas};
    if (!tied(weight, max_weight, replicas) && (down != 0 || zero))
        options[count++] = (struct option){down, replicas};
    if (surge > 0) {
        options[count++] = (struct option){up, replicas + 1};
        if (!tied(weight, max_weight, replicas + 1) && (down != 0 || zero))
            options[count++] = (struct option){down, replicas + 1};
    }
    if (!count) return (struct argo_counts){0, replicas};
    struct option best = options[0];
    for (int i = 1; i < count; i++)
        if (off_by(options[i], weight, max_weight) < off_by(best, weight, max_weight))
            best = options[i];
    return (struct argo_counts){best.canary, best.total - best.canary};
}

/* ---- without a router ---- */

static int for_scale_down(const struct argo_set *set, bool ignore_availability) {
    if (!set->there) return 0;
    if (set->wanted < set->available || ignore_availability) return set->wanted;
    return set->available;
}

static int drained(const struct argo_set *set, int wanted, int most, int otherwise) {
    if (set->there && set->wanted > wanted) return larger(wanted, set->wanted - most);
    return otherwise;
}

struct limits {
    int most, least_available;
};

/* Keeps both within maxSurge and maxUnavailable; `adjust` is the one whose availability counts. */
static void within_limits(const struct argo_set *drain_set, const struct argo_set *adjust_set,
                          struct limits limits, int *drain, int *adjust) {
    int available = 0;
    int over = larger(0, *adjust + *drain - limits.most);
    if (drain_set->there) available += smaller(drain_set->available, *drain);
    if (!adjust_set->there) return;
    *adjust -= over;
    available += smaller(adjust_set->available, *adjust);
    const int lost = larger(0, adjust_set->available - *adjust);
    const int missing = larger(0, limits.least_available - available);
    *adjust += smaller(lost, missing);
    over = larger(0, *adjust + *drain - limits.most);
    *drain -= over;
}

static int scaled_up(const struct argo_set *set, int wanted, int room) {
    return set->wanted + room < wanted ? set->wanted + room : wanted;
}

static struct argo_counts scaled_down(const struct strategy *strategy, struct argo_counts now,
                                      struct argo_counts wanted, const struct argo_set *canary,
                                      const struct argo_set *stable) {
    const struct limits limits = {.most = strategy->replicas + argo_surge(strategy),
                                  .least_available =
                                      strategy->replicas - argo_unavailable(strategy)};
    const bool rising = !canary->there || wanted.canary >= canary->wanted;
    const int could = for_scale_down(canary, !rising) + for_scale_down(stable, rising);
    if (could <= limits.least_available) return now;
    const int most = could - limits.least_available;
    if (!rising) {
        now.canary = drained(canary, wanted.canary, most, now.canary);
        within_limits(canary, stable, limits, &now.canary, &now.stable);
    } else if (stable->there) {
        now.stable = drained(stable, wanted.stable, most, now.stable);
        within_limits(stable, canary, limits, &now.stable, &now.canary);
    }
    return now;
}

struct argo_counts argo_counts_basic(const struct strategy *strategy,
                                     const struct argo_status *status,
                                     const struct argo_set *canary, const struct argo_set *stable,
                                     const struct argo_set *older) {
    int replicas;
    const int weight = argo_canary_weight(strategy, status, canary, stable, &replicas);
    struct argo_counts wanted =
        argo_approximate(strategy->replicas, weight, strategy->max_weight, argo_surge(strategy));
    if (!stable->there) wanted = (struct argo_counts){strategy->replicas, 0};
    struct argo_counts now = {canary->there ? canary->wanted : 0,
                              stable->there ? stable->wanted : 0};
    int room = strategy->replicas + argo_surge(strategy) - now.canary - now.stable -
               (older->there ? older->wanted : 0);
    if (stable->there && stable->wanted < wanted.stable && room > 0) {
        now.stable = scaled_up(stable, wanted.stable, room);
        room -= now.stable - stable->wanted;
    }
    if (canary->there && canary->wanted < wanted.canary && room > 0)
        now.canary = scaled_up(canary, wanted.canary, room);
    if (older->there && older->wanted > 0) return now; /* those go first */
    return scaled_down(strategy, now, wanted, canary, stable);
}

/* ---- with a router ---- */

static int at_least_pods(const struct strategy *strategy, int count) {
    if (count == 0 || strategy->min_pods == NOT_GIVEN || !strategy->routed) return count;
    return larger(count, smaller(strategy->min_pods, strategy->replicas));
}

struct argo_counts argo_counts_routed(const struct strategy *strategy,
                                      const struct argo_status *status,
                                      const struct argo_set *canary,
                                      const struct argo_set *stable) {
    const int replicas = strategy->replicas, max_weight = strategy->max_weight;
    int given;
    const int weight = argo_canary_weight(strategy, status, canary, stable, &given);
    struct argo_counts counts = {.stable = replicas};
    counts.canary =
        given != NOT_GIVEN
            ? given
            : at_least_pods(strategy, argo_replicas_of_weight(replicas, weight, max_weight));
    if (!strategy->dynamic_stable) return counts;
    counts.stable = argo_replicas_of_weight(replicas, max_weight - weight, max_weight);
    if (status->has_weights) {
        counts.stable = larger(
            counts.stable, argo_replicas_of_weight(replicas, status->stable_weight, max_weight));
        if (status->abort)
            counts.canary =
                larger(counts.canary,
                       argo_replicas_of_weight(replicas, status->canary_weight, max_weight));
    }
    counts.canary = at_least_pods(strategy, counts.canary);
    counts.stable = at_least_pods(strategy, counts.stable);
    return counts;
}

bool argo_threshold_met(const struct threshold *threshold, const struct argo_set *set, int wanted) {
    if (!threshold->given || !set->there || threshold->value < 0)
        return set->there && wanted == set->wanted && wanted == set->available;
    if (!threshold->percent) return set->available >= threshold->value;
    if (wanted == 0) return true;
    const double percent = (double)set->available / wanted * 100;
    return percent >= threshold->value || fabs(percent - threshold->value) <= 1e-10;
}
