/* lua_lint.h - finds bit operations that this Lua computes wrongly.
 *
 * Lua 5.4.0 to 5.4.4 compile `1 | (2 or 3)` to a wrong value in a function with more than 256
 * constants (mended upstream in c764ca71, not in Debian 12). Found in the compiled function, since
 * only there the constants are counted; on a Lua without the fault nothing is reported. */
#ifndef SLUICE_CORE_LUA_LINT_H
#define SLUICE_CORE_LUA_LINT_H

#include <lua.h>
#include <stdbool.h>

struct lint_finding {
    int function_line, line; /* of the function, and of its bit operation */
    int constants;
};

/* Looks through the function on the top of the stack and all functions inside. */
bool lint_function(lua_State *lua, struct lint_finding *finding);
/* Raises a sentence with file and line when there is a finding. */
void lint_refuse(lua_State *lua, const char *file);

#endif
