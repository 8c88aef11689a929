/* absent.c - weak stand-ins until the Lua room and the HTTP client have landed. */
#include "fetcher.h"
#include "lua_host.h"

#include <string.h>

#define WEAK __attribute__((weak))

WEAK struct lua_host *lua_host_open(struct host *host) {
    (void)host;
    return NULL;
}

WEAK void lua_host_close(struct lua_host *lua) {
    (void)lua;
}

WEAK const sl_plugin *lua_plugin_load(struct lua_host *lua, const char *file, char **error) {
    (void)lua, (void)file;
    *error = strdup("Lua plugins are not built in");
    return NULL;
}

WEAK const sl_metric fetch_metrics[] = {SL_END};

WEAK struct fetcher *fetcher_open(struct host *host) {
    (void)host;
    return NULL;
}

WEAK void fetcher_close(struct fetcher *fetcher) {
    (void)fetcher;
}
