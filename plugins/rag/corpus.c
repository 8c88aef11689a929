/* corpus.c - a tenant's index in memory, kept in step with the store.
 *
 * Every change of documents raises the tenant's version in the store; a document's row carries the
 * version of its last change. A search reads the version first and takes in what is newer, whoever
 * wrote it, so every worker finds what is committed, and after a crash the index is built again.
 * Loading runs in fibers of its own, a page of documents each, so that their memory goes again. */
#include "corpus.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 2, IDLE_MS = 30 * 60 * 1000 };

/* ---- which corpora there are ---- */

static size_t bucket_of(const char *name) {
    uint32_t hash = 2166136261U;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash % RAG_TENANT_BUCKETS;
}

/* The tenant's index with vectors of this space; NULL for `space`: any that has been loaded. */
static struct corpus *find(const struct rag *rag, const char *tenant, const char *space) {
    struct corpus *corpus = rag->corpora[bucket_of(tenant)];
    for (; corpus; corpus = corpus->next)
        if (!strcmp(corpus->tenant, tenant) &&
            (space ? !strcmp(corpus->space, space) : corpus->whole))
            break;
    return corpus;
}

static struct rag_index *new_index(int64_t dimension) {
    return rag_index_new(&(struct rag_options){.dimension = (uint32_t)dimension});
}

static struct corpus *find_or_add(struct rag *rag, const char *tenant, const struct space *space) {
    /* Points of a vector service are no part of the index. */
    const bool inside = *space->name && !space->in_qdrant;
    struct corpus *corpus = find(rag, tenant, inside ? space->name : "");
    if (corpus) return corpus;
    corpus = calloc(1, sizeof *corpus);
    char *name = strdup(tenant), *in = strdup(inside ? space->name : "");
    struct rag_index *index = new_index(inside ? space->dimension : 0);
    if (!corpus || !name || !in || !index) {
        free(corpus);
        free(name);
        free(in);
        rag_index_free(index);
        return NULL;
    }
    corpus->tenant = name;
    corpus->space = in;
    corpus->dimension = inside ? space->dimension : 0;
    corpus->index = index;
    corpus->next = rag->corpora[bucket_of(tenant)];
    rag->corpora[bucket_of(tenant)] = corpus;
    return corpus;
}

static void corpus_free(struct corpus *corpus) {
    corpus_pages_free(corpus);
    rag_index_free(corpus->index);
    free(corpus->tenant);
    free(corpus->space);
    free(corpus);
}

void corpus_free_all(struct rag *rag) {
    for (size_t b = 0; b < RAG_TENANT_BUCKETS; b++)
        for (struct corpus *corpus = rag->corpora[b], *next; corpus; corpus = next) {
            next = corpus->next;
            corpus_free(corpus);
        }
}

int corpus_tidy(sl_call *call, const cJSON *in) {
    struct rag *rag = sl_state(call);
    const int64_t before_ms = sl_now_ms(call) - IDLE_MS;
    (void)in;
    for (size_t b = 0; b < RAG_TENANT_BUCKETS; b++)
        for (struct corpus **place = &rag->corpora[b]; *place;) {
            struct corpus *corpus = *place;
            if (corpus->users || corpus->loading || corpus->used_ms > before_ms) {
                place = &corpus->next;
                continue;
            }
            *place = corpus->next;
            corpus_free(corpus);
        }
    return 0;
}

void corpus_stats(sl_call *call, struct rag_stats *out) {
    const struct corpus *corpus = find(sl_state(call), sl_tenant(call), NULL);
    *out = (struct rag_stats){0};
    if (!corpus) return;
    struct rag_version *version = rag_index_version(corpus->index);
    rag_version_stats(version, out);
    rag_version_put(version);
}

/* ---- keeping in step ---- */

static int read_version(sl_call *call, int64_t *version, int64_t *floor) {
    sl_rows rows;
    int rc = sl_query(call, &rows, "SELECT version, floor FROM rag_version WHERE tenant = $1",
                      SL_NO_ARGS);
    if (rc) return rc;
    *version = rows.count ? sl_cell_int(&rows, 0, "version") : 0;
    *floor = rows.count ? sl_cell_int(&rows, 0, "floor") : 0;
    return 0;
}

/* What was removed before `floor` left no trace: all of it is read again. */
static int start_anew(sl_call *call, struct corpus *corpus) {
    struct rag_index *index = new_index(corpus->dimension);
    if (!index) return sl_fail(call, SL_UNAVAILABLE, "memory is out");
    rag_index_free(corpus->index);
    corpus->index = index;
    corpus_pages_free(corpus);
    corpus->version = 0;
    return 0;
}

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

/* Lets other fibers run. On a clock that a test moves by hand a sleep alone would not. */
static int pause_for(sl_call *call, int64_t ms) {
    int rc = sl_sleep(call, ms);
    if (!rc) (void)sl_offload(call, nothing, NULL);
    return rc;
}

static int wait_for(sl_call *call, const struct corpus *corpus) {
    int rc = 0;
    while (corpus->loading && !rc) rc = pause_for(call, WAIT_MS);
    if (rc) return rc;
    if (*corpus->error) return sl_fail(call, SL_UNAVAILABLE, "%s", corpus->error);
    return 0;
}

static int start_load(sl_call *call, struct corpus *corpus, int64_t version) {
    corpus->loading = true;
    corpus->error[0] = '\0';
    corpus->target = version;
    const int rc = sl_spawn(call, corpus_load, corpus);
    if (rc) corpus->loading = false;
    return rc;
}

static int keep_up(sl_call *call, struct corpus *corpus) {
    for (;;) {
        int64_t version = 0, floor = 0;
        while (corpus->loading) {
            int rc = pause_for(call, WAIT_MS);
            if (rc) return rc;
        }
        int rc = read_version(call, &version, &floor);
        if (rc) return rc;
        if (corpus->loading) continue;
        if (corpus->version >= version) return corpus->whole = true, 0;
        if (corpus->version && corpus->version < floor && (rc = start_anew(call, corpus)))
            return rc;
        rc = start_load(call, corpus, version);
        if (rc) return rc;
        rc = wait_for(call, corpus);
        if (rc) return rc;
    }
}

/* ---- searching ---- */

struct search {
    struct rag_version *version;
    struct rag_query query;
    struct rag_result *result;
    int rc;
};

static int do_search(void *arg) {
    struct search *search = arg;
    search->rc = rag_search(search->version, &search->query, &search->result);
    return 0;
}

static struct rag_text text_of(const char *text) {
    return (struct rag_text){text, strlen(text)};
}

/* The text of a hit, from the store and so of this tenant alone; false: it is gone meanwhile. */
static bool fetch_hit(sl_call *call, const struct rag_hit *hit, struct found *found) {
    const uint32_t ordinal = hit->passage == RAG_ANCHOR ? 0 : hit->passage;
    const char *id = sl_strndup(call, hit->document.at, hit->document.len);
    sl_rows rows;
    if (sl_query(call, &rows,
                 "SELECT d.source, d.title, d.url, d.labels, d.collection, p.heading, p.line_from, "
                 "p.line_to, p.text FROM rag_passage p JOIN rag_document d "
                 "ON d.tenant = p.tenant AND d.id = p.document "
                 "WHERE p.tenant = $1 AND d.tenant = $1 AND p.document = $2 AND p.ordinal = $3 "
                 "AND d.removed = 0",
                 SL_ARGS(sl_text(id), sl_int(ordinal))) ||
        !rows.count)
        return false;
    *found = (struct found){.id = id,
                            .source = sl_cell_text(&rows, 0, "source"),
                            .title = sl_cell_text(&rows, 0, "title"),
                            .heading = sl_cell_text(&rows, 0, "heading"),
                            .url = sl_cell_text(&rows, 0, "url"),
                            .text = sl_cell_text(&rows, 0, "text"),
                            .collection = sl_cell_text(&rows, 0, "collection"),
                            .labels = sl_cell_json(call, &rows, 0, "labels"),
                            .line_from = sl_cell_int(&rows, 0, "line_from"),
                            .line_to = sl_cell_int(&rows, 0, "line_to"),
                            .ordinal = ordinal,
                            .score = (double)hit->score,
                            .parts = hit->parts};
    return true;
}

static void fetch_hits(sl_call *call, const struct rag_result *result, struct findings *out) {
    struct found *items = sl_alloc(call, (result->count + 1) * sizeof *items);
    for (size_t i = 0; i < result->count; i++)
        out->count += fetch_hit(call, &result->hits[i], &items[out->count]);
    out->items = items;
    out->evidence = result->evidence;
    out->method = result->method;
}

static size_t take_labels(const cJSON *list, struct rag_text labels[RAG_MAX_LABELS]) {
    size_t count = 0;
    const cJSON *label;
    cJSON_ArrayForEach(label, list) {
        if (count < RAG_MAX_LABELS) labels[count++] = text_of(label->valuestring);
    }
    return count;
}

static int search_version(sl_call *call, struct search *search, struct findings *out) {
    struct rag_stats stats;
    rag_version_stats(search->version, &stats);
    out->documents = stats.documents;
    int rc = 0;
    if (stats.passages > CORPUS_INLINE_PASSAGES)
        rc = sl_offload(call, do_search, search);
    else
        do_search(search);
    if (!rc && !search->rc && search->result)
        fetch_hits(call, search->result, out);
    else if (!rc)
        rc = sl_fail(call, SL_UNAVAILABLE, "the search failed: memory is out");
    rag_result_free(search->result);
    return rc;
}

static int search_corpus(sl_call *call, const struct corpus *corpus, const struct space *space,
                         const struct corpus_question *question, struct findings *out) {
    struct rag_text labels[RAG_MAX_LABELS];
    struct search search = {.query = {.text = text_of(question->text),
                                      .labels = labels,
                                      .label_count = take_labels(question->labels, labels),
                                      .count = question->count,
                                      .per_document = question->per_document}};
    const char *why = NULL;
    /* An index of another space cannot compare the query's vector. */
    const bool fits = space->in_qdrant || !strcmp(corpus->space, space->name);
    if (*space->name && fits) vectors_ask(call, space, question, &search.query, &why);
    search.version = rag_index_version(corpus->index);
    const int rc = search_version(call, &search, out);
    rag_version_put(search.version);
    if (!rc && why) out->method = sl_printf(call, "%s (%s)", out->method, why);
    return rc;
}

/* The index that answers: the one with the serving vectors, or, until that is loaded beside it for
 * the first time, the one before. */
static int choose(sl_call *call, const struct space *space, struct corpus **out) {
    struct rag *rag = sl_state(call);
    struct corpus *wanted = find_or_add(rag, sl_tenant(call), space);
    if (!wanted) return sl_fail(call, SL_UNAVAILABLE, "memory is out");
    struct corpus *before = wanted->whole ? NULL : find(rag, sl_tenant(call), NULL);
    wanted->used_ms = sl_now_ms(call);
    *out = before ? before : wanted;
    if (!before || wanted->loading) return 0;
    int64_t version = 0, floor = 0;
    const int rc = read_version(call, &version, &floor);
    return rc || wanted->loading ? rc : start_load(call, wanted, version);
}

int corpus_search(sl_call *call, const struct corpus_question *question, struct findings *out) {
    const struct rag *rag = sl_state(call);
    struct space space = {0};
    struct corpus *corpus = NULL;
    *out = (struct findings){0};
    int rc = rag->embeds ? vectors_serving(call, &space) : 0;
    if (!rc) rc = choose(call, &space, &corpus);
    if (rc || !corpus) return rc;
    corpus->users++;
    corpus->used_ms = sl_now_ms(call);
    if (rag->embeds) vectors_ensure(call, &corpus->ensured);
    rc = keep_up(call, corpus);
    if (!rc) rc = search_corpus(call, corpus, &space, question, out);
    corpus->users--;
    return rc;
}
