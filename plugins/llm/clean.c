/* clean.c - secrets are taken out of everything before it leaves: by own rules, then by those of
 * the risk plugin when it is there. */
#include "llm.h"
#include "redact.h"

#include <stdlib.h>
#include <string.h>

/* Members that are names of ours and of the provider's. */
static bool is_name(const cJSON *item) {
    static const char *const names[] = {"role", "id", "name", "tool_call_id"};
    for (size_t i = 0; item->string && i < sizeof names / sizeof *names; i++)
        if (strcmp(item->string, names[i]) == 0) return true;
    return false;
}

/* Appends references to all texts below `item` to `list`, and the items themselves to `at`. */
struct found_texts {
    cJSON **at;
    size_t count, capacity;
};

static void gather(sl_call *call, struct found_texts *texts, cJSON *item) {
    if (cJSON_IsString(item) && !is_name(item)) {
        if (texts->count == texts->capacity) {
            cJSON **more = sl_alloc(call, (texts->capacity * 2 + 32) * sizeof *more);
            if (texts->count) memcpy(more, texts->at, texts->count * sizeof *more);
            texts->capacity = texts->capacity * 2 + 32;
            texts->at = more;
        }
        texts->at[texts->count++] = item;
    }
    for (cJSON *child = item->child; child; child = child->next) gather(call, texts, child);
}

/* Texts longer than this in sum are cleaned beside the loop; about a millisecond's work. */
enum { ON_THE_LOOP_BYTES = 32 * 1024 };

struct cleaning {
    const struct found_texts *texts;
    char **clean; /* by text; NULL: it was clean */
    int found;
    bool lost; /* memory ran out */
};

static int clean_all(void *arg) {
    struct cleaning *cleaning = arg;
    for (size_t i = 0; i < cleaning->texts->count && !cleaning->lost; i++) {
        const char *text = cleaning->texts->at[i]->valuestring;
        int here = 0;
        cleaning->clean[i] = redact(text, strlen(text), &here);
        cleaning->lost = here < 0;
        cleaning->found += here > 0 ? here : 0;
    }
    return 0;
}

static int clean_own(sl_call *call, const struct found_texts *texts, int *found) {
    struct cleaning cleaning = {.texts = texts};
    cleaning.clean = sl_alloc(call, (texts->count + 1) * sizeof *cleaning.clean);
    size_t size = 0;
    for (size_t i = 0; i < texts->count; i++) size += strlen(texts->at[i]->valuestring);
    int rc =
        size > ON_THE_LOOP_BYTES ? sl_offload(call, clean_all, &cleaning) : clean_all(&cleaning);
    for (size_t i = 0; i < texts->count; i++) {
        if (cleaning.clean[i]) texts->at[i]->valuestring = sl_strdup(call, cleaning.clean[i]);
        free(cleaning.clean[i]);
    }
    if (!rc && cleaning.lost) rc = sl_fail(call, SL_UNAVAILABLE, "memory is out");
    *found += cleaning.found;
    return rc;
}

static int clean_by_risk(sl_call *call, const struct found_texts *texts, int *found) {
    if (!texts->count || !sl_has_op(call, "risk.redact")) return 0;
    cJSON *in = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(in, "texts"), *out = NULL;
    for (size_t i = 0; i < texts->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateStringReference(texts->at[i]->valuestring));
    const int rc = sl_invoke(call, "risk.redact", in, &out);
    /* A plugin that is down leaves the own rules; anything else is a text that was not looked at. */
    if (rc == SL_UNAVAILABLE || rc == SL_NOT_FOUND) return 0;
    if (rc) return rc;
    const cJSON *cleaned = sl_get(out, "texts");
    if (cJSON_GetArraySize(cleaned) != (int)texts->count)
        return sl_fail(call, SL_INTERNAL, "risk.redact lost a text");
    const cJSON *one = cleaned->child;
    for (size_t i = 0; i < texts->count; i++, one = one->next)
        if (cJSON_IsString(one)) texts->at[i]->valuestring = sl_strdup(call, one->valuestring);
    *found += (int)sl_get_int(out, "found", 0);
    return 0;
}

static int clean(sl_call *call, cJSON *tree, int *found) {
    struct found_texts texts = {0};
    gather(call, &texts, tree);
    const int rc = clean_own(call, &texts, found);
    if (!rc) sl_count(call, "llm_redactions_total", *found, NULL);
    return rc ? rc : clean_by_risk(call, &texts, found);
}

int clean_ask(sl_call *call, struct ask *ask, int *found) {
    cJSON *tree = cJSON_CreateObject();
    cJSON *system = cJSON_AddStringToObject(tree, "system", ask->system ? ask->system : "");
    cJSON *messages = cJSON_Duplicate(ask->messages, 1);
    cJSON_AddItemToObject(tree, "messages", messages);
    const int rc = clean(call, tree, found);
    ask->system = system->valuestring;
    ask->messages = messages;
    return rc;
}

int clean_texts(sl_call *call, cJSON **texts, int *found) {
    *texts = cJSON_Duplicate(*texts, 1);
    return clean(call, *texts, found);
}
