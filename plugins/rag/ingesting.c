/* ingesting.c - rag.ingest: one document or many, and what a collection is to keep. */
#include "rag.h"

#include <string.h>

static int refuse(sl_call *call, const char *pointer, const char *fix, const char *what) {
    sl_fault(call, pointer, fix, "%s", what);
    return sl_fail(call, SL_INVALID, "%s: %s", pointer, what);
}

static int take_intake(sl_call *call, const cJSON *item, const char *collection, size_t i,
                       struct intake *intake) {
    const char *text = sl_get_text(item, "text", NULL), *source = sl_get_text(item, "source", NULL);
    const char *at = i == SIZE_MAX ? "" : sl_printf(call, "/documents/%zu", i);
    if (!source || !*source)
        return refuse(call, sl_printf(call, "%s/source", at), "name it: \"runbooks/disk.md\"",
                      "a document needs a source");
    if (!text) return refuse(call, sl_printf(call, "%s/text", at), NULL, "a document needs a text");
    *intake = (struct intake){.source = source,
                              .text = text,
                              .size = strlen(text),
                              .title = sl_get_text(item, "title", NULL),
                              .format = sl_get_text(item, "format", NULL),
                              .url = sl_get_text(item, "url", NULL),
                              .collection = sl_get_text(item, "collection", collection),
                              .labels = sl_get(item, "labels")};
    return 0;
}

static int take_all(sl_call *call, const cJSON *in, struct intake_told *told, bool *single) {
    const cJSON *documents = sl_get(in, "documents"), *item;
    const char *collection = sl_get_text(in, "collection", NULL);
    const bool one = sl_get(in, "text") || sl_get(in, "source");
    size_t count = 0;
    *single = one;
    if (one && documents)
        return refuse(call, "/documents", "leave out one of them",
                      "give either one document (source, text) or a list of documents");
    struct intake *intakes =
        sl_alloc(call, ((size_t)cJSON_GetArraySize(documents) + 1) * sizeof *intakes);
    if (one) {
        int rc = take_intake(call, in, collection, SIZE_MAX, &intakes[count++]);
        if (rc) return rc;
    }
    cJSON_ArrayForEach(item, documents) {
        int rc = take_intake(call, item, collection, count, &intakes[count]);
        if (rc) return rc;
        count++;
    }
    if (!count && !sl_get(in, "keep"))
        return refuse(call, "/documents", "send source and text", "there is no document");
    return count ? rag_take(call, intakes, count, told) : 0;
}

int rag_ingest(sl_call *call, const cJSON *in, cJSON *out) {
    struct intake_told told = {.items = cJSON_CreateArray()};
    const char *collection = sl_get_text(in, "collection", "");
    const cJSON *keep = sl_get(in, "keep");
    bool single = false;
    if (keep && !*collection)
        return refuse(call, "/collection", "name the collection",
                      "`keep` needs the collection that it is the list of");
    int rc = take_all(call, in, &told, &single);
    if (rc) return rc;
    if (keep) rc = rag_keep_only(call, collection, keep, sl_get_bool(in, "force", 0) != 0, &told);
    if (rc) return rc;
    const cJSON *first = told.items->child;
    if (single && told.failed)
        return refuse(call, "/text", NULL, sl_get_text(first, "error", "it cannot be read"));
    if (single && first) cJSON_AddStringToObject(out, "id", sl_get_text(first, "id", ""));
    rag_put_told(&told, out);
    return 0;
}
