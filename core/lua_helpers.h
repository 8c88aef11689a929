/* lua_helpers.h - words that scripts of every kind have: percent, glob, split, image.parse, time.*.
 */
#ifndef SLUICE_CORE_LUA_HELPERS_H
#define SLUICE_CORE_LUA_HELPERS_H

#include "lua_sandbox.h"

void helpers_open(lua_State *lua); /* once a state, inside sandbox_run */

/* '*' stands for any text, '?' for one byte; at most size * pattern steps. Pure. */
bool glob_matches(const char *pattern, size_t pattern_size, const char *text, size_t size);

#endif
