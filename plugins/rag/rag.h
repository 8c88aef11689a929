/* rag.h - the plugin's state, and what its files with a host share. */
#ifndef RAG_RAG_H
#define RAG_RAG_H

#include "index/index.h"
#include "reading.h"
#include "rules.h"

#include <sluice/sluice.h>

enum rag_bounds {
    RAG_ID_BYTES = 25,       /* 24 digits and NUL */
    RAG_SOURCE_BYTES = 1000, /* of a document's name */
    RAG_BATCH_MOST = 2000,   /* documents of one request */
    RAG_TENANT_BUCKETS = 64
};

struct corpus;

struct watch {
    cJSON *options; /* folder, collection, tenant, labels, every; kept */
    int64_t at_ms;  /* of the last run; 0: none in this worker */
    bool running;
};

struct rag {
    struct corpus *corpora[RAG_TENANT_BUCKETS];
    read_html_fn read_html; /* of rag-html.so; NULL until first used */
    struct watch *watches;  /* folders of the configuration */
    size_t watch_count;
    cJSON *qdrant; /* options of the vector service; kept; NULL: embedded */
    bool embeds;   /* vectors come from llm.embed */
};

/* ---- documents in (ingest.c) ---- */

struct intake {
    const char *source, *text;
    size_t size;
    const char *title, *format, *url, *collection; /* NULL: none, told by the document */
    const cJSON *labels;                           /* a list of texts, or NULL */
};

struct intake_told {
    unsigned added, changed, unchanged, removed, failed;
    cJSON *items; /* [{source, id, status, passages, error}], in order */
};

/* Reads the documents that changed and keeps them, all in one batch. A document that cannot be read is told in `items` and stops no
 * other. Suspends. */
int rag_take(sl_call *call, const struct intake *intakes, size_t count, struct intake_told *told);
/* Removes documents of `collection` that are not in `keep` (a list of sources). More than half of
 * more than ten are only removed with `force`: SL_CONFLICT. Suspends. */
int rag_keep_only(sl_call *call, const char *collection, const cJSON *keep, bool force,
                  struct intake_told *told);
/* Parts of a batch that changes documents: the new version, and the event. */
void rag_bump(sl_batch *batch);
void rag_emit_changed(sl_batch *batch, const struct intake_told *told);
/* Adds the removal of one document to a batch (behind rag_bump). */
void rag_add_removal(sl_call *call, sl_batch *batch, const char *id);
void rag_put_told(const struct intake_told *told, cJSON *out);
/* The id of a document: 24 hexadecimal digits of the SHA-256 of its source. */
void rag_id_of(const char *source, char id[RAG_ID_BYTES]);
/* The path of a module beside the plugin; NULL: not known. */
const char *rag_module_path(sl_call *call, const char *name);
/* Loads rag-html.so. 0, or the code of sl_fail. */
int rag_load_html(sl_call *call, struct rag *rag);

/* ---- the index of a tenant (corpus.c) ---- */

struct corpus_question {
    const char *text;
    const cJSON *labels; /* list, or NULL */
    size_t count, per_document;
};

/* A passage that was found, with its text from the store; all in the call's arena. */
struct found {
    const char *id, *source, *title, *heading, *url, *text, *collection;
    cJSON *labels;
    int64_t line_from, line_to, ordinal;
    double score;
    struct rag_parts parts;
};

struct findings {
    const struct found *items;
    size_t count;
    struct rag_evidence evidence;
    const char *method;
    size_t documents; /* in the index */
};

/* Searches what is committed, also by other workers. Suspends. */
int corpus_search(sl_call *call, const struct corpus_question *question, struct findings *out);
/* Adds confidence, answerable, verdict and evidence to an answer. */
void rag_put_evidence(const struct findings *findings, cJSON *out);
/* Sizes of the caller's index, without loading it: all 0 when it is not in memory. */
void corpus_stats(sl_call *call, struct rag_stats *out);
void corpus_free_all(struct rag *rag);
/* Lets go of what nobody has asked for half an hour. */
int corpus_tidy(sl_call *call, const cJSON *in);

/* ---- handlers ---- */
int rag_ingest(sl_call *call, const cJSON *in, cJSON *out);
int rag_upload(sl_call *call, const cJSON *in, cJSON *out);
int rag_query(sl_call *call, const cJSON *in, cJSON *out);
int rag_answer(sl_call *call, const cJSON *in, cJSON *out);
int rag_documents(sl_call *call, const cJSON *in, cJSON *out);
int rag_document_get(sl_call *call, const cJSON *in, cJSON *out);
int rag_forget(sl_call *call, const cJSON *in, cJSON *out);
int rag_watch(sl_call *call, const cJSON *in);
int rag_hear_resolved(sl_call *call, const sl_event *event);

#endif
