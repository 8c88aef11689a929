/* reading_event.c - what one event of each provider means. */
#include "reading_inside.h"

#include <stdio.h>
#include <string.h>

static const cJSON *get(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_in(const cJSON *object, const char *name) {
    const cJSON *item = get(object, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static void copy_name(char *to, const char *from) {
    if (from) (void)snprintf(to, READING_NAME, "%s", from);
}

static void take_count(int64_t *to, const cJSON *usage, const char *name) {
    const cJSON *count = get(usage, name);
    if (cJSON_IsNumber(count) && count->valuedouble >= 0 && count->valuedouble < 1e9)
        *to = (int64_t)count->valuedouble;
}

static void add_text(struct reading *reading, const char *text) {
    if (text && !text_add(&reading->answer, reading->limit, text, strlen(text)))
        reading_fail(reading, READING_LARGE, "its text is over %zu bytes", reading->limit);
}

static void set_finish(struct reading *reading, const char *reason) {
    static const char *const means[][2] = {{"stop", "stop"},
                                           {"end_turn", "stop"},
                                           {"stop_sequence", "stop"},
                                           {"length", "length"},
                                           {"max_tokens", "length"},
                                           {"model_length", "length"},
                                           {"tool_calls", "tool_calls"},
                                           {"tool_use", "tool_calls"},
                                           {"function_call", "tool_calls"},
                                           {"content_filter", "filter"},
                                           {"refusal", "filter"}};
    if (!reason || !*reason) return;
    reading->finish = "stop";
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        if (strcmp(means[i][0], reason) == 0) reading->finish = means[i][1];
}

/* ---- calls of tools ---- */

static struct reading_tool *tool_of(struct reading *reading, int index) {
    for (size_t i = 0; i < reading->tool_count; i++)
        if (reading->tools[i].index == index) return &reading->tools[i];
    if (reading->tool_count == READING_TOOLS) {
        reading_fail(reading, READING_LARGE, "it calls more than %d tools at once", READING_TOOLS);
        return NULL;
    }
    struct reading_tool *made = &reading->tools[reading->tool_count++];
    *made = (struct reading_tool){.index = index};
    return made;
}

static void add_arguments(struct reading *reading, struct reading_tool *tool, const char *text) {
    if (!tool || !text) return;
    if (!text_add(&tool->arguments, reading->limit, text, strlen(text)))
        reading_fail(reading, READING_LARGE, "the arguments of a tool are over %zu bytes",
                     reading->limit);
}

static void add_arguments_json(struct reading *reading, struct reading_tool *tool,
                               const cJSON *json) {
    char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
    add_arguments(reading, tool, printed);
    cJSON_free(printed);
}

/* tool_calls of OpenAI (arguments: pieces of a string) and of Ollama (an object). */
static void take_calls(struct reading *reading, const cJSON *calls) {
    const cJSON *one;
    int place = 0;
    cJSON_ArrayForEach(one, calls) {
        const cJSON *index = get(one, "index");
        const cJSON *function = get(one, "function");
        int number = cJSON_IsNumber(index) ? index->valueint : place;
        if (reading->wire == WIRE_OLLAMA) number = (int)reading->tool_count;
        place++;
        struct reading_tool *tool = tool_of(reading, number);
        if (!tool) return;
        copy_name(tool->id, text_in(one, "id"));
        copy_name(tool->name, text_in(function, "name"));
        const cJSON *arguments = get(function, "arguments");
        if (cJSON_IsObject(arguments))
            add_arguments_json(reading, tool, arguments);
        else
            add_arguments(reading, tool, text_in(function, "arguments"));
    }
}

/* ---- OpenAI ---- */

static void take_openai(struct reading *reading, const cJSON *event) {
    copy_name(reading->model, text_in(event, "model"));
    take_count(&reading->input_tokens, get(event, "usage"), "prompt_tokens");
    take_count(&reading->output_tokens, get(event, "usage"), "completion_tokens");
    /* The last piece with the usage has no choices; Azure begins with one that has none either. */
    const cJSON *choice = cJSON_GetArrayItem(get(event, "choices"), 0);
    if (!choice) return;
    const cJSON *delta = get(choice, "delta");
    if (!delta) delta = get(choice, "message");
    add_text(reading, text_in(delta, "content"));
    take_calls(reading, get(delta, "tool_calls"));
    const char *refusal = text_in(delta, "refusal");
    if (refusal && *refusal) reading_fail(reading, READING_REFUSED, "it refuses: %.200s", refusal);
    set_finish(reading, text_in(choice, "finish_reason"));
}

/* ---- Ollama ---- */

static void take_ollama(struct reading *reading, const cJSON *event) {
    const cJSON *message = get(event, "message");
    copy_name(reading->model, text_in(event, "model"));
    add_text(reading, text_in(message, "content"));
    take_calls(reading, get(message, "tool_calls"));
    if (!cJSON_IsTrue(get(event, "done"))) return;
    take_count(&reading->input_tokens, event, "prompt_eval_count");
    take_count(&reading->output_tokens, event, "eval_count");
    const char *reason = text_in(event, "done_reason");
    set_finish(reading, reading->tool_count ? "tool_calls" : reason ? reason : "stop");
}

/* ---- Anthropic ---- */

static void take_block(struct reading *reading, const cJSON *block, int index, bool whole) {
    const char *type = text_in(block, "type");
    if (!type) return;
    if (strcmp(type, "text") == 0) add_text(reading, text_in(block, "text"));
    if (strcmp(type, "tool_use") != 0) return;
    struct reading_tool *tool = tool_of(reading, index);
    if (!tool) return;
    copy_name(tool->id, text_in(block, "id"));
    copy_name(tool->name, text_in(block, "name"));
    if (whole) add_arguments_json(reading, tool, get(block, "input"));
}

static void take_anthropic_message(struct reading *reading, const cJSON *message) {
    copy_name(reading->model, text_in(message, "model"));
    take_count(&reading->input_tokens, get(message, "usage"), "input_tokens");
    take_count(&reading->output_tokens, get(message, "usage"), "output_tokens");
    const cJSON *block;
    int index = 0;
    cJSON_ArrayForEach(block, get(message, "content")) take_block(reading, block, index++, true);
    set_finish(reading, text_in(message, "stop_reason"));
}

static void take_anthropic_delta(struct reading *reading, const cJSON *event, int index) {
    const cJSON *delta = get(event, "delta");
    add_text(reading, text_in(delta, "text"));
    const char *more = text_in(delta, "partial_json");
    if (more) add_arguments(reading, tool_of(reading, index), more);
}

static void take_anthropic(struct reading *reading, const cJSON *event) {
    const char *type = text_in(event, "type");
    const cJSON *number = get(event, "index");
    const int index = cJSON_IsNumber(number) ? number->valueint : 0;
    if (!type) {
        reading_fail(reading, READING_BROKEN, "an event has no type");
    } else if (strcmp(type, "message_start") == 0) {
        take_anthropic_message(reading, get(event, "message"));
    } else if (strcmp(type, "message") == 0) {
        take_anthropic_message(reading, event);
    } else if (strcmp(type, "content_block_start") == 0) {
        take_block(reading, get(event, "content_block"), index, false);
    } else if (strcmp(type, "content_block_delta") == 0) {
        take_anthropic_delta(reading, event, index);
    } else if (strcmp(type, "message_delta") == 0) {
        take_count(&reading->output_tokens, get(event, "usage"), "output_tokens");
        set_finish(reading, text_in(get(event, "delta"), "stop_reason"));
    } else if (strcmp(type, "message_stop") == 0) {
        reading->ended = true;
    }
    /* Others (ping, and what comes later) are for nobody. */
}

void reading_take(struct reading *reading, const cJSON *event) {
    if (get(event, "error") && !cJSON_IsNull(get(event, "error"))) {
        const char *trouble = wire_trouble(event);
        reading_fail(reading, READING_REFUSED, "%.250s", trouble ? trouble : "it failed");
        return;
    }
    if (reading->wire == WIRE_OLLAMA)
        take_ollama(reading, event);
    else if (reading->wire == WIRE_ANTHROPIC)
        take_anthropic(reading, event);
    else
        take_openai(reading, event);
}
