/* documents.c - which documents there are, and how they go. */
#include "rag.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum { FORCE_ABOVE = 10, LIST_MOST = 500 };
static const int64_t tombstone_ms = 7LL * 24 * 3600 * 1000;

/* ---- removing ---- */

void rag_bump(sl_batch *batch) {
    sl_batch_add(batch,
                 "INSERT INTO rag_version(tenant, version, floor) VALUES ($1, 1, 0) "
                 "ON CONFLICT (tenant) DO UPDATE SET version = rag_version.version + 1",
                 SL_NO_ARGS);
}

void rag_emit_changed(sl_batch *batch, const struct intake_told *told) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "added", told->added);
    cJSON_AddNumberToObject(data, "changed", told->changed);
    cJSON_AddNumberToObject(data, "removed", told->removed);
    sl_batch_emit(batch, "rag.documents_changed", "rag/documents", data);
}

/* The row stays for a week without its text, so that every worker's index hears of it. */
void rag_add_removal(sl_call *call, sl_batch *batch, const char *id) {
    sl_batch_add(batch,
                 "UPDATE rag_document SET removed = 1, fingerprint = '', passages = 0, bytes = 0, "
                 "title = '', labels = '[]', url = NULL, updated_ms = $3, "
                 "version = (SELECT version FROM rag_version WHERE tenant = $1) "
                 "WHERE tenant = $1 AND id = $2 AND removed = 0",
                 SL_ARGS(sl_text(id), sl_int(sl_now_ms(call))));
    sl_batch_add(batch, "DELETE FROM rag_passage WHERE tenant = $1 AND document = $2",
                 SL_ARGS(sl_text(id)));
}

/* Rows of what was removed long ago go; an index older than the youngest of them starts anew. */
static void add_purge(sl_call *call, sl_batch *batch) {
    const sl_value before = sl_int(sl_now_ms(call) - tombstone_ms);
    sl_batch_add(batch,
                 "UPDATE rag_version SET floor = COALESCE((SELECT MAX(version) FROM rag_document "
                 "WHERE tenant = $1 AND removed = 1 AND updated_ms < $2), floor) WHERE tenant = $1",
                 SL_ARGS(before));
    sl_batch_add(batch,
                 "DELETE FROM rag_document WHERE tenant = $1 AND removed = 1 AND updated_ms < $2",
                 SL_ARGS(before));
}

static int remove_rows(sl_call *call, const sl_rows *rows, const bool *goes, unsigned count,
                       struct intake_told *told) {
    if (!count) return 0;
    sl_batch *batch = sl_batch_new(call);
    struct intake_told removal = {.removed = count};
    rag_bump(batch);
    for (size_t i = 0; i < rows->count; i++) {
        if (!goes[i]) continue;
        rag_add_removal(call, batch, sl_cell_text(rows, i, "id"));
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "source", sl_cell_text(rows, i, "source"));
        cJSON_AddStringToObject(item, "status", "removed");
        cJSON_AddStringToObject(item, "id", sl_cell_text(rows, i, "id"));
        cJSON_AddItemToArray(told->items, item);
    }
    add_purge(call, batch);
    vectors_add_job(call, batch);
    rag_emit_changed(batch, &removal);
    int rc = sl_commit(batch);
    if (!rc) told->removed += count;
    if (!rc) sl_count(call, "rag_documents_total", count, "removed");
    return rc;
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, RAG_ID_BYTES);
}

int rag_keep_only(sl_call *call, const char *collection, const cJSON *keep, bool force,
                  struct intake_told *told) {
    sl_rows rows;
    if (!told->items) told->items = cJSON_CreateArray();
    int rc = sl_query(call, &rows,
                      "SELECT id, source FROM rag_document WHERE tenant = $1 AND collection = $2 "
                      "AND removed = 0 ORDER BY source",
                      SL_ARGS(sl_text(collection)));
    if (rc) return rc;
    const cJSON *source;
    size_t kept_count = 0;
    char(*ids)[RAG_ID_BYTES] =
        sl_alloc(call, ((size_t)cJSON_GetArraySize(keep) + 1) * RAG_ID_BYTES);
    cJSON_ArrayForEach(source, keep) rag_id_of(source->valuestring, ids[kept_count++]);
    qsort(ids, kept_count, RAG_ID_BYTES, compare_ids);
    bool *goes = sl_alloc(call, rows.count + 1);
    unsigned count = 0;
    for (size_t i = 0; i < rows.count; i++) {
        const char *id = sl_cell_text(&rows, i, "id");
        goes[i] = !bsearch(id, ids, kept_count, RAG_ID_BYTES, compare_ids);
        count += goes[i];
    }
    if (!force && count > FORCE_ABOVE && count > rows.count / 2)
        return sl_fail(call, SL_CONFLICT,
                       "%u of the %zu documents of collection '%s' are not in the list that is to "
                       "stay: is the list whole? Nothing was removed; `force` removes them",
                       count, rows.count, collection);
    return remove_rows(call, &rows, goes, count, told);
}

int rag_forget(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", "");
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT id, source FROM rag_document WHERE tenant = $1 AND removed = 0 AND "
                      "(id = $2 OR source = $2)",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no document '%s': GET /rag/documents lists ids and sources", id);
    struct intake_told told = {.items = cJSON_CreateArray()};
    cJSON_AddStringToObject(out, "id", sl_cell_text(&rows, 0, "id"));
    cJSON_AddStringToObject(out, "source", sl_cell_text(&rows, 0, "source"));
    cJSON_AddBoolToObject(out, "removed", true);
    const bool goes[1] = {true};
    rows.count = 1;
    return remove_rows(call, &rows, goes, 1, &told);
}

/* ---- listing ---- */

static cJSON *document_of(sl_call *call, const sl_rows *rows, size_t i) {
    static const char *const texts[] = {"id", "source", "collection", "title", "format", "url"};
    cJSON *item = cJSON_CreateObject();
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        const char *text = sl_cell_text(rows, i, texts[t]);
        if (text && *text) cJSON_AddStringToObject(item, texts[t], text);
    }
    cJSON *labels = sl_cell_json(call, rows, i, "labels");
    cJSON_AddItemToObject(item, "labels", labels ? labels : cJSON_CreateArray());
    cJSON_AddNumberToObject(item, "bytes", (double)sl_cell_int(rows, i, "bytes"));
    cJSON_AddNumberToObject(item, "passages", (double)sl_cell_int(rows, i, "passages"));
    cJSON_AddNumberToObject(item, "created_at", (double)sl_cell_int(rows, i, "created_ms"));
    cJSON_AddNumberToObject(item, "updated_at", (double)sl_cell_int(rows, i, "updated_ms"));
    return item;
}

#define DOCUMENT_COLUMNS                                                                           \
    "id, source, collection, title, format, url, labels, bytes, passages, created_ms, updated_ms "

int rag_documents(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t limit = sl_get_int(in, "limit", 50);
    const char *collection = sl_get_text(in, "collection", NULL);
    sl_rows rows, total;
    int rc = sl_query(call, &rows,
                      "SELECT " DOCUMENT_COLUMNS "FROM rag_document WHERE tenant = $1 AND "
                      "removed = 0 AND source > $2 AND ($3 = '' OR collection = $3) "
                      "ORDER BY source LIMIT $4",
                      SL_ARGS(sl_text(sl_get_text(in, "after", "")),
                              sl_text(collection ? collection : ""), sl_int(limit + 1)));
    if (rc) return rc;
    rc = sl_query(call, &total,
                  "SELECT COUNT(*) AS documents, COALESCE(SUM(passages), 0) AS passages "
                  "FROM rag_document WHERE tenant = $1 AND removed = 0",
                  SL_NO_ARGS);
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < rows.count && (int64_t)i < limit; i++)
        cJSON_AddItemToArray(items, document_of(call, &rows, i));
    if ((int64_t)rows.count > limit)
        cJSON_AddStringToObject(out, "next", sl_cell_text(&rows, (size_t)limit - 1, "source"));
    cJSON_AddNumberToObject(out, "documents", (double)sl_cell_int(&total, 0, "documents"));
    cJSON_AddNumberToObject(out, "passages", (double)sl_cell_int(&total, 0, "passages"));
    struct rag_stats stats;
    corpus_stats(call, &stats);
    cJSON *index = cJSON_AddObjectToObject(out, "index");
    cJSON_AddNumberToObject(index, "documents", (double)stats.documents);
    cJSON_AddNumberToObject(index, "passages", (double)stats.passages);
    cJSON_AddNumberToObject(index, "terms", (double)stats.terms);
    cJSON_AddNumberToObject(index, "memory_bytes", (double)stats.memory_bytes);
    return 0;
}

static void add_passage(cJSON *list, const sl_rows *rows, size_t i) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "heading", sl_cell_text(rows, i, "heading"));
    cJSON *lines = cJSON_AddArrayToObject(item, "lines");
    cJSON_AddItemToArray(lines, cJSON_CreateNumber((double)sl_cell_int(rows, i, "line_from")));
    cJSON_AddItemToArray(lines, cJSON_CreateNumber((double)sl_cell_int(rows, i, "line_to")));
    cJSON_AddStringToObject(item, "text", sl_cell_text(rows, i, "text"));
    const char *link = sl_cell_text(rows, i, "link");
    if (link) cJSON_AddStringToObject(item, "runbook_url", link);
    cJSON_AddItemToArray(list, item);
}

int rag_document_get(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", "");
    sl_rows rows, passages;
    int rc = sl_query(call, &rows,
                      "SELECT " DOCUMENT_COLUMNS "FROM rag_document WHERE tenant = $1 AND "
                      "removed = 0 AND (id = $2 OR source = $2)",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no document '%s': GET /rag/documents lists ids and sources", id);
    rc = sl_query(call, &passages,
                  "SELECT heading, line_from, line_to, text, link FROM rag_passage "
                  "WHERE tenant = $1 AND document = $2 ORDER BY ordinal",
                  SL_ARGS(sl_text(sl_cell_text(&rows, 0, "id"))));
    if (rc) return rc;
    cJSON *document = document_of(call, &rows, 0);
    cJSON_DeleteItemFromObjectCaseSensitive(document, "passages");
    while (document->child) {
        cJSON *member = cJSON_DetachItemViaPointer(document, document->child);
        cJSON_AddItemToObject(out, member->string, member);
    }
    cJSON *list = cJSON_AddArrayToObject(out, "passages");
    for (size_t i = 0; i < passages.count; i++) add_passage(list, &passages, i);
    return 0;
}
