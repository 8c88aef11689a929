/*
 * Search over the passages of one tenant: pure, in memory, no host and no I/O.
 *
 * There is one index a tenant, so that no filter stands between tenants. One thread at a time may
 * write (put, remove, learn, publish); any number of threads may search a *version*, which never
 * changes, while the next one is being built:
 *
 *     struct rag_index *index = rag_index_new(&(struct rag_options){0});
 *     rag_index_put(index, &document);
 *     rag_index_publish(index);                      // from now on it is found
 *
 *     struct rag_version *version = rag_index_version(index); // a reference, on any thread
 *     struct rag_result *result = NULL;
 *     int rc = rag_search(version, &(struct rag_query){.text = RAG_TEXT("disk is full")}, &result);
 *     for (size_t i = 0; i < result->count; i++) show(&result->hits[i]);
 *     rag_result_free(result);
 *     rag_version_put(version);
 *
 * Texts of passages are not kept: a hit names its document and the passage's place in it. The index
 * is not stored either: putting a store's passages back takes about 1 s for 60 MB (README.md).
 */
#ifndef RAG_INDEX_H
#define RAG_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rag_status {
    RAG_OK = 0,
    RAG_NO_MEMORY = 1,
    RAG_LIMIT = 2,   /* a document is larger than enum rag_limit allows */
    RAG_INVALID = 3, /* a document without id, a vector of the wrong dimension */
};

enum rag_limit {
    RAG_MAX_PASSAGES = 20000,        /* of one document */
    RAG_MAX_TEXT = 64 * 1024 * 1024, /* bytes of one document */
    RAG_MAX_QUERY = 8192,            /* bytes that are read of a query; the rest is ignored */
    RAG_MAX_LABELS = 64,             /* of one document or filter */
    RAG_MAX_DIMENSION = 4096,
    RAG_MAX_HITS = 200,
    RAG_MAX_OUTSIDE = 1000, /* further ones are ignored */
};

struct rag_text {
    const char *at; /* UTF-8, need not end in NUL; bytes that are not UTF-8 part words */
    size_t len;
};
#define RAG_TEXT(literal) ((struct rag_text){(literal), sizeof(literal) - 1})

/* About 200 words serve best; code blocks and tables may be longer. Passages of a document should
 * not overlap (overlap gains nothing here), and one below 80 words is better merged with its
 * neighbour. Title and heading are added here: do not repeat them in `text`. */
struct rag_passage {
    struct rag_text heading; /* path without the title: "Diagnosis > Disk"; may be empty */
    struct rag_text text;
    const float *vector; /* of an embedding model, rag_options.dimension numbers; or NULL */
};

struct rag_document {
    struct rag_text id; /* unique in the index */
    struct rag_text title;
    const struct rag_passage *passages;
    size_t passage_count;
    /* What others say of this document: alert name, summary, description and expression of the
     * alert rules whose runbook_url names it. Searched as one more passage. */
    const struct rag_text *anchors;
    size_t anchor_count;
    const struct rag_text *labels; /* "team=payments": compared whole */
    size_t label_count;
};

struct rag_options {
    const char *language; /* a Snowball stemmer: "english" (also for NULL), "german", … */
    uint32_t dimension;   /* of passages' vectors; 0: there are none */
    /* Groups of words that stand for one another, a group a line, parted by commas. Empty: the
     * built-in ones for operations, where the language is English. Copied. */
    struct rag_text thesaurus;
    bool without_thesaurus;
};

struct rag_index;

/* NULL: memory is out, or there is no stemmer of this language. */
struct rag_index *rag_index_new(const struct rag_options *options);
void rag_index_free(struct rag_index *index); /* versions that are still held stay good */

/* Adds a document or replaces the one with this id; everything is copied. Seen by searches after
 * the next publish. After an error the index is as before. */
int rag_index_put(struct rag_index *index, const struct rag_document *document);
/* False: there is none with this id. */
bool rag_index_remove(struct rag_index *index, struct rag_text id);
/* Makes what was put and removed a new version. Takes about 1 ms after a small change and as long
 * as 60 ms for each 10,000 passages when the index is put in order again (call it by sl_offload).
 * After RAG_NO_MEMORY the version before still answers. */
int rag_index_publish(struct rag_index *index);
/* Documents in the index, published or not. */
size_t rag_index_count(const struct rag_index *index);

/* ---- learning ----
 *
 * What words have to do with each other is learnt from the documents themselves (latent semantic
 * analysis); no model is downloaded and nothing is random. Until then, and below 30 documents, search
 * goes by words and letters alone. Search with a model is better by 1 to 3 points of nDCG.
 *
 *     if (rag_index_wants_learning(index)) {
 *         struct rag_model *model = NULL;
 *         rag_learn(version, &model);       // 0.1 s for 1,000 pages, up to 2 s; on any thread
 *         rag_index_use(index, model);      // the writer again
 *         rag_index_publish(index);
 *     }
 */
struct rag_model;

/* More than a tenth of the documents changed since the model was learnt. */
bool rag_index_wants_learning(const struct rag_index *index);
struct rag_version;
/* *out is NULL when there are too few documents. RAG_OK or RAG_NO_MEMORY. */
int rag_learn(const struct rag_version *version, struct rag_model **out);
void rag_index_use(struct rag_index *index, struct rag_model *model); /* takes it; NULL: none */
void rag_model_free(struct rag_model *model);                         /* one that is not used */

/* ---- reading ---- */

/* A reference to what was published last (an empty version before the first publish); any thread. */
struct rag_version *rag_index_version(struct rag_index *index);
void rag_version_put(struct rag_version *version);

/* From some 50,000 passages with vectors on, a graph finds the nearest ones some twenty times as fast
 * as the exact scan (searches under a label filter stay exact). It takes about 30 s for 100,000
 * passages, on any thread, one thread at a time; searches of the same version go on meanwhile.
 * `module`: the path of rag-graph.so. RAG_INVALID with the reason in *why (borrowed): it cannot be
 * loaded; the scan stays. */
bool rag_version_wants_graph(const struct rag_version *version);
int rag_version_graph(struct rag_version *version, const char *module, const char **why);

struct rag_stats {
    size_t documents, passages;
    size_t terms;        /* distinct, after stemming */
    size_t memory_bytes; /* of the version and the documents in it */
};
void rag_version_stats(const struct rag_version *version, struct rag_stats *out);

enum { RAG_MODEL_DIMENSION = 200 };
/* The built-in vector of a text, by the version's model: for a vector service. Unit length, or zeros
 * when the text has no known word. Returns its dimension, at most RAG_MODEL_DIMENSION; 0: the version
 * has no model. */
uint32_t rag_version_embed(const struct rag_version *version, struct rag_text text,
                           float out[RAG_MODEL_DIMENSION]);

struct rag_query {
    struct rag_text text;
    const struct rag_text *labels; /* a document must bear all of them */
    size_t label_count;
    size_t count;        /* hits wanted, at most RAG_MAX_HITS; 0: 10 */
    size_t per_document; /* passages of one document among the hits; 0: 1 */
    const float
        *vector; /* the query by the model of the passages' vectors, of unit length; or NULL */
    /* Instead of `vector`: what a vector service found, best first. Unknown ones are ignored. */
    const struct rag_outside *outside;
    size_t outside_count;
};

struct rag_outside {
    struct rag_text document;
    uint32_t passage;
    float score; /* cosine */
};

/* The signals that make a score, each as a share of the best document's for this query. */
struct rag_parts {
    float passage; /* BM25 of the passage with title and heading */
    float page;    /* BM25 of the whole document */
    float letters; /* runs of four letters: typos, compounds, inflections */
    float meaning; /* cosine of vectors: of the model, or learnt from these documents */
};

enum { RAG_ANCHOR = UINT32_MAX }; /* in place of a passage: the document has none but anchors */

struct rag_hit {
    struct rag_text document; /* borrowed from the result; ends in NUL as well */
    uint32_t passage;         /* place in rag_document.passages, or RAG_ANCHOR */
    float score;              /* 0..1, of the largest possible sum */
    struct rag_parts parts;
};

/* Does the best hit answer? Calibrated on the questions of README.md. */
enum rag_verdict {
    RAG_ABSENT = 0, /* "not in the documents" */
    RAG_UNSURE = 1, /* "closest pages, not sure" */
    RAG_ANSWER = 2,
};

struct rag_evidence {
    float coverage;   /* share of the query's weight (idf) that the best document holds */
    float confidence; /* 0..1, the calibrated probability that the best document answers */
    uint32_t terms;   /* of the query, after analysis */
    uint32_t unknown; /* of these, in no document */
    enum rag_verdict verdict;
};

struct rag_result {
    size_t count;
    const struct rag_hit *hits; /* best first; equal scores by document id */
    struct rag_evidence evidence;
    const char *method; /* "bm25+letters+lsa", …: the signals that took part; static */
};

/* RAG_OK also when nothing is found. Thread-safe; does not suspend: by sl_offload when the version
 * has more than about 20,000 passages. Takes no lock that a writer holds for long. */
int rag_search(struct rag_version *version, const struct rag_query *query, struct rag_result **out);
void rag_result_free(struct rag_result *result);

#endif
