/* rows.c - an incident as a row, as an answer and as an event. */
#include "face.h"

#include <string.h>

static const char *filled(const char *text) {
    return text && *text ? text : NULL;
}

static cJSON *json_cell(sl_call *call, const sl_rows *rows, size_t row, const char *column,
                        bool list) {
    cJSON *json = sl_cell_json(call, rows, row, column);
    if (json) return json;
    return list ? cJSON_CreateArray() : cJSON_CreateObject();
}

void incident_from_row(sl_call *call, const sl_rows *rows, size_t row, struct incident *out) {
    *out = (struct incident){
        .id = sl_cell_text(rows, row, "id"),
        .title = sl_cell_text(rows, row, "title"),
        .severity = sl_cell_text(rows, row, "severity"),
        .status = sl_cell_text(rows, row, "status"),
        .environment = filled(sl_cell_text(rows, row, "environment")),
        .app = filled(sl_cell_text(rows, row, "app")),
        .opened_by = sl_cell_text(rows, row, "opened_by"),
        .merged_into = filled(sl_cell_text(rows, row, "merged_into")),
        .services = json_cell(call, rows, row, "services", true),
        .roles = json_cell(call, rows, row, "roles", false),
        .extra = json_cell(call, rows, row, "extra", false),
        .onset_ms = sl_cell_int(rows, row, "onset_ms"),
        .detected_ms = sl_cell_int(rows, row, "detected_ms"),
        .opened_ms = sl_cell_int(rows, row, "opened_ms"),
        .acknowledged_ms = sl_cell_int(rows, row, "acknowledged_ms"),
        .mitigated_ms = sl_cell_int(rows, row, "mitigated_ms"),
        .resolved_ms = sl_cell_int(rows, row, "resolved_ms"),
        .updated_ms = sl_cell_int(rows, row, "updated_ms"),
        .version = sl_cell_int(rows, row, "version"),
        .alerts = sl_cell_int(rows, row, "alerts"),
        .firing = sl_cell_int(rows, row, "firing"),
    };
}

int incident_load(sl_call *call, const char *id, struct incident *out) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT " INCIDENT_COLUMNS " FROM incident_incident WHERE tenant = $1 AND "
                      "id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no incident '%s'; incident.list shows those that are", id);
    incident_from_row(call, &rows, 0, out);
    return 0;
}

bool incident_is_over(const struct incident *incident) {
    return strcmp(incident->status, "resolved") == 0 || strcmp(incident->status, "merged") == 0;
}

const char *incident_subject(sl_call *call, const char *id) {
    return sl_printf(call, "incident/%s", id);
}

static void put_known(cJSON *object, const char *name, const char *text) {
    if (text) cJSON_AddStringToObject(object, name, text);
}

void put_when(cJSON *object, const char *name, int64_t ms) {
    char text[WHEN_TEXT];
    if (ms > 0)
        cJSON_AddStringToObject(object, name, when_print(ms, text));
    else
        cJSON_AddNullToObject(object, name);
}

int read_when(sl_call *call, const cJSON *in, const char *name, int64_t otherwise, int64_t *ms) {
    const char *text = sl_get_text(in, name, NULL);
    *ms = otherwise;
    if (!text || when_parse(text_from(text), ms)) return 0;
    sl_fault(call, sl_printf(call, "/%s", name), "2026-05-04T08:20:00Z", "'%s' is no time", text);
    return sl_fail(call, SL_INVALID, "%s: '%s' is no time; write it as 2026-05-04T08:20:00Z", name,
                   text);
}

cJSON *incident_event(sl_call *call, const struct incident *incident) {
    (void)call;
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "incident_id", incident->id);
    cJSON_AddStringToObject(data, "title", incident->title);
    cJSON_AddStringToObject(data, "severity", incident->severity);
    cJSON_AddItemToObject(data, "services", cJSON_Duplicate(incident->services, true));
    put_known(data, "app_name", incident->app);
    put_known(data, "environment", incident->environment);
    return data;
}

void incident_print(sl_call *call, const struct incident *incident, cJSON *out) {
    (void)call;
    cJSON_AddStringToObject(out, "id", incident->id);
    cJSON_AddStringToObject(out, "title", incident->title);
    cJSON_AddStringToObject(out, "severity", incident->severity);
    cJSON_AddStringToObject(out, "status", incident->status);
    cJSON_AddItemToObject(out, "services", cJSON_Duplicate(incident->services, true));
    put_known(out, "environment", incident->environment);
    put_known(out, "app_name", incident->app);
    cJSON_AddNumberToObject(out, "alerts", (double)incident->alerts);
    cJSON_AddNumberToObject(out, "alerts_firing", (double)incident->firing);
    cJSON_AddItemToObject(out, "roles", cJSON_Duplicate(incident->roles, true));
    cJSON_AddItemToObject(out, "stated", cJSON_Duplicate(incident->extra, true));
    cJSON_AddStringToObject(out, "opened_by", incident->opened_by);
    put_known(out, "merged_into", incident->merged_into);
    put_when(out, "onset_at", incident->onset_ms);
    put_when(out, "detected_at", incident->detected_ms);
    put_when(out, "opened_at", incident->opened_ms);
    put_when(out, "acknowledged_at", incident->acknowledged_ms);
    put_when(out, "mitigated_at", incident->mitigated_ms);
    put_when(out, "resolved_at", incident->resolved_ms);
    cJSON_AddNumberToObject(out, "version", (double)incident->version);
}
