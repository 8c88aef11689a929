#include "tenants.h"

#include <stdlib.h>
#include <string.h>

enum { TENANTS = 256, TIDY_MS = 600000, SEEDS = 2000, MINUTE = 60000 };

/* ---- finding, making ---- */

static int seed(sl_call *call, struct tenant_telemetry *tenant) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT DISTINCT body FROM incident_template WHERE tenant = $1 LIMIT $2",
                      SL_ARGS(sl_int(SEEDS)));
    for (size_t i = 0; !rc && i < rows.count; i++)
        telemetry_seed(tenant->telemetry, sl_cell_text(&rows, i, "body"));
    return rc;
}

static struct tenant_telemetry *find(struct incident_state *state, const char *name) {
    struct tenant_telemetry *t = state->tenants;
    while (t && strcmp(t->tenant, name) != 0) t = t->next;
    return t;
}

static struct tenant_telemetry *make(struct incident_state *state, const char *name) {
    size_t count = 0;
    for (struct tenant_telemetry *t = state->tenants; t; t = t->next) count++;
    struct tenant_telemetry *made = count < TENANTS ? calloc(1, sizeof *made) : NULL;
    if (!made) return NULL;
    made->tenant = strdup(name);
    made->telemetry = telemetry_new();
    if (!made->tenant || !made->telemetry) {
        tenants_free(made);
        return NULL;
    }
    made->next = state->tenants;
    state->tenants = made;
    return made;
}

int tenant_lock(sl_call *call, struct tenant_telemetry **tenant) {
    struct incident_state *state = sl_state(call);
    struct tenant_telemetry *t = find(state, sl_tenant(call));
    if (!t) {
        t = make(state, sl_tenant(call));
        if (!t)
            return sl_fail(call, SL_UNAVAILABLE,
                           "there is no memory for the telemetry of another tenant");
        t->busy = true;
        *tenant = t;
        int rc = seed(call, t);
        if (rc) t->busy = false;
        return rc;
    }
    while (t->busy) {
        int rc = sl_sleep(call, 1);
        if (rc) return rc;
    }
    t->busy = true;
    *tenant = t;
    return 0;
}

void tenant_unlock(struct tenant_telemetry *tenant) {
    tenant->busy = false;
}

void tenants_free(struct tenant_telemetry *first) {
    while (first) {
        struct tenant_telemetry *next = first->next;
        telemetry_free(first->telemetry);
        free(first->tenant);
        free(first);
        first = next;
    }
}

/* ---- storing ---- */

static const char *template_name(sl_call *call, uint64_t id) {
    return sl_printf(call, "%016llx", (unsigned long long)id);
}

static void store_log(sl_call *call, sl_batch *batch, const struct telemetry *t,
                      const struct log_row *row) {
    const char *service = telemetry_name(t, row->service);
    const char *id = template_name(call, row->template_id);
    sl_batch_add(
        batch,
        "INSERT INTO incident_template (tenant, service, id, body, severity, first_ms, "
        "last_ms, lines, example, trace) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        "ON CONFLICT (tenant, service, id) DO UPDATE SET lines = incident_template.lines + "
        "excluded.lines, last_ms = CASE WHEN excluded.last_ms > incident_template.last_ms "
        "THEN excluded.last_ms ELSE incident_template.last_ms END, first_ms = CASE WHEN "
        "excluded.first_ms < incident_template.first_ms THEN excluded.first_ms ELSE "
        "incident_template.first_ms END, severity = CASE WHEN excluded.severity > "
        "incident_template.severity THEN excluded.severity ELSE "
        "incident_template.severity END",
        SL_ARGS(sl_text(service), sl_text(id), sl_text(row->text ? row->text : "(other)"),
                sl_int(row->severity), sl_int(row->first_ms), sl_int(row->last_ms),
                sl_int((int64_t)row->count), sl_text(row->example ? row->example : ""),
                sl_text(row->trace)));
    sl_batch_add(
        batch,
        "INSERT INTO incident_log_minute (tenant, service, id, minute, lines, errors) VALUES "
        "($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, service, id, minute) DO UPDATE SET "
        "lines = incident_log_minute.lines + excluded.lines, errors = "
        "incident_log_minute.errors + excluded.errors",
        SL_ARGS(sl_text(service), sl_text(id), sl_int(row->minute), sl_int((int64_t)row->count),
                sl_int((int64_t)row->errors)));
}

static void store_span(sl_batch *batch, const struct telemetry *t, const struct span_row *row) {
    sl_batch_add(
        batch,
        "INSERT INTO incident_span_minute (tenant, service, operation, entry, minute, spans, errors, "
        "total_ms, longest_ms, slow_trace, error_trace, error_text) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7, $8, $9, $10, $11, $12) ON CONFLICT (tenant, service, operation, entry, minute) DO "
        "UPDATE SET spans = incident_span_minute.spans + excluded.spans, errors = "
        "incident_span_minute.errors + excluded.errors, total_ms = incident_span_minute.total_ms + "
        "excluded.total_ms, slow_trace = CASE WHEN excluded.longest_ms > "
        "incident_span_minute.longest_ms THEN excluded.slow_trace ELSE "
        "incident_span_minute.slow_trace END, longest_ms = CASE WHEN excluded.longest_ms > "
        "incident_span_minute.longest_ms THEN excluded.longest_ms ELSE "
        "incident_span_minute.longest_ms END, error_trace = CASE WHEN excluded.error_trace <> '' "
        "THEN excluded.error_trace ELSE incident_span_minute.error_trace END, error_text = CASE WHEN "
        "excluded.error_text <> '' THEN excluded.error_text ELSE incident_span_minute.error_text END",
        SL_ARGS(sl_text(telemetry_name(t, row->service)),
                sl_text(telemetry_name(t, row->operation)), sl_int(row->entry), sl_int(row->minute),
                sl_int((int64_t)row->count), sl_int((int64_t)row->errors), sl_real(row->total_ms),
                sl_real(row->longest_ms), sl_text(row->slow_trace), sl_text(row->error_trace),
                sl_text(row->error_text ? row->error_text : "")));
}

static void store_rest(sl_call *call, sl_batch *batch, const struct telemetry *t,
                       const struct delta *d) {
    for (size_t i = 0; i < d->edge_count; i++)
        sl_batch_add(batch,
                     "INSERT INTO incident_edge_minute (tenant, caller, callee, minute, calls, "
                     "errors) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, caller, callee, "
                     "minute) DO UPDATE SET calls = incident_edge_minute.calls + excluded.calls, "
                     "errors = incident_edge_minute.errors + excluded.errors",
                     SL_ARGS(sl_text(telemetry_name(t, d->edges[i].caller)),
                             sl_text(telemetry_name(t, d->edges[i].callee)),
                             sl_int(d->edges[i].minute), sl_int((int64_t)d->edges[i].count),
                             sl_int((int64_t)d->edges[i].errors)));
    for (size_t i = 0; i < d->user_count; i++)
        sl_batch_add(
            batch,
            "INSERT INTO incident_user_minute (tenant, service, minute, person) VALUES ($1, "
            "$2, $3, $4) ON CONFLICT DO NOTHING",
            SL_ARGS(sl_text(telemetry_name(t, d->users[i].service)), sl_int(d->users[i].minute),
                    sl_int((int64_t)(d->users[i].user >> 1))));
    const size_t sampled = d->other_logs + d->other_spans + d->other_users + d->late;
    sl_batch_add(
        batch,
        "INSERT INTO incident_intake_minute (tenant, minute, logs, spans, late, sampled) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, minute) DO UPDATE SET logs = "
        "incident_intake_minute.logs + excluded.logs, spans = incident_intake_minute.spans "
        "+ excluded.spans, late = incident_intake_minute.late + excluded.late, sampled = "
        "incident_intake_minute.sampled + excluded.sampled",
        SL_ARGS(sl_int(sl_now_ms(call) / MINUTE), sl_int((int64_t)d->received_logs),
                sl_int((int64_t)d->received_spans), sl_int((int64_t)d->late),
                sl_int((int64_t)sampled)));
}

/* Old minutes go; templates stay as long as they are seen. */
static void tidy(sl_call *call, sl_batch *batch, struct tenant_telemetry *tenant) {
    const struct incident_state *state = sl_state(call);
    const int64_t now = sl_now_ms(call);
    if (now - tenant->tidied_ms < TIDY_MS) return;
    tenant->tidied_ms = now;
    static const char *const deletes[] = {
        "DELETE FROM incident_log_minute WHERE tenant = $1 AND minute < $2",
        "DELETE FROM incident_span_minute WHERE tenant = $1 AND minute < $2",
        "DELETE FROM incident_edge_minute WHERE tenant = $1 AND minute < $2",
        "DELETE FROM incident_user_minute WHERE tenant = $1 AND minute < $2",
        "DELETE FROM incident_intake_minute WHERE tenant = $1 AND minute < $2",
        "DELETE FROM incident_template WHERE tenant = $1 AND last_ms < $2 * 60000"};
    for (size_t i = 0; i < sizeof deletes / sizeof *deletes; i++)
        sl_batch_add(batch, deletes[i], SL_ARGS(sl_int((now - state->keep_ms) / MINUTE)));
}

int tenant_store(sl_call *call, struct tenant_telemetry *tenant) {
    const struct telemetry *t = tenant->telemetry;
    const struct delta *d = telemetry_delta(tenant->telemetry);
    if (!d->received_logs && !d->received_spans) return 0;
    sl_batch *batch = sl_batch_new(call);
    for (size_t i = 0; i < d->log_count; i++) store_log(call, batch, t, &d->logs[i]);
    for (size_t i = 0; i < d->span_count; i++) store_span(batch, t, &d->spans[i]);
    store_rest(call, batch, t, d);
    tidy(call, batch, tenant);
    sl_count(call, "incident_records_total", (double)d->received_logs, "log");
    sl_count(call, "incident_records_total", (double)d->received_spans, "span");
    return sl_commit(batch);
}
