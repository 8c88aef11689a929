#include "vectors.h"

#include <stdio.h>
#include <string.h>

enum {
    RUN_DOCUMENTS = 200, /* of one run of the job, which then queues itself again */
    LOOK_DOCUMENTS = 20,
    TEXTS_MOST = 64, /* of one llm.embed */
    TEXT_BYTES = 8000,
    OUTSIDE_MOST = 60,
    QUERY_BYTES = 4000
};

/* ---- spaces ---- */

static void name_space(struct space *space, bool in_qdrant, const char *model, int64_t dimension) {
    snprintf(space->name, sizeof space->name, "%s:%.120s:%lld", in_qdrant ? "qdrant" : "store",
             model, (long long)dimension);
    space->dimension = dimension;
    space->in_qdrant = in_qdrant;
}

static void take_space(struct space *space, const char *name, int64_t dimension) {
    snprintf(space->name, sizeof space->name, "%s", name);
    space->dimension = dimension;
    space->in_qdrant = strncmp(name, "qdrant:", 7) == 0;
}

int vectors_serving(sl_call *call, struct space *space) {
    sl_rows rows;
    *space = (struct space){0};
    int rc = sl_query(call, &rows,
                      "SELECT space, dimension FROM rag_space WHERE tenant = $1 AND serving = 1 "
                      "ORDER BY made_ms DESC",
                      SL_NO_ARGS);
    if (!rc && rows.count)
        take_space(space, sl_cell_text(&rows, 0, "space"), sl_cell_int(&rows, 0, "dimension"));
    return rc;
}

void vectors_add_job(sl_call *call, sl_batch *batch) {
    const struct rag *rag = sl_state(call);
    if (rag->embeds) sl_batch_job(batch, "vectors", "", 0, NULL);
}

void vectors_ensure(sl_call *call, bool *done) {
    if (*done) return;
    *done = true;
    sl_batch *batch = sl_batch_new(call);
    vectors_add_job(call, batch);
    if (sl_commit(batch)) *done = false;
}

/* A collection of Qdrant for each space; its name says which. */
static const char *collection_of(sl_call *call, const char *space) {
    const struct rag *rag = sl_state(call);
    char hex[65];
    sl_sha256(space, strlen(space), hex);
    return sl_printf(call, "%s-%.12s", sl_get_text(rag->qdrant, "collection", "sluice"), hex);
}

static struct qdrant service_of(sl_call *call) {
    const struct rag *rag = sl_state(call);
    const char *url = sl_get_text(rag->qdrant, "url", "");
    size_t size = strlen(url);
    while (size && url[size - 1] == '/') size--;
    return (struct qdrant){.url = sl_strndup(call, url, size),
                           .api_key = sl_get_text(rag->qdrant, "api_key", NULL),
                           .ca_file = sl_get_text(rag->qdrant, "ca_file", NULL),
                           .timeout_ms = sl_get_int(rag->qdrant, "timeout", 5000)};
}

/* ---- asking ---- */

static int embed(sl_call *call, cJSON *texts, const char *kind, cJSON **out) {
    cJSON *in = cJSON_CreateObject();
    cJSON_AddItemToObject(in, "texts", texts);
    cJSON_AddStringToObject(in, "kind", kind);
    if (!sl_has_op(call, "llm.embed"))
        return sl_fail(call, SL_UNAVAILABLE, "the plugin llm is not loaded");
    int rc = sl_invoke(call, "llm.embed", in, out);
    const cJSON *vectors = rc ? NULL : sl_get(*out, "vectors");
    if (rc || cJSON_GetArraySize(vectors) == cJSON_GetArraySize(texts)) return rc;
    return sl_fail(call, SL_UNAVAILABLE, "llm.embed gave %d vectors for %d texts",
                   cJSON_GetArraySize(vectors), cJSON_GetArraySize(texts));
}

/* False: not `dimension` finite numbers. */
static bool take_vector(const cJSON *list, int64_t dimension, float *out) {
    int64_t n = 0;
    const cJSON *number;
    cJSON_ArrayForEach(number, list) {
        if (!cJSON_IsNumber(number) || n == dimension) return false;
        out[n++] = (float)number->valuedouble;
    }
    return n == dimension;
}

static int ask_service(sl_call *call, const struct space *space, const cJSON *vector,
                       const cJSON *labels, struct rag_query *query) {
    const struct qdrant qdrant = service_of(call);
    struct qdrant_hit hits[OUTSIDE_MOST];
    size_t count = 0;
    const struct qdrant_question question = {vector, labels, OUTSIDE_MOST};
    int rc =
        qdrant_search(call, &qdrant, collection_of(call, space->name), &question, hits, &count);
    struct rag_outside *outside = sl_alloc(call, (count + 1) * sizeof *outside);
    for (size_t i = 0; i < count; i++)
        outside[i] = (struct rag_outside){.document = {hits[i].document, strlen(hits[i].document)},
                                          .passage = (uint32_t)hits[i].ordinal,
                                          .score = (float)hits[i].score};
    query->outside = outside;
    query->outside_count = count;
    return rc;
}

void vectors_ask(sl_call *call, const struct space *space, const struct corpus_question *question,
                 struct rag_query *query, const char **why) {
    cJSON *texts = cJSON_CreateArray(), *told = NULL;
    cJSON_AddItemToArray(texts, cJSON_CreateString(sl_strndup(call, question->text, QUERY_BYTES)));
    if (embed(call, texts, "query", &told)) {
        *why = sl_printf(call, "no vectors: %s", sl_failure(call));
        return;
    }
    struct space asked;
    name_space(&asked, space->in_qdrant, sl_get_text(told, "model", ""),
               sl_get_int(told, "dimension", 0));
    if (strcmp(asked.name, space->name) != 0) {
        *why = "vectors of the new model are being made";
        return;
    }
    const cJSON *vector = sl_get(told, "vectors")->child;
    float *numbers = sl_alloc(call, (size_t)space->dimension * sizeof *numbers);
    if (!take_vector(vector, space->dimension, numbers))
        *why = "no vectors: the query's is damaged";
    else if (!space->in_qdrant)
        query->vector = numbers;
    else if (ask_service(call, space, vector, question->labels, query))
        *why = sl_printf(call, "no vectors: %s", sl_failure(call));
}

int vectors_of(sl_call *call, const char *space, const char *document, int64_t dimension,
               const float **vectors, size_t count) {
    sl_rows rows;
    /* Those that were made of the text as it is now. */
    int rc = sl_query(
        call, &rows,
        "SELECT v.ordinal, v.vector FROM rag_vector v "
        "JOIN rag_vectored m ON m.tenant = v.tenant AND m.space = v.space AND m.document = v.document "
        "JOIN rag_document d ON d.tenant = v.tenant AND d.id = v.document "
        "WHERE v.tenant = $1 AND m.tenant = $1 AND d.tenant = $1 AND v.space = $2 AND "
        "v.document = $3 AND m.fingerprint = d.fingerprint ORDER BY v.ordinal",
        SL_ARGS(sl_text(space), sl_text(document)));
    for (size_t i = 0; i < rows.count && !rc; i++) {
        const int64_t ordinal = sl_cell_int(&rows, i, "ordinal");
        const sl_value *blob = &rows.cells[i * rows.columns + 1];
        if (ordinal < 0 || (size_t)ordinal >= count || blob->type != SL_V_BLOB ||
            blob->size != (size_t)dimension * sizeof(float))
            continue;
        float *copy = sl_alloc(call, blob->size);
        memcpy(copy, blob->as.blob, blob->size);
        vectors[ordinal] = copy;
    }
    return rc;
}

/* ---- the job ---- */

struct making {
    struct space space;
    struct qdrant qdrant; /* of a space there */
    const char *collection;
    bool serving;
};

/* Which model answers now, and the space for it. */
static int find_space(sl_call *call, struct making *making) {
    const struct rag *rag = sl_state(call);
    cJSON *texts = cJSON_CreateArray(), *told = NULL;
    cJSON_AddItemToArray(texts, cJSON_CreateString("dimension"));
    int rc = embed(call, texts, "document", &told);
    if (rc) return rc;
    const int64_t dimension = sl_get_int(told, "dimension", 0);
    if (dimension < 1 || dimension > RAG_MAX_DIMENSION)
        return sl_fail(call, SL_UNAVAILABLE, "llm.embed gives vectors of %lld numbers",
                       (long long)dimension);
    name_space(&making->space, rag->qdrant != NULL, sl_get_text(told, "model", ""), dimension);
    sl_rows rows;
    rc = sl_query(call, &rows, "SELECT serving FROM rag_space WHERE tenant = $1 AND space = $2",
                  SL_ARGS(sl_text(making->space.name)));
    making->serving = !rc && rows.count && sl_cell_int(&rows, 0, "serving");
    if (rc || !making->space.in_qdrant) return rc;
    making->qdrant = service_of(call);
    making->collection = collection_of(call, making->space.name);
    return qdrant_ensure(call, &making->qdrant, making->collection, dimension);
}

static int embed_passages(sl_call *call, const sl_rows *passages, const char *title,
                          cJSON *vectors) {
    for (size_t at = 0; at < passages->count; at += TEXTS_MOST) {
        cJSON *texts = cJSON_CreateArray(), *told = NULL, *vector;
        for (size_t i = at; i < passages->count && i < at + TEXTS_MOST; i++) {
            const char *text =
                sl_printf(call, "%s\n%s\n%s", title, sl_cell_text(passages, i, "heading"),
                          sl_cell_text(passages, i, "text"));
            size_t size = strlen(text) < TEXT_BYTES ? strlen(text) : TEXT_BYTES;
            while (size && ((unsigned char)text[size] & 0xC0) == 0x80) size--;
            cJSON_AddItemToArray(texts, cJSON_CreateString(sl_strndup(call, text, size)));
        }
        int rc = embed(call, texts, "document", &told);
        if (rc) return rc;
        cJSON *made = cJSON_GetObjectItemCaseSensitive(told, "vectors");
        while ((vector = made->child))
            cJSON_AddItemToArray(vectors, cJSON_DetachItemViaPointer(made, vector));
    }
    return 0;
}

static void add_made(sl_batch *batch, const struct making *making, const char *document,
                     const char *fingerprint) {
    sl_batch_add(batch,
                 "INSERT INTO rag_vectored(tenant, space, document, fingerprint) "
                 "VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, space, document) DO UPDATE SET "
                 "fingerprint = excluded.fingerprint",
                 SL_ARGS(sl_text(making->space.name), sl_text(document), sl_text(fingerprint)));
}

/* Into the store; an index that uses the space hears of it as of any change of the document. */
static int store_vectors(sl_call *call, const struct making *making, const char *document,
                         const char *fingerprint, const cJSON *vectors) {
    const size_t bytes = (size_t)making->space.dimension * sizeof(float);
    sl_batch *batch = sl_batch_new(call);
    const cJSON *vector;
    int64_t ordinal = 0;
    sl_batch_add(batch, "DELETE FROM rag_vector WHERE tenant = $1 AND space = $2 AND document = $3",
                 SL_ARGS(sl_text(making->space.name), sl_text(document)));
    cJSON_ArrayForEach(vector, vectors) {
        float *numbers = sl_alloc(call, bytes);
        if (!take_vector(vector, making->space.dimension, numbers))
            return sl_fail(call, SL_UNAVAILABLE, "llm.embed gave a damaged vector");
        sl_batch_add(batch,
                     "INSERT INTO rag_vector(tenant, space, document, ordinal, vector) "
                     "VALUES ($1, $2, $3, $4, $5)",
                     SL_ARGS(sl_text(making->space.name), sl_text(document), sl_int(ordinal),
                             sl_blob(numbers, bytes)));
        ordinal++;
    }
    add_made(batch, making, document, fingerprint);
    if (making->serving) {
        rag_bump(batch);
        sl_batch_add(batch,
                     "UPDATE rag_document SET version = (SELECT version FROM rag_version "
                     "WHERE tenant = $1) WHERE tenant = $1 AND id = $2",
                     SL_ARGS(sl_text(document)));
    }
    return sl_commit(batch);
}

static int send_vectors(sl_call *call, const struct making *making, const char *document,
                        const char *fingerprint, const cJSON *labels, const cJSON *vectors) {
    struct qdrant_point *points =
        sl_alloc(call, ((size_t)cJSON_GetArraySize(vectors) + 1) * sizeof *points);
    size_t count = 0;
    const cJSON *vector;
    cJSON_ArrayForEach(vector, vectors) {
        points[count] = (struct qdrant_point){document, (int64_t)count, vector, labels};
        count++;
    }
    int rc = qdrant_replace(call, &making->qdrant, making->collection, document, points, count);
    if (rc) return rc;
    sl_batch *batch = sl_batch_new(call);
    add_made(batch, making, document, fingerprint);
    return sl_commit(batch);
}

static int make_document(sl_call *call, const struct making *making, const sl_rows *rows,
                         size_t i) {
    const char *document = sl_cell_text(rows, i, "id");
    const char *fingerprint = sl_cell_text(rows, i, "fingerprint");
    const char *collection = sl_cell_text(rows, i, "collection");
    sl_rows passages;
    int rc = sl_query(call, &passages,
                      "SELECT heading, text FROM rag_passage WHERE tenant = $1 AND document = $2 "
                      "ORDER BY ordinal",
                      SL_ARGS(sl_text(document)));
    cJSON *vectors = cJSON_CreateArray();
    if (!rc) rc = embed_passages(call, &passages, sl_cell_text(rows, i, "title"), vectors);
    if (rc || !making->space.in_qdrant)
        return rc ? rc : store_vectors(call, making, document, fingerprint, vectors);
    cJSON *labels = sl_cell_json(call, rows, i, "labels");
    if (labels && collection && *collection)
        cJSON_AddItemToArray(labels,
                             cJSON_CreateString(sl_printf(call, "collection=%s", collection)));
    return send_vectors(call, making, document, fingerprint, labels, vectors);
}

/* Documents of which the space has no vectors, or older ones; some of them. */
static int find_missing(sl_call *call, const struct making *making, sl_rows *rows) {
    return sl_query(
        call, rows,
        "SELECT d.id, d.fingerprint, d.title, d.labels, d.collection FROM rag_document d "
        "LEFT JOIN rag_vectored m ON m.tenant = d.tenant AND m.tenant = $1 AND m.space = $2 "
        "AND m.document = d.id WHERE d.tenant = $1 AND d.removed = 0 AND "
        "(m.fingerprint IS NULL OR m.fingerprint <> d.fingerprint) ORDER BY d.id LIMIT $3",
        SL_ARGS(sl_text(making->space.name), sl_int(LOOK_DOCUMENTS)));
}

static int make_missing(sl_call *call, const struct making *making, bool *all) {
    size_t made = 0;
    for (*all = false; made < RUN_DOCUMENTS;) {
        sl_rows rows;
        int rc = find_missing(call, making, &rows);
        if (rc || !rows.count) return *all = !rc, rc;
        for (size_t i = 0; i < rows.count && !rc; i++, made++) {
            rc = sl_cancelled(call);
            if (!rc) rc = make_document(call, making, &rows, i);
        }
        if (rc) return rc;
    }
    return 0;
}

static int forget_removed(sl_call *call, const struct making *making) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT m.document FROM rag_vectored m LEFT JOIN rag_document d "
                      "ON d.tenant = m.tenant AND d.tenant = $1 AND d.id = m.document "
                      "AND d.removed = 0 WHERE m.tenant = $1 AND m.space = $2 AND d.id IS NULL",
                      SL_ARGS(sl_text(making->space.name)));
    for (size_t i = 0; i < rows.count && !rc; i++) {
        const char *document = sl_cell_text(&rows, i, "document");
        if (making->space.in_qdrant)
            rc = qdrant_forget(call, &making->qdrant, making->collection, document);
        if (rc) break;
        sl_batch *batch = sl_batch_new(call);
        const sl_value values[] = {sl_text(making->space.name), sl_text(document)};
        sl_batch_add(batch,
                     "DELETE FROM rag_vector WHERE tenant = $1 AND space = $2 AND document = $3",
                     values, 2);
        sl_batch_add(batch,
                     "DELETE FROM rag_vectored WHERE tenant = $1 AND space = $2 AND document = $3",
                     values, 2);
        rc = sl_commit(batch);
    }
    return rc;
}

/* All other spaces go: their vectors in the store, and their points where they are in Qdrant. */
static int let_go(sl_call *call, const struct making *making) {
    const struct rag *rag = sl_state(call);
    sl_rows rows;
    int rc = sl_query(call, &rows, "SELECT space FROM rag_space WHERE tenant = $1 AND space <> $2",
                      SL_ARGS(sl_text(making->space.name)));
    for (size_t i = 0; i < rows.count && !rc; i++) {
        const char *space = sl_cell_text(&rows, i, "space");
        if (rag->qdrant && !strncmp(space, "qdrant:", 7)) {
            const struct qdrant qdrant = service_of(call);
            const char *collection = collection_of(call, space);
            rc = qdrant_forget(call, &qdrant, collection, NULL);
            if (!rc) rc = qdrant_drop_empty(call, &qdrant, collection);
            if (rc) break;
        }
        sl_batch *batch = sl_batch_new(call);
        const sl_value values[] = {sl_text(space)};
        sl_batch_add(batch, "DELETE FROM rag_vector WHERE tenant = $1 AND space = $2", values, 1);
        sl_batch_add(batch, "DELETE FROM rag_vectored WHERE tenant = $1 AND space = $2", values, 1);
        sl_batch_add(batch, "DELETE FROM rag_space WHERE tenant = $1 AND space = $2", values, 1);
        rc = sl_commit(batch);
    }
    return rc;
}

static int serve(sl_call *call, const struct making *making) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "UPDATE rag_space SET serving = 0 WHERE tenant = $1 AND space <> $2 "
                 "AND serving = 1",
                 SL_ARGS(sl_text(making->space.name)));
    sl_batch_add(batch, "UPDATE rag_space SET serving = 1 WHERE tenant = $1 AND space = $2",
                 SL_ARGS(sl_text(making->space.name)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "space", making->space.name);
    sl_batch_emit(batch, "rag.vectors_serving", "rag/vectors", data);
    int rc = sl_commit(batch);
    if (!rc) sl_log(call, SL_INFO, "the vectors of %s serve now", making->space.name);
    return rc;
}

static int begin_space(sl_call *call, const struct making *making) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO rag_space(tenant, space, dimension, serving, made_ms) "
                 "VALUES ($1, $2, $3, 0, $4) ON CONFLICT (tenant, space) DO NOTHING",
                 SL_ARGS(sl_text(making->space.name), sl_int(making->space.dimension),
                         sl_int(sl_now_ms(call))));
    return sl_commit(batch);
}

int vectors_make(sl_call *call, const cJSON *in) {
    const struct rag *rag = sl_state(call);
    struct making making = {0};
    bool all = false;
    (void)in;
    if (!rag->embeds) return 0;
    int rc = find_space(call, &making);
    if (!rc) rc = begin_space(call, &making);
    if (!rc) rc = make_missing(call, &making, &all);
    if (rc) return rc;
    if (!all) {
        sl_batch *batch = sl_batch_new(call);
        vectors_add_job(call, batch);
        return sl_commit(batch);
    }
    rc = forget_removed(call, &making);
    if (!rc && !making.serving) rc = serve(call, &making);
    if (!rc) rc = let_go(call, &making);
    return rc;
}
