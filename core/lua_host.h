/* lua_host.h - the Lua room: policies and gates (sluice/script.h), `sluice policy eval`, Lua
 * plugins. */
#ifndef SLUICE_CORE_LUA_HOST_H
#define SLUICE_CORE_LUA_HOST_H

#include "call.h"

struct lua_host;

struct lua_host *lua_host_open(struct host *host);
void lua_host_close(struct lua_host *lua);

/* A plugin that is one Lua file: gives its descriptor (kept by the host), or NULL and a sentence
 * with file and line (malloc'ed). */
const sl_plugin *lua_plugin_load(struct lua_host *lua, const char *file, char **error);

/* Runs one script without a host, for `sluice policy eval` and `sluice gate test`. */
struct lua_run {
    const char *file, *source;
    size_t size;
    const cJSON *ctx;
    int64_t cpu_ms_max; /* 0: 50 */
    size_t bytes_max;   /* 0: 8 MiB */
};
cJSON *lua_eval(const struct lua_run *run); /* the verdict, as in sluice/script.h; malloc'ed tree */

#endif
