/* face.h - the plugin's state and what its operations share. */
#ifndef INCIDENT_FACE_H
#define INCIDENT_FACE_H

#include "severity.h"
#include "timeline.h"
#include "when.h"

#include <sluice/sluice.h>
#include <stdbool.h>

struct incident_state {
    cJSON *config; /* kept */
    int open_from; /* severity; alerts below it open nothing */
    int64_t reopen_ms, resolve_ms, keep_ms;
    int64_t otlp_bytes;
    struct tenant_telemetry *tenants;
};

/* A row of incident_incident. Texts belong to the call. */
struct incident {
    const char *id, *title, *severity, *status, *environment, *app, *opened_by, *merged_into;
    cJSON *services; /* array of names */
    cJSON *roles;    /* object: role -> person */
    cJSON *extra;    /* object: what people said: public title and text, impact, cause */
    int64_t onset_ms, detected_ms, opened_ms, acknowledged_ms, mitigated_ms, resolved_ms;
    int64_t updated_ms, version, alerts, firing;
};

#define INCIDENT_COLUMNS                                                                           \
    "id, title, severity, status, environment, app, services, roles, extra, opened_by, "           \
    "merged_into, onset_ms, detected_ms, opened_ms, acknowledged_ms, mitigated_ms, resolved_ms, "  \
    "updated_ms, version, alerts, firing"

void incident_from_row(sl_call *call, const sl_rows *rows, size_t row, struct incident *out);
/* SL_NOT_FOUND with the sentence. */
int incident_load(sl_call *call, const char *id, struct incident *out);
bool incident_is_over(const struct incident *incident); /* resolved or merged */
/* What every incident event carries. */
cJSON *incident_event(sl_call *call, const struct incident *incident);
const char *incident_subject(sl_call *call, const char *id);
void incident_print(sl_call *call, const struct incident *incident, cJSON *out);
/* Adds a time as text, or null for 0. */
void put_when(cJSON *object, const char *name, int64_t ms);
/* `name` from the input as milliseconds: absent: `otherwise`. SL_INVALID names the field. */
int read_when(sl_call *call, const cJSON *in, const char *name, int64_t otherwise, int64_t *ms);

/* ---- lines of people and of the incident's own life ---- */
struct new_line {
    const char *incident, *id, *source, *kind, *text, *actor, *ref; /* id NULL: a new one */
    int64_t at_ms;
    bool inferred;
};
void line_add(sl_call *call, sl_batch *batch, const struct new_line *line);
/* All lines of an incident, arranged; hidden ones too. In the call's arena. */
int timeline_collect(sl_call *call, const struct incident *incident, struct line **lines,
                     size_t *count);

/* ---- opening ---- */
struct opening {
    const char *id, *title, *severity, *environment, *app, *opened_by, *split_from;
    const cJSON *services;
    const cJSON *extra;
    const char *keys[3];   /* that later alerts find it by; ended by NULL */
    const char *before[3]; /* the incident that each key led to so far, or NULL */
    int64_t onset_ms, detected_ms;
};
void incident_open_in(sl_call *call, sl_batch *batch, const struct opening *opening);
/* Queues the sweep of this tenant, half a minute from now. */
void incident_sweep_later(sl_call *call, sl_batch *batch);
/* Counts the alerts anew; mitigates, reopens, raises the severity. */
int incident_refresh(sl_call *call, const char *id);
/* Links the deployment that evidence names, once. */
int incident_link_found(sl_call *call, const struct incident *incident);

/* ---- operations ---- */
#define OPERATION(NAME) int NAME(sl_call *call, const cJSON *in, cJSON *out)
OPERATION(incident_list);
OPERATION(incident_get);
OPERATION(incident_open);
OPERATION(incident_update);
OPERATION(incident_acknowledge);
OPERATION(incident_mitigate);
OPERATION(incident_resolve);
OPERATION(incident_reopen);
OPERATION(incident_merge);
OPERATION(incident_split);
OPERATION(incident_note);
OPERATION(incident_edit);
OPERATION(incident_timeline);
OPERATION(incident_change);
OPERATION(incident_alertmanager);
OPERATION(incident_push_alerts);
OPERATION(incident_kubernetes);
OPERATION(incident_webhook);
OPERATION(incident_summary);
OPERATION(incident_postmortem);
OPERATION(incident_impact);
OPERATION(incident_suspects);
OPERATION(incident_evidence);
OPERATION(incident_link);
OPERATION(incident_pull);
OPERATION(incident_draft);
OPERATION(incident_drafts);
OPERATION(incident_publish);
OPERATION(incident_otlp_logs);
OPERATION(incident_otlp_traces);
OPERATION(incident_otlp_metrics);
OPERATION(incident_patterns);
OPERATION(incident_graph);
OPERATION(incident_status_page);
OPERATION(incident_status_json);
OPERATION(incident_status_summary);
OPERATION(incident_status_incidents);
OPERATION(incident_status_feed);
int incident_hear_change(sl_call *call, const sl_event *event);
int incident_hear_slo(sl_call *call, const sl_event *event);
int incident_sweep(sl_call *call, const cJSON *in);

#endif
