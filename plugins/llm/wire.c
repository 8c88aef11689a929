#include "wire.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char wire_answer_tool[] = "give_answer";

static const cJSON *get(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_in(const cJSON *object, const char *name) {
    const cJSON *item = get(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static cJSON *object_in(cJSON *array) {
    cJSON *made = cJSON_CreateObject();
    cJSON_AddItemToArray(array, made);
    return made;
}

/* A copy of a member, or an empty object. */
static cJSON *copy_of(const cJSON *item) {
    return item ? cJSON_Duplicate(item, 1) : cJSON_CreateObject();
}

/* ---- OpenAI and Ollama: almost one shape ---- */

/* OpenAI writes the arguments of a call as a string, Ollama as an object. */
static void put_calls(cJSON *message, const cJSON *calls, enum wire wire) {
    if (!cJSON_IsArray(calls) || !calls->child) return;
    cJSON *list = cJSON_AddArrayToObject(message, "tool_calls");
    const cJSON *one;
    cJSON_ArrayForEach(one, calls) {
        cJSON *made = object_in(list);
        if (wire == WIRE_OPENAI) {
            cJSON_AddStringToObject(made, "id", text_in(one, "id"));
            cJSON_AddStringToObject(made, "type", "function");
        }
        cJSON *function = cJSON_AddObjectToObject(made, "function");
        cJSON_AddStringToObject(function, "name", text_in(one, "name"));
        const cJSON *arguments = get(one, "arguments");
        if (wire == WIRE_OLLAMA) {
            cJSON_AddItemToObject(function, "arguments", copy_of(arguments));
            continue;
        }
        char *printed = arguments ? cJSON_PrintUnformatted(arguments) : NULL;
        cJSON_AddStringToObject(function, "arguments", printed ? printed : "{}");
        cJSON_free(printed);
    }
}

static void put_message(cJSON *list, const cJSON *message, enum wire wire) {
    cJSON *made = object_in(list);
    const char *role = text_in(message, "role");
    cJSON_AddStringToObject(made, "role", role);
    cJSON_AddStringToObject(made, "content", text_in(message, "content"));
    if (strcmp(role, "assistant") == 0) put_calls(made, get(message, "tool_calls"), wire);
    if (strcmp(role, "tool") != 0) return;
    if (wire == WIRE_OPENAI)
        cJSON_AddStringToObject(made, "tool_call_id", text_in(message, "tool_call_id"));
    else
        cJSON_AddStringToObject(made, "tool_name", text_in(message, "name"));
}

static const char schema_words[] =
    "\n\nAnswer with one JSON value and nothing else. It must follow "
    "this JSON Schema: ";

/* The system text, with the schema in words where the server does not take it as a schema. */
static char *system_text(const struct ask *ask) {
    const bool words = ask->schema && (ask->quirks & QUIRK_NO_SCHEMA);
    const char *system = ask->system ? ask->system : "";
    char *schema = words ? cJSON_PrintUnformatted(ask->schema) : NULL;
    const size_t size = strlen(system) + sizeof schema_words + (schema ? strlen(schema) : 0) + 1;
    char *all = cJSON_malloc(size);
    if (all)
        (void)snprintf(all, size, "%s%s%s", system, schema ? schema_words : "",
                       schema ? schema : "");
    cJSON_free(schema);
    return all;
}

static void put_messages(cJSON *body, const struct ask *ask, enum wire wire) {
    cJSON *list = cJSON_AddArrayToObject(body, "messages");
    char *system = system_text(ask);
    if (system && *system) {
        cJSON *made = object_in(list);
        cJSON_AddStringToObject(made, "role", "system");
        cJSON_AddStringToObject(made, "content", system);
    }
    cJSON_free(system);
    const cJSON *message;
    cJSON_ArrayForEach(message, ask->messages) put_message(list, message, wire);
}

static void put_tools(cJSON *body, const struct ask *ask) {
    if (!ask->tools || !ask->tools->child) return;
    cJSON *list = cJSON_AddArrayToObject(body, "tools");
    const cJSON *tool;
    cJSON_ArrayForEach(tool, ask->tools) {
        cJSON *made = object_in(list);
        cJSON_AddStringToObject(made, "type", "function");
        cJSON *function = cJSON_AddObjectToObject(made, "function");
        cJSON_AddStringToObject(function, "name", text_in(tool, "name"));
        cJSON_AddStringToObject(function, "description", text_in(tool, "description"));
        cJSON_AddItemToObject(function, "parameters", copy_of(get(tool, "parameters")));
    }
}

static void put_openai_schema(cJSON *body, const struct ask *ask) {
    if (!ask->schema || (ask->quirks & QUIRK_NO_SCHEMA)) return;
    cJSON *format = cJSON_AddObjectToObject(body, "response_format");
    cJSON_AddStringToObject(format, "type", "json_schema");
    cJSON *named = cJSON_AddObjectToObject(format, "json_schema");
    cJSON_AddStringToObject(named, "name", "answer");
    /* Strict mode takes only schemas in which every member is required; ours are checked here. */
    cJSON_AddBoolToObject(named, "strict", 0);
    cJSON_AddItemToObject(named, "schema", cJSON_Duplicate(ask->schema, 1));
}

static cJSON *openai_chat(const struct ask *ask) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "model", ask->model);
    put_messages(body, ask, WIRE_OPENAI);
    put_tools(body, ask);
    put_openai_schema(body, ask);
    cJSON_AddNumberToObject(
        body, ask->quirks & QUIRK_COMPLETION_TOKENS ? "max_completion_tokens" : "max_tokens",
        (double)ask->max_tokens);
    if (!(ask->quirks & QUIRK_NO_TEMPERATURE))
        cJSON_AddNumberToObject(body, "temperature", ask->temperature);
    cJSON_AddTrueToObject(body, "stream");
    if (!(ask->quirks & QUIRK_NO_STREAM_OPTIONS))
        cJSON_AddTrueToObject(cJSON_AddObjectToObject(body, "stream_options"), "include_usage");
    return body;
}

static cJSON *ollama_chat(const struct ask *ask) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "model", ask->model);
    put_messages(body, ask, WIRE_OLLAMA);
    put_tools(body, ask);
    if (ask->schema && !(ask->quirks & QUIRK_NO_SCHEMA))
        cJSON_AddItemToObject(body, "format", cJSON_Duplicate(ask->schema, 1));
    cJSON_AddTrueToObject(body, "stream");
    cJSON *options = cJSON_AddObjectToObject(body, "options");
    cJSON_AddNumberToObject(options, "temperature", ask->temperature);
    cJSON_AddNumberToObject(options, "num_predict", (double)ask->max_tokens);
    return body;
}

/* ---- Anthropic: content is a list of blocks, and roles must alternate ---- */

static void put_block_text(cJSON *blocks, const char *text) {
    if (!*text) return;
    cJSON *block = object_in(blocks);
    cJSON_AddStringToObject(block, "type", "text");
    cJSON_AddStringToObject(block, "text", text);
}

static void put_blocks(cJSON *blocks, const cJSON *message) {
    if (strcmp(text_in(message, "role"), "tool") == 0) {
        cJSON *block = object_in(blocks);
        cJSON_AddStringToObject(block, "type", "tool_result");
        cJSON_AddStringToObject(block, "tool_use_id", text_in(message, "tool_call_id"));
        cJSON_AddStringToObject(block, "content", text_in(message, "content"));
        return;
    }
    put_block_text(blocks, text_in(message, "content"));
    const cJSON *one;
    cJSON_ArrayForEach(one, get(message, "tool_calls")) {
        cJSON *block = object_in(blocks);
        cJSON_AddStringToObject(block, "type", "tool_use");
        cJSON_AddStringToObject(block, "id", text_in(one, "id"));
        cJSON_AddStringToObject(block, "name", text_in(one, "name"));
        cJSON_AddItemToObject(block, "input", copy_of(get(one, "arguments")));
    }
}

static void put_turns(cJSON *body, const struct ask *ask) {
    cJSON *list = cJSON_AddArrayToObject(body, "messages");
    cJSON *blocks = NULL;
    const char *last = "";
    const cJSON *message;
    cJSON_ArrayForEach(message, ask->messages) {
        const bool assistant = strcmp(text_in(message, "role"), "assistant") == 0;
        const char *role = assistant ? "assistant" : "user";
        if (strcmp(role, last) != 0) {
            cJSON *turn = object_in(list);
            cJSON_AddStringToObject(turn, "role", role);
            blocks = cJSON_AddArrayToObject(turn, "content");
        }
        last = role;
        put_blocks(blocks, message);
    }
}

static void put_anthropic_tool(cJSON *list, const char *name, const char *description,
                               const cJSON *schema) {
    cJSON *made = object_in(list);
    cJSON_AddStringToObject(made, "name", name);
    cJSON_AddStringToObject(made, "description", description);
    cJSON *input = copy_of(schema);
    if (!get(input, "type")) cJSON_AddStringToObject(input, "type", "object");
    cJSON_AddItemToObject(made, "input_schema", input);
}

static cJSON *anthropic_chat(const struct ask *ask) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "model", ask->model);
    cJSON_AddNumberToObject(body, "max_tokens", (double)ask->max_tokens);
    if (!(ask->quirks & QUIRK_NO_TEMPERATURE))
        cJSON_AddNumberToObject(body, "temperature", ask->temperature);
    cJSON_AddTrueToObject(body, "stream");
    char *system = system_text(ask);
    if (system && *system) cJSON_AddStringToObject(body, "system", system);
    cJSON_free(system);
    put_turns(body, ask);
    const bool answers = ask->schema && !(ask->quirks & QUIRK_NO_SCHEMA);
    if (!answers && (!ask->tools || !ask->tools->child)) return body;
    cJSON *list = cJSON_AddArrayToObject(body, "tools");
    const cJSON *tool;
    cJSON_ArrayForEach(tool, ask->tools) put_anthropic_tool(
        list, text_in(tool, "name"), text_in(tool, "description"), get(tool, "parameters"));
    if (!answers) return body;
    put_anthropic_tool(list, wire_answer_tool, "Give the answer.", ask->schema);
    cJSON *choice = cJSON_AddObjectToObject(body, "tool_choice");
    const bool only = !ask->tools || !ask->tools->child;
    cJSON_AddStringToObject(choice, "type", only ? "tool" : "any");
    if (only) cJSON_AddStringToObject(choice, "name", wire_answer_tool);
    return body;
}

cJSON *wire_chat(enum wire wire, const struct ask *ask) {
    if (wire == WIRE_OLLAMA) return ollama_chat(ask);
    return wire == WIRE_ANTHROPIC ? anthropic_chat(ask) : openai_chat(ask);
}

/* ---- embeddings ---- */

cJSON *wire_embed(enum wire wire, const char *model, const cJSON *texts, int64_t dimension) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "model", model);
    cJSON_AddItemToObject(body, "input", cJSON_Duplicate(texts, 1));
    if (wire == WIRE_OLLAMA) {
        cJSON_AddTrueToObject(body, "truncate");
        return body;
    }
    cJSON_AddStringToObject(body, "encoding_format", "float");
    if (dimension > 0) cJSON_AddNumberToObject(body, "dimensions", (double)dimension);
    return body;
}

static const cJSON *vector_at(enum wire wire, const cJSON *answer, size_t i) {
    if (wire == WIRE_OLLAMA) return cJSON_GetArrayItem(get(answer, "embeddings"), (int)i);
    const cJSON *row;
    cJSON_ArrayForEach(row, get(answer, "data")) {
        const cJSON *index = get(row, "index");
        if (cJSON_IsNumber(index) && index->valuedouble == (double)i) return get(row, "embedding");
    }
    return NULL;
}

static bool all_finite(const cJSON *vector) {
    const cJSON *number;
    cJSON_ArrayForEach(number, vector) if (!cJSON_IsNumber(number) ||
                                           !isfinite(number->valuedouble)) return false;
    return true;
}

cJSON *wire_vectors(enum wire wire, const cJSON *answer, size_t count, char why[200]) {
    cJSON *vectors = cJSON_CreateArray();
    int dimension = 0;
    for (size_t i = 0; i < count; i++) {
        const cJSON *vector = vector_at(wire, answer, i);
        const int size = cJSON_IsArray(vector) ? cJSON_GetArraySize(vector) : 0;
        if (!size)
            (void)snprintf(why, 200, "there is no vector for text %zu of %zu", i + 1, count);
        else if (dimension && size != dimension)
            (void)snprintf(why, 200, "vector %zu has %d numbers, those before it %d", i + 1, size,
                           dimension);
        else if (!all_finite(vector))
            (void)snprintf(why, 200, "vector %zu holds something that is not a number", i + 1);
        else {
            dimension = size;
            cJSON_AddItemToArray(vectors, cJSON_Duplicate(vector, 1));
            continue;
        }
        cJSON_Delete(vectors);
        return NULL;
    }
    return vectors;
}

/* ---- errors ---- */

const char *wire_trouble(const cJSON *answer) {
    static const char *const names[] = {"message", "detail", "error"};
    const cJSON *error = get(answer, "error");
    if (cJSON_IsString(error)) return error->valuestring;
    const cJSON *where = cJSON_IsObject(error) ? error : answer;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (*text_in(where, names[i])) return text_in(where, names[i]);
    return NULL;
}

uint32_t wire_quirk(const char *trouble, uint32_t known) {
    static const struct {
        const char *word;
        uint32_t quirk;
    } rows[] = {{"stream_options", QUIRK_NO_STREAM_OPTIONS},
                {"max_completion_tokens", QUIRK_COMPLETION_TOKENS},
                {"temperature", QUIRK_NO_TEMPERATURE},
                {"response_format", QUIRK_NO_SCHEMA},
                {"json_schema", QUIRK_NO_SCHEMA},
                {"tool_choice", QUIRK_NO_SCHEMA},
                {"grammar", QUIRK_NO_SCHEMA},
                {"format", QUIRK_NO_SCHEMA}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcasestr(trouble, rows[i].word) && !(known & rows[i].quirk)) return rows[i].quirk;
    return 0;
}
