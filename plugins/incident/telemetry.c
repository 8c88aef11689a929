#include "telemetry.h"

#include "miner.h"

#include <stdlib.h>

enum {
    LOG_ROWS = 1024,
    SPAN_ROWS = 1024,
    EDGE_ROWS = 512,
    USER_ROWS = 1000,
    SLOTS = 4096, /* of the tables below: four times the rows at least */
    NAMES = 20000,
    EXAMPLE = 400,
    PARENTS = 32768, /* spans whose service is remembered, for calls across requests */
    ORPHANS = 8192,  /* spans that came before their parent */
    WINDOWS = 24,    /* two hours of five minutes */
    WINDOW_MS = 300000,
    WINDOW_RECORDS = 20000,
    MINUTE_MS = 60000,
    LATE_MS = 86400000, /* older records are counted as late and left out */
    ERROR_SEVERITY = 17 /* OTLP: ERROR and above */
};

struct parent {
    uint64_t key;
    uint32_t service;
};

struct orphan {
    uint64_t parent;
    uint32_t callee;
    bool error;
    int64_t minute;
};

struct window {
    struct rca_window *rca;
    int64_t from_ms;
};

struct telemetry {
    int64_t now_ms;
    struct miner *miner;
    struct names *names;
    struct parent *parents;
    struct orphan *orphans;
    struct window current, closed[WINDOWS];
    size_t closed_count;
    struct delta delta;
    uint16_t *log_slots, *span_slots, *edge_slots;
    uint64_t *forms; /* of the log rows, until their templates are asked for */
};

/* ---- life ---- */

static bool make_tables(struct telemetry *t) {
    struct delta *d = &t->delta;
    d->logs = calloc(LOG_ROWS + 1, sizeof *d->logs);
    d->spans = calloc(SPAN_ROWS + 1, sizeof *d->spans);
    d->edges = calloc(EDGE_ROWS, sizeof *d->edges);
    d->users = calloc(USER_ROWS, sizeof *d->users);
    t->log_slots = calloc(SLOTS, sizeof *t->log_slots);
    t->span_slots = calloc(SLOTS, sizeof *t->span_slots);
    t->edge_slots = calloc(SLOTS, sizeof *t->edge_slots);
    t->forms = calloc(LOG_ROWS + 1, sizeof *t->forms);
    t->parents = calloc(PARENTS, sizeof *t->parents);
    t->orphans = calloc(ORPHANS, sizeof *t->orphans);
    return d->logs && d->spans && d->edges && d->users && t->log_slots && t->span_slots &&
           t->edge_slots && t->forms && t->parents && t->orphans;
}

struct telemetry *telemetry_new(void) {
    struct telemetry *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->miner = miner_new(NULL);
    t->names = names_new(NAMES);
    if (t->miner && t->names && make_tables(t)) return t;
    telemetry_free(t);
    return NULL;
}

void telemetry_clear(struct telemetry *t) {
    struct delta *d = &t->delta;
    for (size_t i = 0; i < d->log_count; i++) {
        free(d->logs[i].text);
        free(d->logs[i].example);
    }
    for (size_t i = 0; i < d->span_count; i++) free(d->spans[i].error_text);
    if (d->log_count) memset(t->log_slots, 0, SLOTS * sizeof *t->log_slots);
    if (d->span_count) memset(t->span_slots, 0, SLOTS * sizeof *t->span_slots);
    if (d->edge_count) memset(t->edge_slots, 0, SLOTS * sizeof *t->edge_slots);
    *d = (struct delta){.logs = d->logs, .spans = d->spans, .edges = d->edges, .users = d->users};
}

void telemetry_free(struct telemetry *t) {
    if (!t) return;
    telemetry_clear(t);
    rca_window_free(t->current.rca);
    for (size_t i = 0; i < t->closed_count; i++) rca_window_free(t->closed[i].rca);
    free(t->delta.logs);
    free(t->delta.spans);
    free(t->delta.edges);
    free(t->delta.users);
    free(t->log_slots);
    free(t->span_slots);
    free(t->edge_slots);
    free(t->forms);
    free(t->parents);
    free(t->orphans);
    names_free(t->names);
    miner_free(t->miner);
    free(t);
}

static void close_window(struct telemetry *t) {
    if (!rca_window_spans(t->current.rca, NULL) || !rca_window_close(t->current.rca)) {
        rca_window_free(t->current.rca);
    } else {
        if (t->closed_count == WINDOWS) {
            rca_window_free(t->closed[0].rca);
            memmove(t->closed, t->closed + 1, --t->closed_count * sizeof *t->closed);
        }
        t->closed[t->closed_count++] = t->current;
    }
    t->current = (struct window){0};
}

void telemetry_at(struct telemetry *t, int64_t now_ms) {
    t->now_ms = now_ms;
    if (t->current.rca && now_ms - t->current.from_ms >= WINDOW_MS) close_window(t);
    if (!t->current.rca)
        t->current = (struct window){rca_window_new(WINDOW_RECORDS), now_ms - now_ms % WINDOW_MS};
}

/* ---- helpers ---- */

static uint64_t mix(uint64_t a, uint64_t b) {
    const uint64_t h = (a ^ b) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static char *copy_clean(struct text text) {
    char *copy = malloc(EXAMPLE + 1);
    if (copy) text_clean(text, copy, EXAMPLE + 1);
    return copy;
}

/* The time that counts: its own, else when it was observed, else now; a clock that runs ahead is now.
 * 0: too late. */
static int64_t record_ms(struct telemetry *t, int64_t ns, int64_t observed_ns) {
    int64_t ms = (ns > 0 ? ns : observed_ns) / 1000000;
    if (ms <= 0 || ms > t->now_ms) ms = t->now_ms;
    if (t->now_ms - ms <= LATE_MS) return ms;
    t->delta.late++;
    return 0;
}

static uint32_t service_of(struct telemetry *t, const struct otlp_source *source) {
    return names_put(t->names, source->service.size ? source->service : text_from("(unnamed)"));
}

/* ---- logs ---- */

static struct log_row *log_row(struct telemetry *t, uint64_t form, uint32_t service,
                               int64_t minute) {
    struct delta *d = &t->delta;
    for (size_t at = mix(form, (uint64_t)minute * 31 + service) % SLOTS;; at = (at + 1) % SLOTS) {
        const size_t i = t->log_slots[at];
        if (!i) {
            if (d->log_count >= LOG_ROWS) return NULL;
            t->log_slots[at] = (uint16_t)(d->log_count + 1);
            t->forms[d->log_count] = form;
            d->logs[d->log_count] = (struct log_row){.service = service, .minute = minute};
            return &d->logs[d->log_count++];
        }
        if (t->forms[i - 1] == form && d->logs[i - 1].service == service &&
            d->logs[i - 1].minute == minute)
            return &d->logs[i - 1];
    }
}

static void feed_ranking(struct telemetry *t, const struct otlp_log *log, uint32_t service,
                         uint64_t form, int64_t ms) {
    if (!*log->trace || !*log->span || !t->current.rca) return;
    struct text where = log_location(log->body);
    const struct miner_template *template = where.size ? NULL : miner_template(t->miner, form);
    if (template) where = text_from(template->text);
    rca_add_log(t->current.rca,
                &(struct rca_log){.trace = text_hash(text_from(log->trace)),
                                  .span = text_hash(text_from(log->span)),
                                  .service = service,
                                  .statement = names_put(t->names, where),
                                  .at_ns = log->time_ns ? log->time_ns : ms * 1000000});
}

void telemetry_log(struct telemetry *t, const struct otlp_log *log) {
    t->delta.received_logs++;
    const int64_t ms = record_ms(t, log->time_ns, log->observed_ns);
    struct text body = log->body.size ? log->body : log->event;
    if (!ms || !body.size) return;
    const uint32_t service = service_of(t, log->source);
    const uint64_t form = miner_add(t->miner, body.at, body.size);
    if (!form) return;
    struct log_row *row = log_row(t, form, service, ms / MINUTE_MS);
    if (!row) {
        t->delta.other_logs++;
        return;
    }
    row->count++;
    if (log->severity >= ERROR_SEVERITY) row->errors++;
    if (log->severity > row->severity) row->severity = log->severity;
    if (!row->first_ms || ms < row->first_ms) row->first_ms = ms;
    if (ms > row->last_ms) row->last_ms = ms;
    if (!row->example) row->example = copy_clean(body);
    if (!*row->trace && *log->trace) memcpy(row->trace, log->trace, sizeof row->trace);
    feed_ranking(t, log, service, form, ms);
}

void telemetry_seed(struct telemetry *t, const char *text) {
    miner_seed(t->miner, text, strlen(text));
}

/* ---- spans ---- */

static struct span_row *span_row(struct telemetry *t, uint32_t service, uint32_t operation,
                                 bool entry, int64_t minute) {
    struct delta *d = &t->delta;
    const uint64_t key = (uint64_t)service << 33 | (uint64_t)operation << 1 | entry;
    for (size_t at = mix(key, (uint64_t)minute) % SLOTS;; at = (at + 1) % SLOTS) {
        const size_t i = t->span_slots[at];
        if (!i) {
            if (d->span_count >= SPAN_ROWS) return NULL;
            t->span_slots[at] = (uint16_t)(d->span_count + 1);
            d->spans[d->span_count] = (struct span_row){
                .service = service, .operation = operation, .entry = entry, .minute = minute};
            return &d->spans[d->span_count++];
        }
        struct span_row *row = d->spans + i - 1;
        if (row->service == service && row->operation == operation && row->entry == entry &&
            row->minute == minute)
            return row;
    }
}

static void add_edge(struct telemetry *t, uint32_t caller, uint32_t callee, bool error,
                     int64_t minute) {
    struct delta *d = &t->delta;
    if (caller == callee) return;
    const uint64_t key = (uint64_t)caller << 32 | callee;
    for (size_t at = mix(key, (uint64_t)minute) % SLOTS;; at = (at + 1) % SLOTS) {
        size_t i = t->edge_slots[at];
        if (!i) {
            if (d->edge_count >= EDGE_ROWS) return;
            t->edge_slots[at] = (uint16_t)(d->edge_count + 1);
            d->edges[d->edge_count++] =
                (struct edge_row){.caller = caller, .callee = callee, .minute = minute};
            i = d->edge_count;
        }
        struct edge_row *row = d->edges + i - 1;
        if (row->caller != caller || row->callee != callee || row->minute != minute) continue;
        row->count++;
        row->errors += error;
        return;
    }
}

/* A call between services is known once both spans are; they come in any order. */
static void connect(struct telemetry *t, uint64_t trace, uint64_t span, uint64_t parent,
                    uint32_t service, bool error, int64_t minute) {
    const uint64_t own = mix(trace, span);
    t->parents[own % PARENTS] = (struct parent){own, service};
    struct orphan *waiting = &t->orphans[own % ORPHANS];
    if (waiting->parent == own && waiting->callee) {
        add_edge(t, service, waiting->callee, waiting->error, waiting->minute);
        waiting->callee = 0;
    }
    if (!parent) return;
    const uint64_t key = mix(trace, parent);
    const struct parent *p = &t->parents[key % PARENTS];
    if (p->key == key)
        add_edge(t, p->service, service, error, minute);
    else
        t->orphans[key % ORPHANS] = (struct orphan){key, service, error, minute};
}

static void add_user(struct telemetry *t, const struct otlp_span *span, uint32_t service,
                     int64_t minute) {
    struct delta *d = &t->delta;
    const uint64_t user = text_hash(span->user);
    for (size_t i = 0; i < d->user_count; i++)
        if (d->users[i].user == user && d->users[i].service == service) return;
    if (d->user_count < USER_ROWS)
        d->users[d->user_count++] = (struct user_row){service, minute, user};
    else
        d->other_users++;
}

static bool failed(const struct otlp_span *span) {
    return span->status == 2 || span->http_status >= 500;
}

static void count_span(struct span_row *row, const struct otlp_span *span) {
    const double ms = (double)(span->end_ns - span->start_ns) / 1e6;
    row->count++;
    row->total_ms += ms;
    if (ms >= row->longest_ms) {
        row->longest_ms = ms;
        memcpy(row->slow_trace, span->trace, sizeof row->slow_trace);
    }
    if (!failed(span)) return;
    row->errors++;
    memcpy(row->error_trace, span->trace, sizeof row->error_trace);
    const struct text said = span->message.size ? span->message : span->exception;
    if (!row->error_text && said.size) row->error_text = copy_clean(said);
}

void telemetry_span(struct telemetry *t, const struct otlp_span *span) {
    t->delta.received_spans++;
    const int64_t ms = record_ms(t, span->start_ns, 0);
    if (!ms) return;
    const uint32_t service = service_of(t, span->source);
    const uint32_t operation = names_put(t->names, span->name);
    const bool entry = span->kind == OTLP_SERVER || span->kind == 5 || !*span->parent;
    const uint64_t trace = text_hash(text_from(span->trace)),
                   own = text_hash(text_from(span->span)),
                   parent = *span->parent ? text_hash(text_from(span->parent)) : 0;
    connect(t, trace, own, parent, service, failed(span), ms / MINUTE_MS);
    if (failed(span) && span->user.size) add_user(t, span, service, ms / MINUTE_MS);
    if (t->current.rca)
        rca_add_span(t->current.rca, &(struct rca_span){.trace = trace,
                                                        .span = own,
                                                        .parent = parent,
                                                        .service = service,
                                                        .operation = operation,
                                                        .start_ns = span->start_ns,
                                                        .end_ns = span->end_ns});
    struct span_row *row = span_row(t, service, operation, entry, ms / MINUTE_MS);
    if (row)
        count_span(row, span);
    else
        t->delta.other_spans++;
}

/* ---- what came of it ---- */

const struct delta *telemetry_delta(struct telemetry *t) {
    for (size_t i = 0; i < t->delta.log_count; i++) {
        struct log_row *row = &t->delta.logs[i];
        const struct miner_template *template =
            row->text ? NULL : miner_template(t->miner, t->forms[i]);
        if (!template) continue;
        row->template_id = template->id;
        row->text = copy_clean(text_from(template->text));
    }
    return &t->delta;
}

const char *telemetry_name(const struct telemetry *t, uint32_t name) {
    return names_text(t->names, name);
}

size_t telemetry_bytes(const struct telemetry *t) {
    return sizeof *t + miner_size(t->miner).bytes + names_bytes(t->names) +
           PARENTS * sizeof *t->parents + ORPHANS * sizeof *t->orphans +
           WINDOW_RECORDS * (sizeof(struct rca_span) + sizeof(struct rca_log));
}

size_t telemetry_rank(struct telemetry *t, int64_t since_ms, struct rca_verdict *verdicts,
                      size_t most) {
    const struct rca_window *history[WINDOWS];
    size_t past = 0, best = 0;
    struct rca_verdict found[8];
    if (most > 8) most = 8;
    if (t->current.rca && t->now_ms - t->current.from_ms >= WINDOW_MS / 5) close_window(t);
    for (size_t i = 0; i < t->closed_count; i++)
        if (t->closed[i].from_ms + WINDOW_MS <= since_ms) history[past++] = t->closed[i].rca;
    for (size_t i = 0; i < t->closed_count; i++) {
        if (t->closed[i].from_ms + WINDOW_MS <= since_ms) continue;
        const size_t n = rca_rank(t->closed[i].rca, history, past, found, most);
        if (!n || (best && found[0].score <= verdicts[0].score)) continue;
        memcpy(verdicts, found, n * sizeof *found);
        best = n;
    }
    return best;
}
