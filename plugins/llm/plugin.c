/* plugin.c - the face of the language models: llm.complete, llm.embed, llm.status. Without a
 * provider (the default) they say so, and everything that would use them goes on without. */
#include "llm.h"

#include <stdlib.h>
#include <string.h>

static const sl_field call_io[] = {
    SL_STRING("id", .help = "of this call", .max = 128),
    SL_STRING("name", .help = "of the tool", .max = 128, .flags = SL_REQUIRED),
    SL_OBJECT("arguments", NULL, .help = "what it is called with", .flags = SL_OPEN), SL_END};

static const sl_field message_in[] = {
    SL_ENUM("role", "user|assistant|tool", .flags = SL_REQUIRED, .help = "who says it"),
    SL_STRING("content", .def = "", .max = SL_MIB(1), .help = "what is said"),
    SL_LIST_OF("tool_calls", call_io, .max = 16, .help = "calls that the assistant asked for"),
    SL_STRING("tool_call_id", .max = 128, .help = "of role tool: the call that this answers"),
    SL_STRING("name", .max = 128, .help = "of role tool: the tool"),
    SL_END};

static const sl_field tool_in[] = {
    SL_STRING("name", .flags = SL_REQUIRED, .min = 1, .max = 64),
    SL_STRING("description", .def = "", .max = 4096),
    SL_OBJECT("parameters", NULL, .help = "JSON Schema of its arguments", .flags = SL_OPEN),
    SL_END};

static const sl_field complete_in[] = {
    SL_STRING("purpose", .help = "what for: risk, rag, chat, incident, notes", .def = "other",
              .max = 64),
    SL_STRING("system", .help = "what the model is told about its task", .max = SL_MIB(1)),
    SL_LIST_OF("messages", message_in, .help = "the conversation; it begins with a user's",
               .flags = SL_REQUIRED, .min = 1, .max = 200),
    SL_OBJECT("schema", NULL, .help = "JSON Schema that the answer must follow", .flags = SL_OPEN),
    SL_LIST_OF("tools", tool_in, .help = "tools that the model may ask for", .max = 128),
    SL_INT("max_tokens", .help = "of the answer, at most", .min = 1, .max = 65536),
    SL_NUMBER("temperature", .help = "0: the likeliest words, and answers are kept", .min = 0,
              .max = 2),
    SL_END};

static const sl_field usage_out[] = {SL_INT("input_tokens"), SL_INT("output_tokens"), SL_END};

static const sl_field complete_out[] = {
    SL_STRING("text", .help = "the answer"),
    SL_ANY("json", .help = "the answer, parsed and checked, when a schema was given"),
    SL_LIST_OF("tool_calls", call_io, .help = "tools that the model asks for"),
    SL_ENUM("finish", "stop|length|tool_calls|filter", .help = "why the answer ended"),
    SL_STRING("model"),
    SL_STRING("provider"),
    SL_OBJECT("usage", usage_out),
    SL_NUMBER("cost_usd", .help = "by the configured prices"),
    SL_BOOL("cached", .help = "it was kept from the same question before"),
    SL_INT("redacted", .help = "secrets that were taken out of the question"),
    SL_STRING("method", .help = "llm:PROVIDER/MODEL"),
    SL_END};

static const sl_field embed_in[] = {
    SL_LIST("texts", SL_T_STRING, .help = "texts of at most 64 KiB", .flags = SL_REQUIRED, .min = 1,
            .max = 512),
    SL_ENUM("kind", "query|document", .def = "document", .help = "what the texts are"), SL_END};

static const sl_field embed_out[] = {
    SL_LIST("vectors", SL_T_ANY, .help = "one list of numbers a text, in their order"),
    SL_STRING("model"), SL_INT("dimension"), SL_END};

static const sl_field budget_out[] = {
    SL_STRING("day", .help = "UTC"),
    SL_INT("tokens", .help = "spent or set aside today"),
    SL_NUMBER("usd", .help = "spent or set aside today"),
    SL_INT("calls", .help = "answered today"),
    SL_NUMBER("tokens_per_day", .help = "the limit; absent: none"),
    SL_NUMBER("usd_per_day", .help = "the limit; absent: none"),
    SL_END};

static const sl_field status_out[] = {
    SL_BOOL("configured", .help = "llm.complete has a provider"),
    SL_STRING("provider", .help = "openai, azure, ollama, anthropic or none"),
    SL_STRING("model"),
    SL_STRING("embedding_model", .flags = SL_NULLABLE),
    SL_ENUM("breaker", "closed|open|half-open", .help = "open: it is left alone for a while"),
    SL_ENUM("embedding_breaker", "closed|open|half-open"),
    SL_OBJECT("budget", budget_out, .help = "of the caller's tenant"),
    SL_END};

int llm_status(sl_call *call, const cJSON *in, cJSON *out) {
    const struct llm *llm = sl_state(call);
    const int64_t now_ms = sl_clock_ns(call) / 1000000;
    (void)in;
    cJSON_AddBoolToObject(out, "configured", llm->chat.name != NULL);
    cJSON_AddStringToObject(out, "provider", llm->chat.name ? llm->chat.name : "none");
    cJSON_AddStringToObject(out, "model", llm->chat.name ? llm->chat.model : "");
    if (llm->embedding.name) cJSON_AddStringToObject(out, "embedding_model", llm->embedding.model);
    cJSON_AddStringToObject(out, "breaker", breaker_name(&llm->chat.breaker, now_ms));
    cJSON_AddStringToObject(out, "embedding_breaker",
                            breaker_name(&llm->embedding.breaker, now_ms));
    return budget_tell(call, llm, out);
}

static const sl_op ops[] = {{.name = "llm.complete",
                             .route = "POST /llm/complete",
                             .summary = "Ask the configured language model",
                             .in = complete_in,
                             .out = complete_out,
                             .needs = "llm:use",
                             .run = llm_complete,
                             .effect = SL_WRITES, /* it spends */
                             .timeout_ms = 180000,
                             .max_body = 4U << 20},
                            {.name = "llm.embed",
                             .route = "POST /llm/embed",
                             .summary = "Turn texts into vectors by the configured model",
                             .in = embed_in,
                             .out = embed_out,
                             .needs = "llm:use",
                             .run = llm_embed,
                             .effect = SL_WRITES,
                             .timeout_ms = 180000,
                             .max_body = 8U << 20},
                            {.name = "llm.status",
                             .route = "GET /llm/status",
                             .summary = "Show the language model, its breaker and today's budget",
                             .out = status_out,
                             .needs = "llm:read",
                             .run = llm_status,
                             .effect = SL_READS},
                            SL_END};

/* ---- configuration ---- */

#define PROVIDERS "none|openai|azure|ollama|anthropic"

static const sl_field embedding_config[] = {
    SL_ENUM("provider", "none|openai|azure|ollama", .def = "none",
            .help = "whose API it is; openai: every server that speaks like it"),
    SL_STRING("base_url", .format = "uri",
              .help = "default: that of plugins.llm, when the same "
                      "provider, else the provider's own"),
    SL_STRING("model", .max = 200),
    SL_STRING("api_key", .flags = SL_SECRET, .max = 4096),
    SL_STRING("api_version", .max = 40, .help = "azure only"),
    SL_INT("dimension", .min = 0, .max = 16384, .def = "0",
           .help = "numbers of a vector; 0: what the model gives"),
    SL_STRING("query_prefix", .max = 200, .help = "put before each query, as some models want it"),
    SL_STRING("document_prefix", .max = 200, .help = "put before each document"),
    SL_NUMBER("input_price", .def = "0", .min = 0, .max = 1e6, .help = "USD a million tokens"),
    SL_END};

#define LIMITS                                                                                     \
    SL_NUMBER("tokens_per_day", .def = "0", .min = 0, .max = 1e12,                                 \
              .help = "tokens a tenant may use a day; 0: no limit"),                               \
        SL_NUMBER("usd_per_day", .def = "0", .min = 0, .max = 1e6,                                 \
                  .help = "USD a tenant may spend a day, by the prices; 0: no limit")

static const sl_field tenant_config[] = {LIMITS, SL_END};
static const sl_field budget_config[] = {LIMITS,
                                         {.name = "tenants",
                                          .type = SL_T_MAP,
                                          .item = SL_T_OBJECT,
                                          .fields = tenant_config,
                                          .help = "limits of single tenants, by name"},
                                         SL_END};

static const sl_field config[] = {
    SL_ENUM("provider", PROVIDERS, .def = "none",
            .help = "whose API it is; openai: also llama.cpp, vLLM, LiteLLM by base_url; none: "
                    "everything works without a model"),
    SL_STRING("base_url", .format = "uri", .help = "default: the provider's own"),
    SL_STRING("model", .max = 200, .help = "name of the model; of azure the deployment"),
    SL_MAP("models", SL_T_STRING, .max = 20, .help = "other models by purpose: chat, rag, risk..."),
    SL_STRING("api_key", .flags = SL_SECRET, .max = 4096, .help = "best as ${file:PATH}"),
    SL_STRING("api_version", .max = 40, .def = "2024-10-21", .help = "azure only"),
    SL_INT("max_tokens", .def = "1024", .min = 1, .max = 65536,
           .help = "of an answer, where the asker sets none"),
    SL_DURATION("timeout", .def = "60s", .help = "of a question, its tries together"),
    SL_INT("retries", .def = "2", .min = 0, .max = 5,
           .help = "further tries after 429, 5xx and broken answers"),
    SL_SIZE("max_answer", .def = "4MiB", .help = "bytes that one answer may take on the wire"),
    SL_DURATION("cache_ttl", .def = "1h",
                .help = "how long the same question gets the same answer; 0s: never"),
    SL_NUMBER("input_price", .def = "0", .min = 0, .max = 1e6, .help = "USD a million tokens"),
    SL_NUMBER("output_price", .def = "0", .min = 0, .max = 1e6, .help = "USD a million tokens"),
    SL_OBJECT("budget", budget_config, .help = "what a tenant may spend a day (UTC)"),
    SL_OBJECT("embedding", embedding_config, .help = "the model for llm.embed"),
    SL_END};

static const struct known_provider {
    const char *name;
    enum wire wire;
    const char *base_url; /* NULL: must be set */
} known[] = {{"openai", WIRE_OPENAI, "https://api.openai.com/v1"},
             {"azure", WIRE_OPENAI, NULL},
             {"ollama", WIRE_OLLAMA, "http://127.0.0.1:11434"},
             {"anthropic", WIRE_ANTHROPIC, "https://api.anthropic.com"}};

static const struct known_provider *find_known(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) return &known[i];
    return NULL;
}

/* `where`: "" or "embedding." in messages. */
static int check_one(sl_call *call, const cJSON *options, const char *where) {
    const struct known_provider *row = find_known(sl_get_text(options, "provider", "none"));
    const char *url = sl_get_text(options, "base_url", NULL);
    if (!row) return 0;
    if (!*sl_get_text(options, "model", ""))
        return sl_fail(call, SL_INVALID,
                       "plugins.llm.%smodel is missing: which model of %s is to answer?", where,
                       row->name);
    if (!url && !row->base_url)
        return sl_fail(call, SL_INVALID,
                       "plugins.llm.%sbase_url is missing: %s has no common address, give "
                       "https://NAME.openai.azure.com",
                       where, row->name);
    if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return sl_fail(call, SL_INVALID,
                       "plugins.llm.%sbase_url: expected http://... or https://...", where);
    return 0;
}

static int check(sl_call *call, const cJSON *options) {
    const int rc = check_one(call, options, "");
    const cJSON *embedding = sl_get(options, "embedding");
    return rc || !embedding ? rc : check_one(call, embedding, "embedding.");
}

static struct provider provider_of(const cJSON *options, const cJSON *usual) {
    const struct known_provider *row = find_known(sl_get_text(options, "provider", "none"));
    if (!row) return (struct provider){0};
    const bool same = strcmp(sl_get_text(usual, "provider", ""), row->name) == 0;
    const cJSON *shared = same ? usual : NULL;
    return (struct provider){
        .name = row->name,
        .wire = row->wire,
        .base_url =
            sl_get_text(options, "base_url", sl_get_text(shared, "base_url", row->base_url)),
        .model = sl_get_text(options, "model", ""),
        .api_key = sl_get_text(options, "api_key", sl_get_text(shared, "api_key", "")),
        .api_version =
            sl_get_text(options, "api_version", sl_get_text(shared, "api_version", "2024-10-21")),
        .input_price = sl_get_number(options, "input_price", 0),
        .output_price = sl_get_number(options, "output_price", 0),
        .dimension = sl_get_int(options, "dimension", 0)};
}

static int start(sl_call *call, const cJSON *options) {
    struct llm *llm = calloc(1, sizeof *llm);
    if (!llm) return sl_fail(call, SL_UNAVAILABLE, "no memory for the language models");
    llm->config = sl_json_keep(options);
    const cJSON *budget = sl_get(llm->config, "budget");
    llm->chat = provider_of(llm->config, NULL);
    llm->embedding = provider_of(sl_get(llm->config, "embedding"), llm->config);
    llm->timeout_ms = sl_get_int(options, "timeout", 60000);
    llm->cache_ttl_ms = sl_get_int(options, "cache_ttl", 3600000);
    llm->retries = (int)sl_get_int(options, "retries", 2);
    llm->max_answer = (size_t)sl_get_int(options, "max_answer", 4 << 20);
    llm->tokens_a_day = sl_get_number(budget, "tokens_per_day", 0);
    llm->usd_a_day = sl_get_number(budget, "usd_per_day", 0);
    sl_set_state(call, llm);
    return 0;
}

static void stop(sl_call *call) {
    struct llm *llm = sl_state(call);
    if (!llm) return;
    sl_set_state(call, NULL);
    sl_json_drop(llm->config);
    free(llm);
}

static const sl_migration schema[] = {
    {.number = 1,
     .name = "usage and kept answers",
     .sql = "CREATE TABLE llm_usage (tenant TEXT NOT NULL, day TEXT NOT NULL,"
            " tokens BIGINT NOT NULL, micro_usd BIGINT NOT NULL, calls BIGINT NOT NULL,"
            " PRIMARY KEY (tenant, day));"
            "CREATE TABLE llm_cache (tenant TEXT NOT NULL, hash TEXT NOT NULL,"
            " answer TEXT NOT NULL, at_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,"
            " PRIMARY KEY (tenant, hash));"
            "CREATE INDEX llm_cache_age ON llm_cache (tenant, at_ms)"},
    SL_END};

static const double seconds[] = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 0};
static const sl_metric metrics[] = {{.name = "llm_requests_total",
                                     .help = "Questions to language models",
                                     .labels = "purpose,outcome",
                                     .type = SL_COUNTER},
                                    {.name = "llm_seconds",
                                     .help = "Time of a question, its tries together",
                                     .labels = "purpose",
                                     .buckets = seconds,
                                     .type = SL_HISTOGRAM},
                                    {.name = "llm_tokens_total",
                                     .help = "Tokens sent and received",
                                     .labels = "purpose,direction",
                                     .type = SL_COUNTER},
                                    {.name = "llm_cost_usd_total",
                                     .help = "What was spent, by the configured prices",
                                     .labels = "purpose",
                                     .type = SL_COUNTER},
                                    {.name = "llm_cache_total",
                                     .help = "Questions by whether an answer was kept",
                                     .labels = "outcome",
                                     .type = SL_COUNTER},
                                    {.name = "llm_retries_total",
                                     .help = "Further tries of questions",
                                     .labels = "provider",
                                     .type = SL_COUNTER},
                                    {.name = "llm_redactions_total",
                                     .help = "Secrets taken out of what was to be sent",
                                     .type = SL_COUNTER},
                                    SL_END};

SL_PLUGIN(.name = "llm", .version = "1.0.0",
          .summary =
              "Language models: OpenAI-compatible, Azure, Ollama, Anthropic; none by default",
          .license = "Apache-2.0", .config = config, .ops = ops, .schema = schema,
          .metrics = metrics, .check = check, .start = start, .stop = stop);
