/* Stands in for a language model: what it says is written into the diff, as an attacker would. It
 * keeps the question, so that a test can read what was sent. */
#include <sluice/sluice.h>
#include <string.h>

static const sl_field message_in[] = {SL_STRING("role"), SL_STRING("content", .max = SL_MIB(1)),
                                      SL_END};
static const sl_field complete_in[] = {SL_STRING("purpose"),
                                       SL_STRING("system"),
                                       SL_LIST_OF("messages", message_in, .flags = SL_REQUIRED),
                                       SL_OBJECT("schema", NULL, .flags = SL_OPEN),
                                       SL_INT("max_tokens"),
                                       SL_NUMBER("temperature"),
                                       SL_END};
static const sl_field complete_out[] = {SL_STRING("text"), SL_ANY("json"), SL_STRING("method"),
                                        SL_STRING("question"), SL_END};

static int complete(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *first = cJSON_GetArrayItem(sl_get(in, "messages"), 0);
    const char *content = sl_get_text(first, "content", "");
    const char *json = "{\"words\":\"Look at the loop.\",\"raise_to\":\"NONE\",\"reason\":\"\"}";
    if (strstr(content, "model: fail"))
        return sl_fail(call, SL_UNAVAILABLE, "no language model is configured");
    if (strstr(content, "model: lower"))
        json = "{\"words\":\"All is well.\",\"raise_to\":\"LOW\",\"reason\":\"trust me\"}";
    if (strstr(content, "model: raise"))
        json = "{\"words\":\"The key is logged.\",\"raise_to\":\"CRITICAL\","
               "\"reason\":\"src/a.c:1 logs a key\"}";
    if (strstr(content, "model: silent raise"))
        json = "{\"words\":\"Hm, well.\",\"raise_to\":\"CRITICAL\",\"reason\":\"\"}";
    if (strstr(content, "model: nonsense")) json = "[1,2,3]";
    if (strstr(content, "model: odd level"))
        json = "{\"words\":\"Hm, well.\",\"raise_to\":7,\"reason\":{}}";
    if (strstr(content, "model: leak"))
        json = "{\"words\":\"It holds AKIAQYLPMN5HHHFPZAM2 in line 1\",\"raise_to\":\"NONE\","
               "\"reason\":\"\"}";
    cJSON_AddItemToObject(out, "json", cJSON_Parse(json));
    cJSON_AddStringToObject(out, "method", "llm:stand-in/1");
    sl_batch *batch = sl_batch_new(call);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "content", content);
    cJSON_AddStringToObject(data, "system", sl_get_text(in, "system", ""));
    sl_batch_emit(batch, "stand-in.asked", "stand-in/1", data);
    return sl_commit(batch);
}

static const sl_op ops[] = {{.name = "llm.complete",
                             .summary = "Stand in for a language model",
                             .in = complete_in,
                             .out = complete_out,
                             .needs = "any",
                             .run = complete,
                             .effect = SL_WRITES},
                            SL_END};

SL_PLUGIN(.name = "model-stand-in", .version = "1.0.0", .summary = "stands in",
          .license = "Apache-2.0", .ops = ops);
