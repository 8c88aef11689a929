/* ingest.c - documents in: read beside the loop, kept in one batch, nothing written when unchanged. */
#include "html/html.h"
#include "rag.h"
#include "vectors.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void rag_id_of(const char *source, char id[RAG_ID_BYTES]) {
    char hex[65];
    sl_sha256(source, strlen(source), hex);
    memcpy(id, hex, RAG_ID_BYTES - 1);
    id[RAG_ID_BYTES - 1] = '\0';
}

const char *rag_module_path(sl_call *call, const char *name) {
    Dl_info here;
    if (!dladdr((void *)(uintptr_t)rag_module_path, &here) || !here.dli_fname) return NULL;
    const char *slash = strrchr(here.dli_fname, '/');
    const int folder = slash ? (int)(slash - here.dli_fname) + 1 : 0;
    return sl_printf(call, "%.*smodules/%s", folder, here.dli_fname, name);
}

int rag_load_html(sl_call *call, struct rag *rag) {
    if (rag->read_html) return 0;
    const char *path = rag_module_path(call, "rag-html.so");
    if (!path) return sl_fail(call, SL_INTERNAL, "the folder of the rag plugin is not known");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return sl_fail(call, SL_UNAVAILABLE, "HTML cannot be read here: %s", dlerror());
    *(void **)&rag->read_html = dlsym(library, "rag_read_html");
    if (rag->read_html) return 0;
    return sl_fail(call, SL_INTERNAL, "%s is of another version", path);
}

/* ---- one document on its way in ---- */

enum fate { ADDED, CHANGED, UNCHANGED, FAILED };

struct draft {
    const struct intake *intake;
    enum reading_format format;
    char id[RAG_ID_BYTES];
    char fingerprint[65];
    const char *labels; /* JSON, as asked */
    enum fate fate;
    const char *error;
    struct reading reading;
    read_html_fn html;
};

struct work {
    struct draft *drafts;
    size_t count;
};

static int read_drafts(void *arg) {
    struct work *work = arg;
    for (size_t i = 0; i < work->count; i++) {
        struct draft *draft = &work->drafts[i];
        if (draft->fate == UNCHANGED || draft->fate == FAILED) continue;
        const struct reading_ask ask = {.name = draft->intake->source,
                                        .format = draft->format,
                                        .bytes = draft->intake->text,
                                        .size = draft->intake->size,
                                        .html = draft->html};
        if (!reading_of(&draft->reading, &ask)) continue;
        draft->fate = FAILED;
        draft->error = draft->reading.error;
    }
    return 0;
}

/* Of all that makes the passages: the reader's version too. */
static void take_fingerprint(sl_call *call, struct draft *draft) {
    const struct intake *in = draft->intake;
    char hex[65];
    sl_sha256(in->text, in->size, hex);
    const char *all = sl_printf(call, "%s\n%s\n%s\n%s\n%s\n%s\n%s", READING_VERSION,
                                reading_format_name(draft->format), in->title ? in->title : "",
                                in->url ? in->url : "", in->collection ? in->collection : "",
                                draft->labels ? draft->labels : "", hex);
    sl_sha256(all, strlen(all), draft->fingerprint);
}

static int look_up(sl_call *call, struct draft *draft) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT fingerprint, removed FROM rag_document WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(draft->id)));
    if (rc) return rc;
    const bool known = rows.count && !sl_cell_int(&rows, 0, "removed");
    draft->fate = ADDED;
    if (known)
        draft->fate = strcmp(sl_cell_text(&rows, 0, "fingerprint"), draft->fingerprint) == 0
                          ? UNCHANGED
                          : CHANGED;
    return 0;
}

static int start_draft(sl_call *call, struct draft *draft, const struct intake *intake) {
    struct rag *rag = sl_state(call);
    *draft = (struct draft){.intake = intake};
    draft->format = reading_format_named(intake->format ? intake->format : "auto");
    if (draft->format == FORMAT_AUTO)
        draft->format = reading_format_of(intake->source, intake->text, intake->size);
    rag_id_of(intake->source, draft->id);
    draft->labels = intake->labels ? sl_json_print(call, intake->labels) : NULL;
    take_fingerprint(call, draft);
    int rc = look_up(call, draft);
    if (rc || draft->fate == UNCHANGED || draft->format != FORMAT_HTML) return rc;
    if (rag_load_html(call, rag)) {
        draft->fate = FAILED;
        draft->error = sl_failure(call);
    }
    draft->html = rag->read_html;
    return 0;
}

/* ---- the batch ---- */

static cJSON *labels_of(const struct draft *draft) {
    cJSON *all = cJSON_CreateArray();
    const cJSON *label;
    cJSON_ArrayForEach(label, draft->intake->labels) {
        cJSON_AddItemToArray(all, cJSON_CreateString(label->valuestring));
    }
    for (size_t i = 0; i < draft->reading.label_count; i++)
        cJSON_AddItemToArray(all, cJSON_CreateString(draft->reading.labels[i]));
    return all;
}

static void add_document(sl_call *call, sl_batch *batch, const struct draft *draft) {
    const struct intake *in = draft->intake;
    const struct reading *reading = &draft->reading;
    const bool rules = reading->passages[0].rule;
    const char *title = in->title && *in->title ? in->title : reading->title;
    const char *url = in->url && *in->url ? in->url : reading->url;
    sl_batch_add(
        batch,
        "INSERT INTO rag_document(tenant, id, source, collection, title, format, url, labels, "
        "fingerprint, bytes, passages, rules, version, removed, created_ms, updated_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
        "(SELECT version FROM rag_version WHERE tenant = $1), 0, $13, $13) "
        "ON CONFLICT (tenant, id) DO UPDATE SET source = excluded.source, "
        "collection = excluded.collection, title = excluded.title, format = excluded.format, "
        "url = excluded.url, labels = excluded.labels, fingerprint = excluded.fingerprint, "
        "bytes = excluded.bytes, passages = excluded.passages, rules = excluded.rules, "
        "version = excluded.version, removed = 0, updated_ms = excluded.updated_ms",
        SL_ARGS(sl_text(draft->id), sl_text(in->source),
                sl_text(in->collection ? in->collection : ""), sl_text(title),
                sl_text(rules ? "rules" : reading_format_name(draft->format)), sl_text(url),
                sl_text(sl_json_print(call, labels_of(draft))), sl_text(draft->fingerprint),
                sl_int((int64_t)in->size), sl_int((int64_t)reading->passage_count), sl_int(rules),
                sl_int(sl_now_ms(call))));
}

static sl_value text_of(const char *text, size_t size) {
    sl_value value = sl_text(text);
    value.size = size;
    return value;
}

static void add_passages(sl_batch *batch, const struct draft *draft) {
    const struct reading *reading = &draft->reading;
    /* Also when it is new: another worker may have added it since we looked. */
    sl_batch_add(batch, "DELETE FROM rag_passage WHERE tenant = $1 AND document = $2",
                 SL_ARGS(sl_text(draft->id)));
    for (size_t i = 0; i < reading->passage_count; i++) {
        const struct passage *p = &reading->passages[i];
        sl_batch_add(batch,
                     "INSERT INTO rag_passage(tenant, document, ordinal, heading, line_from, "
                     "line_to, text, link, anchor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                     SL_ARGS(sl_text(draft->id), sl_int((int64_t)i), sl_text(p->heading),
                             sl_int(p->from), sl_int(p->to), text_of(p->text, p->size),
                             sl_text(p->link), sl_text(p->anchor)));
    }
}

static int keep_drafts(sl_call *call, const struct work *work, const struct intake_told *told) {
    if (!told->added && !told->changed) return 0;
    sl_batch *batch = sl_batch_new(call);
    rag_bump(batch);
    for (size_t i = 0; i < work->count; i++) {
        const struct draft *draft = &work->drafts[i];
        if (draft->fate != ADDED && draft->fate != CHANGED) continue;
        add_document(call, batch, draft);
        add_passages(batch, draft);
    }
    vectors_add_job(call, batch);
    rag_emit_changed(batch, told);
    return sl_commit(batch);
}

/* ---- what is told ---- */

static void tell(struct intake_told *told, const struct draft *draft) {
    static const char *const words[] = {"added", "changed", "unchanged", "failed"};
    unsigned *const counts[] = {&told->added, &told->changed, &told->unchanged, &told->failed};
    *counts[draft->fate] += 1;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "source", draft->intake->source);
    cJSON_AddStringToObject(item, "status", words[draft->fate]);
    if (draft->fate == FAILED)
        cJSON_AddStringToObject(item, "error", draft->error);
    else
        cJSON_AddStringToObject(item, "id", draft->id);
    if (draft->fate == ADDED || draft->fate == CHANGED)
        cJSON_AddNumberToObject(item, "passages", (double)draft->reading.passage_count);
    cJSON_AddItemToArray(told->items, item);
}

void rag_put_told(const struct intake_told *told, cJSON *out) {
    cJSON_AddNumberToObject(out, "added", told->added);
    cJSON_AddNumberToObject(out, "changed", told->changed);
    cJSON_AddNumberToObject(out, "unchanged", told->unchanged);
    cJSON_AddNumberToObject(out, "removed", told->removed);
    cJSON_AddNumberToObject(out, "failed", told->failed);
    cJSON_AddItemToObject(out, "items", told->items);
}

/* The last draft of `work`, when one before has its source. */
static void refuse_second(struct work *work) {
    struct draft *last = &work->drafts[work->count - 1];
    for (size_t i = 0; i + 1 < work->count; i++)
        if (!memcmp(work->drafts[i].id, last->id, RAG_ID_BYTES)) {
            last->fate = FAILED;
            last->error = "another document of this request has the same source";
        }
}

int rag_take(sl_call *call, const struct intake *intakes, size_t count, struct intake_told *told) {
    struct work work = {.drafts = sl_alloc(call, (count + 1) * sizeof(struct draft))};
    int rc = 0;
    if (!told->items) told->items = cJSON_CreateArray();
    for (size_t i = 0; i < count && !rc; i++) {
        rc = start_draft(call, &work.drafts[work.count++], &intakes[i]);
        refuse_second(&work);
    }
    if (!rc) rc = sl_offload(call, read_drafts, &work);
    for (size_t i = 0; i < work.count && !rc; i++) tell(told, &work.drafts[i]);
    if (!rc) rc = keep_drafts(call, &work, told);
    for (size_t i = 0; i < work.count; i++) reading_fini(&work.drafts[i].reading);
    if (rc) return rc;
    sl_count(call, "rag_documents_total", told->added, "added");
    sl_count(call, "rag_documents_total", told->changed, "changed");
    sl_count(call, "rag_documents_total", told->unchanged, "unchanged");
    sl_count(call, "rag_documents_total", told->failed, "failed");
    return 0;
}
