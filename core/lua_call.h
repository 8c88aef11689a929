/* lua_call.h - what a script may reach outside of itself: sluice.call(op, input), sluice.log(text),
 * and require "helper". */
#ifndef SLUICE_CORE_LUA_CALL_H
#define SLUICE_CORE_LUA_CALL_H

#include "lua_script.h"

enum { SCRIPT_CALLS_MAX = 16 }; /* of sluice.call, in one run */

void call_words_open(lua_State *lua); /* once a state, inside sandbox_run */

/* For runs that begin where the file has ended. Pushes the table of what this run has required
 * (name -> value, and the run at 1), or nothing and false; takes such a table for this run. */
bool loaded_push(lua_State *lua);
void loaded_replace(lua_State *lua);

#endif
