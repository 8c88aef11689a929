/* lua_call.c - operations from scripts. A policy or gate names in `calls` what it may call, and
 * only operations that read. */
#include "lua_call.h"

#include "arena.h"
#include "call.h"
#include "host.h"
#include "lua_decision.h"
#include "lua_lint.h"
#include "lua_value.h"
#include "op.h"

#include <stdio.h>
#include <string.h>

static bool is_listed(const struct script *script, const char *name) {
    const cJSON *entry, *calls = cJSON_GetObjectItemCaseSensitive(script->declared, "calls");
    cJSON_ArrayForEach(entry, calls) {
        if (cJSON_IsString(entry) && strcmp(entry->valuestring, name) == 0) return true;
    }
    return false;
}

/* Why this script may not call the operation; NULL: it may. */
static const char *refusal(const struct script_run *run, const char *name) {
    if (!run || !run->call || !run->call->host)
        return "is not available here: this run has no server around it";
    if (run->script->kind == SCRIPT_PLUGIN) return NULL;
    if (run->script->kinds & SCRIPT_FUNCTIONS)
        return "is not available here: this function only maps its input";
    if (!is_listed(run->script, name)) return "is not in 'calls' of this script";
    const struct registry *registry = run->call->host->registry;
    const struct op *op = registry ? registry_find(registry, name) : NULL;
    if (op && op->row.effect != SL_READS) return "writes; a script that judges only reads";
    return NULL;
}

/* sluice.call("risk.score", { diff = ... }) -> the answer, read-only. Suspends the fiber inside. */
static int call_operation(lua_State *lua) {
    const char *name = luaL_checkstring(lua, 1);
    struct script_run *run = script_running(lua);
    if (run) run->effects = true;
    const char *why = refusal(run, name);
    if (why) return luaL_error(lua, "sluice.call: %s %s", name, why);
    if (run->calls_left == 0)
        return luaL_error(lua, "sluice.call: more than %d calls in one run", SCRIPT_CALLS_MAX);
    run->calls_left--;
    sandbox_charge(lua, 1000);
    cJSON *holder = cJSON_CreateObject(), *out = NULL; /* of the call's arena */
    if (lua_isnoneornil(lua, 2))
        cJSON_AddObjectToObject(holder, "in");
    else
        value_read(lua, 2, holder, "in");
    struct sandbox *box = sandbox_of(lua);
    sandbox_pause(box);
    int status = sl_invoke(run->call, name, holder->child, &out);
    sandbox_resume(box);
    if (status != 0) {
        lua_pushfstring(lua, "%s: %s", name, sl_failure(run->call));
        return luaL_error(lua, "%s", lua_tostring(lua, -1));
    }
    view_push(lua, out);
    return 1;
}

static int write_log(lua_State *lua) {
    size_t size;
    const char *text = luaL_checklstring(lua, 1, &size);
    struct script_run *run = script_running(lua);
    if (run) run->effects = true;
    sandbox_charge(lua, 2000);
    char *clean = value_text(text, size, REASON_BYTES_MAX);
    if (clean && run && run->call) sl_log(run->call, SL_INFO, "%s", clean);
    cJSON_free(clean);
    return 0;
}

/* sluice.fail("not_found", "no such thing"): ends an operation of a Lua plugin with that status. */
static int fail_operation(lua_State *lua) {
    const char *name = luaL_checkstring(lua, 1);
    struct script_run *run = script_running(lua);
    luaL_checkstring(lua, 2);
    if (run) run->effects = true;
    if (!run || run->script->kind != SCRIPT_PLUGIN)
        return luaL_error(lua, "sluice.fail is for operations of plugins");
    for (int status = SL_INVALID; status <= SL_PRECONDITION; status++)
        if (strcmp(sl_status_name(status), name) == 0) run->status = status;
    if (!run->status) return luaL_error(lua, "sluice.fail: there is no status '%s'", name);
    lua_settop(lua, 2);
    return lua_error(lua);
}

/* ---- require ---- */

static const char compiled_key = 'c', loaded_key = 'o';

static const struct script_helper *helper_named(const struct script *script, const char *name) {
    const struct script_library *library = script->library;
    for (size_t i = 0; library && i < library->count; i++)
        if (strcmp(library->helpers[i].name, name) == 0) return &library->helpers[i];
    return NULL;
}

/* Pushes the compiled helper; kept by the state, since it holds nothing of a run. */
static void push_compiled(lua_State *lua, const struct script_helper *helper) {
    char chunk[80];
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &compiled_key);
    if (lua_getfield(lua, -1, helper->name) == LUA_TFUNCTION) {
        lua_remove(lua, -2);
        return;
    }
    lua_pop(lua, 1);
    snprintf(chunk, sizeof chunk, "@lib/%s.lua", helper->name);
    if (luaL_loadbufferx(lua, helper->source, helper->size, chunk, "t") != LUA_OK) lua_error(lua);
    lint_refuse(lua, chunk + 1);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, helper->name);
    lua_remove(lua, -2);
}

bool loaded_push(lua_State *lua) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &loaded_key); /* { run, name -> value } */
    lua_rawgeti(lua, -1, 1);
    bool same_run = lua_tointeger(lua, -1) == (lua_Integer)sandbox_of(lua)->generation;
    lua_pop(lua, 1);
    if (!same_run) lua_pop(lua, 1);
    return same_run;
}

void loaded_replace(lua_State *lua) {
    lua_pushinteger(lua, (lua_Integer)sandbox_of(lua)->generation);
    lua_rawseti(lua, -2, 1);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &loaded_key);
}

/* require "images": runs lib/images.lua once a run. */
static int require_helper(lua_State *lua) {
    const char *name = luaL_checkstring(lua, 1);
    struct script_run *run = script_running(lua);
    const struct script_helper *helper = run ? helper_named(run->script, name) : NULL;
    if (!helper) return luaL_error(lua, "require: there is no lib/%s.lua", name);
    sandbox_deeper(lua);
    lua_settop(lua, 1);
    if (!loaded_push(lua)) {
        lua_createtable(lua, 1, 2);
        lua_pushvalue(lua, -1);
        loaded_replace(lua);
    }
    if (lua_getfield(lua, 2, name) != LUA_TNIL) {
        if (lua_isboolean(lua, -1)) return luaL_error(lua, "lib/%s.lua requires itself", name);
        return 1;
    }
    lua_pushboolean(lua, 1);
    lua_setfield(lua, 2, name);
    push_compiled(lua, helper);
    sandbox_push_env(lua);
    lua_setupvalue(lua, -2, 1);
    lua_call(lua, 0, 1);
    if (!lua_istable(lua, -1) && !lua_isfunction(lua, -1))
        return luaL_error(lua, "lib/%s.lua must return a table or a function", name);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 2, name);
    return 1;
}

void call_words_open(lua_State *lua) {
    static const luaL_Reg words[] = {{"require", require_helper}, {NULL, NULL}};
    static const luaL_Reg sluice[] = {
        {"call", call_operation}, {"log", write_log}, {"fail", fail_operation}, {NULL, NULL}};
    lua_createtable(lua, 0, 0);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &compiled_key);
    lua_createtable(lua, 0, 0);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &loaded_key);
    sandbox_define(lua, words);
    sandbox_define_library(lua, "sluice", sluice);
}
