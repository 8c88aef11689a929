/* host.h - the root: everything of one running worker hangs from here, so that two hosts can live
 * in one test process. */
#ifndef SLUICE_CORE_HOST_H
#define SLUICE_CORE_HOST_H

#include "call.h"
#include "config.h"
#include "fields.h"

struct auth;
struct bus;
struct fetcher;
struct http_server;
struct lua_host;
struct metrics;
struct registry;
struct store;
struct test_hooks;

enum plugin_state { PLUGIN_DECLARED, PLUGIN_RUNNING, PLUGIN_FAILED, PLUGIN_STOPPED };

/* A plugin as the host holds it. */
struct plugin {
    unsigned magic;
    struct host *host;
    const char *name;
    char *file;     /* NULL: built in, or linked into a test */
    sl_plugin face; /* the descriptor, zero-extended to this host's size */
    enum plugin_state state;
    bool required;
    char *trouble;            /* why it failed */
    void *user;               /* sl_set_state */
    const cJSON *options;     /* checked, complete */
    struct identity identity; /* "plugin:NAME" */
};

struct host {
    unsigned magic;
    struct loop *loop;
    struct config *config;
    struct plugin **plugins; /* in order of start */
    size_t plugin_count;
    struct plugin core; /* name "sluice": owner of the platform's own operations */
    struct registry *registry;
    struct metrics *metrics;
    struct store *store;
    struct bus *bus;
    struct auth *auth;
    struct http_server *http;
    struct fetcher *fetcher;
    struct lua_host *lua;
    struct test_hooks *test; /* NULL in production */
    char *state_dir;
    bool ready, draining;
    int64_t started_ms;
};

#endif
