/* lua_prepared.h - what the top level of a file made, kept so that the next judgement need not
 * execute the file again.
 *
 * Safe by what can be reached, not by what the code looks like. Kept is only a `check` from which
 * nothing can be reached but functions of the file, plain tables, environments and scalars. Before
 * each run every upvalue is set back to its first value, and every table and environment is a fresh
 * copy of the first one, which no run ever sees. So a run cannot tell whether the file was executed
 * for it, and leaves nothing to the next. Whatever else is found (userdata, metatables, iterators,
 * more than the bounds below) means that the file is executed anew each time. */
#ifndef SLUICE_CORE_LUA_PREPARED_H
#define SLUICE_CORE_LUA_PREPARED_H

#include "lua_sandbox.h"

/* Tries, once a state, to keep the function on the top of the stack, which the file has just made;
 * false: it cannot be kept. Afterwards only prepared_push gives it. Inside sandbox_run. */
bool prepared_keep(lua_State *lua);
/* Pushes the function, ready for a run of its own; false with nothing pushed: there is none. */
bool prepared_push(lua_State *lua);
bool prepared_is_ready(const struct sandbox *box);

#endif
