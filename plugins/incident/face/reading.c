/* reading.c - incident.list and incident.get. */
#include "face.h"

#include <string.h>

static const char beyond_all_ids[] = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZ";

int incident_list(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t limit = sl_get_int(in, "limit", 50);
    const char *status = sl_get_text(in, "status", "");
    const char *service = sl_get_text(in, "service", NULL);
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT " INCIDENT_COLUMNS " FROM incident_incident WHERE tenant = $1 AND id < $2 AND "
        "($3 = '' OR status = $3 OR ($3 = 'active' AND status IN ('open', 'acknowledged', "
        "'mitigated'))) AND ($4 = '' OR environment = $4) AND ($5 = '' OR services LIKE $5) "
        "ORDER BY id DESC LIMIT $6",
        SL_ARGS(sl_text(sl_get_text(in, "cursor", beyond_all_ids)), sl_text(status),
                sl_text(sl_get_text(in, "environment", "")),
                sl_text(service ? sl_printf(call, "%%\"%s\"%%", service) : ""), sl_int(limit + 1)));
    if (rc) return rc;
    const size_t shown = rows.count > (size_t)limit ? (size_t)limit : rows.count;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < shown; i++) {
        struct incident incident;
        incident_from_row(call, &rows, i, &incident);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(items, item);
        incident_print(call, &incident, item);
    }
    if (rows.count > shown)
        cJSON_AddStringToObject(out, "next_cursor", sl_cell_text(&rows, shown - 1, "id"));
    else
        cJSON_AddNullToObject(out, "next_cursor");
    return 0;
}

static int print_alerts(sl_call *call, const char *id, cJSON *out) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows,
                 "SELECT id, source, name, severity, service, summary, runbook, url, starts_ms, "
                 "ends_ms, seen FROM incident_alert WHERE tenant = $1 AND incident_id = $2 "
                 "ORDER BY CASE WHEN ends_ms = 0 THEN 0 ELSE 1 END, starts_ms, id LIMIT 100",
                 SL_ARGS(sl_text(id)));
    if (rc) return rc;
    cJSON *list = cJSON_AddArrayToObject(out, "alert_list");
    for (size_t i = 0; i < rows.count; i++) {
        static const char *const texts[] = {"id",      "source",  "name", "service",
                                            "summary", "runbook", "url"};
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            if (*sl_cell_text(&rows, i, texts[t]))
                cJSON_AddStringToObject(item, texts[t], sl_cell_text(&rows, i, texts[t]));
        cJSON_AddStringToObject(item, "severity",
                                severity_name((int)sl_cell_int(&rows, i, "severity")));
        put_when(item, "starts_at", sl_cell_int(&rows, i, "starts_ms"));
        put_when(item, "ends_at", sl_cell_int(&rows, i, "ends_ms"));
        cJSON_AddNumberToObject(item, "seen", (double)sl_cell_int(&rows, i, "seen"));
    }
    return 0;
}

int incident_get(sl_call *call, const cJSON *in, cJSON *out) {
    struct incident incident;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &incident);
    if (rc) return rc;
    incident_print(call, &incident, out);
    sl_reply_etag(call, sl_printf(call, "v%lld", (long long)incident.version));
    return print_alerts(call, incident.id, out);
}
