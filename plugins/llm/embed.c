/* embed.c - llm.embed: texts to vectors. Queries are short and come again; documents do not, so
 * nothing is kept here: who ingests keeps the vectors with the documents. */
#include "llm.h"

#include <math.h>
#include <string.h>

enum { TEXTS_A_REQUEST = 64 };

/* What some models want in front of the two kinds of text, as the operator has set it. */
static cJSON *with_prefix(sl_call *call, const cJSON *texts, const char *prefix) {
    if (!*prefix) return (cJSON *)texts;
    cJSON *list = cJSON_CreateArray();
    const cJSON *text;
    cJSON_ArrayForEach(text, texts) cJSON_AddItemToArray(
        list, cJSON_CreateString(sl_printf(call, "%s%s", prefix, text->valuestring)));
    return list;
}

static int embed_some(sl_call *call, struct llm *llm, const cJSON *texts, cJSON *vectors,
                      int64_t *tokens) {
    struct provider *provider = &llm->embedding;
    char why[200];
    cJSON *answer = NULL;
    const cJSON *body = wire_embed(provider->wire, provider->model, texts, provider->dimension);
    const char *path = provider->wire == WIRE_OLLAMA ? "/api/embed" : "/embeddings";
    int rc = provider_ready(call, provider);
    if (!rc) rc = provider_post(call, llm, provider, path, body, &answer);
    if (rc) return rc;
    cJSON *made = wire_vectors(provider->wire, answer, (size_t)cJSON_GetArraySize(texts), why);
    if (!made) {
        breaker_report(&provider->breaker, false, sl_clock_ns(call) / 1000000);
        return sl_fail(call, SL_UNAVAILABLE, "the vectors of %s cannot be used: %s", provider->name,
                       why);
    }
    *tokens += sl_get_int(sl_get(answer, "usage"), "total_tokens",
                          sl_get_int(answer, "prompt_eval_count", 0));
    cJSON *vector;
    while ((vector = made->child)) {
        cJSON_DetachItemViaPointer(made, vector);
        cJSON_AddItemToArray(vectors, vector);
    }
    return 0;
}

/* All vectors must be of one dimension, also those of several requests. */
static int check_dimension(sl_call *call, const struct llm *llm, const cJSON *vectors) {
    const int wanted = (int)llm->embedding.dimension, first = cJSON_GetArraySize(vectors->child);
    const cJSON *vector;
    cJSON_ArrayForEach(vector, vectors) if (cJSON_GetArraySize(vector) != first) return sl_fail(
        call, SL_UNAVAILABLE, "%s gave vectors of different dimensions", llm->embedding.name);
    if (!wanted || wanted == first) return 0;
    return sl_fail(call, SL_UNAVAILABLE,
                   "%s gave vectors of %d numbers where plugins.llm.embedding.dimension is %d",
                   llm->embedding.name, first, wanted);
}

static struct spending cost_of(const struct provider *provider, int64_t tokens) {
    return (struct spending){.tokens = tokens,
                             .micro_usd = (int64_t)ceil((double)tokens * provider->input_price)};
}

static int embed_all(sl_call *call, struct llm *llm, const cJSON *texts, cJSON *vectors,
                     int64_t *tokens) {
    cJSON *some = cJSON_CreateArray();
    const cJSON *text;
    cJSON_ArrayForEach(text, texts) {
        cJSON_AddItemToArray(some, cJSON_CreateStringReference(text->valuestring));
        if (text->next && cJSON_GetArraySize(some) < TEXTS_A_REQUEST) continue;
        const int rc = embed_some(call, llm, some, vectors, tokens);
        if (rc) return rc;
        some = cJSON_CreateArray();
    }
    return check_dimension(call, llm, vectors);
}

int llm_embed(sl_call *call, const cJSON *in, cJSON *out) {
    struct llm *llm = sl_state(call);
    struct provider *provider = &llm->embedding;
    if (!provider->name)
        return sl_fail(call, SL_UNAVAILABLE,
                       "no language model is configured for embeddings; set "
                       "plugins.llm.embedding.provider and plugins.llm.embedding.model");
    const bool query = strcmp(sl_get_text(in, "kind", "document"), "query") == 0;
    const cJSON *settings = sl_get(llm->config, "embedding");
    cJSON *texts =
        with_prefix(call, sl_get(in, "texts"),
                    sl_get_text(settings, query ? "query_prefix" : "document_prefix", ""));
    int found = 0;
    int rc = clean_texts(call, &texts, &found);
    if (rc) return rc;
    const int64_t began_ns = sl_clock_ns(call);
    const struct spending estimate =
        cost_of(provider, (int64_t)(strlen(sl_json_print(call, texts)) / 3));
    rc = budget_reserve(call, llm, estimate);
    if (rc) return rc;
    cJSON *vectors = cJSON_AddArrayToObject(out, "vectors");
    int64_t tokens = 0;
    rc = embed_all(call, llm, texts, vectors, &tokens);
    const char *why = rc ? sl_strdup(call, sl_failure(call)) : NULL;
    budget_settle(call, llm, estimate, cost_of(provider, tokens));
    sl_count(call, "llm_requests_total", 1,
             sl_printf(call, "embed|%s", rc ? sl_status_name(rc) : "ok"));
    sl_count(call, "llm_tokens_total", (double)tokens, "embed|input");
    sl_observe(call, "llm_seconds", (double)(sl_clock_ns(call) - began_ns) / 1e9, "embed");
    if (rc) return sl_fail(call, rc, "%s", why);
    cJSON_AddStringToObject(out, "model", provider->model);
    cJSON_AddNumberToObject(out, "dimension", cJSON_GetArraySize(vectors->child));
    return 0;
}
