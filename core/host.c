#include "host.h"
#include "auth.h"
#include "bus.h"
#include "docs.h"
#include "fetcher.h"
#include "health.h"
#include "ids.h"
#include "loader.h"
#include "logging.h"
#include "lua_host.h"
#include "metrics.h"
#include "op.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HOST_MAGIC = 0x4057u };

void host_init(struct host *host, struct loop *loop) {
    memset(host, 0, sizeof *host);
    host->magic = HOST_MAGIC;
    host->loop = loop;
    host->started_ms = loop_now_ms(loop);
    random_bytes(&host->request_prefix, sizeof host->request_prefix);
    host->registry = registry_new();
    host->metrics = metrics_new();
    host->core.host = host;
    host->core.name = "sluice";
    host->core.state = PLUGIN_RUNNING;
    host->core.identity =
        (struct identity){.tenant = "system", .actor = "platform", .permissions = "*"};
    host->core.face = (sl_plugin){.name = "sluice",
                                  .version = SLUICE_VERSION,
                                  .op_size = sizeof(sl_op),
                                  .field_size = sizeof(sl_field)};
    for (const sl_metric *row = core_metrics; row->name; row++) metrics_declare(host->metrics, row);
    for (const sl_metric *row = bus_metrics; row->name; row++) metrics_declare(host->metrics, row);
    for (const sl_metric *row = fetch_metrics; row->name; row++)
        metrics_declare(host->metrics, row);
    host->lua = lua_host_open(host);
}

struct plugin *host_plugin(const struct host *host, const char *name) {
    for (size_t i = 0; i < host->plugin_count; i++)
        if (strcmp(host->plugins[i]->name, name) == 0) return host->plugins[i];
    return NULL;
}

const char *host_add_plugin(struct host *host, struct plugin *plugin) {
    if (host_plugin(host, plugin->name)) return "a plugin of this name is loaded already";
    host->plugins = realloc(host->plugins, (host->plugin_count + 1) * sizeof *host->plugins);
    host->plugins[host->plugin_count++] = plugin;
    return NULL;
}

void host_track(struct host *host, struct sl_call *call) {
    call->next_background = host->background;
    host->background = call;
}

void host_untrack(struct host *host, struct sl_call *call) {
    struct sl_call **at = &host->background;
    while (*at && *at != call) at = &(*at)->next_background;
    if (*at) *at = call->next_background;
}

struct metric_series *host_op_result(const struct op *op, int status) {
    struct host *host = op->plugin->host;
    char labels[160];
    snprintf(labels, sizeof labels, "%s|%s", op->row.name, sl_status_name(status));
    return metric_series(metrics_find(host->metrics, "operations_total"), labels);
}

/* ---- configuration ---- */

/* Where plugins are looked for: configured folders, beside libsluice, the install folder. */
static const char **plugin_folders(const struct config *config, char **beside) {
    const cJSON *dirs = config_at(config, "/plugin_dirs"), *dir;
    const char **list = calloc((size_t)cJSON_GetArraySize(dirs) + 4, sizeof *list);
    size_t count = 0;
    cJSON_ArrayForEach(dir, dirs) if (cJSON_IsString(dir)) list[count++] = dir->valuestring;
    char *folder = library_folder();
    if (asprintf(beside, "%s/plugins", folder) < 0) abort();
    free(folder);
    list[count++] = *beside;
    list[count] = SLUICE_LIBDIR "/sluice/plugins";
    return list;
}

static void load_plugin(struct host *host, const cJSON *options, const char *const *folders) {
    const char *name = options->string;
    char pointer[256], *error = NULL;
    snprintf(pointer, sizeof pointer, "/plugins/%s", name);
    const cJSON *enabled = cJSON_GetObjectItemCaseSensitive(options, "enabled");
    if (cJSON_IsFalse(enabled)) return;
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(options, "file");
    char *path = cJSON_IsString(file) ? strdup(file->valuestring) : loader_find(name, folders);
    if (!path) {
        char *nearest = config_nearest_plugin(host->config, name);
        config_fault(host->config, pointer, true, "C0401", nearest,
                     "there is no plugin '%s': no %s.so or %s.lua in %s", name, name, name,
                     folders[0]);
        free(nearest);
        return;
    }
    struct plugin *plugin = loader_open(host, path, &error);
    free(path);
    if (plugin && strcmp(plugin->name, name) != 0 &&
        asprintf(&error, "%s calls itself '%s', not '%s'", plugin->file, plugin->name, name) > 0) {
        plugin_free(plugin);
        plugin = NULL;
    }
    if (plugin) {
        plugin->required = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(options, "required"));
        host_add_plugin(host, plugin);
        return;
    }
    bool required = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(options, "required"));
    if (required)
        config_fault(host->config, pointer, true, "C0402", NULL, "%s", error);
    else
        host_refuse_plugin(host, name, error);
    free(error);
}

/* One that could not be loaded stays in the list with the reason, and the rest serves. */
void host_refuse_plugin(struct host *host, const char *name, const char *reason) {
    struct plugin *plugin = calloc(1, sizeof *plugin);
    plugin->host = host;
    plugin->refused_name = strdup(name);
    plugin->name = plugin->refused_name;
    plugin->face = (sl_plugin){.name = plugin->name, .version = "", .field_size = sizeof(sl_field)};
    plugin->state = PLUGIN_FAILED;
    plugin->trouble = strdup(reason);
    log_error("plugin %s is refused: %s", name, reason);
    if (!host_add_plugin(host, plugin)) return;
    free(plugin->refused_name);
    plugin_free(plugin);
}

size_t host_sections(struct host *host, const struct config_section **sections) {
    free(host->sections);
    host->sections = calloc(host->plugin_count + 1, sizeof *host->sections);
    size_t count = 0;
    host->sections[count++] = (struct config_section){"", {config_core_rows, sizeof(sl_field)}};
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        if (plugin->refused_name) continue;
        char *pointer;
        if (asprintf(&pointer, "/plugins/%s", plugin->name) < 0) abort();
        free(plugin->pointer);
        plugin->pointer = pointer;
        host->sections[count++] =
            (struct config_section){pointer, {plugin->face.config, plugin->face.field_size}};
    }
    *sections = host->sections;
    return count;
}

static void check_plugins(struct host *host) {
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        if (plugin->refused_name) continue;
        plugin->options = config_at(host->config, plugin->pointer);
        if (!plugin->face.check) continue;
        struct arena arena;
        struct sl_call call;
        arena_init(&arena);
        struct arena *before = arena_use(&arena);
        call_init(&call, host, plugin, &arena);
        if (plugin->face.check(&call, plugin->options))
            config_fault(host->config, plugin->pointer, true, "C0403", NULL, "%s",
                         sl_failure(&call));
        arena_use(before);
        arena_fini(&arena);
    }
}

bool host_configure(struct host *host, const char *config_path) {
    host->config = config_read(config_path);
    if (!config_readable(host->config)) return false; /* else all faults are told in one go */
    char *beside;
    const char **folders = plugin_folders(host->config, &beside);
    const cJSON *plugins = config_at(host->config, "/plugins"), *options;
    if (cJSON_IsObject(plugins))
        cJSON_ArrayForEach(options, plugins) load_plugin(host, options, folders);
    free(folders);
    free(beside);
    const struct config_section *sections;
    size_t count = host_sections(host, &sections);
    config_check(host->config, sections, count);
    if (!config_ok(host->config)) return false;
    char *fault = loader_order(host->plugins, host->plugin_count);
    if (fault) config_fault(host->config, "/plugins", true, "C0404", NULL, "%s", fault);
    free(fault);
    check_plugins(host);
    return config_ok(host->config);
}

/* ---- start ---- */

static bool make_folder(const char *path, char **error) {
    char *copy = strdup(path);
    for (char *at = copy + 1;; at++) {
        if (*at && *at != '/') continue;
        char was = *at;
        *at = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            if (asprintf(error, "cannot make the state folder %s: %s", copy, strerror(errno)) < 0)
                abort();
            free(copy);
            return false;
        }
        *at = was;
        if (!was) break;
    }
    free(copy);
    return true;
}

static bool open_store(struct host *host, char **error) {
    char *path = NULL;
    if (host->state_dir) {
        if (!make_folder(host->state_dir, error)) return false;
        if (asprintf(&path, "%s/sluice.db", host->state_dir) < 0) abort();
    }
    const cJSON *busy = config_at(host->config, "/store/busy_timeout");
    struct store_options options = {.path = path,
                                    .busy_timeout_ms = busy ? (int64_t)busy->valuedouble : 0};
    host->store = store_open(host, &options, error);
    free(path);
    return host->store != NULL;
}

static void mark_failed(struct plugin *plugin, const char *reason) {
    plugin->state = PLUGIN_FAILED;
    free(plugin->trouble);
    plugin->trouble = strdup(reason);
    log_error("plugin %s does not start: %s", plugin->name, reason);
}

static const char *required_that_failed(const struct host *host, const struct plugin *plugin) {
    const char *at = plugin->face.requires_plugins;
    while (at && *at) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ");
        for (size_t i = 0; i < host->plugin_count; i++) {
            const struct plugin *other = host->plugins[i];
            if (strlen(other->name) == size && strncmp(other->name, at, size) == 0 &&
                other->state == PLUGIN_FAILED)
                return other->name;
        }
        at += size;
    }
    return NULL;
}

static const void *row_at(const void *first, size_t size, size_t i) {
    return (const char *)first + size * i;
}

static void declare_rows(struct host *host, struct plugin *plugin) {
    const sl_plugin *face = &plugin->face;
    for (size_t i = 0; face->metrics; i++) {
        const sl_metric *row = row_at(face->metrics, face->metric_size, i);
        if (!row->name) break;
        metrics_declare(host->metrics, row);
    }
    for (size_t i = 0; face->on; i++) {
        const sl_listen *row = row_at(face->on, face->listen_size, i);
        if (!row->name) break;
        bus_listen(host->bus, plugin, row);
    }
    for (size_t i = 0; face->jobs; i++) {
        const sl_job *row = row_at(face->jobs, face->job_size, i);
        if (!row->name) break;
        bus_job(host->bus, plugin, row);
    }
}

static void start_plugin(struct host *host, struct plugin *plugin) {
    if (plugin->state == PLUGIN_FAILED) return;
    char *error = NULL;
    const char *fault = registry_add(host->registry, plugin);
    if (fault) {
        mark_failed(plugin, fault);
        return;
    }
    const char *failed = required_that_failed(host, plugin);
    if (failed && asprintf(&error, "it requires plugin %s, which is not running", failed) < 0)
        abort();
    if (!error && plugin->face.schema)
        store_migrate(host->store, plugin->name, plugin->face.schema, plugin->face.migration_size,
                      &error);
    if (error) {
        mark_failed(plugin, error);
        free(error);
        return;
    }
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_init(&call, host, plugin, &arena);
    int rc = plugin->face.start ? plugin->face.start(&call, plugin->options) : 0;
    if (rc)
        mark_failed(plugin, *sl_failure(&call) ? sl_failure(&call) : "its start function failed");
    arena_use(before);
    arena_fini(&arena);
    if (rc) return;
    plugin->state = PLUGIN_RUNNING;
    declare_rows(host, plugin);
}

static bool add_core_ops(struct host *host, char **error) {
    const sl_op *const tables[] = {health_ops, auth_ops, bus_ops, docs_ops, config_ops};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        host->core.face.ops = tables[i];
        const char *fault = registry_add(host->registry, &host->core);
        if (!fault) continue;
        *error = strdup(fault);
        return false;
    }
    return true;
}

static void prepare_op_metrics(struct host *host) {
    struct metric *seconds = metrics_find(host->metrics, "operation_duration_seconds");
    struct op *op;
    for (size_t i = 0; (op = registry_at(host->registry, i)); i++)
        op->seconds = metric_series(seconds, op->row.name);
}

bool host_start(struct host *host, char **error) {
    if (!open_store(host, error)) return false;
    if (store_migrate(host->store, "sluice", bus_schema, sizeof(sl_migration), error) ||
        store_migrate(host->store, "sluice-auth", auth_schema, sizeof(sl_migration), error))
        return false;
    host->bus = bus_open(host);
    host->fetcher = fetcher_open(host);
    host->auth = auth_open(host, error);
    if (!host->auth) return false;
    bus_job(host->bus, NULL, &auth_job);
    if (!add_core_ops(host, error)) return false;
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        start_plugin(host, plugin);
        if (plugin->state != PLUGIN_FAILED || !plugin->required) continue;
        if (asprintf(error, "required plugin %s does not start: %s", plugin->name,
                     plugin->trouble) < 0)
            abort();
        return false;
    }
    prepare_op_metrics(host);
    bus_start(host->bus, host->state_dir);
    host->ready = true;
    return true;
}

/* ---- stop ---- */

static void stop_plugin(struct host *host, struct plugin *plugin) {
    if (plugin->state != PLUGIN_RUNNING) return;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_init(&call, host, plugin, &arena);
    if (plugin->face.stop) plugin->face.stop(&call);
    arena_use(before);
    arena_fini(&arena);
    plugin->state = PLUGIN_STOPPED;
}

void host_stop(struct host *host) {
    host->ready = false;
    for (struct sl_call *call = host->background; call; call = call->next_background)
        call_cancel(call);
    if (host->bus) bus_drain(host->bus);
    for (size_t i = host->plugin_count; i-- > 0;) stop_plugin(host, host->plugins[i]);
    if (host->fetcher) fetcher_close(host->fetcher);
    if (host->bus) bus_close(host->bus);
    auth_close(host->auth);
    if (host->store) store_close(host->store);
    host->fetcher = NULL;
    host->bus = NULL;
    host->auth = NULL;
    host->store = NULL;
}

void host_fini(struct host *host) {
    for (size_t i = 0; i < host->plugin_count; i++) {
        free(host->plugins[i]->refused_name);
        free(host->plugins[i]->pointer);
        plugin_free(host->plugins[i]);
    }
    free(host->plugins);
    free(host->sections);
    lua_host_close(host->lua);
    docs_free(host->docs);
    registry_free(host->registry);
    metrics_free(host->metrics);
    config_free(host->config);
    free(host->state_dir);
    memset(host, 0, sizeof *host);
}
