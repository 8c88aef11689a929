/* lua_sandbox.c - a Lua state under limits: heap, clocks, budget, protected entry. */
#include "lua_sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TICK_UNITS = 1000,            /* instructions between two looks at the clocks */
    HASH_PART_BYTES = 256 * 1024, /* 8,192 entries: the most that colliding keys can cost at once */
    STRING_BYTES = 1024 * 1024,   /* one compare or hash of it is short against the limit */
    STACK_BYTES = 96 * 1024,      /* of C stack before natives refuse to go deeper */
    REFUSALS_MAX = 4,
    WALL_FACTOR = 5,
    IDLE_BYTES = 1024 * 1024 /* garbage above this is collected at the end of a run */
};

static const char libraries_key = 'l', env_meta_key = 'e';

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct sandbox *sandbox_of(lua_State *lua) {
    return *(struct sandbox **)lua_getextraspace(lua);
}

/* ---- limits ---- */

static void on_count(lua_State *lua, lua_Debug *at);

/* From now on every instruction raises: a caught limit is raised again at once. */
static void past(struct sandbox *box, enum sandbox_over over) {
    if (box->over == OVER_NOTHING) box->over = over;
    if (box->lua) lua_sethook(box->lua, on_count, LUA_MASKCOUNT, 1);
}

static void look_at_clocks(struct sandbox *box) {
    box->unchecked = 0;
    if (box->work > box->limits.work) past(box, OVER_WORK);
    int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    if (!box->cpu_began_ns) {
        /* The first look starts the clocks, so that short runs never pay for reading them. */
        box->cpu_began_ns = cpu, box->wall_began_ns = wall;
        return;
    }
    int64_t limit_ns = box->limits.cpu_ms * 1000000;
    if (cpu - box->cpu_began_ns > limit_ns) past(box, OVER_CPU);
    if (wall - box->wall_began_ns > limit_ns * WALL_FACTOR) past(box, OVER_WALL);
}

/* Pushes "file:line: " of the innermost function that is written in Lua. */
static void push_where(lua_State *lua) {
    lua_Debug at;
    for (int level = 0; level < 16 && lua_getstack(lua, level, &at); level++) {
        lua_getinfo(lua, "Sl", &at);
        if (at.currentline <= 0) continue;
        lua_pushfstring(lua, "%s:%d: ", at.short_src, at.currentline);
        return;
    }
    lua_pushliteral(lua, "");
}

static int raise_limit(lua_State *lua) {
    const struct sandbox *box = sandbox_of(lua);
    int cpu_ms = (int)box->limits.cpu_ms;
    push_where(lua);
    if (box->over == OVER_CPU)
        lua_pushfstring(lua, "stopped after %d ms of CPU time", cpu_ms);
    else if (box->over == OVER_WALL)
        lua_pushfstring(lua, "stopped after %d ms", cpu_ms * WALL_FACTOR);
    else if (box->over == OVER_MEMORY)
        lua_pushfstring(lua, "stopped: more than %d KiB of memory wanted",
                        (int)(box->limits.bytes / 1024));
    else
        lua_pushfstring(lua, "stopped after %I instructions", (LUAI_UACINT)box->limits.work);
    lua_concat(lua, 2);
    return lua_error(lua);
}

static void on_count(lua_State *lua, lua_Debug *at) {
    struct sandbox *box = sandbox_of(lua);
    (void)at;
    if (box->over == OVER_NOTHING) {
        box->work += TICK_UNITS;
        look_at_clocks(box);
    }
    if (box->over != OVER_NOTHING) raise_limit(lua);
}

void sandbox_charge(lua_State *lua, int64_t units) {
    struct sandbox *box = sandbox_of(lua);
    if (units > box->limits.work) units = box->limits.work + 1;
    box->work += units;
    box->unchecked += units;
    if (box->unchecked >= TICK_UNITS) look_at_clocks(box);
    if (box->over != OVER_NOTHING) raise_limit(lua);
}

void sandbox_deeper(lua_State *lua) {
    const char *here = __builtin_frame_address(0);
    if (sandbox_of(lua)->stack_base - here > STACK_BYTES)
        luaL_error(lua, "calls are nested too deep");
}

void sandbox_pause(struct sandbox *box) {
    look_at_clocks(box);
    box->cpu_began_ns -= clock_ns(CLOCK_THREAD_CPUTIME_ID);
    box->wall_began_ns -= clock_ns(CLOCK_MONOTONIC);
}

void sandbox_resume(struct sandbox *box) {
    box->cpu_began_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
    box->wall_began_ns += clock_ns(CLOCK_MONOTONIC);
}

/* ---- the heap ---- */

static bool block_too_large(const void *block, size_t old_or_type, size_t size) {
    if (block) return size > STRING_BYTES * 4;
    /* Lua tells the type of a new object here; 0 is a bare vector, large ones are hash parts. */
    if (old_or_type == LUA_TSTRING) return size > STRING_BYTES;
    return size > HASH_PART_BYTES;
}

/* Lua's own message has no line, and when it is raised there is no memory to make one. */
static void note_where(struct sandbox *box) {
    lua_Debug at;
    for (int level = 0; level < 16 && lua_getstack(box->lua, level, &at); level++) {
        lua_getinfo(box->lua, "Sl", &at);
        if (at.currentline <= 0) continue;
        snprintf(box->where, sizeof box->where, "%s:%d: ", at.short_src, at.currentline);
        return;
    }
}

static void *refuse(struct sandbox *box, void *block, size_t size) {
    /* Lua collects garbage and asks once more: only the second refusal counts. */
    if (box->refused.block == block && box->refused.size == size) {
        box->refused.size = 0;
        note_where(box);
        if (++box->refusals >= REFUSALS_MAX) past(box, OVER_MEMORY);
    } else {
        box->refused.block = block, box->refused.size = size;
    }
    return NULL;
}

static void *allocate(void *arg, void *block, size_t old, size_t size) {
    struct sandbox *box = arg;
    size_t had = block ? old : 0;
    if (size == 0) {
        box->bytes -= had;
        pool_give(&box->pool, block, had);
        return NULL;
    }
    if (size > had) {
        if (box->over == OVER_MEMORY || box->bytes - had + size > box->limits.bytes ||
            block_too_large(block, old, size))
            return refuse(box, block, size);
        int64_t units = (int64_t)(size / 64); /* copying and clearing is work that no hook sees */
        box->work += units, box->unchecked += units;
        if (box->unchecked >= TICK_UNITS * 16) look_at_clocks(box);
    }
    void *moved = pool_resize(&box->pool, block, had, size);
    if (!moved) return size <= had ? block : NULL; /* a shrink must not fail */
    box->bytes += size, box->bytes -= had;
    return moved;
}

/* ---- environment and libraries ---- */

static int refuse_write(lua_State *lua) {
    if (lua_type(lua, 2) == LUA_TSTRING)
        return luaL_error(lua, "'%s' cannot be set here: this table is read-only",
                          lua_tostring(lua, 2));
    return luaL_error(lua, "this table is read-only");
}

void sandbox_freeze(lua_State *lua) {
    lua_createtable(lua, 0, 0);
    lua_createtable(lua, 0, 3);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_write);
    lua_setfield(lua, -2, "__newindex");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

void sandbox_push_globals(lua_State *lua) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &libraries_key);
}

void sandbox_define(lua_State *lua, const luaL_Reg *functions) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &libraries_key);
    luaL_setfuncs(lua, functions, 0);
    lua_pop(lua, 1);
}

void sandbox_define_library(lua_State *lua, const char *name, const luaL_Reg *functions) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &libraries_key);
    lua_createtable(lua, 0, 8);
    luaL_setfuncs(lua, functions, 0);
    sandbox_freeze(lua);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
}

/* Names of plain Lua that are left out: said plainly, instead of "a nil value". */
static int missing_global(lua_State *lua) {
    static const char *const left_out[] = {
        "os",     "io",         "debug",  "package",  "coroutine",
        "load",   "loadstring", "dofile", "loadfile", "collectgarbage",
        "rawset", "rawget",     "_G",     "utf8",     NULL};
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    for (size_t i = 0; left_out[i]; i++)
        if (strcmp(name, left_out[i]) == 0)
            return luaL_error(lua, "'%s' is not available to scripts", name);
    return 0;
}

void sandbox_push_env(lua_State *lua) {
    lua_createtable(lua, 0, 0);
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &env_meta_key);
    lua_setmetatable(lua, -2);
}

bool sandbox_is_env(lua_State *lua, int at) {
    if (!lua_getmetatable(lua, at)) return false;
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &env_meta_key);
    bool ours = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return ours;
}

static int open_libraries(lua_State *lua) {
    lua_createtable(lua, 0, 48); /* the globals */
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, missing_global);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_pushvalue(lua, -1);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &libraries_key);
    lua_createtable(lua, 0, 2);
    lua_pushvalue(lua, -2);
    lua_setfield(lua, -2, "__index");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &env_meta_key);
    lua_open_basics(lua);
    lua_open_strings(lua);
    lua_open_tables(lua);
    return 0;
}

struct sandbox *sandbox_open(const struct sandbox_limits *limits) {
    struct sandbox *box = calloc(1, sizeof *box);
    if (!box) return NULL;
    if (limits) box->limits = *limits;
    if (box->limits.cpu_ms <= 0) box->limits.cpu_ms = 50;
    if (box->limits.work <= 0) box->limits.work = 10 * 1000 * 1000;
    if (box->limits.bytes == 0) box->limits.bytes = 8 * 1024 * 1024;
    pool_open(&box->pool);
    box->lua = lua_newstate(allocate, box);
    if (!box->lua) {
        pool_close(&box->pool);
        free(box);
        return NULL;
    }
    *(struct sandbox **)lua_getextraspace(box->lua) = box;
    lua_gc(box->lua, LUA_GCSETPAUSE, 400); /* a run leaves little: collect every few dozen runs */
    if (sandbox_run(box, open_libraries, NULL) != 0) {
        sandbox_close(box);
        return NULL;
    }
    return box;
}

void sandbox_close(struct sandbox *box) {
    if (!box) return;
    lua_close(box->lua);
    pool_close(&box->pool);
    free(box);
}

/* ---- entry ---- */

/* Reads the error without allocating: the heap may be full. */
static void keep_message(struct sandbox *box, int status) {
    lua_State *lua = box->lua;
    if (status == LUA_ERRMEM) {
        if (box->over == OVER_NOTHING) box->over = OVER_MEMORY;
        snprintf(box->message, sizeof box->message, "%sstopped: more than %zu KiB of memory wanted",
                 box->where, box->limits.bytes / 1024);
        box->message_size = strlen(box->message);
        return;
    }
    const char *text = "the script raised a value that is no text";
    size_t size = strlen(text);
    if (lua_type(lua, -1) == LUA_TSTRING) text = lua_tolstring(lua, -1, &size);
    if (size >= sizeof box->message) size = sizeof box->message - 1;
    memcpy(box->message, text, size);
    box->message[size] = '\0';
    box->message_size = size;
}

int sandbox_run(struct sandbox *box, lua_CFunction body, void *arg) {
    box->work = box->unchecked = 0;
    box->cpu_began_ns = box->wall_began_ns = 0;
    box->over = OVER_NOTHING;
    box->refusals = 0, box->refused.size = 0;
    box->message[0] = '\0', box->message_size = 0;
    box->where[0] = '\0';
    box->generation++;
    box->stack_base = __builtin_frame_address(0);
    lua_sethook(box->lua, on_count, LUA_MASKCOUNT, TICK_UNITS);
    lua_pushcfunction(box->lua, body);
    lua_pushlightuserdata(box->lua, arg);
    int status = lua_pcall(box->lua, 1, 0, 0);
    /* A run that passed a limit has failed, whatever it went on to answer. */
    if (status != 0)
        keep_message(box, status);
    else if (box->over != OVER_NOTHING)
        status = LUA_ERRRUN;
    lua_settop(box->lua, 0);
    lua_sethook(box->lua, NULL, 0, 0);
    if (box->bytes > IDLE_BYTES) lua_gc(box->lua, LUA_GCCOLLECT);
    return status;
}
