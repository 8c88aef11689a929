/* wire.h - what goes to a provider: one neutral question, three ways to write it down.
 *
 *   openai     POST /chat/completions, /embeddings: OpenAI, Azure, llama.cpp, vLLM, LiteLLM
 *   ollama     POST /api/chat, /api/embed
 *   anthropic  POST /v1/messages (it has no embeddings)
 *
 * Reading what comes back: reading.h. Pure. */
#ifndef LLM_WIRE_H
#define LLM_WIRE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire { WIRE_OPENAI, WIRE_OLLAMA, WIRE_ANTHROPIC };

/* What a server was seen to refuse; the next request goes without it. */
enum quirk {
    QUIRK_NO_STREAM_OPTIONS = 1,
    QUIRK_COMPLETION_TOKENS = 2, /* max_completion_tokens in place of max_tokens */
    QUIRK_NO_TEMPERATURE = 4,
    QUIRK_NO_SCHEMA = 8 /* the schema is told in words; it is checked here all the same */
};

/* The question; everything borrowed. */
struct ask {
    const char *model, *system;
    const cJSON *messages; /* [{role: user|assistant|tool, content, tool_calls?, tool_call_id?}] */
    const cJSON *schema;   /* of the wanted answer, or NULL */
    const cJSON *tools;    /* [{name, description, parameters}], or NULL */
    int64_t max_tokens;
    double temperature;
    uint32_t quirks;
};

/* The tool by which Anthropic's models give an answer that follows a schema. */
extern const char wire_answer_tool[];

/* The body of the request, a new tree. */
cJSON *wire_chat(enum wire wire, const struct ask *ask);
cJSON *wire_embed(enum wire wire, const char *model, const cJSON *texts, int64_t dimension);

/* The vectors of an answer, in the order of the texts: [[number…]…], all of one dimension, all
 * finite. NULL with a sentence in `why`. A new tree. */
cJSON *wire_vectors(enum wire wire, const cJSON *answer, size_t count, char why[200]);

/* The sentence of an error answer; NULL: it has none. Borrowed. */
const char *wire_trouble(const cJSON *answer);
/* Which quirk would mend a refusal that says this; 0: none. */
uint32_t wire_quirk(const char *trouble, uint32_t known);

#endif
