/* corpus_graph.c - many vectors: a graph finds the nearest, built while searches go on by scanning. */
#include "corpus.h"

#include <stdlib.h>

struct graph_work {
    struct corpus *corpus;
    struct rag_version *version;
    const char *module, *why;
    int rc;
};

static int do_build(void *arg) {
    struct graph_work *work = arg;
    work->rc = rag_version_graph(work->version, work->module, &work->why);
    return 0;
}

static void build(sl_call *call, void *arg) {
    struct graph_work *work = arg;
    struct corpus *corpus = work->corpus;
    work->module = rag_module_path(call, "rag-graph.so");
    work->why = "memory is out";
    const int rc = work->module ? sl_offload(call, do_build, work) : SL_UNAVAILABLE;
    if (rc || work->rc)
        sl_log(call, SL_WARN, "no graph over the vectors, they are scanned: %s",
               rc ? sl_failure(call) : work->why);
    rag_version_put(work->version);
    corpus->graphing = false;
    corpus->users--;
    /* What was published meanwhile wants one too. */
    if (!rc && !work->rc && !corpus->loading) corpus_start_graph(call, corpus);
    free(work);
}

void corpus_start_graph(sl_call *call, struct corpus *corpus) {
    if (corpus->graphing || !corpus->dimension) return;
    struct rag_version *version = rag_index_version(corpus->index);
    struct graph_work *work = rag_version_wants_graph(version) ? calloc(1, sizeof *work) : NULL;
    if (work) {
        work->corpus = corpus;
        work->version = version;
        corpus->graphing = true;
        corpus->users++; /* so that nobody lets go of it */
        if (!sl_spawn(call, build, work)) return;
        corpus->graphing = false;
        corpus->users--;
        free(work);
    }
    rag_version_put(version);
}
