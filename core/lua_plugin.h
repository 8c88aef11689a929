/* lua_plugin.h - plugins that are one Lua file: each call and each event is a run of its own, under
 * the limits of scripts. A file that changes is read again; when that fails the old one serves on.
 */
#ifndef SLUICE_CORE_LUA_PLUGIN_H
#define SLUICE_CORE_LUA_PLUGIN_H

#include "lua_host.h"
#include "lua_sandbox.h"

struct lua_plugin;

/* NULL with a sentence (malloc'ed). */
struct lua_plugin *lua_plugin_open(const char *file, const struct sandbox_limits *limits,
                                   char **error);
const sl_plugin *lua_plugin_face(const struct lua_plugin *plugin);
void lua_plugin_close(struct lua_plugin *plugin);
struct lua_plugin **lua_plugin_next(struct lua_plugin *plugin); /* for the owner's list */

#endif
