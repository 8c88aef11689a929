#include "rca.h"

#include "rca_inside.h"

#include <math.h>
#include <stdlib.h>

struct rca_window *rca_window_new(size_t most) {
    struct rca_window *window = calloc(1, sizeof *window);
    if (window) window->most = most, window->keep = UINT64_MAX;
    return window;
}

void rca_window_free(struct rca_window *window) {
    if (!window) return;
    free(window->spans.items);
    free(window->logs.items);
    free(window->steps);
    free(window->edges);
    free(window->loads);
    free(window);
}

/* ---- taking records ---- */

static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t h = (a ^ b * 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
    return h ^ h >> 31;
}

static bool room_for_one(struct rca_list *list, size_t size) {
    if (list->count < list->room) return true;
    const size_t room = list->room ? list->room * 2 : 256;
    void *more = realloc(list->items, room * size);
    if (!more) return false;
    list->items = more;
    list->room = room;
    return true;
}

/* Half of the traces go, those with the highest hashes: what stays is whole traces. */
static void thin_out(struct rca_window *window) {
    window->keep /= 2;
    struct rca_span *spans = window->spans.items;
    size_t kept = 0;
    for (size_t i = 0; i < window->spans.count; i++)
        if (mix(spans[i].trace, 1) <= window->keep) spans[kept++] = spans[i];
    window->left_out += window->spans.count - kept;
    window->spans.count = kept;
    struct rca_log *logs = window->logs.items;
    kept = 0;
    for (size_t i = 0; i < window->logs.count; i++)
        if (mix(logs[i].trace, 1) <= window->keep) logs[kept++] = logs[i];
    window->logs.count = kept;
}

void rca_add_span(struct rca_window *window, const struct rca_span *span) {
    if (window->spans.count >= window->most) thin_out(window);
    if (mix(span->trace, 1) > window->keep || !room_for_one(&window->spans, sizeof *span)) {
        window->left_out++;
        return;
    }
    ((struct rca_span *)window->spans.items)[window->spans.count++] = *span;
}

void rca_add_log(struct rca_window *window, const struct rca_log *log) {
    if (window->logs.count >= window->most) thin_out(window);
    if (mix(log->trace, 1) > window->keep || !room_for_one(&window->logs, sizeof *log)) return;
    ((struct rca_log *)window->logs.items)[window->logs.count++] = *log;
}

void rca_add_load(struct rca_window *window, uint32_t service, double highest, double usual) {
    struct load *more = realloc(window->loads, (window->load_count + 1) * sizeof *more);
    if (!more) return;
    window->loads = more;
    window->loads[window->load_count++] = (struct load){service, highest, usual};
}

size_t rca_window_spans(const struct rca_window *window, size_t *left_out) {
    if (left_out) *left_out = window->left_out;
    return window->span_count ? window->span_count : window->spans.count;
}

/* ---- closing ---- */

static int by_span(const void *a, const void *b) {
    const struct rca_span *x = a, *y = b;
    const uint64_t p = mix(x->trace, x->span), q = mix(y->trace, y->span);
    if (p != q) return p > q ? 1 : -1;
    return (x->service > y->service) - (x->service < y->service);
}

static int by_span_and_time(const void *a, const void *b) {
    const struct rca_log *x = a, *y = b;
    const uint64_t p = mix(x->trace, x->span), q = mix(y->trace, y->span);
    if (p != q) return p > q ? 1 : -1;
    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int by_step(const void *a, const void *b) {
    const struct step *x = a, *y = b;
    if (x->service != y->service) return x->service > y->service ? 1 : -1;
    if (x->from != y->from) return x->from > y->from ? 1 : -1;
    return (x->to > y->to) - (x->to < y->to);
}

static int by_edge(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->callee != y->callee) return x->callee > y->callee ? 1 : -1;
    if (x->caller != y->caller) return x->caller > y->caller ? 1 : -1;
    return (x->wait_ms > y->wait_ms) - (x->wait_ms < y->wait_ms);
}

static const struct rca_span *find_span(const struct rca_window *window, uint64_t key) {
    const struct rca_span *spans = window->spans.items;
    size_t low = 0, high = window->spans.count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (mix(spans[middle].trace, spans[middle].span) < key)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == window->spans.count || mix(spans[low].trace, spans[low].span) != key) return NULL;
    return &spans[low];
}

/* Steps of the spans that ended: a span that is still open would look like an early end. */
static size_t collect_steps(const struct rca_window *window, struct step *steps) {
    const struct rca_span *spans = window->spans.items;
    const struct rca_log *logs = window->logs.items;
    size_t n = 0, log = 0;
    for (size_t i = 0; i < window->spans.count; i++) {
        const struct rca_span *s = &spans[i];
        const uint64_t key = mix(s->trace, s->span);
        while (log < window->logs.count && mix(logs[log].trace, logs[log].span) < key) log++;
        uint64_t from = STEP_START | s->operation;
        size_t at = log;
        for (; at < window->logs.count && mix(logs[at].trace, logs[at].span) == key; at++) {
            if (logs[at].service != s->service) continue;
            steps[n++] = (struct step){s->service, 1, from, logs[at].statement};
            from = logs[at].statement;
        }
        steps[n++] = (struct step){s->service, 1, from, STEP_END};
    }
    return n;
}

static size_t collect_edges(const struct rca_window *window, struct edge *edges) {
    const struct rca_span *spans = window->spans.items;
    size_t n = 0;
    for (size_t i = 0; i < window->spans.count; i++) {
        const struct rca_span *s = &spans[i];
        const struct rca_span *p = s->parent ? find_span(window, mix(s->trace, s->parent)) : NULL;
        if (!p || p->service == s->service) continue;
        const int64_t wait = (p->end_ns - p->start_ns) - (s->end_ns - s->start_ns);
        edges[n++] = (struct edge){p->service, s->service, 1, wait > 0 ? (double)wait / 1e6 : 0};
    }
    return n;
}

static size_t sum_steps(struct step *steps, size_t n) {
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (out && by_step(&steps[out - 1], &steps[i]) == 0)
            steps[out - 1].count++;
        else
            steps[out++] = steps[i];
    }
    return out;
}

/* Sorted by waiting time within an edge: the middle one is the median. */
static size_t sum_edges(struct edge *edges, size_t n) {
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && edges[end].callee == edges[i].callee &&
               edges[end].caller == edges[i].caller)
            end++;
        struct edge sum = edges[i + (end - i - 1) / 2];
        sum.count = (uint32_t)(end - i);
        edges[out++] = sum;
        i = end;
    }
    return out;
}

/* A request that was sent twice brings its spans twice. */
static void drop_repeats(struct rca_window *window) {
    struct rca_span *spans = window->spans.items;
    size_t kept = 0;
    for (size_t i = 0; i < window->spans.count; i++)
        if (!kept || by_span(&spans[kept - 1], &spans[i]) != 0) spans[kept++] = spans[i];
    window->spans.count = kept;
    struct rca_log *logs = window->logs.items;
    kept = 0;
    for (size_t i = 0; i < window->logs.count; i++)
        if (!kept || by_span_and_time(&logs[kept - 1], &logs[i]) != 0 ||
            logs[kept - 1].statement != logs[i].statement)
            logs[kept++] = logs[i];
    window->logs.count = kept;
}

bool rca_window_close(struct rca_window *window) {
    if (window->spans.count)
        qsort(window->spans.items, window->spans.count, sizeof(struct rca_span), by_span);
    if (window->logs.count)
        qsort(window->logs.items, window->logs.count, sizeof(struct rca_log), by_span_and_time);
    drop_repeats(window);
    const size_t spans = window->spans.count, logs = window->logs.count;
    window->steps = malloc((spans + logs + 1) * sizeof *window->steps);
    window->edges = malloc((spans + 1) * sizeof *window->edges);
    if (!window->steps || !window->edges) return false;
    window->step_count = collect_steps(window, window->steps);
    window->edge_count = collect_edges(window, window->edges);
    qsort(window->steps, window->step_count, sizeof *window->steps, by_step);
    qsort(window->edges, window->edge_count, sizeof *window->edges, by_edge);
    window->step_count = sum_steps(window->steps, window->step_count);
    window->edge_count = sum_edges(window->edges, window->edge_count);
    void *less = realloc(window->steps, (window->step_count + 1) * sizeof *window->steps);
    if (less) window->steps = less;
    less = realloc(window->edges, (window->edge_count + 1) * sizeof *window->edges);
    if (less) window->edges = less;
    window->span_count = spans;
    free(window->spans.items);
    free(window->logs.items);
    window->spans = window->logs = (struct rca_list){0};
    return true;
}

/* ---- where a log line comes from ---- */

static bool is_source(struct text name) {
    static const char *const ends[] = {"go", "py",  "js", "ts",    "java", "kt", "rb", "c",
                                       "cc", "cpp", "h",  "scala", "rs",   "cs", "ex", "php"};
    size_t dot = name.size;
    while (dot && name.at[dot - 1] != '.') dot--;
    if (dot < 2) return false;
    const struct text end = {name.at + dot, name.size - dot};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (text_is(end, ends[i])) return true;
    return false;
}

static bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("_.$/-", c);
}

struct text log_location(struct text line) {
    enum { START = 72 }; /* it stands at the start, behind time and level */
    const size_t end = line.size < START ? line.size : START;
    for (size_t i = 1; i + 1 < end; i++) {
        if ((line.at[i] != '#' && line.at[i] != ':') || line.at[i + 1] < '0' ||
            line.at[i + 1] > '9')
            continue;
        size_t from = i, to = i + 1;
        while (from && line.at[from - 1] && in_name(line.at[from - 1])) from--;
        while (to < line.size && line.at[to] >= '0' && line.at[to] <= '9') to++;
        const struct text name = {line.at + from, i - from};
        const bool letter = name.size && (name.at[0] < '0' || name.at[0] > '9');
        if ((line.at[i] == '#' && letter) || (line.at[i] == ':' && is_source(name)))
            return (struct text){line.at + from, to - from};
    }
    return (struct text){0};
}
