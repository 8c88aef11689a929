/* sweep.c - what happens by itself: counts are set right after a crash, pushed alerts run out,
 * mitigated incidents are resolved, old telemetry goes. One durable job a tenant. */
#include "face.h"

#include <string.h>

enum { SWEEP_MS = 30000, AT_ONCE = 200, LINKS_AT_ONCE = 10, LINK_MS = 3600000 };

void incident_sweep_later(sl_call *call, sl_batch *batch) {
    sl_batch_job(batch, "sweep", sl_tenant(call), sl_now_ms(call) + SWEEP_MS, NULL);
}

/* Alerts that were pushed name the time until which they hold; then they have ended. */
static int end_expired(sl_call *call) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "UPDATE incident_alert SET ends_ms = expires_ms WHERE tenant = $1 AND ends_ms = 0 "
                 "AND expires_ms > 0 AND expires_ms < $2",
                 SL_ARGS(sl_int(sl_now_ms(call))));
    return sl_commit(batch);
}

/* Only those that alerts opened: what a person opened, a person resolves. */
static int resolve_quiet(sl_call *call, const struct incident *i) {
    const struct incident_state *state = sl_state(call);
    if (!state->resolve_ms || strcmp(i->status, "mitigated") != 0 || i->firing ||
        strcmp(i->opened_by, "alerts") != 0 ||
        sl_now_ms(call) - i->mitigated_ms < state->resolve_ms)
        return 0;
    cJSON *in = cJSON_CreateObject(), *out = cJSON_CreateObject();
    cJSON_AddStringToObject(in, "id", i->id);
    cJSON_AddStringToObject(in, "note", "no alert has fired again");
    return incident_resolve(call, in, out);
}

int incident_sweep(sl_call *call, const cJSON *in) {
    (void)in;
    sl_rows rows;
    int rc = end_expired(call);
    if (!rc)
        rc =
            sl_query(call, &rows,
                     "SELECT " INCIDENT_COLUMNS " FROM incident_incident WHERE tenant = $1 AND "
                     "status IN ('open', 'acknowledged', 'mitigated') ORDER BY updated_ms LIMIT $2",
                     SL_ARGS(sl_int(AT_ONCE)));
    if (rc) return rc;
    size_t looked = 0; /* weighing evidence costs: in a storm not all of them */
    for (size_t r = 0; r < rows.count; r++) {
        struct incident incident;
        incident_from_row(call, &rows, r, &incident);
        if (resolve_quiet(call, &incident) == 0) (void)incident_refresh(call, incident.id);
        if (strcmp(incident.status, "mitigated") != 0 && looked < LINKS_AT_ONCE &&
            sl_now_ms(call) - incident.opened_ms < LINK_MS) {
            (void)incident_link_found(call, &incident);
            looked++;
        }
    }
    if (!rows.count) return 0;
    sl_batch *batch = sl_batch_new(call);
    incident_sweep_later(call, batch);
    return sl_commit(batch);
}
