/* host.h - the root: everything of one running worker hangs from here, so that two hosts can live
 * in one test process. */
#ifndef SLUICE_CORE_HOST_H
#define SLUICE_CORE_HOST_H

#include "call.h"
#include "config.h"
#include "fields.h"
#include "ids.h"

struct auth;
struct bus;
struct docs;
struct fetcher;
struct http_server;
struct lua_host;
struct metrics;
struct registry;
struct store;
struct test_hooks;
struct watchdog;

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
    char *pointer;            /* "/plugins/NAME" in the configuration */
    char *refused_name;       /* set when the file was refused: there is no code behind it */
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
    struct docs *docs; /* made when first asked for */
    struct watchdog *watchdog;
    struct test_hooks *test; /* NULL in production */
    char *state_dir;
    bool ready, draining;
    int64_t started_ms;
    struct sl_call *background; /* calls made by sl_spawn, to be cancelled on a drain */
    uint64_t request_prefix, request_count;
    struct random_pool id_pool;
    struct config_section *sections; /* of the last host_sections */
};

void host_init(struct host *host, struct loop *loop);
/* Reads and checks the configuration and the descriptors it names; runs no code of a plugin but
 * `check`. False: host->config holds the notes. */
bool host_configure(struct host *host, const char *config_path);
/* Rows of the core and of every plugin, for config_check and its companions. */
size_t host_sections(struct host *host, const struct config_section **sections);
/* Opens the store, applies migrations, starts plugins and listeners. In a fiber. False with a
 * sentence (malloc'ed) when the platform cannot serve. */
bool host_start(struct host *host, char **error);
void host_stop(struct host *host); /* the other way round; in a fiber */
void host_fini(struct host *host); /* frees what host_init and host_configure made */

/* Adds a plugin before host_start: a descriptor that is linked in, or a file. NULL or a sentence. */
const char *host_add_plugin(struct host *host, struct plugin *plugin);
void host_refuse_plugin(struct host *host, const char *name, const char *reason);
struct plugin *host_plugin(const struct host *host, const char *name);

void host_track(struct host *host, struct sl_call *call);
void host_untrack(struct host *host, struct sl_call *call);
struct op;
struct metric_series *host_op_result(const struct op *op, int status);

#endif
