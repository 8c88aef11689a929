/* json_api.c - sluice/json.h: JSON for plugins, over the strict reader. */
#include "call.h"
#include "json.h"

#include <math.h>
#include <string.h>

int sl_json_parse(sl_call *call, const char *what, const char *text, size_t size, cJSON **out) {
    struct json_fault fault;
    *out = json_parse(call->arena, text, size, &fault);
    if (*out) return 0;
    return sl_fail(call, SL_INVALID, "%s is not valid JSON: line %zu, column %zu: %s", what,
                   fault.line, fault.column, fault.why);
}

const char *sl_json_print(sl_call *call, const cJSON *json) {
    return json_print(call->arena, json, NULL);
}

/* cJSON's own search calls strcmp for every member; most are told apart by their first letter. */
const cJSON *sl_get(const cJSON *object, const char *name) {
    if (!object || !name) return NULL;
    for (const cJSON *member = object->child; member && member->string; member = member->next)
        if (member->string[0] == name[0] && strcmp(member->string, name) == 0)
            return cJSON_IsNull(member) ? NULL : member;
    return NULL;
}

const char *sl_get_text(const cJSON *object, const char *name, const char *otherwise) {
    const cJSON *member = sl_get(object, name);
    return cJSON_IsString(member) ? member->valuestring : otherwise;
}

double sl_get_number(const cJSON *object, const char *name, double otherwise) {
    const cJSON *member = sl_get(object, name);
    return cJSON_IsNumber(member) ? member->valuedouble : otherwise;
}

int64_t sl_get_int(const cJSON *object, const char *name, int64_t otherwise) {
    const cJSON *member = sl_get(object, name);
    if (!cJSON_IsNumber(member) || !(fabs(member->valuedouble) < 9.2e18)) return otherwise;
    return (int64_t)member->valuedouble;
}

int sl_get_bool(const cJSON *object, const char *name, int otherwise) {
    const cJSON *member = sl_get(object, name);
    return cJSON_IsBool(member) ? cJSON_IsTrue(member) : otherwise;
}

cJSON *sl_json_keep(const cJSON *json) {
    struct arena *before = arena_use(NULL);
    cJSON *kept = cJSON_Duplicate(json, true);
    arena_use(before);
    return kept;
}

void sl_json_drop(cJSON *kept) {
    cJSON_Delete(kept);
}
