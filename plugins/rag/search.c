/* search.c - rag.query: the passages that answer a question, and whether they do. */
#include "rag.h"

#include <string.h>

static cJSON *parts_of(const struct rag_parts *parts) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "passage", (double)parts->passage);
    cJSON_AddNumberToObject(object, "page", (double)parts->page);
    cJSON_AddNumberToObject(object, "letters", (double)parts->letters);
    cJSON_AddNumberToObject(object, "meaning", (double)parts->meaning);
    return object;
}

static cJSON *passage_of(const struct found *found) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "document", found->source);
    cJSON_AddStringToObject(item, "document_id", found->id);
    cJSON_AddStringToObject(item, "title", found->title);
    cJSON_AddStringToObject(item, "heading", found->heading);
    cJSON *lines = cJSON_AddArrayToObject(item, "lines");
    cJSON_AddItemToArray(lines, cJSON_CreateNumber((double)found->line_from));
    cJSON_AddItemToArray(lines, cJSON_CreateNumber((double)found->line_to));
    cJSON_AddStringToObject(item, "text", found->text);
    cJSON_AddNumberToObject(item, "score", found->score);
    cJSON_AddItemToObject(item, "parts", parts_of(&found->parts));
    if (found->labels) cJSON_AddItemToObject(item, "labels", found->labels);
    if (found->url) cJSON_AddStringToObject(item, "url", found->url);
    return item;
}

static const char *verdict_name(enum rag_verdict verdict) {
    static const char *const names[] = {"absent", "unsure", "answer"};
    return names[verdict];
}

void rag_put_evidence(const struct findings *findings, cJSON *out) {
    const struct rag_evidence *evidence = &findings->evidence;
    cJSON_AddNumberToObject(out, "confidence", (double)evidence->confidence);
    cJSON_AddBoolToObject(out, "answerable", evidence->verdict == RAG_ANSWER);
    cJSON_AddStringToObject(out, "verdict", verdict_name(evidence->verdict));
    cJSON *object = cJSON_AddObjectToObject(out, "evidence");
    cJSON_AddNumberToObject(object, "coverage", (double)evidence->coverage);
    cJSON_AddNumberToObject(object, "terms", evidence->terms);
    cJSON_AddNumberToObject(object, "unknown_terms", evidence->unknown);
    cJSON_AddNumberToObject(object, "documents", (double)findings->documents);
}

int rag_query(sl_call *call, const cJSON *in, cJSON *out) {
    const int64_t from_ns = sl_clock_ns(call);
    const struct corpus_question question = {.text = sl_get_text(in, "query", ""),
                                             .labels = sl_get(in, "labels"),
                                             .count = (size_t)sl_get_int(in, "k", 8),
                                             .per_document =
                                                 (size_t)sl_get_int(in, "per_document", 2)};
    struct findings findings;
    int rc = corpus_search(call, &question, &findings);
    if (rc) return rc;
    cJSON *passages = cJSON_AddArrayToObject(out, "passages");
    for (size_t i = 0; i < findings.count; i++)
        cJSON_AddItemToArray(passages, passage_of(&findings.items[i]));
    rag_put_evidence(&findings, out);
    cJSON_AddStringToObject(out, "method", findings.method);
    sl_count(call, "rag_queries_total", 1, verdict_name(findings.evidence.verdict));
    sl_observe(call, "rag_query_seconds", (double)(sl_clock_ns(call) - from_ns) / 1e9, NULL);
    return 0;
}
