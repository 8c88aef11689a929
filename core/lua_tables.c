/* lua_tables.c - the table library. __len and __index may be a script's own and lie about sizes, so
 * every loop is paid for before it begins. */
#include "lua_sandbox.h"

#include <limits.h>

static lua_Integer length_of(lua_State *lua, int at) {
    if (lua_type(lua, at) != LUA_TUSERDATA) luaL_checktype(lua, at, LUA_TTABLE);
    sandbox_deeper(lua);
    return luaL_len(lua, at);
}

static void charge_items(lua_State *lua, lua_Integer from, lua_Integer to, int each) {
    if (to < from) return;
    lua_Unsigned count = (lua_Unsigned)to - (lua_Unsigned)from + 1;
    sandbox_charge(lua, count > 100000000u ? INT64_MAX : (int64_t)count * each);
}

static int guarded_insert(lua_State *lua) {
    lua_Integer size = length_of(lua, 1);
    if (lua_gettop(lua) == 2) {
        lua_seti(lua, 1, (lua_Integer)((lua_Unsigned)size + 1));
        return 0;
    }
    if (lua_gettop(lua) != 3) return luaL_error(lua, "wrong number of arguments to 'insert'");
    lua_Integer at = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, (lua_Unsigned)at - 1u < (lua_Unsigned)size + 1u, 2,
                  "position out of bounds");
    charge_items(lua, at, size, 2);
    for (lua_Integer i = size; i >= at; i--) {
        lua_geti(lua, 1, i);
        lua_seti(lua, 1, i + 1);
    }
    lua_seti(lua, 1, at);
    return 0;
}

static int guarded_remove(lua_State *lua) {
    lua_Integer size = length_of(lua, 1), at = luaL_optinteger(lua, 2, size);
    if (at != size)
        luaL_argcheck(lua, (lua_Unsigned)at - 1u <= (lua_Unsigned)size, 2,
                      "position out of bounds");
    lua_geti(lua, 1, at);
    charge_items(lua, at, size, 2);
    for (; at < size; at++) {
        lua_geti(lua, 1, at + 1);
        lua_seti(lua, 1, at);
    }
    lua_pushnil(lua);
    lua_seti(lua, 1, at);
    return 1;
}

static int guarded_concat(lua_State *lua) {
    lua_Integer last = length_of(lua, 1);
    size_t between, size;
    const char *separator = luaL_optlstring(lua, 2, "", &between);
    lua_Integer i = luaL_optinteger(lua, 3, 1);
    last = luaL_optinteger(lua, 4, last);
    charge_items(lua, i, last, 2);
    luaL_Buffer result;
    luaL_buffinit(lua, &result);
    for (; i <= last; i++) {
        int type = lua_geti(lua, 1, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            return luaL_error(lua, "invalid value (at index %I) in table for 'concat'",
                              (LUAI_UACINT)i);
        lua_tolstring(lua, -1, &size);
        sandbox_charge(lua, (int64_t)(size + between) / 16);
        luaL_addvalue(&result);
        if (i < last) luaL_addlstring(&result, separator, between);
        if (i == LUA_MAXINTEGER) break;
    }
    luaL_pushresult(&result);
    return 1;
}

static int guarded_pack(lua_State *lua) {
    int count = lua_gettop(lua);
    sandbox_charge(lua, count);
    lua_createtable(lua, count, 1);
    lua_insert(lua, 1);
    for (int i = count; i >= 1; i--) lua_seti(lua, 1, i);
    lua_pushinteger(lua, count);
    lua_setfield(lua, 1, "n");
    return 1;
}

static int guarded_unpack(lua_State *lua) {
    lua_Integer from = luaL_optinteger(lua, 2, 1);
    lua_Integer to = lua_isnoneornil(lua, 3) ? length_of(lua, 1) : luaL_checkinteger(lua, 3);
    if (from > to) return 0;
    lua_Unsigned count = (lua_Unsigned)to - (lua_Unsigned)from;
    if (count >= 10000 || !lua_checkstack(lua, (int)(count + 1)))
        return luaL_error(lua, "too many results to unpack");
    charge_items(lua, from, to, 1);
    for (; from < to; from++) lua_geti(lua, 1, from);
    lua_geti(lua, 1, to);
    return (int)count + 1;
}

static int guarded_move(lua_State *lua) {
    lua_Integer from = luaL_checkinteger(lua, 2), last = luaL_checkinteger(lua, 3);
    lua_Integer to = luaL_checkinteger(lua, 4);
    int target = lua_isnoneornil(lua, 5) ? 1 : 5;
    length_of(lua, 1);
    length_of(lua, target);
    if (last >= from) {
        luaL_argcheck(lua, from > 0 || last < LUA_MAXINTEGER + from, 3, "too many elements");
        lua_Integer count = last - from + 1;
        luaL_argcheck(lua, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        charge_items(lua, from, last, 2);
        bool up = to > last || to <= from || target != 1;
        for (lua_Integer k = 0; k < count; k++) {
            lua_Integer i = up ? k : count - 1 - k;
            lua_geti(lua, 1, from + i);
            lua_seti(lua, target, to + i);
        }
    }
    lua_pushvalue(lua, target);
    return 1;
}

/* ---- sort: a heap sort, n log n whatever the comparison answers ---- */

/* Is item i before item j? Leaves the stack as it was. */
static bool before(lua_State *lua, lua_Integer i, lua_Integer j) {
    bool result;
    sandbox_charge(lua, 4);
    if (lua_isnil(lua, 2)) {
        lua_geti(lua, 1, i);
        lua_geti(lua, 1, j);
        result = lua_compare(lua, -2, -1, LUA_OPLT);
        lua_pop(lua, 2);
        return result;
    }
    lua_pushvalue(lua, 2);
    lua_geti(lua, 1, i);
    lua_geti(lua, 1, j);
    lua_call(lua, 2, 1);
    result = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return result;
}

static void swap_items(lua_State *lua, lua_Integer i, lua_Integer j) {
    lua_geti(lua, 1, i);
    lua_geti(lua, 1, j);
    lua_seti(lua, 1, i);
    lua_seti(lua, 1, j);
}

static void sift_down(lua_State *lua, lua_Integer root, lua_Integer size) {
    for (;;) {
        lua_Integer child = 2 * root;
        if (child > size) return;
        if (child < size && before(lua, child, child + 1)) child++;
        if (!before(lua, root, child)) return;
        swap_items(lua, root, child);
        root = child;
    }
}

static int guarded_sort(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (!lua_isnoneornil(lua, 2)) luaL_checktype(lua, 2, LUA_TFUNCTION);
    lua_settop(lua, 2);
    lua_Integer size = length_of(lua, 1);
    luaL_argcheck(lua, size < INT_MAX / 2, 1, "array too big");
    charge_items(lua, 1, size, 4);
    for (lua_Integer root = size / 2; root >= 1; root--) sift_down(lua, root, size);
    for (lua_Integer last = size; last > 1; last--) {
        swap_items(lua, 1, last);
        sift_down(lua, 1, last - 1);
    }
    return 0;
}

void lua_open_tables(lua_State *lua) {
    static const luaL_Reg functions[] = {{"insert", guarded_insert}, {"remove", guarded_remove},
                                         {"concat", guarded_concat}, {"pack", guarded_pack},
                                         {"unpack", guarded_unpack}, {"move", guarded_move},
                                         {"sort", guarded_sort},     {NULL, NULL}};
    lua_createtable(lua, 0, 8);
    luaL_setfuncs(lua, functions, 0);
    sandbox_freeze(lua);
    lua_setfield(lua, -2, "table");
}
