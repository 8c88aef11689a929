/* rca_rank.c - a window held against its past. */
#include "rca_inside.h"

#include <math.h>
#include <stdlib.h>

/* Fewer observations than this are no rate; fewer windows than this no history. A rate of n
 * observations counts n/(n + 2) of its worth (the rule of succession). */
enum { OBSERVED_LEAST = 5, WINDOWS_LEAST = 3, SUCCESSION = 2, HISTORY_MOST = 128 };

/* Tuned on half of the TrainTicket cases (tests/bench/incident): 0.2 to 0.6 rank alike. */
static const double early_end_weight = 0.5;

struct past {
    double median, spread; /* spread: 90 % of the windows lie within */
    size_t windows;
};

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct past look_back(double *values, size_t n) {
    struct past past = {.windows = n};
    if (!n) return past;
    qsort(values, n, sizeof *values, rising);
    past.median = values[n / 2];
    for (size_t i = 0; i < n; i++) values[i] = fabs(values[i] - past.median);
    qsort(values, n, sizeof *values, rising);
    past.spread = values[(size_t)(0.9 * (double)(n - 1))];
    return past;
}

static double beyond(double now, struct past past) {
    const double d = fabs(now - past.median) - past.spread;
    return d > 0 ? d : 0;
}

static double certainty(size_t n) {
    return (double)n / (double)(n + SUCCESSION);
}

static struct rca_verdict *verdict_of(struct rca_verdict *list, size_t *n, size_t room,
                                      uint32_t service) {
    for (size_t i = 0; i < *n; i++)
        if (list[i].service == service) return &list[i];
    if (*n == room) return NULL;
    list[*n] = (struct rca_verdict){.service = service, .strongest = -1};
    return &list[(*n)++];
}

static void offer(struct rca_verdict *v, int signal, double score, const struct rca_verdict *seen) {
    if (!v || score <= v->signals[signal]) return;
    v->signals[signal] = score;
    double best = 0;
    for (int s = 0; s < RCA_SIGNALS; s++)
        if (s != signal && v->signals[s] > best) best = v->signals[s];
    if (score < best) return;
    v->strongest = signal;
    v->from = seen->from, v->to = seen->to;
    v->usual = seen->usual, v->now = seen->now, v->count = seen->count;
}

/* ---- statements ---- */

struct group {
    const struct step *steps;
    size_t n, total;
};

static struct group group_at(const struct rca_window *w, size_t from) {
    struct group g = {.steps = w->steps + from};
    while (from + g.n < w->step_count && g.steps[g.n].service == g.steps->service &&
           g.steps[g.n].from == g.steps->from)
        g.total += g.steps[g.n++].count;
    return g;
}

static struct group group_like(const struct rca_window *w, const struct step *key) {
    size_t low = 0, high = w->step_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const struct step *s = &w->steps[middle];
        if (s->service < key->service || (s->service == key->service && s->from < key->from))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == w->step_count || w->steps[low].service != key->service ||
        w->steps[low].from != key->from)
        return (struct group){0};
    return group_at(w, low);
}

static double rate_in(struct group g, uint32_t to) {
    for (size_t i = 0; i < g.n; i++)
        if (g.steps[i].to == to) return (double)g.steps[i].count / (double)g.total;
    return 0;
}

/* How much of what follows one statement has moved elsewhere. */
static void judge_group(struct group now, const struct group *past, size_t windows,
                        struct rca_verdict *verdict) {
    double moved = 0, most = 0;
    struct rca_verdict seen = {0};
    for (size_t i = 0; i < now.n; i++) {
        double rates[HISTORY_MOST];
        for (size_t w = 0; w < windows; w++) rates[w] = rate_in(past[w], now.steps[i].to);
        const struct past usual = look_back(rates, windows);
        const double rate = (double)now.steps[i].count / (double)now.total;
        if (rate <= usual.median) continue;
        const bool early = now.steps[i].to == STEP_END && !(now.steps->from & STEP_START);
        const double rise = beyond(rate, usual) * (early ? early_end_weight : 1);
        moved += rise;
        if (rise <= most) continue;
        most = rise;
        seen = (struct rca_verdict){.from = (uint32_t)now.steps->from,
                                    .to = now.steps[i].to == STEP_END ? 0 : now.steps[i].to,
                                    .usual = usual.median,
                                    .now = rate,
                                    .count = now.total};
    }
    offer(verdict, RCA_STATEMENTS, fmin(moved, 1) * certainty(now.total), &seen);
}

static void judge_statements(const struct rca_window *now, const struct rca_window *const *history,
                             size_t windows, struct rca_verdict *list, size_t *n, size_t room) {
    for (size_t i = 0; i < now->step_count;) {
        const struct group g = group_at(now, i);
        i += g.n;
        if (g.total < OBSERVED_LEAST) continue;
        struct group past[HISTORY_MOST];
        size_t found = 0;
        for (size_t w = 0; w < windows; w++) {
            const struct group p = group_like(history[w], g.steps);
            if (p.total >= OBSERVED_LEAST) past[found++] = p;
        }
        if (found >= WINDOWS_LEAST)
            judge_group(g, past, found, verdict_of(list, n, room, g.steps->service));
    }
}

/* ---- edges ---- */

static const struct edge *edge_like(const struct rca_window *w, const struct edge *key) {
    for (size_t i = 0; i < w->edge_count; i++)
        if (w->edges[i].callee == key->callee && w->edges[i].caller == key->caller)
            return &w->edges[i];
    return NULL;
}

static void judge_edges(const struct rca_window *now, const struct rca_window *const *history,
                        size_t windows, struct rca_verdict *list, size_t *n, size_t room) {
    /* Ten times the usual wait and its spread, and a millisecond for the clock, is halfway to 1. */
    enum { HALF_AT = 10 };
    for (size_t i = 0; i < now->edge_count; i++) {
        const struct edge *e = &now->edges[i];
        if (e->count < OBSERVED_LEAST) continue;
        double waits[HISTORY_MOST];
        size_t found = 0;
        for (size_t w = 0; w < windows; w++) {
            const struct edge *p = edge_like(history[w], e);
            if (p && p->count >= OBSERVED_LEAST) waits[found++] = p->wait_ms;
        }
        if (found < WINDOWS_LEAST) continue;
        const struct past usual = look_back(waits, found);
        if (e->wait_ms <= usual.median) continue;
        const double times = beyond(e->wait_ms, usual) / (usual.median + usual.spread + 1);
        const struct rca_verdict seen = {
            .from = e->caller, .usual = usual.median, .now = e->wait_ms, .count = e->count};
        offer(verdict_of(list, n, room, e->callee), RCA_EDGES,
              times / (times + HALF_AT) * certainty(e->count), &seen);
    }
}

/* ---- saturation ---- */

static void judge_load(const struct rca_window *now, struct rca_verdict *list, size_t *n,
                       size_t room) {
    for (size_t i = 0; i < now->load_count; i++) {
        const struct load *l = &now->loads[i];
        if (l->highest < 0.7 || l->highest < 2 * l->usual) continue;
        const struct rca_verdict seen = {.usual = l->usual, .now = l->highest, .count = 1};
        offer(verdict_of(list, n, room, l->service), RCA_LOAD, fmin(l->highest, 1), &seen);
    }
}

/* ---- the ranking ---- */

static int best_first(const void *a, const void *b) {
    const struct rca_verdict *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->service > y->service) - (x->service < y->service);
}

size_t rca_rank(const struct rca_window *now, const struct rca_window *const *history,
                size_t windows, struct rca_verdict *verdicts, size_t most) {
    enum { SERVICES = 512 };
    struct rca_verdict *list = calloc(SERVICES, sizeof *list);
    size_t n = 0;
    if (!list) return 0;
    if (windows > HISTORY_MOST) history += windows - HISTORY_MOST, windows = HISTORY_MOST;
    judge_statements(now, history, windows, list, &n, SERVICES);
    judge_edges(now, history, windows, list, &n, SERVICES);
    judge_load(now, list, &n, SERVICES);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        double best = 0, sum = 0;
        for (int s = 0; s < RCA_SIGNALS; s++) {
            best = fmax(best, list[i].signals[s]);
            sum += list[i].signals[s];
        }
        list[i].score = best + 0.1 * (sum - best); /* a second signal breaks a tie */
        if (list[i].score > 0) list[kept++] = list[i];
    }
    qsort(list, kept, sizeof *list, best_first);
    if (kept > most) kept = most;
    memcpy(verdicts, list, kept * sizeof *list);
    free(list);
    return kept;
}
