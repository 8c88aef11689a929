/* lua_function.c - compiled files of functions, and runs of one function. */
#include "lua_function.h"

#include "lua_value.h"
#include "sha256.h"

#include <sluice/call.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A compiled state takes some 60 KB: a server has a few templates and mappings, not hundreds. */
enum { CACHE_MAX = 16 };

/* ---- compiled files ---- */

struct function_cache {
    uint64_t clock;
    struct {
        struct script *script;
        uint64_t used;
    } entry[CACHE_MAX];
};

struct function_cache *function_cache_new(void) {
    struct function_cache *cache = calloc(1, sizeof *cache);
    if (!cache) abort();
    return cache;
}

void function_cache_free(struct function_cache *cache) {
    for (size_t i = 0; cache && i < CACHE_MAX; i++) script_unref(cache->entry[i].script);
    free(cache);
}

static bool is_of(const struct script *script, const struct script_text *text, const char *hash) {
    return script->size == text->size && strcmp(script->hash, hash) == 0 &&
           strncmp(script->file, text->file, SCRIPT_FILE_MAX) == 0;
}

struct script *function_cache_get(struct function_cache *cache, const struct script_text *text) {
    char hash[65];
    sha256_hex(text->source, text->size, hash);
    size_t oldest = 0;
    for (size_t i = 0; i < CACHE_MAX; i++) {
        struct script *script = cache->entry[i].script;
        if (script && is_of(script, text, hash)) {
            cache->entry[i].used = ++cache->clock;
            return script_ref(script);
        }
        if (cache->entry[i].used < cache->entry[oldest].used) oldest = i;
    }
    script_unref(cache->entry[oldest].script);
    cache->entry[oldest].script = script_open(text);
    cache->entry[oldest].used = ++cache->clock;
    return script_ref(cache->entry[oldest].script);
}

/* ---- one run ---- */

struct mapping {
    const char *function;
    cJSON *holder; /* gets the answer as "out" */
    int line;      /* where the function begins; 0: it has not been found */
    bool missing;
};

/* Leaves the function that is asked for on the top of the stack. */
static void find_function(lua_State *lua, struct mapping *mapping) {
    if (mapping->function && lua_istable(lua, -1)) {
        lua_pushstring(lua, mapping->function);
        lua_rawget(lua, -2);
    } else if (mapping->function) {
        lua_pushnil(lua);
    }
    if (lua_isfunction(lua, -1) && !lua_iscfunction(lua, -1)) return;
    mapping->missing = true;
    if (mapping->function)
        luaL_error(lua,
                   "there is no function '%s'; expected 'return { %s = function(input) ... "
                   "end }'",
                   mapping->function, mapping->function);
    luaL_error(lua, "the file returns no function; expected 'return function(input) ... end'");
}

static void act(lua_State *lua, struct script_run *run) {
    struct mapping *mapping = run->arg;
    find_function(lua, mapping);
    lua_Debug where;
    lua_pushvalue(lua, -1);
    if (lua_getinfo(lua, ">S", &where)) mapping->line = where.linedefined;
    view_push(lua, run->ctx);
    lua_call(lua, 1, 1);
    value_read(lua, -1, mapping->holder, "out");
}

static int status_of(const struct script_run *run, const struct mapping *mapping) {
    if (run->over != OVER_NOTHING) return SL_LIMIT;
    return mapping->missing ? SL_NOT_FOUND : SL_INVALID;
}

static int fail(sl_call *call, const struct script_run *run, const struct mapping *mapping) {
    char *file;
    int line;
    const char *text = script_locate(run->message, &file, &line);
    char *clean = value_text(text, strlen(text), sizeof run->message);
    if (!line) line = mapping->line ? mapping->line : 1;
    int rc = sl_fail(call, status_of(run, mapping), "%s:%d: %s", file ? file : run->script->file,
                     line, clean ? clean : "");
    cJSON_free(clean);
    free(file);
    return rc;
}

int function_run(sl_call *call, struct script *script, const char *function, const cJSON *in,
                 cJSON **out) {
    const struct script_fault *fault = script->fault;
    *out = NULL;
    if (fault)
        return sl_fail(call, fault->limit ? SL_LIMIT : SL_INVALID, "%s:%d: %s",
                       fault->file ? fault->file : script->file, fault->line ? fault->line : 1,
                       fault->text ? fault->text : "it does not compile");
    struct mapping mapping = {.function = function, .holder = cJSON_CreateObject()};
    struct script_run run = {
        .script = script, .call = call, .ctx = in, .act = act, .arg = &mapping};
    if (script_execute(&run) != 0) return fail(call, &run, &mapping);
    *out = cJSON_DetachItemFromObjectCaseSensitive(mapping.holder, "out");
    return 0;
}
