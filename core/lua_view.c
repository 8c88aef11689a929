/* lua_view.c - lazy read-only views over cJSON trees. */
#include "lua_view.h"

#include <math.h>
#include <string.h>

struct view {
    const cJSON *json;
    const cJSON *near;         /* item `near_at` of a list, so that walking it is not quadratic */
    lua_Integer near_at, size; /* size: -1 until it was counted */
    uint32_t generation;
};

static const char view_key = 'v';

static int push_scalar(lua_State *lua, const cJSON *json) {
    switch (json->type & 0xff) {
    case cJSON_True:
    case cJSON_False:
        lua_pushboolean(lua, (json->type & 0xff) == cJSON_True);
        return 1;
    case cJSON_Number: {
        double number = json->valuedouble;
        /* Whole numbers become integers, so that 2 prints as 2. 2^53: what JSON can carry. */
        if (number == floor(number) && fabs(number) <= 9007199254740992.0)
            lua_pushinteger(lua, (lua_Integer)number);
        else
            lua_pushnumber(lua, number);
        return 1;
    }
    case cJSON_String:
    case cJSON_Raw:
        lua_pushstring(lua, json->valuestring); /* long ones are charged by the heap */
        return 1;
    default:
        lua_pushnil(lua);
        return 1;
    }
}

void view_push(lua_State *lua, const cJSON *json) {
    if (!json) {
        lua_pushnil(lua);
        return;
    }
    if (!(json->type & (cJSON_Object | cJSON_Array))) {
        push_scalar(lua, json);
        return;
    }
    struct view *view = lua_newuserdatauv(lua, sizeof *view, 0);
    *view = (struct view){.json = json, .size = -1, .generation = sandbox_of(lua)->generation};
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &view_key);
    lua_setmetatable(lua, -2);
}

/* The view that a metamethod was called with; no script can get hold of these functions to pass
 * them anything else. */
static struct view *view_check(lua_State *lua, int at) {
    struct view *view = lua_touserdata(lua, at);
    if (!view || view->generation != sandbox_of(lua)->generation)
        luaL_error(lua, "the context of another run cannot be read");
    return view;
}

const cJSON *view_at(lua_State *lua, int at) {
    if (lua_type(lua, at) != LUA_TUSERDATA || !lua_getmetatable(lua, at)) return NULL;
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &view_key);
    bool ours = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return ours ? view_check(lua, at)->json : NULL;
}

static void tell(lua_State *lua, const cJSON *parent, const char *name, const cJSON *value) {
    struct view_trace *trace = sandbox_of(lua)->trace;
    if (trace) trace->read(trace, parent, name, value);
}

static const cJSON *member(lua_State *lua, const struct view *view, const char *name, size_t size) {
    int64_t steps = 1;
    const cJSON *child = strlen(name) == size ? view->json->child : NULL;
    for (; child; child = child->next, steps++)
        if (child->string && strcmp(child->string, name) == 0) break;
    if (steps > 32) sandbox_charge(lua, steps);
    return child;
}

static const cJSON *item(lua_State *lua, struct view *view, lua_Integer at) {
    if (at < 1) return NULL;
    if (!view->near || at < view->near_at) view->near = view->json->child, view->near_at = 1;
    int64_t steps = at - view->near_at;
    while (view->near && view->near_at < at) view->near = view->near->next, view->near_at++;
    if (steps > 32) sandbox_charge(lua, steps > 1000000 ? 1000000 : steps);
    return view->near;
}

static int view_index(lua_State *lua) {
    struct view *view = view_check(lua, 1);
    const cJSON *found = NULL;
    const char *name = NULL;
    size_t size;
    if (view->json->type & cJSON_Array) {
        int whole = 0;
        lua_Integer at = lua_type(lua, 2) == LUA_TNUMBER ? lua_tointegerx(lua, 2, &whole) : 0;
        if (whole) found = item(lua, view, at);
    } else if (lua_type(lua, 2) == LUA_TSTRING) {
        name = lua_tolstring(lua, 2, &size);
        found = member(lua, view, name, size);
    }
    if (!found || !(found->type & (cJSON_Object | cJSON_Array))) tell(lua, view->json, name, found);
    view_push(lua, found);
    return 1;
}

static int view_length(lua_State *lua) {
    struct view *view = view_check(lua, 1);
    if (view->size < 0) {
        view->size = 0;
        if (view->json->type & cJSON_Array)
            for (const cJSON *child = view->json->child; child; child = child->next) view->size++;
        sandbox_charge(lua, view->size);
    }
    lua_pushinteger(lua, view->size);
    return 1;
}

static int view_same(lua_State *lua) {
    const cJSON *left = view_at(lua, 1), *right = view_at(lua, 2);
    lua_pushboolean(lua, left && left == right);
    return 1;
}

static int view_write(lua_State *lua) {
    return luaL_error(lua, "the context is read-only");
}

/* Upvalues: the view, the child that comes next, its place. */
static int view_next(lua_State *lua) {
    struct view *view = view_check(lua, lua_upvalueindex(1));
    const cJSON *child = lua_touserdata(lua, lua_upvalueindex(2));
    while (child && cJSON_IsNull(child)) child = child->next; /* null is nil: not there */
    if (!child) return 0;
    lua_Integer place = lua_tointeger(lua, lua_upvalueindex(3)) + 1;
    lua_pushlightuserdata(lua, child->next);
    lua_replace(lua, lua_upvalueindex(2));
    lua_pushinteger(lua, place);
    lua_replace(lua, lua_upvalueindex(3));
    if (view->json->type & cJSON_Array)
        lua_pushinteger(lua, place);
    else
        lua_pushstring(lua, child->string);
    view_push(lua, child);
    return 2;
}

static int view_pairs(lua_State *lua) {
    struct view *view = view_check(lua, 1);
    lua_settop(lua, 1);
    lua_pushlightuserdata(lua, view->json->child);
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, view_next, 3);
    lua_pushnil(lua);
    lua_pushnil(lua);
    return 3;
}

void view_open(lua_State *lua) {
    static const luaL_Reg events[] = {{"__index", view_index}, {"__newindex", view_write},
                                      {"__len", view_length},  {"__eq", view_same},
                                      {"__pairs", view_pairs}, {NULL, NULL}};
    lua_createtable(lua, 0, 8);
    luaL_setfuncs(lua, events, 0);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pushliteral(lua, "table");
    lua_setfield(lua, -2, "__name");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &view_key);
}
