/* lua_view.h - a JSON tree as a script sees it: read where it lies, nothing copied until it is
 * asked for, nothing writable. Objects and lists look like tables (index, #, pairs, ipairs).
 *
 * A view holds a pointer into the caller's tree and the number of its run: one that outlived its
 * run (none can, this is the second lock) raises instead of reading. */
#ifndef SLUICE_CORE_LUA_VIEW_H
#define SLUICE_CORE_LUA_VIEW_H

#include "lua_sandbox.h"

#include <cjson/cJSON.h>

/* Hangs from sandbox.trace; called for each scalar or missing member that a script reads, while a decision is traced. */
struct view_trace {
    void (*read)(struct view_trace *trace, const cJSON *parent, const char *name,
                 const cJSON *value);
};

/* Adds the metatable to a state; once, inside sandbox_run. */
void view_open(lua_State *lua);
/* Pushes the tree `json` (borrowed for the run), or its scalar value; NULL and null: nil. */
void view_push(lua_State *lua, const cJSON *json);
/* The tree behind the value at `at`, or NULL when it is no view. */
const cJSON *view_at(lua_State *lua, int at);

#endif
