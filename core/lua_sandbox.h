/* lua_sandbox.h - one Lua state in which a hostile script can neither stay, leave, nor leave
 * anything behind.
 *
 * What holds it
 * - Limits of CPU time, wall time, work and memory. Past a limit every further instruction raises
 *   again, and the guarded pcall passes it on, so no script swallows it.
 * - Every native that can run long inside one C call is our own and charges the run's budget of
 *   work before it does the work. One unit is about one instruction of the Lua machine.
 * - The heap refuses hash parts over 256 KiB, so that colliding keys cannot stall one rehash.
 * - A fresh environment a run over read-only libraries; no coroutines, finalizers or weak tables.
 *
 * A state runs one script at a time: a run that waits keeps its state, and the next one takes
 * another (lua_script.h). Nothing here knows policies, files or calls.
 */
#ifndef SLUICE_CORE_LUA_SANDBOX_H
#define SLUICE_CORE_LUA_SANDBOX_H

#include "lua_pool.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct view_trace;

enum sandbox_over { OVER_NOTHING, OVER_CPU, OVER_WALL, OVER_WORK, OVER_MEMORY };

struct sandbox_limits {
    int64_t cpu_ms; /* of the thread; 0: 50. The wall clock stops a run at five times of it. */
    int64_t work;   /* units; 0: 10 million */
    size_t bytes;   /* 0: 8 MiB, the libraries included */
};

enum { SANDBOX_SOURCE_MAX = 64 * 1024, SANDBOX_MESSAGE_MAX = 1024 };

struct sandbox {
    lua_State *lua;
    struct sandbox_limits limits;
    size_t bytes;
    struct pool pool;
    struct {
        void *block;
        size_t size;
    } refused; /* the last growth that was refused, to tell the second try from the first */
    unsigned refusals;
    int64_t work, unchecked; /* units since the run began, and since the clocks were read */
    int64_t cpu_began_ns, wall_began_ns; /* 0: not read yet */
    enum sandbox_over over;
    const char *stack_base;            /* of the C stack, where the run entered */
    uint32_t generation;               /* of the run: views of an older one are dead */
    struct view_trace *trace;          /* who hears what the run reads, or NULL (lua_view.h) */
    void *run, *kept;                  /* of the owner: of one run, and of the state */
    char where[100];                   /* "file:line: " of the last refusal of memory */
    char message[SANDBOX_MESSAGE_MAX]; /* of the last error: "file:line: text" */
    size_t message_size;
};

/* A state with the libraries, and nothing run yet. NULL: no memory. */
struct sandbox *sandbox_open(const struct sandbox_limits *limits);
void sandbox_close(struct sandbox *box);

/* Runs `body(arg)` under fresh limits; it finds `arg` as light userdata at index 1. Everything that
 * may allocate in the state belongs inside. 0, or a Lua status: then `message` says what happened
 * and `over` which limit it was, if any. */
int sandbox_run(struct sandbox *box, lua_CFunction body, void *arg);
/* The clocks stand still while the fiber waits for something else. */
void sandbox_pause(struct sandbox *box);
void sandbox_resume(struct sandbox *box);

struct sandbox *sandbox_of(lua_State *lua);

/* For natives: pays for work that is about to be done; raises when a limit is passed. */
void sandbox_charge(lua_State *lua, int64_t units);
/* Raises when the C stack is used too far; before a native calls back into Lua. */
void sandbox_deeper(lua_State *lua);

/* Pushes a fresh environment over the libraries. Global functions of the owner are added once, with
 * sandbox_define, before the first run. Both only inside sandbox_run. */
void sandbox_push_env(lua_State *lua);
bool sandbox_is_env(lua_State *lua, int at);
void sandbox_define(lua_State *lua, const luaL_Reg *functions);
/* Pushes the table behind every environment, while the owner fills it. */
void sandbox_push_globals(lua_State *lua);
/* The same as a read-only library `name`. */
void sandbox_define_library(lua_State *lua, const char *name, const luaL_Reg *functions);
/* Takes the table on the top of the stack and leaves a read-only stand-in. */
void sandbox_freeze(lua_State *lua);

/* The libraries, each of one file. */
void lua_open_basics(lua_State *lua);
void lua_open_strings(lua_State *lua);
void lua_open_tables(lua_State *lua);

#endif
