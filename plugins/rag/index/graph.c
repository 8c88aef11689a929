#include "graph.h"

#include "version.h"

#include <dlfcn.h>

/* Below, the exact scan answers in less than the half millisecond that words take (README.md). */
enum { GRAPH_LEAST = 50000 };

const char *rag_graph_load(const char *path, const struct rag_graph_face **out) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
    const struct rag_graph_face *face = dlsym(library, "rag_graph_face");
    if (!face) return dlerror();
    if (face->size != sizeof *face)
        return "rag-graph.so is of another version of Sluice: reinstall";
    *out = face;
    return NULL;
}

bool rag_version_wants_graph(const struct rag_version *v) {
    struct segment *main = v->segments[0];
    return main && main->rows.count >= GRAPH_LEAST && !atomic_load(&main->graph);
}

static bool fill(const struct rag_graph_face *face, struct rag_graph *graph,
                 const struct vector_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->steps[i] > 0 && face->add(graph, i, rows->exact(rows->of, i))) return false;
    return true;
}

int rag_version_graph(struct rag_version *v, const char *module, const char **why) {
    struct segment *main = v->segments[0];
    *why = NULL;
    if (!main || !main->rows.count || atomic_load(&main->graph)) return RAG_OK;
    const struct rag_graph_face *face = NULL;
    *why = rag_graph_load(module, &face);
    if (*why || !face) return RAG_INVALID;
    struct rag_graph *graph = face->make(main->rows.dimension, main->rows.count);
    if (!graph) return RAG_NO_MEMORY;
    if (!fill(face, graph, &main->rows)) {
        face->free(graph);
        return RAG_NO_MEMORY;
    }
    main->graph_face = face; /* seen by whoever sees the graph */
    atomic_store(&main->graph, graph);
    return RAG_OK;
}
