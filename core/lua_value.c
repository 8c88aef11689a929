/* lua_value.c - Lua values to JSON. */
#include "lua_value.h"

#include "lua_view.h"

#include <math.h>
#include <string.h>

static const char list_key = 'i';

/* ---- text ---- */

/* Bytes of the valid UTF-8 character at `at`, or 0. */
static size_t character_size(const unsigned char *at, size_t left) {
    if (at[0] < 0x80) return 1;
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || left < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
    if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) return 0;
    return size;
}

/* Bytes of plain printable ASCII at `at`: most text is nothing else. */
static size_t plain_size(const unsigned char *at, size_t left) {
    size_t size = 0;
    while (size < left && at[size] >= 0x20 && at[size] < 0x7f) size++;
    return size;
}

char *value_text(const char *text, size_t size, size_t max) {
    static const char replacement[] = "\xef\xbf\xbd";
    if (size > max) size = max;
    char *copy = cJSON_malloc(size * 3 + 1), *to = copy;
    if (!copy) return NULL;
    for (size_t i = 0; i < size;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t plain = plain_size(at, size - i);
        if (plain) {
            memcpy(to, at, plain);
            to += plain, i += plain;
            continue;
        }
        size_t length = character_size(at, size - i);
        bool control = *at < 0x20 && *at != '\n' && *at != '\t';
        if (length && !control && *at != 0x7f) {
            memcpy(to, at, length);
            to += length;
        } else {
            memcpy(to, replacement, 3);
            to += 3;
        }
        i += length ? length : 1;
    }
    *to = '\0';
    return copy;
}

/* ---- trees ---- */

struct reading {
    lua_State *lua;
    int depth, nodes;
    size_t text_bytes;
};

static void read_value(struct reading *reading, int at, cJSON *parent, const char *name);

static void attach(struct reading *reading, cJSON *parent, const char *name, cJSON *value) {
    if (!value) luaL_error(reading->lua, "no memory for the answer");
    if (name)
        cJSON_AddItemToObject(parent, name, value);
    else
        cJSON_AddItemToArray(parent, value);
}

static void attach_text(struct reading *reading, int at, cJSON *parent, const char *name) {
    size_t size;
    const char *text = lua_tolstring(reading->lua, at, &size);
    reading->text_bytes += size;
    if (reading->text_bytes > VALUE_TEXT_MAX)
        luaL_error(reading->lua, "the answer holds more than %d bytes of text", VALUE_TEXT_MAX);
    sandbox_charge(reading->lua, (int64_t)(size / 16));
    /* Made empty first, so that nothing is lost when the next step raises. */
    cJSON *item = cJSON_CreateString("");
    attach(reading, parent, name, item);
    char *clean = value_text(text, size, VALUE_TEXT_MAX);
    if (!clean) return;
    cJSON_free(item->valuestring);
    item->valuestring = clean;
}

/* The n of a table with exactly the keys 1..n, else -1. */
static lua_Integer list_size(struct reading *reading, int at) {
    lua_State *lua = reading->lua;
    lua_Integer count = 0, highest = 0;
    for (lua_pushnil(lua); lua_next(lua, at); lua_pop(lua, 1)) {
        lua_Integer key = lua_isinteger(lua, -2) ? lua_tointeger(lua, -2) : 0;
        if (key < 1) {
            lua_pop(lua, 2);
            return -1;
        }
        if (key > highest) highest = key;
        if (++count > VALUE_NODES_MAX) luaL_error(lua, "the answer holds too many values");
    }
    if (count == 0) {
        bool marked = lua_getmetatable(lua, at);
        if (marked) {
            lua_rawgetp(lua, LUA_REGISTRYINDEX, &list_key);
            marked = lua_rawequal(lua, -1, -2);
            lua_pop(lua, 2);
        }
        return marked ? 0 : -1;
    }
    return highest == count ? count : -1;
}

/* Lua walks tables in an order that differs from process to process: an answer must not. */
static void sort_members(cJSON *object) {
    enum { SORT_MAX = 256 };
    if (cJSON_GetArraySize(object) > SORT_MAX) return;
    cJSON *rest = object->child, *sorted = NULL;
    while (rest) {
        cJSON *next = rest->next, *after = NULL;
        for (cJSON *at = sorted; at && strcmp(at->string, rest->string) < 0; at = at->next)
            after = at;
        rest->next = after ? after->next : sorted;
        if (after)
            after->next = rest;
        else
            sorted = rest;
        rest = next;
    }
    cJSON *last = NULL;
    for (cJSON *at = sorted; at; last = at, at = at->next) at->prev = last;
    object->child = sorted;
    if (sorted) sorted->prev = last; /* cJSON keeps the end of a list there */
}

static void read_members(struct reading *reading, int at, cJSON *object) {
    lua_State *lua = reading->lua;
    for (lua_pushnil(lua); lua_next(lua, at); lua_pop(lua, 1)) {
        size_t size;
        if (lua_type(lua, -2) != LUA_TSTRING)
            luaL_error(lua, "a table of the answer mixes names and other keys");
        const char *name = lua_tolstring(lua, -2, &size);
        if (size > 256 || strlen(name) != size)
            luaL_error(lua, "a name in the answer is too long or holds a NUL");
        for (size_t i = 0, step; i < size; i += step)
            if (!(step = character_size((const unsigned char *)name + i, size - i)))
                luaL_error(lua, "a name in the answer is no UTF-8");
        read_value(reading, lua_gettop(lua), object, name);
    }
    sort_members(object);
}

static void read_table(struct reading *reading, int at, cJSON *parent, const char *name) {
    lua_State *lua = reading->lua;
    if (++reading->depth > VALUE_DEPTH_MAX)
        luaL_error(lua, "the answer is nested more than %d deep, or in a circle", VALUE_DEPTH_MAX);
    luaL_checkstack(lua, 8, "answer");
    lua_Integer size = list_size(reading, at);
    cJSON *made = size >= 0 ? cJSON_CreateArray() : cJSON_CreateObject();
    attach(reading, parent, name, made);
    if (size < 0) read_members(reading, at, made);
    for (lua_Integer i = 1; i <= size; i++) {
        lua_rawgeti(lua, at, i);
        read_value(reading, lua_gettop(lua), made, NULL);
        lua_pop(lua, 1);
    }
    reading->depth--;
}

static void read_value(struct reading *reading, int at, cJSON *parent, const char *name) {
    lua_State *lua = reading->lua;
    sandbox_charge(lua, 5);
    if (++reading->nodes > VALUE_NODES_MAX)
        luaL_error(lua, "the answer holds more than %d values", VALUE_NODES_MAX);
    switch (lua_type(lua, at)) {
    case LUA_TNIL:
        attach(reading, parent, name, cJSON_CreateNull());
        return;
    case LUA_TBOOLEAN:
        attach(reading, parent, name, cJSON_CreateBool(lua_toboolean(lua, at)));
        return;
    case LUA_TNUMBER:
        if (!isfinite(lua_tonumber(lua, at)))
            luaL_error(lua, "the answer holds a number that is not finite");
        attach(reading, parent, name, cJSON_CreateNumber(lua_tonumber(lua, at)));
        return;
    case LUA_TSTRING:
        attach_text(reading, at, parent, name);
        return;
    case LUA_TTABLE:
        read_table(reading, at, parent, name);
        return;
    default:
        break;
    }
    const cJSON *tree = view_at(lua, at);
    if (!tree) luaL_error(lua, "the answer holds a %s", luaL_typename(lua, at));
    attach(reading, parent, name, cJSON_Duplicate(tree, 1));
}

void value_read(lua_State *lua, int at, cJSON *parent, const char *name) {
    struct reading reading = {.lua = lua};
    read_value(&reading, lua_absindex(lua, at), parent, name);
}

static int make_list(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    if (lua_getmetatable(lua, 1)) return luaL_error(lua, "list{} takes a plain table");
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(lua, 1);
    return 1;
}

void value_open(lua_State *lua) {
    static const luaL_Reg functions[] = {{"list", make_list}, {NULL, NULL}};
    lua_createtable(lua, 0, 1);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &list_key);
    sandbox_define(lua, functions);
}
