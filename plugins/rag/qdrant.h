/* qdrant.h - the vector service Qdrant over its REST API: collections, points, filtered search.
 *
 * One collection a space of vectors; points of all tenants lie in it, each with its tenant in the
 * payload, which every request filters by and every answer is checked for. All calls suspend and
 * return 0 or the code of sl_fail, with the service's own sentence. */
#ifndef RAG_QDRANT_H
#define RAG_QDRANT_H

#include <sluice/sluice.h>
#include <stdbool.h>

struct qdrant {
    const char *url;               /* "http://127.0.0.1:6333", without a slash at the end */
    const char *api_key, *ca_file; /* NULL: none */
    int64_t timeout_ms;
};

struct qdrant_point {
    const char *document;
    int64_t ordinal;
    const cJSON *vector; /* list of numbers */
    const cJSON *labels; /* list of texts, or NULL */
};

struct qdrant_hit {
    const char *document;
    int64_t ordinal;
    double score; /* cosine */
};

/* Makes the collection and the indexes of its payload where they are missing. SL_CONFLICT: there is
 * one of another dimension. */
int qdrant_ensure(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  int64_t dimension);
/* Points of one document replace those it had. Ids follow from tenant, document and place. */
int qdrant_replace(sl_call *call, const struct qdrant *qdrant, const char *collection,
                   const char *document, const struct qdrant_point *points, size_t count);
/* Deletes the points of a document, or of the whole tenant when `document` is NULL. */
int qdrant_forget(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  const char *document);
/* Deletes the collection when nobody has points in it any more. */
int qdrant_drop_empty(sl_call *call, const struct qdrant *qdrant, const char *collection);
struct qdrant_question {
    const cJSON *vector;
    const cJSON *labels; /* all of them, or NULL */
    size_t most;         /* hits wanted: the room of `hits` */
};

/* The nearest points of the caller's tenant, best first. */
int qdrant_search(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  const struct qdrant_question *question, struct qdrant_hit *hits, size_t *count);

#endif
