/* llm.h - the plugin's state, and what its files with a host share. */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "breaker.h"
#include "reading.h"
#include "wire.h"

#include <sluice/sluice.h>

struct provider {
    const char *name; /* "openai", "azure", "ollama", "anthropic"; NULL: none */
    enum wire wire;
    const char *base_url, *model, *api_key, *api_version; /* borrowed from llm.config */
    double input_price, output_price;                     /* USD a million tokens */
    int64_t dimension;                                    /* of vectors; 0: the model's own */
    uint32_t quirks;                                      /* learned from its refusals */
    struct breaker breaker;
};

struct llm {
    cJSON *config; /* kept */
    struct provider chat, embedding;
    int64_t timeout_ms, cache_ttl_ms;
    int retries;
    size_t max_answer;
    double tokens_a_day, usd_a_day; /* of a tenant; 0: no limit */
};

/* ---- provider.c: one request, tried as often as it pays ---- */

/* What is asked and, when it returns 0, what came; reading_fini is due in any case. */
struct exchange {
    struct llm *llm;
    struct provider *provider;
    struct ask ask;
    struct reading reading;
    int tries;
};

/* Runs it with retries. 0, or told: SL_UNAVAILABLE, SL_TIMEOUT, SL_CANCELLED, SL_LIMIT. Suspends. */
int provider_chat(sl_call *call, struct exchange *exchange);
/* POSTs `body`; the parsed answer in the call's arena. Same results. Suspends. */
int provider_post(sl_call *call, struct llm *llm, struct provider *provider, const char *path,
                  const cJSON *body, cJSON **answer);
/* SL_UNAVAILABLE when the breaker is open, else 0. */
int provider_ready(sl_call *call, struct provider *provider);

/* ---- budget.c: tokens and money of a tenant and day, kept in the store ---- */

struct spending {
    int64_t tokens, micro_usd;
};

/* Sets an estimate aside. SL_LIMIT with the time of the next day when the budget is used up. */
int budget_reserve(sl_call *call, const struct llm *llm, struct spending estimate);
/* Puts what was really spent in the place of the estimate. Never fails the call. */
void budget_settle(sl_call *call, const struct llm *llm, struct spending estimate,
                   struct spending spent);
/* Adds {day, tokens, usd, calls, tokens_a_day?, usd_a_day?} of this tenant and day. */
int budget_tell(sl_call *call, const struct llm *llm, cJSON *out);
double budget_tokens_a_day(sl_call *call, const struct llm *llm);

/* ---- cache.c: answers by the hash of what was asked ---- */

/* The kept answer in the call's arena, or NULL. Suspends. */
cJSON *cache_find(sl_call *call, const char *hash);
void cache_keep(sl_call *call, const struct llm *llm, const char *hash, const cJSON *answer);

/* ---- clean.c: secrets taken out before anything leaves ---- */

/* Copies of what is given, without secrets; *found is how many there were. 0, or told: then nothing
 * may leave. Suspends. */
int clean_ask(sl_call *call, struct ask *ask, int *found);
int clean_texts(sl_call *call, cJSON **texts, int *found);

/* Handlers. */
int llm_complete(sl_call *call, const cJSON *in, cJSON *out);
int llm_embed(sl_call *call, const cJSON *in, cJSON *out);
int llm_status(sl_call *call, const cJSON *in, cJSON *out);

/* "risk", "rag", "chat", "incident", "notes", else "other": labels must not grow without end. */
const char *llm_purpose(const char *purpose);

#endif
