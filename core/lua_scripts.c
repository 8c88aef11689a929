/* lua_scripts.c - folders of policies and gates, kept fresh (sluice/script.h). */
#include "lua_folder.h"

#include "call.h"
#include "host.h"
#include "lua_call.h"
#include "lua_function.h"
#include "lua_judge.h"
#include "lua_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_scripts {
    struct sl_scripts *next;
    struct script_folder *folder;
};

struct lua_host {
    struct host *host;
    struct sl_scripts *scripts;
    struct lua_plugin *plugins;
    struct function_cache *functions; /* of sl_script_run; NULL until the first */
};

struct lua_host *lua_host_open(struct host *host) {
    struct lua_host *lua = calloc(1, sizeof *lua);
    if (lua) lua->host = host;
    return lua;
}

void lua_host_close(struct lua_host *lua) {
    if (!lua) return;
    while (lua->scripts) {
        struct sl_scripts *scripts = lua->scripts;
        lua->scripts = scripts->next;
        folder_close(scripts->folder);
        free(scripts);
    }
    while (lua->plugins) {
        struct lua_plugin *plugin = lua->plugins;
        lua->plugins = *lua_plugin_next(plugin);
        lua_plugin_close(plugin);
    }
    function_cache_free(lua->functions);
    free(lua);
}

static double number_at(const struct host *host, const char *pointer) {
    const cJSON *value = host->config ? config_at(host->config, pointer) : NULL;
    return value && cJSON_IsNumber(value) && value->valuedouble > 0 ? value->valuedouble : 0;
}

/* Of the section `lua`; 0 where nothing is set: the sandbox's own defaults. */
static struct sandbox_limits configured_limits(const struct host *host) {
    return (struct sandbox_limits){.cpu_ms = (int64_t)number_at(host, "/lua/cpu_time"),
                                   .work = (int64_t)number_at(host, "/lua/instructions"),
                                   .bytes = (size_t)number_at(host, "/lua/memory")};
}

const sl_plugin *lua_plugin_load(struct lua_host *lua, const char *file, char **error) {
    struct sandbox_limits limits = configured_limits(lua->host);
    struct lua_plugin *plugin = lua_plugin_open(file, &limits, error);
    if (!plugin) return NULL;
    *lua_plugin_next(plugin) = lua->plugins;
    lua->plugins = plugin;
    return lua_plugin_face(plugin);
}

int sl_scripts_open(sl_call *call, const char *folder, const char *kind, sl_scripts **out) {
    bool gate = strcmp(kind, "gate") == 0;
    if (!gate && strcmp(kind, "policy") != 0)
        return sl_fail(call, SL_INVALID, "unknown kind of script '%s': expected policy or gate",
                       kind);
    char *trouble = NULL;
    struct sandbox_limits limits = configured_limits(call->host);
    struct script_folder *opened =
        folder_open(folder, gate ? SCRIPT_GATE : SCRIPT_POLICY, &limits, &trouble);
    if (!opened) {
        int rc = sl_fail(call, SL_NOT_FOUND, "%s", trouble);
        free(trouble);
        return rc;
    }
    struct lua_host *lua = call->host->lua;
    struct sl_scripts *scripts = calloc(1, sizeof *scripts);
    scripts->folder = opened;
    scripts->next = lua->scripts;
    lua->scripts = scripts;
    *out = scripts;
    return 0;
}

int sl_scripts_judge(sl_call *call, sl_scripts *scripts, const cJSON *ctx, cJSON *verdicts) {
    folder_refresh(scripts->folder, loop_clock_ns());
    /* The set is held: a run may suspend, and the folder may change meanwhile. */
    struct script_set *set = set_ref(folder_set(scripts->folder));
    for (size_t i = 0; i < set->count; i++) {
        char *trouble;
        struct script *script = set->scripts[i];
        if (!script_applies(script, ctx, &trouble)) continue;
        cJSON_AddItemToArray(verdicts, trouble ? verdict_denied(script, "error", trouble)
                                               : script_judge(script, call, ctx, NULL));
        free(trouble);
    }
    set_unref(set);
    return 0;
}

static void add_declared(cJSON *entry, const struct script *script) {
    const cJSON *member;
    cJSON_ArrayForEach(member, script->declared) {
        if (strcmp(member->string, "name") != 0)
            cJSON_AddItemToObject(entry, member->string, cJSON_Duplicate(member, 1));
    }
}

cJSON *sl_scripts_list(sl_call *call, sl_scripts *scripts) {
    (void)call;
    folder_refresh(scripts->folder, loop_clock_ns());
    const struct script_set *set = folder_set(scripts->folder);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < set->count; i++) {
        const struct script *script = set->scripts[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", script->name);
        cJSON_AddStringToObject(entry, "file", script->file);
        cJSON_AddStringToObject(entry, "script_hash", script->hash);
        add_declared(entry, script);
        if (script->fault) {
            cJSON_AddStringToObject(entry, "error", script->fault->text);
            cJSON_AddNumberToObject(entry, "line", script->fault->line);
        }
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

const char *sl_scripts_hash(sl_call *call, sl_scripts *scripts) {
    (void)call;
    return folder_set(scripts->folder)->hash;
}

int sl_script_eval(sl_call *call, const char *file, const char *source, size_t size,
                   const cJSON *ctx, cJSON **verdict) {
    struct script_text text = {
        .file = file, .source = source, .size = size, .kinds = SCRIPT_POLICY | SCRIPT_GATE};
    struct script *script = script_open(&text);
    *verdict = script_judge(script, call, ctx, NULL);
    script_unref(script);
    return 0;
}

int sl_script_run(sl_call *call, const char *file, const char *source, size_t size,
                  const char *function, const cJSON *in, cJSON **out) {
    struct lua_host *lua = call->host->lua;
    if (!lua->functions) lua->functions = function_cache_new();
    struct script_text text = {.file = file,
                               .source = source,
                               .size = size,
                               .kinds = SCRIPT_FUNCTIONS,
                               .limits = configured_limits(call->host)};
    struct script *script = function_cache_get(lua->functions, &text);
    int rc = function_run(call, script, function, in, out);
    script_unref(script);
    return rc;
}

cJSON *lua_eval(const struct lua_run *run) {
    struct script_text text = {.file = run->file,
                               .source = run->source,
                               .size = run->size,
                               .kinds = SCRIPT_POLICY | SCRIPT_GATE,
                               .limits = {.cpu_ms = run->cpu_ms_max, .bytes = run->bytes_max}};
    struct arena *before = arena_use(NULL);
    struct script *script = script_open(&text);
    cJSON *verdict = script_judge(script, NULL, run->ctx, NULL);
    script_unref(script);
    arena_use(before);
    return verdict;
}
