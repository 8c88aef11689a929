/* absent.c - a weak stand-in until plugins in Lua have landed. */
#include "lua_host.h"

#include <string.h>

__attribute__((weak)) const sl_plugin *lua_plugin_load(struct lua_host *lua, const char *file,
                                                       char **error) {
    (void)lua, (void)file;
    *error = strdup("plugins in Lua are not built in");
    return NULL;
}
