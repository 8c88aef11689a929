/* corpus_load.c - what changed since the index's version, from the store into the index. */
#include "corpus.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, PAGE_BYTES = 8 << 20, LEARN_AT_ONCE = 500, LEARN_POLL_MS = 5 };

static int out_of_memory(sl_call *call) {
    return sl_fail(call, SL_UNAVAILABLE, "memory is out");
}

/* ---- what documents there are ---- */

static bool replace_text(char **place, const char *text) {
    free(*place);
    *place = text ? strdup(text) : NULL;
    return *place || !text;
}

static int take_rules(sl_call *call, struct corpus *corpus, const char *id) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT ordinal, heading, link, anchor FROM rag_passage "
                      "WHERE tenant = $1 AND document = $2 ORDER BY ordinal",
                      SL_ARGS(sl_text(id)));
    for (size_t i = 0; i < rows.count && !rc; i++) {
        const char *anchor = sl_cell_text(&rows, i, "anchor");
        struct rule rule = {.ordinal = sl_cell_int(&rows, i, "ordinal"),
                            .text = (char *)(anchor ? anchor : ""),
                            .alert = (char *)sl_cell_text(&rows, i, "heading"),
                            .link = (char *)sl_cell_text(&rows, i, "link")};
        memcpy(rule.document, id, strnlen(id, RAG_ID_BYTES - 1));
        if (!corpus_rule_add(corpus, &rule)) rc = out_of_memory(call);
    }
    return rc;
}

static int take_row(sl_call *call, struct corpus *corpus, const sl_rows *rows, size_t i) {
    const char *id = sl_cell_text(rows, i, "id");
    const char *title = sl_cell_text(rows, i, "title");
    if (corpus->rule_count) corpus_rules_drop(corpus, id);
    if (sl_cell_int(rows, i, "removed")) {
        rag_index_remove(corpus->index, (struct rag_text){id, strlen(id)});
        corpus_page_remove(corpus, id);
        return 0;
    }
    struct page *page = corpus_page(corpus, id);
    if (!page) page = corpus_page_add(corpus, id);
    if (!page || !replace_text(&page->source, sl_cell_text(rows, i, "source")) ||
        !replace_text(&page->title, title ? title : "") ||
        !replace_text(&page->url, sl_cell_text(rows, i, "url")))
        return out_of_memory(call);
    page->rules = sl_cell_int(rows, i, "rules") != 0;
    page->dirty = true;
    return page->rules ? take_rules(call, corpus, id) : 0;
}

static int take_documents(sl_call *call, struct corpus *corpus) {
    int64_t version = corpus->version;
    const char *id = "~"; /* behind every id: those of this version are known */
    for (;;) {
        sl_rows rows;
        int rc =
            sl_query(call, &rows,
                     "SELECT id, source, title, url, rules, removed, version FROM rag_document "
                     "WHERE tenant = $1 AND (version > $2 OR (version = $2 AND id > $3)) "
                     "ORDER BY version, id LIMIT $4",
                     SL_ARGS(sl_int(version), sl_text(id), sl_int(ROWS)));
        for (size_t i = 0; i < rows.count && !rc; i++) rc = take_row(call, corpus, &rows, i);
        if (rc || rows.count < ROWS) return rc;
        version = sl_cell_int(&rows, rows.count - 1, "version");
        id = sl_cell_text(&rows, rows.count - 1, "id");
    }
}

/* ---- their passages ---- */

/* A load in progress, handed from fiber to fiber: each takes some documents, and its memory goes
 * with it. Malloc'ed. */
struct load {
    struct corpus *corpus;
    struct page **pages; /* those to be put */
    size_t count, at;
    int64_t from_ns;
    /* of the fiber that runs */
    struct rag_document *documents;
    size_t ready;
    int put_rc;
    bool good;
    struct rag_model *model;
};

static struct rag_text text_of(const char *text) {
    return (struct rag_text){text ? text : "", text ? strlen(text) : 0};
}

static bool told_elsewhere(const struct corpus *corpus, const char *document, int64_t ordinal) {
    for (size_t i = 0; i < corpus->rule_count; i++) {
        const struct rule *rule = &corpus->rules[i];
        if (rule->ordinal == ordinal && rule->page && !strcmp(rule->document, document))
            return true;
    }
    return false;
}

static void take_anchors(sl_call *call, const struct corpus *corpus, const struct page *page,
                         struct rag_document *document) {
    size_t count = 0;
    for (size_t i = 0; i < corpus->rule_count; i++) count += corpus->rules[i].page == page;
    if (!count) return;
    struct rag_text *anchors = sl_alloc(call, count * sizeof *anchors);
    for (size_t i = 0; i < corpus->rule_count; i++)
        if (corpus->rules[i].page == page)
            anchors[document->anchor_count++] = text_of(corpus->rules[i].text);
    document->anchors = anchors;
}

/* The labels as asked, and "collection=NAME". */
static int take_labels(sl_call *call, const char *id, struct rag_document *document) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT labels, collection FROM rag_document WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc || !rows.count) return rc;
    const cJSON *labels = sl_cell_json(call, &rows, 0, "labels"), *label;
    const char *collection = sl_cell_text(&rows, 0, "collection");
    struct rag_text *all = sl_alloc(call, ((size_t)cJSON_GetArraySize(labels) + 1) * sizeof *all);
    cJSON_ArrayForEach(label, labels) {
        if (document->label_count < RAG_MAX_LABELS - 1 && cJSON_IsString(label))
            all[document->label_count++] = text_of(label->valuestring);
    }
    if (collection && *collection)
        all[document->label_count++] = text_of(sl_printf(call, "collection=%s", collection));
    document->labels = all;
    return 0;
}

static int take_vectors(sl_call *call, const struct corpus *corpus, const char *id,
                        struct rag_passage *passages, size_t count) {
    const float **vectors = sl_alloc(call, (count + 1) * sizeof *vectors);
    const int rc = vectors_of(call, corpus->space, id, corpus->dimension, vectors, count);
    for (size_t i = 0; i < count && !rc; i++) passages[i].vector = vectors[i];
    return rc;
}

/* Fills one document; its bytes are added to `bytes`. */
static int fetch_document(sl_call *call, const struct corpus *corpus, const struct page *page,
                          struct rag_document *document, size_t *bytes) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT ordinal, heading, text, anchor FROM rag_passage "
                      "WHERE tenant = $1 AND document = $2 ORDER BY ordinal",
                      SL_ARGS(sl_text(page->id)));
    if (rc) return rc;
    struct rag_passage *passages = sl_alloc(call, (rows.count + 1) * sizeof *passages);
    size_t shown = 0;
    for (size_t i = 0; i < rows.count; i++) {
        if (page->rules && told_elsewhere(corpus, page->id, sl_cell_int(&rows, i, "ordinal")))
            continue; /* an empty passage keeps the place */
        const char *words = page->rules ? sl_cell_text(&rows, i, "anchor") : NULL;
        passages[i] =
            (struct rag_passage){.heading = text_of(sl_cell_text(&rows, i, "heading")),
                                 .text = text_of(words ? words : sl_cell_text(&rows, i, "text"))};
        *bytes += passages[i].text.len;
        shown++;
    }
    *document = (struct rag_document){.id = text_of(page->id),
                                      .title = text_of(page->title),
                                      .passages = passages,
                                      .passage_count = shown ? rows.count : 0};
    take_anchors(call, corpus, page, document);
    rc = corpus->dimension ? take_vectors(call, corpus, page->id, passages, rows.count) : 0;
    return rc ? rc : take_labels(call, page->id, document);
}

static int put_documents(void *arg) {
    struct load *load = arg;
    load->put_rc = 0;
    for (size_t i = 0; i < load->ready && !load->put_rc; i++) {
        const struct rag_document *document = &load->documents[i];
        if (document->passage_count)
            load->put_rc = rag_index_put(load->corpus->index, document);
        else
            rag_index_remove(load->corpus->index, document->id);
    }
    return 0;
}

static int do_settle(void *arg) {
    struct load *load = arg;
    load->good = corpus_rules_settle(load->corpus);
    return 0;
}

/* Learns from what is published. Slow for many documents; touches the index only by its version. */
static int do_learn(void *arg) {
    struct load *load = arg;
    struct rag_version *version = rag_index_version(load->corpus->index);
    load->good = rag_learn(version, &load->model) == RAG_OK;
    rag_version_put(version);
    return 0;
}

static int do_use(void *arg) {
    struct load *load = arg;
    rag_index_use(load->corpus->index, load->model);
    load->model = NULL;
    load->good = rag_index_publish(load->corpus->index) == RAG_OK;
    return 0;
}

static int do_publish(void *arg) {
    struct load *load = arg;
    struct rag_index *index = load->corpus->index;
    load->good = rag_index_publish(index) == RAG_OK;
    if (!load->good || load->corpus->page_count > LEARN_AT_ONCE || !rag_index_wants_learning(index))
        return 0;
    do_learn(load);
    return load->good ? do_use(load) : 0;
}

/* ---- step by step ---- */

static void start_learning(sl_call *call, struct corpus *corpus);

static void end_load(sl_call *call, struct load *load, int rc) {
    struct corpus *corpus = load->corpus;
    if (rc) {
        snprintf(corpus->error, sizeof corpus->error, "the documents cannot be read: %s",
                 sl_failure(call));
        sl_log(call, SL_WARN, "%s", corpus->error);
    } else {
        corpus->version = corpus->target;
        corpus->whole = true;
        sl_observe(call, "rag_load_seconds", (double)(sl_clock_ns(call) - load->from_ns) / 1e9,
                   NULL);
    }
    corpus->loading = false;
    if (!rc) start_learning(call, corpus);
    if (!rc) corpus_start_graph(call, corpus);
    free(load->pages);
    free(load);
}

/* Puts some documents, as many as make a page. */
static int put_some(sl_call *call, struct load *load) {
    const size_t left = load->count - load->at;
    const size_t most = left < CORPUS_PAGE ? left : CORPUS_PAGE;
    size_t bytes = 0;
    int rc = 0;
    load->documents = sl_alloc(call, (most + 1) * sizeof *load->documents);
    load->ready = 0;
    while (!rc && load->ready < most && bytes < PAGE_BYTES) {
        rc = fetch_document(call, load->corpus, load->pages[load->at + load->ready],
                            &load->documents[load->ready], &bytes);
        load->ready += !rc;
    }
    if (!rc) rc = sl_offload(call, put_documents, load);
    if (!rc && load->put_rc)
        rc = sl_fail(call, SL_UNAVAILABLE, "the index takes no more (%d)", load->put_rc);
    for (size_t i = 0; i < load->ready && !rc; i++) {
        struct page *page = load->pages[load->at + i];
        page->dirty = false;
        page->anchors = page->anchors_now;
    }
    load->at += load->ready;
    return rc;
}

/* Many documents: searches go on by the model before, or by words and letters, meanwhile. */
static void learn_later(sl_call *call, void *arg) {
    struct load *load = arg;
    struct corpus *corpus = load->corpus;
    int rc = sl_offload(call, do_learn, load);
    while (!rc && corpus->loading) rc = sl_sleep(call, LEARN_POLL_MS);
    if (!rc && load->good && load->model) {
        corpus->loading = true;
        rc = sl_offload(call, do_use, load);
        corpus->loading = false;
    }
    if (rc) sl_log(call, SL_INFO, "learning from the documents was put off: %s", sl_failure(call));
    rag_model_free(load->model);
    corpus->learning = false;
    corpus->users--;
    free(load);
}

static void start_learning(sl_call *call, struct corpus *corpus) {
    if (corpus->learning || !rag_index_wants_learning(corpus->index)) return;
    struct load *load = calloc(1, sizeof *load);
    if (!load) return;
    load->corpus = corpus;
    corpus->learning = true;
    corpus->users++; /* so that nobody lets go of it */
    if (!sl_spawn(call, learn_later, load)) return;
    corpus->learning = false;
    corpus->users--;
    free(load);
}

static void next_step(sl_call *call, void *arg) {
    struct load *load = arg;
    int rc = load->at < load->count ? put_some(call, load) : 0;
    if (!rc && load->at < load->count) {
        rc = sl_spawn(call, next_step, load);
        if (!rc) return;
    }
    if (!rc) rc = sl_offload(call, do_publish, load);
    if (!rc && !load->good) rc = out_of_memory(call);
    end_load(call, load, rc);
}

static int find_dirty(sl_call *call, struct load *load) {
    const struct corpus *corpus = load->corpus;
    load->pages = calloc(corpus->page_count + 1, sizeof(struct page *));
    if (!load->pages) return out_of_memory(call);
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b]; page; page = page->next)
            if (page->dirty) load->pages[load->count++] = page;
    return 0;
}

void corpus_load(sl_call *call, void *arg) {
    struct corpus *corpus = arg;
    struct load *load = calloc(1, sizeof *load);
    if (!load) {
        snprintf(corpus->error, sizeof corpus->error, "memory is out");
        corpus->loading = false;
        return;
    }
    load->corpus = corpus;
    load->from_ns = sl_clock_ns(call);
    int rc = take_documents(call, corpus);
    if (!rc) rc = sl_offload(call, do_settle, load);
    if (!rc && !load->good) rc = out_of_memory(call);
    if (!rc) rc = find_dirty(call, load);
    if (!rc) rc = sl_spawn(call, next_step, load);
    if (rc) end_load(call, load, rc);
}
