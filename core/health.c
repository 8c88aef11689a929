#include "health.h"
#include "bus.h"
#include "host.h"
#include "http.h"
#include "metrics.h"
#include "op.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

static bool is(struct http_span span, const char *text) {
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

bool health_answer(struct host *host, struct http_exchange *exchange) {
    (void)host;
    const struct http_request *request = http_exchange_request(exchange);
    struct http_span path = request->path;
    if (request->method > HTTP_M_HEAD || path.size > 10) return false;
    if (!is(path, "/healthz") && !is(path, "/health") && !is(path, "/livez") &&
        !is(path, "/-/healthy"))
        return false;
    static const char headers[] = "Content-Type: application/json\r\n";
    static const char body[] = "{\"status\":\"ok\"}";
    http_reply(exchange, 200, (struct http_span){headers, sizeof headers - 1},
               (struct http_span){body, sizeof body - 1});
    return true;
}

/* Reached by sluice.call and the CLI; over HTTP health_answer is faster. */
static int health(sl_call *call, const cJSON *in, cJSON *out) {
    (void)call, (void)in;
    cJSON_AddStringToObject(out, "status", "ok");
    return 0;
}

static void add_check(cJSON *checks, const char *name, const char *trouble, bool degraded) {
    cJSON *check = cJSON_CreateObject();
    cJSON_AddStringToObject(check, "name", name);
    cJSON_AddStringToObject(check, "status", !trouble ? "ok" : degraded ? "degraded" : "down");
    if (trouble) cJSON_AddStringToObject(check, "reason", trouble);
    cJSON_AddItemToArray(checks, check);
}

static int ready(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    struct host *host = call->host;
    const char *store = store_write_trouble(host->store);
    bool good = host->ready && !host->draining && !store;
    cJSON_AddStringToObject(out, "status", good ? "ready" : "not ready");
    cJSON *checks = cJSON_AddArrayToObject(out, "checks");
    add_check(checks, "server",
              host->draining ? "draining"
              : host->ready  ? NULL
                             : "starting",
              false);
    add_check(checks, "store", store, false);
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        const char *trouble = plugin->state == PLUGIN_RUNNING ? NULL
                              : plugin->trouble               ? plugin->trouble
                                                              : "not running";
        if (trouble && plugin->required) good = false;
        add_check(checks, arena_printf(call->arena, "plugin %s", plugin->name), trouble,
                  !plugin->required);
    }
    if (!good) sl_reply_status(call, 503);
    return 0;
}

static void refresh_gauges(struct host *host) {
    struct {
        const char *name;
        double value;
    } gauges[] = {
        {"http_connections", host->http ? (double)http_server_connections(host->http) : 0},
        {"fibers", host->loop->fibers_live},
        {"leader", bus_leads(host->bus)},
        {"start_time_seconds", (double)host->started_ms / 1000.0},
        {"store_writable", store_write_trouble(host->store) ? 0 : 1},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        metric_set(metric_series(metrics_find(host->metrics, gauges[i].name), NULL),
                   gauges[i].value);
    struct metric *up = metrics_find(host->metrics, "plugin_up");
    for (size_t i = 0; i < host->plugin_count; i++)
        metric_set(metric_series(up, host->plugins[i]->name),
                   host->plugins[i]->state == PLUGIN_RUNNING);
}

static int metrics_page(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    const cJSON *open = config_at(call->host->config, "/server/public_metrics");
    if (cJSON_IsFalse(open) && !sl_can(call, "metrics:read"))
        return sl_fail(call, SL_DENIED,
                       "/metrics needs a token with the permission 'metrics:read'");
    refresh_gauges(call->host);
    const char *accept = sl_header(call, "accept");
    bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
    size_t size;
    char *text = metrics_text(call->host->metrics, openmetrics, &size);
    sl_reply_bytes(call,
                   openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
                   text, size);
    free(text);
    return 0;
}

static int plugin_list(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    static const char *const states[] = {"declared", "running", "failed", "stopped"};
    struct host *host = call->host;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", plugin->name);
        cJSON_AddStringToObject(item, "version", plugin->face.version);
        cJSON_AddStringToObject(item, "state", states[plugin->state]);
        if (plugin->trouble) cJSON_AddStringToObject(item, "reason", plugin->trouble);
        if (plugin->face.summary) cJSON_AddStringToObject(item, "summary", plugin->face.summary);
        cJSON_AddBoolToObject(item, "required", plugin->required);
        cJSON_AddStringToObject(
            item, "abi",
            arena_printf(call->arena, "%u.%u", plugin->face.abi_major, plugin->face.abi_minor));
        cJSON_AddItemToArray(items, item);
    }
    return 0;
}

static const sl_field health_out[] = {SL_STRING("status", .example = "\"ok\""), SL_END};
static const sl_field check_out[] = {SL_STRING("name"), SL_ENUM("status", "ok|degraded|down"),
                                     SL_STRING("reason"), SL_END};
static const sl_field ready_in[] = {
    SL_STRING("verbose", .help = "taken for compatibility: the checks are always shown"), SL_END};
static const sl_field ready_out[] = {SL_ENUM("status", "ready|not ready"),
                                     SL_LIST_OF("checks", check_out), SL_END};
static const sl_field plugin_out[] = {SL_STRING("name"),
                                      SL_STRING("version"),
                                      SL_ENUM("state", "declared|running|failed|stopped"),
                                      SL_STRING("reason"),
                                      SL_STRING("summary"),
                                      SL_BOOL("required"),
                                      SL_STRING("abi"),
                                      SL_END};
static const sl_field plugins_out[] = {SL_LIST_OF("items", plugin_out), SL_END};

const sl_op health_ops[] = {{.name = "platform.health",
                             .route = "GET /health",
                             .also = "GET /healthz",
                             .summary = "Say that the process turns",
                             .out = health_out,
                             .needs = "public",
                             .effect = SL_READS,
                             .run = health},
                            {.name = "platform.live",
                             .route = "GET /livez",
                             .also = "GET /-/healthy",
                             .summary = "Say that the process turns (other names)",
                             .out = health_out,
                             .needs = "public",
                             .effect = SL_READS,
                             .flags = SL_OP_HIDDEN,
                             .run = health},
                            {.name = "platform.ready",
                             .route = "GET /readyz",
                             .also = "GET /-/ready",
                             .summary = "Say whether requests can be served, check by check",
                             .in = ready_in,
                             .out = ready_out,
                             .needs = "public",
                             .effect = SL_READS,
                             .run = ready},
                            {.name = "platform.started",
                             .route = "GET /startupz",
                             .summary = "Say whether the start is over",
                             .in = ready_in,
                             .out = ready_out,
                             .needs = "public",
                             .effect = SL_READS,
                             .flags = SL_OP_HIDDEN,
                             .run = ready},
                            {.name = "platform.metrics",
                             .route = "GET /metrics",
                             .summary = "Show metrics as Prometheus text or OpenMetrics",
                             .needs = "public",
                             .effect = SL_READS,
                             .run = metrics_page},
                            {.name = "plugin.list",
                             .route = "GET /plugins",
                             .summary = "List the plugins and their state",
                             .out = plugins_out,
                             .needs = "any",
                             .effect = SL_READS,
                             .run = plugin_list},
                            SL_END};

static const double lag_bounds[] = {.001, .005, .01, .05, .1, .5, 1, 5, 0};

const sl_metric core_metrics[] = {
    {.name = "operation_duration_seconds",
     .type = SL_HISTOGRAM,
     .labels = "operation",
     .help = "time in the handler of an operation, waits included"},
    {.name = "operations_total",
     .type = SL_COUNTER,
     .labels = "operation,result",
     .help = "calls of an operation by result"},
    {.name = "http_refused_total",
     .type = SL_COUNTER,
     .labels = "status",
     .help = "requests refused before they reached an operation"},
    {.name = "http_connections", .type = SL_GAUGE, .help = "open connections of this worker"},
    {.name = "fibers", .type = SL_GAUGE, .help = "fibers in progress"},
    {.name = "leader", .type = SL_GAUGE, .help = "1 when this worker runs listeners and jobs"},
    {.name = "plugin_up", .type = SL_GAUGE, .labels = "plugin", .help = "1 when the plugin runs"},
    {.name = "store_writable", .type = SL_GAUGE, .help = "0 while writes fail (disk full, locked)"},
    {.name = "start_time_seconds", .type = SL_GAUGE, .help = "when this worker started, Unix time"},
    {.name = "loop_lag_seconds",
     .type = SL_HISTOGRAM,
     .buckets = lag_bounds,
     .help = "how late a 100 ms timer of the loop fired"},
    SL_END};
