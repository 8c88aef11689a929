/* lua_prepared.c - keeps a judging function between runs, and renews all that it can reach. */
#include "lua_prepared.h"

#include "lua_call.h"
#include "lua_sandbox.h"

#include <string.h>

enum { CELLS_MAX = 48, TABLES_MAX = 12, FUNCTIONS_MAX = 24, ENTRIES_MAX = 128 };

static const char values_key = 'p';

/* Functions, tables and first values of upvalues are in one list in the registry; `value` and the
 * like are places in it. */
struct prepared {
    bool ready;
    int values; /* in the list */
    int functions, tables, cells, entries;
    int loaded; /* the table of what the file required, or -1 */
    struct {
        const void *at;
        int value;
    } function[FUNCTIONS_MAX]; /* the first one is the function itself */
    struct {
        const void *at;
        int value, list, size; /* `list`: the n of 1..n, as # gives it */
        int entries;           /* keys and values from this place on */
        bool env, nested;
    } table[TABLES_MAX];
    struct {
        const void *id;
        int function, upvalue;
        int table; /* that it holds, or -1: then `value` */
        int value;
    } cell[CELLS_MAX];
};

/* ---- keeping ---- */

static int keep_value(lua_State *lua, struct prepared *prepared) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &values_key);
    lua_pushvalue(lua, -2);
    lua_rawseti(lua, -2, ++prepared->values);
    lua_pop(lua, 1);
    return prepared->values;
}

static int table_at(const struct prepared *prepared, const void *at) {
    for (int i = 0; i < prepared->tables; i++)
        if (prepared->table[i].at == at) return i;
    return -1;
}

static bool admit_table(lua_State *lua, struct prepared *prepared) {
    const void *at = lua_topointer(lua, -1);
    if (table_at(prepared, at) >= 0) return true;
    bool env = sandbox_is_env(lua, -1);
    if (!env && lua_getmetatable(lua, -1)) {
        lua_pop(lua, 1);
        return false;
    }
    if (prepared->tables == TABLES_MAX) return false;
    int value = keep_value(lua, prepared), i = prepared->tables++;
    prepared->table[i].at = at, prepared->table[i].value = value, prepared->table[i].env = env;
    lua_Unsigned size = lua_rawlen(lua, -1);
    prepared->table[i].list = size <= ENTRIES_MAX ? (int)size : 0;
    return true;
}

static bool admit_function(lua_State *lua, struct prepared *prepared) {
    const void *at = lua_topointer(lua, -1);
    if (lua_iscfunction(lua, -1)) {
        /* One with upvalues may be an iterator, which remembers. */
        if (!lua_getupvalue(lua, -1, 1)) return true;
        lua_pop(lua, 1);
        return false;
    }
    for (int i = 0; i < prepared->functions; i++)
        if (prepared->function[i].at == at) return true;
    if (prepared->functions == FUNCTIONS_MAX) return false;
    int value = keep_value(lua, prepared), i = prepared->functions++;
    prepared->function[i].at = at, prepared->function[i].value = value;
    return true;
}

/* May the value on the top of the stack be there in the next run? Notes what must be renewed. */
static bool admit(lua_State *lua, struct prepared *prepared) {
    switch (lua_type(lua, -1)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        return true;
    case LUA_TFUNCTION:
        return admit_function(lua, prepared);
    case LUA_TTABLE:
        return admit_table(lua, prepared);
    default:
        return false;
    }
}

static bool cell_known(const struct prepared *prepared, const void *id) {
    for (int i = 0; i < prepared->cells; i++)
        if (prepared->cell[i].id == id) return true;
    return false;
}

/* The upvalues of function `i`. */
static bool keep_cells(lua_State *lua, struct prepared *prepared, int i) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &values_key);
    lua_rawgeti(lua, -1, prepared->function[i].value);
    lua_remove(lua, -2);
    for (int upvalue = 1; lua_getupvalue(lua, -1, upvalue); upvalue++) {
        const void *id = lua_upvalueid(lua, -2, upvalue);
        if (!cell_known(prepared, id)) {
            if (prepared->cells == CELLS_MAX || !admit(lua, prepared)) return false;
            bool table = lua_type(lua, -1) == LUA_TTABLE;
            int c = prepared->cells++;
            prepared->cell[c].id = id;
            prepared->cell[c].function = prepared->function[i].value;
            prepared->cell[c].upvalue = upvalue;
            prepared->cell[c].table = table ? table_at(prepared, lua_topointer(lua, -1)) : -1;
            prepared->cell[c].value = table ? 0 : keep_value(lua, prepared);
        }
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return true;
}

/* Notes keys and values of the table on the top of the stack, one pair after the other. */
static void list_entries(lua_State *lua, struct prepared *prepared, int i) {
    prepared->table[i].entries = prepared->values + 1;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        if (lua_type(lua, -1) == LUA_TTABLE) prepared->table[i].nested = true;
        lua_pushvalue(lua, -2);
        keep_value(lua, prepared);
        lua_pop(lua, 1);
        keep_value(lua, prepared);
    }
}

/* The entries of table `i`. */
static bool keep_entries(lua_State *lua, struct prepared *prepared, int i) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &values_key);
    lua_rawgeti(lua, -1, prepared->table[i].value);
    lua_remove(lua, -2);
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        int key = lua_type(lua, -2);
        if (key != LUA_TSTRING && key != LUA_TNUMBER && key != LUA_TBOOLEAN) return false;
        if (++prepared->entries > ENTRIES_MAX || !admit(lua, prepared)) return false;
        prepared->table[i].size++;
    }
    list_entries(lua, prepared, i);
    lua_pop(lua, 1);
    return true;
}

static bool keep_all(lua_State *lua, struct prepared *prepared) {
    if (lua_type(lua, -1) != LUA_TFUNCTION || lua_iscfunction(lua, -1)) return false;
    if (!admit(lua, prepared)) return false;
    prepared->loaded = -1;
    if (loaded_push(lua)) {
        if (!admit(lua, prepared)) return false;
        prepared->loaded = table_at(prepared, lua_topointer(lua, -1));
        lua_pop(lua, 1);
    }
    /* Both lists grow while they are walked. */
    for (int f = 0, t = 0; f < prepared->functions || t < prepared->tables;) {
        if (f < prepared->functions && !keep_cells(lua, prepared, f++)) return false;
        if (t < prepared->tables && !keep_entries(lua, prepared, t++)) return false;
    }
    return true;
}

bool prepared_keep(lua_State *lua) {
    struct sandbox *box = sandbox_of(lua);
    if (box->kept) return false;
    luaL_checkstack(lua, 12, "script");
    int top = lua_gettop(lua);
    struct prepared *prepared = lua_newuserdatauv(lua, sizeof *prepared, 0);
    *prepared = (struct prepared){.ready = false};
    lua_rawsetp(lua, LUA_REGISTRYINDEX, prepared);
    lua_createtable(lua, 8, 0);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &values_key);
    box->kept = prepared;
    prepared->ready = keep_all(lua, prepared);
    lua_settop(lua, top);
    if (!prepared->ready) {
        lua_pushnil(lua);
        lua_rawsetp(lua, LUA_REGISTRYINDEX, &values_key);
    }
    return prepared->ready;
}

bool prepared_is_ready(const struct sandbox *box) {
    const struct prepared *prepared = box->kept;
    return prepared && prepared->ready;
}

/* ---- renewing ---- */

/* Entries that are not of the list. A list with holes counts some of them twice. */
static int others(const struct prepared *prepared, int i) {
    int more = prepared->table[i].size - prepared->table[i].list;
    return more > 0 ? more : 0;
}

/* Fills the copy of table `i`; the copies stand at `first` and up, the list of values before. */
static void copy_entries(lua_State *lua, const struct prepared *prepared, int i, int first) {
    int values = first - 1, at = prepared->table[i].entries;
    for (int left = prepared->table[i].size; left > 0; left--, at += 2) {
        lua_rawgeti(lua, values, at);
        lua_rawgeti(lua, values, at + 1);
        if (prepared->table[i].nested && lua_type(lua, -1) == LUA_TTABLE) {
            lua_pushvalue(lua, first + table_at(prepared, lua_topointer(lua, -1)));
            lua_replace(lua, -2);
        }
        lua_rawset(lua, first + i);
    }
}

bool prepared_push(lua_State *lua) {
    const struct prepared *prepared = sandbox_of(lua)->kept;
    if (!prepared || !prepared->ready) return false;
    luaL_checkstack(lua, TABLES_MAX + 8, "script");
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &values_key);
    int values = lua_gettop(lua), first = values + 1;
    for (int i = 0; i < prepared->tables; i++) {
        if (prepared->table[i].env)
            sandbox_push_env(lua);
        else
            lua_createtable(lua, prepared->table[i].list, others(prepared, i));
    }
    for (int i = 0; i < prepared->tables; i++) copy_entries(lua, prepared, i, first);
    for (int i = 0; i < prepared->cells; i++) {
        lua_rawgeti(lua, values, prepared->cell[i].function);
        if (prepared->cell[i].table >= 0)
            lua_pushvalue(lua, first + prepared->cell[i].table);
        else
            lua_rawgeti(lua, values, prepared->cell[i].value);
        lua_setupvalue(lua, -2, prepared->cell[i].upvalue);
        lua_pop(lua, 1);
    }
    if (prepared->loaded >= 0) {
        lua_pushvalue(lua, first + prepared->loaded);
        loaded_replace(lua);
    }
    lua_rawgeti(lua, values, prepared->function[0].value);
    lua_replace(lua, values);
    lua_settop(lua, values);
    return true;
}
