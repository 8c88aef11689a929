/* A test collection in BEIR form: corpus.jsonl, queries.jsonl, qrels.tsv. For benches: a file that is
 * missing or broken ends the program with a sentence. */
#ifndef BENCH_COLLECTION_H
#define BENCH_COLLECTION_H

#include "index.h"

#include <cjson/cJSON.h>

struct bench_document {
    const char *id, *title, *text;
    struct rag_passage *passages; /* cut on loading */
    size_t passage_count;
    struct rag_text *anchors;
    size_t anchor_count;
    char *paths; /* the headings' bytes */
};

struct judgement {
    const char *document;
    double grade;
};

struct bench_query {
    const char *id, *text, *kind, *alert; /* kind: class, "" without; alert: name or NULL */
    struct judgement *judgements;
    size_t judgement_count;
};

struct collection {
    struct bench_document *documents;
    struct bench_query *queries;
    size_t document_count, query_count;
    size_t bytes; /* of the texts */
};

/* NULL: the folder is not there. */
struct collection *collection_load(const char *folder);
void collection_free(struct collection *collection);

/* The alert texts become anchors of the pages that their rule names (grade 2). */
void collection_anchor(struct collection *collection);

/* Cuts Markdown at headings and at about 200 words. */
void cut_passages(struct bench_document *document);

#endif
