/* complete.c - llm.complete: clean the question, look for a kept answer, set the cost aside, ask,
 * check the answer, settle the cost. */
#include "llm.h"
#include "schema.h"

#include <math.h>
#include <string.h>

enum { BYTES_A_TOKEN = 3 }; /* of English and JSON it is about 4: an estimate may be too high */

struct asking {
    struct exchange exchange;
    const char *purpose;
    const char *hash; /* of the question; NULL: not to be kept */
    struct spending spent;
    int64_t input_tokens, output_tokens;
    int redacted;
    cJSON *json;  /* the checked answer, when a schema was given */
    cJSON *calls; /* of tools, when there are any */
    const char *text;
};

const char *llm_purpose(const char *purpose) {
    static const char *const known[] = {"risk", "rag", "chat", "incident", "notes"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], purpose) == 0) return known[i];
    return "other";
}

static const char *hash_of(sl_call *call, const struct asking *asking) {
    const struct exchange *exchange = &asking->exchange;
    const struct ask *ask = &exchange->ask;
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "at", exchange->provider->base_url);
    cJSON_AddStringToObject(all, "model", ask->model);
    cJSON_AddStringToObject(all, "system", ask->system);
    cJSON_AddItemReferenceToObject(all, "messages", (cJSON *)ask->messages);
    if (ask->schema) cJSON_AddItemReferenceToObject(all, "schema", (cJSON *)ask->schema);
    if (ask->tools) cJSON_AddItemReferenceToObject(all, "tools", (cJSON *)ask->tools);
    cJSON_AddNumberToObject(all, "max_tokens", (double)ask->max_tokens);
    const char *printed = sl_json_print(call, all);
    char *hash = sl_alloc(call, 65);
    sl_sha256(printed, strlen(printed), hash);
    return hash;
}

/* ---- cost ---- */

static int64_t micro_usd(const struct provider *provider, int64_t input, int64_t output) {
    /* A price is USD a million tokens, which is micro-USD a token. */
    return (int64_t)ceil((double)input * provider->input_price +
                         (double)output * provider->output_price);
}

static int64_t input_estimate(sl_call *call, const struct ask *ask) {
    size_t size = strlen(ask->system) + strlen(sl_json_print(call, ask->messages));
    if (ask->tools) size += strlen(sl_json_print(call, ask->tools));
    if (ask->schema) size += strlen(sl_json_print(call, ask->schema));
    return (int64_t)(size / BYTES_A_TOKEN + 1);
}

/* Adds what one exchange has cost; where the server does not tell, an estimate. */
static void add_spent(sl_call *call, struct asking *asking) {
    const struct reading *reading = &asking->exchange.reading;
    int64_t input = reading->input_tokens, output = reading->output_tokens;
    if (input < 0) input = input_estimate(call, &asking->exchange.ask);
    if (output < 0) output = (int64_t)(reading->answer.size / BYTES_A_TOKEN);
    asking->input_tokens += input;
    asking->output_tokens += output;
    asking->spent.tokens += input + output;
    asking->spent.micro_usd += micro_usd(asking->exchange.provider, input, output);
}

/* ---- checking ---- */

/* Models like to fence their JSON. */
static const char *without_fence(const char *text, size_t *size) {
    while (*size && strchr(" \t\r\n", *text)) text++, --*size;
    if (*size > 6 && memcmp(text, "```", 3) == 0) {
        const char *line = memchr(text, '\n', *size);
        if (line) *size -= (size_t)(line + 1 - text), text = line + 1;
        while (*size && strchr(" \t\r\n`", text[*size - 1])) --*size;
    }
    return text;
}

static bool has_tool(const cJSON *tools, const char *name) {
    const cJSON *tool;
    cJSON_ArrayForEach(tool,
                       tools) if (strcmp(sl_get_text(tool, "name", ""), name) == 0) return true;
    return false;
}

/* The calls of tools; NULL with a sentence when one is not good. */
static cJSON *calls_of(sl_call *call, struct asking *asking, const char **why) {
    struct reading *reading = &asking->exchange.reading;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < reading->tool_count; i++) {
        const struct reading_tool *tool = &reading->tools[i];
        cJSON *arguments = NULL;
        const char *text = tool->arguments.size ? text_get(&tool->arguments) : "{}";
        if (sl_json_parse(call, "the arguments", text, strlen(text), &arguments) != 0 ||
            !cJSON_IsObject(arguments)) {
            *why = sl_printf(call, "the arguments of %s are no JSON object", tool->name);
            return NULL;
        }
        if (!has_tool(asking->exchange.ask.tools, tool->name) &&
            strcmp(tool->name, wire_answer_tool) != 0) {
            *why = sl_printf(call, "there is no tool \"%s\"", tool->name);
            return NULL;
        }
        cJSON *made = cJSON_CreateObject();
        cJSON_AddItemToArray(list, made);
        cJSON_AddStringToObject(made, "id", *tool->id ? tool->id : sl_printf(call, "call_%zu", i));
        cJSON_AddStringToObject(made, "name", tool->name);
        cJSON_AddItemToObject(made, "arguments", arguments);
    }
    return list;
}

/* Anthropic's models give a schema's answer as the arguments of a tool. */
static const cJSON *answer_call(const cJSON *calls) {
    const cJSON *one;
    cJSON_ArrayForEach(one, calls) if (strcmp(sl_get_text(one, "name", ""), wire_answer_tool) ==
                                       0) return sl_get(one, "arguments");
    return NULL;
}

/* NULL when the answer is good, else what is wrong with it, for the model to mend. */
static const char *check(sl_call *call, struct asking *asking) {
    struct reading *reading = &asking->exchange.reading;
    const cJSON *schema = asking->exchange.ask.schema;
    const char *why = NULL;
    asking->text = sl_strdup(call, text_get(&reading->answer));
    if (strcmp(reading->finish, "filter") == 0) return "it was stopped by a content filter";
    asking->calls = calls_of(call, asking, &why);
    if (why) return why;
    const cJSON *given = answer_call(asking->calls);
    if (!asking->calls->child || given) {
        if (!schema) return *asking->text ? NULL : "it is empty";
    } else {
        return NULL;
    }
    if (strcmp(reading->finish, "length") == 0)
        return "it was cut off before its end; it must be shorter, or max_tokens larger";
    cJSON *json = cJSON_Duplicate(given, 1);
    if (!given) {
        size_t size = strlen(asking->text);
        const char *text = without_fence(asking->text, &size);
        if (sl_json_parse(call, "the answer", text, size, &json) != 0)
            return sl_strdup(call, sl_failure(call));
    }
    char *fault = sl_alloc(call, SCHEMA_WHY);
    if (!schema_accepts(schema, json, fault)) return fault;
    asking->json = json;
    asking->calls = cJSON_CreateArray();
    if (given) asking->text = sl_json_print(call, json);
    return NULL;
}

/* ---- asking ---- */

static void add_message(cJSON *messages, const char *role, const char *content) {
    cJSON *made = cJSON_CreateObject();
    cJSON_AddStringToObject(made, "role", role);
    cJSON_AddStringToObject(made, "content", content);
    cJSON_AddItemToArray(messages, made);
}

/* Asks, and once more when the answer does not fit: the model is told what was wrong. */
static int ask_twice(sl_call *call, struct asking *asking) {
    struct exchange *exchange = &asking->exchange;
    int rc = provider_chat(call, exchange);
    if (rc) return rc;
    add_spent(call, asking);
    const char *why = check(call, asking);
    if (!why) return 0;
    sl_count(call, "llm_retries_total", 1, exchange->provider->name);
    cJSON *messages = cJSON_Duplicate(exchange->ask.messages, 1);
    if (*asking->text) add_message(messages, "assistant", asking->text);
    add_message(
        messages, "user",
        sl_printf(call, "That answer cannot be used: %s. Answer again, and mend that.", why));
    exchange->ask.messages = messages;
    rc = provider_chat(call, exchange);
    if (rc) return rc;
    add_spent(call, asking);
    why = check(call, asking);
    if (!why) return 0;
    breaker_report(&exchange->provider->breaker, false, sl_clock_ns(call) / 1000000);
    return sl_fail(call, SL_UNAVAILABLE, "the answer of %s cannot be used: %.300s",
                   exchange->provider->name, why);
}

static void count(sl_call *call, const struct asking *asking, int rc, int64_t began_ns) {
    const char *purpose = asking->purpose;
    const char *outcome = rc ? sl_status_name(rc) : "ok";
    sl_count(call, "llm_requests_total", 1, sl_printf(call, "%s|%s", purpose, outcome));
    sl_observe(call, "llm_seconds", (double)(sl_clock_ns(call) - began_ns) / 1e9, purpose);
    sl_count(call, "llm_tokens_total", (double)asking->input_tokens,
             sl_printf(call, "%s|input", purpose));
    sl_count(call, "llm_tokens_total", (double)asking->output_tokens,
             sl_printf(call, "%s|output", purpose));
    sl_count(call, "llm_cost_usd_total", (double)asking->spent.micro_usd / 1e6, purpose);
}

static int ask_within_budget(sl_call *call, struct asking *asking) {
    const struct llm *llm = asking->exchange.llm;
    const struct ask *ask = &asking->exchange.ask;
    const int64_t input = input_estimate(call, ask), began_ns = sl_clock_ns(call);
    const struct spending estimate = {
        .tokens = input + ask->max_tokens,
        .micro_usd = micro_usd(asking->exchange.provider, input, ask->max_tokens)};
    int rc = budget_reserve(call, llm, estimate);
    if (rc) {
        breaker_unknown(&asking->exchange.provider->breaker);
        count(call, asking, rc, began_ns);
        return rc;
    }
    rc = ask_twice(call, asking);
    const char *why = rc ? sl_strdup(call, sl_failure(call)) : NULL;
    budget_settle(call, llm, estimate, asking->spent);
    count(call, asking, rc, began_ns);
    return rc ? sl_fail(call, rc, "%s", why) : 0;
}

static void answer(sl_call *call, const struct asking *asking, cJSON *out) {
    const struct reading *reading = &asking->exchange.reading;
    const char *provider = asking->exchange.provider->name;
    const char *model = *reading->model ? reading->model : asking->exchange.ask.model;
    cJSON_AddStringToObject(out, "text", asking->text);
    if (asking->json) cJSON_AddItemToObject(out, "json", asking->json);
    if (asking->calls && asking->calls->child)
        cJSON_AddItemToObject(out, "tool_calls", asking->calls);
    cJSON_AddStringToObject(out, "finish", reading->finish);
    cJSON_AddStringToObject(out, "model", model);
    cJSON_AddStringToObject(out, "provider", provider);
    cJSON *usage = cJSON_AddObjectToObject(out, "usage");
    cJSON_AddNumberToObject(usage, "input_tokens", (double)asking->input_tokens);
    cJSON_AddNumberToObject(usage, "output_tokens", (double)asking->output_tokens);
    cJSON_AddNumberToObject(out, "cost_usd", (double)asking->spent.micro_usd / 1e6);
    cJSON_AddBoolToObject(out, "cached", 0);
    cJSON_AddNumberToObject(out, "redacted", asking->redacted);
    cJSON_AddStringToObject(out, "method", sl_printf(call, "llm:%s/%s", provider, model));
}

/* True when a kept answer was found and given. */
static bool answer_kept(sl_call *call, const struct asking *asking, cJSON *out) {
    cJSON *kept = cache_find(call, asking->hash);
    sl_count(call, "llm_cache_total", 1, kept ? "hit" : "miss");
    if (!kept) return false;
    cJSON_ReplaceItemInObjectCaseSensitive(kept, "cached", cJSON_CreateTrue());
    cJSON_ReplaceItemInObjectCaseSensitive(kept, "cost_usd", cJSON_CreateNumber(0));
    cJSON *member;
    while ((member = kept->child)) {
        cJSON_DetachItemViaPointer(kept, member);
        cJSON_AddItemToObject(out, sl_strdup(call, member->string), member);
    }
    return true;
}

/* What an answer of the right kind must be able to hold. */
static int check_messages(sl_call *call, const cJSON *messages) {
    const cJSON *first = messages->child;
    if (strcmp(sl_get_text(first, "role", ""), "user") != 0) {
        sl_fault(call, "/messages/0/role", "user", "a conversation begins with a user's message");
        return sl_fail(call, SL_INVALID, "the first message must be of role user");
    }
    return 0;
}

static int run(sl_call *call, struct asking *asking, cJSON *out) {
    struct exchange *exchange = &asking->exchange;
    const struct llm *llm = exchange->llm;
    int rc = clean_ask(call, &exchange->ask, &asking->redacted);
    if (rc) return rc;
    if (llm->cache_ttl_ms > 0 && exchange->ask.temperature <= 0)
        asking->hash = hash_of(call, asking);
    if (asking->hash && answer_kept(call, asking, out)) return 0;
    rc = provider_ready(call, exchange->provider);
    if (rc) {
        sl_count(call, "llm_requests_total", 1,
                 sl_printf(call, "%s|%s", asking->purpose, sl_status_name(rc)));
        return rc;
    }
    rc = ask_within_budget(call, asking);
    if (rc) return rc;
    answer(call, asking, out);
    if (asking->hash) cache_keep(call, llm, asking->hash, out);
    return 0;
}

int llm_complete(sl_call *call, const cJSON *in, cJSON *out) {
    struct llm *llm = sl_state(call);
    if (!llm->chat.name) return provider_ready(call, &llm->chat);
    int rc = check_messages(call, sl_get(in, "messages"));
    if (rc) return rc;
    const char *purpose = sl_get_text(in, "purpose", "other");
    const cJSON *tools = sl_get(in, "tools");
    struct asking asking = {
        .purpose = llm_purpose(purpose),
        .exchange = {
            .llm = llm,
            .provider = &llm->chat,
            .ask = {.model = sl_get_text(sl_get(llm->config, "models"), purpose, llm->chat.model),
                    .system = sl_get_text(in, "system", ""),
                    .messages = sl_get(in, "messages"),
                    .schema = sl_get(in, "schema"),
                    .tools = tools && tools->child ? tools : NULL,
                    .max_tokens =
                        sl_get_int(in, "max_tokens", sl_get_int(llm->config, "max_tokens", 1024)),
                    .temperature = sl_get_number(in, "temperature", 0)}}};
    rc = run(call, &asking, out);
    reading_fini(&asking.exchange.reading);
    return rc;
}
