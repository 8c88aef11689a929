/* lua_basics.c - the global functions and math: what plain Lua has, less what could harm, with
 * pcall and setmetatable under guard. */
#include "lua_sandbox.h"

#include <lualib.h>
#include <string.h>

/* ---- errors ---- */

/* Gives "true, results" or "false, error" from `first` on, where a true stands. A limit is not the
 * script's to catch: it is raised again. */
static int finish_pcall(lua_State *lua, int status, int first) {
    if (status != LUA_OK) {
        if (sandbox_of(lua)->over != OVER_NOTHING) return lua_error(lua);
        lua_pushboolean(lua, 0);
        lua_replace(lua, first);
    }
    return lua_gettop(lua) - first + 1;
}

static int guarded_pcall(lua_State *lua) {
    luaL_checkany(lua, 1);
    sandbox_deeper(lua);
    lua_pushboolean(lua, 1);
    lua_insert(lua, 1);
    return finish_pcall(lua, lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0), 1);
}

/* Stands before the script's handler: a handler called for a limit would run without a hook. */
static int guarded_handler(lua_State *lua) {
    if (sandbox_of(lua)->over != OVER_NOTHING) return 1;
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 1);
    return 1;
}

static int guarded_xpcall(lua_State *lua) {
    luaL_checktype(lua, 2, LUA_TFUNCTION);
    sandbox_deeper(lua);
    int arguments = lua_gettop(lua) - 2;
    lua_pushvalue(lua, 2);
    lua_pushcclosure(lua, guarded_handler, 1);
    lua_replace(lua, 2);
    lua_pushboolean(lua, 1);
    lua_insert(lua, 3);
    lua_pushvalue(lua, 1);
    lua_insert(lua, 4); /* f, handler, true, f, arguments */
    return finish_pcall(lua, lua_pcall(lua, arguments, LUA_MULTRET, 2), 3);
}

/* ---- values as text, without addresses ---- */

static int guarded_tostring(lua_State *lua) {
    luaL_checkany(lua, 1);
    if (luaL_getmetafield(lua, 1, "__tostring") != LUA_TNIL) {
        sandbox_deeper(lua);
        lua_pushvalue(lua, 1);
        lua_call(lua, 1, 1);
        if (!lua_isstring(lua, -1)) return luaL_error(lua, "'__tostring' must return a string");
        return 1;
    }
    switch (lua_type(lua, 1)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        luaL_tolstring(lua, 1, NULL);
        return 1;
    case LUA_TFUNCTION:
        lua_pushliteral(lua, "function");
        return 1;
    default:
        lua_pushliteral(lua, "table");
        return 1;
    }
}

/* Views of the context look like tables. */
static int guarded_type(lua_State *lua) {
    luaL_checkany(lua, 1);
    int type = lua_type(lua, 1);
    lua_pushstring(lua, lua_typename(lua, type == LUA_TUSERDATA ? LUA_TTABLE : type));
    return 1;
}

/* ---- tables ---- */

static int guarded_next(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    sandbox_charge(lua, 20); /* skipping emptied slots is work that no hook sees */
    lua_settop(lua, 2);
    return lua_next(lua, 1) ? 2 : 0;
}

static int guarded_pairs(lua_State *lua) {
    luaL_checkany(lua, 1);
    if (luaL_getmetafield(lua, 1, "__pairs") != LUA_TNIL) {
        sandbox_deeper(lua);
        lua_pushvalue(lua, 1);
        lua_call(lua, 1, 3);
        return 3;
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushcfunction(lua, guarded_next);
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

static const char *const events[] = {
    "__index",  "__newindex", "__call", "__tostring", "__len", "__eq",  "__lt",   "__le",
    "__concat", "__unm",      "__add",  "__sub",      "__mul", "__div", "__mod",  "__pow",
    "__idiv",   "__band",     "__bor",  "__bxor",     "__shl", "__shr", "__bnot", "__pairs"};

/* A finalizer runs with hooks off, and weak tables are unsafe in 5.4.4. */
static void refuse_events(lua_State *lua) {
    static const char *const refused[] = {"__gc", "__close", "__mode"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        lua_pushstring(lua, refused[i]);
        if (lua_rawget(lua, 2) != LUA_TNIL)
            luaL_error(lua, "'%s' is not available to scripts", refused[i]);
        lua_pop(lua, 1);
    }
}

/* Protected: by the platform (false), or by a __metatable of the script's own. */
static bool is_protected(lua_State *lua) {
    if (luaL_getmetafield(lua, 1, "__metatable") == LUA_TNIL) return false;
    bool result = true;
    if (lua_type(lua, -1) == LUA_TTABLE) {
        lua_pushliteral(lua, "__metatable");
        result = lua_rawget(lua, -2) != LUA_TNIL;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return result;
}

/* Sets a copy with known events, so that none can be added behind our back; getmetatable gives the
 * script its own table by __metatable. */
static int guarded_setmetatable(lua_State *lua) {
    if (lua_type(lua, 1) == LUA_TUSERDATA) return luaL_error(lua, "the context is read-only");
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_argexpected(lua, lua_isnil(lua, 2) || lua_istable(lua, 2), 2, "nil or table");
    lua_settop(lua, 2);
    if (is_protected(lua)) return luaL_error(lua, "cannot change a protected metatable");
    if (lua_istable(lua, 2)) {
        refuse_events(lua);
        sandbox_charge(lua, 50);
        lua_createtable(lua, 0, 4);
        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
            lua_pushstring(lua, events[i]);
            lua_pushvalue(lua, -1);
            if (lua_rawget(lua, 2) != LUA_TNIL)
                lua_rawset(lua, 3);
            else
                lua_pop(lua, 2);
        }
        lua_pushliteral(lua, "__metatable");
        lua_pushvalue(lua, -1);
        if (lua_rawget(lua, 2) == LUA_TNIL) {
            lua_pop(lua, 1);
            lua_pushvalue(lua, 2);
        }
        lua_rawset(lua, 3);
    }
    lua_setmetatable(lua, 1);
    lua_settop(lua, 1);
    return 1;
}

static int guarded_getmetatable(lua_State *lua) {
    luaL_checkany(lua, 1);
    if (!lua_getmetatable(lua, 1)) {
        lua_pushnil(lua);
        return 1;
    }
    lua_pushliteral(lua, "__metatable");
    lua_rawget(lua, -2); /* every metatable here has one */
    return 1;
}

/* ---- assembly ---- */

/* Copies these members of the table on the top of the stack into the table below it. */
static void copy_members(lua_State *lua, const char *const *names) {
    for (; *names; names++) {
        lua_getfield(lua, -1, *names);
        lua_setfield(lua, -3, *names);
    }
}

static void open_math(lua_State *lua) {
    static const char *const kept[] = {"abs", "ceil", "exp",        "floor", "fmod",       "huge",
                                       "log", "max",  "maxinteger", "min",   "mininteger", "modf",
                                       "pi",  "sqrt", "tointeger",  "type",  "ult",        NULL};
    lua_createtable(lua, 0, 20);
    lua_pushcfunction(lua, luaopen_math);
    lua_call(lua, 0, 1);
    copy_members(lua, kept);
    lua_pop(lua, 1);
    sandbox_freeze(lua);
    lua_setfield(lua, -2, "math");
}

void lua_open_basics(lua_State *lua) {
    static const char *const kept[] = {"assert", "error",  "ipairs",   "rawequal",
                                       "rawlen", "select", "tonumber", NULL};
    static const luaL_Reg guarded[] = {{"pcall", guarded_pcall},
                                       {"xpcall", guarded_xpcall},
                                       {"tostring", guarded_tostring},
                                       {"type", guarded_type},
                                       {"next", guarded_next},
                                       {"pairs", guarded_pairs},
                                       {"setmetatable", guarded_setmetatable},
                                       {"getmetatable", guarded_getmetatable},
                                       {NULL, NULL}};
    lua_pushcfunction(lua, luaopen_base); /* fills the state's own globals, which nobody sees */
    lua_call(lua, 0, 1);
    copy_members(lua, kept);
    lua_pop(lua, 1);
    luaL_setfuncs(lua, guarded, 0);
    lua_pushliteral(lua, LUA_VERSION);
    lua_setfield(lua, -2, "_VERSION");
    open_math(lua);
    lua_createtable(lua, 0, 0);
    lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
