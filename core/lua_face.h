/* lua_face.h - what a Lua plugin declares, as the rows that a C plugin would have. */
#ifndef SLUICE_CORE_LUA_FACE_H
#define SLUICE_CORE_LUA_FACE_H

#include "arena.h"
#include "lua_script.h"

#include <sluice/plugin.h>

/* Reads the table that plugin{} was given (on the top of the stack) into `face`, an object: name,
 * version, summary, license, requires, config, operations, on. Functions are checked and left out.
 * Raises. */
void face_read(lua_State *lua, cJSON *face);

/* The descriptor behind it, in the arena; `run` and `hear` serve all its operations and listeners.
 * NULL with a sentence in the arena. */
struct face_handlers {
    sl_run_fn run;
    sl_hear_fn hear;
};
const sl_plugin *face_build(struct arena *arena, const cJSON *face, struct face_handlers handlers,
                            const char **trouble);

#endif
