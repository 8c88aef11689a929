/* link.c - which deployment caused an incident: found by the evidence, or said by a person. */
#include "evidence.h"

#include <string.h>

/* Well above the floor at which suspects are named: a link is a label that the risk model learns. */
static const double link_from = 0.25;

static int link_to(sl_call *call, const struct incident *i, const char *deployment, double score,
                   bool *linked) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT score FROM incident_link WHERE tenant = $1 AND incident_id = $2 AND "
                      "deployment_id = $3",
                      SL_ARGS(sl_text(i->id), sl_text(deployment)));
    *linked = false;
    if (rc || rows.count) return rc;
    sl_batch *batch = sl_batch_new(call);
    sl_batch_demand(batch, 1, "it was linked at this moment",
                    "INSERT INTO incident_link (tenant, incident_id, deployment_id, score, actor, "
                    "at_ms) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                    SL_ARGS(sl_text(i->id), sl_text(deployment), sl_real(score),
                            sl_text(sl_actor(call)), sl_int(sl_now_ms(call))));
    line_add(call, batch,
             &(struct new_line){
                 .incident = i->id,
                 .id = sl_printf(call, "link/%s", deployment),
                 .source = "sluice",
                 .kind = "state",
                 .text = sl_printf(call, "Linked to deployment %s (score %.2f)", deployment, score),
                 .ref = sl_printf(call, "deployment/%s", deployment),
                 .at_ms = sl_now_ms(call),
                 .inferred = score < 1});
    cJSON *data = incident_event(call, i);
    cJSON_AddStringToObject(data, "deployment_id", deployment);
    cJSON_AddStringToObject(data, "deployment", sl_printf(call, "deployment/%s", deployment));
    cJSON_AddNumberToObject(data, "score", score);
    sl_batch_emit(batch, "incident.linked", incident_subject(call, i->id), data);
    rc = sl_commit(batch);
    *linked = !rc;
    return rc;
}

int incident_link_found(sl_call *call, const struct incident *incident) {
    struct evidence e;
    bool linked;
    int rc = evidence_collect(call, incident, &e);
    if (rc || e.no_suspect || !e.suspect_count) return rc;
    const struct suspect *first = &e.suspects[0];
    if (first->score < link_from || strncmp(first->id, "deployment/", 11) != 0) return 0;
    const double score = first->score < 0.99 ? first->score : 0.99; /* 1: a person said so */
    return link_to(call, incident, first->id + 11, score, &linked);
}

int incident_link(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    bool linked;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (!rc) rc = link_to(call, &incident, sl_get_text(in, "deployment_id", ""), 1, &linked);
    if (!rc) cJSON_AddBoolToObject(out, "linked", linked);
    return rc;
}
