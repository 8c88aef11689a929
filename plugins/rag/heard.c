/* heard.c - an incident that is over becomes a document: the next one like it finds it. */
#include "rag.h"

#include <string.h>

static const char *text_of(sl_call *call, const cJSON *value) {
    if (cJSON_IsString(value)) return value->valuestring;
    return value ? sl_json_print(call, value) : NULL;
}

/* The postmortem as Markdown, wherever the answer carries it; NULL: there is none. */
static const char *postmortem_of(sl_call *call, const char *incident) {
    static const char *const places[] = {"markdown", "postmortem", "text", "document", "draft"};
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    cJSON_AddStringToObject(in, "id", incident);
    if (!sl_has_op(call, "incident.postmortem") || sl_invoke(call, "incident.postmortem", in, &out))
        return NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const cJSON *found = sl_get(out, places[i]);
        if (cJSON_IsString(found) && *found->valuestring) return found->valuestring;
        const char *inner = sl_get_text(found, "markdown", NULL);
        if (inner && *inner) return inner;
    }
    return NULL;
}

/* What the event itself tells, where no postmortem can be had. */
static const char *story_of(sl_call *call, const cJSON *data) {
    static const char *const told[] = {"severity", "services",   "environment", "summary",
                                       "impact",   "root_cause", "mitigation",  "resolution"};
    const char *out = sl_printf(call, "# %s\n\n", sl_get_text(data, "title", "Incident"));
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *text = text_of(call, sl_get(data, told[i]));
        if (text && *text) out = sl_printf(call, "%s- %s: %s\n", out, told[i], text);
    }
    return out;
}

int rag_hear_resolved(sl_call *call, const sl_event *event) {
    const cJSON *data = event->data;
    const char *id = sl_get_text(data, "incident_id", NULL);
    if (!id && event->subject && !strncmp(event->subject, "incident/", 9)) id = event->subject + 9;
    if (!id || !*id) return 0;
    const char *text = postmortem_of(call, id);
    if (!text) text = story_of(call, data);
    cJSON *labels = cJSON_CreateArray();
    const cJSON *service;
    cJSON_AddItemToArray(labels, cJSON_CreateString("incident"));
    cJSON_ArrayForEach(service, sl_get(data, "services")) {
        if (cJSON_IsString(service))
            cJSON_AddItemToArray(
                labels, cJSON_CreateString(sl_printf(call, "service=%s", service->valuestring)));
    }
    struct intake_told told = {0};
    const struct intake intake = {.source = sl_printf(call, "incidents/%s.md", id),
                                  .text = text,
                                  .size = strlen(text),
                                  .title = sl_get_text(data, "title", NULL),
                                  .format = "markdown",
                                  .collection = "incidents",
                                  .labels = labels};
    return rag_take(call, &intake, 1, &told);
}
