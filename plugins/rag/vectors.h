/* vectors.h - vectors of a language model beside the built-in ones: made by a durable job, kept in
 * spaces.
 *
 * A space is one model with one dimension in one place (the store, or Qdrant). A new model is a new
 * space, which is filled while the one before serves those that still ask by its model; only when
 * every document is in it does it serve, and the others are let go. Searches never wait for it: words,
 * letters and the learnt meaning find all documents at any time. */
#ifndef RAG_VECTORS_H
#define RAG_VECTORS_H

#include "qdrant.h"
#include "rag.h"

enum { SPACE_BYTES = 160 };

struct space {
    char name[SPACE_BYTES]; /* "store:model:384"; "": there is none that serves */
    int64_t dimension;
    bool in_qdrant;
};

/* Queues the job that makes what vectors are missing, in the same batch as the change. */
void vectors_add_job(sl_call *call, sl_batch *batch);
/* The space that serves the caller's tenant. */
int vectors_serving(sl_call *call, struct space *space);
/* Fills the query's vector, or the hits of the vector service, in `query`; without a model that
 * answers nothing is filled and `*why` says so. */
void vectors_ask(sl_call *call, const struct space *space, const struct corpus_question *question,
                 struct rag_query *query, const char **why);
/* The vectors of a document's passages by place, in the call's arena; those that are missing are
 * NULL. Of the space "store:...". */
int vectors_of(sl_call *call, const char *space, const char *document, int64_t dimension,
               const float **vectors, size_t count);
/* The job. */
int vectors_make(sl_call *call, const cJSON *in);
/* Once a worker and tenant: a model that was configured later finds the documents that are there. */
void vectors_ensure(sl_call *call, bool *done);

#endif
