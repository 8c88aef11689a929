/* lua_judge.c - runs a policy or gate and writes its verdict. */
#include "lua_judge.h"

#include "fields.h"
#include "lua_call.h"
#include "lua_decision.h"
#include "lua_helpers.h"
#include "lua_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- verdicts ---- */

/* `name` is a literal, and not copied. */
static void add_copy(cJSON *verdict, const char *name, const char *text) {
    cJSON_AddItemToObjectCS(verdict, name, cJSON_CreateString(text));
}

static cJSON *verdict_new(const struct script *script) {
    cJSON *verdict = cJSON_CreateObject();
    add_copy(verdict, "name", script->name);
    return verdict;
}

/* `class` is a literal. */
static void finish(cJSON *verdict, const struct script *script, const char *file,
                   const char *class) {
    add_copy(verdict, "file", file);
    cJSON_AddItemToObjectCS(verdict, "class", cJSON_CreateStringReference(class));
    add_copy(verdict, "script_hash", script->hash);
}

static void add_clean(cJSON *verdict, const char *name, const char *text) {
    char *clean = value_text(text, strlen(text), REASON_BYTES_MAX);
    cJSON_AddStringToObject(verdict, name, clean ? clean : "");
    cJSON_free(clean);
}

cJSON *verdict_denied(const struct script *script, const char *class, const char *reason) {
    cJSON *verdict = verdict_new(script);
    char *file;
    int line;
    reason = script_locate(reason, &file, &line);
    add_clean(verdict, "reason", reason);
    cJSON_AddStringToObject(verdict, "fix",
                            "mend the script, or take it out of its folder: a script that fails "
                            "denies");
    cJSON_AddNumberToObject(verdict, "line", line);
    cJSON_AddStringToObject(verdict, "outcome", "deny");
    finish(verdict, script, file ? file : script->file, class);
    free(file);
    return verdict;
}

static cJSON *verdict_of_fault(const struct script *script) {
    cJSON *verdict = verdict_new(script);
    const struct script_fault *fault = script->fault;
    add_clean(verdict, "reason", fault->text ? fault->text : "it does not compile");
    cJSON_AddStringToObject(verdict, "fix", "mend the script: until then it denies");
    cJSON_AddNumberToObject(verdict, "line", fault->line);
    cJSON_AddStringToObject(verdict, "outcome", "deny");
    finish(verdict, script, fault->file ? fault->file : script->file,
           fault->limit ? "limit" : "error");
    return verdict;
}

static void judge(lua_State *lua, struct script_run *run) {
    decision_take(lua, run, run->arg);
}

cJSON *script_judge(struct script *script, sl_call *call, const cJSON *ctx,
                    struct view_trace *trace) {
    if (script->fault) return verdict_of_fault(script);
    cJSON *verdict = verdict_new(script);
    struct script_run run = {.script = script,
                             .call = call,
                             .ctx = ctx,
                             .act = judge,
                             .arg = verdict,
                             .trace = trace,
                             .checks = true,
                             .calls_left = SCRIPT_CALLS_MAX};
    if (script_execute(&run) == 0) {
        finish(verdict, script, script->file, "decision");
        return verdict;
    }
    cJSON_Delete(verdict);
    return verdict_denied(script, run.over == OVER_NOTHING ? "error" : "limit", run.message);
}

/* ---- does it apply? ---- */

static bool value_fits(const cJSON *wanted, const cJSON *value) {
    if (cJSON_IsString(wanted) && strcmp(wanted->valuestring, "*") == 0)
        return !cJSON_IsNull(value); /* whatever it is, as long as it is there */
    if (cJSON_IsString(wanted))
        return cJSON_IsString(value) &&
               glob_matches(wanted->valuestring, strlen(wanted->valuestring), value->valuestring,
                            strlen(value->valuestring));
    if (cJSON_IsNumber(wanted))
        return cJSON_IsNumber(value) && wanted->valuedouble == value->valuedouble;
    if (cJSON_IsBool(wanted))
        return cJSON_IsBool(value) && cJSON_IsTrue(wanted) == cJSON_IsTrue(value);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, wanted) {
        if (value_fits(entry, value)) return true;
    }
    return false;
}

static const char *sibling_name(const void *object, size_t i) {
    const cJSON *child = ((const cJSON *)object)->child;
    while (child && i--) child = child->next;
    return child ? child->string : NULL;
}

/* The value at "config.image"; NULL when it is not there. `*inside` is where the path ended. */
static const cJSON *value_at(const cJSON *ctx, const char *path, const cJSON **inside,
                             char *segment, size_t segment_size) {
    const cJSON *at = ctx;
    while (at) {
        size_t size = strcspn(path, ".");
        if (size >= segment_size) return NULL;
        memcpy(segment, path, size);
        segment[size] = '\0';
        *inside = at;
        at = cJSON_GetObjectItemCaseSensitive(at, segment);
        if (path[size] == '\0') break;
        path += size + 1;
    }
    return at;
}

/* A member that is not there cannot be compared: the script does not apply, unless the name looks
 * misspelt; then it would silently never apply, and that is worth stopping for. */
static bool member_fits(const cJSON *wanted, const cJSON *ctx, char **trouble) {
    const cJSON *inside = ctx;
    char segment[NAME_BYTES_MAX + 1];
    const cJSON *value = value_at(ctx, wanted->string, &inside, segment, sizeof segment);
    if (value) return value_fits(wanted, value);
    const char *near = cJSON_IsObject(inside) ? nearest_name(segment, sibling_name, inside) : NULL;
    if (!near) return false;
    if (!*trouble && asprintf(trouble, "applies: the context has no '%s'; did you mean '%s'?",
                              segment, near) < 0)
        *trouble = NULL;
    return true;
}

bool script_applies(const struct script *script, const cJSON *ctx, char **trouble) {
    const cJSON *wanted, *applies = cJSON_GetObjectItemCaseSensitive(script->declared, "applies");
    *trouble = NULL;
    if (script->fault) return true;
    cJSON_ArrayForEach(wanted, applies) {
        if (!wanted->string || !member_fits(wanted, ctx, trouble)) {
            free(*trouble);
            *trouble = NULL;
            return false;
        }
    }
    return true;
}
