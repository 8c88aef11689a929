/*
 * A graph of near neighbours over many rows of numbers (HNSW): finds most of the nearest without looking
 * at all. It is a module of its own, since it is C++ and is wanted by large collections only:
 *
 *     const struct rag_graph_face *face = NULL;
 *     const char *why = rag_graph_load("/usr/lib/sluice/plugins/modules/rag-graph.so", &face);
 *     struct rag_graph *graph = face->make(384, 100000);
 */
#ifndef RAG_GRAPH_H
#define RAG_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rag_graph;

/* What the module exports under the name rag_graph_face. A graph may be searched by many threads at
 * once, but not while a row is added. */
struct rag_graph_face {
    uint32_t size; /* of this struct */
    /* NULL: memory is out. Rows are copied: 4 bytes a number, and some 150 a row. */
    struct rag_graph *(*make)(uint32_t dimension, uint32_t room);
    void (*free)(struct rag_graph *graph);
    /* Of unit length; `number` is told by searches. 0, or -1: memory or room is out. */
    int (*add)(struct rag_graph *graph, uint32_t number, const float *row);
    /* Rows kept in view by later searches: 32 finds 98 of 100, 48 finds 99 (README.md). */
    void (*effort)(struct rag_graph *graph, uint32_t rows);
    /* The nearest by inner product, best first; returns how many. SIZE_MAX: memory is out. */
    size_t (*search)(const struct rag_graph *graph, const float *query, uint32_t *numbers,
                     float *scores, size_t most);
};

/* NULL on success, else a sentence (borrowed until the next call on this thread). Never unloaded. */
const char *rag_graph_load(const char *path, const struct rag_graph_face **out);

#ifdef __cplusplus
}
#endif

#endif
