/* bus_page.c - pages of the log, filtered in the store. */
#include "bus_inside.h"
#include "store.h"

#include <string.h>

#define COLUMNS "seq, at_ms, type, tenant, actor, subject, request_id, data"
#define FROM_LOG                                                                                   \
    " FROM sluice_event WHERE seq > $1 AND seq <= $2 AND type >= $5 AND type <= $6 AND "
/* One text for each filter: an OR over the tenant would keep SQLite from both indexes. */
#define OF_ALL     FROM_LOG "$3 IS NULL AND $4 IS NULL"
#define OF_TENANT  FROM_LOG "tenant = $3 AND $4 IS NULL"
#define OF_SUBJECT FROM_LOG "tenant = $3 AND subject = $4"
#define RISING(of) "SELECT " COLUMNS of " ORDER BY seq LIMIT $7"
#define NEWEST(of)                                                                                 \
    "SELECT * FROM (SELECT " COLUMNS of " ORDER BY seq DESC LIMIT $7) AS page ORDER BY seq"

/* The range of type names that holds all that the pattern matches. */
static void type_range(struct sl_call *call, const char *pattern, sl_value range[2]) {
    size_t size = pattern ? strlen(pattern) : 0;
    if (!size || strcmp(pattern, "*") == 0) {
        range[0] = sl_text("");
        range[1] = sl_text("\x7f");
    } else if (pattern[size - 1] == '*') {
        range[0] = sl_text(arena_strndup(call->arena, pattern, size - 1));
        range[1] = sl_text(arena_printf(call->arena, "%.*s\x7f", (int)size - 1, pattern));
    } else {
        range[0] = range[1] = sl_text(pattern);
    }
}

const char *page_sql(const struct page_query *query) {
    if (query->filter.subject) return query->newest ? NEWEST(OF_SUBJECT) : RISING(OF_SUBJECT);
    if (query->filter.tenant) return query->newest ? NEWEST(OF_TENANT) : RISING(OF_TENANT);
    return query->newest ? NEWEST(OF_ALL) : RISING(OF_ALL);
}

int page_read(struct sl_call *call, const struct page_query *query, sl_rows *rows) {
    sl_value values[7] = {sl_int(query->after_seq), sl_int(query->upto_seq),
                          sl_text(query->filter.tenant), sl_text(query->filter.subject)};
    type_range(call, query->filter.type, values + 4);
    values[6] = sl_int(query->limit);
    return store_query(call, rows, page_sql(query), values, 7);
}

sl_event page_event(const sl_rows *rows, size_t row) {
    return (sl_event){.seq = sl_cell_int(rows, row, "seq"),
                      .at_ms = sl_cell_int(rows, row, "at_ms"),
                      .type = sl_cell_text(rows, row, "type"),
                      .tenant = sl_cell_text(rows, row, "tenant"),
                      .actor = sl_cell_text(rows, row, "actor"),
                      .subject = sl_cell_text(rows, row, "subject"),
                      .request_id = sl_cell_text(rows, row, "request_id"),
                      .attempt = 1};
}
