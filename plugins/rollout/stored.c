/* deploy.stored: requests as they were, with what was said of them: for judging them again. */
#include "rollout.h"

#include <string.h>

#define SELECT                                                                                     \
    "SELECT id, created_at, actor, status, request, answer FROM rollout_deployment "               \
    "WHERE tenant = $1"

static int find(sl_call *call, const cJSON *in, int64_t limit, sl_rows *rows) {
    const char *id = sl_get_text(in, "id", NULL);
    if (id) return sl_query(call, rows, SELECT " AND id = $2", SL_ARGS(sl_text(id)));
    return sl_query(
        call, rows,
        SELECT " AND id < $2 AND ($3 = '' OR app = $3) AND ($4 = '' OR environment = $4) "
               "AND created_at >= $5 AND created_at < $6 ORDER BY id DESC LIMIT $7",
        SL_ARGS(sl_text(sl_get_text(in, "cursor", "ZZZZZZZZZZZZZZZZZZZZZZZZZZZ")),
                sl_text(sl_get_text(in, "app_name", "")),
                sl_text(sl_get_text(in, "environment", "")), sl_int(sl_get_int(in, "since_ms", 0)),
                sl_int(sl_get_int(in, "until_ms", INT64_MAX)), sl_int(limit)));
}

static void add_member(cJSON *item, cJSON *answer, const char *name) {
    cJSON *member = cJSON_DetachItemFromObjectCaseSensitive(answer, name);
    if (member) cJSON_AddItemToObject(item, name, member);
}

static void add_item(sl_call *call, cJSON *items, const sl_rows *rows, size_t i) {
    cJSON *request = sl_cell_json(call, rows, i, "request");
    cJSON *answer = sl_cell_json(call, rows, i, "answer");
    if (!request || !answer) return; /* a damaged row: `sluice db check` tells of it */
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", sl_cell_text(rows, i, "id"));
    cJSON_AddNumberToObject(item, "at_ms", (double)sl_cell_int(rows, i, "created_at"));
    cJSON_AddStringToObject(item, "actor", sl_cell_text(rows, i, "actor"));
    cJSON_AddStringToObject(item, "status", sl_cell_text(rows, i, "status"));
    cJSON_AddItemToObject(item, "request", request);
    add_member(item, answer, "policy");
    add_member(item, answer, "risk");
    cJSON_AddItemToArray(items, item);
}

int deploy_stored(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t limit = sl_get_int(in, "limit", 100);
    sl_rows rows;
    int rc = find(call, in, limit + 1, &rows); /* one more tells whether there is a next page */
    if (rc) return rc;
    const size_t shown = rows.count > (size_t)limit ? (size_t)limit : rows.count;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < shown; i++) add_item(call, items, &rows, i);
    cJSON_AddItemToObject(out, "next_cursor",
                          rows.count > shown
                              ? cJSON_CreateString(sl_cell_text(&rows, shown - 1, "id"))
                              : cJSON_CreateNull());
    return 0;
}
