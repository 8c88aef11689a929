/* A document and a question from the same bytes: put, published, searched. Nothing may be read beyond
 * its end, and a question in the document's own words finds it. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(struct rag_index *index, struct rag_text text, const struct rag_text *label) {
    struct rag_version *version = rag_index_version(index);
    struct rag_result *result = NULL;
    const struct rag_query query = {
        .text = text, .labels = label, .label_count = label ? 1 : 0, .per_document = 3, .count = 7};
    if (rag_search(version, &query, &result) != RAG_OK || result->count > 7) abort();
    for (size_t i = 0; i < result->count; i++) {
        const struct rag_hit *hit = &result->hits[i];
        if (label && hit->document.len != 1) abort(); /* only "b" bears it */
        if (hit->document.len < 1 || !(hit->score >= 0)) abort();
        if (i > 0 && hit->score > result->hits[i - 1].score) abort();
    }
    if (!(result->evidence.confidence >= 0 && result->evidence.confidence <= 1)) abort();
    rag_result_free(result);
    rag_version_put(version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const size_t half = size / 2;
    struct rag_index *index = rag_index_new(&(struct rag_options){0});
    if (!index) return 0;
    const struct rag_passage passages[] = {{.heading = {text, half / 2}, .text = {text, half}},
                                           {.text = {text + half, size - half}}};
    const struct rag_text label = RAG_TEXT("team=b"), anchor = {text, size};
    rag_index_put(index, &(struct rag_document){.id = RAG_TEXT("first"),
                                                .title = {text, half / 3},
                                                .passages = passages,
                                                .passage_count = 2});
    rag_index_put(index, &(struct rag_document){.id = RAG_TEXT("b"),
                                                .title = {text + half, half / 3},
                                                .anchors = &anchor,
                                                .anchor_count = 1,
                                                .labels = &label,
                                                .label_count = 1});
    rag_index_publish(index);
    search(index, (struct rag_text){text, size}, NULL);
    search(index, (struct rag_text){text + half, size - half}, &label);
    rag_index_remove(index, (struct rag_text)RAG_TEXT("first"));
    rag_index_publish(index);
    search(index, (struct rag_text){text, half}, NULL);
    rag_index_free(index);
    return 0;
}
